#include "memory.h"

#include <malloc.h>
#include <stdlib.h>

/* Other threads of MPI allocate, too: counts are atomic. */
int64_t fuzz_live, fuzz_peak;

static void fuzz_count(int64_t bytes)
{
    int64_t live = __atomic_add_fetch(&fuzz_live, bytes, __ATOMIC_RELAXED);

    if (live > __atomic_load_n(&fuzz_peak, __ATOMIC_RELAXED))
        __atomic_store_n(&fuzz_peak, live, __ATOMIC_RELAXED);
}

#ifdef FUZZ_SANITIZED

/* Of the sanitizer's allocator_interface.h, which not every package of a compiler has. */
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *));
size_t __sanitizer_get_allocated_size(const volatile void *memory);

static void fuzz_on_malloc(const volatile void *memory, size_t bytes)
{
    (void)memory;
    fuzz_count((int64_t)bytes);
}

static void fuzz_on_free(const volatile void *memory)
{
    if (memory != NULL)
        fuzz_count(-(int64_t)__sanitizer_get_allocated_size(memory));
}

void fuzz_watch_memory(void)
{
    __sanitizer_install_malloc_and_free_hooks(fuzz_on_malloc, fuzz_on_free);
}

#else

/* glibc's own allocator under the names that it gives to whom stands before it. */
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *memory, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);
void __libc_free(void *memory);

static void *fuzz_counted(void *memory)
{
    if (memory != NULL)
        fuzz_count((int64_t)malloc_usable_size(memory));
    return memory;
}

void *malloc(size_t bytes)
{
    return fuzz_counted(__libc_malloc(bytes));
}

void *calloc(size_t count, size_t bytes)
{
    return fuzz_counted(__libc_calloc(count, bytes));
}

void *realloc(void *memory, size_t bytes)
{
    int64_t before = memory != NULL ? (int64_t)malloc_usable_size(memory) : 0;
    void *moved = __libc_realloc(memory, bytes);

    if (moved != NULL || bytes == 0)
        fuzz_count(-before);
    return fuzz_counted(moved);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    return fuzz_counted(__libc_memalign(alignment, bytes));
}

void *memalign(size_t alignment, size_t bytes)
{
    return fuzz_counted(__libc_memalign(alignment, bytes));
}

int posix_memalign(void **memory, size_t alignment, size_t bytes)
{
    void *taken = fuzz_counted(__libc_memalign(alignment, bytes));

    if (taken == NULL)
        return 12; /* ENOMEM */
    *memory = taken;
    return 0;
}

void free(void *memory)
{
    if (memory != NULL)
        fuzz_count(-(int64_t)malloc_usable_size(memory));
    __libc_free(memory);
}

void fuzz_watch_memory(void)
{
}

#endif

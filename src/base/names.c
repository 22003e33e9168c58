#include "qctx/base/names.h"

#include <stdio.h>
#include <string.h>

int qctx_name_find(const char *const *names, const char *text)
{
    for (int i = 0; names[i] != NULL; i++)
        if (strcmp(names[i], text) == 0)
            return i;
    return -1;
}

int64_t qctx_name_count(const char *const *names)
{
    int64_t count = 0;

    while (names[count] != NULL)
        count++;
    return count;
}

char *qctx_names_join(const char *const *names, const char *between, const char *last, char *text, size_t bytes)
{
    size_t used = 0;

    text[0] = '\0';
    for (int i = 0; names[i] != NULL && used < bytes; i++)
        used += (size_t)snprintf(text + used, bytes - used, "%s%s",
                                 i == 0                 ? ""
                                 : names[i + 1] == NULL ? last
                                                        : between,
                                 names[i]);
    return text;
}

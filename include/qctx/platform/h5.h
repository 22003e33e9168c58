/*
 * HDF5: the only module that knows hdf5.h. A thin layer that turns HDF5's
 * handles and error stack into qctx_status and messages with file and object.
 * HDF5's own error printing is switched off.
 */
#ifndef QCTX_PLATFORM_H5_H
#define QCTX_PLATFORM_H5_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qctx/base/status.h"

/* An open file and the path that messages name. */
typedef struct qctx_h5 qctx_h5;

typedef enum { QCTX_H5_FLOAT32, QCTX_H5_FLOAT16, QCTX_H5_INT64, QCTX_H5_BYTES } qctx_h5_type;

/* What is known of a dataset. */
typedef struct {
    int rank;         /* 1 or 2 */
    int64_t shape[2]; /* shape[1] is 1 for rank 1 */
    bool is_float;    /* any floating-point type, converted on reading */
    bool is_half;     /* native half precision, which can also be read as bits */
    bool is_integer;
    bool is_text;
    size_t element_bytes; /* as stored */
    int64_t file_offset;  /* of contiguous data in native byte order, else −1 */
} qctx_h5_shape;

/* Opens for reading, one handle per rank. Local. Errors: IO, FORMAT (not HDF5, truncated). */
qctx_status qctx_h5_open(const char *path, qctx_h5 **opened, qctx_error *error);

/*
 * The same of a file that is open already, if without a name: `name` is for messages. The handle stays the caller's,
 * and open while a file is created by it. Local. Errors: IO, FORMAT.
 */
qctx_status qctx_h5_open_handle(const char *name, int handle, qctx_h5 **opened, qctx_error *error);
qctx_status qctx_h5_create_handle(const char *name, int handle, qctx_h5 **created, qctx_error *error);

/* Whether it is a file that can be opened, and no pipe, folder or device. Local. Errors: IO. */
qctx_status qctx_h5_check_readable(const char *path, qctx_error *error);

/* Whether it is such a file and has HDF5's signature; nothing more of it is read. Local. */
bool qctx_h5_is(const char *path);

/* Creates a file that one rank writes. Local. Errors: IO. */
qctx_status qctx_h5_create(const char *path, qctx_h5 **created, qctx_error *error);

/*
 * The same behind `front` bytes that are the caller's (4096, or a power of 2 above it; 0: none): HDF5 calls them the
 * user block, looks for the file behind them, and leaves them as they are. Places count from the first byte of all.
 */
qctx_status qctx_h5_create_behind(const char *path, int64_t front, qctx_h5 **created, qctx_error *error);

/*
 * Memory that holds a whole HDF5 file, behind `front` bytes that are the caller's. To begin with all is 0 but `front`;
 * the memory is used again when another file is made in it, and the caller frees `bytes`.
 */
typedef struct {
    char *bytes;
    int64_t capacity;
    int64_t front;
    int64_t count; /* bytes used: the front and the file */
} qctx_h5_image;

/*
 * Makes a file in memory, complete when it is closed: equal contents make equal bytes. `name` is for messages.
 * `image` outlives the file. Local. Errors: MEMORY, INTERNAL.
 */
qctx_status qctx_h5_create_image(const char *name, qctx_h5_image *image, qctx_h5 **created, qctx_error *error);

/* Opens a file in memory for reading. `image` outlives it. Local. Errors: FORMAT, MEMORY. */
qctx_status qctx_h5_open_image(const char *name, qctx_h5_image *image, qctx_h5 **opened, qctx_error *error);

/* Closes; errors of the final flush count. NULL-safe. Local. Errors: IO. */
qctx_status qctx_h5_close(qctx_h5 *file, qctx_error *error);

/* Whether there is a group or dataset of that path. Local. */
bool qctx_h5_exists(const qctx_h5 *file, const char *object);

/*
 * Refuses a file of which a part lies in another one: an external link, external storage, a virtual dataset. With
 * `allow`, only links to what is not there are refused. Local. Errors: FORMAT, IO (what a link names is missing).
 */
qctx_status qctx_h5_check_inside(const qctx_h5 *file, bool allow, qctx_error *error);

/* Names of the links in a group, sorted; free each and the array. Local. Errors: FORMAT, MEMORY. */
qctx_status qctx_h5_list(const qctx_h5 *file, const char *group, char ***names, int64_t *count, qctx_error *error);

/* Makes a group and its parents. Local. Errors: IO. */
qctx_status qctx_h5_make_group(qctx_h5 *file, const char *name, qctx_error *error);

/* Shape and type of a dataset. Local. Errors: FORMAT (absent, a group, another rank). */
qctx_status qctx_h5_inspect(const qctx_h5 *file, const char *dataset, qctx_h5_shape *shape, qctx_error *error);

/*
 * Creates a contiguous dataset [rows, cols] (cols 0: one-dimensional) and allocates its space, so that a
 * full disk is noticed here or at the writes. Local. Errors: IO.
 */
qctx_status qctx_h5_make(qctx_h5 *file, const char *dataset, qctx_h5_type type, int64_t rows, int64_t cols,
                         qctx_error *error);

/*
 * Writes or reads rows first … first + count − 1 from or to memory of type float32 (float datasets, converted
 * both ways), float16 (as bits in uint16_t, for datasets stored as native float16), int64 (integer datasets) or bytes
 * (unsigned 8-bit datasets). Independent on every rank. Local. Errors: IO, FORMAT.
 */
qctx_status qctx_h5_write(qctx_h5 *file, const char *dataset, qctx_h5_type memory, int64_t first, int64_t count,
                          const void *data, qctx_error *error);
qctx_status qctx_h5_read(const qctx_h5 *file, const char *dataset, qctx_h5_type memory, int64_t first, int64_t count,
                         void *data, qctx_error *error);

/*
 * Copies a dataset under the same name into another file, some rows at a time, as plain as it can be: numbers in the
 * machine's order as one of the types above, float16 only where it is, and texts of variable length. Sizes that it
 * claims but does not store are refused. Local. Errors: FORMAT (of another class; claims), IO, SPACE, MEMORY.
 */
qctx_status qctx_h5_copy(const qctx_h5 *from, qctx_h5 *to, const char *dataset, qctx_error *error);

/* Variable-length UTF-8 texts, a whole dataset at once. Local. Errors: IO. */
qctx_status qctx_h5_write_texts(qctx_h5 *file, const char *dataset, const char *const *texts, int64_t count,
                                qctx_error *error);

/* Reads texts of rows first … first + count − 1 (fixed or variable length); free each. Local. Errors: IO, FORMAT. */
qctx_status qctx_h5_read_texts(const qctx_h5 *file, const char *dataset, int64_t first, int64_t count, char **texts,
                               qctx_error *error);

/* Attributes of an object ("/" for the file); one that exists is replaced. Local. Errors: IO. */
qctx_status qctx_h5_set_text(qctx_h5 *file, const char *object, const char *name, const char *value, qctx_error *error);
qctx_status qctx_h5_set_int(qctx_h5 *file, const char *object, const char *name, int64_t value, qctx_error *error);
qctx_status qctx_h5_set_double(qctx_h5 *file, const char *object, const char *name, double value, qctx_error *error);
/* Whether an object has the attribute. Local. */
bool qctx_h5_has(const qctx_h5 *file, const char *object, const char *name);
/* The value of an attribute; a text is freshly allocated. Local. Errors: FORMAT (absent, or of another type), MEMORY.
 */
qctx_status qctx_h5_get_text(const qctx_h5 *file, const char *object, const char *name, char **value,
                             qctx_error *error);
qctx_status qctx_h5_get_int(const qctx_h5 *file, const char *object, const char *name, int64_t *value,
                            qctx_error *error);
qctx_status qctx_h5_get_double(const qctx_h5 *file, const char *object, const char *name, double *value,
                               qctx_error *error);

/* Version of the library, for records. Local. */
const char *qctx_h5_library(void);

/* Whether `bytes` bytes from the beginning of a file are those of HDF5 (its format, section II.A). Local. */
bool qctx_h5_begins(const void *data, size_t bytes);

#endif

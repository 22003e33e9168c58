/*
 * Paths that a file records, and nobody has named: those in the configuration of a run, and of the model in a store.
 * The file may be a stranger's, so what they lead to is only read where the user is at work or has said so: in the
 * working folder, in that of the file itself, and in the folders of an environment variable.
 */
#ifndef QCTX_BASE_TRUST_H
#define QCTX_BASE_TRUST_H

#include <stdbool.h>

#include "qctx/base/status.h"

/*
 * Whether something stands at a recorded path that may be followed: it leads into the working folder, into `folder`
 * (that of the file, or NULL) or into one of the folders that `variable` lists, all links taken into account; or it is
 * relative, without "..", and no link in `folder` leads it elsewhere, so that a link of the user's own is followed.
 * Local. False also without memory.
 */
bool qctx_trusts(const char *path, const char *folder, const char *variable);

/*
 * Where a recorded path leads from `folder` or else from the nearest folder above it, freshly allocated: a project is
 * moved as a whole. Only folders above it count that lie in the working folder, or are it, or in a folder of
 * `variable`, and so must what is found, all links taken into account. NULL where it leads nowhere, is absolute or goes
 * up by "..", where a link in `folder` leads it elsewhere, or without memory. Local.
 */
char *qctx_path_beside(const char *folder, const char *path, const char *variable, qctx_error *error);

/*
 * Refuses a recorded path that is not followed, and says how to allow it. `folder` and `variable` as above. Local.
 * Errors: IO.
 */
qctx_status qctx_refuse_untrusted(const char *path, const char *folder, const char *variable, qctx_error *error);

/* Whether `path` leads out of `folder` by a link that stands in it. Local. True also without memory. */
bool qctx_leads_out(const char *folder, const char *path);

#endif

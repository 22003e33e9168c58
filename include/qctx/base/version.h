/* The version of this build: the last tag and commit, as git describes them. */
#ifndef QCTX_BASE_VERSION_H
#define QCTX_BASE_VERSION_H

/* For example "0.1.0-12-gabc1234" or "abc1234-dirty"; "unknown" when built outside git. Local. */
const char *qctx_version(void);

#endif

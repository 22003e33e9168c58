#!/usr/bin/env bash
# libraries.sh CC "PKG-CONFIG MODULES": whether the compiler and the libraries that the build needs are there; names
# those that are missing, and what installs them.
set -u
cc=$1 modules=$2 missing=

command -v "${cc%% *}" >/dev/null || missing=" the compiler ${cc%% *},"
if command -v pkg-config >/dev/null; then
    for module in $modules; do pkg-config --exists "$module" || missing="$missing $module,"; done
else
    missing="$missing pkg-config,"
fi
[ -z "$missing" ] && exit 0
echo "make: missing:${missing%,}: 'make deps' installs what the build needs; without root, put the folders" \
    "of their .pc files into PKG_CONFIG_PATH, and see docs/jobs.md for other names" >&2
exit 1

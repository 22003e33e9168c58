#!/usr/bin/env bash
# Makes the throw-away Python environment of the checks against the originals, under build/, and prints its Python.
# It needs python3 with venv and a way to PyPI once; it takes a gigabyte, or six without the index of torch for CPUs.
set -eu
cd "$(dirname "$0")/../.."
place=build/originals/venv
wanted=tests/originals/requirements.txt
if ! cmp -s "$wanted" "$place/requirements.txt"; then
    rm -rf "$place"
    python3 -m venv "$place" >&2
    # The build for CPUs is a tenth of the other; where its index is out of reach, PyPI's does.
    torch=$(grep '^torch==' "$wanted")
    "$place/bin/pip" install -q --retries 0 "$torch" --index-url https://download.pytorch.org/whl/cpu >&2 ||
        "$place/bin/pip" install -q "$torch" >&2
    "$place/bin/pip" install -q -r "$wanted" >&2
    cp "$wanted" "$place/requirements.txt"
fi
echo "$PWD/$place/bin/python"

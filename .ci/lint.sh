#!/usr/bin/env bash
# Formatting, static analysis, and the checks of the house: each a script of this folder,
# whose head says what it holds. Prints what is wrong, exits 1 if anything is. The checks
# that read symbols need a build (BUILD, or build/).
set -u
cd "$(dirname "$0")/.." || exit 1
export BUILD=${BUILD:-build}
bad=0

echo "lint: clang-format"
clang-format --dry-run -Werror $(git ls-files 'src/*.[ch]' 'include/*.h' 'tests/*.[ch]') || bad=1

# What cppcheck found stays in a folder, so that only what has changed is looked at again.
echo "lint: cppcheck"
mkdir -p "$BUILD/cppcheck"
cppcheck --quiet --std=c11 --language=c -j "$(nproc)" --error-exitcode=1 --inline-suppr \
    --cppcheck-build-dir="$BUILD/cppcheck" --enable=warning,performance,portability \
    --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches \
    -Iinclude -Itests/support src tests || bad=1

for check in rooms modules cycles uncalled lengths selftest; do
    echo "lint: $check"
    ".ci/$check.sh" || bad=1
done
[[ $bad = 0 ]] && echo "lint: clean"
exit $bad

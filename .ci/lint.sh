#!/usr/bin/env bash
# Formatting, static analysis, the room check. Prints what is wrong, exits 1 if anything is.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0

echo "lint: clang-format"
clang-format --dry-run -Werror $(git ls-files 'src/*.[ch]' 'include/*.h' 'tests/*.[ch]') || bad=1

echo "lint: cppcheck"
cppcheck --quiet --std=c11 --language=c -j "$(nproc)" --error-exitcode=1 --inline-suppr \
    --enable=warning,performance,portability \
    --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches \
    -Iinclude -Itests/support src tests || bad=1

echo "lint: rooms"
.ci/rooms.sh || bad=1

echo "lint: file lengths"
long=$(git ls-files 'src/*.[ch]' 'include/*.h' 'tests/*.[ch]' | xargs wc -l | awk '$2 != "total" && $1 > 600')
if [[ -n $long ]]; then
    echo "longer than 600 lines: $long"
    bad=1
fi
[[ $bad = 0 ]] && echo "lint: clean"
exit $bad

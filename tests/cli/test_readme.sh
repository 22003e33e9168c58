#!/usr/bin/env bash
# What the documents list is what the program and the sources have. ranks: 0
. tests/support/cli.sh

readme=$project/README.md

# The configuration reference.
sed -n '/^<!-- reference -->$/,/^<!-- \/reference -->$/p' "$readme" | sed '1d;$d' >written
qctx info --config-reference >reference
check "the reference is not empty" test -s reference
check "README.md has the output of info --config-reference between its markers" diff written reference

# The exit codes: number and name of each.
sed -nE 's/^\| ([0-9]+) \| ([a-z]+) \|.*/\1 \2/p' "$readme" >written
sed -nE 's/^ *QCTX_(ERR_)?([A-Z]+) = ([0-9]+),.*/\3 \L\2/p' "$project/include/qctx/base/status.h" >declared
check "exit codes are declared" test -s declared
check "README.md lists the exit codes of base/status.h" diff written declared

# The commands.
sed -nE '/^\| command \|/,/^$/s/^\| `([a-z]+)[ `].*/\1/p' "$readme" | sort >written
qctx --help | sed -nE '/^commands:/,/^$/s/^  ([a-z]+) .*/\1/p' | sort >known
check "commands are known" test -s known
check "README.md lists the commands of --help" diff written known

# The modules: in the table of rooms, the words of the last column outside brackets.
sed -nE '/^\| room \|/,/^$/s/^\| ([a-z]+) \| .* \| (.*) \|$/\1: \2/p' "$project/docs/architecture.md" |
    grep -v '^room:' | sed -E 's/\([^()]*\)//g' >rooms
check "docs/architecture.md has the rooms of .ci/rooms.txt, in their order" \
    test "$(cut -d: -f1 rooms | xargs)" = "$(xargs <"$project/.ci/rooms.txt")"

modules_exist() {
    local room names name status=0
    while IFS=: read -r room names; do
        for name in ${names//,/ }; do
            if ! compgen -G "$project/include/qctx/$room/$name.h" >/dev/null &&
                ! compgen -G "$project/src/$room/$name.c" >/dev/null; then
                echo "$room/$name does not exist"
                status=1
            fi
        done
    done <rooms
    return $status
}
check "the modules of docs/architecture.md exist" modules_exist

modules_are_named() {
    local header module room status=0
    for header in "$project"/include/qctx/*/*.h; do
        module=$(basename "$header" .h) room=$(basename "$(dirname "$header")")
        grep "^$room:" rooms | tr -c 'a-z0-9_\n' ' ' | grep -qw "$module" ||
            { echo "$room/$module is not named"; status=1; }
    done
    return $status
}
check "docs/architecture.md names every module" modules_are_named

#!/usr/bin/env bash
# What the documents list is what the program and the sources have, and where they point to is there. ranks: 0
. tests/support/cli.sh

documents=("$project"/README.md "$project"/docs/*.md)

check "README.md has at most 200 lines" test "$(wc -l <"$project/README.md")" -le 200

# The configuration reference.
sed -n '/^<!-- reference -->$/,/^<!-- \/reference -->$/p' "$project/docs/configuration.md" | sed '1d;$d' >written
qctx info --config-reference >reference
check "the reference is not empty" test -s reference
check "docs/configuration.md has the output of info --config-reference between its markers" diff written reference

check "configs are there" compgen -G "$project/configs/*.yaml"
examples_are_listed() {
    local config status=0
    for config in "$project"/configs/*.yaml; do
        grep -qF "\`$(basename "$config")\`" "$project/docs/configuration.md" ||
            { echo "$config is not listed"; status=1; }
    done
    return $status
}
check "docs/configuration.md lists every example" examples_are_listed

# The exit codes: number and name of each.
sed -nE 's/^\| ([0-9]+) \| ([a-z]+) \|.*/\1 \2/p' "$project/docs/exit-codes.md" >written
sed -nE 's/^ *QCTX_(ERR_)?([A-Z]+) = ([0-9]+),.*/\3 \L\2/p' "$project/include/qctx/base/status.h" >declared
check "exit codes are declared" test -s declared
check "docs/exit-codes.md lists the exit codes of base/status.h" diff written declared

# The commands.
sed -nE '/^\| command \|/,/^$/s/^\| `([a-z]+)[ `].*/\1/p' "$project/README.md" | sort >written
qctx --help | sed -nE '/^commands:/,/^$/s/^  ([a-z]+) .*/\1/p' | sort >known
check "commands are known" test -s known
check "README.md lists the commands of --help" diff written known

# The results: README.md shows some lines of docs/results.md, told by their differences.
sed -nE '/^\| questions \|/,/^$/s/.*\| ([^|]*\[[^|]*\]) \|$/\1/p' "$project/README.md" >figures
check "README.md has results" test -s figures
results_are_the_same() {
    local figure status=0
    while read -r figure; do
        grep -qF -- "| $figure |" "$project/docs/results.md" || { echo "$figure is not in docs/results.md"; status=1; }
    done <figures
    return $status
}
check "the results of README.md stand in docs/results.md" results_are_the_same

# The anchors of a document's headings, as GitHub makes them.
anchors() {
    sed -nE 's/^#+ (.*)$/\1/p' "$1" | tr '[:upper:]' '[:lower:]' | sed -E "s/[^a-z0-9 _-]//g; s/ /-/g"
}

links_lead_somewhere() {
    local document target file status=0
    for document in "${documents[@]}"; do
        while read -r target; do
            file=${target%%#*}
            file=${file:+$(dirname "$document")/$file}
            file=${file:-$document}
            if [[ ! -e $file ]] || { [[ $target == *#* ]] && ! anchors "$file" | grep -qxF -- "${target#*#}"; }; then
                echo "$document: no such place: $target"
                status=1
            fi
        done < <(grep -oE '\]\([^)]+\)' "$document" | sed -E 's/^..(.*).$/\1/' | grep -vE '^https?://')
    done
    return $status
}
check "the links between documents lead somewhere" links_lead_somewhere

files_exist() {
    local document name status=0
    for document in "${documents[@]}"; do
        while read -r name; do
            compgen -G "$project/$name" >/dev/null || { echo "$document: no such file: $name"; status=1; }
        done < <(grep -oE '`(include|src|tests|configs|slurm|docs|\.ci)/[^` <>]*`' "$document" | tr -d '`')
    done
    return $status
}
check "the files that documents name exist" files_exist

# Messages of the program and comments name documents, too.
grep -rhoE 'docs/[a-z-]+\.md' "$project"/{src,include,slurm,configs} | sort -u >named
check "documents are named" test -s named
documents_exist() {
    local name status=0
    while read -r name; do
        [[ -e $project/$name ]] || { echo "no such document: $name"; status=1; }
    done <named
    return $status
}
check "the documents that the program and its files name exist" documents_exist

index_is_whole() {
    local document status=0
    for document in "$project"/docs/*.md; do
        grep -qF "]($(basename "$document"))" "$project/docs/README.md" || [[ $document == */README.md ]] ||
            { echo "$document is not listed"; status=1; }
    done
    return $status
}
check "docs/README.md lists every document" index_is_whole

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

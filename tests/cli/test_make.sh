# ranks: 1
# What make says where the libraries are missing, what it installs for whom, and where to.
source tests/support/cli.sh

without_libraries() {
    env -u MAKEFLAGS PKG_CONFIG_LIBDIR="$folder/nothing" make -C "$project" BUILD="$folder/build" PKG_CONFIG_PATH=
}
expect 2 "'make deps' installs what the build needs" without_libraries
cp output said
check "the libraries are named" grep -q "missing: ompi-c, hdf5-openmpi, yaml-0.1" said
check "and where they are looked for" grep -q "without root, put the folders of their .pc files into PKG_CONFIG_PATH" said
check "no compiler had its say" bash -c '! grep -qE "error:|fatal" said'
expect 2 "missing: the compiler no-such-cc:" env -u MAKEFLAGS make -C "$project" BUILD="$folder/build" CC=no-such-cc

# The demo and the tests install nothing that only the lint needs.
packages() { make -C "$project" -n "$@" 2>/dev/null | grep 'deps\.sh'; }
check "the demo's packages" bash -c "$(declare -f packages); project=$project; packages demo | grep -q openmpi-bin"
check "no tools of the lint" bash -c "$(declare -f packages); project=$project; ! packages demo test | grep -q cppcheck"
check "the lint's" bash -c "$(declare -f packages); project=$project; packages lint | grep -q cppcheck"

install_to() { env -u MAKEFLAGS make -C "$project" -o all install BUILD="$BUILD" "$@"; }
check "a prefix with a space" install_to PREFIX="$folder/a b"
check "the program runs there" bash -c '"a b/bin/qctx-dist" --version | grep -q "^qctx-dist "'
check "examples and scripts" test -e "a b/share/qctx-dist/configs/demo.yaml" -a -x "a b/share/qctx-dist/slurm/train.sbatch"
check "a DESTDIR, too" install_to DESTDIR="$folder/pack age" PREFIX="/opt/q x"
check "the program is in it" test -x "pack age/opt/q x/bin/qctx-dist"

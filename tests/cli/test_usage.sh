# ranks: 1
# What the program answers before it does any work: without mpirun, where starting costs least, and
# a few under mpirun, where all ranks must agree.
source tests/support/cli.sh

RANKS=2 expect 2 "did you mean 'train'?" qctx trian
RANKS=2 expect 0 "usage: qctx-dist train" qctx train --help
RANKS=3 expect 4 "absent.yaml" qctx train absent.yaml
RANKS=0
expect 2 "usage: qctx-dist COMMAND" qctx
expect 0 "commands:" qctx --help
expect 0 "usage: qctx-dist train" qctx help train
expect 2 "did you mean 'train'?" qctx help trian
expect 0 "qctx-dist " qctx --version
expect 2 "did you mean 'train'?" qctx trian
expect 2 "is not a command of qctx-dist" qctx frobnicate
commands=$($program --help | sed -nE '/^commands:/,/^$/s/^  ([a-z]+) .*/\1/p')
check "there are commands" test -n "$commands"
for command in $commands; do
    expect 0 "usage: qctx-dist $command" qctx $command --help
    expect 2 "unknown option '--no-such-option'" qctx $command --no-such-option
    check "$command --help fits a terminal of 80 columns" \
        bash -c "! $program $command --help | LC_ALL=C.UTF-8 grep -E '^.{81,}'"
done
expect 2 "did you mean '--resume'?" qctx train config.yaml --resum
expect 2 "too few arguments" qctx train
expect 2 "is not an override of the form key.path=value" qctx train config.yaml lr
expect 2 "exclude each other" qctx train config.yaml --resume --force
expect 4 "absent.yaml" qctx train absent.yaml
expect 4 "absent" qctx eval absent
expect 4 "absent" qctx search absent "a question"

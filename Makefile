# Builds qctx-dist. `make help` lists the targets.

SHELL := /bin/bash
.DEFAULT_GOAL := all

# Debian's packages of the program and its tests, which `make deps` installs; and those that only `make lint` needs.
PACKAGES := build-essential pkg-config openmpi-bin libopenmpi-dev libopenblas-openmp-dev libhdf5-openmpi-dev \
            libyaml-dev libjansson-dev libicu-dev libhwloc-dev libxxhash-dev libcmocka-dev libdnnl-dev \
            zlib1g-dev libzstd-dev libedit-dev
LINT_PACKAGES := clang-format cppcheck
MODULES  := ompi-c hdf5-openmpi yaml-0.1 jansson icu-uc icu-i18n hwloc libxxhash zlib cmocka openblas

CC     ?= cc
PREFIX ?= /usr/local
# release (the default), debug, sanitize or coverage; each has its own objects.
MODE   ?= release
BUILD  := $(if $(filter release,$(MODE)),build,build/$(MODE))

# Debian keeps the OpenMP build of OpenBLAS in a folder of its own; without the
# rpath the loader may take another build that is installed beside it.
MULTIARCH     := $(shell $(CC) -print-multiarch 2>/dev/null)
OPENBLAS_HOME := $(wildcard /usr/lib/$(MULTIARCH)/openblas-openmp)
export PKG_CONFIG_PATH := $(if $(OPENBLAS_HOME),$(OPENBLAS_HOME)/pkgconfig:)$(PKG_CONFIG_PATH)

# oneDNN, for products of bfloat16, and of float32 where the CPU has AVX-512: optional, and without a pkg-config file.
# The one API that the program knows is version 2. `make ONEDNN=` builds without it.
ONEDNN := $(shell printf '\043include <oneapi/dnnl/dnnl_version.h>\n_Static_assert(DNNL_VERSION_MAJOR == 2, "");\n' | \
                  $(CC) -fsyntax-only -x c - 2>/dev/null && echo yes)

# zstd, to read what it has compressed: optional. `make ZSTD=` builds without it.
ZSTD := $(shell pkg-config --exists libzstd 2>/dev/null && echo libzstd)

# libedit, to edit the questions of search on a terminal: optional. `make LIBEDIT=` builds without it.
LIBEDIT := $(shell pkg-config --exists libedit 2>/dev/null && echo libedit)

LIBRARY_MODULES := $(filter-out cmocka,$(MODULES)) $(ZSTD)
LIBRARY_CFLAGS   = $(shell pkg-config --cflags $(LIBRARY_MODULES) 2>/dev/null | sed 's/-I/-isystem /g')
LIBRARY_LIBS     = $(shell pkg-config --libs $(LIBRARY_MODULES) $(LIBEDIT) 2>/dev/null) \
                   $(OPENBLAS_HOME:%=-Wl,-rpath,%) $(if $(ONEDNN),-ldnnl)

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wno-unknown-pragmas \
            -Wno-overlength-strings
FLAGS_release  := -O3 -g1
FLAGS_debug    := -O0 -g3
FLAGS_sanitize := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
FLAGS_coverage := -O0 -g --coverage
CFLAGS  ?=
# Both flags let loops over sqrt and selections vectorise and change no result: nothing here reads errno after such
# functions, nor the floating-point exception flags. Products are not fused with sums, so that machines with and without
# such an instruction give the same bits: gcc's -std=c11 implies it, clang must be told.
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -fopenmp -fno-math-errno -fno-trapping-math -ffp-contract=off $(WARNINGS) $(FLAGS_$(MODE)) -Iinclude \
             $(LIBRARY_CFLAGS) $(if $(ONEDNN),-DQCTX_ONEDNN) $(if $(ZSTD),-DQCTX_ZSTD) $(CFLAGS)
ALL_LIBS   = $(LDFLAGS) $(LIBRARY_LIBS) -lm

SOURCES      := $(sort $(wildcard src/*/*.c))
OBJECTS      := $(SOURCES:%.c=$(BUILD)/obj/%.o)
MAIN_OBJECT  := $(BUILD)/obj/src/cli/main.o
LIBRARY      := $(BUILD)/libqctx.a
PROGRAM      := $(BUILD)/qctx-dist
TEST_SOURCES := $(sort $(wildcard tests/*/test_*.c))
# All, or those of some rooms: make test ROOMS="base data".
ROOMS        ?=
# Those of make sanitize-quick: what comes from elsewhere is read there, and most arithmetic done.
QUICK_ROOMS  := base text platform linalg model data store import
TESTS        := $(patsubst %.c,$(BUILD)/%,$(filter $(or $(patsubst %,tests/%/%,$(ROOMS)),%),$(TEST_SOURCES)))
# What the scripts of tests/faults use, and some tests: a library to preload, and programs.
FAULT_TOOLS  := $(BUILD)/tests/faults/interposer.so $(addprefix $(BUILD)/tests/faults/,flips heads)
# What test-models asks, beside the tests.
DUMP_IDS     := tests/originals/dump_ids.c
# Sources that are no test of their own: those of tests/support go into every test, others into the tests of their folder.
TEST_SHARED  := $(sort $(filter-out $(TEST_SOURCES) tests/faults/% tests/originals/%,$(wildcard tests/*/*.c)))
TEST_OBJECTS := $(patsubst %.c,$(BUILD)/obj/%.o,$(TEST_SOURCES) $(TEST_SHARED) $(DUMP_IDS) $(addprefix tests/faults/,flips.c heads.c))

# One short line a file; `make V=1` shows the commands.
say = $(if $(V),,@echo "  $(1)" &&)

.PHONY: all help deps libraries demo test test-slurm test-models lint format debug sanitize sanitize-quick fuzz faults coverage install clean tests-built

all: $(PROGRAM)

help:
	@sed -n 's/^## //p' Makefile

## make            build build/qctx-dist
## make deps       install Debian's packages (with sudo where needed)
## make demo       packages, build, then the main job on a synthetic corpus, 2 ranks
## make test       packages, build, all tests at 1 to 5 ranks, some at 8; ROOMS="base data" for those of some rooms
## make test-models  encoders against the original libraries, from PyPI; PYTHON=… for one that has them
## make test-slurm the batch scripts on a SLURM of two virtual nodes
## make lint       formatting, cppcheck, the checks of the house: rooms, cycles, callers, lengths
## make format     rewrite the sources in the project's format
## make debug      build/debug/qctx-dist, without optimisation
## make sanitize   all tests, or those of ROOMS, under address and undefined-behaviour sanitizers
## make sanitize-quick  those of the lower rooms alone, as .ci/run does
## make fuzz       400,000 mutated files under the same sanitizers, FUZZ_INPUTS=N, FUZZ_SEED=N; 13 minutes at most
## make faults     kills, full disks, damaged files, silent ranks: KILLS=200 SEED=1, about an hour
## make coverage   all tests with gcov, a summary by file
## make install    PREFIX=/usr/local by default, DESTDIR honoured
## make clean      remove build/

deps:
	@.ci/deps.sh "$(PACKAGES)" "$(MODULES)"

# One line, before the compiler has many to say.
libraries:
	@.ci/libraries.sh "$(CC)" "$(LIBRARY_MODULES)"

$(PROGRAM): $(MAIN_OBJECT) $(LIBRARY)
	$(call say,link $@) $(CC) $(ALL_CFLAGS) -o $@ $^ $(ALL_LIBS)

# Everything but main, so that a test links just what it uses.
$(LIBRARY): $(filter-out $(MAIN_OBJECT),$(OBJECTS))
	@rm -f $@
	$(call say,ar   $@) $(AR) rcs $@ $^

$(BUILD)/obj/%.o: %.c Makefile | libraries
	@mkdir -p $(@D)
	$(call say,cc   $<) $(CC) $(ALL_CFLAGS) $(if $(filter tests/%,$<),-Itests/support $(shell pkg-config --cflags cmocka)) -MMD -MP -c -o $@ $<

# The one file that uses it.
$(BUILD)/obj/src/platform/terminal_edit.o: ALL_CFLAGS += $(if $(LIBEDIT),-DQCTX_LIBEDIT $(shell pkg-config --cflags $(LIBEDIT) 2>/dev/null | sed 's/-I/-isystem /g'))

# The version changes with every commit: only the file that prints it is rebuilt then.
$(BUILD)/obj/src/base/version.o: ALL_CFLAGS += -DQCTX_VERSION='"$(VERSION)"'
$(BUILD)/obj/src/base/version.o: $(BUILD)/version.txt
$(BUILD)/version.txt: FORCE
	@mkdir -p $(@D)
	@echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' > $@
.PHONY: FORCE
# Make would take the objects of the tests for intermediate files and remove them.
.SECONDARY: $(TEST_OBJECTS)
FORCE:

shared_objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(filter tests/support/% $(patsubst $(BUILD)/%,%,$(dir $(1)))%,$(TEST_SHARED)))

.SECONDEXPANSION:
$(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $$(call shared_objects,$$@) $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,link $@) $(CC) $(ALL_CFLAGS) -o $@ $^ $(ALL_LIBS) $(shell pkg-config --libs cmocka)

# Preloaded before everything else: neither sanitized nor measured, and linked with nothing of the program.
$(BUILD)/tests/faults/interposer.so: tests/faults/interposer.c Makefile
	@mkdir -p $(@D)
	$(call say,link $@) $(CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) -O1 -g -shared -fPIC -o $@ $< -ldl

tests-built: $(PROGRAM) $(TESTS) $(FAULT_TOOLS)

# The packages may be installed by the very same run, so the build starts anew in a sub-make.
test: deps
	@$(MAKE) --no-print-directory -j$$(nproc) MODE=$(MODE) tests-built
	@BUILD=$(BUILD) tests/run.sh $(ROOMS:%=/%/)

test-slurm: deps
	@$(MAKE) --no-print-directory -j$$(nproc) MODE=$(MODE) all
	@BUILD=$(BUILD) tests/slurm/run.sh

# Two ranks also on one core, and as root, as in a container.
demo test-models: export OMPI_ALLOW_RUN_AS_ROOT = 1
demo test-models: export OMPI_ALLOW_RUN_AS_ROOT_CONFIRM = 1
demo test-models: export OMPI_MCA_rmaps_base_oversubscribe = 1
demo test-models: export OMPI_MCA_btl_vader_single_copy_mechanism = none
demo: deps
	@$(MAKE) --no-print-directory -j$$(nproc) all
	$(PROGRAM) synth --out demo/corpus --questions 20000 --seed 1 --force
	mpirun -np 2 $(PROGRAM) train configs/demo.yaml --force
	@echo "try: $(PROGRAM) search demo/runs/demo"

test-models: deps
	@$(MAKE) --no-print-directory -j$$(nproc) MODE=$(MODE) all $(BUILD)/tests/encoder/test_originals $(DUMP_IDS:%.c=$(BUILD)/%)
	@python=$${PYTHON:-$$(tests/originals/environment.sh)} && $$python tests/originals/check_models.py --build $(BUILD)

debug:
	@$(MAKE) --no-print-directory -j$$(nproc) MODE=debug all

sanitize: deps
	@$(MAKE) --no-print-directory -j$$(nproc) MODE=sanitize tests-built
	@BUILD=build/sanitize tests/run.sh $(ROOMS:%=/%/)

sanitize-quick:
	@$(MAKE) --no-print-directory sanitize ROOMS="$(QUICK_ROOMS)"

fuzz: deps
	@$(MAKE) --no-print-directory -j$$(nproc) MODE=sanitize build/sanitize/tests/fuzz/test_fuzz
	@tests/fuzz/fuzz.sh "$(or $(FUZZ_INPUTS),400000)" "$(or $(FUZZ_SEED),1)"

faults: deps
	@$(MAKE) --no-print-directory -j$$(nproc) MODE=$(MODE) $(PROGRAM) $(FAULT_TOOLS)
	@BUILD=$(BUILD) tests/faults/faults.sh "$(or $(KILLS),200)" "$(or $(SEED),1)"

coverage: deps
	@$(MAKE) --no-print-directory -j$$(nproc) MODE=coverage tests-built
	@BUILD=build/coverage tests/run.sh
	@.ci/coverage.sh build/coverage

# Some checks read the symbols of the objects.
lint: deps
	@.ci/deps.sh "$(LINT_PACKAGES)" ""
	@$(MAKE) --no-print-directory -j$$(nproc) MODE=$(MODE) all
	@BUILD=$(BUILD) .ci/lint.sh

format:
	@clang-format -i $(wildcard src/*/*.[ch] include/qctx/*/*.h tests/*/*.[ch])

install: all
	install -D -m 755 $(PROGRAM) "$(DESTDIR)$(PREFIX)/bin/qctx-dist"
	install -D -m 644 -t "$(DESTDIR)$(PREFIX)/share/qctx-dist/configs" configs/*.yaml
	install -D -m 755 -t "$(DESTDIR)$(PREFIX)/share/qctx-dist/slurm" slurm/*

clean:
	rm -rf build

-include $(OBJECTS:.o=.d) $(TEST_OBJECTS:.o=.d)

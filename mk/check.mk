# SPDX-License-Identifier: GPL-2.0
# make check and its kin.  Parts append to UNIT_TESTS, FUZZERS (names, built as
# $(B)/NAME), BOOT_TESTS and BOOT_TESTS_LONG (paths of executables that print
# TAP); kselftests are found by their header lines.

.SECONDEXPANSION:
FUZZ_SECONDS ?= 5
FUZZERS ?=
BOOT_TESTS ?=
BOOT_TESTS_LONG ?=

# kselftests of a group: files with a line "# group: NAME" near their top
kselftests = $(notdir $(shell grep -lE '^(#|//|/\*) *group: *($(1))' tests/kselftest/test_*.sh \
	tests/kselftest/test_*.c 2>/dev/null | sort | sed 's/\.c$$//'))
KSELFTESTS_QUICK = $(call kselftests,quick)
KSELFTESTS_ALL = $(call kselftests,quick|long)

# Unit tests again, with the sanitizers; what is linked statically can't have them.
SAN_CFLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=undefined
SAN_PROGRAMS = $(foreach p,$(PROGRAMS) $(TEST_PROGRAMS),$(if $(findstring -static,$($(p)_LDFLAGS)),,$(p)))
# Tests of shell scripts, which run no program of ours, append to UNIT_SCRIPTS, too.
SAN_TESTS = $(patsubst $(B)/%,$(B)/san/%,$(filter-out $(UNIT_SCRIPTS),$(UNIT_TESTS)))

.PHONY: test-programs san-programs san
test-programs: $$(addprefix $$(B)/,$$(TEST_PROGRAMS) $$(FUZZERS))
san-programs: $$(addprefix $$(B)/,$$(SAN_PROGRAMS))
san:
	$(Q)+$(MAKE) --no-print-directory B=$(B)/san CFLAGS="$(SAN_CFLAGS)" san-programs

# All that the tests run, by as many compilers as there are processors; by another make, as
# the kernel headers, and with them KVER, may have come by DEPS_STAMP.
JOBS = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))
.PHONY: check-programs
check-programs: $(DEPS_STAMP)
	$(Q)+$(MAKE) --no-print-directory $(JOBS) all test-programs san

RUN = B=$(B) KVER=$(KVER) UNIT_TESTS="$(UNIT_TESTS)" SAN_TESTS="$(SAN_TESTS)" \
	FUZZERS="$(addprefix $(B)/,$(FUZZERS))" tests/run

check: check-programs
	$(Q)KSELFTESTS="$(KSELFTESTS_QUICK)" BOOT_TESTS="$(BOOT_TESTS)" \
		$(RUN) --fuzz-seconds $(FUZZ_SECONDS)

check-all: check-programs
	$(Q)KSELFTESTS="$(KSELFTESTS_ALL)" BOOT_TESTS="$(BOOT_TESTS) $(BOOT_TESTS_LONG)" \
		$(RUN) --fuzz-seconds 60 --boot-timeout 4500

# The unit tests alone: what a programmer runs every few minutes.
.PHONY: check-unit check-kselftest
check-unit: user test-programs san
	$(Q)$(RUN) --fuzz-seconds 2

# T="test_x.sh …" names some
check-kselftest: all test-programs
	$(Q)KVER=$(KVER) B=$(B) KSELFTESTS="$(or $(T),$(KSELFTESTS_QUICK))" tests/run

# The kernel with KASAN, lockdep and kmemleak is built once, into the cache.
check-debug: $(DEPS_STAMP) user test-programs
	$(Q)dir=$$(tests/vm/debug-kernel) && kver=$$(basename $$dir/lib/modules/*) && \
	$(MAKE) --no-print-directory module KVER=$$kver KDIR=$$dir/o VDISK_DEBUG=y && \
	KSELFTESTS="$(or $(T),$(KSELFTESTS_QUICK))" B=$(B) tests/run --debug

# Newer kernels: compiled in the chroot of their Debian suite, then booted.
SUITES := trixie sid
.PHONY: compile-kernels check-kernels $(addprefix compile-,$(SUITES)) $(addprefix check-,$(SUITES))
compile-kernels: module $(addprefix compile-,$(SUITES))
$(addprefix compile-,$(SUITES)): compile-%: $(DEPS_STAMP)
	$(Q)tests/vm/chroot make $*
	$(Q)tests/vm/chroot module $*
check-kernels: $(addprefix check-,$(SUITES))
$(addprefix check-,$(SUITES)): check-%: compile-% user test-programs
	$(Q)KSELFTESTS="$(or $(T),$(KSELFTESTS_QUICK))" B=$(B) KVER=$* tests/run

HELP += 'make check         quick tests, under 30 minutes; check-all: also the long ones' \
	'make check-debug   kselftests under a KASAN, lockdep and kmemleak kernel' \
	'make check-kernels kselftests under newer kernels; compile-kernels: compile only' \
	'make check-kselftest T="test_x.sh"   some kselftests'

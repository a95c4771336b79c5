# SPDX-License-Identifier: GPL-2.0
# Benchmarks, in the VM with one guest instruction a nanosecond; see
# Documentation/performance.md.

# BENCH="overlay wire4k …" runs some groups only
bench: all
	$(Q)B=$(B) KVER=$(KVER) tests/bench/run $(BENCH)

TEST_PROGRAMS += load
load_SRCS := $(addprefix tests/bench/,load.c load_client.c load_trace.c)

# LOAD="--clients 100 vdiskd": options of load.sh
.PHONY: bench-load
bench-load: $(B)/vdiskd $(B)/load
	$(Q)B=$(B) tests/bench/load.sh $(LOAD)

# Locks on four processors, under a kernel that is built once, into the cache.
.PHONY: bench-locks
bench-locks: $(DEPS_STAMP) user test-programs
	$(Q)dir=$$(tests/vm/debug-kernel --lockstat) && kver=$$(basename $$dir/lib/modules/*) && \
	$(MAKE) --no-print-directory module KVER=$$kver KDIR=$$dir/o && B=$(B) tests/bench/lockstat

# An hour, for make check-all; SOAK_SECONDS=
BOOT_TESTS_LONG += tests/bench/soak

HELP += 'make bench-locks   how often locks of the driver are contended' \
	'make bench-load    a thousand clients of a server boot at once; LOAD="--clients 100 ..."' \
	'make bench         the driver against its peers; BENCH="wire4k ..." some groups'

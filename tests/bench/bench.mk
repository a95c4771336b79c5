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

# An hour, for make check-all; SOAK_SECONDS=
BOOT_TESTS_LONG += tests/bench/soak

HELP += 'make bench-load    a thousand clients of a server boot at once; LOAD="--clients 100 ..."' \
	'make bench         the driver against its peers; BENCH="wire4k ..." some groups'

# SPDX-License-Identifier: GPL-2.0
# Benchmarks, in the VM with one guest instruction a nanosecond; see
# Documentation/performance.md.

# BENCH="overlay wire4k …" runs some groups only
bench: all
	$(Q)B=$(B) KVER=$(KVER) tests/bench/run $(BENCH)

TEST_PROGRAMS += load
load_SRCS := $(addprefix tests/bench/,load.c load_client.c load_trace.c)

HELP += 'make bench         the driver against its peers; BENCH="wire4k ..." some groups'

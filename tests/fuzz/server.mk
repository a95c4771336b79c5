# SPDX-License-Identifier: GPL-2.0
# Fuzzer of what vdiskd reads from a client: the whole connection.

FUZZERS += fuzz_server
fuzz_server_SRCS = tests/fuzz/fuzz_server.c \
	$(filter-out %/main.c %/stamp_main.c %/server.c %/worker.c %/watch.c %/listener.c %/config.c \
	$(CONTROL_SRCS),\
	$(wildcard tools/vdiskd/*.c)) $(TOKEN_SRCS)

$(B)/fuzz_server: $$(fuzz_server_SRCS) $(wildcard tools/vdiskd/*.h) kernel/nbd.h
	$(Q)mkdir -p $(@D)
	$(if $(filter 1,$(V)),,@echo "  FUZZ    $@")
	$(Q)$(or $(FUZZ_CC),clang) -std=gnu11 $(WARN) -g -O1 -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all -Itools/vdiskd $(CPPFLAGS) -o $@ $(filter %.c,$^) -luring -lgnutls -lpthread

.PHONY: fuzz-server
fuzz-server: $(B)/fuzz_server
	$(Q)mkdir -p $(B)/fuzz/fuzz_server
	$(Q)$< -max_total_time=$(or $(FUZZ_SECONDS),30) -timeout=20 -artifact_prefix=$(B)/fuzz/fuzz_server- \
		$(B)/fuzz/fuzz_server tests/fuzz/corpus/server

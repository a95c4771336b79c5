# SPDX-License-Identifier: GPL-2.0
# Fuzzers of what the driver reads from a server.

FUZZERS += fuzz_reply fuzz_handshake
FUZZ_CC ?= clang
FUZZ_CFLAGS := -std=gnu11 $(WARN) -g -O1 -fsanitize=fuzzer,address,undefined \
	-fno-sanitize-recover=all

fuzz_reply_SRCS := tests/fuzz/fuzz_reply.c tests/fuzz/reply_world.c kernel/reply.c
fuzz_handshake_SRCS := tests/fuzz/fuzz_handshake.c kernel/handshake.c

$(B)/fuzz_reply: $(fuzz_reply_SRCS) kernel/reply.h tests/fuzz/reply_world.h
$(B)/fuzz_handshake: $(fuzz_handshake_SRCS) kernel/handshake.h
$(B)/fuzz_reply $(B)/fuzz_handshake: kernel/nbd.h kernel/wire_env.h tests/fuzz/kernel_shim.h
	$(Q)mkdir -p $(@D)
	$(if $(filter 1,$(V)),,@echo "  FUZZ    $@")
	$(Q)$(FUZZ_CC) $(FUZZ_CFLAGS) $(CPPFLAGS) -o $@ $(filter %.c,$^)

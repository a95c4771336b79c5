# SPDX-License-Identifier: GPL-2.0
# Fuzzer of session tokens.

FUZZERS += fuzz_token
fuzz_token_SRCS := tests/fuzz/fuzz_token.c lib/base64url.c lib/error.c

$(B)/fuzz_token: $(fuzz_token_SRCS) lib/token.c lib/token.h
	$(Q)mkdir -p $(@D)
	$(if $(filter 1,$(V)),,@echo "  FUZZ    $@")
	$(Q)$(or $(FUZZ_CC),clang) -std=gnu11 $(WARN) -g -O1 -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all $(CPPFLAGS) -o $@ $(fuzz_token_SRCS) -lgnutls

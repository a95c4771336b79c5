# SPDX-License-Identifier: GPL-2.0
# Fuzzer of what the catalog takes from requests.

FUZZERS += fuzz_catalog
fuzz_catalog_SRCS := tests/fuzz/fuzz_catalog.c $(CATALOG_SRCS)

$(B)/fuzz_catalog: $(fuzz_catalog_SRCS) $(wildcard lib/catalog*.h)
	$(Q)mkdir -p $(@D)
	$(if $(filter 1,$(V)),,@echo "  FUZZ    $@")
	$(Q)$(or $(FUZZ_CC),clang) -std=gnu11 $(WARN) -g -O1 -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all $(CPPFLAGS) -o $@ $(filter %.c,$^) $(CATALOG_LIBS)

# SPDX-License-Identifier: GPL-2.0
# A client's way to its farm: identity, pins, proofs, the HTTPS client.

TEST_PROGRAMS += farm_probe
farm_probe_SRCS := tests/unit/farm_probe.c $(FARM_SRCS) lib/error.c
farm_probe_LIBS := $(FARM_LIBS)
UNIT_TESTS += tests/unit/test_farm

TEST_PROGRAMS += test_identity
test_identity_SRCS := tests/unit/test_identity.c lib/identity.c lib/proof.c lib/proof_public.c \
	lib/keypart.c lib/error.c
test_identity_LIBS := -lgnutls
UNIT_TESTS += $(B)/test_identity
TEST_PROGRAMS += test_keypart
test_keypart_SRCS := tests/unit/test_keypart.c lib/proof.c lib/proof_public.c lib/error.c
test_keypart_LIBS := -lgnutls
UNIT_TESTS += $(B)/test_keypart
UNIT_TESTS += tests/unit/test_bound
UNIT_TESTS += tests/unit/test_login
UNIT_TESTS += tests/unit/test_discover

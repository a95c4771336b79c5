# SPDX-License-Identifier: GPL-2.0
# vdiskadm: what it parses and prints, and its command line against servers.

TEST_PROGRAMS += test_vdiskadm_parse
test_vdiskadm_parse_SRCS := tests/unit/test_vdiskadm_parse.c lib/error.c lib/client_names.c \
	$(addprefix tools/vdiskadm/,range.c when.c csv.c client_csv.c text.c table.c show.c fields.c \
		secret.c version_name.c) lib/proof_public.c tools/vdiskctl/parse.c tools/vdiskctl/format.c
test_vdiskadm_parse_LIBS := -ljansson -lgnutls
UNIT_TESTS += $(B)/test_vdiskadm_parse tests/unit/test_vdiskadm tests/unit/test_vdiskadm_server

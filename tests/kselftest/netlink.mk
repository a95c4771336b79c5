# SPDX-License-Identifier: GPL-2.0
# What speaks netlink to the driver without the library; made from the
# family's specification.

TEST_PROGRAMS += vdisk_nl netlink_fuzz
vdisk_nl_SRCS := tests/kselftest/vdisk_nl.c
netlink_fuzz_SRCS := tests/fuzz/netlink_fuzz.c
NETLINK_TABLE := $(B)/gen/netlink_table.h
$(NETLINK_TABLE): tests/kselftest/netlink_table Documentation/netlink/specs/vdisk.yaml
	$(Q)mkdir -p $(@D)
	$(Q)tests/kselftest/netlink_table Documentation/netlink/specs/vdisk.yaml > $@
$(B)/obj/tests/kselftest/vdisk_nl.o $(B)/obj/tests/fuzz/netlink_fuzz.o: | $(NETLINK_TABLE)
$(B)/obj/tests/kselftest/vdisk_nl.o $(B)/obj/tests/fuzz/netlink_fuzz.o: \
	OBJ_CFLAGS = -I$(B)/gen -Itests/kselftest

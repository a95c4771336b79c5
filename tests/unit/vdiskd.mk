# SPDX-License-Identifier: GPL-2.0
# The server, from outside: what a raw client and the usual ones see of it.

VDISKD_TESTS := $(sort $(wildcard tests/unit/vdiskd/test_vdiskd_*))
UNIT_TESTS += $(VDISKD_TESTS)

TEST_PROGRAMS += test_image
test_image_SRCS := tests/unit/test_image.c tools/vdiskd/image.c
test_image_LIBS := -lpthread
$(B)/obj/tests/unit/test_image.o: OBJ_CFLAGS = -Itools/vdiskd
UNIT_TESTS += $(B)/test_image

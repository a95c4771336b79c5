# SPDX-License-Identifier: GPL-2.0
# The driver's reply parser, handshake and patience with servers, compiled for user space.

TEST_PROGRAMS += test_reply
test_reply_SRCS := tests/unit/test_reply.c tests/fuzz/reply_world.c kernel/reply.c
UNIT_TESTS += $(B)/test_reply

TEST_PROGRAMS += test_handshake
test_handshake_SRCS := tests/unit/test_handshake.c kernel/handshake.c
UNIT_TESTS += $(B)/test_handshake

TEST_PROGRAMS += test_lost
test_lost_SRCS := tests/unit/test_lost.c
$(B)/obj/tests/unit/test_lost.o: kernel/lost.c
UNIT_TESTS += $(B)/test_lost

# SPDX-License-Identifier: GPL-2.0
# Programs that tests use.

TEST_PROGRAMS += rogue
rogue_SRCS := $(addprefix tests/common/,rogue.c rogue_spec.c rogue_handshake.c rogue_reply.c)
rogue_LIBS := -pthread

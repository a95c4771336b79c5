# SPDX-License-Identifier: GPL-2.0
# Session tokens, and what vdiskd makes of them.

TEST_PROGRAMS += test_token
test_token_SRCS := tests/unit/test_token.c $(TOKEN_SRCS)
test_token_LIBS := $(TOKEN_LIBS)
UNIT_TESTS += $(B)/test_token

TEST_PROGRAMS += test_gate
test_gate_SRCS := tests/unit/test_gate.c $(addprefix tools/vdiskd/,gate.c gate_session.c name.c) \
	$(TOKEN_SRCS)
test_gate_LIBS := $(TOKEN_LIBS) -lpthread
$(B)/obj/tests/unit/test_gate.o: OBJ_CFLAGS = -Itools/vdiskd
UNIT_TESTS += $(B)/test_gate

TEST_PROGRAMS += test_session_memory
test_session_memory_SRCS := tests/unit/test_session_memory.c $(addprefix tools/vdiskd/,session.c \
	session_store.c gate.c gate_session.c name.c log.c) $(TOKEN_SRCS)
test_session_memory_LIBS := $(TOKEN_LIBS) -ljansson -lpthread
$(B)/obj/tests/unit/test_session_memory.o: OBJ_CFLAGS = -Itools/vdiskd
UNIT_TESTS += $(B)/test_session_memory

TEST_PROGRAMS += test_bootlog
test_bootlog_SRCS := tests/unit/test_bootlog.c $(addprefix tools/vdiskd/,bootlog.c bootlog_show.c \
	bootlog_store.c) lib/error.c
test_bootlog_LIBS := -ljansson -lpthread
$(B)/obj/tests/unit/test_bootlog.o: OBJ_CFLAGS = -Itools/vdiskd
UNIT_TESTS += $(B)/test_bootlog

SESSION_TESTS := $(sort $(wildcard tests/unit/session/test_session_*))
UNIT_TESTS += $(SESSION_TESTS)

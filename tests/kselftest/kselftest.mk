# SPDX-License-Identifier: GPL-2.0
# Programs of the kselftests.  test_*.c are tests, with kselftest's harness;
# the others are tools that test scripts call.

KSELFTEST_C := $(wildcard tests/kselftest/test_*.c)
KSELFTEST_TOOLS := io_model batch_read
$(foreach p,$(KSELFTEST_TOOLS),$(eval $(p)_SRCS := tests/kselftest/$(p).c))
$(foreach c,$(KSELFTEST_C),$(eval $(basename $(notdir $(c)))_SRCS := $(c)))
TEST_PROGRAMS += $(KSELFTEST_TOOLS) $(basename $(notdir $(KSELFTEST_C)))

$(B)/obj/tests/kselftest/%.o: OBJ_CFLAGS = -I$(B)/kselftest/tools/testing/selftests
$(patsubst %.c,$(B)/obj/%.o,$(KSELFTEST_C)): | $(B)/kselftest/done

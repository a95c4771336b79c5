# SPDX-License-Identifier: GPL-2.0
# The driver's overlay, compiled for user space over tests/unit/kshim; and its
# threads once more with the thread sanitizer, which excludes the others.

TEST_PROGRAMS += test_overlay test_overlay_race
test_overlay_SRCS := tests/unit/test_overlay.c
test_overlay_LIBS := -lpthread
test_overlay_race_SRCS := tests/unit/test_overlay_race.c
test_overlay_race_LIBS := -lpthread
test_overlay_race_LDFLAGS := -fno-sanitize=all -fsanitize=thread
$(B)/obj/tests/unit/test_overlay.o: OBJ_CFLAGS := -Itests/unit/kshim
$(B)/obj/tests/unit/test_overlay_race.o: OBJ_CFLAGS := -Itests/unit/kshim \
	-fno-sanitize=all -fsanitize=thread -Wno-tsan
UNIT_TESTS += $(B)/test_overlay $(B)/test_overlay_race

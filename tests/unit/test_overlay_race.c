// SPDX-License-Identifier: GPL-2.0
/* The threads of test_overlay.c, for the thread sanitizer, which makes the rest slow. */
#define THREADS_ONLY true
#include "test_overlay.c"

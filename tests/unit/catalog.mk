# SPDX-License-Identifier: GPL-2.0
# The catalog: its objects, and the file that they are in.

TEST_PROGRAMS += test_catalog test_catalog_file
test_catalog_SRCS := tests/unit/test_catalog.c $(CATALOG_SRCS)
test_catalog_LIBS := $(CATALOG_LIBS)
test_catalog_file_SRCS := tests/unit/test_catalog_file.c $(CATALOG_SRCS)
test_catalog_file_LIBS := $(CATALOG_LIBS)
UNIT_TESTS += $(B)/test_catalog $(B)/test_catalog_file

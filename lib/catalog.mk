# SPDX-License-Identifier: GPL-2.0
# The catalog: what links it adds $(CATALOG_SRCS) and $(CATALOG_LIBS).
CATALOG_SRCS := lib/error.c $(sort $(wildcard lib/catalog*.c))
CATALOG_LIBS := -lsqlite3 -ljansson -lpthread

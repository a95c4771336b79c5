# SPDX-License-Identifier: GPL-2.0
# The client's part of the library: the driver's netlink interface.
CLIENT_SRCS := lib/error.c lib/genl.c lib/client.c lib/client_names.c
CLIENT_CFLAGS := $(shell pkg-config --cflags libnl-genl-3.0 2>/dev/null || echo -I/usr/include/libnl3)
CLIENT_LIBS := -lnl-genl-3 -lnl-3
$(B)/obj/lib/genl.o $(B)/obj/lib/client.o: OBJ_CFLAGS = $(CLIENT_CFLAGS)

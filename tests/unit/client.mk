# SPDX-License-Identifier: GPL-2.0
# The client: URIs, options, the library, vdiskctl's command line, the netlink
# specification.

TEST_PROGRAMS += test_uri test_parse test_client
test_uri_SRCS := tests/unit/test_uri.c tools/vdiskctl/uri.c lib/error.c
test_parse_SRCS := tests/unit/test_parse.c tools/vdiskctl/parse.c lib/error.c
test_client_SRCS := tests/unit/test_client.c lib/client.c lib/client_names.c lib/error.c
test_client_LIBS := $(CLIENT_LIBS)
$(B)/obj/tests/unit/test_client.o: OBJ_CFLAGS = $(CLIENT_CFLAGS)

# Programs that include what they test, to be its clock and its driver.
TEST_PROGRAMS += test_lifeline test_agent test_klog
test_lifeline_SRCS := tests/unit/test_lifeline.c lib/error.c
test_agent_SRCS := tests/unit/test_agent.c tools/vdiskctl/check.c tools/vdiskctl/parse.c \
	lib/client_names.c lib/error.c
test_agent_LIBS := -ljansson
test_klog_SRCS := tests/unit/test_klog.c
UNIT_TESTS += $(B)/test_uri $(B)/test_parse $(B)/test_client $(B)/test_lifeline $(B)/test_agent $(B)/test_klog \
	tests/unit/test_vdiskctl tests/unit/test_netlink_spec

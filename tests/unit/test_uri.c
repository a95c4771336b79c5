// SPDX-License-Identifier: GPL-2.0
/* NBD URIs: what is taken, what is refused, and with which words. */
#include <errno.h>
#include <string.h>
#include "../../tools/vdiskctl/uri.h"
#include "tap.h"

struct good {
	const char *uri, *host;
	unsigned int port;
	const char *export;
};

static const struct good good[] = {
	{ "nbd://server/debian", "server", 10809, "debian" },
	{ "nbd://server:1234/debian", "server", 1234, "debian" },
	{ "nbd://server:65535/debian", "server", 65535, "debian" },
	{ "nbd://server:/debian", "server", 10809, "debian" },
	{ "NBD://server/debian", "server", 10809, "debian" },
	{ "nbd://192.0.2.1/debian@3", "192.0.2.1", 10809, "debian@3" },
	{ "nbd://[2001:db8::1]/debian", "2001:db8::1", 10809, "debian" },
	{ "nbd://[2001:db8::1]:99/debian", "2001:db8::1", 99, "debian" },
	{ "nbd://[fe80::1%25eth0]/x", "fe80::1%eth0", 10809, "x" },
	{ "nbd://server", "server", 10809, "" },
	{ "nbd://server/", "server", 10809, "" },
	{ "nbd://server:77", "server", 77, "" },
	{ "nbd://server//x", "server", 10809, "/x" },
	{ "nbd://server/a/b/c", "server", 10809, "a/b/c" },
	{ "nbd://server/a%20b", "server", 10809, "a b" },
	{ "nbd://server/%2f%2F", "server", 10809, "//" },
	{ "nbd://server/100%25", "server", 10809, "100%" },
	{ "nbd://server/a:b@c", "server", 10809, "a:b@c" },
	{ "nbd://server/%C3%A4", "server", 10809, "\xc3\xa4" },
	{ "nbd://server/%3F%23", "server", 10809, "?#" },
	{ "nbd://server/~token", "server", 10809, "~token" },
	{ "nbd://s%65rver/x", "server", 10809, "x" },
};

struct bad {
	const char *uri;
	int error;
	const char *words;
};

static const struct bad bad[] = {
	{ "", EINVAL, "not a URI" },
	{ "server", EINVAL, "not a URI" },
	{ "/dev/sda", EINVAL, "not a URI" },
	{ "nbd:server:10809", EINVAL, "not a URI" },
	{ "http://server/x", EINVAL, "'http' is not a scheme" },
	{ "nb://server/x", EINVAL, "'nb' is not a scheme" },
	{ "://server/x", EINVAL, "'' is not a scheme" },
	{ "nbds://server/x", EOPNOTSUPP, "TLS is not supported yet" },
	{ "nbd+unix:///x?socket=/run/s", EOPNOTSUPP, "TCP only" },
	{ "nbd+vsock://2/x", EOPNOTSUPP, "TCP only" },
	{ "nbd:///x", EINVAL, "no host" },
	{ "nbd://", EINVAL, "no host" },
	{ "nbd://:10809/x", EINVAL, "no host" },
	{ "nbd://[]/x", EINVAL, "brackets" },
	{ "nbd://[::1/x", EINVAL, "']' is missing" },
	{ "nbd://[::1]x/y", EINVAL, "what is 'x'" },
	{ "nbd://[server]/x", EINVAL, "only an IPv6 address" },
	{ "nbd://::1/x", EINVAL, "must stand in brackets" },
	{ "nbd://2001:db8::1:10809/x", EINVAL, "must stand in brackets" },
	{ "nbd://server:0/x", EINVAL, "1 to 65535" },
	{ "nbd://server:65536/x", EINVAL, "1 to 65535" },
	{ "nbd://server:99999999999999999999/x", EINVAL, "1 to 65535" },
	{ "nbd://server:12a/x", EINVAL, "not a number" },
	{ "nbd://server:-1/x", EINVAL, "not a number" },
	{ "nbd://user@server/x", EOPNOTSUPP, "user name" },
	{ "nbd://server/x?tls-type=psk", EOPNOTSUPP, "parameters" },
	{ "nbd://server/x#y", EINVAL, "%23" },
	{ "nbd://server/%", EINVAL, "hexadecimal" },
	{ "nbd://server/%4", EINVAL, "hexadecimal" },
	{ "nbd://server/%4x", EINVAL, "hexadecimal" },
	{ "nbd://server/%00", EINVAL, "control character in the export" },
	{ "nbd://server/%0a", EINVAL, "control character in the export" },
	{ "nbd://server/%1b[2J", EINVAL, "control character in the export" },
	{ "nbd://ser%7fver/x", EINVAL, "control character in the host" },
};

static void test_good(const struct good *t)
{
	struct vdisk_server server;
	struct vdisk_error err;
	int ret;

	ret = uri_parse(t->uri, &server, &err);
	if (!tap_ok(!ret && !strcmp(server.host, t->host) && server.port == t->port &&
		    !strcmp(server.export, t->export) && !server.nr_addresses, "%s", t->uri))
		tap_diag("%d: %s; host '%s' port %u export '%s'", ret, ret ? err.text : "",
			 server.host, server.port, server.export);
}

static void test_bad(const struct bad *t)
{
	struct vdisk_error err = { 0 };
	struct vdisk_server server;
	int ret;

	ret = uri_parse(t->uri, &server, &err);
	if (!tap_ok(ret == -t->error && err.code == t->error && strstr(err.text, t->words),
		    "refused: '%s'", t->uri))
		tap_diag("%d, %d: %s", ret, err.code, err.text);
}

/* Names of the longest length fit, one byte more does not. */
static void test_length(const char *before, size_t max, const char *behind, const char *what)
{
	char uri[VDISK_EXPORT_MAX + 64];
	struct vdisk_server server;
	struct vdisk_error err;
	size_t len;

	for (len = max; len <= max + 1; len++) {
		strcpy(uri, before);
		memset(uri + strlen(before), 'x', len);
		strcpy(uri + strlen(before) + len, behind);
		tap_ok((uri_parse(uri, &server, &err) == 0) == (len == max),
		       "%s of %zu bytes is %s", what, len, len == max ? "taken" : "refused");
	}
}

int main(void)
{
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(*good); i++)
		test_good(&good[i]);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		test_bad(&bad[i]);
	test_length("nbd://", VDISK_HOST_MAX, "/x", "a host");
	test_length("nbd://h/", VDISK_EXPORT_MAX, "", "an export");
	return tap_done();
}

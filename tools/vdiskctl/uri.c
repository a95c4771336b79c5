// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include "uri.h"

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/*
 * Decodes @len bytes of @from into @to, which has room for @size.  Control
 * characters are refused here, so that no name can play with a terminal or a
 * log: the driver refuses them too.
 */
static int decode(const char *from, size_t len, char *to, size_t size, const char *what,
		  const char *uri, struct vdisk_error *err)
{
	size_t used = 0, i;
	unsigned char c;

	for (i = 0; i < len; i++) {
		c = from[i];
		if (c == '%') {
			if (i + 2 >= len || hex(from[i + 1]) < 0 || hex(from[i + 2]) < 0)
				return vdisk_error_set(err, EINVAL,
						       "%s: '%%' needs two hexadecimal digits", uri);
			c = hex(from[i + 1]) << 4 | hex(from[i + 2]);
			i += 2;
		}
		if (c < 0x20 || c == 0x7f)
			return vdisk_error_set(err, EINVAL, "%s: a control character in the %s",
					       uri, what);
		if (used + 1 >= size)
			return vdisk_error_set(err, EINVAL, "%s: the %s is longer than %zu bytes",
					       uri, what, size - 1);
		to[used++] = c;
	}
	to[used] = '\0';
	return 0;
}

static int parse_port(const char *text, size_t len, uint16_t *port, const char *uri,
		      struct vdisk_error *err)
{
	unsigned int value = 0;
	size_t i;

	/* RFC 3986 allows "host:", with the default port. */
	if (!len)
		return 0;
	for (i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return vdisk_error_set(err, EINVAL, "%s: the port is not a number", uri);
		value = value * 10 + text[i] - '0';
		if (value > UINT16_MAX)
			break;
	}
	if (!value || value > UINT16_MAX)
		return vdisk_error_set(err, EINVAL, "%s: the port must be 1 to 65535", uri);
	*port = value;
	return 0;
}

/* HOST, HOST:PORT, [IPV6], [IPV6]:PORT; @len bytes. */
static int parse_authority(const char *text, size_t len, struct vdisk_server *server,
			   const char *uri, struct vdisk_error *err)
{
	const char *end = text + len, *host = text, *host_end, *rest;
	int ret;

	if (memchr(text, '@', len))
		return vdisk_error_set(err, EOPNOTSUPP, "%s: a user name is not supported", uri);
	if (len && *text == '[') {
		host = text + 1;
		host_end = memchr(host, ']', end - host);
		if (!host_end)
			return vdisk_error_set(err, EINVAL, "%s: ']' is missing", uri);
		rest = host_end + 1;
		if (!memchr(host, ':', host_end - host))
			return vdisk_error_set(err, EINVAL,
					       "%s: only an IPv6 address stands in brackets", uri);
	} else {
		host_end = memchr(text, ':', len);
		if (!host_end)
			host_end = end;
		rest = host_end;
		if (rest < end && memchr(rest + 1, ':', end - rest - 1))
			return vdisk_error_set(err, EINVAL,
					       "%s: an IPv6 address must stand in brackets", uri);
	}
	if (host == host_end)
		return vdisk_error_set(err, EINVAL, "%s: no host", uri);
	ret = decode(host, host_end - host, server->host, sizeof(server->host), "host", uri, err);
	if (ret < 0)
		return ret;
	if (rest == end)
		return 0;
	if (*rest != ':')
		return vdisk_error_set(err, EINVAL, "%s: what is '%.*s' after the host?", uri,
				       (int)(end - rest), rest);
	return parse_port(rest + 1, end - rest - 1, &server->port, uri, err);
}

/* Returns what follows "scheme://", or NULL with the reason. */
static const char *parse_scheme(const char *uri, struct vdisk_error *err)
{
	static const struct { const char *scheme, *why; } known[] = {
		{ "nbds", "TLS is not supported yet" },
		{ "nbd+unix", "the driver speaks TCP only" },
		{ "nbds+unix", "the driver speaks TCP only" },
		{ "nbd+vsock", "the driver speaks TCP only" },
		{ "nbds+vsock", "the driver speaks TCP only" },
	};
	const char *sep;
	size_t i;

	sep = strstr(uri, "://");
	if (!sep) {
		vdisk_error_set(err, EINVAL, "%s: not a URI: nbd://HOST[:PORT]/EXPORT is one", uri);
		return NULL;
	}
	if (sep - uri == 3 && !strncasecmp(uri, "nbd", 3))
		return sep + 3;
	for (i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (strlen(known[i].scheme) != (size_t)(sep - uri) ||
		    strncasecmp(uri, known[i].scheme, sep - uri))
			continue;
		vdisk_error_set(err, EOPNOTSUPP, "%s: %s", uri, known[i].why);
		return NULL;
	}
	vdisk_error_set(err, EINVAL, "%s: '%.*s' is not a scheme that vdisk knows", uri,
			(int)(sep - uri), uri);
	return NULL;
}

int uri_parse(const char *uri, struct vdisk_server *server, struct vdisk_error *err)
{
	const char *authority, *path;
	int ret;

	memset(server, 0, sizeof(*server));
	server->port = NBD_DEFAULT_PORT;
	authority = parse_scheme(uri, err);
	if (!authority)
		return -err->code;
	if (strchr(authority, '#'))
		return vdisk_error_set(err, EINVAL, "%s: '#' must be written %%23", uri);
	if (strchr(authority, '?'))
		return vdisk_error_set(err, EOPNOTSUPP,
				       "%s: parameters after '?' are not supported", uri);
	path = strchrnul(authority, '/');
	ret = parse_authority(authority, path - authority, server, uri, err);
	if (ret < 0)
		return ret;
	/* No path and "/" are the server's default export, the empty name. */
	if (*path == '/')
		path++;
	return decode(path, strlen(path), server->export, sizeof(server->export), "export", uri,
		      err);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * One table of options.  "--some-option VALUE" on the command line is
 * "some-option = VALUE" in a file, and both end in the same function.
 */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nbd.h"
#include "util.h"

enum {
	EXIT_USAGE = 2,
	LINE_LONGEST = 4096,
	DEPTH_MOST = 4,
	HTTP_PORT = 10810,
	API_PORT = 10811,
	KEEP_SESSIONS = 90, KEEP_PENDING = 30, KEEP_AUDIT = 730,	/* days */
	KEEP_MOST = 36500,
	CERTIFICATE_DAYS = 7, CERTIFICATE_DAYS_MOST = 365,
};

struct context {
	struct config *config;
	const char *file;	/* NULL: the command line */
	unsigned int line;
	unsigned int depth;
};

struct option {
	const char *name, *argument, *help;	/* without @help it is for tests */
	int (*set)(struct context *context, const char *value);
};

static int complain(const struct context *context, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int complain(const struct context *context, const char *format, ...)
{
	va_list ap;

	if (context->file)
		fprintf(stderr, "vdiskd: %s:%u: ", context->file, context->line);
	else
		fprintf(stderr, "vdiskd: ");
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	if (!context->file)
		fprintf(stderr, "; see 'vdiskd --help'");
	fputc('\n', stderr);
	return -1;
}

static void *must(void *pointer)
{
	if (pointer)
		return pointer;
	fprintf(stderr, "vdiskd: no memory\n");
	exit(EXIT_FAILURE);
}

static int set_text(char **text, const char *value)
{
	free(*text);
	*text = must(strdup(value));
	return 0;
}

static int set_store(struct context *context, const char *value)
{
	return set_text(&context->config->store, value);
}

static int add_listen(struct context *context, struct config_listen **last, unsigned int port,
		      const char *value)
{
	struct config_listen *listen = must(calloc(1, sizeof(*listen)));

	if (!endpoint_parse(value, port, &listen->address, &listen->length)) {
		free(listen);
		return complain(context, "'%s' is no address to listen on: write ADDRESS:PORT, [ADDRESS]:PORT or *:PORT",
				value);
	}
	listen->text = must(strdup(value));
	while (*last)
		last = &(*last)->next;
	*last = listen;
	return 0;
}

static int set_listen(struct context *context, const char *value)
{
	return add_listen(context, &context->config->listen, NBD_PORT, value);
}

static int set_catalog(struct context *context, const char *value)
{
	if (strncmp(value, "sqlite:", 7) || !value[7])
		return complain(context, "'%s' is no catalog: write sqlite:FILE", value);
	return set_text(&context->config->catalog, value);
}

static int set_http(struct context *context, const char *value)
{
	return add_listen(context, &context->config->http, HTTP_PORT, value);
}

static int set_api(struct context *context, const char *value)
{
	return add_listen(context, &context->config->api, API_PORT, value);
}

static bool is_loopback(const struct sockaddr_storage *sa)
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)sa;
	const struct sockaddr_in *four = (const struct sockaddr_in *)sa;

	if (sa->ss_family == AF_INET)
		return ntohl(four->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

static int set_api_plain(struct context *context, const char *value)
{
	struct config_listen *listen;

	if (add_listen(context, &context->config->api_plain, API_PORT, value))
		return -1;
	for (listen = context->config->api_plain; listen->next; listen = listen->next)
		;
	if (!is_loopback(&listen->address))
		return complain(context, "'%s' is no address of loopback, and without TLS the API is for no other: use 'api'",
				value);
	return 0;
}

static int set_keys(struct context *context, const char *value)
{
	return set_text(&context->config->keys, value);
}

static int set_socket(struct context *context, const char *value)
{
	return set_text(&context->config->socket, value);
}

static int set_writable(struct context *context, const char *value)
{
	struct store_writable *rule, **last = &context->config->writable;

	if (!name_valid(value, strlen(value)))
		return complain(context, "'%s' is no name of an image: use a-z, 0-9, '.', '_' and '-', at most 63 of them",
				value);
	for (; *last; last = &(*last)->next)
		if (!strcmp((*last)->name, value))
			return complain(context, "'%s' is writable already", value);
	rule = must(calloc(1, sizeof(*rule)));
	strcpy(rule->name, value);
	*last = rule;
	return 0;
}

static int set_allow(struct context *context, const char *value)
{
	struct store_writable *rule = context->config->writable;
	struct network *network;

	while (rule && rule->next)
		rule = rule->next;
	if (!rule)
		return complain(context, "'allow %s' belongs behind the 'writable' that it is for",
				value);
	network = must(calloc(1, sizeof(*network)));
	if (!network_parse(value, network)) {
		free(network);
		return complain(context, "'%s' is no network: write ADDRESS or ADDRESS/BITS, with no bits set behind the prefix",
				value);
	}
	network->next = rule->allowed;
	rule->allowed = network;
	return 0;
}

static int parse_number(struct context *context, const char *value, unsigned int most,
			unsigned int *number)
{
	unsigned long v;
	char *end;

	errno = 0;
	v = strtoul(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno || v > most)
		return complain(context, "'%s' is no number from 0 to %u", value, most);
	*number = v;
	return 0;
}

static int set_ssh_certificate_days(struct context *context, const char *value)
{
	unsigned int *days = &context->config->ssh_certificate_days;

	if (parse_number(context, value, CERTIFICATE_DAYS_MOST, days))
		return -1;
	return *days ? 0 : complain(context, "an ssh certificate lives for a day at least");
}

static int set_threads(struct context *context, const char *value)
{
	return parse_number(context, value, 1024, &context->config->threads);
}

static int set_buffers(struct context *context, const char *value)
{
	return parse_number(context, value, 1 << 20, &context->config->buffers);
}

static int set_log_level(struct context *context, const char *value)
{
	static const char *const names[] = { "none", "error", "warning", "info", "debug" };
	unsigned int i;

	for (i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++) {
		if (!strcmp(value, names[i])) {
			context->config->log_level = i;
			return 0;
		}
	}
	return complain(context, "'%s' is no log level: error, warning, info or debug", value);
}

static int set_keep_sessions(struct context *context, const char *value)
{
	return parse_number(context, value, KEEP_MOST, &context->config->keep_sessions);
}

static int set_keep_pending(struct context *context, const char *value)
{
	return parse_number(context, value, KEEP_MOST, &context->config->keep_pending);
}

static int set_keep_audit(struct context *context, const char *value)
{
	return parse_number(context, value, KEEP_MOST, &context->config->keep_audit);
}

static int set_test_delay_write(struct context *context, const char *value)
{
	return parse_number(context, value, 600000, &context->config->test_delay_write);
}

static int set_test_request_seconds(struct context *context, const char *value)
{
	return parse_number(context, value, 600, &context->config->test_request_seconds);
}

static int set_test_session_seconds(struct context *context, const char *value)
{
	return parse_number(context, value, 864000, &context->config->test_session_seconds);
}

static int set_test_prune_seconds(struct context *context, const char *value)
{
	return parse_number(context, value, 864000, &context->config->test_prune_seconds);
}

static int set_test_boot_seconds(struct context *context, const char *value)
{
	return parse_number(context, value, 864000, &context->config->test_boot_seconds);
}

static int set_test_certificate_seconds(struct context *context, const char *value)
{
	return parse_number(context, value, 864000, &context->config->test_certificate_seconds);
}

static int set_config(struct context *context, const char *value);

static const struct option options[] = {
	{ "config", "FILE", "read options from FILE: lines of 'name = value'", set_config },
	{ "store", "DIR", "serve the images NAME.img in DIR", set_store },
	{ "listen", "ADDR:PORT", "listen there; repeatable (127.0.0.1:10809 and [::1]:10809)",
	  set_listen },
	{ "catalog", "sqlite:FILE", "clients, images and sessions are kept there", set_catalog },
	{ "http", "ADDR:PORT", "for firmware: boot files by HTTP; repeatable", set_http },
	{ "api", "ADDR:PORT", "for clients and administrators: HTTPS; repeatable", set_api },
	{ "api-plain", "ADDR:PORT", "the same without TLS, on loopback; repeatable", set_api_plain },
	{ "keys", "DIR", "keys and certificates (/etc/vdisk/keys)", set_keys },
	{ "socket", "PATH", "the API for this machine's root (/run/vdisk/api.sock)", set_socket },
	{ "writable", "NAME", "let one client write to this image; repeatable", set_writable },
	{ "allow", "CIDR", "who may use the writable image before it; repeatable", set_allow },
	{ "ssh-certificate-days", "N", "how long an ssh host certificate is good (7)",
	  set_ssh_certificate_days },
	{ "threads", "N", "event loops (one a processor)", set_threads },
	{ "buffers", "MIB", "memory for replies (a sixteenth of the machine's, 64 to 512)",
	  set_buffers },
	{ "keep-sessions", "DAYS", "forget ended sessions and boots after that (90; 0: never)",
	  set_keep_sessions },
	{ "keep-pending", "DAYS", "forget waiting machines not seen for that (30; 0: never)",
	  set_keep_pending },
	{ "keep-audit", "DAYS", "forget audit records after that (730; 0: never)", set_keep_audit },
	{ "log-level", "LEVEL", "error, warning, info or debug (info)", set_log_level },
	{ "test-delay-write", "MS", NULL, set_test_delay_write },
	{ "test-request-seconds", "S", NULL, set_test_request_seconds },
	{ "test-session-seconds", "S", NULL, set_test_session_seconds },
	{ "test-prune-seconds", "S", NULL, set_test_prune_seconds },
	{ "test-boot-seconds", "S", NULL, set_test_boot_seconds },
	{ "test-certificate-seconds", "S", NULL, set_test_certificate_seconds },
};

static const struct option *find_option(const char *name, size_t length)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(options); i++)
		if (strlen(options[i].name) == length && !memcmp(options[i].name, name, length))
			return &options[i];
	return NULL;
}

static char *trim(char *text)
{
	char *end;

	text += strspn(text, " \t");
	end = text + strlen(text);
	while (end > text && strchr(" \t\r\n", end[-1]))
		end--;
	*end = '\0';
	return text;
}

static int parse_line(struct context *context, char *line)
{
	const struct option *option;
	char *name, *value;

	line = trim(line);
	if (!*line || *line == '#')
		return 0;
	value = strchr(line, '=');
	if (!value)
		return complain(context, "'%s' is not of the form 'name = value'", line);
	*value++ = '\0';
	name = trim(line);
	value = trim(value);
	option = find_option(name, strlen(name));
	if (!option)
		return complain(context, "unknown option '%s'", name);
	if (!*value)
		return complain(context, "'%s' has no value", name);
	return option->set(context, value);
}

static int set_config(struct context *context, const char *value)
{
	struct context inner = { .config = context->config, .file = value,
				 .depth = context->depth + 1 };
	char line[LINE_LONGEST];
	int ret = 0;
	FILE *file;

	if (inner.depth > DEPTH_MOST)
		return complain(context, "'%s': files include one another too deeply", value);
	file = fopen(value, "re");
	if (!file)
		return complain(context, "cannot read configuration '%s': %s", value,
				strerror(errno));
	while (!ret && fgets(line, sizeof(line), file)) {
		inner.line++;
		if (!strchr(line, '\n') && !feof(file))
			ret = complain(&inner, "the line is too long");
		else
			ret = parse_line(&inner, line);
	}
	if (!ret && ferror(file))
		ret = complain(&inner, "cannot be read: %s", strerror(errno));
	fclose(file);
	return ret;
}

void config_usage(int fd)
{
	unsigned int i;

	dprintf(fd, "usage: vdiskd [OPTION]...\n"
		"       vdiskd stamp FILE\n"
		"Serves disk images to the network by NBD.\n\n");
	for (i = 0; i < ARRAY_SIZE(options); i++)
		if (options[i].help)
			dprintf(fd, "  --%s %s%*s%s\n", options[i].name, options[i].argument,
				(int)(24 - strlen(options[i].name) - strlen(options[i].argument)),
				"", options[i].help);
	dprintf(fd, "  --help%*sthis text\n", 21, "");
}

static int parse_argument(struct context *context, char **argv, int *i)
{
	const char *name = argv[*i], *value;
	const struct option *option;
	size_t length;

	if (strncmp(name, "--", 2) || !name[2])
		return complain(context, "unexpected argument '%s'", name);
	name += 2;
	length = strcspn(name, "=");
	option = find_option(name, length);
	if (!option)
		return complain(context, "unknown option '--%.*s'", (int)length, name);
	if (name[length])
		value = name + length + 1;
	else
		value = argv[++*i];
	if (!value || !*value)
		return complain(context, "'--%s' needs %s", option->name, option->argument);
	return option->set(context, value);
}

/* What no single option can tell. */
static int check(const struct context *context)
{
	const struct store_writable *rule;

	if (!context->config->store)
		return complain(context, "no store: say where the images are with '--store DIR'");
	if (!context->config->catalog &&
	    (context->config->http || context->config->api || context->config->api_plain))
		return complain(context, "'http', 'api' and 'api-plain' need a catalog: '--catalog sqlite:FILE'");
	if (context->config->catalog && context->config->writable)
		return complain(context, "'--writable' has no meaning with '--catalog': versions of images don't change");
	for (rule = context->config->writable; rule; rule = rule->next)
		if (!rule->allowed)
			return complain(context, "'--writable %s' needs '--allow CIDR' behind it: who may write",
					rule->name);
	return 0;
}

int config_parse(struct config *config, int argc, char **argv)
{
	struct context context = { .config = config };
	int i;

	*config = (struct config) {
		.log_level = LOG_LEVEL_INFO,
		.keep_sessions = KEEP_SESSIONS, .keep_pending = KEEP_PENDING,
		.keep_audit = KEEP_AUDIT,
		.ssh_certificate_days = CERTIFICATE_DAYS,
		.keys = must(strdup("/etc/vdisk/keys")),
		.socket = must(strdup("/run/vdisk/api.sock")),
	};
	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--help")) {
			config_usage(STDOUT_FILENO);
			return EXIT_SUCCESS + 1;
		}
		if (parse_argument(&context, argv, &i))
			return EXIT_USAGE + 1;
	}
	return check(&context) ? EXIT_USAGE + 1 : 0;
}

static void free_listen(struct config_listen *listen)
{
	struct config_listen *next;

	for (; listen; listen = next) {
		next = listen->next;
		free(listen->text);
		free(listen);
	}
}

void config_free(struct config *config)
{
	struct store_writable *rule;
	struct network *network;

	free_listen(config->listen);
	free_listen(config->http);
	free_listen(config->api);
	free_listen(config->api_plain);
	while ((rule = config->writable)) {
		config->writable = rule->next;
		while ((network = rule->allowed)) {
			rule->allowed = network->next;
			free(network);
		}
		free(rule);
	}
	free(config->store);
	free(config->catalog);
	free(config->keys);
	free(config->socket);
}

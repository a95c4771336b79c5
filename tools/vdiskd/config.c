// SPDX-License-Identifier: GPL-2.0
/*
 * One table of options.  "--some-option VALUE" on the command line is
 * "some-option = VALUE" in a file, and both end in the same function.
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

enum {
	EXIT_USAGE = 2,
	LINE_LONGEST = 4096,
	DEPTH_MOST = 4,
	/* Up to here copying costs less than the work for each page (measured). */
	SPLICE_ABOVE = 128 << 10,
	SPLICE_KIB_MOST = 1024,
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

static int set_store(struct context *context, const char *value)
{
	free(context->config->store);
	context->config->store = must(strdup(value));
	return 0;
}

static int set_listen(struct context *context, const char *value)
{
	struct config_listen *listen = must(calloc(1, sizeof(*listen)));
	struct config_listen **last = &context->config->listen;

	if (!endpoint_parse(value, &listen->address, &listen->length)) {
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

static int set_threads(struct context *context, const char *value)
{
	return parse_number(context, value, 1024, &context->config->threads);
}

static int set_buffers(struct context *context, const char *value)
{
	return parse_number(context, value, 1 << 20, &context->config->buffers);
}

static int set_splice_above(struct context *context, const char *value)
{
	unsigned int kib;

	if (parse_number(context, value, SPLICE_KIB_MOST, &kib))
		return -1;
	context->config->splice_above = kib << 10;
	return 0;
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

static int set_test_delay_write(struct context *context, const char *value)
{
	return parse_number(context, value, 600000, &context->config->test_delay_write);
}

static int set_config(struct context *context, const char *value);

static const struct option options[] = {
	{ "config", "FILE", "read options from FILE: lines of 'name = value'", set_config },
	{ "store", "DIR", "serve the images NAME.img in DIR", set_store },
	{ "listen", "ADDR:PORT", "listen there; repeatable (127.0.0.1:10809 and [::1]:10809)",
	  set_listen },
	{ "writable", "NAME", "let one client write to this image; repeatable", set_writable },
	{ "allow", "CIDR", "who may use the writable image before it; repeatable", set_allow },
	{ "threads", "N", "event loops (one a processor)", set_threads },
	{ "buffers", "MIB", "memory for replies (a sixteenth of the machine's, 64 to 512)",
	  set_buffers },
	{ "splice-above", "KIB", "longer reads go out of the page cache uncopied (128)",
	  set_splice_above },
	{ "log-level", "LEVEL", "error, warning, info or debug (info)", set_log_level },
	{ "test-delay-write", "MS", NULL, set_test_delay_write },
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
		.splice_above = SPLICE_ABOVE,
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

void config_free(struct config *config)
{
	struct store_writable *rule;
	struct config_listen *listen;
	struct network *network;

	while ((listen = config->listen)) {
		config->listen = listen->next;
		free(listen->text);
		free(listen);
	}
	while ((rule = config->writable)) {
		config->writable = rule->next;
		while ((network = rule->allowed)) {
			rule->allowed = network->next;
			free(network);
		}
		free(rule);
	}
	free(config->store);
}

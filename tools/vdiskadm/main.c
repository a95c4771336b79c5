// SPDX-License-Identifier: GPL-2.0
/* vdiskadm: the farm's administrator at the command line. */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api.h"
#include "text.h"
#include "vdiskadm.h"

enum { OPTIONS_MAX = 48 };

/* Above what commands use for their own. */
enum target_option { OPT_SOCKET = 4096, OPT_SERVER, OPT_PIN, OPT_TOKEN_FILE };

static const struct option target_options[] = {
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ "server", required_argument, NULL, OPT_SERVER },
	{ "pin", required_argument, NULL, OPT_PIN },
	{ "token-file", required_argument, NULL, OPT_TOKEN_FILE },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static const char target_help[] =
	"Options of every command that talks to a server:\n"
	"\n"
	"  --socket PATH       the local server's socket; " API_SOCKET "\n"
	"  --server URL        https://HOST[:PORT] instead; port 10811\n"
	"  --pin PIN           the farm's key: sha256//BASE64; /etc/vdisk/farm.pin\n"
	"  --token-file FILE   who we are, for --server; ~/.config/vdisk/token\n";

static const struct command *const commands[] = {
	&init_command,
	&doctor_command,
	&pxe_config_command,
	&boot_media_command,
	&image_command,
	&version_command,
	&client_command,
	&group_command,
	&network_command,
	&assign_command,
	&enrol_command,
	&session_command,
	&server_command,
	&token_command,
	&audit_command,
	&catalog_command,
	&status_command,
};

#define NR_COMMANDS (sizeof(commands) / sizeof(*commands))

/* What runs: the noun, and its verb if it has verbs. */
static const struct command *noun, *verb;

static void print_name(FILE *to)
{
	if (noun)
		fprintf(to, "%s%s%s", noun->name, verb ? " " : "", verb ? verb->name : "");
}

/* What is told may quote a server: it is made clean. */
static void complain(bool here, const char *format, va_list args)
{
	char *text, *clean;

	fflush(stdout);
	fputs("vdiskadm: ", stderr);
	if (here && noun) {
		print_name(stderr);
		fputs(": ", stderr);
	}
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	clean = text_clean(must(text));
	fputs(clean, stderr);
	free(clean);
	free(text);
}

int fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(false, format, args);
	va_end(args);
	fputc('\n', stderr);
	return EXIT_FAILED;
}

void warn(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(false, format, args);
	va_end(args);
	fputc('\n', stderr);
}

int fail_here(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(true, format, args);
	va_end(args);
	fputc('\n', stderr);
	return EXIT_FAILED;
}

int usage_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(true, format, args);
	va_end(args);
	fputs(": try 'vdiskadm ", stderr);
	print_name(stderr);
	fprintf(stderr, "%s--help'\n", noun ? " " : "");
	return EXIT_USAGE;
}

static void print_help(void)
{
	const struct command *command = verb ? verb : noun;

	fputs("Usage: vdiskadm ", stdout);
	print_name(stdout);
	printf(" %s\n\n%s", command->usage, command->help);
	if (!command->local)
		printf("\n%s", target_help);
}

/* -abc may be three options: only the letter says which is meant. */
static void unknown_option(char **argv)
{
	const char *word = argv[optind - 1];

	if (!optopt)
		usage_error("unknown option '%s'", word);
	else if (strchr(word, '='))
		usage_error("the option '%s' takes no value", word);
	else
		usage_error("unknown option '-%c'", optopt);
}

static bool take_target(int option)
{
	switch (option) {
	case OPT_SOCKET:
		api_target.socket = optarg;
		return true;
	case OPT_SERVER:
		api_target.server = optarg;
		return true;
	case OPT_PIN:
		api_target.pin = optarg;
		return true;
	case OPT_TOKEN_FILE:
		api_target.token_file = optarg;
		return true;
	}
	return false;
}

/* @options and the target's, unless the command is local; the command's win. */
static void join_options(const struct option *options, bool local, struct option *joined)
{
	size_t count = 0, i;

	for (; options && options->name && count < OPTIONS_MAX; options++)
		joined[count++] = *options;
	for (i = 0; target_options[i].name && count < OPTIONS_MAX; i++)
		if (!local || target_options[i].val == 'h')
			joined[count++] = target_options[i];
	memset(&joined[count], 0, sizeof(*joined));
}

/* -y is short for an option of some commands only. */
static const char *letters_of(const struct option *options)
{
	for (; options->name; options++)
		if (options->val == 'y')
			return ":hy";
	return ":h";
}

int next_option(int argc, char **argv, const struct option *options)
{
	const struct command *command = verb ? verb : noun;
	struct option joined[OPTIONS_MAX + 1];
	int option;

	join_options(options, command && command->local, joined);
	opterr = 0;
	do {
		option = getopt_long(argc, argv, letters_of(joined), joined, NULL);
	} while (take_target(option));
	switch (option) {
	case 'h':
		print_help();
		break;
	case ':':
		usage_error("the option '%s' needs a value", argv[optind - 1]);
		return '?';
	case '?':
		unknown_option(argv);
		break;
	}
	return option;
}

static void print_usage(FILE *to)
{
	size_t i;

	fputs("Usage: vdiskadm COMMAND ...\n\n", to);
	for (i = 0; i < NR_COMMANDS; i++) {
		fprintf(to, "  %-10s ", commands[i]->name);
		if (commands[i]->verbs)
			fputs(commands[i]->help, to);
		else
			fprintf(to, "%.*s\n", (int)strcspn(commands[i]->help, "\n"), commands[i]->help);
	}
	fprintf(to, "\n%s\n'vdiskadm COMMAND --help' says more; so does vdiskadm(8).\n", target_help);
}

static void print_verbs(FILE *to)
{
	const struct command *v;

	fprintf(to, "Usage: vdiskadm %s VERB ...\n\n%s\n", noun->name, noun->help);
	for (v = noun->verbs; v->name; v++)
		fprintf(to, "  %s %s\n", v->name, v->usage);
	fprintf(to, "\n'vdiskadm %s VERB --help' says more; so does vdiskadm(8).\n", noun->name);
}

/* What was printed counts only when it arrived. */
static int finish(int ret)
{
	api_close();
	if (!fflush(stdout) && !ferror(stdout))
		return ret;
	if (errno != EPIPE)
		fail("cannot write to standard output: %s", strerror(errno));
	return ret ? ret : EXIT_FAILED;
}

static bool wants_help(const char *word)
{
	return !strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help");
}

static int run_noun(int argc, char **argv)
{
	const struct command *v;

	if (!noun->verbs)
		return noun->main(argc, argv);
	if (argc < 2) {
		print_verbs(stderr);
		return EXIT_USAGE;
	}
	if (wants_help(argv[1])) {
		print_verbs(stdout);
		return EXIT_DONE;
	}
	for (v = noun->verbs; v->name; v++) {
		if (strcmp(argv[1], v->name))
			continue;
		verb = v;
		return v->main(argc - 1, argv + 1);
	}
	return usage_error("there is no verb '%s'", argv[1]);
}

static int run(int argc, char **argv)
{
	size_t i;

	for (i = 0; i < NR_COMMANDS; i++) {
		if (strcmp(argv[0], commands[i]->name))
			continue;
		noun = commands[i];
		optind = 0;
		return run_noun(argc, argv);
	}
	return usage_error("there is no command '%s'", argv[0]);
}

/* Options in front of the command: where the server is, and --help. */
static int leading_options(int argc, char **argv)
{
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "+:h", target_options, NULL)) != -1) {
		if (take_target(option))
			continue;
		if (option == 'h')
			return 'h';
		if (option == ':')
			usage_error("the option '%s' needs a value", argv[optind - 1]);
		else
			unknown_option(argv);
		return '?';
	}
	return optind;
}

int main(int argc, char **argv)
{
	int first;

	/* Names may be in any script, also where the system says nothing. */
	if (!setlocale(LC_ALL, "") || MB_CUR_MAX == 1)
		setlocale(LC_CTYPE, "C.UTF-8");
	first = leading_options(argc, argv);
	if (first == '?')
		return EXIT_USAGE;
	if (first == 'h' || (first < argc && wants_help(argv[first]))) {
		print_usage(stdout);
		return finish(EXIT_DONE);
	}
	if (first == argc) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	return finish(run(argc - first, argv + first));
}

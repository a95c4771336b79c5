// SPDX-License-Identifier: GPL-2.0
/* vdiskctl: attaches, shows and changes the vdisks of this machine. */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "vdiskctl.h"

#define FARM_HELP \
	"\n" \
	"Farm options:\n" \
	"  --pin sha256//BASE64   the farm's CA, which servers must prove; /etc/vdisk/farm.pin\n" \
	"  --trust network        no pin: whoever answers is taken for the farm\n" \
	"  --key FILE             secret of a bound client, else from fw_cfg, SMBIOS,\n" \
	"                         /etc/vdisk/client.key, the TPM or a partition for it\n" \
	"  --server HOST[:PORT]   for auto: do not look elsewhere\n" \
	"  --multicast            for auto: ask multicast DNS too\n"

static const struct subcommand subcommands[] = {
	{
		"attach", attach_main,
		"URI... [--overlay none|ram[:SIZE|:N%]] [--full wait[:SECONDS]|error]\n"
		"       [--write-through] [--connections N] [--device N] [--lost queue|fail:S|reboot:S]\n"
		"       [--overcommit] [--wait SECONDS] [--read-ahead KIB] [--json] [--boot]\n"
		"       [--takeover] [FARM OPTION]...",
		"Attaches an image that NBD servers offer and prints the device's path.\n"
		"URI is nbd://HOST[:PORT]/EXPORT; several are the same image on several servers.\n"
		"Or it is vdisk://HOST[:PORT][/IMAGE]: log in to that farm, which says image and servers;\n"
		"auto finds the farm first.  The session is kept in /run/vdisk/identity.json.\n"
		"Without --overlay and --write-through the device is read-only; an image of a farm has\n"
		"the overlay that the farm says, or one in RAM.\n"
		"\n"
		"  --overlay ram[:SIZE|:N%]  writes go to RAM, at most SIZE (K, M, G, T) or N percent\n"
		"                            of the machine's memory; 50% when not said\n"
		"  --full wait[:SECONDS]     a full overlay lets writes wait, then fails them (default)\n"
		"  --full error              a full overlay fails writes at once\n"
		"  --overcommit              an overlay larger than the memory that is free\n"
		"  --write-through           writes go to the server\n"
		"  --connections N           connections to each server, 1 to 8\n"
		"  --device N                be /dev/vdiskN\n"
		"  --lost queue              I/O waits for ever when every server is gone (default)\n"
		"  --lost fail:S, reboot:S   after S seconds I/O fails, or the machine restarts\n"
		"  --wait SECONDS            give up when no server answered by then; 30; 0: never\n"
		"  --read-ahead KIB          largest prefetch of a stream; 0 switches it off\n"
		"  --json                    print an object\n"
		"  --boot                    this machine boots from it: several images of a farm: ask\n"
		"                            at the console; a failure: the farm gets 200 log lines\n"
		"  --takeover                end a session that this machine has elsewhere\n"
		FARM_HELP,
	}, {
		"detach", detach_main,
		"DEV...|--all [--force]",
		"Takes devices away.  DEV is a number, vdisk0 or /dev/vdisk0.\n"
		"\n"
		"  --all     all of them, but never the one that holds /\n"
		"  --force   though it is in use: its I/O fails\n",
	}, {
		"status", status_main,
		"[DEV] [--watch] [--json]",
		"Shows one device or all.\n"
		"\n"
		"  --watch   again every second\n"
		"  --json    as JSON (with --watch: one object a line)\n",
	}, {
		"set", set_main,
		"DEV [--limit SIZE [--overcommit]] [--full wait[:SECONDS]|error]\n"
		"       [--lost queue|fail:S|reboot:S] [--read-ahead KIB] [--fail-now]",
		"Changes a living device.\n"
		"\n"
		"  --limit SIZE   size of the overlay; --overcommit: more than the memory that is free\n"
		"  --fail-now     all I/O that waits fails, now and from now on\n"
		"  the rest       as of attach\n",
	}, {
		"overlay", overlay_main,
		"resize DEV SIZE [--overcommit]",
		"Changes the size of a device's overlay: SIZE (K, M, G, T) or N% of the machine's memory.\n"
		"\n"
		"  --overcommit   more than the memory that is free\n",
	}, {
		"monitor", monitor_main,
		"[--json]",
		"Prints events as they happen, one a line, until it is interrupted.\n",
	}, {
		"login", login_main,
		"URI... [--wait SECONDS] [--menu] [--takeover] [--secrets FILE] [FARM OPTION]...",
		"Logs this machine in to its farm, and prints what it was told, without secrets, as JSON.\n"
		"URI is vdisk://HOST[:PORT][/IMAGE] or auto; several are servers of one farm.\n"
		"\n"
		"  --wait SECONDS   give up when not let in by then; 30; 0: never\n"
		"  --menu           several images: ask at the console, not the default\n"
		"  --takeover       end a session that this machine has elsewhere\n"
		"  --secrets FILE   write everything into a new file, for root alone\n"
		FARM_HELP,
	}, {
		"logout", logout_main,
		"",
		"Ends this machine's session.  Its image is out of reach from then on.\n",
	}, {
		"identity", identity_main,
		"[--into DIR] [--credentials DIR] [--debug]",
		"Shows what this machine is told by its farm, without secrets, as JSON.\n"
		"\n"
		"  --into DIR         write name, machine ID, ssh host key and files into the root\n"
		"                     filesystem at DIR\n"
		"  --credentials DIR  write properties as credentials of systemd into DIR\n"
		"  --debug            show nothing; done when the farm allows a shell at this boot\n",
	}, {
		"event", event_main,
		"STEP [--bytes N] [--text TEXT] [--log]",
		"Tells the farm how far this boot has come.\n"
		"\n"
		"  --log   with the last 200 lines of the kernel's log\n",
	}, {
		"report", report_main,
		"URI... --text TEXT [--log] [FARM OPTION]...",
		"Tells the farm why this machine does not boot, when it got no session to say so in.\n"
		"\n"
		"  --text TEXT  why; its first line is what lists show\n"
		"  --log        with the last 200 lines of the kernel's log\n"
		FARM_HELP,
	}, {
		"discover", discover_main,
		"[--json] [FARM OPTION]...",
		"Looks for the servers of a farm, and whether each proves the farm's pin.\n"
		"\n"
		FARM_HELP,
	}, {
		"agent", agent_main,
		"[--interval SECONDS]",
		"Stays: tells the farm how this machine's disk fares, renews its session, and carries\n"
		"out what the farm orders: reboot, shutdown, message.\n",
	}, {
		"key", key_main,
		"show | create --tpm|--partition DEV | remove --tpm|--partition DEV",
		"The keys by which farms know this machine; 'vdiskadm client bind' has it make one by\n"
		"itself.\n"
		"\n"
		"  show             place, device and public half of each that it has\n"
		"  create           make one, and print its public half for 'vdiskadm client set\n"
		"                   --public-key'\n"
		"  remove           take it away for good\n"
		"  --tpm            in the TPM 2.0\n"
		"  --partition DEV  in a partition of vdisk's type; no other is touched\n",
	}, {
		"medium", medium_main,
		"FOLDER",
		"Takes farm.pin, farm.conf and client.key of a boot medium, mounted at FOLDER, where this\n"
		"machine has none of its own in /etc/vdisk.  A pin that differs is an error.\n",
	},
};

#define NR_SUBCOMMANDS (sizeof(subcommands) / sizeof(*subcommands))

static const struct subcommand *current;

static void complain(const char *format, va_list args)
{
	fputs("vdiskctl: ", stderr);
	vfprintf(stderr, format, args);
}

int fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(format, args);
	va_end(args);
	fputc('\n', stderr);
	return EXIT_FAILED;
}

void warn(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(format, args);
	va_end(args);
	fputc('\n', stderr);
}

int usage_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(format, args);
	va_end(args);
	fprintf(stderr, ": try 'vdiskctl %s%s--help'\n", current ? current->name : "",
		current ? " " : "");
	return EXIT_USAGE;
}

static void print_help(void)
{
	printf("Usage: vdiskctl %s%s%s\n\n%s", current->name, *current->usage ? " " : "",
	       current->usage, current->help);
}

/* -abc may be three options: only the letter says which is meant. */
static void unknown_option(char **argv)
{
	const char *word = argv[optind - 1];

	if (!optopt)
		usage_error("%s: unknown option '%s'", current->name, word);
	else if (strchr(word, '='))
		usage_error("%s: the option '%s' takes no value", current->name, word);
	else
		usage_error("%s: unknown option '-%c'", current->name, optopt);
}

int next_option(int argc, char **argv, const struct option *options)
{
	int option;

	opterr = 0;
	option = getopt_long(argc, argv, ":h", options, NULL);
	switch (option) {
	case 'h':
		print_help();
		break;
	case ':':
		usage_error("%s: the option '%s' needs a value", current->name, argv[optind - 1]);
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

	fputs("Usage: vdiskctl SUBCOMMAND ...\n\n", to);
	for (i = 0; i < NR_SUBCOMMANDS; i++)
		fprintf(to, "  %s%s%s\n", subcommands[i].name, *subcommands[i].usage ? " " : "",
			subcommands[i].usage);
	fputs("\n  FARM OPTION: --pin PIN, --trust network, --key FILE, --server HOST[:PORT], --multicast\n",
	      to);
	fputs("\n'vdiskctl SUBCOMMAND --help' says more; so does vdiskctl(8).\n", to);
}

/* What was printed counts only when it arrived. */
static int finish(int ret)
{
	if (!fflush(stdout) && !ferror(stdout))
		return ret;
	if (errno != EPIPE)
		fail("cannot write to standard output: %s", strerror(errno));
	return ret ? ret : EXIT_FAILED;
}

int main(int argc, char **argv)
{
	size_t i;

	setlocale(LC_ALL, "");
	if (argc < 2) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		print_usage(stdout);
		return finish(EXIT_DONE);
	}
	for (i = 0; i < NR_SUBCOMMANDS; i++) {
		if (strcmp(argv[1], subcommands[i].name))
			continue;
		current = &subcommands[i];
		return finish(current->main(argc - 1, argv + 1));
	}
	return usage_error("there is no subcommand '%s'", argv[1]);
}

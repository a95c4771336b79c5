// SPDX-License-Identifier: GPL-2.0
/* vdiskadm doctor: what is wrong here, and what to do about it. */
#include "doctor.h"

#include <getopt.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "place.h"
#include "text.h"
#include "vdiskadm.h"

static const struct {
	const char *name;
	void (*run)(struct doctor *doctor);
	bool needs_running;
} checks[] = {
	{ "configuration", doctor_config, false },
	{ "store", doctor_store, false },
	{ "keys", doctor_keys, false },
	{ "clock", doctor_clock, false },
	{ "ipxe", doctor_ipxe, false },
	{ "catalog", doctor_catalog, false },
	{ "server", doctor_server, true },
	{ "netboot", doctor_netboot, true },
	{ "dhcp", doctor_dhcp, true },
};

static const char *const words[] = { "ok", "warn", "fail" };

static json_t *findings;		/* NULL: lines for people */
static unsigned int counts[3];

void doctor_find(struct doctor *doctor, enum finding finding, const char *text, ...)
{
	char *line, *clean;
	va_list args;

	va_start(args, text);
	if (vasprintf(&line, text, args) < 0)
		abort();
	va_end(args);
	clean = text_clean(line);
	counts[finding]++;
	if (findings)
		json_array_append_new(findings, json_pack("{s:s, s:s, s:s}", "check", doctor->check,
							  "state", words[finding], "text", clean));
	else
		printf("%-4s  %s: %s\n", words[finding], doctor->check, clean);
	fflush(stdout);
	free(clean);
	free(line);
}

static void run_all(struct doctor *doctor)
{
	size_t i;

	for (i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
		if (checks[i].needs_running && doctor->elsewhere)
			continue;
		doctor->check = checks[i].name;
		checks[i].run(doctor);
	}
}

static void print_json(void)
{
	json_t *answer = json_pack("{s:b, s:o}", "ok", !counts[FINDING_FAIL], "findings", findings);

	json_dumpf(answer, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(answer);
}

enum { OPT_JSON = 256, OPT_ROOT };

static const struct option options[] = {
	{ "json", no_argument, NULL, OPT_JSON },
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int doctor_main(int argc, char **argv)
{
	struct doctor doctor = { 0 };
	struct vdisk_error err;
	int option;

	while ((option = next_option(argc, argv, options)) != -1) {
		if (option == 'h' || option == '?')
			return option == 'h' ? EXIT_DONE : EXIT_USAGE;
		if (option == OPT_JSON) {
			findings = json_array();
		} else if (option == OPT_ROOT) {
			place_root = optarg;
			doctor.elsewhere = true;
		}
	}
	if (optind < argc)
		return usage_error("what is '%s'", argv[optind]);
	/* The first check tells when there is none. */
	settings_read(&doctor.settings, &err);
	run_all(&doctor);
	settings_free(&doctor.settings);
	if (findings)
		print_json();
	else
		say("%u ok, %u to look at, %u wrong", counts[FINDING_OK], counts[FINDING_WARN],
		    counts[FINDING_FAIL]);
	return counts[FINDING_FAIL] ? EXIT_FAILED : EXIT_DONE;
}

const struct command doctor_command = {
	.name = "doctor",
	.main = doctor_main,
	.usage = "[--json] [--root DIR]",
	.help = "Looks for what is wrong with this server, and says what to do about it.\n"
		"One line each: ok, warn (look at it), fail (clients don't boot, or are not safe).\n"
		"Asks the network for an address, as a client would, but takes none.\n"
		"\n"
		"  --json      as JSON\n"
		"  --root DIR  the files below DIR; nothing that runs\n",
	.local = true,
};

// SPDX-License-Identifier: GPL-2.0
/* vdiskctl report: a machine that got no session tells its farm why it does not boot. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "identity.h"
#include "klog.h"
#include "session.h"
#include "vdiskctl.h"

enum { FINDING_SECONDS = 10, REPORT_TEXT_MAX = 64 << 10 };

enum report_option { OPT_LOG = 256, OPT_TEXT };

static int send_report(struct farm *farm, const struct identity *identity, const char *text,
		       struct vdisk_error *err)
{
	struct farm_request request = { .method = "POST", .path = "/v1/boots", .repeat = true };
	json_t *macs = json_array(), *body;
	struct farm_answer answer;
	unsigned int i;
	int ret;

	for (i = 0; i < identity->nr_macs; i++)
		json_array_append_new(macs, json_string(identity->mac[i]));
	body = json_pack("{s:s, s:o, s:s}", "uuid", identity->uuid, "macs", macs, "text", text);
	request.body = body;
	ret = farm_request(farm, &request, &answer, err);
	json_decref(body);
	if (ret < 0)
		return ret;
	ret = farm_complaint(&answer, err);
	farm_answer_free(&answer);
	return ret;
}

static int report(struct farm_target *target, const struct farm_means *means, const char *text)
{
	struct farm *farm = NULL;
	struct identity identity;
	struct vdisk_error err;
	int ret;

	ret = identity_read(means->root ? means->root : "", &identity, &err);
	if (!ret)
		ret = target_open(target, means, NULL, FINDING_SECONDS, &farm, &err);
	if (!ret)
		ret = send_report(farm, &identity, text, &err);
	farm_close(farm);
	return ret < 0 ? fail("report: %s", err.text) : EXIT_DONE;
}

/* The log's end is what tells: of too long a one the beginning goes. */
static char *join(const char *text, const char *log)
{
	size_t length = strlen(log), room = REPORT_TEXT_MAX - strlen(text) - 1;
	char *both;

	if (length > room)
		log += length - room;
	return asprintf(&both, "%s\n%s", text, log) < 0 ? NULL : both;
}

int report_main(int argc, char **argv)
{
	static const struct option options[] = {
		MEANS_OPTIONS,
		{ "log", no_argument, NULL, OPT_LOG },
		{ "text", required_argument, NULL, OPT_TEXT },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct farm_target target = { .automatic = false };
	struct farm_means means = { .root = NULL };
	char *log = NULL, *both = NULL;
	const char *text = NULL;
	struct vdisk_error err;
	int option, ret = 0;

	while ((option = next_option(argc, argv, options)) != -1) {
		switch (option) {
		case 'h':
			return EXIT_DONE;
		case '?':
			return EXIT_USAGE;
		case OPT_LOG:
			log = log ? log : kernel_log();
			break;
		case OPT_TEXT:
			text = optarg;
			break;
		default:
			ret = means_take(&means, option, optarg, &err);
		}
		if (ret < 0)
			return usage_error("report: %s", err.text);
	}
	if (!text || strlen(text) > REPORT_TEXT_MAX / 2)
		return usage_error("report: say why with '--text TEXT', at most 32 KiB");
	if (target_add_all(&target, argv + optind, &err) < 0)
		return usage_error("report: %s", err.text);
	if (log)
		both = join(text, log);
	ret = report(&target, &means, both ? both : text);
	free(both);
	free(log);
	return ret;
}

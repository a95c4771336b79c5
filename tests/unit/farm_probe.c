// SPDX-License-Identifier: GPL-2.0
/*
 * farm_probe [--pin PIN] [--trust-network] [--plain] [--socket PATH] [--token T] [--patience S]
 *            [--try S] [--max BYTES] [--repeat] [--wait-pending] METHOD PATH BODY|- SERVER...
 * One request to a farm, for test_farm: prints one JSON object.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "farm.h"

static json_t *notices;

static void note(void *context, const char *text)
{
	(void)context;
	json_array_append_new(notices, json_string(text));
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "pin", 1, NULL, 'p' }, { "trust-network", 0, NULL, 't' },
		{ "plain", 0, NULL, 'l' }, { "socket", 1, NULL, 's' }, { "token", 1, NULL, 'k' },
		{ "patience", 1, NULL, 'w' }, { "try", 1, NULL, 'y' }, { "max", 1, NULL, 'm' },
		{ "repeat", 0, NULL, 'r' }, { "wait-pending", 0, NULL, 'g' },
		{ "times", 1, NULL, 'n' }, { NULL, 0, NULL, 0 },
	};
	struct farm_options farm_options = { .notice = note };
	struct farm_request request = { .repeat = false };
	struct farm_answer answer;
	struct vdisk_error err = { .code = 0 };
	struct farm *farm = NULL;
	int option, times = 1, ret;
	json_t *out, *body = NULL;

	notices = json_array();
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'p': farm_options.pin = optarg; break;
		case 't': farm_options.trust_network = true; break;
		case 'l': farm_options.plain = true; break;
		case 's': farm_options.socket = optarg; break;
		case 'k': farm_options.token = optarg; break;
		case 'w': farm_options.patience = atoi(optarg); break;
		case 'y': farm_options.try_seconds = atoi(optarg); break;
		case 'm': farm_options.answer_max = atoi(optarg); break;
		case 'r': request.repeat = true; break;
		case 'g': request.wait_pending = true; break;
		case 'n': times = atoi(optarg); break;
		default: return 2;
		}
	}
	if (argc - optind < 3)
		return 2;
	request.method = argv[optind];
	request.path = argv[optind + 1];
	if (strcmp(argv[optind + 2], "-"))
		request.body = body = json_loads(argv[optind + 2], JSON_DECODE_ANY, NULL);
	farm_options.servers = (const char *const *)argv + optind + 3;
	farm_options.nr_servers = argc - optind - 3;
	ret = farm_open(&farm, &farm_options, &err);
	memset(&answer, 0, sizeof(answer));
	while (!ret && times--) {
		farm_answer_free(&answer);
		ret = farm_request(farm, &request, &answer, &err);
	}
	out = json_pack("{s:i, s:s, s:o}", "ret", ret, "error", ret ? err.text : "", "notices", notices);
	if (!ret) {
		json_object_update_new(out, json_pack("{s:i, s:i, s:s, s:s, s:b, s:O?}",
			"status", answer.status, "length", (int)answer.length, "server", answer.server,
			"pin", farm_pin(farm), "encrypted", farm_is_encrypted(farm),
			"json", answer.json));
		if (farm_complaint(&answer, &err))
			json_object_set_new(out, "complaint", json_string(err.text));
	}
	json_dumpf(out, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(out);
	json_decref(body);
	farm_answer_free(&answer);
	farm_close(farm);
	return 0;
}

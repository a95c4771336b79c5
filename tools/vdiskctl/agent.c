// SPDX-License-Identifier: GPL-2.0
/*
 * vdiskctl agent: tells the farm how the session's disk fares, renews the session's
 * token and the machine's ssh certificate, carries out orders.  Nothing depends on its
 * life: it may be killed, or hang because its own pages are on a disk whose servers are
 * gone.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/reboot.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <poll.h>
#include "check.h"
#include "hostcert.h"
#include "json.h"
#include "parse.h"
#include "session.h"
#include "vdiskctl.h"
#include "wait.h"

enum {
	INTERVAL = 30,				/* seconds between reports */
	RENEW_LEAST = 10, RENEW_MOST = 3600,	/* seconds between renewals */
	RENEW_BLIND = 600,			/* when the clock says nothing sensible */
	ORDERS_MAX = 16, MESSAGE_MAX = 4096,	/* the API takes no longer ones */
};

/* What systemd, as PID 1, takes these signals for; no program is needed. */
#define SIGNAL_POWEROFF (SIGRTMIN + 4)
#define SIGNAL_REBOOT (SIGRTMIN + 5)

struct agent {
	const char *root;
	struct session session;
	unsigned int interval;
	int64_t renew_at;			/* now_ms() */
	/* what was told last */
	char said_of_farm[256], said_of_driver[256], said_of_renewal[256], said_of_ssh[256];
	bool greeted;
	bool ended;				/* the driver says that the session has */
};

/* The same trouble is told once. */
static void complain(char (*last)[256], const struct vdisk_error *err)
{
	if (!strncmp(*last, err->text, sizeof(*last) - 1))
		return;
	snprintf(*last, sizeof(*last), "%.255s", err->text);
	warn("agent: %s", err->text);
}

/* The device whose servers were given the session's token. */
static bool is_ours(const struct vdisk_status *status, const char *token)
{
	unsigned int i;

	for (i = 0; i < status->nr_servers; i++)
		if (!strcmp(status->server[i].config.export, token))
			return true;
	return false;
}

static void add_device(json_t *report, const struct vdisk_status *status)
{
	uint64_t bytes = 0, connected = 0;
	unsigned int i;

	for (i = 0; i < status->nr_servers; i++) {
		bytes += status->server[i].rx_bytes;
		connected += status->server[i].connected;
	}
	json_object_set_new(report, "connections", json_integer(connected));
	json_object_set_new(report, "bytes", json_integer(bytes));
	json_object_set_new(report, "retries",
			    json_integer(status->stats[VDISK_STATS_A_RETRIES]));
	json_object_set_new(report, "overlay_high", json_integer(status->peak));
	json_object_set_new(report, "overlay_used", json_integer(status->used));
	json_object_set_new(report, "overlay_limit", json_integer(status->overlay.limit));
	json_object_set_new(report, "errors", json_integer(status->stats[VDISK_STATS_A_ERRORS]));
	json_object_set_new(report, "device_state", json_string(vdisk_state_name(status->state)));
}

/* Nothing that the agent could do brings a session back: it says so, and renews no more. */
static void look_for_end(struct agent *agent, const struct vdisk_status *status)
{
	struct vdisk_error err;

	agent->ended = status->state == VDISK_STATE_ENDED;
	if (!agent->ended)
		return;
	vdisk_error_set(&err, EKEYREVOKED,
			"/dev/vdisk%u: %s: it fails what is not in its overlay; restart this machine to log in anew",
			status->number, status->reason);
	complain(&agent->said_of_driver, &err);
}

/* Sets *@number to our device's, when there is one. */
static json_t *make_report(struct agent *agent, int64_t *number)
{
	const char *token = session_text(agent->session.json, "export");
	json_t *report = json_object();
	struct vdisk_client *client;
	struct vdisk_status *list;
	struct vdisk_error err;
	size_t i, count;

	*number = -1;
	json_object_set_new(report, "uptime", json_integer((json_int_t)seconds_up()));
	if (vdisk_client_open(&client, &err) < 0) {
		complain(&agent->said_of_driver, &err);
		return report;
	}
	if (!vdisk_client_list(client, &list, &count, &err)) {
		for (i = 0; i < count && *number < 0; i++) {
			if (!is_ours(&list[i], token))
				continue;
			*number = list[i].number;
			add_device(report, &list[i]);
			look_for_end(agent, &list[i]);
		}
		free(list);
	} else {
		complain(&agent->said_of_driver, &err);
	}
	vdisk_client_close(client);
	return report;
}

/* PID 1 carries it out; where that is not systemd, its own program for it does. */
static void end_machine(const char *order)
{
	bool reboot = !strcmp(order, "reboot");
	char *const argv[] = { (char *)(reboot ? "reboot" : "poweroff"), NULL };
	pid_t pid;
	int ret;

	warn("agent: the farm orders: %s", order);
	if (!access("/run/systemd/system", F_OK)) {
		if (kill(1, reboot ? SIGNAL_REBOOT : SIGNAL_POWEROFF) < 0)
			warn("agent: cannot %s: %s", order, strerror(errno));
		return;
	}
	ret = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
	if (ret)
		warn("agent: cannot %s: %s", order, strerror(ret));
}

/* To every terminal, by wall(1), which makes control characters harmless too. */
static void show_message(const char *text)
{
	char *const argv[] = { (char *)"wall", NULL };
	posix_spawn_file_actions_t actions;
	char line[MESSAGE_MAX + 1], *c;
	int ends[2], ret;
	pid_t pid;

	snprintf(line, sizeof(line), "%s", text);
	for (c = line; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?';
	warn("agent: message: %s", line);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
	ret = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[0]);
	/* Less than a pipe holds: this does not wait for anybody. */
	if (!ret)
		dprintf(ends[1], "%s\n", line);
	else
		warn("agent: cannot show it: wall: %s", strerror(ret));
	close(ends[1]);
}

static void carry_out(const json_t *orders)
{
	const char *what;
	json_t *order;
	size_t i;

	json_array_foreach(orders, i, order) {
		what = session_text(order, "order");
		if (i == ORDERS_MAX)
			break;
		if (!strcmp(what, "message"))
			show_message(session_text(order, "text"));
		else if (!strcmp(what, "reboot") || !strcmp(what, "shutdown"))
			end_machine(what);
		else
			warn("agent: an order that this version does not know");
	}
}

static void report(struct agent *agent, int64_t *number)
{
	struct farm_answer answer;
	struct vdisk_error err;
	json_t *body = make_report(agent, number);

	if (!agent->greeted &&
	    !session_event(&agent->session, "agent", seconds_up(), -1, NULL, &err))
		agent->greeted = true;
	if (session_post(&agent->session, "/statistics", body, &answer, &err) < 0) {
		complain(&agent->said_of_farm, &err);
	} else {
		agent->said_of_farm[0] = '\0';
		carry_out(json_object_get(answer.json, "orders"));
	}
	farm_answer_free(&answer);
	json_decref(body);
}

/*
 * When to renew next: well before the end, as far as this machine's clock knows it.  What
 * seems to be over is renewed at once; when that goes for a @fresh one, too, the clock is wrong.
 */
static void plan_renewal(struct agent *agent, bool fresh)
{
	json_int_t left = json_integer_value(json_object_get(agent->session.json, "expires")) -
		time(NULL);
	int64_t pause = RENEW_BLIND;

	if (left > 0 && left < 400 * 86400)
		pause = left / 3;
	if (pause < RENEW_LEAST)
		pause = RENEW_LEAST;
	if (pause > RENEW_MOST)
		pause = RENEW_MOST;
	if (left <= 0 && !fresh)
		pause = 0;
	agent->renew_at = now_ms() + pause * 1000;
}

/* The driver reconnects by the new token from then on; what is connected stays. */
static int tell_driver(int64_t number, const char *token, struct vdisk_error *err)
{
	struct vdisk_change change = { .what = VDISK_CHANGE_TOKEN };
	struct vdisk_client *client;
	int ret;

	if (number < 0)
		return 0;
	snprintf(change.token, sizeof(change.token), "%s", token);
	ret = vdisk_client_open(&client, err);
	if (ret < 0)
		return ret;
	ret = vdisk_client_set(client, number, &change, err);
	vdisk_client_close(client);
	explicit_bzero(&change, sizeof(change));
	return ret;
}

static int take_renewal(struct agent *agent, const json_t *answer, int64_t number,
			struct vdisk_error *err)
{
	int ret;

	ret = check_renewal(answer, err);
	if (!ret)
		ret = tell_driver(number, session_text(answer, "export"), err);
	if (ret < 0)
		return ret;
	json_object_set(agent->session.json, "export", json_object_get(answer, "export"));
	json_object_set(agent->session.json, "bearer", json_object_get(answer, "bearer"));
	json_object_set(agent->session.json, "expires", json_object_get(answer, "expires"));
	ret = farm_set_token(agent->session.farm, session_text(answer, "bearer"), err);
	return ret ? ret : session_save(&agent->session, agent->root, err);
}

static void renew(struct agent *agent, int64_t number)
{
	struct farm_answer answer;
	struct vdisk_error err;

	if (session_post(&agent->session, "/renew", NULL, &answer, &err) < 0) {
		complain(&agent->said_of_renewal, &err);
		agent->renew_at = now_ms() + RENEW_LEAST * 1000LL;
	} else {
		if (take_renewal(agent, answer.json, number, &err) < 0)
			complain(&agent->said_of_renewal, &err);
		else
			agent->said_of_renewal[0] = '\0';
		plan_renewal(agent, true);
	}
	farm_answer_free(&answer);
}

/* Until the next report, or the renewal when there is one and it comes first. */
static int pause_ms(const struct agent *agent)
{
	int64_t left = agent->renew_at - now_ms(), most = agent->interval * 1000LL;

	if (agent->ended || left > most)
		return most;
	return left < 0 ? 0 : left;
}

/* The next ssh certificate, before half the time of this one is over. */
static void certify(struct agent *agent)
{
	double due = hostcert_due(&agent->session);
	struct vdisk_error err;

	if (due < 0 || seconds_up() < due)
		return;
	if (hostcert_renew(&agent->session, agent->root, &err) < 0)
		complain(&agent->said_of_ssh, &err);
	else
		agent->said_of_ssh[0] = '\0';
	/* For the agent that follows this one. */
	if (session_save(&agent->session, agent->root, &err) < 0)
		complain(&agent->said_of_ssh, &err);
}

static void reap(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static int stay(struct agent *agent)
{
	struct signalfd_siginfo info;
	struct pollfd poller;
	sigset_t signals;
	int64_t number;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	poller = (struct pollfd){ .fd = signalfd(-1, &signals, SFD_CLOEXEC), .events = POLLIN };
	if (poller.fd < 0)
		return fail("agent: %s", strerror(errno));
	plan_renewal(agent, false);
	for (;;) {
		report(agent, &number);
		if (!agent->ended && now_ms() >= agent->renew_at)
			renew(agent, number);
		certify(agent);
		reap();
		if (poll(&poller, 1, pause_ms(agent)) > 0 &&
		    read(poller.fd, &info, sizeof(info)) == sizeof(info))
			break;
	}
	close(poller.fd);
	return EXIT_DONE;
}

int agent_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "root", required_argument, NULL, MEANS_ROOT },
		{ "interval", required_argument, NULL, 'i' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct agent agent = { .root = "", .interval = INTERVAL };
	struct vdisk_error err;
	int option, ret;

	while ((option = next_option(argc, argv, options)) != -1) {
		if (option == 'h')
			return EXIT_DONE;
		if (option == '?')
			return EXIT_USAGE;
		if (option == MEANS_ROOT)
			agent.root = optarg;
		else if (parse_number(optarg, 1, 3600, "--interval", &agent.interval, &err) < 0)
			return usage_error("agent: %s", err.text);
	}
	if (optind != argc)
		return usage_error("agent: what is '%s'?", argv[optind]);
	/* A pipe that wall does not read to its end is not our end. */
	signal(SIGPIPE, SIG_IGN);
	if (session_load(agent.root, &agent.session, &err) < 0)
		return fail("agent: %s", err.text);
	ret = stay(&agent);
	session_close(&agent.session);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * tools/vdiskctl/agent.c in a world of its own: a clock that its pauses move, a farm and
 * a driver that answer as they are told to, and orders that are noted, not carried out.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "../../tools/vdiskctl/hostcert.h"
#include "../../tools/vdiskctl/session.h"
#include "../../tools/vdiskctl/vdiskctl.h"
#include "../../tools/vdiskctl/wait.h"
#include "tap.h"

#define TOKEN "~first.mac"
#define RENEWED "~second.mac"
#define BEARER "bearer-0123456789abcdef0123456789.mac"
#define NEW_BEARER "another-0123456789abcdef0123456789.mac"

enum { NOON = 1900000000, DEVICES = 2, OURS = 1 };

static struct {
	int64_t now, until;		/* ms; the agent is told to end then */
	json_t *session, *saved, *reported;
	const char *orders;		/* JSON, given once */
	const char *renewal;		/* JSON; NULL: refused */
	char asked[4096];		/* of the farm, "SECONDS/what " */
	char said[8192];		/* lines */
	char done[4096];		/* orders carried out */
	char bearer[128];		/* the farm's */
	char token[VDISK_EXPORT_MAX + 1];	/* the driver's */
	unsigned int greetings, certified;
	bool deaf, no_driver, driver_refuses, systemd, no_programs;
	double due;			/* of the certificate */
	int pipe;			/* what wall is to read */
	struct vdisk_status device[DEVICES];
	void (*passes)(void);		/* what happens meanwhile */
} world;

__attribute__((format(printf, 3, 4))) static void add(char *text, size_t size, const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + used, size - used, format, args);
	va_end(args);
}

#define note(text, ...) add(text, sizeof(text), __VA_ARGS__)

/* --- vdiskctl's other parts --- */

int64_t now_ms(void)
{
	return world.now;
}

double seconds_up(void)
{
	return world.now / 1000.0;
}

void warn(const char *format, ...)
{
	va_list args;
	char line[5000];

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	note(world.said, "%s\n", line);
}

int fail(const char *format, ...)
{
	warn("%s", format);
	return EXIT_FAILED;
}

int usage_error(const char *format, ...)
{
	warn("%s", format);
	return EXIT_USAGE;
}

int next_option(int argc, char **argv, const struct option *options)
{
	(void)argc, (void)argv, (void)options;
	return -1;
}

const char *session_text(const json_t *session, const char *key)
{
	const char *text = json_string_value(json_object_get(session, key));

	return text ? text : "";
}

int session_load(const char *root, struct session *session, struct vdisk_error *err)
{
	(void)root, (void)err;
	session->farm = NULL;
	session->json = json_incref(world.session);
	return 0;
}

void session_close(struct session *session)
{
	json_decref(session->json);
}

int session_save(const struct session *session, const char *root, struct vdisk_error *err)
{
	(void)root, (void)err;
	json_decref(world.saved);
	world.saved = json_deep_copy(session->json);
	return 0;
}

int session_event(struct session *session, const char *step, double seconds, int64_t bytes,
		  const char *text, struct vdisk_error *err)
{
	(void)session, (void)seconds, (void)bytes, (void)text;
	if (world.deaf)
		return vdisk_error_set(err, EHOSTUNREACH, "nobody answers");
	world.greetings += !strcmp(step, "agent");
	return 0;
}

int session_post(struct session *session, const char *what, const json_t *body,
		 struct farm_answer *answer, struct vdisk_error *err)
{
	bool renew = !strcmp(what, "/renew");
	const char *text = renew ? world.renewal : "{}";

	(void)session;
	memset(answer, 0, sizeof(*answer));
	note(world.asked, "%lld%s ", (long long)world.now / 1000, what);
	if (world.deaf || !text)
		return vdisk_error_set(err, EHOSTUNREACH, "nobody answers");
	if (!renew) {
		json_decref(world.reported);
		world.reported = json_deep_copy(body);
		if (world.orders)
			text = world.orders;
		world.orders = NULL;
	}
	answer->json = json_loads(text, 0, NULL);
	return 0;
}

void farm_answer_free(struct farm_answer *answer)
{
	json_decref(answer->json);
}

int farm_set_token(struct farm *farm, const char *token, struct vdisk_error *err)
{
	(void)farm, (void)err;
	snprintf(world.bearer, sizeof(world.bearer), "%s", token);
	return 0;
}

double hostcert_due(const struct session *session)
{
	(void)session;
	return world.due;
}

int hostcert_renew(struct session *session, const char *root, struct vdisk_error *err)
{
	(void)session, (void)root;
	world.certified++;
	world.due += 100;
	return vdisk_error_set(err, EIO, "no certificate");
}

/* --- the driver --- */

int vdisk_client_open(struct vdisk_client **client, struct vdisk_error *err)
{
	*client = NULL;
	return world.no_driver ? vdisk_error_set(err, ENOENT, "no driver") : 0;
}

void vdisk_client_close(struct vdisk_client *client)
{
	(void)client;
}

int vdisk_client_list(struct vdisk_client *client, struct vdisk_status **list, size_t *count,
		      struct vdisk_error *err)
{
	(void)client, (void)err;
	*list = malloc(sizeof(world.device));
	if (!*list)
		abort();
	memcpy(*list, world.device, sizeof(world.device));
	*count = DEVICES;
	return 0;
}

int vdisk_client_set(struct vdisk_client *client, uint32_t number,
		     const struct vdisk_change *change, struct vdisk_error *err)
{
	(void)client;
	if (world.driver_refuses)
		return vdisk_error_set(err, EBUSY, "the driver refuses");
	if (number == world.device[OURS].number && change->what == VDISK_CHANGE_TOKEN) {
		strcpy(world.token, change->token);
		strcpy(world.device[OURS].server[0].config.export, change->token);
	}
	return 0;
}

/* --- the system --- */

static int fake_poll(int ms)
{
	world.now += ms ? ms : 1;
	if (world.passes)
		world.passes();
	return world.now >= world.until;
}

static int fake_kill(pid_t pid, int signal)
{
	note(world.done, "kill %d RTMIN+%d ", (int)pid, signal - SIGRTMIN);
	return 0;
}

static int fake_spawn(char *const argv[])
{
	int ret = world.no_programs ? ENOENT : 0;

	if (!ret)
		note(world.done, "%s ", argv[0]);
	return ret;
}

static int fake_pipe(int ends[2])
{
	int ret = (pipe2)(ends, O_CLOEXEC);

	if (world.pipe >= 0)
		close(world.pipe);
	world.pipe = ret ? -1 : dup(ends[0]);
	return ret;
}

#define poll(fds, count, ms) fake_poll(ms)
#define read(fd, room, size) ((ssize_t)(size))
#define signalfd(fd, set, flags) open("/dev/null", O_RDONLY | O_CLOEXEC)
#define sigprocmask(how, set, old) ((void)(set))
#define time(room) (NOON + world.now / 1000)
#define access(path, mode) (world.systemd ? 0 : -1)
#define kill(pid, signal) fake_kill(pid, signal)
#define posix_spawnp(pid, file, actions, attributes, argv, environment) ((void)(pid), fake_spawn(argv))
#define pipe2(ends, flags) fake_pipe(ends)
#define waitpid(pid, status, options) (-1)
#include "../../tools/vdiskctl/agent.c"
#undef read

static void begin(int64_t life)
{
	struct vdisk_status *device = world.device;
	int pipe = world.pipe;

	json_decref(world.session);
	json_decref(world.saved);
	json_decref(world.reported);
	memset(&world, 0, sizeof(world));
	world.pipe = pipe;
	world.due = -1;
	world.session = json_pack("{s:s, s:s, s:I}", "export", TOKEN, "bearer", BEARER, "expires",
				  (json_int_t)(NOON + life));
	device[0] = (struct vdisk_status){ .number = 7, .state = VDISK_STATE_ENDED, .nr_servers = 1 };
	strcpy(device[0].server[0].config.export, "public");
	strcpy(device[0].reason, "another's");
	device[OURS] = (struct vdisk_status){
		.number = 9, .state = VDISK_STATE_READY, .nr_servers = 2, .peak = 5, .used = 4,
		.overlay.limit = 6,
	};
	strcpy(device[OURS].server[0].config.export, TOKEN);
	device[OURS].server[0].rx_bytes = 10;
	device[OURS].server[1].rx_bytes = 20;
	device[OURS].server[0].connected = 1;
	device[OURS].server[1].connected = 2;
	device[OURS].stats[VDISK_STATS_A_RETRIES] = 8;
	device[OURS].stats[VDISK_STATS_A_ERRORS] = 9;
}

/* So many seconds of an agent that reports each 30. */
static void run(int seconds)
{
	char name[] = "agent", *argv[] = { name, NULL };

	world.until = world.now + seconds * 1000LL;
	optind = 1;
	if (agent_main(1, argv) != EXIT_DONE)
		tap_ok(false, "an agent that was told to end");
}

static unsigned int count(const char *text, const char *what)
{
	unsigned int n = 0;

	while ((text = strstr(text, what))) {
		text += strlen(what);
		n++;
	}
	return n;
}

static bool is(bool good, const char *name)
{
	if (!tap_ok(good, "%s", name)) {
		tap_diag("asked: %s", world.asked);
		tap_diag("done: %s", world.done);
		tap_diag("said: %s", world.said);
	}
	return good;
}

static void test_report(void)
{
	json_t *wanted = json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:s}", "uptime", 0,
				   "connections", 3, "bytes", 30, "retries", 8, "overlay_high", 5,
				   "overlay_used", 4, "overlay_limit", 6, "errors", 9,
				   "device_state", "ready");

	begin(86400);
	run(30);
	is(json_equal(world.reported, wanted), "it tells of the session's device, and of no other");
	is(!world.said[0], "and has nothing else to say");
	json_decref(wanted);
	begin(86400);
	world.no_driver = true;
	run(60);
	is(json_object_size(world.reported) == 1 && json_integer_value(json_object_get(world.reported, "uptime")) == 30,
	   "without a driver it tells that it is there");
	is(count(world.said, "no driver") == 1, "and its own log what is missing, once");
}

static void hears_later(void)
{
	world.deaf = world.now < 90000;
}

static void test_greeting(void)
{
	begin(86400);
	world.deaf = true;
	world.passes = hears_later;
	run(300);
	is(world.greetings == 1 && count(world.asked, "/statistics") == 10,
	   "it greets the farm once, and goes on when that is away");
	is(count(world.said, "nobody answers") == 1, "which it says once");
}

static bool is_shown(const char *text)
{
	char shown[8192];
	ssize_t length = world.pipe < 0 ? -1 : read(world.pipe, shown, sizeof(shown) - 1);

	if (length < 0)
		return false;
	shown[length] = '\0';
	if (!strcmp(shown, text))
		return true;
	tap_diag("shown: %s", shown);
	return false;
}

static void test_orders(void)
{
	static const struct { const char *name, *orders, *systemd, *other; } cases[] = {
		{ "reboot", "{\"orders\": [{\"order\": \"reboot\"}]}", "kill 1 RTMIN+5 ", "reboot " },
		{ "shutdown", "{\"orders\": [{\"order\": \"shutdown\"}]}", "kill 1 RTMIN+4 ", "poweroff " },
		{ "message", "{\"orders\": [{\"order\": \"message\", \"text\": \"x\"}]}", "wall ", "wall " },
		{ "none", "{\"orders\": []}", "", "" },
		{ "no list", "{\"orders\": {\"order\": \"reboot\"}}", "", "" },
		{ "absurd ones", "{\"orders\": [7, {}, {\"order\": 7}, {\"order\": \"reboot now\"}, "
		  "{\"order\": \"Reboot\"}, {\"order\": \"$(reboot)\"}, \"reboot\", [\"reboot\"]]}", "", "" },
		{ "one after absurd ones", "{\"orders\": [null, {\"order\": \"shutdown\"}]}",
		  "kill 1 RTMIN+4 ", "poweroff " },
	};
	char many[2048] = "{\"orders\": [{}", text[8192] = "", shown[8192] = "";
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		begin(86400);
		world.systemd = true;
		world.orders = cases[i].orders;
		run(90);
		tap_ok(!strcmp(world.done, cases[i].systemd), "an order by systemd, once: %s", cases[i].name);
		begin(86400);
		world.orders = cases[i].orders;
		run(90);
		tap_ok(!strcmp(world.done, cases[i].other), "and by other means: %s", cases[i].name);
	}
	for (i = 0; i < 40; i++)
		note(many, ", {\"order\": \"reboot\"}");
	note(many, "]}");
	begin(86400);
	world.orders = many;
	run(90);
	is(count(world.done, "reboot") == 15, "of too many orders some are carried out");
	begin(86400);
	world.no_programs = true;
	world.orders = "{\"orders\": [{\"order\": \"reboot\"}, {\"order\": \"message\", \"text\": \"x\"}]}";
	run(90);
	is(strstr(world.said, "cannot reboot") && strstr(world.said, "cannot show it"), "one that can't be is told");

	begin(86400);
	world.orders = "{\"orders\": [{\"order\": \"message\", \"text\": \"at six\\n$(id) \\u001b[2J\"}]}";
	run(30);
	is(is_shown("at six?$(id) ?[2J\n") && strstr(world.said, "message: at six?$(id) ?[2J\n"),
	   "a message is shown as it is, in one clean line");
	memset(shown, 'x', 4096);
	note(text, "{\"orders\": [{\"order\": \"message\", \"text\": \"%sxx\"}]}", shown);
	begin(86400);
	world.orders = text;
	run(30);
	strcat(shown, "\n");
	is(is_shown(shown), "a long one up to what the API takes");
}

#define RENEWAL(export, bearer, expires) \
	"{\"export\": \"" export "\", \"bearer\": \"" bearer "\", \"expires\": " expires "}"

static void test_renewal(void)
{
	static const char *const absurd[] = {
		"{}", "[]", RENEWAL("second.mac", NEW_BEARER, "2000000000"),
		RENEWAL("~", NEW_BEARER, "2000000000"), RENEWAL("~a b", NEW_BEARER, "2000000000"),
		RENEWAL("~a", "", "2000000000"), RENEWAL("~a", "short", "2000000000"),
		RENEWAL("~a", NEW_BEARER "\\r\\nX: y", "2000000000"),
		RENEWAL("~" NEW_BEARER, NEW_BEARER, "2000000000"),
	};
	unsigned int i;

	begin(90);
	world.renewal = RENEWAL(RENEWED, NEW_BEARER, "2000000000");
	run(45);
	is(strstr(world.asked, " 30/renew ") && count(world.asked, "/renew") == 1,
	   "a session is renewed when a third of its time is over");
	is(!strcmp(world.token, RENEWED), "the driver is told the new token");
	is(!strcmp(world.bearer, NEW_BEARER), "the farm is shown the new bearer, never the token");
	is(!strcmp(session_text(world.saved, "export"), RENEWED) && !strcmp(session_text(world.saved, "bearer"), NEW_BEARER) &&
	   json_integer_value(json_object_get(world.saved, "expires")) == 2000000000, "and all is kept for the next agent");
	run(60);
	is(json_object_get(world.reported, "device_state"), "the device is still known as its own");

	for (i = 0; i < sizeof(absurd) / sizeof(*absurd); i++) {
		begin(90);
		world.renewal = absurd[i];
		run(45);
		tap_ok(!world.token[0] && !world.bearer[0] && !world.saved && strstr(world.said, "makes no sense"),
		       "a renewal that makes no sense is not taken: %u", i);
	}
	begin(90);
	world.renewal = RENEWAL(RENEWED, NEW_BEARER, "2000000000");
	world.driver_refuses = true;
	run(45);
	is(!world.saved && !world.bearer[0] && !strcmp(session_text(world.session, "export"), TOKEN),
	   "one that the driver won't have is not kept either");
	begin(90);
	run(75);
	is(count(world.asked, "/renew") == 5 && count(world.said, "nobody answers") == 1,
	   "a farm that won't is asked again after ten seconds");
}

static void test_clock(void)
{
	static const struct { const char *name; int64_t life; const char *first; } cases[] = {
		{ "a minute", 60, " 20/renew " }, { "no time", 6, " 10/renew " },
		{ "a day", 86400, " 3600/renew " }, { "ten years", 315360000, " 600/renew " },
		{ "no more, as the clock says", -5, " 0/renew " },
	};
	const char *at;
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		begin(cases[i].life);
		run(3601);
		at = strstr(world.asked, cases[i].first);
		tap_ok(at && strstr(world.asked, "/renew") == strchr(at, '/'), "a session that lives %s",
		       cases[i].name);
	}
	begin(-5);
	world.renewal = RENEWAL(RENEWED, NEW_BEARER, "1000");
	run(630);
	is(strstr(world.asked, " 0/renew ") && strstr(world.asked, " 600/renew ") && count(world.asked, "/renew") == 2,
	   "a clock by which the renewed one is over as well is wrong");
}

static void ends(void)
{
	if (world.now < 20000 || world.now >= 300000)
		return;
	world.device[OURS].state = VDISK_STATE_ENDED;
	strcpy(world.device[OURS].reason, "session ended: fenced by \x1b[2J ann");
}

static void revives(void)
{
	ends();
	if (world.now >= 300000)
		world.device[OURS].state = VDISK_STATE_READY;
}

static void test_ended(void)
{
	begin(90);
	world.renewal = RENEWAL(RENEWED, NEW_BEARER, "2000000000");
	world.device[OURS].state = VDISK_STATE_ENDED;
	strcpy(world.device[OURS].reason, "session ended: fenced");
	run(300);
	is(!strstr(world.asked, "/renew"), "a session that has ended is not renewed");
	is(count(world.asked, "/statistics") == 10, "what is left of it is reported as ever, no more often");
	is(!strcmp(session_text(world.reported, "device_state"), "ended"), "with its state");
	is(!strcmp(world.said, "agent: /dev/vdisk9: session ended: fenced: it fails what is not in its overlay; "
		   "restart this machine to log in anew\n"), "its own log says why, and what to do, once");

	begin(90);
	world.renewal = RENEWAL(RENEWED, NEW_BEARER, "2000000000");
	world.passes = ends;
	world.orders = "{}";
	run(280);
	is(!strstr(world.asked, "/renew") && strstr(world.said, "fenced by ?[2J ann"), "so when it ends later, in clean words");
	begin(90);
	world.renewal = RENEWAL(RENEWED, NEW_BEARER, "2000000000");
	world.passes = revives;
	run(400);
	is(count(world.asked, "/renew") == 1 && strstr(world.asked, " 300/renew "), "a driver that takes it back has it renewed");
	begin(90);
	world.device[OURS].state = VDISK_STATE_ENDED;
	world.passes = NULL;
	world.orders = "{\"orders\": [{\"order\": \"reboot\"}]}";
	run(30);
	is(!strcmp(world.done, "reboot "), "an order to restart is carried out all the same");
}

static void test_certificate(void)
{
	begin(86400);
	world.due = 50;
	run(300);
	is(world.certified == 3 && world.saved, "a certificate is renewed when it is due, which is kept");
	is(count(world.said, "no certificate") == 1, "what is in the way is told once");
	begin(86400);
	run(300);
	is(!world.certified, "none, where there is none to be had");
}

int main(void)
{
	world.pipe = -1;
	test_report();
	test_greeting();
	test_orders();
	test_renewal();
	test_clock();
	test_ended();
	test_certificate();
	return tap_done();
}

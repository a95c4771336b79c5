// SPDX-License-Identifier: GPL-2.0
/*
 * kernel/lost.c in a world of its own: a clock that is moved by hand, one worker, servers
 * that say what they are told to.  What restarts a machine can't be tried in one.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "tap.h"
#include "uapi/linux/vdisk.h"

/* --- as much of a kernel as it needs --- */

#define VDISK_DEVICE_PRIV_H
#define VDISK_NETLINK_H
#define HZ 100
#define VDISK_HS_TEXT 256

typedef uint32_t u32;
struct lock { int held; };
struct work_struct { int unused; };
struct delayed_work {
	struct work_struct work;
	void (*run)(struct work_struct *work);
	bool armed;
	unsigned long when;
};

static unsigned long jiffies = (unsigned long)-3 * HZ;	/* it wraps soon */
static int vdisk_wq;

#define container_of(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))
#define max_t(type, a, b) ((type)(a) > (type)(b) ? (type)(a) : (type)(b))
#define READ_ONCE(x) (x)
#define time_before(a, b) ((long)((a) - (b)) < 0)
#define time_after_eq(a, b) ((long)((a) - (b)) >= 0)
#define lockdep_assert_held(l) ((l)->held == 1 ? (void)0 : never("a lock that isn't held"))
#define mutex_lock(l) take(l)
#define mutex_unlock(l) leave(l)
#define spin_lock_bh(l) take(l)
#define spin_unlock_bh(l) leave(l)
#define wake_up(w) ((void)(w))
#define pr_err(...) log_line(__VA_ARGS__)
#define pr_emerg(...) log_line(__VA_ARGS__)
#define INIT_DELAYED_WORK(w, f) ((w)->run = (f))
#define mod_delayed_work(q, w, d) ((void)(q), (w)->armed = true, (w)->when = jiffies + (d))
#define cancel_delayed_work(w) ((w)->armed = false)
#define cancel_delayed_work_sync(w) ((w)->armed = false)

struct vdisk_source {
	unsigned int nr_paths, up;
	bool said[4], offline, ended;
};

struct vdisk_device {
	u32 number, state;
	struct { u32 lost, lost_seconds; } cfg;
	struct vdisk_source *src;
	struct lock news, lock;
	int wait;
	bool published, stopping, lost, given_up, ended;
	unsigned long lost_since;
	char ended_words[VDISK_HS_TEXT];
	struct delayed_work lost_work;
};

static struct vdisk_source source;
static struct vdisk_device device;
static char events[256], lines[512];
static unsigned int restarts;

static void never(const char *what)
{
	tap_ok(false, "never: %s", what);
}

static void take(struct lock *lock)
{
	if (lock->held++)
		never("a lock taken twice");
}

static void leave(struct lock *lock)
{
	if (lock->held-- != 1)
		never("a lock left twice");
}

__attribute__((format(printf, 1, 2))) static void log_line(const char *format, ...)
{
	size_t used = strlen(lines);
	va_list ap;

	va_start(ap, format);
	vsnprintf(lines + used, sizeof(lines) - used, format, ap);
	va_end(ap);
}

static void emergency_restart(void)
{
	restarts++;
}

static unsigned int vdisk_source_ended(struct vdisk_source *src, char *words)
{
	unsigned int i, said = 0;

	for (i = 0; i < src->nr_paths; i++)
		said += src->said[i];
	if (said && words)
		strcpy(words, "session ended: so");
	return said;
}

static void vdisk_source_offline(struct vdisk_source *src, bool ended)
{
	if (device.lock.held)
		never("the source's lock inside the device's");
	if (src->up)
		return;
	src->offline = true;
	src->ended = ended;
}

static void vdisk_source_revive(struct vdisk_source *src)
{
	src->offline = false;
	src->ended = false;
}

static void vdisk_device_event(struct vdisk_device *dev, u32 event, const char *reason)
{
	static const char *const names[] = {
		[VDISK_EVENT_LOST] = "lost", [VDISK_EVENT_BACK] = "back",
		[VDISK_EVENT_GIVEN_UP] = "given-up", [VDISK_EVENT_ENDED] = "ended",
	};

	if (dev->lock.held)
		never("an event under a spinlock");
	strcat(strcat(strcat(events, names[event]), reason ? "!" : ""), " ");
}

static void vdisk_netlink_clean(char *to, size_t size, const char *from, bool admin)
{
	(void)admin;
	snprintf(to, size, "%s", from);
}

void vdisk_lost_arm(struct vdisk_device *dev);
void vdisk_lost_init(struct vdisk_device *dev);
void vdisk_lost_stop(struct vdisk_device *dev);
void vdisk_lost_renewed(struct vdisk_device *dev);
u32 vdisk_lost_state(const struct vdisk_device *dev);
void vdisk_device_source_changed(struct vdisk_device *dev);
void vdisk_device_path_changed(struct vdisk_device *dev);

#include "../../kernel/lost.c"

/* --- what happens --- */

/* Lets @seconds pass, and the work run whenever it is due. */
static void pass(unsigned long seconds)
{
	unsigned long end = jiffies + seconds * HZ;
	struct delayed_work *work = &device.lost_work;
	unsigned int runs = 0;

	while (work->armed && !time_before(end, work->when) && runs++ < 100) {
		if (time_before(jiffies, work->when))
			jiffies = work->when;
		work->armed = false;
		work->run(&work->work);
	}
	if (runs >= 100)
		never("work without an end");
	jiffies = end;
}

static void connections(unsigned int up)
{
	source.up = up;
	if (up)
		vdisk_source_revive(&source);
	vdisk_device_source_changed(&device);
}

/* A server's answer: its session is over, or it is not. */
static void says(unsigned int server, bool ended)
{
	source.said[server] = ended;
	vdisk_device_path_changed(&device);
}

/* All servers have gone from a device that had them; all it did since is told. */
static void begin(unsigned int servers, u32 policy, u32 seconds)
{
	source = (struct vdisk_source){ .nr_paths = servers };
	device = (struct vdisk_device){
		.src = &source, .cfg = { policy, seconds }, .published = true,
		.state = VDISK_STATE_READY,
	};
	vdisk_lost_init(&device);
	events[0] = lines[0] = '\0';
	restarts = 0;
	connections(1);
	connections(0);
}

static void is(u32 state, bool offline, const char *told, const char *name)
{
	bool right = device.state == state && source.offline == offline &&
		     !strcmp(events, told) && !device.lock.held && !device.news.held;

	if (!tap_ok(right, "%s", name))
		tap_diag("state %u, %s, events '%s'", device.state,
			 source.offline ? "offline" : "waiting", events);
	events[0] = '\0';
}

static void test_policy(void)
{
	begin(1, VDISK_LOST_QUEUE, 0);
	pass(86400);
	is(VDISK_STATE_LOST, false, "lost ", "queue: it waits");
	connections(1);
	is(VDISK_STATE_READY, false, "back ", "queue: a server is back");

	begin(1, VDISK_LOST_FAIL, 5);
	pass(4);
	says(0, false);
	is(VDISK_STATE_LOST, false, "lost ", "fail:5: it waits for 4 s");
	pass(1);
	is(VDISK_STATE_FAILED, true, "given-up ", "fail:5: it fails after 5 s");
	says(0, false);
	pass(60);
	is(VDISK_STATE_FAILED, true, "", "fail:5: which is told once");
	connections(1);
	connections(0);
	pass(3);
	connections(0);
	pass(2);
	is(VDISK_STATE_FAILED, true, "back lost given-up ", "fail:5: and the next time again");

	begin(1, VDISK_LOST_REBOOT, 5);
	pass(4);
	tap_ok(!restarts, "reboot:5: it waits for 4 s");
	pass(1);
	tap_ok(restarts == 1 && strstr(lines, "vdisk0: no server for 5 s: restarting"),
	       "reboot:5: it restarts after 5 s");

	begin(1, VDISK_LOST_REBOOT, 5);
	device.stopping = true;
	says(0, true);
	pass(60);
	tap_ok(!restarts, "reboot:5: not while it is being detached");
}

static void test_ended(void)
{
	begin(1, VDISK_LOST_QUEUE, 0);
	says(0, true);
	pass(0);
	is(VDISK_STATE_ENDED, true, "lost ended! ", "ended: at once, with the words");
	tap_ok(source.ended && !strcmp(lines, "vdisk0: session ended: so\n"), "ended: no more tries, one line");
	says(0, true);
	vdisk_lost_renewed(&device);
	pass(86400);
	is(VDISK_STATE_ENDED, true, "", "ended: once");

	connections(1);
	is(VDISK_STATE_READY, false, "back ", "ended: a server that serves all the same");
	connections(0);
	source.said[0] = false;
	pass(3600);
	is(VDISK_STATE_LOST, false, "lost ", "ended: which does not last");

	begin(1, VDISK_LOST_FAIL, 3600);
	says(0, true);
	pass(0);
	is(VDISK_STATE_ENDED, true, "lost ended! ", "ended: fail:3600 does not wait");

	begin(1, VDISK_LOST_REBOOT, 3600);
	says(0, false);
	pass(60);
	tap_ok(!restarts, "refused: reboot:3600 waits");
	says(0, true);
	pass(0);
	tap_ok(restarts == 1 && !strcmp(lines, "vdisk0: session ended: so: restarting the machine\n"),
	       "ended: reboot:3600 does not");

	begin(1, VDISK_LOST_QUEUE, 0);
	device.published = false;
	device.state = VDISK_STATE_CONNECTING;
	says(0, true);
	pass(0);
	tap_ok(device.state == VDISK_STATE_CONNECTING && source.offline, "ended: before it is published");
	take(&device.lock);
	tap_ok(vdisk_lost_state(&device) == VDISK_STATE_ENDED, "ended: which it is when it is");
	leave(&device.lock);

	begin(1, VDISK_LOST_QUEUE, 0);
	device.state = VDISK_STATE_DETACHING;
	says(0, true);
	pass(0);
	tap_ok(device.state == VDISK_STATE_DETACHING, "ended: one that is going keeps going");
}

static void test_servers(void)
{
	begin(2, VDISK_LOST_QUEUE, 0);
	connections(1);
	events[0] = '\0';
	says(0, true);
	pass(3600);
	is(VDISK_STATE_READY, false, "", "two servers: not while one serves");
	connections(0);
	pass(9);
	is(VDISK_STATE_LOST, false, "lost ", "two servers: the other has its time");
	connections(1);
	pass(3600);
	is(VDISK_STATE_READY, false, "back ", "two servers: and is back");
	connections(0);
	pass(10);
	is(VDISK_STATE_ENDED, true, "lost ended! ", "two servers: it stays away");

	begin(2, VDISK_LOST_QUEUE, 0);
	says(0, true);
	says(1, true);
	pass(0);
	is(VDISK_STATE_ENDED, true, "lost ended! ", "two servers: both say it, at once");

	begin(2, VDISK_LOST_QUEUE, 0);
	says(0, true);
	pass(5);
	says(0, false);
	pass(3600);
	is(VDISK_STATE_LOST, false, "lost ", "two servers: the last word counts");

	begin(2, VDISK_LOST_FAIL, 5);
	says(0, true);
	pass(5);
	is(VDISK_STATE_FAILED, true, "lost given-up ", "two servers: a policy that is sooner");
	pass(5);
	is(VDISK_STATE_ENDED, true, "ended! ", "two servers: and then the end");

	/* The last one went at the very moment, after a long time. */
	begin(1, VDISK_LOST_REBOOT, 5);
	connections(1);
	pass(3600);
	source.up = 0;
	device.lost_work.run(&device.lost_work.work);
	tap_ok(!restarts, "one that went, and wasn't counted yet, has its time");

	/* One comes up at the very moment. */
	begin(2, VDISK_LOST_QUEUE, 0);
	says(0, true);
	source.up = 1;
	pass(10);
	is(VDISK_STATE_LOST, false, "lost ", "two servers: one comes up, and wasn't counted yet");
	connections(1);
	is(VDISK_STATE_READY, false, "back ", "two servers: then it is");
}

static void test_renewed(void)
{
	begin(1, VDISK_LOST_FAIL, 5);
	says(0, true);
	pass(100);
	source.said[0] = false;
	vdisk_lost_renewed(&device);
	pass(0);
	is(VDISK_STATE_LOST, false, "lost ended! lost ", "renewed: lost");
	tap_ok(!source.ended, "renewed: its servers are tried");
	pass(4);
	is(VDISK_STATE_LOST, false, "", "renewed: patience begins anew");
	pass(1);
	is(VDISK_STATE_FAILED, true, "given-up ", "renewed: and ends");
	says(0, true);
	pass(0);
	is(VDISK_STATE_ENDED, true, "ended! ", "renewed: ended again");
	source.said[0] = false;
	vdisk_lost_renewed(&device);
	pass(5);
	is(VDISK_STATE_FAILED, true, "lost given-up ", "renewed: given up again");
	connections(1);
	is(VDISK_STATE_READY, false, "back ", "renewed: a server takes it");
}

int main(void)
{
	test_policy();
	test_ended();
	test_servers();
	test_renewed();
	vdisk_lost_stop(&device);
	return tap_done();
}

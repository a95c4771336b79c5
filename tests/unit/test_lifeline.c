// SPDX-License-Identifier: GPL-2.0
/*
 * tools/lifeline/lifeline.c in a world of its own: a clock that its sleeps move, one
 * device that is as it is told to be, and a machine that survives its end.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <time.h>
#include <unistd.h>
#include "client.h"
#include "tap.h"

enum { NEVER = -1, LONG_MS = 120000, SYNC_PID = 4711 };

static struct {
	int64_t now;			/* ms, since the shutdown began */
	int64_t given_up, rebooted, synced;	/* when; NEVER */
	unsigned int orders, how;
	bool gone, refuses;		/* the driver */
	const char *comm, *ending;	/* of PID 1; of the file, NULL: none */
	struct vdisk_status device;
	void (*passes)(void);		/* what happens meanwhile */
	jmp_buf over;
} world;

static void pass(int ms)
{
	world.now += ms;
	if (world.now > LONG_MS)
		longjmp(world.over, 1);
	if (world.passes)
		world.passes();
}

static int fake_clock(struct timespec *ts)
{
	/* Not 0, which stands for "not lost". */
	int64_t now = world.now + 1000;

	ts->tv_sec = now / 1000;
	ts->tv_nsec = now % 1000 * 1000000;
	return 0;
}

static int fake_open(const char *path)
{
	const char *text = !strcmp(path, "/proc/1/comm") ? world.comm : world.ending;
	int fd;

	if (!text)
		return -1;
	fd = memfd_create("test", MFD_CLOEXEC);
	if (fd < 0 || pwrite(fd, text, strlen(text), 0) != (ssize_t)strlen(text))
		abort();
	return fd;
}

static pid_t fake_fork(void)
{
	world.synced = world.now;
	return SYNC_PID;
}

static int fake_kill(pid_t pid)
{
	if (pid != SYNC_PID)
		abort();
	return -1;
}

static int fake_reboot(int how)
{
	world.rebooted = world.now;
	world.how = how;
	return -1;
}

int vdisk_client_open(struct vdisk_client **client, struct vdisk_error *err)
{
	(void)err;
	*client = NULL;
	return 0;
}

int vdisk_client_set(struct vdisk_client *client, uint32_t number,
		     const struct vdisk_change *change, struct vdisk_error *err)
{
	(void)client;
	world.orders++;
	if (world.refuses)
		return vdisk_error_set(err, EBUSY, "no");
	if (number == world.device.number && change->what == VDISK_CHANGE_FAIL_NOW)
		world.given_up = world.now;
	return 0;
}

int vdisk_client_list(struct vdisk_client *client, struct vdisk_status **list, size_t *count,
		      struct vdisk_error *err)
{
	(void)client;
	if (world.gone)
		return vdisk_error_set(err, EIO, "no");
	*list = malloc(sizeof(**list));
	if (!*list)
		abort();
	**list = world.device;
	*count = 1;
	return 0;
}

#define main lifeline_main
#define clock_gettime(clock, ts) fake_clock(ts)
#define open(path, ...) fake_open(path)
#define poll(fds, count, ms) pass(ms)
#define nanosleep(tick, left) pass((tick)->tv_nsec / 1000000)
#define fork() fake_fork()
#define kill(pid, signal) fake_kill(pid)
#define reboot(how) fake_reboot(how)
#include "../../tools/lifeline/lifeline.c"
#undef main

/* A shutdown of a machine whose one disk is like this. */
static void begin(uint32_t state, uint32_t flags)
{
	memset(&world, 0, sizeof(world));
	memset(watches, 0, sizeof(watches));
	given_up = complained = false;
	world.given_up = world.rebooted = world.synced = NEVER;
	world.comm = "systemd\n";
	world.device = (struct vdisk_status){
		.number = 3, .state = state, .flags = flags, .nr_servers = 2,
	};
}

static void run(void)
{
	if (!setjmp(world.over))
		watch_the_end(NULL);
}

static void is_given_up(int64_t from, int64_t to, const char *name)
{
	run();
	if (!tap_ok(world.given_up >= from && world.given_up <= to, "%s", name))
		tap_diag("at %lld ms", (long long)world.given_up);
}

static void is_kept(const char *name)
{
	run();
	if (!tap_ok(!world.orders && world.rebooted == NEVER, "%s", name))
		tap_diag("at %lld ms", (long long)world.given_up);
}

static void it_moves(void)
{
	world.device.server[1].rx_bytes += 512;
}

static void comes_and_goes(void)
{
	world.device.state = world.now / 1800 % 2 ? VDISK_STATE_READY : VDISK_STATE_LOST;
}

static void ends_late(void)
{
	if (world.now >= 50000)
		world.device.state = VDISK_STATE_ENDED;
}

static void comes_late(void)
{
	world.refuses = world.now < 10000;
}

static void test_servers(void)
{
	begin(VDISK_STATE_READY, 0);
	is_kept("a disk that has a server is kept");
	begin(VDISK_STATE_READY, 0);
	world.device.server[0].inflight = 1;
	world.passes = it_moves;
	is_kept("so is one with a slow one");
	begin(VDISK_STATE_READY, 0);
	world.device.server[0].inflight = 1;
	is_given_up(STALL_MS, STALL_MS + TICK_MS, "one whose server says no word is given up");
	begin(VDISK_STATE_READY, VDISK_F_WRITE_THROUGH);
	world.device.server[0].inflight = 1;
	is_given_up(PRIVATE_MS, PRIVATE_MS + TICK_MS, "later, where writes would be lost");
	begin(VDISK_STATE_LOST, 0);
	is_given_up(LOST_MS, LOST_MS + TICK_MS, "one that has no server is given up");
	begin(VDISK_STATE_FAILED, 0);
	is_given_up(LOST_MS, LOST_MS + TICK_MS, "so is one whose policy has given it up");
	begin(VDISK_STATE_LOST, VDISK_F_WRITE_THROUGH);
	is_given_up(PRIVATE_MS, PRIVATE_MS + TICK_MS, "later, where writes would be lost");
	begin(VDISK_STATE_LOST, 0);
	world.passes = comes_and_goes;
	is_kept("its patience begins anew with each server that comes");
}

static void test_ended(void)
{
	begin(VDISK_STATE_ENDED, 0);
	is_given_up(0, 0, "one whose session has ended is given up at once");
	begin(VDISK_STATE_ENDED, VDISK_F_WRITE_THROUGH);
	is_given_up(0, 0, "whatever becomes of its writes");
	begin(VDISK_STATE_READY, 0);
	world.passes = ends_late;
	is_given_up(50000, 50000 + TICK_MS, "or when it ends");
}

static void test_end(void)
{
	static const struct {
		const char *name, *word;
		unsigned int how;
	} endings[] = {
		{ "nothing", NULL, RB_AUTOBOOT }, { "no word", "", RB_AUTOBOOT },
		{ "reboot", "reboot\n", RB_AUTOBOOT }, { "poweroff", "poweroff\n", RB_POWER_OFF },
		{ "halt", "halt\n", RB_HALT_SYSTEM }, { "kexec", "kexec", RB_AUTOBOOT },
	};
	unsigned int i;

	begin(VDISK_STATE_ENDED, 0);
	run();
	tap_ok(world.orders == 1, "it is told once");
	tap_ok(world.rebooted > GRACE_MS && world.rebooted <= GRACE_MS + 2 * TICK_MS,
	       "and the machine ended a while later, should the shutdown hang");
	tap_ok(world.synced >= GRACE_MS && world.synced <= world.rebooted, "after other disks got theirs");
	begin(VDISK_STATE_ENDED, 0);
	world.comm = "systemd-shutdow\n";
	run();
	tap_ok(world.rebooted > UNMOUNT_MS && world.rebooted <= UNMOUNT_MS + 2 * TICK_MS,
	       "later, while it unmounts");
	for (i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
		begin(VDISK_STATE_ENDED, 0);
		world.ending = endings[i].word;
		run();
		tap_ok(world.rebooted != NEVER && world.how == endings[i].how, "as was asked for: %s",
		       endings[i].name);
	}
	begin(VDISK_STATE_ENDED, 0);
	world.refuses = true;
	world.passes = comes_late;
	run();
	tap_ok(world.given_up >= 10000 && world.rebooted > world.given_up, "a driver that refuses is asked again");
	begin(VDISK_STATE_ENDED, 0);
	world.gone = true;
	is_kept("one that does not answer gives no reason to end anything");
}

/* As long as nobody stops its unit. */
static void test_start(void)
{
	char name[] = "vdisk-lifeline";
	int ends[2];

	begin(VDISK_STATE_ENDED, 0);
	if (pipe(ends))
		abort();
	close(ends[1]);
	tap_ok(child(ends[0], name) && name[0] == '@' && !world.orders && !given_up,
	       "before a shutdown it does nothing, whatever the disk is like");
	close(ends[0]);
}

int main(void)
{
	test_start();
	test_servers();
	test_ended();
	test_end();
	return tap_done();
}

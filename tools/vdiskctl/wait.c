// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>
#include "wait.h"

enum { LOOK_MS = 1000 };

enum outcome { NOT_YET, REACHED };

/* Judges an event of the device, or its state when @event is NULL: enum outcome or -errno. */
typedef int (*judge_fn)(struct waiter *waiter, const struct vdisk_event_info *event,
		     uint32_t number, struct vdisk_error *err);

int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

int waiter_open(struct waiter *waiter, bool interruptible, struct vdisk_error *err)
{
	sigset_t signals;
	int ret;

	memset(waiter, 0, sizeof(*waiter));
	waiter->signals = -1;
	ret = vdisk_client_open(&waiter->client, err);
	if (ret < 0)
		return ret;
	ret = vdisk_events_open(&waiter->events, err);
	if (ret < 0)
		goto err_close;
	if (!interruptible)
		return 0;
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	waiter->signals = signalfd(-1, &signals, SFD_CLOEXEC);
	if (waiter->signals < 0) {
		ret = vdisk_error_set(err, errno, "signalfd: %s", strerror(errno));
		goto err_close;
	}
	return 0;

err_close:
	waiter_close(waiter);
	return ret;
}

void waiter_deafen(struct waiter *waiter)
{
	if (waiter->signals >= 0)
		close(waiter->signals);
	waiter->signals = -1;
}

void waiter_close(struct waiter *waiter)
{
	waiter_deafen(waiter);
	vdisk_events_close(waiter->events);
	vdisk_client_close(waiter->client);
}

/* Takes events until there are none: enum outcome or -errno. */
static int take_events(struct waiter *waiter, uint32_t number, judge_fn judge,
		       struct vdisk_error *err)
{
	struct vdisk_event_info event;
	int ret;

	while ((ret = vdisk_events_next(waiter->events, &event, err)) > 0) {
		if (event.number != number)
			continue;
		ret = judge(waiter, &event, number, err);
		if (ret != NOT_YET)
			return ret;
	}
	/* What the lost events said, the state says too. */
	if (ret == -ENOBUFS)
		return judge(waiter, NULL, number, err);
	return ret;
}

/* The events from before a look go first: they have the reasons. */
static int look(struct waiter *waiter, uint32_t number, judge_fn judge, struct vdisk_error *err)
{
	struct vdisk_error told;
	int ret, events;

	ret = judge(waiter, NULL, number, err);
	if (ret >= 0)
		return ret;
	events = take_events(waiter, number, judge, &told);
	if (events >= 0)
		return events == REACHED ? events : ret;
	*err = told;
	return events;
}

static int wait_for(struct waiter *waiter, uint32_t number, int timeout_ms, judge_fn judge,
		    struct vdisk_error *err)
{
	int64_t deadline = timeout_ms < 0 ? INT64_MAX : now_ms() + timeout_ms;
	struct pollfd fds[] = {
		{ .fd = vdisk_events_fd(waiter->events), .events = POLLIN },
		{ .fd = waiter->signals, .events = POLLIN },
	};
	int64_t left;
	int ret;

	for (;;) {
		left = deadline - now_ms();
		if (left < 0)
			left = 0;
		ret = poll(fds, 2, left < LOOK_MS ? left : LOOK_MS);
		if (ret < 0 && errno != EINTR)
			return vdisk_error_set(err, errno, "poll: %s", strerror(errno));
		if (ret > 0 && fds[1].revents)
			return vdisk_error_set(err, EINTR, "interrupted");
		ret = ret > 0 ? take_events(waiter, number, judge, err) :
				look(waiter, number, judge, err);
		if (ret < 0)
			return ret;
		if (ret == REACHED)
			return 0;
		if (now_ms() >= deadline)
			return vdisk_error_set(err, ETIMEDOUT, "no answer in %d s",
					       timeout_ms / 1000);
	}
}

static int state_of(struct waiter *waiter, uint32_t number, uint32_t *state,
		    struct vdisk_error *err)
{
	struct vdisk_status *status = calloc(1, sizeof(*status));
	int ret;

	*state = VDISK_STATE_CONNECTING;
	if (!status)
		return vdisk_error_set(err, ENOMEM, "no memory");
	ret = vdisk_client_get(waiter->client, number, status, err);
	*state = status->state;
	free(status);
	return ret;
}

/*
 * An event may be of an earlier device of the same number, sent when that went.
 * So an event is only a reason to look, and for its text.
 */
static int judge_ready(struct waiter *waiter, const struct vdisk_event_info *event,
		       uint32_t number, struct vdisk_error *err)
{
	uint32_t state;
	int ret;

	if (event && (event->kind == VDISK_EVENT_PATH_DOWN ||
		      event->kind == VDISK_EVENT_PATH_REFUSED)) {
		waiter->last = *event;
		return NOT_YET;
	}
	if (event && event->kind != VDISK_EVENT_READY && event->kind != VDISK_EVENT_FAILED &&
	    event->kind != VDISK_EVENT_GONE)
		return NOT_YET;

	ret = state_of(waiter, number, &state, err);
	if (ret < 0 && ret != -ENODEV)
		return ret;
	if (!ret && (state == VDISK_STATE_READY || state == VDISK_STATE_LOST ||
		     state == VDISK_STATE_ENDED))
		return REACHED;
	if (!ret && state == VDISK_STATE_CONNECTING)
		return NOT_YET;
	if (event && event->kind == VDISK_EVENT_FAILED)
		return vdisk_error_set(err, EIO, "%s",
				       event->reason[0] ? event->reason : "no reason given");
	if (ret == -ENODEV)
		return vdisk_error_set(err, ENODEV, "%s", waiter->last.reason[0] ?
				       waiter->last.reason : "it went away");
	return NOT_YET;
}

int wait_ready(struct waiter *waiter, uint32_t number, struct vdisk_error *err)
{
	return wait_for(waiter, number, -1, judge_ready, err);
}

/* Another state than DETACHING is that of the number's next device. */
static int judge_gone(struct waiter *waiter, const struct vdisk_event_info *event,
		      uint32_t number, struct vdisk_error *err)
{
	uint32_t state;
	int ret;

	if (event && event->kind != VDISK_EVENT_GONE)
		return NOT_YET;
	ret = state_of(waiter, number, &state, err);
	if (ret == -ENODEV || (!ret && state != VDISK_STATE_DETACHING))
		return REACHED;
	return ret < 0 ? ret : NOT_YET;
}

int wait_gone(struct waiter *waiter, uint32_t number, int timeout_ms, struct vdisk_error *err)
{
	return wait_for(waiter, number, timeout_ms, judge_gone, err);
}

// SPDX-License-Identifier: GPL-2.0
#include "worker.h"

#include <unistd.h>

#include "log.h"
#include "loop.h"

enum { WORKERS_MOST = 32 };

void workers_init(struct workers *workers)
{
	*workers = (struct workers) { .first = NULL };
	workers->last = &workers->first;
	pthread_mutex_init(&workers->lock, NULL);
	pthread_cond_init(&workers->more, NULL);
}

static void finish(struct job *job)
{
	job->work(job);
	if (job->loop)
		loop_post(job->loop, &job->task);
}

static void *worker_thread(void *arg)
{
	struct workers *workers = arg;
	struct task *task;

	pthread_mutex_lock(&workers->lock);
	for (;;) {
		task = workers->first;
		if (task) {
			workers->first = task->next;
			if (!workers->first)
				workers->last = &workers->first;
			workers->queued--;
			pthread_mutex_unlock(&workers->lock);
			finish((struct job *)task);
			pthread_mutex_lock(&workers->lock);
			continue;
		}
		if (workers->stopping)
			break;
		workers->idle++;
		pthread_cond_wait(&workers->more, &workers->lock);
		workers->idle--;
	}
	workers->threads--;
	pthread_cond_broadcast(&workers->more);
	pthread_mutex_unlock(&workers->lock);
	return NULL;
}

/* Called with the lock held.  False when there is no thread at all. */
static bool add_thread(struct workers *workers)
{
	pthread_attr_t attr;
	pthread_t thread;
	int ret;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	ret = pthread_create(&thread, &attr, worker_thread, workers);
	pthread_attr_destroy(&attr);
	if (!ret)
		workers->threads++;
	return workers->threads;
}

void job_start(struct workers *workers, struct job *job)
{
	bool inline_then = false;

	job->task.next = NULL;
	pthread_mutex_lock(&workers->lock);
	*workers->last = &job->task;
	workers->last = &job->task.next;
	workers->queued++;
	if (workers->queued > workers->idle && workers->threads < WORKERS_MOST)
		inline_then = !add_thread(workers);
	pthread_cond_signal(&workers->more);
	if (inline_then) {
		workers->first = NULL;
		workers->last = &workers->first;
		workers->queued = 0;
	}
	pthread_mutex_unlock(&workers->lock);
	if (!inline_then)
		return;
	log_limited(LOG_LEVEL_ERROR, "no thread can be started; the event loop does the work");
	finish(job);
}

void workers_stop(struct workers *workers)
{
	pthread_mutex_lock(&workers->lock);
	workers->stopping = true;
	pthread_cond_broadcast(&workers->more);
	while (workers->threads)
		pthread_cond_wait(&workers->more, &workers->lock);
	pthread_mutex_unlock(&workers->lock);
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Workers: threads for what may wait and has no io_uring operation (opening an
 * image, asking for holes, punching them).
 */
#ifndef VDISKD_WORKER_H
#define VDISKD_WORKER_H

#include <pthread.h>
#include <stdbool.h>

struct loop;

/* Something to run on an event loop. */
struct task {
	struct task *next;
	void (*run)(struct task *task);
};

/* Something to run on a worker first, and then, as a task, on @loop. */
struct job {
	struct task task;		/* run when the work is done */
	void (*work)(struct job *job);	/* may wait; not on the loop's thread */
	struct loop *loop;		/* NULL: nobody waits for it */
};

struct workers {
	pthread_mutex_t lock;		/* all fields below */
	pthread_cond_t more;
	struct task *first, **last;
	unsigned int threads, idle, queued;
	bool stopping;
};

/** workers_init - start; threads come when there is work for them */
void workers_init(struct workers *workers);

/** workers_stop - do what is queued, then end the threads */
void workers_stop(struct workers *workers);

/** job_start - hand @job over; it stays the workers' until its task runs */
void job_start(struct workers *workers, struct job *job);

#endif

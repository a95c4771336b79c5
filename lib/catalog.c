// SPDX-License-Identifier: GPL-2.0
/*
 * An open catalog: one connection that writes, some that read, and the threads
 * that take turns with them. Every wait for a turn ends.
 *
 * Locks: write_lock before pool_lock. Neither is held while a backend's
 * connection is opened for the other purpose.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "catalog_handle.h"
#include "catalog_kinds.h"
#include "catalog_schema.h"

enum { READERS = 16 };

struct catalog {
	const struct catalog_backend *backend;
	char *where;
	atomic_uint patience_ms;

	pthread_mutex_t write_lock;	/* held during a transaction that writes */
	_Atomic pid_t writer;		/* thread that holds it, or 0 */
	struct catalog_connection *write_connection;	/* under write_lock; NULL: to be opened */

	pthread_mutex_t pool_lock;	/* the rest */
	pthread_cond_t pool_free;
	struct catalog_connection *reader[READERS];
	bool busy[READERS];
};

static const struct catalog_backend *const backends[] = { &catalog_sqlite };

const struct catalog_backend *catalog_backend_of(const char *uri, const char **where)
{
	size_t i, length;

	for (i = 0; i < sizeof(backends) / sizeof(*backends); i++) {
		length = strlen(backends[i]->scheme);
		if (!strncmp(uri, backends[i]->scheme, length) && uri[length] == ':') {
			*where = uri + length + 1;
			return backends[i];
		}
	}
	return NULL;
}

bool catalog_is_down(int ret)
{
	switch (ret) {
	case -EIO:
	case -ETIMEDOUT:
	case -ENOSPC:
	case -EROFS:
	case -EACCES:
	case -ENOMEM:
		return true;
	default:
		return false;
	}
}

static struct timespec deadline_of(struct catalog *catalog)
{
	unsigned int ms = atomic_load(&catalog->patience_ms);
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += ms / 1000;
	at.tv_nsec += ms % 1000 * 1000000L;
	if (at.tv_nsec >= 1000000000L) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000L;
	}
	return at;
}

static unsigned int ms_until(const struct timespec *at)
{
	struct timespec now;
	long long ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (at->tv_sec - now.tv_sec) * 1000LL + (at->tv_nsec - now.tv_nsec) / 1000000;
	return ms > 0 ? ms : 0;
}

/* --- connections --- */

/*
 * Make *@connection lead to the catalog that is there now. Whoever stopped the
 * catalog (moved its file away, restored another) is seen here, and so is that
 * it came back.
 */
static int connect_anew(struct catalog *catalog, struct catalog_connection **connection,
			unsigned int patience_ms, struct vdisk_error *err)
{
	const struct catalog_backend *backend = catalog->backend;
	struct catalog_connection *fresh;
	int ret;

	if (*connection && !backend->stale(*connection)) {
		backend->patience(*connection, patience_ms);
		return 0;
	}
	if (*connection)
		backend->close(*connection);
	*connection = NULL;
	ret = backend->open(catalog->where, CATALOG_OPEN_THERE, patience_ms, &fresh, err);
	if (ret == -EPROTO)
		ret = -EIO;
	if (ret)
		return ret;
	ret = catalog_schema_expect(fresh, err);
	if (ret) {
		backend->close(fresh);
		/* it was the right one when we started: whoever asks now is not to blame */
		return ret == -EPROTO ? -EIO : ret;
	}
	*connection = fresh;
	return 0;
}

static int free_slot(const struct catalog *catalog)
{
	int i, closed = -1;

	for (i = 0; i < READERS; i++) {
		if (catalog->busy[i])
			continue;
		if (catalog->reader[i])
			return i;
		if (closed < 0)
			closed = i;
	}
	return closed;
}

static int take_slot(struct catalog *catalog, const struct timespec *deadline, int *slot,
		     struct vdisk_error *err)
{
	int ret = 0;

	pthread_mutex_lock(&catalog->pool_lock);
	while ((*slot = free_slot(catalog)) < 0 && !ret)
		ret = pthread_cond_clockwait(&catalog->pool_free, &catalog->pool_lock, CLOCK_MONOTONIC,
					     deadline);
	if (*slot >= 0)
		catalog->busy[*slot] = true;
	pthread_mutex_unlock(&catalog->pool_lock);
	return *slot >= 0 ? 0 :
	       vdisk_error_set(err, ETIMEDOUT, "catalog: too many others are reading it");
}

static void give_slot(struct catalog *catalog, int slot)
{
	pthread_mutex_lock(&catalog->pool_lock);
	catalog->busy[slot] = false;
	pthread_cond_signal(&catalog->pool_free);
	pthread_mutex_unlock(&catalog->pool_lock);
}

static bool is_writer(struct catalog *catalog)
{
	return atomic_load(&catalog->writer) == gettid();
}

/* The transaction of this thread, unless an error has ended it already. */
static int hold_own(struct catalog *catalog, struct catalog_hold *hold, struct vdisk_error *err)
{
	hold->connection = catalog->write_connection;
	hold->nested = true;
	hold->slot = -1;
	if (catalog->backend->in_transaction(hold->connection))
		return 0;
	return vdisk_error_set(err, EIO, "catalog: the transaction was ended by an error before");
}

/* --- reading --- */

int catalog_read_begin(struct catalog *catalog, struct catalog_hold *hold,
		       struct vdisk_error *err)
{
	const struct timespec deadline = deadline_of(catalog);
	int ret;

	if (is_writer(catalog))
		return hold_own(catalog, hold, err);
	hold->nested = false;
	ret = take_slot(catalog, &deadline, &hold->slot, err);
	if (ret)
		return ret;
	ret = connect_anew(catalog, &catalog->reader[hold->slot], ms_until(&deadline), err);
	hold->connection = catalog->reader[hold->slot];
	if (!ret)
		ret = catalog->backend->begin(hold->connection, false, err);
	if (ret)
		give_slot(catalog, hold->slot);
	return ret;
}

void catalog_read_end(struct catalog *catalog, struct catalog_hold *hold)
{
	if (hold->nested)
		return;
	catalog->backend->rollback(hold->connection);
	give_slot(catalog, hold->slot);
}

/* --- writing --- */

int catalog_begin(struct catalog *catalog, struct vdisk_error *err)
{
	const struct timespec deadline = deadline_of(catalog);
	int ret;

	if (is_writer(catalog))
		return vdisk_error_set(err, EALREADY, "catalog: a transaction of this thread is open");
	if (pthread_mutex_clocklock(&catalog->write_lock, CLOCK_MONOTONIC, &deadline))
		return vdisk_error_set(err, ETIMEDOUT, "catalog: another change takes too long");
	ret = connect_anew(catalog, &catalog->write_connection, ms_until(&deadline), err);
	if (!ret)
		ret = catalog->backend->begin(catalog->write_connection, true, err);
	if (ret) {
		pthread_mutex_unlock(&catalog->write_lock);
		return ret;
	}
	atomic_store(&catalog->writer, gettid());
	return 0;
}

static void let_others_write(struct catalog *catalog)
{
	atomic_store(&catalog->writer, 0);
	pthread_mutex_unlock(&catalog->write_lock);
}

int catalog_commit(struct catalog *catalog, struct vdisk_error *err)
{
	int ret;

	if (!is_writer(catalog))
		return vdisk_error_set(err, EINVAL, "catalog: this thread has no transaction to commit");
	if (!catalog->backend->in_transaction(catalog->write_connection))
		ret = vdisk_error_set(err, EIO, "catalog: the transaction was ended by an error before");
	else
		ret = catalog->backend->commit(catalog->write_connection, err);
	let_others_write(catalog);
	return ret;
}

void catalog_rollback(struct catalog *catalog)
{
	if (!is_writer(catalog))
		return;
	catalog->backend->rollback(catalog->write_connection);
	let_others_write(catalog);
}

static int run_plain(struct catalog *catalog, const char *sql, struct vdisk_error *err)
{
	return catalog->backend->run(catalog->write_connection, sql, NULL, 0, NULL, NULL, err);
}

int catalog_write_begin(struct catalog *catalog, struct catalog_hold *hold,
			struct vdisk_error *err)
{
	int ret;

	if (is_writer(catalog)) {
		ret = hold_own(catalog, hold, err);
		return ret ? ret : run_plain(catalog, "SAVEPOINT \"call\"", err);
	}
	ret = catalog_begin(catalog, err);
	hold->connection = catalog->write_connection;
	hold->nested = false;
	hold->slot = -1;
	return ret;
}

int catalog_write_end(struct catalog *catalog, struct catalog_hold *hold, int ret,
		      struct vdisk_error *err)
{
	if (!hold->nested) {
		if (!ret)
			return catalog_commit(catalog, err);
		catalog_rollback(catalog);
		return ret;
	}
	if (!ret)
		return run_plain(catalog, "RELEASE \"call\"", err);
	/* when that fails the transaction is over, and whatever comes next says so */
	if (catalog->backend->in_transaction(hold->connection) &&
	    (run_plain(catalog, "ROLLBACK TO \"call\"", NULL) ||
	     run_plain(catalog, "RELEASE \"call\"", NULL)))
		catalog->backend->rollback(hold->connection);
	return ret;
}

/* --- opening --- */

int catalog_open(struct catalog **result, const char *uri, struct vdisk_error *err)
{
	const char *where;
	const struct catalog_backend *backend = catalog_backend_of(uri, &where);
	struct catalog *catalog;
	int ret;

	if (!backend)
		return vdisk_error_set(err, EINVAL, "catalog: '%s' is not of the form sqlite:FILE", uri);
	catalog = calloc(1, sizeof(*catalog));
	if (!catalog)
		return vdisk_error_set(err, ENOMEM, "catalog: no memory");
	catalog->backend = backend;
	atomic_init(&catalog->patience_ms, CATALOG_PATIENCE_MS);
	pthread_mutex_init(&catalog->write_lock, NULL);
	pthread_mutex_init(&catalog->pool_lock, NULL);
	pthread_cond_init(&catalog->pool_free, NULL);
	catalog->where = strdup(where);
	ret = catalog->where ? backend->open(where, CATALOG_OPEN_CREATE, CATALOG_PATIENCE_MS,
					     &catalog->write_connection, err) :
	      vdisk_error_set(err, ENOMEM, "catalog: no memory");
	if (!ret)
		ret = catalog_schema_migrate(catalog->write_connection, catalog_steps,
					     catalog_steps_count, true, err);
	if (ret) {
		catalog_close(catalog);
		return ret;
	}
	*result = catalog;
	return 0;
}

void catalog_close(struct catalog *catalog)
{
	int i;

	if (!catalog)
		return;
	catalog_rollback(catalog);
	for (i = 0; i < READERS; i++)
		if (catalog->reader[i])
			catalog->backend->close(catalog->reader[i]);
	/* last, so that it takes the log's content into the file */
	if (catalog->write_connection)
		catalog->backend->close(catalog->write_connection);
	pthread_cond_destroy(&catalog->pool_free);
	pthread_mutex_destroy(&catalog->pool_lock);
	pthread_mutex_destroy(&catalog->write_lock);
	free(catalog->where);
	free(catalog);
}

void catalog_patience(struct catalog *catalog, unsigned int milliseconds)
{
	atomic_store(&catalog->patience_ms, milliseconds);
}

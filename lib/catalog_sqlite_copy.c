// SPDX-License-Identifier: GPL-2.0
/*
 * Copies of a catalog in an SQLite file: before a migration, backup, restore.
 *
 * A copy is made under another name in the directory where it will be, checked,
 * forced to the disk, and only then gets its name.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "catalog_sqlite.h"

enum { BUSY_PAUSE_MS = 20, BUSY_MOST_MS = 10000, PROBLEMS_SHOWN = 3 };

static int failed(struct vdisk_error *err, const char *what, const char *path)
{
	int error = errno;

	return vdisk_error_set(err, error, "catalog: cannot %s %s: %s", what, path,
			       strerror(error));
}

/* --- integrity --- */

struct problems {
	char text[400];
	unsigned int count;
};

static void problem_add(struct problems *problems, const char *text)
{
	size_t used = strlen(problems->text);

	if (problems->count++ < PROBLEMS_SHOWN)
		snprintf(problems->text + used, sizeof(problems->text) - used, "%s%s",
			 used ? "; " : "", text);
}

static int integrity_row(void *data, const struct catalog_value *values, unsigned int count)
{
	(void)count;
	if (values[0].type == CATALOG_V_TEXT && strcmp(values[0].text, "ok"))
		problem_add(data, values[0].text);
	return 0;
}

static int reference_row(void *data, const struct catalog_value *values, unsigned int count)
{
	char text[160];

	if (count >= 3 && values[0].text && values[2].text) {
		snprintf(text, sizeof(text), "row %lld of %s refers to one of %s that is not there",
			 (long long)values[1].integer, values[0].text, values[2].text);
		problem_add(data, text);
	}
	return 0;
}

int catalog_sqlite_check(struct catalog_connection *connection, struct vdisk_error *err)
{
	struct sqlite_connection *c = to_sqlite(connection);
	struct problems problems = { .count = 0 };
	int ret;

	ret = catalog_sqlite.run(connection, "PRAGMA integrity_check(10)", NULL, 0, integrity_row,
				 &problems, err);
	if (!ret)
		ret = catalog_sqlite.run(connection, "PRAGMA foreign_key_check", NULL, 0,
					 reference_row, &problems, err);
	if (!ret && problems.count)
		ret = vdisk_error_set(err, EIO, "catalog: %s is damaged: %s", c->path,
				      problems.text);
	return ret;
}

/* --- copying --- */

static void pause_ms(long milliseconds)
{
	const struct timespec pause = { .tv_nsec = milliseconds * 1000000 };

	nanosleep(&pause, NULL);
}

/* All pages in one step: readers and writers of a source with a write-ahead log go on. */
static int copy_pages(struct sqlite_connection *from, sqlite3 *to, const char *to_path,
		      struct vdisk_error *err)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from->db, "main");
	unsigned int waited = 0;
	int code, result;

	if (!backup)
		return catalog_sqlite_error(to, to_path, sqlite3_errcode(to), err);
	do {
		code = sqlite3_backup_step(backup, -1);
		if (code != SQLITE_BUSY && code != SQLITE_LOCKED)
			break;
		pause_ms(BUSY_PAUSE_MS);
		waited += BUSY_PAUSE_MS;
	} while (waited < BUSY_MOST_MS);
	result = sqlite3_backup_finish(backup);
	if (code == SQLITE_DONE && result == SQLITE_OK)
		return 0;
	/* the error is either side's: a damaged source, a full file system below the copy */
	if ((code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB)
		return vdisk_error_set(err, EIO, "catalog: %s is damaged: %s", from->path,
				       sqlite3_errstr(code));
	return catalog_sqlite_error(to, to_path, code == SQLITE_DONE ? result : code, err);
}

static int sync_path(const char *path, int flags, struct vdisk_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
	int ret = 0;

	if (fd < 0)
		return failed(err, "open", path);
	if (fsync(fd))
		ret = failed(err, "sync", path);
	close(fd);
	return ret;
}

static int sync_directory_of(const char *path, struct vdisk_error *err)
{
	char *copy = strdup(path);
	int ret;

	if (!copy)
		return vdisk_error_set(err, ENOMEM, "catalog: no memory");
	ret = sync_path(dirname(copy), O_DIRECTORY, err);
	free(copy);
	return ret;
}

/* A new empty file beside @path that only we can read; the caller frees the name. */
static int temporary_beside(const char *path, char **temporary, struct vdisk_error *err)
{
	int fd;

	if (asprintf(temporary, "%s.new-XXXXXX", path) < 0)
		return vdisk_error_set(err, ENOMEM, "catalog: no memory");
	fd = mkostemp(*temporary, O_CLOEXEC);
	if (fd < 0) {
		int ret = failed(err, "create", *temporary);

		free(*temporary);
		return ret;
	}
	close(fd);
	return 0;
}

static void remove_temporary(char *temporary)
{
	char name[4096];

	unlink(temporary);
	if ((size_t)snprintf(name, sizeof(name), "%s-wal", temporary) < sizeof(name))
		unlink(name);
	if ((size_t)snprintf(name, sizeof(name), "%s-shm", temporary) < sizeof(name))
		unlink(name);
	if ((size_t)snprintf(name, sizeof(name), "%s-journal", temporary) < sizeof(name))
		unlink(name);
	free(temporary);
}

static int give_name(const char *temporary, const char *path, bool overwrite,
		     struct vdisk_error *err)
{
	int ret = 0;

	if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, overwrite ? 0 : RENAME_NOREPLACE)) {
		if (errno == EEXIST)
			return vdisk_error_set(err, EEXIST, "catalog: %s is there already", path);
		/* not every file system knows the flag */
		if (errno != EINVAL || overwrite || link(temporary, path))
			ret = failed(err, "create", path);
		else
			unlink(temporary);
	}
	return ret ? ret : sync_directory_of(path, err);
}

/* One file without a log beside it, which can be moved and read from a read-only medium. */
static int into_one_file(struct catalog_connection *copy, struct vdisk_error *err)
{
	return catalog_sqlite.run(copy, "PRAGMA journal_mode = DELETE", NULL, 0, NULL, NULL, err);
}

/* A checked copy of @from as @temporary; @prepare may be NULL. */
static int copy_to_temporary(struct sqlite_connection *from, const char *temporary,
			     int (*prepare)(struct catalog_connection *connection,
					    struct vdisk_error *err),
			     struct vdisk_error *err)
{
	struct catalog_connection *copy;
	int ret;

	ret = catalog_sqlite.open(temporary, CATALOG_OPEN_THERE, 0, &copy, err);
	if (ret)
		return ret;
	ret = copy_pages(from, to_sqlite(copy)->db, temporary, err);
	if (!ret)
		ret = into_one_file(copy, err);
	if (!ret)
		ret = catalog_sqlite_check(copy, err);
	if (!ret && prepare)
		ret = prepare(copy, err);
	catalog_sqlite.close(copy);
	return ret ? ret : sync_path(temporary, 0, err);
}

int catalog_sqlite_backup(struct catalog_connection *connection, const char *file, bool overwrite,
			  struct vdisk_error *err)
{
	char *temporary;
	int ret;

	if (!overwrite && !access(file, F_OK))
		return vdisk_error_set(err, EEXIST, "catalog: %s is there already", file);
	ret = temporary_beside(file, &temporary, err);
	if (ret)
		return ret;
	ret = copy_to_temporary(to_sqlite(connection), temporary, NULL, err);
	if (!ret)
		ret = give_name(temporary, file, overwrite, err);
	remove_temporary(temporary);
	return ret;
}

/*
 * SQLite copies no pages through a connection that is writing, so another one
 * reads: the transaction of @connection keeps everybody from changing anything.
 */
int catalog_sqlite_keep(struct catalog_connection *connection, unsigned int version,
			struct vdisk_error *err)
{
	const char *path = to_sqlite(connection)->path;
	struct catalog_connection *reader;
	char *file;
	int ret;

	if (asprintf(&file, "%s.before-%u", path, version) < 0)
		return vdisk_error_set(err, ENOMEM, "catalog: no memory");
	ret = catalog_sqlite.open(path, CATALOG_OPEN_THERE, 0, &reader, err);
	if (!ret) {
		ret = catalog_sqlite_backup(reader, file, true, err);
		catalog_sqlite.close(reader);
	}
	free(file);
	return ret;
}

/* --- restoring --- */

/*
 * Over a catalog that may be in use: its pages are replaced in one transaction,
 * which every open connection sees. A file put into its place would meet the
 * log of the one before.
 */
static int replace_content(const char *temporary, const char *where, struct vdisk_error *err)
{
	struct catalog_connection *from, *to;
	int ret;

	ret = catalog_sqlite.open(temporary, CATALOG_OPEN_THERE, 0, &from, err);
	if (ret)
		return ret;
	ret = catalog_sqlite.open(where, CATALOG_OPEN_CREATE, BUSY_MOST_MS, &to, err);
	if (ret) {
		vdisk_error_set(err, -ret, "catalog: cannot restore over %s, which is damaged or in use: move it and what is named %s-* away first",
				where, where);
		goto out_close_from;
	}
	ret = copy_pages(to_sqlite(from), to_sqlite(to)->db, where, err);
	catalog_sqlite.close(to);
out_close_from:
	catalog_sqlite.close(from);
	return ret;
}

static int refuse_old_log(const char *where, struct vdisk_error *err)
{
	char *wal;
	int ret = 0;

	if (asprintf(&wal, "%s-wal", where) < 0)
		return vdisk_error_set(err, ENOMEM, "catalog: no memory");
	if (!access(wal, F_OK))
		ret = vdisk_error_set(err, EEXIST, "catalog: %s is left of another catalog: move it away",
				      wal);
	free(wal);
	return ret;
}

int catalog_sqlite_restore(const char *file, const char *where, bool overwrite,
			   int (*prepare)(struct catalog_connection *connection,
					  struct vdisk_error *err),
			   struct vdisk_error *err)
{
	bool there = !access(where, F_OK);
	struct catalog_connection *from;
	char *temporary;
	int ret;

	if (there && !overwrite)
		return vdisk_error_set(err, EEXIST, "catalog: %s is there already", where);
	if (!there) {
		ret = refuse_old_log(where, err);
		if (ret)
			return ret;
	}
	ret = catalog_sqlite.open(file, CATALOG_OPEN_THERE, 0, &from, err);
	if (ret)
		return ret;
	ret = temporary_beside(where, &temporary, err);
	if (ret)
		goto out_close;
	ret = copy_to_temporary(to_sqlite(from), temporary, prepare, err);
	if (!ret)
		ret = there ? replace_content(temporary, where, err) :
			      give_name(temporary, where, false, err);
	remove_temporary(temporary);
out_close:
	catalog_sqlite.close(from);
	return ret;
}

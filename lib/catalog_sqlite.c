// SPDX-License-Identifier: GPL-2.0
/*
 * A catalog in an SQLite file: write-ahead log, every commit on the disk before
 * it is answered, waiting for locks bounded.
 *
 * POSIX drops all locks that a process has on a file when it closes any
 * descriptor of it. So nothing here opens a file that SQLite may have open.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "catalog_sqlite.h"

enum { COLUMNS_MOST = 64 };

/* SQLite keeps the system's error of opening, not that of writing: @last is our errno then. */
static int io_error(sqlite3 *db, int last)
{
	switch (sqlite3_system_errno(db) ? sqlite3_system_errno(db) : last) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return -ENOSPC;
	case EROFS:
		return -EROFS;
	case EACCES:
	case EPERM:
		return -EACCES;
	default:
		return -EIO;
	}
}

static int errno_of(sqlite3 *db, int code, int last)
{
	switch (code & 0xff) {
	case SQLITE_CONSTRAINT:
		switch (code) {
		case SQLITE_CONSTRAINT_UNIQUE:
		case SQLITE_CONSTRAINT_PRIMARYKEY:
			return -EEXIST;
		case SQLITE_CONSTRAINT_FOREIGNKEY:
			return -EBUSY;
		default:
			return -EINVAL;
		}
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
		return -ETIMEDOUT;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return io_error(db, last);
	default:
		return -EIO;
	}
}

static const char *advice_of(int error, int code)
{
	if ((code & 0xff) == SQLITE_CORRUPT)
		return ": the file is damaged, restore a backup";
	switch (error) {
	case ETIMEDOUT:
		return ": another process holds it for too long";
	case ENOSPC:
		return ": make room on its file system";
	case EACCES:
		return ": see who owns the file and its directory";
	default:
		return "";
	}
}

int catalog_sqlite_error(sqlite3 *db, const char *path, int code, struct vdisk_error *err)
{
	int error = -errno_of(db, code, errno);

	return vdisk_error_set(err, error, "catalog: %s: %s%s", path,
			       db ? sqlite3_errmsg(db) : sqlite3_errstr(code),
			       advice_of(error, code));
}

/* --- statements --- */

static int bind(sqlite3_stmt *statement, const struct catalog_value *values, unsigned int count)
{
	unsigned int i;
	int code = SQLITE_OK;

	for (i = 0; i < count && code == SQLITE_OK; i++)
		switch (values[i].type) {
		case CATALOG_V_NULL:
			code = sqlite3_bind_null(statement, i + 1);
			break;
		case CATALOG_V_INT:
			code = sqlite3_bind_int64(statement, i + 1, values[i].integer);
			break;
		case CATALOG_V_REAL:
			code = sqlite3_bind_double(statement, i + 1, values[i].real);
			break;
		case CATALOG_V_TEXT:
			code = sqlite3_bind_text64(statement, i + 1, values[i].text, values[i].length,
						   SQLITE_STATIC, SQLITE_UTF8);
			break;
		}
	return code;
}

static void take_column(sqlite3_stmt *statement, int column, struct catalog_value *value)
{
	memset(value, 0, sizeof(*value));
	switch (sqlite3_column_type(statement, column)) {
	case SQLITE_NULL:
		value->type = CATALOG_V_NULL;
		break;
	case SQLITE_INTEGER:
		value->type = CATALOG_V_INT;
		value->integer = sqlite3_column_int64(statement, column);
		break;
	case SQLITE_FLOAT:
		value->type = CATALOG_V_REAL;
		value->real = sqlite3_column_double(statement, column);
		break;
	default:
		value->type = CATALOG_V_TEXT;
		value->text = (const char *)sqlite3_column_text(statement, column);
		value->length = sqlite3_column_bytes(statement, column);
		if (!value->text)
			value->text = "";
	}
}

/* The same few dozen statements run again and again, and preparing takes longer than running. */
static sqlite3_stmt *take_cached(struct sqlite_connection *c, const char *sql)
{
	sqlite3_stmt *statement;
	unsigned int i;

	for (i = 0; i < CATALOG_SQLITE_CACHED; i++) {
		statement = c->cached[i];
		if (statement && !strcmp(sqlite3_sql(statement), sql)) {
			c->cached[i] = NULL;
			return statement;
		}
	}
	return NULL;
}

static void put_cached(struct sqlite_connection *c, sqlite3_stmt *statement)
{
	unsigned int i;

	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	for (i = 0; i < CATALOG_SQLITE_CACHED && c->cached[i]; i++)
		;
	if (i == CATALOG_SQLITE_CACHED) {
		i = c->replace_next++ % CATALOG_SQLITE_CACHED;
		sqlite3_finalize(c->cached[i]);
	}
	c->cached[i] = statement;
}

static int run(struct catalog_connection *connection, const char *sql,
	       const struct catalog_value *values, unsigned int count, catalog_row row, void *data,
	       struct vdisk_error *err)
{
	struct sqlite_connection *c = to_sqlite(connection);
	struct catalog_value columns[COLUMNS_MOST];
	sqlite3_stmt *statement = take_cached(c, sql);
	int code = SQLITE_OK, ret = 0, i, nr;

	errno = 0;
	if (!statement)
		code = sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);
	if (code == SQLITE_OK)
		code = bind(statement, values, count);
	if (code != SQLITE_OK) {
		ret = catalog_sqlite_error(c->db, c->path, code, err);
		goto out_finalize;
	}
	nr = sqlite3_column_count(statement);
	if (nr > COLUMNS_MOST) {
		ret = vdisk_error_set(err, EIO, "catalog: a result of %d columns", nr);
		goto out_finalize;
	}
	while (!ret && (code = sqlite3_step(statement)) == SQLITE_ROW) {
		for (i = 0; i < nr; i++)
			take_column(statement, i, &columns[i]);
		if (row)
			ret = row(data, columns, nr);
	}
	if (!ret && code != SQLITE_DONE)
		ret = catalog_sqlite_error(c->db, c->path, code, err);
	/* pragmas mean something else when they are run again */
	if (!ret && strncmp(sql, "PRAGMA", 6)) {
		put_cached(c, statement);
		return 0;
	}
out_finalize:
	sqlite3_finalize(statement);
	return ret;
}

static int begin(struct catalog_connection *connection, bool write, struct vdisk_error *err)
{
	return run(connection, write ? "BEGIN IMMEDIATE" : "BEGIN", NULL, 0, NULL, NULL, err);
}

static void rollback(struct catalog_connection *connection)
{
	if (!sqlite3_get_autocommit(to_sqlite(connection)->db))
		sqlite3_exec(to_sqlite(connection)->db, "ROLLBACK", NULL, NULL, NULL);
}

static int commit(struct catalog_connection *connection, struct vdisk_error *err)
{
	int ret = run(connection, "COMMIT", NULL, 0, NULL, NULL, err);

	if (ret)
		rollback(connection);
	return ret;
}

static bool in_transaction(struct catalog_connection *connection)
{
	return !sqlite3_get_autocommit(to_sqlite(connection)->db);
}

static int count_row(void *data, const struct catalog_value *values, unsigned int count)
{
	(void)count;
	*(int64_t *)data = values[0].integer;
	return 0;
}

static int has_table(struct catalog_connection *connection, const char *name, bool *there,
		     struct vdisk_error *err)
{
	const struct catalog_value value = {
		.type = CATALOG_V_TEXT, .text = name, .length = name ? strlen(name) : 0
	};
	int64_t count = 0;
	int ret;

	ret = run(connection, name ?
		  "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = $1" :
		  "SELECT count(*) FROM sqlite_master",
		  &value, name ? 1 : 0, count_row, &count, err);
	*there = count;
	return ret;
}

/* --- connections --- */

static void close_connection(struct catalog_connection *connection)
{
	struct sqlite_connection *c = to_sqlite(connection);
	unsigned int i;

	for (i = 0; i < CATALOG_SQLITE_CACHED; i++)
		sqlite3_finalize(c->cached[i]);
	sqlite3_close_v2(c->db);
	free(c->path);
	free(c);
}

static void patience(struct catalog_connection *connection, unsigned int milliseconds)
{
	sqlite3_busy_timeout(to_sqlite(connection)->db, milliseconds);
}

/* An SQLite file moved away would be read and written on, unseen by everybody else. */
static bool stale(struct catalog_connection *connection)
{
	struct sqlite_connection *c = to_sqlite(connection);
	struct stat st;

	return stat(c->path, &st) || st.st_dev != c->device || st.st_ino != c->inode;
}

static int mode_row(void *data, const struct catalog_value *values, unsigned int count)
{
	(void)count;
	*(bool *)data = values[0].type == CATALOG_V_TEXT && !strcmp(values[0].text, "wal");
	return 0;
}

/* Also the first look into the file, which tells whether it is one of SQLite's. */
static int set_up(struct sqlite_connection *c, enum catalog_open_how how, struct vdisk_error *err)
{
	static const char *const pragmas[] = {
		"PRAGMA foreign_keys = ON", "PRAGMA trusted_schema = OFF",
		"PRAGMA synchronous = FULL", "PRAGMA temp_store = MEMORY",
		"PRAGMA cell_size_check = ON", "PRAGMA journal_size_limit = 67108864"
	};
	unsigned int i;
	bool wal = true;
	int ret = 0;

	for (i = 0; i < sizeof(pragmas) / sizeof(*pragmas) && !ret; i++)
		ret = run(&c->base, pragmas[i], NULL, 0, NULL, NULL, err);
	if (!ret)
		ret = run(&c->base, "SELECT count(*) FROM sqlite_master", NULL, 0, NULL, NULL, err);
	if (ret && sqlite3_errcode(c->db) == SQLITE_NOTADB)
		return vdisk_error_set(err, EPROTO, "catalog: %s is no SQLite file", c->path);
	if (ret || how == CATALOG_OPEN_THERE)
		return ret;
	ret = run(&c->base, "PRAGMA journal_mode = WAL", NULL, 0, mode_row, &wal, err);
	if (!ret && !wal)
		ret = vdisk_error_set(err, EIO,
				      "catalog: %s: its file system takes no write-ahead log", c->path);
	return ret;
}

static int open_connection(const char *where, enum catalog_open_how how, unsigned int patience_ms,
			   struct catalog_connection **connection, struct vdisk_error *err)
{
	struct sqlite_connection *c;
	struct stat st;
	int fd, code, ret;

	/* ":memory:" and "" would be catalogs that nobody else sees */
	if (!*where || *where == ':')
		return vdisk_error_set(err, EINVAL, "catalog: '%s' is no file name", where);
	if (how == CATALOG_OPEN_CREATE) {
		fd = open(where, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd >= 0)
			close(fd);
	}
	if (stat(where, &st))
		return vdisk_error_set(err, errno == EACCES ? EACCES : EIO,
				       "catalog: cannot open %s: %s", where, strerror(errno));
	c = calloc(1, sizeof(*c));
	if (c)
		c->path = strdup(where);
	if (!c || !c->path) {
		free(c);
		return vdisk_error_set(err, ENOMEM, "catalog: no memory");
	}
	c->base.backend = &catalog_sqlite;
	c->device = st.st_dev;
	c->inode = st.st_ino;
	code = sqlite3_open_v2(where, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
			       SQLITE_OPEN_EXRESCODE, NULL);
	if (code != SQLITE_OK) {
		ret = catalog_sqlite_error(c->db, where, code, err);
		goto err_close;
	}
	sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	patience(&c->base, patience_ms);
	if (how == CATALOG_OPEN_CREATE && sqlite3_db_readonly(c->db, "main") == 1) {
		ret = vdisk_error_set(err, access(where, W_OK) && errno == EACCES ? EACCES : EROFS,
				      "catalog: %s can only be read: see its owner and its file system",
				      where);
		goto err_close;
	}
	ret = set_up(c, how, err);
	if (ret)
		goto err_close;
	*connection = &c->base;
	return 0;

err_close:
	close_connection(&c->base);
	return ret;
}

const struct catalog_backend catalog_sqlite = {
	.scheme		= "sqlite",
	/* without AUTOINCREMENT the number of the last row, once removed, is given anew */
	.id_type	= "INTEGER PRIMARY KEY AUTOINCREMENT",
	.for_update	= "",
	.open		= open_connection,
	.close		= close_connection,
	.patience	= patience,
	.stale		= stale,
	.run		= run,
	.begin		= begin,
	.commit		= commit,
	.rollback	= rollback,
	.in_transaction	= in_transaction,
	.has_table	= has_table,
	.keep		= catalog_sqlite_keep,
	.check		= catalog_sqlite_check,
	.backup		= catalog_sqlite_backup,
	.restore	= catalog_sqlite_restore,
};

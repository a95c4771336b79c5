// SPDX-License-Identifier: GPL-2.0
/*
 * The catalog's file: made, migrated, refused, damaged, full, locked, moved
 * away, copied, restored; and many threads and a killed process at work on it.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include "catalog_fixture.h"
#include "catalog_kinds.h"
#include "catalog_schema.h"

enum { THREADS = 8, ROUNDS = 25, ENOUGH_SECONDS = 60 };

/* --- helpers --- */

static bool there(const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return !access(path, F_OK);
}

static void start_anew(void)
{
	clear_folder();
	make_folder();
}

static void sql_on(const char *path, const char *sql)
{
	sqlite3 *db;

	if (sqlite3_open(path, &db) || sqlite3_exec(db, sql, NULL, NULL, NULL)) {
		fprintf(stderr, "%s: %s: %s\n", path, sql, sqlite3_errmsg(db));
		exit(1);
	}
	sqlite3_close(db);
}

static bool sql_takes(const char *sql)
{
	bool takes;
	sqlite3 *db;

	takes = !sqlite3_open(file, &db) && !sqlite3_exec(db, sql, NULL, NULL, NULL);
	sqlite3_close(db);
	return takes;
}

static int64_t number_in(const char *path, const char *sql)
{
	sqlite3_stmt *statement;
	int64_t number = -1;
	sqlite3 *db;

	if (!sqlite3_open(path, &db) && !sqlite3_prepare_v2(db, sql, -1, &statement, NULL)) {
		if (sqlite3_step(statement) == SQLITE_ROW)
			number = sqlite3_column_int64(statement, 0);
		sqlite3_finalize(statement);
	}
	sqlite3_close(db);
	return number;
}

static int64_t add_client(struct catalog *catalog, const char *name)
{
	return add(catalog, CATALOG_CLIENT, json("{\"name\":\"%s\"}", name));
}

static int try_open(void)
{
	struct catalog *catalog;
	int ret = catalog_open(&catalog, uri, &error);

	if (!ret)
		catalog_close(catalog);
	return ret;
}

static void overwrite(const char *path, off_t at, const char *bytes, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	if (fd < 0 || pwrite(fd, bytes, length, at) != (ssize_t)length)
		exit(1);
	close(fd);
}

static double seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - start->tv_sec + (now.tv_nsec - start->tv_nsec) / 1e9;
}

/* --- opening --- */

static void test_open(void)
{
	struct catalog *catalog = open_catalog();
	struct stat st;

	tap_ok(!stat(file, &st) && (st.st_mode & 0777) == 0600, "a new one is its owner's alone");
	tap_ok(add_client(catalog, "pc1") == 1, "and takes objects");
	catalog_close(catalog);
	catalog = open_catalog();
	tap_ok(count(catalog, CATALOG_CLIENT, NULL) == 1, "which are there when it is opened again");
	catalog_close(catalog);
	tap_ok(!there("catalog.db-wal"), "nothing is left beside it");
	tap_ok(catalog_open(&catalog, "mysql:x", &error) == -EINVAL &&
	       catalog_open(&catalog, "sqlite:", &error) == -EINVAL &&
	       catalog_open(&catalog, "sqlite::memory:", &error) == -EINVAL &&
	       catalog_open(&catalog, file, &error) == -EINVAL, "URIs that are none");
	tap_ok(catalog_is_down(catalog_open(&catalog, "sqlite:/nowhere/at/all.db", &error)) &&
	       says("/nowhere/at/all.db"), "a directory that is not there");
}

/* The tables are written by hand, the kinds as well: one must be the other. */
static void test_schema(void)
{
	const struct catalog_field *field;
	char sql[300];
	int kind;

	for (kind = 0; kind < CATALOG_KINDS; kind++) {
		unsigned int wrong = 0, fields = 0;

		for (field = catalog_fields(kind); field->name; field++, fields++) {
			snprintf(sql, sizeof(sql), "SELECT count(*) FROM pragma_table_info('%s') WHERE name = '%s' "
				 "AND (type %s '%s')", catalog_kind_info(kind)->table, field->name,
				 fields && field->type != CATALOG_BOOL ? "=" : "<>",
				 !fields || field->type == CATALOG_BOOL ? "" : field->type == CATALOG_NUMBER ?
				 "DOUBLE PRECISION" : field->type == CATALOG_TEXT || field->type == CATALOG_JSON ?
				 "TEXT" : "BIGINT");
			wrong += number_in(file, sql) != 1;
			if (field->refers == CATALOG_NOTHING)
				continue;
			snprintf(sql, sizeof(sql),
				 "SELECT count(*) FROM pragma_foreign_key_list('%s') WHERE \"from\" = '%s' AND \"table\" = '%s'",
				 catalog_kind_info(kind)->table, field->name,
				 catalog_kind_info(field->refers)->table);
			wrong += number_in(file, sql) != 1;
		}
		snprintf(sql, sizeof(sql), "SELECT count(*) FROM pragma_table_info('%s')",
			 catalog_kind_info(kind)->table);
		tap_ok(!wrong && number_in(file, sql) == fields, "the table of %s has its fields",
		       catalog_kind_name(kind));
	}
}

/* What a login asks must not read whole tables. */
static void test_indices(void)
{
	static const char *const questions[] = {
		"clients WHERE uuid = 'x'", "macs WHERE mac = 'x'", "macs WHERE client_id = 1",
		"sessions WHERE client_id = 1 ORDER BY id DESC", "sessions WHERE token_id = 'x'",
		"sessions WHERE state = 'live'", "tokens WHERE hash = 'x'", "events WHERE session_id = 1",
		"assignments WHERE group_id = 1", "assignments WHERE client_id = 1",
		"properties WHERE owner = 'client' AND owner_id = 1", "clients WHERE name = 'x'",
		"clients WHERE group_id = 1", "audit WHERE kind = 'client' AND object_id = 1",
	};
	sqlite3_stmt *statement;
	char sql[200];
	unsigned int i;
	sqlite3 *db;

	sqlite3_open(file, &db);
	for (i = 0; i < sizeof(questions) / sizeof(*questions); i++) {
		bool quick = true;

		snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN SELECT * FROM %s", questions[i]);
		if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL))
			exit(1);
		while (sqlite3_step(statement) == SQLITE_ROW)
			quick &= !strncmp((const char *)sqlite3_column_text(statement, 3), "SEARCH", 6);
		sqlite3_finalize(statement);
		tap_ok(quick, "an index for: %s", questions[i]);
	}
	sqlite3_close(db);
}

static void test_refused(void)
{
	struct catalog *catalog;

	sql_on(file, "UPDATE catalog_schema SET version = 99 WHERE version = (SELECT MAX(version) FROM catalog_schema)");
	tap_ok(catalog_open(&catalog, uri, &error) == -EPROTO && says("99") && says("newer"),
	       "a newer schema is refused");
	tap_ok(number_in(file, "SELECT count(*) FROM clients") == 1, "and left alone");
	start_anew();
	sql_on(file, "CREATE TABLE other (x)");
	tap_ok(catalog_open(&catalog, uri, &error) == -EPROTO && !catalog_is_down(-EPROTO),
	       "something else in SQLite is refused");
	start_anew();
	overwrite(file, 0, "This is a text, and a rather long one, which nobody would take for a data base.", 80);
	tap_ok(catalog_open(&catalog, uri, &error) == -EPROTO && says("no SQLite file"), "a text is refused");
	start_anew();
	overwrite(file, 0, "", 0);
	tap_ok(try_open() == 0, "an empty file becomes a catalog");
}

/* --- migration --- */

static const char *const old_1[] = {
	"CREATE TABLE \"clients\" (\"id\" $ID, \"name\" TEXT)",
	"INSERT INTO \"clients\" (\"name\") VALUES ('old')", NULL
};
static const char *const new_2[] = { "ALTER TABLE \"clients\" ADD COLUMN \"room\" TEXT", NULL };
static const char *const new_3[] = {
	"UPDATE \"clients\" SET \"room\" = 'here'", "CREATE TABLE \"more\" (\"id\" $ID)", NULL
};
static const char *const broken_3[] = {
	"UPDATE \"clients\" SET \"room\" = 'here'", "CREATE TABLE \"clients\" (\"id\" $ID)", NULL
};

static int migrate(const struct catalog_step *steps, unsigned int steps_count)
{
	struct catalog_connection *connection;
	int ret;

	ret = catalog_sqlite.open(file, CATALOG_OPEN_CREATE, 100, &connection, &error);
	if (ret)
		return ret;
	ret = catalog_schema_migrate(connection, steps, steps_count, true, &error);
	catalog_sqlite.close(connection);
	return ret;
}

static void test_migration(void)
{
	static const struct catalog_step good[] = { { 1, old_1 }, { 2, new_2 }, { 3, new_3 } };
	static const struct catalog_step bad[] = { { 1, old_1 }, { 2, new_2 }, { 3, broken_3 } };
	char before[300];

	start_anew();
	snprintf(before, sizeof(before), "%s.before-3", file);
	tap_ok(migrate(good, 1) == 0 && !there("catalog.db.before-1"), "a new one needs no copy");
	tap_ok(migrate(bad, 3) < 0 && number_in(file, "SELECT max(version) FROM catalog_schema") == 1 &&
	       number_in(file, "SELECT count(*) FROM pragma_table_info('clients')") == 2,
	       "a migration that fails in the middle leaves the old schema");
	tap_ok(migrate(good, 3) == 0 && number_in(file, "SELECT max(version) FROM catalog_schema") == 3 &&
	       number_in(file, "SELECT count(*) FROM clients WHERE room = 'here'") == 1,
	       "a migration over two versions");
	tap_ok(there("catalog.db.before-3") &&
	       number_in(before, "SELECT max(version) FROM catalog_schema") == 1 &&
	       number_in(before, "SELECT count(*) FROM clients WHERE name = 'old'") == 1 &&
	       number_in(before, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'") == 1,
	       "a copy from before is kept");
	tap_ok(migrate(good, 3) == 0 && migrate(good, 2) == -EPROTO, "again nothing; not backwards");
}

/* A catalog of the first release, with somebody's boots in it. */
static void test_first_schema(void)
{
	struct catalog *catalog;

	start_anew();
	tap_ok(migrate(catalog_steps, 1) == 0, "the first schema");
	sql_on(file, "INSERT INTO clients (name, type, enabled, machine_id, debug_once, created) "
	       "VALUES ('old', 'production', 1, '0123456789abcdef0123456789abcdef', 0, 1)");
	sql_on(file, "INSERT INTO events (client_id, at, step) VALUES (1, 5, 'kernel')");
	tap_ok(!catalog_open(&catalog, uri, &error) && there("catalog.db.before-3"),
	       "is brought up to date, with a copy");
	tap_ok(count(catalog, CATALOG_CLIENT, json("{\"name\":\"old\"}")) == 1 &&
	       count(catalog, CATALOG_EVENT, json("{\"client_id\":1,\"boot_id\":null}")) == 1, "all is there");
	tap_ok(add(catalog, CATALOG_BOOT, json("{\"client_id\":1,\"step\":\"kernel\"}")) > 0 &&
	       !catalog_check(catalog, &error), "and what is new");
	catalog_close(catalog);
}

/* A catalog of the first release, with what has become impossible since. */
static void test_released(void)
{
	struct catalog *catalog;
	json_t *object;

	start_anew();
	tap_ok(migrate(catalog_steps, 1) == 0, "a catalog of the first release");
	sql_on(file, "INSERT INTO images (name, public, kind, deleted) VALUES ('both', 1, 'private', 0), ('open', 1, 'shared', 0);"
	       "INSERT INTO enrolments (name, opened, until, max, used, closed) VALUES ('a-%d', 1, 2, 3, 0, 0)");
	catalog = open_catalog();
	object = get(catalog, CATALOG_IMAGE, 1);
	tap_ok(json_is_false(json_object_get(object, "public")) && number_of(object, "revision") == 2,
	       "an image that was private and public is private");
	json_decref(object);
	object = get(catalog, CATALOG_IMAGE, 2);
	tap_ok(json_is_true(json_object_get(object, "public")), "a public one stays public");
	json_decref(object);
	object = get(catalog, CATALOG_ENROLMENT, 1);
	tap_ok(json_is_null(json_object_get(object, "network")) &&
	       json_is_null(json_object_get(object, "within_id")), "an enrolment is of no network");
	json_decref(object);
	tap_ok(!catalog_check(catalog, &error), "and all is whole");
	catalog_close(catalog);
}

/* A catalog of the second release, with assignments in it. */
static void test_second_schema(void)
{
	struct catalog *catalog;
	char before[300];
	json_t *object;

	start_anew();
	snprintf(before, sizeof(before), "%s.before-3", file);
	tap_ok(migrate(catalog_steps, 2) == 0, "a catalog of the second release");
	sql_on(file, "INSERT INTO groups (name, secrets, unknown) VALUES ('lab', 'bound', 'refuse');"
	       "INSERT INTO images (name, public, kind, deleted) VALUES ('debian', 0, 'shared', 0);"
	       "INSERT INTO versions (image_id, number, state, size, created) VALUES (1, 1, 'testing', 512, 1);"
	       "INSERT INTO assignments (position, group_id, image_id, version, is_default) "
	       "VALUES (1, 1, 1, 1, 0), (2, 1, 1, NULL, 0)");
	catalog = open_catalog();
	tap_ok(there("catalog.db.before-3") && number_in(before, "SELECT max(version) FROM catalog_schema") == 2 &&
	       number_in(before, "SELECT count(*) FROM assignments") == 2, "a copy from before is kept");
	object = get(catalog, CATALOG_ASSIGNMENT, 1);
	tap_ok(number_of(object, "version") == 1 && number_of(object, "revision") == 1 &&
	       json_is_null(json_object_get(object, "state")), "an assigned version stays one, of no state");
	json_decref(object);
	tap_ok(count(catalog, CATALOG_ASSIGNMENT, json("{\"version\":null,\"state\":null}")) == 1 &&
	       count(catalog, CATALOG_VERSION, json("{\"state\":\"testing\"}")) == 1, "and a current one the current one");
	tap_ok(add(catalog, CATALOG_ASSIGNMENT, json("{\"group_id\":1,\"image_id\":1,\"state\":\"testing\"}")) == 3 &&
	       !catalog_check(catalog, &error), "a state is new");
	catalog_close(catalog);
	tap_ok(!sql_takes("UPDATE assignments SET state = 'testing' WHERE id = 1") &&
	       sql_takes("UPDATE assignments SET state = 'testing' WHERE id = 2"), "nor can it be given beside the catalog to one of a version");
}

/* The process dies in the middle of a migration, and of a change. */
static void test_killed(void)
{
	struct catalog *catalog;
	int ready[2], status;
	pid_t child;
	char c;

	start_anew();
	catalog = open_catalog();
	add_client(catalog, "before");
	catalog_close(catalog);
	if (pipe(ready))
		exit(1);
	child = fork();
	if (!child) {
		catalog = open_catalog();
		if (catalog_begin(catalog, &error) || add_client(catalog, "within") < 0 ||
		    write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(1);
	}
	tap_ok(read(ready[0], &c, 1) == 1, "a process has a transaction open");
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	close(ready[0]);
	close(ready[1]);
	catalog = open_catalog();
	tap_ok(!catalog_check(catalog, &error) && count(catalog, CATALOG_CLIENT, NULL) == 1 &&
	       count(catalog, CATALOG_AUDIT, NULL) == 1, "killed, it has left nothing behind");
	tap_ok(add_client(catalog, "within") > 0, "and others write");
	catalog_close(catalog);
}

/* --- what goes wrong --- */

static void test_locked(void)
{
	struct catalog *catalog;
	struct timespec start;
	int64_t ret;
	sqlite3 *db;

	start_anew();
	catalog = open_catalog();
	add_client(catalog, "pc1");
	catalog_patience(catalog, 200);
	sqlite3_open(file, &db);
	sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	clock_gettime(CLOCK_MONOTONIC, &start);
	ret = add_client(catalog, "pc2");
	tap_ok(ret == -ETIMEDOUT && catalog_is_down(ret) && seconds_since(&start) < ENOUGH_SECONDS,
	       "locked by another process: an error in time");
	tap_ok(count(catalog, CATALOG_CLIENT, NULL) == 1, "reading goes on");
	sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close(db);
	tap_ok(add_client(catalog, "pc2") > 0, "and writing when it is over");
	catalog_close(catalog);
}

static void *write_one(void *data)
{
	struct catalog *catalog = data;
	struct vdisk_error err;
	json_t *object = json("{\"name\":\"thread\"}");
	intptr_t ret = catalog_add(catalog, &admin, CATALOG_CLIENT, object, NULL, &err);

	json_decref(object);
	return (void *)ret;
}

static void test_other_thread(void)
{
	struct catalog *catalog = open_catalog();
	pthread_t thread;
	void *ret;

	catalog_patience(catalog, 100);
	catalog_begin(catalog, &error);
	pthread_create(&thread, NULL, write_one, catalog);
	pthread_join(thread, &ret);
	tap_ok((intptr_t)ret == -ETIMEDOUT, "another thread waits for a transaction, but not for ever");
	catalog_commit(catalog, &error);
	pthread_create(&thread, NULL, write_one, catalog);
	pthread_join(thread, &ret);
	tap_ok((intptr_t)ret == 0, "and writes when it is over");
	catalog_close(catalog);
}

/* Stopped by moving its directory away: what an administrator and the boot tests do. */
static void test_moved(void)
{
	struct catalog *catalog;
	char aside[300];
	int64_t ret;

	start_anew();
	catalog = open_catalog();
	add_client(catalog, "pc1");
	snprintf(aside, sizeof(aside), "%s-aside", folder);
	if (rename(folder, aside))
		exit(1);
	ret = add_client(catalog, "pc2");
	tap_ok(catalog_is_down(ret) && says("cannot open"), "moved away: down for writers");
	ret = count(catalog, CATALOG_CLIENT, NULL);
	tap_ok(catalog_is_down(ret), "and for readers");
	tap_ok(access(file, F_OK) < 0, "no new one is made in its place");
	if (rename(aside, folder))
		exit(1);
	tap_ok(add_client(catalog, "pc2") > 0 && count(catalog, CATALOG_CLIENT, NULL) == 2,
	       "back again: up");
	catalog_close(catalog);
}

static void test_damaged(void)
{
	struct catalog *catalog;
	char noise[4096];
	int64_t ret = 0;
	struct stat st;
	off_t at;
	int i;

	start_anew();
	catalog = open_catalog();
	for (i = 0; i < 300; i++)
		add(catalog, CATALOG_EVENT, json("{\"step\":\"agent\",\"text\":\"%02000d\"}", i));
	catalog_close(catalog);
	memset(noise, 0xa5, sizeof(noise));
	stat(file, &st);
	for (at = 100 * 4096; at < st.st_size; at += 4096)
		overwrite(file, at, noise, sizeof(noise));
	ret = catalog_open(&catalog, uri, &error);
	if (!ret) {
		json_t *array = NULL;

		ret = catalog_list(catalog, CATALOG_EVENT, NULL, &array, &error);
		json_decref(array);
		tap_ok(ret == -EIO && says("damaged"), "damaged: an error, and what to do");
		tap_ok(catalog_check(catalog, &error) == -EIO && says("damaged"), "and the check says so");
		catalog_close(catalog);
	} else {
		tap_ok(ret == -EIO, "damaged: an error");
		tap_ok(true, "at once");
	}
	snprintf(noise, sizeof(noise), "%s/copy", folder);
	tap_ok(catalog_backup(uri, noise, false, &error) == -EIO && !there("copy"),
	       "no backup of what is damaged");
}

static int in_child(int (*work)(void))
{
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (!child)
		_exit(work());
	waitpid(child, &status, 0);
	if (status)
		tap_diag("the child ended with status %#x", status);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Past a limit on the size of files. 0: all as it must be. */
static int write_until_full(void)
{
	const struct rlimit limit = { 400 << 10, 400 << 10 };
	struct catalog *catalog = open_catalog();
	int64_t ret = 0, objects, audits;
	int i;

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	for (i = 0; i < 2000 && ret >= 0; i++)
		ret = add(catalog, CATALOG_SERVER, json("{\"name\":\"s%d\"}", i));
	objects = count(catalog, CATALOG_SERVER, NULL);
	audits = count(catalog, CATALOG_AUDIT, NULL);
	if (ret != -ENOSPC || objects != i - 1 || audits != objects)
		tap_diag("%d added, then %lld (%s); %lld there, %lld audit records", i, (long long)ret,
			 error.text, (long long)objects, (long long)audits);
	fflush(stdout);
	if (ret != -ENOSPC || !catalog_is_down(ret))
		return 1;
	return objects == i - 1 && audits == objects ? 0 : 2;
}

static void test_full(void)
{
	static char long_text[20000];
	struct catalog *catalog;
	int64_t ret = 0;
	json_t *text;
	int i;

	start_anew();
	catalog = open_catalog();
	catalog_close(catalog);
	tap_ok(in_child(write_until_full) == 0, "a limit on files: an error, no half of anything");
	catalog = open_catalog();
	tap_ok(!catalog_check(catalog, &error) && add_client(catalog, "after") > 0, "with room again it goes on");
	catalog_close(catalog);

	start_anew();
	if (mount("vdisk-test", folder, "tmpfs", 0, "size=1m")) {
		tap_ok(true, "a full file system # SKIP mounting needs root");
		return;
	}
	catalog = open_catalog();
	text = json_object();
	json_object_set_new(text, "step", json_string("agent"));
	memset(long_text, 'x', sizeof(long_text));
	json_object_set_new(text, "text", json_stringn(long_text, sizeof(long_text)));
	for (i = 0; i < 200 && !ret; i++)
		ret = catalog_add(catalog, NULL, CATALOG_EVENT, text, NULL, &error);
	json_decref(text);
	tap_ok(ret == -ENOSPC && says("make room"), "a full file system: an error, and what to do");
	tap_ok(count(catalog, CATALOG_EVENT, NULL) == i - 1 && !catalog_check(catalog, &error),
	       "what was stored is there");
	catalog_close(catalog);
	umount(folder);
}

static int open_as_nobody(void)
{
	struct catalog *catalog;
	int ret;

	if (!geteuid() && (setgid(65534) || setuid(65534)))
		return 1;
	ret = catalog_open(&catalog, uri, &error);
	return catalog_is_down(ret) && strstr(error.text, "only be read") ? 0 : 2;
}

static void test_read_only(void)
{
	start_anew();
	try_open();
	chmod(folder, 0755);
	chmod(file, 0444);
	tap_ok(in_child(open_as_nobody) == 0, "a file that can only be read");
}

/* --- backup and restoring --- */

static void test_backup(void)
{
	char copy[300], again[290], other[320], garbage[300];
	struct catalog *catalog, *second;
	struct stat st;

	start_anew();
	catalog = open_catalog();
	add_client(catalog, "pc1");
	snprintf(copy, sizeof(copy), "%s/copy", folder);
	snprintf(garbage, sizeof(garbage), "%s/garbage", folder);
	snprintf(again, sizeof(again), "%s/new.db", folder);
	snprintf(other, sizeof(other), "sqlite:%s", again);
	tap_ok(!catalog_backup(uri, copy, false, &error), "a backup of a catalog in use");
	tap_ok(!stat(copy, &st) && (st.st_mode & 0777) == 0600 && !there("copy-wal"),
	       "is one file, its owner's alone");
	tap_ok(catalog_backup(uri, copy, false, &error) == -EEXIST &&
	       !catalog_backup(uri, copy, true, &error), "is overwritten only when told");
	tap_ok(catalog_backup(other, garbage, false, &error) == -EIO && !there("garbage") && !there("new.db"),
	       "no backup of what is not there");
	tap_ok(catalog_backup(uri, "/nowhere/copy", false, &error) < 0 && says("/nowhere/copy"),
	       "no backup to where nothing is");

	tap_ok(!catalog_restore(copy, other, false, &error) && !catalog_open(&second, other, &error) &&
	       count(second, CATALOG_CLIENT, json("{\"name\":\"pc1\"}")) == 1 &&
	       count(second, CATALOG_AUDIT, NULL) == 1, "restored on an empty server");
	catalog_close(second);
	add_client(catalog, "pc2");
	tap_ok(catalog_restore(copy, uri, false, &error) == -EEXIST &&
	       count(catalog, CATALOG_CLIENT, NULL) == 2, "not over another catalog");
	tap_ok(!catalog_restore(copy, uri, true, &error) && count(catalog, CATALOG_CLIENT, NULL) == 1 &&
	       add_client(catalog, "pc3") > 0, "unless told: who has it open sees it");

	overwrite(garbage, 0, "neither a catalog nor a data base at all, but long enough to be looked at", 70);
	tap_ok(catalog_restore(garbage, uri, true, &error) == -EPROTO, "garbage is refused");
	unlink(garbage);
	sql_on(garbage, "CREATE TABLE other (x)");
	tap_ok(catalog_restore(garbage, uri, true, &error) == -EPROTO, "something else is refused");
	unlink(garbage);
	tap_ok(!catalog_backup(uri, garbage, false, &error), "a good one");
	sql_on(garbage, "UPDATE catalog_schema SET version = 99 WHERE version = (SELECT MAX(version) FROM catalog_schema)");
	tap_ok(catalog_restore(garbage, uri, true, &error) == -EPROTO && says("newer"), "a newer one is refused");
	unlink(garbage);
	tap_ok(!catalog_backup(uri, garbage, false, &error) && !truncate(garbage, 3 * 4096) &&
	       catalog_restore(garbage, uri, true, &error) == -EIO, "a cut one is refused");
	tap_ok(catalog_restore("/nowhere/copy", uri, true, &error) < 0 &&
	       catalog_restore(copy, "mysql:x", true, &error) == -EINVAL, "nothing is refused");
	tap_ok(count(catalog, CATALOG_CLIENT, NULL) == 2 && !catalog_check(catalog, &error),
	       "and the catalog is as before");
	catalog_close(catalog);
	unlink(again);
	snprintf(garbage, sizeof(garbage), "%s-wal", again);
	overwrite(garbage, 0, "x", 1);
	tap_ok(catalog_restore(copy, other, false, &error) == -EEXIST && says("-wal"),
	       "not beside the log of another");
}

/* --- many at once --- */

static atomic_int failures, late;

static void *work(void *data)
{
	struct catalog *catalog = data;
	struct vdisk_error err;
	json_t *object, *stored, *number;
	int i, ret;

	for (i = 0; i < ROUNDS; i++) {
		object = json("{\"name\":\"w%d-%d\"}", (int)gettid(), i);
		failures += catalog_add(catalog, &admin, CATALOG_CLIENT, object, NULL, &err) != 0;
		json_decref(object);
		/* a counter that all of them count up, in a transaction and by revision */
		do {
			stored = NULL;
			ret = catalog_get_id(catalog, CATALOG_ASSIGNMENT, 1, &stored, &err);
			number = json_pack("{s:I}", "timeout", (json_int_t)number_of(stored, "timeout") + 1);
			if (!ret)
				ret = catalog_change(catalog, &admin, CATALOG_ASSIGNMENT, 1, number,
						     number_of(stored, "revision"), NULL, &err);
			json_decref(number);
			json_decref(stored);
			late += ret == -EAGAIN;
		} while (ret == -EAGAIN);
		failures += ret != 0;
		ret = catalog_begin(catalog, &err);
		failures += ret != 0;
		if (ret)
			continue;
		stored = NULL;
		failures += catalog_get_id(catalog, CATALOG_SERVER, 1, &stored, &err) != 0;
		number = json_pack("{s:I}", "port", (json_int_t)number_of(stored, "port") + 1);
		failures += catalog_change(catalog, &admin, CATALOG_SERVER, 1, number, -1, NULL, &err) != 0;
		failures += catalog_commit(catalog, &err) != 0;
		json_decref(number);
		json_decref(stored);
	}
	return NULL;
}

static void test_threads(void)
{
	struct catalog *catalog;
	pthread_t threads[THREADS];
	json_t *object;
	int i;

	start_anew();
	catalog = open_catalog();
	catalog_patience(catalog, ENOUGH_SECONDS * 1000);
	add_client(catalog, "first");
	add(catalog, CATALOG_IMAGE, json("{\"name\":\"i\"}"));
	add(catalog, CATALOG_ASSIGNMENT, json("{\"client_id\":1,\"image_id\":1,\"timeout\":0}"));
	add(catalog, CATALOG_SERVER, json("{\"name\":\"s\",\"port\":1}"));
	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, work, catalog);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	tap_ok(!failures, "%d threads write at once", THREADS);
	tap_diag("%d changes came too late and were made again", (int)late);
	tap_ok(count(catalog, CATALOG_CLIENT, NULL) == THREADS * ROUNDS + 1, "every object is there");
	object = get(catalog, CATALOG_ASSIGNMENT, 1);
	tap_ok(number_of(object, "timeout") == THREADS * ROUNDS &&
	       number_of(object, "revision") == THREADS * ROUNDS + 1, "by revision: no change is lost");
	json_decref(object);
	object = get(catalog, CATALOG_SERVER, 1);
	tap_ok(number_of(object, "port") == THREADS * ROUNDS + 1, "by transaction: no change is lost");
	json_decref(object);
	tap_ok(count(catalog, CATALOG_AUDIT, NULL) == 4 + 3 * THREADS * ROUNDS && !catalog_check(catalog, &error),
	       "and each is in the audit");
	catalog_close(catalog);
}

int main(void)
{
	make_folder();
	test_open();
	test_schema();
	test_indices();
	test_refused();
	test_migration();
	test_first_schema();
	test_released();
	test_second_schema();
	test_killed();
	test_locked();
	test_other_thread();
	test_moved();
	test_damaged();
	test_full();
	test_read_only();
	test_backup();
	test_threads();
	clear_folder();
	return tap_done();
}

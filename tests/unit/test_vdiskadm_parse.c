// SPDX-License-Identifier: GPL-2.0
/* What vdiskadm takes from the command line and from files, and how it prints what it gets. */
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "../../tools/vdiskadm/client_csv.h"
#include "../../tools/vdiskadm/csv.h"
#include "../../tools/vdiskadm/fields.h"
#include "../../tools/vdiskadm/range.h"
#include "../../tools/vdiskadm/secret.h"
#include "../../tools/vdiskadm/show.h"
#include "../../tools/vdiskadm/table.h"
#include "../../tools/vdiskadm/text.h"
#include "../../tools/vdiskadm/version.h"
#include "../../tools/vdiskadm/when.h"
#include "tap.h"

static bool utf8;

static void test_range(const char *word, const char *expected)
{
	struct names names = { 0 };
	struct vdisk_error err = { 0 };
	char all[4096] = "";
	size_t i;
	int ret;

	ret = range_expand(word, &names, &err);
	for (i = 0; i < names.count && strlen(all) < 3000; i++)
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i ? " " : "",
			 names.name[i]);
	if (!tap_ok(expected ? !ret && !strcmp(all, expected) : ret == -EINVAL && err.text[0],
		    "range '%.60s'", word))
		tap_diag("%d '%s' %s", ret, all, err.text);
	names_free(&names);
}

static void test_ranges(void)
{
	static char *const twice[] = { "pc[1-2]", "pc2" }, *const many[] = { "a[1-3]", "b" };
	struct names names = { 0 };
	struct vdisk_error err;

	test_range("pc", "pc");
	test_range("lab1-[01-03]", "lab1-01 lab1-02 lab1-03");
	test_range("lab1-[08-11]", "lab1-08 lab1-09 lab1-10 lab1-11");
	test_range("pc[9-11]", "pc9 pc10 pc11");
	test_range("pc[1-2,7]", "pc1 pc2 pc7");
	test_range("[1-2]x", "1x 2x");
	test_range("r[1-2]-[01-02]", "r1-01 r1-02 r2-01 r2-02");
	test_range("pc[5-5]", "pc5");
	test_range("pc[007]", "pc007");
	test_range("", NULL);
	test_range("pc[", NULL);
	test_range("pc[]", NULL);
	test_range("pc[1", NULL);
	test_range("pc]", NULL);
	test_range("pc[1-]", NULL);
	test_range("pc[-2]", NULL);
	test_range("pc[2-1]", NULL);
	test_range("pc[010-9]", NULL);
	test_range("pc[a-b]", NULL);
	test_range("pc[1-2-3]", NULL);
	test_range("pc[1,,2]", NULL);
	test_range("pc[1,]", NULL);
	test_range("pc[[1-2]]", NULL);
	test_range("pc[1-999999999]", NULL);
	test_range("pc[1-9999999999]", NULL);
	test_range("[0-9][0-9][0-9][0-9][0-9]", NULL);
	test_range("[1-9][1-9][1-9][1-9][1-9][1-9][1-9][1-9][1-9][1-9][1-9][1-9][1-9][1-9]x[", NULL);

	tap_ok(range_expand_all(twice, 2, &names, &err) == -EINVAL && strstr(err.text, "pc2"),
	       "a name twice is refused");
	names_free(&names);
	tap_ok(!range_expand_all(many, 2, &names, &err) && names.count == 4 &&
	       !strcmp(names.name[3], "b"), "several words keep their order");
	names_free(&names);
}

static void test_duration(const char *text, int64_t expected)
{
	struct vdisk_error err;
	int64_t seconds = 0;
	int ret = parse_duration(text, &seconds, &err);

	tap_ok(expected < 0 ? ret == -EINVAL : !ret && seconds == expected, "duration '%s'%s", text,
	       expected < 0 ? " is refused" : "");
}

static void test_since(const char *text, int64_t expected)
{
	struct vdisk_error err;
	int64_t at = 0;
	int ret = parse_since(text, 1000000, &at, &err);

	tap_ok(expected < 0 ? ret == -EINVAL : !ret && at == expected, "since '%s'%s", text,
	       expected < 0 ? " is refused" : "");
}

static void test_when(void)
{
	char text[64];

	test_duration("90s", 90);
	test_duration("30m", 1800);
	test_duration("1h", 3600);
	test_duration("1h30m", 5400);
	test_duration("2d", 172800);
	test_duration("1w2d3h4m5s", 604800 + 172800 + 10800 + 245);
	test_duration("0s", 0);
	test_duration("", -1);
	test_duration("1", -1);
	test_duration("h", -1);
	test_duration("1x", -1);
	test_duration("1m1h", -1);
	test_duration("1h1h", -1);
	test_duration("-1h", -1);
	test_duration("1.5h", -1);
	test_duration(" 1h", -1);
	test_duration("1h ", -1);
	test_duration("99999999999h", -1);
	test_duration("9999999999w", -1);

	test_since("1h", 1000000 - 3600);
	test_since("52w", 0);
	test_since("@1763600000", 1763600000);
	test_since("1970-01-12", 950400);
	test_since("1970-01-12 13:46", 1000000 - 40);
	test_since("1970-01-12T13:46:39", 999999);
	test_since("today", 950400);
	test_since("", -1);
	test_since("yesterday", -1);
	test_since("@", -1);
	test_since("@12x", -1);
	test_since("1970-13-01", -1);
	test_since("1970-01-12 x", -1);

	tap_ok(!strcmp(format_time(1000000, text, sizeof(text)), "1970-01-12 13:46:40"), "a time");
	tap_ok(!strcmp(format_seconds(59, text, sizeof(text)), "59 s") &&
	       !strcmp(format_seconds(3599, text, sizeof(text)), "59 min 59 s") &&
	       !strcmp(format_seconds(86399, text, sizeof(text)), "23 h 59 min") &&
	       !strcmp(format_seconds(90000, text, sizeof(text)), "1 d 1 h") &&
	       !strcmp(format_seconds(-5, text, sizeof(text)), "0 s"), "durations for people");
}

static void test_csv_bad(const char *text, size_t length, const char *reason)
{
	struct vdisk_error err = { 0 };
	struct csv csv;
	int ret = csv_parse(text, length, &csv, &err);

	if (!tap_ok(ret == -EINVAL && strstr(err.text, reason), "bad CSV: %s", reason))
		tap_diag("%d %s", ret, err.text);
	csv_free(&csv);
}

#define BAD(text, reason) test_csv_bad(text, sizeof(text) - 1, reason)

static void test_csv(void)
{
	static const char text[] = "\xef\xbb\xbf" "a,b\r\n\r\n\"x,\"\"y\"\"\",\"two\nlines\"\n,\nlast,";
	struct vdisk_error err;
	struct csv csv;
	int ret;

	ret = csv_parse(text, sizeof(text) - 1, &csv, &err);
	tap_ok(!ret && csv.rows == 4, "CSV of four rows");
	tap_ok(csv.row[0].count == 2 && !strcmp(csv.row[0].field[0], "a"), "no byte order mark");
	tap_ok(csv.row[1].line == 3 && !strcmp(csv.row[1].field[0], "x,\"y\"") &&
	       !strcmp(csv.row[1].field[1], "two\nlines"), "quotes, commas, lines within a field");
	tap_ok(csv.row[2].line == 5 && csv.row[2].count == 2 && !*csv.row[2].field[1],
	       "empty fields, and lines are counted within fields");
	tap_ok(csv.row[3].count == 2 && !*csv.row[3].field[1], "no newline at the end");
	csv_free(&csv);
	tap_ok(!csv_parse("", 0, &csv, &err) && !csv.rows, "an empty file");
	csv_free(&csv);
	BAD("a\n\"b", "line 2: a quote has no end");
	BAD("a\nb\n\"c\nd", "line 3: a quote has no end");
	BAD("a\n\"b\"c\n", "line 2: text behind a closing quote");
	BAD("a\nb\"c\n", "line 2: a quote within");
	BAD("a\nb\0c\n", "line 2: a NUL");
	BAD("\"a\0\"", "line 1: a NUL");
}

static void test_csv_round(void)
{
	const char *const fields[] = { "", "a b", "c,d", "\"", "e\r\nf", "\xc3\xbc", "=1" };
	const char *const lone[] = { "" };
	struct vdisk_error err;
	struct csv csv;
	char *text = NULL;
	size_t size, i;
	bool same;
	FILE *to;

	to = open_memstream(&text, &size);
	csv_write(fields, 7, to);
	csv_write(lone, 1, to);
	fclose(to);
	same = !csv_parse(text, size, &csv, &err) && csv.rows == 2 && csv.row[0].count == 7 &&
	       csv.row[1].count == 1;
	for (i = 0; same && i < 7; i++)
		same = !strcmp(csv.row[0].field[i], fields[i]);
	if (!tap_ok(same, "CSV comes back as it was written"))
		tap_diag("%s", text);
	csv_free(&csv);
	free(text);
}

static const char clients_text[] =
	"[{\"id\": 1, \"name\": \"pc1\", \"group\": \"lab1\", \"uuid\": null, \"enabled\": true,"
	" \"type\": \"test\", \"comment\": \"by \\\"the\\\" door,\\nleft\","
	" \"macs\": [\"52:54:00:00:00:01\", \"52:54:00:00:00:02\"],"
	" \"properties\": {\"seat\": \"1\", \"key\": \"(secret)\"}, \"secret_properties\": [\"key\"]},"
	" {\"id\": 2, \"name\": \"pc2\", \"group\": null,"
	" \"uuid\": \"4c4c4544-0044-4810-8057-b4c04f4a3132\", \"enabled\": false,"
	" \"type\": \"production\", \"comment\": null, \"macs\": [], \"properties\": {}}]";

static void read_text(const char *text, size_t length, json_t **rows, struct client_errors *errors)
{
	struct vdisk_error err;
	struct csv csv;

	memset(errors, 0, sizeof(*errors));
	if (csv_parse(text, length, &csv, &err) < 0)
		client_errors_add(errors, 0, "%s", err.text);
	else
		clients_read(&csv, rows, errors);
	csv_free(&csv);
}

static void test_clients_round(void)
{
	json_t *clients = json_loads(clients_text, 0, NULL), *rows = NULL, *one, *two;
	struct client_errors errors;
	char *text = NULL;
	size_t size;
	FILE *to;

	to = open_memstream(&text, &size);
	clients_write(clients, to);
	fclose(to);
	tap_ok(!strncmp(text, "name,group,uuid,macs,type,enabled,comment,property:seat\r\n", 57),
	       "a head with properties that are no secrets");
	tap_ok(!strstr(text, "secret"), "no secret");
	read_text(text, size, &rows, &errors);
	one = json_object_get(json_array_get(rows, 0), "client");
	two = json_object_get(json_array_get(rows, 1), "client");
	tap_ok(!errors.count && json_array_size(rows) == 2, "clients are read back");
	tap_ok(json_equal(json_object_get(one, "macs"),
			  json_object_get(json_array_get(clients, 0), "macs")) &&
	       json_equal(json_object_get(one, "comment"),
			  json_object_get(json_array_get(clients, 0), "comment")) &&
	       !strcmp(text_of(json_object_get(one, "properties"), "seat"), "1") &&
	       json_is_null(json_object_get(one, "uuid")), "the first one is what it was");
	tap_ok(json_is_false(json_object_get(two, "enabled")) &&
	       json_is_null(json_object_get(two, "group")) &&
	       json_array_size(json_object_get(two, "macs")) == 0 &&
	       !json_object_get(two, "properties"), "the second one, too");
	json_decref(rows);
	json_decref(clients);
	client_errors_free(&errors);
	free(text);
}

static void test_clients_bad(const char *text, const char *reason)
{
	struct client_errors errors;
	json_t *rows = NULL;

	read_text(text, strlen(text), &rows, &errors);
	if (!tap_ok(errors.count == 1 && strstr(errors.text[0], reason), "clients: %s", reason))
		tap_diag("%zu: %s", errors.count, errors.count ? errors.text[0] : "");
	json_decref(rows);
	client_errors_free(&errors);
}

static void test_clients(void)
{
	char *many = NULL;
	struct client_errors errors;
	json_t *rows = NULL;
	size_t size, i;
	FILE *to;

	test_clients_round();
	test_clients_bad("", "line 1: there is no head");
	test_clients_bad("group\nlab1\n", "line 1: there is no column 'name'");
	test_clients_bad("name,colour\npc1,red\n", "line 1: there is no column 'colour'");
	test_clients_bad("name,property:\npc1,x\n", "line 1: there is no column 'property:'");
	test_clients_bad("name,name\npc1,pc1\n", "line 1: the column 'name' is there twice");
	test_clients_bad("name,group\npc1\n", "line 2: 1 fields, but the head has 2");
	test_clients_bad("name\npc1\n\npc2\npc1\n", "line 5: name 'pc1' is also in line 2");
	test_clients_bad("name\n\"\"\n", "line 2: the name is empty");
	test_clients_bad("name,uuid\npc1,1234\n", "line 2: '1234' is not a UUID");
	test_clients_bad("name,uuid\npc1,4c4c4544-0044-4810-8057-b4c04f4a3132\n"
			 "pc2,4C4C4544-0044-4810-8057-B4C04F4A3132\n", "is also in line 2");
	test_clients_bad("name,macs\npc1,52:54:00:12:34\n", "line 2: '52:54:00:12:34' is not a MAC");
	test_clients_bad("name,macs\npc1,52:54:00:00:00:0a\npc2,52:54:00:00:00:0A\n",
			 "line 3: mac '52:54:00:00:00:0A' is also in line 2");
	test_clients_bad("name,enabled\npc1,maybe\n", "line 2: enabled is yes or no, not 'maybe'");
	test_clients_bad("name,type\npc1,toaster\n", "line 2: type is production");
	test_clients_bad("name,comment\npc1,\xff\n", "line 2: comment is not UTF-8");

	to = open_memstream(&many, &size);
	fputs("name,type\n", to);
	for (i = 0; i < 200; i++)
		fprintf(to, "pc%zu,x\n", i);
	fclose(to);
	read_text(many, size, &rows, &errors);
	tap_ok(errors.count == 200 && errors.text[CLIENT_ERRORS_MAX - 1], "many errors are counted");
	json_decref(rows);
	client_errors_free(&errors);
	free(many);
}

static void test_clean(const char *text, const char *expected, const char *what)
{
	char *clean = text_clean(text);

	if (!tap_ok(!strcmp(clean, expected), "clean: %s", what))
		tap_diag("'%s'", clean);
	free(clean);
}

static void test_text(void)
{
	char cut[] = "abcdefgh";

	test_clean("plain text", "plain text", "what is clean stays");
	test_clean("a\033[2Jb\r\nc\td\x7f", "a?[2Jb??c?d?", "control characters");
	test_clean("\xff\xfe" "a\xc3", "??a?", "bytes that are no UTF-8");
	if (utf8) {
		test_clean("\xc3\xbc\xe6\x97\xa5", "\xc3\xbc\xe6\x97\xa5", "other scripts stay");
		test_clean("a\xc2\x9b" "2Jb", "a?2Jb", "C1 controls");
		test_clean("a\xe2\x80\xae" "b\xe2\x81\xa6" "c", "a?b?c", "what turns the direction");
		test_clean("a\xe2\x80\x8b" "b\xef\xbb\xbf" "c", "a?b?c", "what hides");
		test_clean("\xed\xa0\x80", "???", "surrogates");
		tap_ok(text_width("\xc3\xbc\xe6\x97\xa5") == 3, "widths count columns");
	}
	text_cut(cut, 20);
	tap_ok(!strcmp(cut, "abcdefgh"), "nothing to cut");
	text_cut(cut, 5);
	tap_ok(!strncmp(cut, "abcd", 4) && text_width(cut) == 5, "cut to five columns");
}

static const struct column columns[] = {
	{ .title = "NAME", .key = "name" },
	{ .title = "SIZE", .key = "size", .print = print_bytes, .right = true },
	{ .title = "NOTE", .key = "note" },
	{ 0 },
};

static void test_table(void)
{
	json_t *array = json_loads(
		"[{\"name\": \"a\", \"size\": 1536, \"note\": \"x\\u001b[31my\"},"
		" {\"name\": \"long-name\", \"size\": null, \"note\": [\"p\", 1, true, {\"q\": 2.5}]}]",
		0, NULL);
	struct table table;
	char *text = NULL;
	size_t size;
	FILE *to;

	fill_table(&table, columns, array);
	to = open_memstream(&text, &size);
	table_print(&table, 0, to);
	fclose(to);
	if (!tap_ok(!strcmp(text, "NAME          SIZE  NOTE\n"
				  "a          1.5 KiB  x?[31my\n"
				  "long-name        -  p, 1, yes, q=2.5\n"), "a table"))
		tap_diag("\n%s", text);
	free(text);
	text = NULL;
	to = open_memstream(&text, &size);
	table_print(&table, 30, to);
	fclose(to);
	tap_ok(strstr(text, "\nlong-name        -  p, 1, ye"), "a table that is cut");
	free(text);
	table_free(&table);
	json_decref(array);
}

static const char *const words[] = { "one", "two", NULL };

static const struct field fields[] = {
	{ .option = "text", .key = "text" },
	{ .option = "word", .key = "word", .words = words },
	{ .option = "maybe", .key = "maybe", .kind = FIELD_TEXT_OR_NULL },
	{ .option = "yes", .key = "yes", .kind = FIELD_YES_NO },
	{ .option = "flag", .key = "flag", .kind = FIELD_TRUE },
	{ .option = "number", .key = "number", .kind = FIELD_NUMBER, .min = 1, .max = 10 },
	{ .option = "for", .key = "for", .kind = FIELD_SECONDS },
	{ .option = "list", .key = "list", .kind = FIELD_LIST },
	{ .option = "overlay", .key = "overlay", .kind = FIELD_OVERLAY },
	{ .option = "property", .key = "properties", .kind = FIELD_PROPERTY },
	{ .option = "no-property", .key = "properties", .kind = FIELD_NO_PROPERTY },
	{ .option = "secret", .key = "properties", .kind = FIELD_SECRET_PROPERTY },
	{ 0 },
};

/* @expected: the whole body as JSON, NULL: refused */
static void test_field(const char *option, const char *value, const char *expected)
{
	json_t *body = json_object(), *wanted = expected ? json_loads(expected, 0, NULL) : NULL;
	const struct field *field = fields;
	struct vdisk_error err = { 0 };
	int ret;

	while (strcmp(field->option, option))
		field++;
	ret = fields_take(field, value, body, &err);
	if (!tap_ok(expected ? !ret && json_equal(body, wanted) : ret < 0 && err.text[0],
		    "--%s '%.40s'%s", option, value, expected ? "" : " is refused"))
		tap_diag("%d %s", ret, err.text);
	json_decref(body);
	json_decref(wanted);
}

static void test_fields(void)
{
	test_field("text", "x y", "{\"text\": \"x y\"}");
	test_field("text", "\xff", NULL);
	test_field("word", "two", "{\"word\": \"two\"}");
	test_field("word", "three", NULL);
	test_field("maybe", "none", "{\"maybe\": null}");
	test_field("maybe", "x", "{\"maybe\": \"x\"}");
	test_field("yes", "no", "{\"yes\": false}");
	test_field("yes", "true", NULL);
	test_field("flag", "", "{\"flag\": true}");
	test_field("number", "10", "{\"number\": 10}");
	test_field("number", "11", NULL);
	test_field("number", "-1", NULL);
	test_field("for", "1h", "{\"for\": 3600}");
	test_field("for", "1", NULL);
	test_field("list", "a,b", "{\"list\": [\"a\", \"b\"]}");
	test_field("list", "", "{\"list\": []}");
	test_field("list", "a,,b", NULL);
	test_field("overlay", "ram:50%", "{\"overlay\": \"ram:50%\"}");
	test_field("overlay", "tmpfs", NULL);
	test_field("property", "a=b=c", "{\"properties\": {\"a\": \"b=c\"}}");
	test_field("property", "a=", "{\"properties\": {\"a\": \"\"}}");
	test_field("property", "a", NULL);
	test_field("property", "=b", NULL);
	test_field("no-property", "a", "{\"properties\": {\"a\": null}}");
	test_field("no-property", "a=b", NULL);
	test_field("secret", "a=/nonexistent", NULL);
}

static void put_file(const char *path, const char *text, mode_t mode)
{
	FILE *to = fopen(path, "w");

	fputs(text, to);
	fclose(to);
	chmod(path, mode);
}

static void test_secrets(void)
{
	char folder[] = "/tmp/test_vdiskadm-XXXXXX", path[64], property[80], line[LINE_FILE_MAX];
	struct vdisk_error err;

	if (!mkdtemp(folder)) {
		tap_ok(false, "a folder");
		return;
	}
	snprintf(path, sizeof(path), "%s/secret", folder);
	snprintf(property, sizeof(property), "a=%s", path);
	put_file(path, " the-token \r\nsecond line\n", 0600);
	tap_ok(!read_line_file(path, true, line, &err) && !strcmp(line, "the-token"), "a token's file");
	put_file(path, "line 1\nline 2\n", 0600);
	test_field("secret", property,
		   "{\"properties\": {\"a\": {\"value\": \"line 1\\nline 2\", \"secret\": true}}}");
	chmod(path, 0640);
	tap_ok(read_line_file(path, true, line, &err) == -EACCES && strstr(err.text, "chmod 600"),
	       "a token that others may read is refused");
	test_field("secret", property, NULL);
	tap_ok(!read_line_file(path, false, line, &err), "a pin that others may read is not");
	put_file(path, "\n", 0600);
	tap_ok(read_line_file(path, true, line, &err) == -EINVAL, "an empty file");
	tap_ok(read_line_file(folder, true, line, &err) < 0, "a folder is no secret");
	unlink(path);
	rmdir(folder);
}

static void test_version(const char *text, const char *image, uint32_t number)
{
	struct version_name version;
	struct vdisk_error err;
	int ret = parse_version(text, &version, &err);

	tap_ok(image ? !ret && !strcmp(version.image, image) && version.number == number :
	       ret == -EINVAL, "version '%.40s'%s", text, image ? "" : " is refused");
}

static void test_versions(void)
{
	test_version("lab", "lab", 0);
	test_version("lab@3", "lab", 3);
	test_version("l.a_b-2@2147483647", "l.a_b-2", 2147483647);
	test_version("", NULL, 0);
	test_version("@3", NULL, 0);
	test_version("lab@", NULL, 0);
	test_version("lab@0", NULL, 0);
	test_version("lab@x", NULL, 0);
	test_version("lab@1@2", NULL, 0);
	test_version("Lab", NULL, 0);
	test_version("-lab", NULL, 0);
	test_version("../lab", NULL, 0);
	test_version("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL, 0);
}

static uint64_t noise_state = 88172645463325252ULL;

static unsigned int noise(unsigned int below)
{
	noise_state ^= noise_state << 13;
	noise_state ^= noise_state >> 7;
	noise_state ^= noise_state << 17;
	return noise_state % below;
}

/* Texts made of what means something to the parsers, the same at each run. */
static size_t make_noise(char *text, size_t most)
{
	static const char *const pieces[] = {
		"name", ",", "\n", "\r\n", "\"", "\"\"", "pc1", "macs", "52:54:00:00:00:01", "uuid",
		"property:a", "type", "enabled", "yes", "[1-3]", "[", "]", "-", "01", "[01-10,12]", " ",
		"1h", "30m", "@", "2026-11-20", "\xc3\xbc", "\xff", "\033[2J", "=", "\xe2\x80\xae", "\x01",
	};
	static const char head[] = "name,macs,property:a\n";
	size_t length = 0, count = noise(40);
	const char *piece;

	if (noise(2))
		length = mempcpy(text, head, sizeof(head) - 1) - (void *)text;
	while (count--) {
		piece = pieces[noise(sizeof(pieces) / sizeof(*pieces))];
		if (length + strlen(piece) >= most)
			break;
		memcpy(text + length, piece, strlen(piece));
		length += strlen(piece);
	}
	text[length] = '\0';
	return length;
}

static bool parse_noise(const char *text, size_t length)
{
	struct client_errors errors;
	struct names names = { 0 };
	struct version_name version;
	struct vdisk_error err;
	json_t *rows = NULL;
	char *clean = text_clean(text), *again = text_clean(clean);
	bool good = !strcmp(clean, again);
	int64_t value;
	size_t i;

	read_text(text, length, &rows, &errors);
	for (i = 0; i < errors.count && i < CLIENT_ERRORS_MAX; i++)
		good &= !!strstr(errors.text[i], "line ");
	client_errors_free(&errors);
	json_decref(rows);
	if (length < 60)
		good &= range_expand(text, &names, &err) == 0 || names.count <= RANGE_NAMES_MAX;
	names_free(&names);
	parse_duration(text, &value, &err);
	parse_since(text, 1000000, &value, &err);
	parse_version(text, &version, &err);
	free(clean);
	free(again);
	return good;
}

static void test_noise(void)
{
	char text[600];
	bool good = true;
	int i;

	for (i = 0; i < 20000 && good; i++)
		good = parse_noise(text, make_noise(text, sizeof(text)));
	if (!tap_ok(good, "noise hurts no parser"))
		tap_diag("round %d", i);
}

int main(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
	utf8 = setlocale(LC_CTYPE, "C.UTF-8");
	test_ranges();
	test_when();
	test_csv();
	test_csv_round();
	test_clients();
	test_text();
	test_table();
	test_fields();
	test_secrets();
	test_versions();
	test_noise();
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0
/* tools/vdiskctl/klog.c with a kernel's log that is made here. */
#include <string.h>
#include <sys/klog.h>
#include "tap.h"

enum { LOG_SIZE = 256 << 10 };

static char kernel[LOG_SIZE];
static int size_answer;

/* What klogctl(2) does for reading and for asking the size. */
static int fake_klogctl(int what, char *room, int size)
{
	int length = strlen(kernel);

	if (!room)
		return size_answer;
	if (what != 3 || length > size)
		return -1;
	memcpy(room, kernel, length);
	return length;
}

#define klogctl(what, room, size) fake_klogctl(what, room, size)
#include "../../tools/vdiskctl/klog.c"

static void write_log(int lines, const char *last)
{
	int i, used = 0;

	size_answer = LOG_SIZE;
	for (i = 1; i <= lines; i++)
		used += sprintf(kernel + used, "<6>[    1.%06d] line %d\n", i, i);
	strcpy(kernel + used, last);
}

static int count_lines(const char *text)
{
	int lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

static bool begins_with_line(const char *text, int number)
{
	char line[64];

	sprintf(line, "<6>[    1.%06d] line %d\n", number, number);
	return text && !strncmp(text, line, strlen(line));
}

static void test_lines(void)
{
	char *text;

	write_log(1000, "");
	text = kernel_log();
	tap_ok(text && count_lines(text) == 200 && begins_with_line(text, 801),
	       "of a long log the last 200 lines");
	tap_ok(text && strstr(text, "line 1000\n"), "to its end");
	free(text);
	write_log(200, "");
	text = kernel_log();
	tap_ok(text && count_lines(text) == 200 && begins_with_line(text, 1), "200 are all of them");
	free(text);
	write_log(3, "");
	text = kernel_log();
	tap_ok(text && count_lines(text) == 3 && begins_with_line(text, 1), "and so are a few");
	free(text);
	write_log(0, "");
	text = kernel_log();
	tap_ok(text && !*text, "none are none");
	free(text);
}

static void test_strange(void)
{
	static char line[100 << 10];
	char *text;

	write_log(300, "<3>a\033[2Jb\x80\xff\tc\n");
	text = kernel_log();
	tap_ok(text && strstr(text, "\n<3>a?[2Jb\?\?\tc\n"), "what a terminal would obey is taken out");
	free(text);
	memset(line, 'x', sizeof(line) - 2);
	line[sizeof(line) - 2] = '\n';
	write_log(300, line);
	text = kernel_log();
	tap_ok(text && strlen(text) == TEXT_MAX && !strcmp(text + TEXT_MAX - 3, "xx\n"),
	       "a line without end is cut, at its beginning");
	free(text);
	size_answer = -1;
	tap_ok(!kernel_log(), "who may not read it has none");
}

int main(void)
{
	test_lines();
	test_strange();
	return tap_done();
}

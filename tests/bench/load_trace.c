// SPDX-License-Identifier: GPL-2.0
/* load: the recorded reads, and an image to read. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load.h"

enum { SECTOR = 512, TRACE_MOST = 1 << 24 };

static void add_read(struct trace *trace, uint32_t ms, uint64_t sector, uint32_t sectors)
{
	struct trace_read *read;

	if (!(trace->count & (trace->count - 1))) {
		size_t room = trace->count ? trace->count * 2 : 1;

		trace->reads = reallocarray(trace->reads, room, sizeof(*trace->reads));
		if (!trace->reads)
			err(1, "no memory for the trace");
	}
	read = &trace->reads[trace->count++];
	read->ms = ms;
	read->offset = sector * SECTOR;
	read->length = sectors * SECTOR;
}

/* False when the line is none of a trace. */
static bool parse_line(struct trace *trace, const char *line)
{
	uint64_t sector, size = trace->size / SECTOR;
	uint32_t ms, sectors;
	char end;

	if (*line == '#' || *line == '\n')
		return true;
	if (sscanf(line, "size %" SCNu64 " %c", &sector, &end) == 1) {
		trace->size = sector * SECTOR;
		return sector && sector <= INT64_MAX / SECTOR;
	}
	if (sscanf(line, "%" SCNu32 " %" SCNu64 " %" SCNu32 " %c", &ms, &sector, &sectors, &end) != 3)
		return false;
	if (!sectors || sectors > size || sector > size - sectors ||
	    sectors > UINT32_MAX / SECTOR || trace->count >= TRACE_MOST)
		return false;
	add_read(trace, ms, sector, sectors);
	return true;
}

void trace_load(struct trace *trace, const char *path, double fraction)
{
	FILE *file = fopen(path, "re");
	unsigned int number = 0;
	char line[128];
	uint32_t i;

	if (!file)
		err(1, "can't open %s", path);
	memset(trace, 0, sizeof(*trace));
	while (fgets(line, sizeof(line), file)) {
		number++;
		if (!parse_line(trace, line))
			errx(1, "%s:%u is no line of a trace", path, number);
	}
	if (ferror(file))
		err(1, "can't read %s", path);
	fclose(file);
	if (!trace->count)
		errx(1, "%s has no reads", path);
	if (fraction < 1)
		trace->count *= fraction;
	if (!trace->count)
		trace->count = 1;
	for (i = 0; i < trace->count; i++)
		trace->bytes += trace->reads[i].length;
}

/* One step of splitmix64: no two words of an image are alike, by all odds. */
static uint64_t noise(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static void write_noise(int fd, const struct trace_read *read, const char *path)
{
	uint64_t word[SECTOR * 8 / sizeof(uint64_t)];
	uint64_t at = read->offset, end = at + read->length;
	size_t n, i;

	for (; at < end; at += n) {
		n = end - at < sizeof(word) ? end - at : sizeof(word);
		for (i = 0; i < n / sizeof(*word); i++)
			word[i] = noise(at / sizeof(*word) + i);
		if (pwrite(fd, word, n, at) != (ssize_t)n)
			err(1, "can't write to %s", path);
	}
}

void trace_make_image(const struct trace *trace, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	uint32_t i;

	if (fd < 0)
		err(1, "can't make %s", path);
	if (ftruncate(fd, trace->size))
		err(1, "can't make %s that large", path);
	for (i = 0; i < trace->count; i++)
		write_noise(fd, &trace->reads[i], path);
	if (close(fd))
		err(1, "can't write to %s", path);
}

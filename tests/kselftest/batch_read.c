// SPDX-License-Identifier: GPL-2.0
/*
 * batch_read DEVICE OFFSET...: reads 4 KiB at each byte offset, all in one
 * io_submit(), so that the block layer gets them as one batch.  Exit 0 when all
 * came within 20 s.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 32, BYTES = 4096 };

int main(int argc, char **argv)
{
	struct iocb block[MOST] = { 0 }, *list[MOST];
	struct timespec patience = { .tv_sec = 20 };
	struct io_event event[MOST];
	aio_context_t context = 0;
	int n = argc - 2, fd, i, got;
	void *buffer;

	if (n < 1 || n > MOST) {
		fprintf(stderr, "usage: batch_read DEVICE OFFSET... (at most %d)\n", MOST);
		return 2;
	}
	fd = open(argv[1], O_RDONLY | O_DIRECT);
	if (fd < 0 || posix_memalign(&buffer, BYTES, (size_t)n * BYTES) ||
	    syscall(SYS_io_setup, n, &context) < 0) {
		fprintf(stderr, "batch_read: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	for (i = 0; i < n; i++) {
		block[i].aio_fildes = fd;
		block[i].aio_lio_opcode = IOCB_CMD_PREAD;
		block[i].aio_buf = (uintptr_t)buffer + (uintptr_t)i * BYTES;
		block[i].aio_nbytes = BYTES;
		block[i].aio_offset = strtoll(argv[2 + i], NULL, 0);
		list[i] = &block[i];
	}
	if (syscall(SYS_io_submit, context, n, list) != n) {
		fprintf(stderr, "batch_read: io_submit: %s\n", strerror(errno));
		return 1;
	}
	got = syscall(SYS_io_getevents, context, n, n, event, &patience);
	for (i = 0; i < got; i++)
		if (event[i].res != BYTES) {
			fprintf(stderr, "batch_read: a read ended with %lld\n", (long long)event[i].res);
			return 1;
		}
	if (got < n) {
		fprintf(stderr, "batch_read: %d of %d reads came in 20 s\n", got, n);
		/* exit would wait for them */
		_exit(1);
	}
	return 0;
}

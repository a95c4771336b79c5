// SPDX-License-Identifier: GPL-2.0
/*
 * io_model - random I/O on a block device, compared with a model in memory.
 *
 * Every byte of the device has a known value at every time: what the image had,
 * and what the operations made of it.  Each read is compared at once, the whole
 * at the end, past the page cache.  With several jobs each has a part of its
 * own; with --direct the parts meet inside a 4 KiB block, so that neighbours
 * race for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECTOR 512u
#define HISTORY 4096

enum op { READ, WRITE, READV, WRITEV, DISCARD, ZERO, SYNC, NR_OPS };

static const char *const op_name[NR_OPS] = {
	"read", "write", "readv", "writev", "discard", "zeroout", "fsync",
};

struct record {
	enum op op;
	bool direct;
	uint64_t off, len;
};

static struct options {
	const char *device, *image;
	uint64_t seed, ops, max;
	unsigned int seconds, jobs;
	bool direct, buffered, read_only, discard;
} opt = {
	.seed = 1, .ops = 2000, .max = 256 << 10, .jobs = 1, .discard = true,
};

static int fd_direct = -1, fd_buffered = -1;
static uint64_t state;
static uint8_t *model, *scratch;
static uint64_t begin, size;		/* this job's part of the device */
static struct record history[HISTORY];
static uint64_t nr_done;
static unsigned int job;
static volatile sig_atomic_t stopped;

__attribute__((format(printf, 1, 2), noreturn))
static void die(const char *format, ...)
{
	va_list ap;

	fprintf(stderr, "io_model: %s, job %u, seed %llu: ", opt.device, job,
		(unsigned long long)opt.seed);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static uint64_t random64(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static uint64_t below(uint64_t n)
{
	return random64() % n;
}

static void fill_random(uint8_t *p, uint64_t len)
{
	uint64_t i, r = 0;

	for (i = 0; i < len; i++, r >>= 8) {
		if (i % 8 == 0)
			r = random64();
		p[i] = r;
	}
}

/* What was done to a byte, latest last. */
static void tell_history(uint64_t at)
{
	uint64_t i = nr_done > HISTORY ? nr_done - HISTORY : 0;
	unsigned int told = 0;

	for (i = nr_done; i-- && nr_done - i <= HISTORY && told < 8;) {
		const struct record *r = &history[i % HISTORY];

		if (r->off > at || at - r->off >= r->len)
			continue;
		fprintf(stderr, "  operation %llu: %s %s of %llu+%llu\n",
			(unsigned long long)i, r->direct ? "direct" : "buffered",
			op_name[r->op], (unsigned long long)r->off,
			(unsigned long long)r->len);
		told++;
	}
}

static void compare(const uint8_t *got, uint64_t off, uint64_t len, const char *when)
{
	const uint8_t *want = model + (off - begin);
	uint64_t i, bad = 0, first = 0, last = 0;

	if (!memcmp(got, want, len))
		return;
	for (i = 0; i < len; i++) {
		if (got[i] == want[i])
			continue;
		if (!bad++)
			first = i;
		last = i;
	}
	fprintf(stderr, "operations on byte %llu, latest first (this is %llu):\n",
		(unsigned long long)(off + first), (unsigned long long)nr_done);
	tell_history(off + first);
	die("%s: %llu bytes of %llu+%llu are wrong, from %llu to %llu; first is %02x, not %02x",
	    when, (unsigned long long)bad, (unsigned long long)off,
	    (unsigned long long)len, (unsigned long long)(off + first),
	    (unsigned long long)(off + last), got[first], want[first]);
}

static void whole(ssize_t got, const struct record *r)
{
	if (got < 0)
		die("operation %llu: %s %s of %llu+%llu: %s", (unsigned long long)nr_done,
		    r->direct ? "direct" : "buffered", op_name[r->op],
		    (unsigned long long)r->off, (unsigned long long)r->len,
		    strerror(errno));
	if ((uint64_t)got != r->len)
		die("operation %llu: %s of %llu+%llu did %zd bytes",
		    (unsigned long long)nr_done, op_name[r->op],
		    (unsigned long long)r->off, (unsigned long long)r->len, got);
}

/* Small ones most often, all sizes sometimes; whole sectors unless buffered. */
static void choose_range(struct record *r)
{
	uint64_t unit = r->direct || r->op == DISCARD || r->op == ZERO ? SECTOR : 1;
	uint64_t max = opt.max < size ? opt.max : size;

	switch (below(4)) {
	case 0: r->len = (1 + below(16)) * unit; break;
	case 1: r->len = 4096 * (1 + below(4)); break;
	case 2: r->len = 1 + below(64 << 10); break;
	default: r->len = 1 + below(max); break;
	}
	r->len = (r->len + unit - 1) / unit * unit;
	if (r->len > max)
		r->len = max / unit * unit;
	r->off = below((size - r->len) / unit + 1) * unit;
	if (below(3) == 0)
		r->off = r->off / 4096 * 4096;
	r->off += begin;
}

/* Pieces of whole sectors at odd places of memory, but 512-aligned. */
static int make_iov(struct iovec *iov, int max, uint64_t len, bool direct)
{
	uint64_t at = 0, piece;
	int n = 0;

	while (at < len) {
		piece = len - at;
		if (n < max - 1)
			piece = direct ? SECTOR * (1 + below(24)) : 1 + below(9000);
		if (piece > len - at)
			piece = len - at;
		iov[n].iov_base = scratch + at;
		iov[n++].iov_len = piece;
		at += piece;
	}
	return n;
}

static void do_op(struct record *r)
{
	int fd = r->direct ? fd_direct : fd_buffered;
	uint64_t range[2] = { r->off, r->len };
	struct iovec iov[64];
	uint8_t *mine = model + (r->off - begin);

	switch (r->op) {
	case READ:
		whole(pread(fd, scratch, r->len, r->off), r);
		compare(scratch, r->off, r->len, "read");
		break;
	case READV:
		whole(preadv(fd, iov, make_iov(iov, 64, r->len, r->direct), r->off), r);
		compare(scratch, r->off, r->len, "readv");
		break;
	case WRITE:
	case WRITEV:
		fill_random(scratch, r->len);
		if (r->op == WRITE)
			whole(pwrite(fd, scratch, r->len, r->off), r);
		else
			whole(pwritev(fd, iov, make_iov(iov, 64, r->len, r->direct),
				      r->off), r);
		memcpy(mine, scratch, r->len);
		break;
	case DISCARD:
		whole(ioctl(fd, BLKDISCARD, range) ? -1 : (ssize_t)r->len, r);
		memset(mine, 0, r->len);
		break;
	case ZERO:
		whole(ioctl(fd, BLKZEROOUT, range) ? -1 : (ssize_t)r->len, r);
		memset(mine, 0, r->len);
		break;
	case SYNC:
		whole(fsync(fd), r);
		break;
	case NR_OPS:
		break;
	}
}

static enum op choose_op(void)
{
	unsigned int p = below(100);

	if (opt.read_only)
		return p < 80 ? READ : READV;
	if (p < 35)
		return READ;
	if (p < 45)
		return READV;
	if (p < 75)
		return WRITE;
	if (p < 85)
		return WRITEV;
	if (p < 90)
		return opt.discard ? DISCARD : WRITE;
	if (p < 95)
		return opt.discard ? ZERO : WRITE;
	return SYNC;
}

static void stop(int signal)
{
	stopped = signal;
}

static bool over(time_t start)
{
	if (stopped)
		return true;
	if (opt.seconds)
		return time(NULL) - start >= (time_t)opt.seconds;
	return nr_done >= opt.ops;
}

static void run(void)
{
	time_t start = time(NULL);

	for (; !over(start); nr_done++) {
		struct record *r = &history[nr_done % HISTORY];

		r->op = choose_op();
		r->direct = opt.buffered ? false : opt.direct || below(2);
		if (r->op == SYNC)
			r->off = r->len = 0;
		else
			choose_range(r);
		do_op(r);
	}
}

static void read_all(int fd, uint8_t *to, uint64_t off, uint64_t len)
{
	uint64_t step;

	for (; len; to += step, off += step, len -= step) {
		struct record r = { READ, fd == fd_direct, off, 0 };

		step = len < opt.max ? len : opt.max;
		r.len = step;
		whole(pread(fd, to, step, off), &r);
	}
}

static void final_check(void)
{
	uint64_t off, step;

	if (fsync(fd_buffered))
		die("fsync at the end: %s", strerror(errno));
	for (off = begin; off < begin + size; off += step) {
		step = begin + size - off;
		if (step > opt.max / SECTOR * SECTOR)
			step = opt.max / SECTOR * SECTOR;
		read_all(fd_direct, scratch, off, step);
		compare(scratch, off, step, "the end");
	}
}

static void open_device(void)
{
	int mode = (opt.read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC;

	fd_direct = open(opt.device, mode | O_DIRECT);
	fd_buffered = open(opt.device, mode);
	if (fd_direct < 0 || fd_buffered < 0)
		die("can't open it: %s", strerror(errno));
}

static void load_model(void)
{
	int fd;

	if (posix_memalign((void **)&scratch, 4096, opt.max + 4096))
		die("no memory");
	model = malloc(size);
	if (!model)
		die("no memory for %llu bytes", (unsigned long long)size);
	if (!opt.image) {
		read_all(fd_buffered, model, begin, size);
		return;
	}
	fd = open(opt.image, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die("can't open %s: %s", opt.image, strerror(errno));
	read_all(fd, model, begin, size);
	close(fd);
}

static int one_job(uint64_t total)
{
	/* An odd number of sectors: two jobs meet inside a block. */
	uint64_t unit = opt.direct ? SECTOR : 4096;
	uint64_t part = total / opt.jobs / unit * unit;

	if (opt.direct && opt.jobs > 1 && part / SECTOR % 8 == 0)
		part -= 3 * SECTOR;
	begin = job * part;
	size = job == opt.jobs - 1 ? total - begin : part;
	state = opt.seed * 1000003 + job;
	open_device();
	load_model();
	run();
	final_check();
	return 0;
}

static uint64_t device_size(void)
{
	uint64_t bytes = 0;
	int fd = open(opt.device, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, BLKGETSIZE64, &bytes))
		die("can't learn its size: %s", strerror(errno));
	close(fd);
	return bytes / SECTOR * SECTOR;
}

static int usage(FILE *out)
{
	fputs("usage: io_model [OPTION]... DEVICE\n"
	      "  --image FILE   what the device holds at first (default: read from it)\n"
	      "  --seed N, --ops N, --seconds S (a job's), --max BYTES (of an operation)\n"
	      "  --jobs N       processes, each with a part of the device\n"
	      "  --direct, --buffered  only so; default: both, mixed\n"
	      "  --read-only, --no-discard\n"
	      "SIGTERM, to all of its processes, ends the operations early.\n", out);
	return out == stdout ? 0 : 2;
}

static int parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "image", 1, NULL, 'i' }, { "seed", 1, NULL, 's' },
		{ "ops", 1, NULL, 'o' }, { "seconds", 1, NULL, 't' },
		{ "max", 1, NULL, 'm' }, { "jobs", 1, NULL, 'j' },
		{ "direct", 0, NULL, 'd' }, { "buffered", 0, NULL, 'b' },
		{ "read-only", 0, NULL, 'r' }, { "no-discard", 0, NULL, 'n' },
		{ "help", 0, NULL, 'h' }, { }
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'i': opt.image = optarg; break;
		case 's': opt.seed = strtoull(optarg, NULL, 0); break;
		case 'o': opt.ops = strtoull(optarg, NULL, 0); break;
		case 't': opt.seconds = strtoul(optarg, NULL, 0); break;
		case 'm': opt.max = strtoull(optarg, NULL, 0); break;
		case 'j': opt.jobs = strtoul(optarg, NULL, 0); break;
		case 'd': opt.direct = true; break;
		case 'b': opt.buffered = true; break;
		case 'r': opt.read_only = true; break;
		case 'n': opt.discard = false; break;
		case 'h': exit(usage(stdout));
		default: return 2;
		}
	}
	if (optind != argc - 1 || !opt.jobs || opt.max < 64 << 10)
		return usage(stderr);
	opt.device = argv[optind];
	return 0;
}

int main(int argc, char **argv)
{
	int status, ret = parse(argc, argv);
	struct sigaction action = { .sa_handler = stop, .sa_flags = SA_RESTART };
	uint64_t total;
	pid_t pid;

	if (ret)
		return ret;
	sigaction(SIGTERM, &action, NULL);
	total = device_size();
	if (total / opt.jobs < 1 << 20)
		die("%llu bytes are too few for %u jobs", (unsigned long long)total, opt.jobs);
	for (job = 0; job < opt.jobs; job++) {
		pid = fork();
		if (pid < 0)
			die("fork: %s", strerror(errno));
		if (!pid)
			return one_job(total);
	}
	while ((pid = wait(&status)) > 0)
		if (!WIFEXITED(status) || WEXITSTATUS(status))
			ret = 1;
	return ret;
}

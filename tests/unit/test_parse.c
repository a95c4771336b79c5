// SPDX-License-Identifier: GPL-2.0
/* What stands in vdiskctl's options. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include "../../tools/vdiskctl/parse.h"
#include "tap.h"

#define MEMORY (8ULL << 30)

struct vector {
	const char *text;
	int error;			/* 0, EINVAL, EOPNOTSUPP */
	uint64_t value;
};

static const struct vector sizes[] = {
	{ "0", 0, 0 }, { "1", 0, 1 }, { "512", 0, 512 }, { "4k", 0, 4096 }, { "4K", 0, 4096 },
	{ "1M", 0, 1 << 20 }, { "3G", 0, 3ULL << 30 }, { "2t", 0, 2ULL << 40 },
	{ "18446744073709551615", 0, UINT64_MAX },
	{ "16777215T", 0, 16777215ULL << 40 },
	{ "18446744073709551616", EINVAL, 0 }, { "16777216T", EINVAL, 0 },
	{ "99999999999999999999999", EINVAL, 0 },
	{ "", EINVAL, 0 }, { "K", EINVAL, 0 }, { "-1", EINVAL, 0 }, { "+1", EINVAL, 0 },
	{ " 1", EINVAL, 0 }, { "1 ", EINVAL, 0 }, { "1KB", EINVAL, 0 }, { "1KiB", EINVAL, 0 },
	{ "1P", EINVAL, 0 }, { "0x10", EINVAL, 0 }, { "1.5G", EINVAL, 0 }, { "1%", EINVAL, 0 },
};

static const struct vector limits[] = {
	{ "50%", 0, 4ULL << 30 }, { "100%", 0, 8ULL << 30 },
	{ "1%", 0, 85897216 }, { "64M", 0, 64 << 20 }, { "4096", 0, 4096 }, { "8191", 0, 4096 },
	{ "4095", EINVAL, 0 }, { "0", EINVAL, 0 }, { "0%", EINVAL, 0 }, { "101%", EINVAL, 0 },
	{ "50%%", EINVAL, 0 }, { "50 %", EINVAL, 0 }, { "%", EINVAL, 0 }, { "x", EINVAL, 0 },
};

static const struct vector overlays[] = {
	{ "none", 0, 0 }, { "ram", 0, 4ULL << 30 }, { "ram:1G", 0, 1ULL << 30 },
	{ "ram:25%", 0, 2ULL << 30 },
	{ "", EINVAL, 0 }, { "ram:", EINVAL, 0 }, { "RAM", EINVAL, 0 }, { "rams", EINVAL, 0 },
	{ "ram:x", EINVAL, 0 }, { "tmpfs", EINVAL, 0 },
	{ "disk:/dev/sda", EOPNOTSUPP, 0 }, { "disk:/dev/sda,persist", EOPNOTSUPP, 0 },
	{ "ram:1G,disk:/dev/sda", EOPNOTSUPP, 0 },
};

static const struct vector devices[] = {
	{ "0", 0, 0 }, { "7", 0, 7 }, { "vdisk0", 0, 0 }, { "/dev/vdisk12", 0, 12 },
	{ "1023", 0, 1023 }, { "1024", EINVAL, 0 }, { "vdisk1024", EINVAL, 0 },
	{ "", EINVAL, 0 }, { "vdisk", EINVAL, 0 }, { "/dev/vdisk", EINVAL, 0 },
	{ "/dev/0", EINVAL, 0 }, { "/dev/vdisk0p1", EINVAL, 0 }, { "vdisk0p1", EINVAL, 0 },
	{ "sda", EINVAL, 0 }, { "-1", EINVAL, 0 }, { "vdisk-1", EINVAL, 0 },
	{ "99999999999999999999", EINVAL, 0 },
};

typedef int (*parser)(const char *text, uint64_t *value, struct vdisk_error *err);

static int limit_of(const char *text, uint64_t *value, struct vdisk_error *err)
{
	return parse_limit(text, MEMORY, value, err);
}

static int overlay_of(const char *text, uint64_t *value, struct vdisk_error *err)
{
	struct vdisk_overlay overlay = { 0 };
	int ret = parse_overlay(text, MEMORY, &overlay, err);

	*value = overlay.limit;
	if (!ret && (overlay.kind == VDISK_OVERLAY_RAM) != (overlay.limit > 0))
		return -EPROTO;
	return ret;
}

static int device_of(const char *text, uint64_t *value, struct vdisk_error *err)
{
	uint32_t number = 0;
	int ret = parse_device(text, &number, err);

	*value = number;
	return ret;
}

static void test(const char *what, parser parse, const struct vector *vectors, size_t count)
{
	struct vdisk_error err;
	uint64_t value;
	size_t i;
	int ret;

	for (i = 0; i < count; i++) {
		memset(&err, 0, sizeof(err));
		value = 0;
		ret = parse(vectors[i].text, &value, &err);
		if (!tap_ok(ret == -vectors[i].error &&
			    (ret ? strlen(err.text) > 0 : value == vectors[i].value),
			    "%s '%s'%s", what, vectors[i].text, ret ? " is refused" : ""))
			tap_diag("%d, %" PRIu64 ": %s", ret, value, err.text);
	}
}

#define TEST(what, parse, vectors) \
	test(what, parse, vectors, sizeof(vectors) / sizeof(*(vectors)))

static void test_full(const char *text, int error, uint32_t full, bool has, uint32_t seconds)
{
	struct vdisk_overlay overlay = { 0 };
	struct vdisk_error err;
	int ret = parse_full(text, &overlay, &err);

	tap_ok(ret == -error && (error || (overlay.full == full && overlay.has_full_seconds == has &&
					   overlay.full_seconds == seconds)), "full '%s'", text);
}

static void test_lost(const char *text, int error, uint32_t lost, uint32_t seconds)
{
	uint32_t got = 99, got_seconds = 99;
	struct vdisk_error err;
	int ret = parse_lost(text, &got, &got_seconds, &err);

	tap_ok(ret == -error && (error || (got == lost && got_seconds == seconds)),
	       "lost '%s'", text);
}

static void test_number(const char *text, uint32_t min, uint32_t max, int error, uint32_t value)
{
	struct vdisk_error err;
	uint32_t got = 0;
	int ret = parse_number(text, min, max, "--x", &got, &err);

	tap_ok(ret == -error && (error ? !!strstr(err.text, "--x") : got == value),
	       "number '%s' within %u to %u", text, min, max);
}

int main(void)
{
	TEST("size", parse_size, sizes);
	TEST("limit", limit_of, limits);
	TEST("overlay", overlay_of, overlays);
	TEST("device", device_of, devices);

	test_full("wait", 0, VDISK_FULL_WAIT, false, 0);
	test_full("wait:0", 0, VDISK_FULL_WAIT, true, 0);
	test_full("wait:90", 0, VDISK_FULL_WAIT, true, 90);
	test_full("error", 0, VDISK_FULL_ERROR, false, 0);
	test_full("error:1", EINVAL, 0, false, 0);
	test_full("wait:", EINVAL, 0, false, 0);
	test_full("wait:x", EINVAL, 0, false, 0);
	test_full("wait:2592001", EINVAL, 0, false, 0);
	test_full("", EINVAL, 0, false, 0);

	test_lost("queue", 0, VDISK_LOST_QUEUE, 0);
	test_lost("fail:30", 0, VDISK_LOST_FAIL, 30);
	test_lost("reboot:2592000", 0, VDISK_LOST_REBOOT, 2592000);
	test_lost("fail", EINVAL, 0, 0);
	test_lost("fail:", EINVAL, 0, 0);
	test_lost("fail:-1", EINVAL, 0, 0);
	test_lost("reboot", EINVAL, 0, 0);
	test_lost("queue:1", EINVAL, 0, 0);
	test_lost("", EINVAL, 0, 0);

	test_number("1", 1, 8, 0, 1);
	test_number("8", 1, 8, 0, 8);
	test_number("0", 1, 8, EINVAL, 0);
	test_number("9", 1, 8, EINVAL, 0);
	test_number("4294967297", 0, UINT32_MAX, EINVAL, 0);
	test_number("1s", 0, 10, EINVAL, 0);
	test_number("", 0, 10, EINVAL, 0);

	tap_ok(memory_total() > 1 << 20, "the machine has memory");
	return tap_done();
}

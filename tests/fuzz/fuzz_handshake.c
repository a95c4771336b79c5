// SPDX-License-Identifier: GPL-2.0
/*
 * The client's handshake against a hostile server.
 *
 * Input: the length of the export name (2 bytes), what the server sends.  What
 * is agreed must be what handshake.h promises, or there are words why not.
 */
#include "../../kernel/wire_env.h"
#include "handshake.h"

bool kernel_shim_no_memory;

struct peer {
	const u8 *data;
	size_t size;
	size_t sent;
	u32 calls;
};

#define must(what)	must_be(what, #what, __LINE__)

static void must_be(bool what, const char *text, int line)
{
	if (what)
		return;
	fprintf(stderr, "handshake broke its contract (line %d): %s\n", line, text);
	abort();
}

int vdisk_handshake_send(void *ctx, const void *buf, size_t len)
{
	struct peer *p = ctx;
	const u8 *b = buf;
	u8 sum = 0;
	size_t i;

	/* Touch it all: memory that was never set must be seen. */
	for (i = 0; i < len; i++)
		sum ^= b[i];
	p->sent += len;
	p->calls++;
	must(len > 0 && p->calls < 20);
	return sum == 0xa7 && len > 100 ? -EPIPE : 0;
}

int vdisk_handshake_recv(void *ctx, void *buf, size_t len)
{
	struct peer *p = ctx;

	must(len > 0 && len <= VDISK_HS_PAYLOAD_MAX);
	if (len > p->size)
		return -ECONNRESET;
	memcpy(buf, p->data, len);
	p->data += len;
	p->size -= len;
	return 0;
}

static bool power_of_2(u64 n)
{
	return n && !(n & (n - 1));
}

static void check_line(const char *s, size_t size)
{
	must(memchr(s, 0, size));
	for (; *s; s++)
		must((u8)*s >= 0x20 && *s != 0x7f);
}

static void check_export(const struct vdisk_export *ex)
{
	must(ex->size > 0 && ex->size <= INT64_MAX);
	must(ex->flags & NBD_FLAG_HAS_FLAGS);
	must(power_of_2(ex->block_min) && ex->block_min <= NBD_MIN_BLOCK_MAX);
	must(power_of_2(ex->block_preferred) && ex->block_preferred >= ex->block_min);
	must(ex->block_preferred >= 512);
	must(ex->block_max >= 512 && ex->block_max % ex->block_min == 0);
	check_line(ex->name, sizeof(ex->name));
	check_line(ex->stamp, sizeof(ex->stamp));
	must(strspn(ex->stamp, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		    "0123456789:._-") == strlen(ex->stamp));
	must(ex->structured || !ex->stamp[0]);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static char name[NBD_STRING_MAX + 2];
	struct peer p = { 0 };
	char *text = malloc(VDISK_HS_TEXT);
	struct vdisk_export *ex = malloc(sizeof(*ex));
	u32 len;
	int ret;

	if (size < 2 || !text || !ex)
		goto out;
	len = (data[0] << 8 | data[1]) % sizeof(name);
	memset(name, 'e', len);
	name[len] = '\0';
	p.data = data + 2;
	p.size = size - 2;
	ret = vdisk_handshake(&p, name, ex, text);
	must(ret <= 0);
	check_line(text, VDISK_HS_TEXT);
	if (ret)
		must(text[0]);
	else
		check_export(ex);
out:
	free(text);
	free(ex);
	return 0;
}

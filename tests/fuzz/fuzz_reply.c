// SPDX-License-Identifier: GPL-2.0
/*
 * Feeds the reply parser what a hostile server could send.
 *
 * Input: a byte of switches, a byte that says how the stream is cut, the
 * requests that were sent (their number in the switches, struct sent each), the
 * stream.  reply_world.c ends the program when the parser breaks its contract.
 */
#include "reply_world.h"

enum switches {
	FUZZ_STRUCTURED	= 1 << 0,
	FUZZ_NO_MEMORY	= 1 << 1,
	FUZZ_REQUESTS	= 3 << 2,	/* less one */
};

struct sent {
	u8 command;
	u8 df;
	__be16 length;
	__be64 offset;
} __packed;

static void add(struct world *w, const struct sent *s)
{
	u64 offset = be64_to_cpu(s->offset);
	u32 length = be16_to_cpu(s->length);

	/* The driver asks for nothing beyond 64 bits. */
	if (offset > UINT64_MAX - length)
		offset = UINT64_MAX - length;
	world_add(w, w->n + 1, s->command & 7, offset, length, s->df & 1);
}

static void feed(struct world *w, struct vdisk_reply *r, const u8 *data, size_t size, u32 most)
{
	int ret = 0;
	size_t n;
	u32 i;

	for (; size && !ret; data += n, size -= n) {
		n = size < most ? size : most;
		ret = vdisk_reply_feed(r, data, n);
		for (i = 0; i < w->n; i++)
			if (!w->request[i].done)
				world_check_request(&w->request[i]);
	}
	if (!ret)
		return;
	/* It is over, and says why. */
	if (!r->why || vdisk_reply_feed(r, "again", 5) != -EPROTO)
		abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	const u8 *end = data + size;
	struct world w = { 0 };
	struct vdisk_reply r;
	u8 switches, cut;
	u32 n;

	if (size < 2)
		return 0;
	switches = *data++;
	cut = *data++;
	for (n = (switches & FUZZ_REQUESTS) / 4 + 1; n; n--) {
		if (end - data < (ptrdiff_t)sizeof(struct sent))
			break;
		add(&w, (const struct sent *)data);
		data += sizeof(struct sent);
	}
	kernel_shim_no_memory = switches & FUZZ_NO_MEMORY;
	vdisk_reply_init(&r, &w, switches & FUZZ_STRUCTURED);
	feed(&w, &r, data, end - data, cut ? cut : UINT32_MAX);
	world_free(&w);
	return 0;
}

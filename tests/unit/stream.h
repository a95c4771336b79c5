/* SPDX-License-Identifier: GPL-2.0 */
/* What a peer sends, put together for the tests of the wire. */
#ifndef TESTS_STREAM_H
#define TESTS_STREAM_H

struct stream {
	u32 len, at;		/* bytes in it, and those that were taken */
	u8 byte[1 << 17];
};

static inline void put(struct stream *s, const void *from, u32 len)
{
	if (len > sizeof(s->byte) - s->len)
		abort();
	memcpy(s->byte + s->len, from, len);
	s->len += len;
}

static inline void put_be16(struct stream *s, u16 v)
{
	put(s, &(__be16){ cpu_to_be16(v) }, 2);
}

static inline void put_be32(struct stream *s, u32 v)
{
	put(s, &(__be32){ cpu_to_be32(v) }, 4);
}

static inline void put_be64(struct stream *s, u64 v)
{
	put(s, &(__be64){ cpu_to_be64(v) }, 8);
}

#endif

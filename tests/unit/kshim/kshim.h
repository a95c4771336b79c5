/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The few things of the kernel that the overlay uses, for user space.
 *
 * Allocations are counted, and fail when the test says so; what was given to
 * call_rcu() is freed in rcu_barrier(), which the test calls when nobody reads.
 */
#ifndef KSHIM_H
#define KSHIM_H

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;
typedef uint64_t sector_t;
typedef unsigned int gfp_t;

#define U64_MAX UINT64_MAX
#define PAGE_SIZE 4096UL
#define SECTOR_SHIFT 9
#define SECTOR_SIZE (1 << SECTOR_SHIFT)
#define BITS_PER_BYTE 8

#define __rcu
#define __init
#define ____cacheline_aligned_in_smp
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define BUILD_BUG_ON(x) _Static_assert(!(x), #x)
#define container_of(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))
#define ALIGN(x, a) (((x) + (a) - 1) / (a) * (a))
#define DIV_ROUND_UP_ULL(x, d) (((u64)(x) + (d) - 1) / (d))
#define min(a, b) ({ __typeof__(a) _a = (a); __typeof__(b) _b = (b); _a < _b ? _a : _b; })
#define max(a, b) ({ __typeof__(a) _a = (a); __typeof__(b) _b = (b); _a > _b ? _a : _b; })
#define min_t(t, a, b) min((t)(a), (t)(b))
#define max_t(t, a, b) max((t)(a), (t)(b))
#define lockdep_assert_held(l) ((void)(l))
#define cond_resched() do { } while (0)

extern unsigned int kshim_warnings;
#define WARN_ON_ONCE(x) ({ bool _w = !!(x); \
	if (_w) { \
		kshim_warnings++; \
		fprintf(stderr, "%s:%d: warning: %s\n", __FILE__, __LINE__, #x); \
	} \
	_w; })

#define READ_ONCE(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v) __atomic_store_n(&(x), v, __ATOMIC_RELAXED)
/* As the kernel has them: who uses one says what it pairs with. */
#define smp_store_release(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)
/* likewise */
#define smp_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define cmpxchg(p, old, new) ({ \
	__typeof__(*(p)) _old = (old); \
	__atomic_compare_exchange_n(p, &_old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
	_old; })

typedef struct { s64 v; } atomic64_t;
#define atomic64_read(a) ((s64)__atomic_load_n(&(a)->v, __ATOMIC_RELAXED))
#define atomic64_add(n, a) ((void)__atomic_add_fetch(&(a)->v, n, __ATOMIC_SEQ_CST))
#define atomic64_sub(n, a) ((void)__atomic_sub_fetch(&(a)->v, n, __ATOMIC_SEQ_CST))
#define atomic64_sub_return(n, a) __atomic_sub_fetch(&(a)->v, n, __ATOMIC_SEQ_CST)
#define atomic64_try_cmpxchg(a, old, new) \
	__atomic_compare_exchange_n(&(a)->v, old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)

static inline u64 mul_u64_u32_div(u64 a, u32 mul, u32 div)
{
	return (__uint128_t)a * mul / div;
}

static inline u64 div_u64(u64 a, u32 div)
{
	return a / div;
}

/* Errors in pointers */

#define MAX_ERRNO 4095
#define ERR_PTR(e) ((void *)(long)(e))
#define PTR_ERR(p) ((long)(p))
#define IS_ERR(p) ((unsigned long)(p) >= (unsigned long)-MAX_ERRNO)
#define IS_ERR_OR_NULL(p) (!(p) || IS_ERR(p))

/* Locks and RCU */

typedef struct { pthread_mutex_t m; } spinlock_t;
#define spin_lock_init(l) pthread_mutex_init(&(l)->m, NULL)
#define spin_lock_bh(l) pthread_mutex_lock(&(l)->m)
#define spin_unlock_bh(l) pthread_mutex_unlock(&(l)->m)

struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *head);
};

#define rcu_read_lock() do { } while (0)
#define rcu_read_unlock() do { } while (0)
#define rcu_dereference(p) __atomic_load_n(&(p), __ATOMIC_ACQUIRE)
#define rcu_dereference_protected(p, c) (p)
#define unrcu_pointer(p) (p)
#define RCU_INITIALIZER(p) (p)
void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
void rcu_barrier(void);

/* Memory */

#define GFP_KERNEL	1U
#define GFP_NOIO	1U
#define GFP_NOWAIT	0U
#define __GFP_NOWARN	0U
#define __GFP_NORETRY	0U
#define __GFP_NOMEMALLOC 0U
#define __GFP_HIGHMEM	0U
#define gfpflags_allow_blocking(gfp) ((gfp) & 1U)

struct page {
	u8 data[PAGE_SIZE];
};

struct kmem_cache {
	size_t size;
};

extern s64 kshim_bytes;			/* allocated now, pages and objects */
bool kshim_may_alloc(void);		/* the test's: false makes an allocation fail */
void *kshim_alloc(size_t size, bool zero);
void kshim_free(const void *p, size_t size);

#define alloc_page(gfp) ((void)(gfp), (struct page *)kshim_alloc(PAGE_SIZE, false))
#define __free_page(page) kshim_free(page, PAGE_SIZE)
#define get_zeroed_page(gfp) ((void)(gfp), (unsigned long)kshim_alloc(PAGE_SIZE, true))
#define free_page(addr) kshim_free((void *)(addr), PAGE_SIZE)
#define kzalloc(size, gfp) calloc(1, size)
#define kvcalloc(n, size, gfp) calloc(n, size)
#define kfree(p) free((void *)(p))
#define kvfree(p) free(p)

static inline struct kmem_cache *kmem_cache_create(const char *name, size_t size, int align,
						   int flags, void *ctor)
{
	struct kmem_cache *c = malloc(sizeof(*c));

	(void)name, (void)align, (void)flags, (void)ctor;
	c->size = size;
	return c;
}

#define kmem_cache_destroy(c) free(c)
#define kmem_cache_alloc(c, gfp) ((void)(gfp), kshim_alloc((c)->size, false))
#define kmem_cache_zalloc(c, gfp) ((void)(gfp), kshim_alloc((c)->size, true))
#define kmem_cache_free(c, p) kshim_free(p, (c)->size)

#define kmap_local_page(page) ((void *)(page)->data)
#define kunmap_local(p) ((void)(p))

static inline void memcpy_to_page(struct page *page, size_t at, const void *from, size_t len)
{
	assert(at + len <= PAGE_SIZE);
	memcpy(page->data + at, from, len);
}

static inline void memcpy_from_page(void *to, struct page *page, size_t at, size_t len)
{
	assert(at + len <= PAGE_SIZE);
	memcpy(to, page->data + at, len);
}

static inline void memzero_page(struct page *page, size_t at, size_t len)
{
	assert(at + len <= PAGE_SIZE);
	memset(page->data + at, 0, len);
}

/* Block requests: each vector lies in one page */

struct bio_vec {
	struct page *bv_page;
	unsigned int bv_len, bv_offset;
};

struct bvec_iter {
	unsigned int bi_size, bi_idx, bi_bvec_done;
};

struct bio {
	struct bio *bi_next;
	struct bvec_iter bi_iter;
	struct bio_vec *bi_io_vec;
};

struct request {
	struct bio *bio;
};

static inline struct bio_vec bio_iter_iovec(const struct bio *bio, struct bvec_iter iter)
{
	struct bio_vec bv = bio->bi_io_vec[iter.bi_idx];

	bv.bv_offset += iter.bi_bvec_done;
	bv.bv_len = min(bv.bv_len - iter.bi_bvec_done, iter.bi_size);
	return bv;
}

static inline void bio_advance_iter(const struct bio *bio, struct bvec_iter *iter, unsigned int len)
{
	assert(len <= iter->bi_size);
	iter->bi_size -= len;
	len += iter->bi_bvec_done;
	while (len && len >= bio->bi_io_vec[iter->bi_idx].bv_len)
		len -= bio->bi_io_vec[iter->bi_idx++].bv_len;
	iter->bi_bvec_done = len;
}

/* A search tree that is not balanced: enough to test who uses it */

struct rb_node {
	struct rb_node *rb_left, *rb_right, *parent;
};

struct rb_root {
	struct rb_node *rb_node;
};

#define RB_ROOT ((struct rb_root){ NULL })
#define RB_EMPTY_ROOT(root) (!READ_ONCE((root)->rb_node))
#define rb_entry_safe(p, type, member) ({ \
	struct rb_node *_p = (p); \
	_p ? container_of(_p, type, member) : NULL; })

static inline void rb_link_node(struct rb_node *node, struct rb_node *parent, struct rb_node **link)
{
	node->parent = parent;
	node->rb_left = NULL;
	node->rb_right = NULL;
	WRITE_ONCE(*link, node);
}

#define rb_insert_color(node, root) do { } while (0)

static inline struct rb_node *rb_leftmost(struct rb_node *node)
{
	while (node && node->rb_left)
		node = node->rb_left;
	return node;
}

static inline struct rb_node *rb_first(const struct rb_root *root)
{
	return rb_leftmost(root->rb_node);
}

static inline struct rb_node *rb_next(const struct rb_node *node)
{
	if (node->rb_right)
		return rb_leftmost(node->rb_right);
	while (node->parent && node == node->parent->rb_right)
		node = node->parent;
	return node->parent;
}

/* Puts @with, or nothing, in the place of @node. */
static inline void rb_put(struct rb_root *root, struct rb_node *node, struct rb_node *with)
{
	struct rb_node **link = !node->parent ? &root->rb_node :
		node == node->parent->rb_left ? &node->parent->rb_left : &node->parent->rb_right;

	WRITE_ONCE(*link, with);
	if (with)
		with->parent = node->parent;
}

static inline void rb_erase(struct rb_node *node, struct rb_root *root)
{
	struct rb_node *next;

	if (!node->rb_left || !node->rb_right) {
		rb_put(root, node, node->rb_left ? node->rb_left : node->rb_right);
		return;
	}
	next = rb_leftmost(node->rb_right);
	rb_put(root, next, next->rb_right);
	rb_put(root, node, next);
	next->rb_left = node->rb_left;
	next->rb_right = node->rb_right;
	if (next->rb_left)
		next->rb_left->parent = next;
	if (next->rb_right)
		next->rb_right->parent = next;
}

#endif

// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin for QEMU's emulator: counts which guest code runs, exactly.
 *
 * The guest says when: an instruction of MARK (a no-op for a processor, see
 * mark.c) clears the counters and starts, the next one writes them to the file
 * "out=..." and stops.  A line is: address, instructions in the block there, how
 * often it ran, all as hexadecimal numbers; mk symbols of it with
 * tests/bench/profile.
 *
 * What is declared here is as much of QEMU's plugin interface, version 1, as is
 * used; Debian has no package with its header.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_info;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { INLINE_ADD_U64 = 0, CB_NO_REGS = 0 };

typedef void (*tb_trans_t)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*exec_t)(unsigned int cpu, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_trans_t cb);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int op, void *ptr,
					      uint64_t imm);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, exec_t cb, int flags,
					    void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

/* nopl 0x564b4944(%rax,%rax,1) */
static const unsigned char mark[] = { 0x0f, 0x1f, 0x84, 0x00, 0x44, 0x49, 0x4b, 0x56 };

enum { BUCKETS = 1 << 18 };

struct block {
	struct block *next;
	uint64_t address, insns, count;
};

static struct block *bucket[BUCKETS];
static const char *out = "profile.out";
static bool running;

/* One a place and length, however often QEMU translates it again. */
static struct block *find(uint64_t address, uint64_t insns)
{
	struct block **head = &bucket[(address ^ address >> 18) % BUCKETS];
	struct block *b;

	for (b = *head; b; b = b->next)
		if (b->address == address && b->insns == insns)
			return b;
	b = calloc(1, sizeof(*b));
	if (!b)
		abort();
	b->address = address;
	b->insns = insns;
	b->next = *head;
	*head = b;
	return b;
}

static void write_out(void)
{
	FILE *f = fopen(out, "w");
	int i;

	if (!f) {
		perror(out);
		return;
	}
	for (i = 0; i < BUCKETS; i++)
		for (struct block *b = bucket[i]; b; b = b->next)
			if (b->count)
				fprintf(f, "%" PRIx64 " %" PRIx64 " %" PRIx64 "\n",
					b->address, b->insns, b->count);
	fclose(f);
}

static void marked(unsigned int cpu, void *data)
{
	int i;

	(void)cpu;
	(void)data;
	if (running) {
		write_out();
	} else {
		for (i = 0; i < BUCKETS; i++)
			for (struct block *b = bucket[i]; b; b = b->next)
				b->count = 0;
	}
	running = !running;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb), i;
	struct block *b = find(qemu_plugin_tb_vaddr(tb), n);

	(void)id;
	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		if (qemu_plugin_insn_size(insn) == sizeof(mark) &&
		    !memcmp(qemu_plugin_insn_data(insn), mark, sizeof(mark)))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, marked, CB_NO_REGS, NULL);
	}
	qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD_U64, &b->count, 1);
}

__attribute__((visibility("default")))
int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
	int i;

	(void)info;
	for (i = 0; i < argc; i++)
		if (!strncmp(argv[i], "out=", 4))
			out = strdup(argv[i] + 4);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}

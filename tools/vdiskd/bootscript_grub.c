// SPDX-License-Identifier: GPL-2.0
/*
 * Scripts for the GRUB of a boot medium (vdiskadm boot-media), which asks for them in
 * a loop: one that ends means "ask again".  Its $root is this server.
 */
#include <stdio.h>
#include <string.h>

#include "bootscript.h"
#include "login.h"

enum { WORD_LONGEST = 512 };

#define add bootscript_add

/* In single quotes, and not changed on the way to the kernel. */
static bool word_is_safe(const char *word, size_t length)
{
	size_t i;

	if (!length || length > WORD_LONGEST)
		return false;
	for (i = 0; i < length; i++)
		if (word[i] <= ' ' || word[i] > '~' || strchr("'\"\\", word[i]))
			return false;
	return true;
}

/* People's words, to stand in single quotes. */
static void show(struct text *out, const char *words)
{
	size_t i = out->length;

	bootscript_show(out, words);
	for (; !out->failed && i < out->length; i++)
		if (out->data[i] == '\'')
			out->data[i] = '?';
}

static void again(struct text *out, const struct bootscript *boot, const char *message)
{
	add(out, "echo\necho 'vdisk: ");
	show(out, message);
	add(out, "'\necho 'UUID %s  MAC %s'\n", *boot->uuid ? boot->uuid : "none",
	    *boot->mac ? boot->mac : "none");
	add(out, "echo 'asking again in %d seconds'\nsleep %d\n", BOOTSCRIPT_RETRY_SECONDS,
	    BOOTSCRIPT_RETRY_SECONDS);
}

/* It ends when the kernel or its initramfs can't be loaded. */
static void add_one(struct text *out, const struct bootscript *boot, const json_t *choice)
{
	const char *image = json_string_value(json_object_get(choice, "image"));
	long long version = json_integer_value(json_object_get(choice, "version"));
	struct text words = { .data = NULL };
	char message[128];

	if (!bootscript_cmdline(&words, boot, choice, "'")) {
		snprintf(message, sizeof(message), "the command line of %s version %lld has a word that GRUB would change, or is too long",
			 image, version);
		again(out, boot, message);
		text_free(&words);
		return;
	}
	add(out, "echo 'vdisk: loading %s version %lld'\n", image, version);
	add(out, "if linux /boot/%s/%lld/vmlinuz", image, version);
	text_add(out, words.data, words.length);
	text_free(&words);
	add(out, "; then\nif initrd /boot/%s/%lld/initrd.img; then\nboot\nfi\nfi\n", image,
	    version);
	again(out, boot, "the kernel or its initramfs could not be loaded");
}

static void add_menu(struct text *out, const struct bootscript *boot, const json_t *choices)
{
	const json_t *chosen = login_choice(choices, NULL), *choice;
	size_t i, first = 0;

	json_array_foreach(choices, i, choice)
		if (choice == chosen)
			first = i;
	add(out, "set default=i%zu\nset timeout=%lld\n", first, bootscript_timeout(choices));
	json_array_foreach(choices, i, choice) {
		add(out, "menuentry '");
		show(out, json_string_value(json_object_get(choice, "label")));
		add(out, "' --id i%zu {\n", i);
		add_one(out, boot, choice);
		/* In a menu nobody asks again by himself. */
		add(out, "reboot\n}\n");
	}
	add(out, "menuentry 'The local disk' --id local {\nexit\n}\n");
}

static void boot_choices(struct text *out, const struct bootscript *boot, const json_t *choices)
{
	if (json_array_size(choices) > 1)
		add_menu(out, boot, choices);
	else
		add_one(out, boot, json_array_get(choices, 0));
}

const struct bootscript_kind bootscript_grub = {
	.head = "# vdisk\n", .word_is_safe = word_is_safe, .again = again, .boot = boot_choices,
};

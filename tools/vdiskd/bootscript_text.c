// SPDX-License-Identifier: GPL-2.0
#include "bootscript.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "login.h"

enum { LINE_LONGEST = 1024, WORD_LONGEST = 512 };

const char bootscript_entry[] =
	"#!ipxe\n"
	"set tries:int32 0\n"
	":ask\n"
	"chain --replace /boot/script?uuid=${uuid}&mac=${netX/mac:hexhyp}&arch=${buildarch} || goto failed\n"
	":failed\n"
	"echo vdisk: the server did not answer\n"
	"inc tries\n"
	"iseq ${tries} 60 && exit 1 ||\n"
	"sleep 5\n"
	"goto ask\n";

#define add bootscript_add

void bootscript_add(struct text *out, const char *format, ...)
{
	char line[LINE_LONGEST];
	va_list ap;

	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	text_add(out, line, strlen(line));
}

static bool is_shown(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr(" .,:_+=@%()/'-", c));
}

void bootscript_show(struct text *out, const char *words)
{
	size_t i, length = strnlen(words, BOOTSCRIPT_SHOWN_MOST);
	char c;

	/* A word that begins with '-' could be an option. */
	for (i = 0; i < length; i++) {
		c = is_shown(words[i]) ? words[i] : '?';
		if (c == '-' && (!i || words[i - 1] == ' '))
			c = '.';
		text_add(out, &c, 1);
	}
}

static bool word_is_safe(const char *word, size_t length)
{
	size_t i;

	if (!length || length > WORD_LONGEST || *word == '#' ||
	    (length == 2 && (!memcmp(word, "||", 2) || !memcmp(word, "&&", 2))))
		return false;
	for (i = 0; i < length; i++)
		if (word[i] <= ' ' || word[i] > '~' || (word[i] == '$' && i + 1 < length &&
							word[i + 1] == '{'))
			return false;
	return true;
}

static void again(struct text *out, const struct bootscript *boot, const char *message)
{
	add(out, "echo\necho vdisk: ");
	bootscript_show(out, message);
	add(out, "\necho UUID %s  MAC %s\n", *boot->uuid ? boot->uuid : "none",
	    *boot->mac ? boot->mac : "none");
	if (boot->try >= BOOTSCRIPT_TRIES_MOST) {
		add(out, "echo vdisk: giving up\nsleep 5\nexit 1\n");
		return;
	}
	add(out, "echo asking again in %d seconds (%u of %d)\nsleep %d\n", BOOTSCRIPT_RETRY_SECONDS,
	    boot->try + 1, BOOTSCRIPT_TRIES_MOST, BOOTSCRIPT_RETRY_SECONDS);
	add(out, "chain --replace /boot/script?uuid=%s&mac=%s&arch=%s&try=%u || chain --replace /boot.ipxe\n",
	    boot->uuid, boot->mac, boot->arch, boot->try + 1);
}

bool bootscript_cmdline(struct text *out, const struct bootscript *boot, const json_t *choice,
			const char *quote)
{
	const char *image = json_string_value(json_object_get(choice, "image"));
	const char *name = json_string_value(json_object_get(choice, "name"));
	long long version = json_integer_value(json_object_get(choice, "version"));
	char path[128], line[BOOTSCRIPT_CMDLINE_MOST + 1], *word, *rest = line;
	ssize_t bytes = 0;
	int fd;

	snprintf(path, sizeof(path), "%s/%lld/cmdline", image, version);
	fd = openat(boot->store, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd >= 0) {
		bytes = read(fd, line, sizeof(line));
		close(fd);
	}
	if (bytes < 0 || bytes == sizeof(line))
		return false;
	line[bytes] = '\0';
	if (!bytes)
		strcpy(line, "rw console=tty0");
	while ((word = strsep(&rest, " \t\r\n"))) {
		if (!*word)
			continue;
		if (!boot->kind->word_is_safe(word, strlen(word)))
			return false;
		add(out, " %s%s%s", quote, word, quote);
	}
	add(out, " %sroot=vdisk:vdisk://%s/%s%s initrd=initrd.img ip=dhcp", quote, boot->server,
	    name, quote);
	if (*boot->mac)
		add(out, " BOOTIF=01-%s", boot->mac);
	return true;
}

static void add_one(struct text *out, const struct bootscript *boot, const json_t *choice)
{
	const char *image = json_string_value(json_object_get(choice, "image"));
	long long version = json_integer_value(json_object_get(choice, "version"));
	struct text words = { .data = NULL };
	char message[128];

	if (!bootscript_cmdline(&words, boot, choice, "")) {
		snprintf(message, sizeof(message), "the command line of %s version %lld has a word that iPXE would change, or is too long",
			 image, version);
		again(out, boot, message);
		text_free(&words);
		return;
	}
	add(out, "imgfree\nkernel --name vmlinuz /boot/%s/%lld/vmlinuz", image, version);
	text_add(out, words.data, words.length);
	text_free(&words);
	add(out, " || goto failed\n");
	add(out, "initrd --name initrd.img /boot/%s/%lld/initrd.img || goto failed\n", image,
	    version);
	add(out, "boot || goto failed\n");
}

long long bootscript_timeout(const json_t *choices)
{
	const json_t *choice, *timeout;
	size_t i;

	json_array_foreach(choices, i, choice) {
		timeout = json_object_get(choice, "timeout");
		if (json_is_integer(timeout))
			return json_integer_value(timeout);
	}
	return LOGIN_MENU_SECONDS;
}

static void add_menu(struct text *out, const struct bootscript *boot, const json_t *choices)
{
	const json_t *chosen = login_choice(choices, NULL), *choice;
	size_t i, first = 0;

	add(out, ":menu\nmenu vdisk: %s\n", boot->client ? boot->client : "");
	json_array_foreach(choices, i, choice) {
		add(out, "item i%zu ", i);
		bootscript_show(out, json_string_value(json_object_get(choice, "label")));
		add(out, "\n");
		if (choice == chosen)
			first = i;
	}
	add(out, "item local The local disk\n");
	/* A time of 0 would wait for ever: then nobody is to be asked. */
	add(out, "choose --default i%zu --timeout %lld target || goto menu\n", first,
	    bootscript_timeout(choices) > 0 ? bootscript_timeout(choices) * 1000 : 1);
	add(out, "goto ${target}\n");
	json_array_foreach(choices, i, choice) {
		add(out, ":i%zu\n", i);
		add_one(out, boot, choice);
	}
	/* A BIOS that is left alone may begin with the network again. */
	add(out, ":local\niseq ${platform} pcbios && sanboot --no-describe --drive 0x80 ||\nexit\n");
}

static void boot_choices(struct text *out, const struct bootscript *boot, const json_t *choices)
{
	if (json_array_size(choices) > 1)
		add_menu(out, boot, choices);
	else
		add_one(out, boot, json_array_get(choices, 0));
	add(out, ":failed\n");
	again(out, boot, "the kernel or its initramfs could not be loaded");
}

const struct bootscript_kind bootscript_ipxe = {
	.head = "#!ipxe\n", .word_is_safe = word_is_safe, .again = again, .boot = boot_choices,
};

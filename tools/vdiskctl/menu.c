// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include "menu.h"
#include "vdiskctl.h"
#include "wait.h"

enum { LABEL = 60, LINE = 16, DEFAULT_SECONDS = 30 };

const char *const menu_local_disk = "local disk";

struct menu {
	int fd;
	json_t *list;
	size_t count;			/* of entries, with the local disk */
	size_t fallback;		/* index of the default; SIZE_MAX: none */
	char line[LINE];
	size_t length;
	bool touched;			/* somebody is there: time does not matter any more */
};

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* What a server says is shown as plain ASCII, and not too much of it. */
static void print_label(int fd, const char *text)
{
	char clean[LABEL + 1];
	size_t i;

	for (i = 0; i < LABEL && text[i]; i++)
		clean[i] = text[i] < ' ' || text[i] > '~' ? '?' : text[i];
	clean[i] = '\0';
	dprintf(fd, "%s", clean);
}

static void show(const struct menu *menu, json_int_t seconds)
{
	json_t *choice;
	size_t i;

	dprintf(menu->fd, "\r\n");
	json_array_foreach(menu->list, i, choice) {
		const char *label = text_of(choice, "label");

		dprintf(menu->fd, "  %2zu  ", i + 1);
		print_label(menu->fd, label[0] ? label : text_of(choice, "name"));
		dprintf(menu->fd, "%s\r\n", i == menu->fallback ? "  (default)" : "");
	}
	if (menu->count > i)
		dprintf(menu->fd, "  %2zu  The local disk\r\n", menu->count);
	if (menu->fallback != SIZE_MAX && seconds > 0)
		dprintf(menu->fd, "Start which, 1 to %zu?  %zu in %lld s: ", menu->count,
			menu->fallback + 1, (long long)seconds);
	else
		dprintf(menu->fd, "Start which, 1 to %zu? ", menu->count);
}

/* Takes what was typed.  Returns an index once a line made sense, else SIZE_MAX. */
static size_t take(struct menu *menu, const char *data, size_t len)
{
	size_t i, number;
	char *end;

	menu->touched = true;
	for (i = 0; i < len; i++) {
		if (data[i] != '\n' && data[i] != '\r') {
			if (menu->length < LINE - 1)
				menu->line[menu->length++] = data[i];
			continue;
		}
		menu->line[menu->length] = '\0';
		number = strtoul(menu->line, &end, 10);
		if (!menu->length && menu->fallback != SIZE_MAX)
			return menu->fallback;
		menu->length = 0;
		if (end != menu->line && !*end && number >= 1 && number <= menu->count)
			return number - 1;
		dprintf(menu->fd, "\r\nA number from 1 to %zu: ", menu->count);
	}
	return SIZE_MAX;
}

static size_t ask(struct menu *menu, json_int_t seconds)
{
	int64_t end = now_ms() + seconds * 1000, left;
	struct pollfd poller = { .fd = menu->fd, .events = POLLIN };
	size_t chosen = SIZE_MAX;
	char data[64];
	ssize_t len;

	while (chosen == SIZE_MAX) {
		left = end - now_ms();
		if (!menu->touched && menu->fallback != SIZE_MAX && seconds > 0 && left <= 0)
			return menu->fallback;
		if (menu->touched || seconds <= 0 || menu->fallback == SIZE_MAX)
			left = -1;
		if (poll(&poller, 1, left) <= 0)
			continue;
		len = read(menu->fd, data, sizeof(data));
		if (len <= 0 && errno != EINTR)
			return menu->fallback;	/* a console nobody sits at */
		if (len > 0)
			chosen = take(menu, data, len);
	}
	return chosen;
}

const char *menu_choose(const json_t *choices, bool local_disk, const char *console)
{
	struct menu menu = { .list = json_object_get(choices, "choices"), .fallback = SIZE_MAX };
	const char *fallback = text_of(choices, "default");
	json_t *timeout = json_object_get(choices, "timeout"), *choice;
	json_int_t seconds = json_is_integer(timeout) ? json_integer_value(timeout) : DEFAULT_SECONDS;
	size_t i, chosen;

	menu.count = json_array_size(menu.list) + local_disk;
	json_array_foreach(menu.list, i, choice)
		if (fallback[0] && !strcmp(fallback, text_of(choice, "name")))
			menu.fallback = i;
	if (seconds < 0 || seconds > 86400)
		seconds = DEFAULT_SECONDS;
	menu.fd = open(console[0] ? console : "/dev/console", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (menu.fd < 0) {
		warn("no console to show the menu on: %s", strerror(errno));
		chosen = menu.fallback;
	} else {
		tcflush(menu.fd, TCIFLUSH);
		show(&menu, seconds);
		chosen = ask(&menu, seconds);
		dprintf(menu.fd, "\r\n");
		close(menu.fd);
	}
	if (chosen == json_array_size(menu.list))
		return menu_local_disk;
	return chosen == SIZE_MAX ? NULL : text_of(json_array_get(menu.list, chosen), "name");
}

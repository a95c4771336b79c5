// SPDX-License-Identifier: GPL-2.0
/* rogue: how a behaviour is written. */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "rogue.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

const char behaviour_help[] =
	"A behaviour is a list of words with commas between them:\n"
	"  good                      nothing special\n"
	" handshake\n"
	"  silent-accept  close-accept  silent-go\n"
	"  not-nbd  oldstyle  not-fixed  zeroes  no-structured  no-go\n"
	"  go-error=policy|unknown|tls|shutdown|invalid|platform|block-size\n"
	"  words=[ended]TEXT|@controls|@shell|@long|@longer    with the error;\n"
	"                            ended: 'session ended: ' in front\n"
	"  name=NAME                 told as NBD_INFO_NAME\n"
	"  want=NAME                 any other export is unknown\n"
	"  stamp=STAMP  size=BYTES  multi-conn\n"
	"  min=BYTES  preferred=BYTES  max=BYTES\n"
	" replies\n"
	"  tiny  shuffle  holes  delay=MS  trickle=BYTES/MS\n"
	"  error=NUMBER@OFFSET+LENGTH  error-offset=…  once=NUMBER\n"
	" once so many replies were sent\n"
	"  silent=N stall=N close=N truncate=N rst=N garbage=N cookie=N length=N short=N\n"
	"  twice=N outside=N simple=N type=N huge=N empty=N comb=N\n";

bool parse_size(const char *text, uint64_t *size)
{
	char *end;

	*size = strtoull(text, &end, 0);
	switch (*end) {
	case 'G':
		*size <<= 10;
		/* fallthrough */
	case 'M':
		*size <<= 10;
		/* fallthrough */
	case 'K':
		*size <<= 10;
		end++;
	}
	return end != text && !*end;
}

struct flag {
	const char *word;
	size_t at;
};

#define FLAG(word, field) { word, offsetof(struct behaviour, field) }

static const struct flag flags[] = {
	FLAG("silent-accept", silent_accept), FLAG("close-accept", close_accept),
	FLAG("silent-go", silent_go), FLAG("not-nbd", not_nbd), FLAG("oldstyle", oldstyle),
	FLAG("not-fixed", not_fixed), FLAG("zeroes", zeroes),
	FLAG("no-structured", no_structured), FLAG("no-go", no_go),
	FLAG("multi-conn", multi_conn), FLAG("tiny", tiny), FLAG("shuffle", shuffle),
	FLAG("holes", holes),
};

static const struct flag strings[] = {
	FLAG("name", name), FLAG("want", want), FLAG("stamp", stamp),
};

static const struct flag numbers[] = {
	FLAG("min", min), FLAG("preferred", preferred), FLAG("max", max),
	FLAG("delay", delay_ms),
};

static const char *const faults[] = {
	[FAULT_SILENT] = "silent", [FAULT_STALL] = "stall", [FAULT_CLOSE] = "close",
	[FAULT_TRUNCATE] = "truncate", [FAULT_RST] = "rst", [FAULT_GARBAGE] = "garbage",
	[FAULT_COOKIE] = "cookie", [FAULT_LENGTH] = "length", [FAULT_SHORT] = "short",
	[FAULT_TWICE] = "twice", [FAULT_OUTSIDE] = "outside", [FAULT_SIMPLE] = "simple",
	[FAULT_TYPE] = "type", [FAULT_HUGE] = "huge", [FAULT_EMPTY] = "empty",
	[FAULT_COMB] = "comb",
};

static const struct {
	const char *word;
	uint32_t error;
} go_errors[] = {
	{ "policy", NBD_REP_ERR_POLICY }, { "unknown", NBD_REP_ERR_UNKNOWN },
	{ "tls", NBD_REP_ERR_TLS_REQD }, { "shutdown", NBD_REP_ERR_SHUTDOWN },
	{ "invalid", NBD_REP_ERR_INVALID }, { "platform", NBD_REP_ERR_PLATFORM },
	{ "block-size", NBD_REP_ERR_BLOCK_SIZE_REQD },
};

/* @long fills @room bytes, @longer has one more. */
static const char *words_of(const char *value, size_t room)
{
	static char most[NBD_STRING_MAX + 2];

	if (!strcmp(value, "@controls"))
		return "no\n\r\t\x1b[2J\x1b]0;owned\a way\x7f\x01\xff";
	if (!strcmp(value, "@shell"))
		return "$(reboot) `reboot` ; reboot | reboot > /dev/sda \" ' \\ %s%n";
	if (!strcmp(value, "@long") || !strcmp(value, "@longer")) {
		memset(most, 'w', sizeof(most));
		most[room + !!value[5]] = '\0';
		return most;
	}
	return value;
}

static const char *words(const char *value)
{
	size_t length = strlen(VDISK_SESSION_ENDED);
	char *whole;

	if (strncmp(value, "[ended]", 7))
		return strdup(words_of(value, NBD_STRING_MAX));
	if (asprintf(&whole, VDISK_SESSION_ENDED "%s",
		     words_of(value + 7, NBD_STRING_MAX - length)) < 0)
		abort();
	return whole;
}

static bool parse_error(struct behaviour *how, const char *value)
{
	char *end;

	how->error = strtoul(value, &end, 0);
	how->error_left = UINT32_MAX;
	how->error_at = 0;
	how->error_len = UINT64_MAX;
	if (*end == '@') {
		how->error_at = strtoull(end + 1, &end, 0);
		if (*end != '+')
			return false;
		how->error_len = strtoull(end + 1, &end, 0);
	}
	return how->error && end != value && !*end;
}

static bool parse_named(struct behaviour *how, const char *key, const char *value)
{
	uint64_t n;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(strings); i++)
		if (!strcmp(key, strings[i].word)) {
			*(const char **)((char *)how + strings[i].at) = strdup(value);
			return true;
		}
	for (i = 0; i < ARRAY_SIZE(go_errors); i++)
		if (!strcmp(key, "go-error") && !strcmp(value, go_errors[i].word)) {
			how->go_error = go_errors[i].error;
			return true;
		}
	if (!strcmp(key, "words")) {
		how->words = words(value);
		return true;
	}
	if (!strcmp(key, "trickle"))
		return sscanf(value, "%u/%u", &how->trickle_bytes, &how->trickle_ms) == 2 &&
		       how->trickle_bytes;
	if (!strcmp(key, "error") || !strcmp(key, "error-offset") || !strcmp(key, "once")) {
		if (!parse_error(how, value))
			return false;
		how->error_offset = !strcmp(key, "error-offset");
		if (!strcmp(key, "once"))
			how->error_left = 1;
		return true;
	}
	if (!parse_size(value, &n))
		return false;
	if (!strcmp(key, "size")) {
		how->size = n;
		return true;
	}
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		if (!strcmp(key, numbers[i].word)) {
			*(uint32_t *)((char *)how + numbers[i].at) = n;
			return true;
		}
	for (i = 1; i < ARRAY_SIZE(faults); i++)
		if (!strcmp(key, faults[i])) {
			how->fault = i;
			how->fault_after = n;
			return true;
		}
	return false;
}

static bool parse_word(struct behaviour *how, char *word)
{
	char *value = strchr(word, '=');
	size_t i;

	if (value) {
		*value = '\0';
		return parse_named(how, word, value + 1);
	}
	for (i = 0; i < ARRAY_SIZE(flags); i++)
		if (!strcmp(word, flags[i].word)) {
			*(bool *)((char *)how + flags[i].at) = true;
			return true;
		}
	return !strcmp(word, "good");
}

const char *behaviour_parse(struct behaviour *how, const char *spec)
{
	static char wrong[256];
	char *copy = strdup(spec), *rest = copy, *word;

	memset(how, 0, sizeof(*how));
	wrong[0] = '\0';
	while ((word = strsep(&rest, ",")) && !wrong[0])
		if (!parse_word(how, word))
			snprintf(wrong, sizeof(wrong), "'%s'", word);
	free(copy);
	if (how->min || how->max) {
		if (!how->min)
			how->min = 1;
		if (!how->preferred)
			how->preferred = how->min > 4096 ? how->min : 4096;
		if (!how->max)
			how->max = UINT32_MAX;
	}
	return wrong[0] ? wrong : NULL;
}

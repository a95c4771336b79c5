// SPDX-License-Identifier: GPL-2.0
/* The forms that texts of the catalog must have, and into which they are brought. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "catalog_kinds.h"

/* Length of the character that begins at @s, 0 when it is no well-formed one. */
static size_t utf8_length(const unsigned char *s, size_t left)
{
	size_t length = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 :
			s[0] < 0xf5 ? 4 : 0;
	size_t i;

	if (length > left)
		return 0;
	for (i = 1; i < length; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* too long a form, half of a surrogate pair, beyond U+10FFFF */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return length;
}

bool catalog_text_clean(const char *text, size_t length, bool lines)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t step;

	for (; length; s += step, length -= step) {
		step = utf8_length(s, length);
		if (!step)
			return false;
		if (lines && (*s == '\n' || *s == '\t'))
			continue;
		/* C0, DEL, and C1 (U+0080 to U+009F), which a terminal obeys as well */
		if (*s < 0x20 || *s == 0x7f || (*s == 0xc2 && s[1] < 0xa0))
			return false;
	}
	return true;
}

static bool take(const char *text, char *out, unsigned int size)
{
	size_t length = strlen(text);

	if (!length || length >= size)
		return false;
	memcpy(out, text, length + 1);
	return true;
}

static bool lower_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool catalog_form_image(const char *text, char *out, unsigned int size)
{
	const char *c;

	if (!take(text, out, size) || strlen(text) > CATALOG_NAME_BYTES || !lower_or_digit(*text))
		return false;
	for (c = text; *c; c++)
		if (!lower_or_digit(*c) && !strchr("._-", *c))
			return false;
	return true;
}

bool catalog_form_name(const char *text, char *out, unsigned int size)
{
	return catalog_form_image(text, out, size);
}

bool catalog_form_host(const char *text, char *out, unsigned int size)
{
	const char *c;

	if (!take(text, out, size) || strlen(text) > CATALOG_NAME_BYTES)
		return false;
	for (c = text; *c; c++)
		if (!lower_or_digit(*c) && (*c != '-' || c == text || !c[1]))
			return false;
	return true;
}

/* A host name in which one %d, %2d or %02d stands for a number. */
bool catalog_form_pattern(const char *text, char *out, unsigned int size)
{
	const char *percent = strchr(text, '%'), *rest;
	char name[CATALOG_NAME_BYTES + 1], scratch[CATALOG_NAME_BYTES + 1];
	int length;

	if (!percent || !take(text, out, size))
		return false;
	rest = percent + 1;
	rest += *rest == '0';
	rest += *rest >= '1' && *rest <= '9' && percent[1] == '0';
	if (*rest != 'd' || (percent[1] == '0' && rest == percent + 2))
		return false;
	/* as long as it will ever be: nine digits, or as many as it asks for */
	length = snprintf(name, sizeof(name), "%.*s123456789%s", (int)(percent - text), text, rest + 1);
	return length > 0 && (size_t)length < sizeof(name) &&
	       catalog_form_host(name, scratch, sizeof(scratch));
}

static bool hex_lower(const char *text, char *out, size_t digits)
{
	size_t i;

	if (strlen(text) != digits)
		return false;
	for (i = 0; i < digits; i++) {
		if (!isxdigit((unsigned char)text[i]))
			return false;
		out[i] = tolower((unsigned char)text[i]);
	}
	out[digits] = '\0';
	return true;
}

bool catalog_form_hex32(const char *text, char *out, unsigned int size)
{
	return size > 32 && hex_lower(text, out, 32) && strspn(out, "0") != 32;
}

bool catalog_form_hex64(const char *text, char *out, unsigned int size)
{
	return size > 64 && hex_lower(text, out, 64);
}

bool catalog_form_uuid(const char *text, char *out, unsigned int size)
{
	size_t i;

	if (strlen(text) != 36 || size <= 36)
		return false;
	for (i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
			return false;
		out[i] = tolower((unsigned char)text[i]);
	}
	out[36] = '\0';
	return strspn(out, "0-") != 36 && strspn(out, "f-") != 36;
}

/* Also with - between, as Windows and iPXE's BOOTIF write it. Neither zero nor a multicast. */
bool catalog_form_mac(const char *text, char *out, unsigned int size)
{
	size_t i;

	if (strlen(text) != 17 || size <= 17 || (text[2] != ':' && text[2] != '-'))
		return false;
	for (i = 0; i < 17; i++) {
		if (i % 3 == 2 ? text[i] != text[2] : !isxdigit((unsigned char)text[i]))
			return false;
		out[i] = i % 3 == 2 ? ':' : tolower((unsigned char)text[i]);
	}
	out[17] = '\0';
	return strspn(out, "0:") != 17 && !strchr("13579bdf", out[1]);
}

/* The bits behind the prefix must be zero: 10.1.2.3/16 is more likely a mistake than a network. */
static bool prefix_only(const unsigned char *address, unsigned int bytes, unsigned int prefix)
{
	unsigned int bit;

	for (bit = prefix; bit < bytes * 8; bit++)
		if (address[bit / 8] & (0x80 >> bit % 8))
			return false;
	return true;
}

bool catalog_form_cidr(const char *text, char *out, unsigned int size)
{
	const char *slash = strchr(text, '/'), *digits = slash ? slash + 1 : "";
	char host[INET6_ADDRSTRLEN], name[INET6_ADDRSTRLEN];
	unsigned char address[16];
	unsigned int prefix, bytes;
	int family;

	if (!slash || (size_t)(slash - text) >= sizeof(host) || !*digits || strlen(digits) > 3 ||
	    strspn(digits, "0123456789") != strlen(digits) || (digits[0] == '0' && digits[1]))
		return false;
	snprintf(host, sizeof(host), "%.*s", (int)(slash - text), text);
	family = strchr(host, ':') ? AF_INET6 : AF_INET;
	bytes = family == AF_INET6 ? 16 : 4;
	prefix = strtoul(digits, NULL, 10);
	if (prefix > bytes * 8 || inet_pton(family, host, address) != 1 ||
	    !prefix_only(address, bytes, prefix) || !inet_ntop(family, address, name, sizeof(name)))
		return false;
	return (size_t)snprintf(out, size, "%s/%u", name, prefix) < size;
}

/* Printable ASCII without spaces, quotes and what shells and scripts give a meaning. */
bool catalog_form_word(const char *text, char *out, unsigned int size)
{
	const char *c;

	for (c = text; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._-:%/=,+@~[]", *c))
			return false;
	return take(text, out, size);
}

/*
 * As proof.h has them.  32 bytes are 43 digits and a '='; the 27 bytes with which each
 * P-256 key's DER begins are 36 digits to the bit, and 64 bytes of the key follow.
 */
bool catalog_form_public_key(const char *text, char *out, unsigned int size)
{
	static const char p256[] = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE";
	size_t length = strlen(text), digits, i;

	if (length == 44)
		digits = 43;
	else if (length == 124 && !strncmp(text, p256, sizeof(p256) - 1))
		digits = 122;
	else
		return false;
	for (i = 0; i < length; i++)
		if (i < digits ? !isalnum((unsigned char)text[i]) && text[i] != '+' && text[i] != '/' :
				 text[i] != '=')
			return false;
	return take(text, out, size);
}

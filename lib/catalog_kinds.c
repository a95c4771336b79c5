// SPDX-License-Identifier: GPL-2.0
/* What the catalog holds: the one place that tells kinds and fields. */
#include <stddef.h>
#include <string.h>
#include <errno.h>
#include "catalog_kinds.h"

#define WORDS(...) (const char *const[]){ __VA_ARGS__, NULL }

#define HEAD \
	{ .name = "id", .type = CATALOG_INT, .flags = CATALOG_READONLY, \
	  .refers = CATALOG_NOTHING, .min = 1, .max = INT64_MAX }, \
	{ .name = "revision", .type = CATALOG_INT, .flags = CATALOG_READONLY, \
	  .refers = CATALOG_NOTHING, .min = 1, .max = INT64_MAX }
#define END { .name = NULL }

#define INT(n, low, high, ...) \
	{ .name = n, .type = CATALOG_INT, .min = low, .max = high, \
	  .refers = CATALOG_NOTHING, ##__VA_ARGS__ }
#define TEXT(n, bytes, ...) \
	{ .name = n, .type = CATALOG_TEXT, .max = bytes, .refers = CATALOG_NOTHING, ##__VA_ARGS__ }
#define FORM(n, bytes, f, what, ...) \
	TEXT(n, bytes, .form = f, .expected = what, ##__VA_ARGS__)
#define WORD(n, first, list, ...) \
	TEXT(n, 32, .words = list, .initial = first, ##__VA_ARGS__)
#define BOOL(n, first, ...) \
	{ .name = n, .type = CATALOG_BOOL, .initial = first, .refers = CATALOG_NOTHING, ##__VA_ARGS__ }
#define TIME(n, first, ...) \
	{ .name = n, .type = CATALOG_TIME, .min = 0, .max = CATALOG_TIME_MAX, .initial = first, \
	  .refers = CATALOG_NOTHING, ##__VA_ARGS__ }
#define LIST(n, ...) \
	{ .name = n, .type = CATALOG_JSON, .max = CATALOG_ITEMS, .initial = "[]", \
	  .refers = CATALOG_NOTHING, ##__VA_ARGS__ }
#define REFERS(n, kind, removal, ...) \
	{ .name = n, .type = CATALOG_INT, .min = 1, .max = INT64_MAX, .refers = kind, \
	  .on_remove = removal, ##__VA_ARGS__ }

#define COUNTER(n) INT(n, 0, INT64_MAX, .initial = "0", .flags = CATALOG_VOLATILE)

static const char image_expected[] = "a-z 0-9 . _ -, at most 63, a letter or digit first";
static const char host_expected[] = "a-z 0-9 -, at most 63, neither first nor last a -";
static const char overlay_expected[] = "a word such as ram:50%, without spaces";
static const char network_expected[] = "a network such as 10.1.0.0/16 or fd00:1::/64";
static const char public_key_expected[] =
	"an Ed25519 key (base64 of its 32 bytes) or one of ECDSA P-256 (base64 of its DER)";
static const char hex32_expected[] = "32 hexadecimal digits, not all 0";

static const struct catalog_field image_fields[] = {
	HEAD,
	FORM("name", CATALOG_NAME_BYTES, catalog_form_image, image_expected,
	     .flags = CATALOG_REQUIRED | CATALOG_UNIQUE | CATALOG_FIXED),
	TEXT("description", CATALOG_COMMENT_BYTES, .flags = CATALOG_LINES),
	BOOL("public", "false"),
	WORD("kind", "\"shared\"", WORDS("shared", "private")),
	INT("current", 1, INT32_MAX),
	BOOL("deleted", "false"),
	END
};

#define VERSION_STATES WORDS("published", "draft", "testing", "retired")

static const struct catalog_field version_fields[] = {
	HEAD,
	REFERS("image_id", CATALOG_IMAGE, CATALOG_REFUSE, .flags = CATALOG_REQUIRED | CATALOG_FIXED),
	INT("number", 1, INT32_MAX, .flags = CATALOG_REQUIRED | CATALOG_FIXED),
	WORD("state", "\"published\"", VERSION_STATES),
	INT("size", 0, INT64_MAX, .flags = CATALOG_REQUIRED),
	FORM("sha256", 64, catalog_form_hex64, "64 hexadecimal digits"),
	TEXT("stamp", CATALOG_LABEL_BYTES),
	TEXT("kernel", CATALOG_LABEL_BYTES),
	TEXT("cmdline", CATALOG_COMMENT_BYTES),
	TIME("created", "@now", .flags = CATALOG_FIXED),
	TEXT("comment", CATALOG_COMMENT_BYTES, .flags = CATALOG_LINES),
	END
};

static const struct catalog_field group_fields[] = {
	HEAD,
	FORM("name", CATALOG_NAME_BYTES, catalog_form_name, image_expected,
	     .flags = CATALOG_REQUIRED | CATALOG_UNIQUE),
	REFERS("parent_id", CATALOG_GROUP, CATALOG_REFUSE),
	WORD("secrets", "\"bound\"", WORDS("bound", "network")),
	WORD("unknown", "\"refuse\"", WORDS("refuse", "pending")),
	TEXT("description", CATALOG_COMMENT_BYTES, .flags = CATALOG_LINES),
	END
};

static const struct catalog_field client_fields[] = {
	HEAD,
	FORM("name", CATALOG_NAME_BYTES, catalog_form_host, host_expected,
	     .flags = CATALOG_REQUIRED | CATALOG_UNIQUE),
	REFERS("group_id", CATALOG_GROUP, CATALOG_REFUSE),
	FORM("uuid", 36, catalog_form_uuid, "a UUID, neither all 0 nor all f",
	     .flags = CATALOG_UNIQUE),
	WORD("type", "\"production\"", WORDS("production", "test", "maintenance")),
	BOOL("enabled", "true"),
	FORM("machine_id", 32, catalog_form_hex32, hex32_expected,
	     .initial = "@machine-id", .flags = CATALOG_UNIQUE | CATALOG_FIXED),
	FORM("public_key", CATALOG_LABEL_BYTES, catalog_form_public_key, public_key_expected),
	TIME("bind_until", NULL),
	BOOL("debug_once", "false"),
	TEXT("comment", CATALOG_COMMENT_BYTES, .flags = CATALOG_LINES),
	TIME("created", "@now", .flags = CATALOG_READONLY),
	END
};

static const struct catalog_field mac_fields[] = {
	HEAD,
	REFERS("client_id", CATALOG_CLIENT, CATALOG_REMOVE, .flags = CATALOG_REQUIRED),
	FORM("mac", 17, catalog_form_mac, "an address of one card such as 52:54:00:12:34:56",
	     .flags = CATALOG_REQUIRED | CATALOG_UNIQUE),
	END
};

static const struct catalog_field property_fields[] = {
	HEAD,
	WORD("owner", NULL, WORDS("client", "group"), .flags = CATALOG_REQUIRED | CATALOG_FIXED),
	INT("owner_id", 1, INT64_MAX, .flags = CATALOG_REQUIRED | CATALOG_FIXED),
	FORM("name", CATALOG_NAME_BYTES, catalog_form_word, "a word without spaces",
	     .flags = CATALOG_REQUIRED | CATALOG_FIXED),
	TEXT("value", CATALOG_TEXT_BYTES, .initial = "\"\"",
	     .flags = CATALOG_LINES | CATALOG_SECRET_IF),
	BOOL("secret", "false"),
	END
};

static const struct catalog_field network_fields[] = {
	HEAD,
	FORM("cidr", 64, catalog_form_cidr, network_expected,
	     .flags = CATALOG_REQUIRED | CATALOG_UNIQUE),
	LIST("servers"),
	REFERS("group_id", CATALOG_GROUP, CATALOG_REFUSE),
	END
};

static const struct catalog_field assignment_fields[] = {
	HEAD,
	INT("position", 0, INT32_MAX, .initial = "@next"),
	REFERS("client_id", CATALOG_CLIENT, CATALOG_REMOVE, .flags = CATALOG_FIXED),
	REFERS("group_id", CATALOG_GROUP, CATALOG_REMOVE, .flags = CATALOG_FIXED),
	REFERS("image_id", CATALOG_IMAGE, CATALOG_REFUSE, .flags = CATALOG_REQUIRED),
	INT("version", 1, INT32_MAX),
	WORD("state", NULL, VERSION_STATES),
	FORM("overlay", CATALOG_LABEL_BYTES, catalog_form_word, overlay_expected),
	TEXT("label", CATALOG_LABEL_BYTES),
	BOOL("is_default", "false"),
	INT("timeout", 0, 86400),
	END
};

static const struct catalog_field enrolment_fields[] = {
	HEAD,
	REFERS("group_id", CATALOG_GROUP, CATALOG_FORGET),
	FORM("name", CATALOG_NAME_BYTES, catalog_form_pattern,
	     "a host name with one %d or %02d in it", .flags = CATALOG_REQUIRED),
	TIME("opened", "@now", .flags = CATALOG_FIXED),
	TIME("until", NULL, .flags = CATALOG_REQUIRED),
	INT("max", 1, 100000, .flags = CATALOG_REQUIRED),
	COUNTER("used"),
	REFERS("image_id", CATALOG_IMAGE, CATALOG_FORGET),
	FORM("overlay", CATALOG_LABEL_BYTES, catalog_form_word, overlay_expected),
	FORM("network", 64, catalog_form_cidr, network_expected),
	REFERS("within_id", CATALOG_GROUP, CATALOG_FORGET),
	BOOL("closed", "false"),
	BOOL("bind", "false"),
	END
};

static const struct catalog_field pending_fields[] = {
	HEAD,
	FORM("uuid", 64, catalog_form_word, "a word", .flags = CATALOG_FIXED),
	LIST("macs"),
	TEXT("address", CATALOG_LABEL_BYTES),
	WORD("reason", NULL, WORDS("unknown", "conflict", "placeholder"), .flags = CATALOG_REQUIRED),
	TIME("first_seen", "@now", .flags = CATALOG_FIXED),
	TIME("last_seen", "@now", .flags = CATALOG_VOLATILE),
	INT("count", 0, INT64_MAX, .initial = "1", .flags = CATALOG_VOLATILE),
	TEXT("detail", CATALOG_COMMENT_BYTES, .flags = CATALOG_LINES),
	END
};

static const struct catalog_field session_fields[] = {
	HEAD,
	FORM("token_id", CATALOG_LABEL_BYTES, catalog_form_word, "a word",
	     .flags = CATALOG_REQUIRED | CATALOG_UNIQUE | CATALOG_FIXED),
	REFERS("client_id", CATALOG_CLIENT, CATALOG_REMOVE, .flags = CATALOG_REQUIRED | CATALOG_FIXED),
	REFERS("image_id", CATALOG_IMAGE, CATALOG_FORGET, .flags = CATALOG_REQUIRED | CATALOG_FIXED),
	INT("version", 1, INT32_MAX, .flags = CATALOG_REQUIRED | CATALOG_FIXED),
	WORD("state", "\"starting\"", WORDS("starting", "live", "lost", "ended")),
	TIME("started", "@now", .flags = CATALOG_FIXED),
	TIME("since", "@now"),
	WORD("ended_how", NULL, WORDS("logout", "replaced", "fenced", "expired")),
	TEXT("address", CATALOG_LABEL_BYTES),
	INT("epoch", 0, INT64_MAX, .initial = "0"),
	TIME("expires", NULL, .flags = CATALOG_VOLATILE),
	WORD("trust", "\"network\"", WORDS("network", "bound")),
	COUNTER("connections"),
	COUNTER("bytes"),
	COUNTER("retries"),
	COUNTER("overlay_high"),
	REFERS("server_id", CATALOG_SERVER, CATALOG_FORGET),
	END
};

/* How far a boot came, in its order; and what became of a login. */
#define STEPS \
	WORDS("script", "kernel", "initramfs", "waiting", "refused", "login", "first-read", \
	      "switch-root", "agent", "failed", "ended")

static const struct catalog_field boot_fields[] = {
	HEAD,
	REFERS("client_id", CATALOG_CLIENT, CATALOG_REMOVE, .flags = CATALOG_REQUIRED | CATALOG_FIXED),
	FORM("uuid", 64, catalog_form_word, "a word", .flags = CATALOG_FIXED),
	FORM("mac", 17, catalog_form_mac, "an address of one card such as 52:54:00:12:34:56"),
	TEXT("address", CATALOG_LABEL_BYTES),
	TIME("started", "@now", .flags = CATALOG_FIXED),
	TIME("since", "@now", .flags = CATALOG_VOLATILE),
	WORD("step", NULL, STEPS, .flags = CATALOG_REQUIRED),
	TEXT("failure", CATALOG_COMMENT_BYTES),
	COUNTER("bytes"),
	END
};

static const struct catalog_field event_fields[] = {
	HEAD,
	REFERS("session_id", CATALOG_SESSION, CATALOG_REMOVE, .flags = CATALOG_FIXED),
	REFERS("boot_id", CATALOG_BOOT, CATALOG_REMOVE, .flags = CATALOG_FIXED),
	REFERS("client_id", CATALOG_CLIENT, CATALOG_REMOVE, .flags = CATALOG_FIXED),
	TIME("at", "@now", .flags = CATALOG_FIXED),
	WORD("step", NULL, STEPS, .flags = CATALOG_REQUIRED | CATALOG_FIXED),
	INT("bytes", 0, INT64_MAX),
	{ .name = "seconds", .type = CATALOG_NUMBER, .min = 0, .max = CATALOG_TIME_MAX,
	  .refers = CATALOG_NOTHING },
	TEXT("text", CATALOG_TEXT_BYTES, .flags = CATALOG_LINES),
	END
};

static const struct catalog_field server_fields[] = {
	HEAD,
	FORM("name", CATALOG_LABEL_BYTES, catalog_form_word, "a host name",
	     .flags = CATALOG_REQUIRED | CATALOG_UNIQUE),
	LIST("addresses"),
	INT("port", 1, 65535, .initial = "10809"),
	TIME("last_seen", NULL, .flags = CATALOG_VOLATILE),
	END
};

static const struct catalog_field token_fields[] = {
	HEAD,
	FORM("name", CATALOG_NAME_BYTES, catalog_form_name, image_expected,
	     .flags = CATALOG_REQUIRED | CATALOG_UNIQUE),
	FORM("hash", 64, catalog_form_hex64, "64 hexadecimal digits",
	     .flags = CATALOG_REQUIRED | CATALOG_UNIQUE | CATALOG_FIXED | CATALOG_SECRET),
	WORD("role", NULL, WORDS("admin", "operator", "viewer"), .flags = CATALOG_REQUIRED),
	REFERS("group_id", CATALOG_GROUP, CATALOG_FORGET),
	TIME("created", "@now", .flags = CATALOG_READONLY),
	TIME("last_used", NULL, .flags = CATALOG_VOLATILE),
	TIME("revoked", NULL),
	END
};

static const struct catalog_field audit_fields[] = {
	HEAD,
	TIME("at", "@now", .flags = CATALOG_READONLY),
	TEXT("who", CATALOG_LABEL_BYTES, .flags = CATALOG_READONLY),
	TEXT("role", CATALOG_LABEL_BYTES, .flags = CATALOG_READONLY),
	TEXT("from", CATALOG_LABEL_BYTES, .flags = CATALOG_READONLY),
	TEXT("action", CATALOG_LABEL_BYTES, .flags = CATALOG_READONLY),
	TEXT("kind", CATALOG_LABEL_BYTES, .flags = CATALOG_READONLY),
	INT("object_id", 0, INT64_MAX, .flags = CATALOG_READONLY),
	{ .name = "before", .type = CATALOG_JSON, .max = CATALOG_JSON_BYTES,
	  .flags = CATALOG_READONLY, .refers = CATALOG_NOTHING },
	{ .name = "after", .type = CATALOG_JSON, .max = CATALOG_JSON_BYTES,
	  .flags = CATALOG_READONLY, .refers = CATALOG_NOTHING },
	END
};

static const struct catalog_kind_info kinds[CATALOG_KINDS] = {
	[CATALOG_IMAGE] = { "image", "images", .label = "name", .fields = image_fields },
	[CATALOG_VERSION] = { "version", "versions", .unique = { "image_id", "number" },
			      .label = "number", .fields = version_fields },
	[CATALOG_GROUP] = { "group", "groups", .label = "name", .fields = group_fields },
	[CATALOG_CLIENT] = { "client", "clients", .label = "name", .fields = client_fields },
	[CATALOG_MAC] = { "mac", "macs", .label = "mac", .fields = mac_fields },
	[CATALOG_PROPERTY] = { "property", "properties", .unique = { "owner", "owner_id", "name" },
			       .label = "name", .fields = property_fields },
	[CATALOG_NETWORK] = { "network", "networks", .label = "cidr", .fields = network_fields },
	[CATALOG_ASSIGNMENT] = { "assignment", "assignments", .fields = assignment_fields },
	[CATALOG_ENROLMENT] = { "enrolment", "enrolments", .ended_field = "closed",
				.label = "name", .fields = enrolment_fields },
	[CATALOG_PENDING] = { "pending", "pending", .record = true, .fields = pending_fields },
	[CATALOG_SESSION] = { "session", "sessions", .record = true, .ended_field = "state",
			      .ended_word = "ended", .fields = session_fields },
	[CATALOG_BOOT] = { "boot", "boots", .record = true, .fields = boot_fields },
	[CATALOG_EVENT] = { "event", "events", .record = true, .fields = event_fields },
	[CATALOG_SERVER] = { "server", "servers", .label = "name", .fields = server_fields },
	[CATALOG_TOKEN] = { "token", "tokens", .ended_field = "revoked", .label = "name",
			    .fields = token_fields },
	[CATALOG_AUDIT] = { "audit", "audit", .record = true, .fields = audit_fields },
};

const struct catalog_kind_info *catalog_kind_info(int kind)
{
	return kind >= 0 && kind < CATALOG_KINDS ? &kinds[kind] : NULL;
}

int catalog_kind_by_name(const char *name)
{
	int kind;

	for (kind = 0; kind < CATALOG_KINDS; kind++)
		if (!strcmp(kinds[kind].name, name))
			return kind;
	return -EINVAL;
}

const char *catalog_kind_name(enum catalog_kind kind)
{
	return catalog_kind_info(kind) ? kinds[kind].name : "unknown";
}

const struct catalog_field *catalog_fields(enum catalog_kind kind)
{
	return catalog_kind_info(kind) ? kinds[kind].fields : NULL;
}

const struct catalog_field *catalog_find_field(enum catalog_kind kind, const char *name)
{
	const struct catalog_field *field = catalog_fields(kind);

	for (; field && field->name; field++)
		if (!strcmp(field->name, name))
			return field;
	return NULL;
}

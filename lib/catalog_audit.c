// SPDX-License-Identifier: GPL-2.0
/* Who did what, when, and what was there before and after. */
#include <errno.h>
#include <time.h>
#include "catalog_audit.h"
#include "catalog_handle.h"
#include "catalog_object.h"
#include "catalog_sql.h"

static json_t *clean_string(const char *text)
{
	char clean[CATALOG_LABEL_BYTES + 1];

	if (!text)
		return json_null();
	catalog_clean_text(text, clean, sizeof(clean));
	return json_string(clean);
}

static int insert(struct catalog_connection *connection, const struct catalog_who *who,
		  const char *action, int kind, int64_t id, json_t *before, json_t *after,
		  struct vdisk_error *err)
{
	json_t *record = json_object();
	int64_t unused;
	int ret;

	/* each of these takes its value, also when it fails; a NULL value makes it fail */
	ret = json_object_set_new(record, "at", json_integer(time(NULL)));
	ret |= json_object_set_new(record, "who", clean_string(who->name));
	ret |= json_object_set_new(record, "role", clean_string(who->role));
	ret |= json_object_set_new(record, "from", clean_string(who->from));
	ret |= json_object_set_new(record, "action", clean_string(action));
	ret |= json_object_set_new(record, "kind", json_string(catalog_kind_name(kind)));
	ret |= json_object_set_new(record, "object_id", json_integer(id));
	ret |= json_object_set_new(record, "before", before);
	ret |= json_object_set_new(record, "after", after);
	if (ret)
		ret = vdisk_error_set(err, ENOMEM, "catalog: no memory");
	else
		ret = catalog_sql_insert(connection, CATALOG_AUDIT, record, &unused, err);
	json_decref(record);
	return ret;
}

int catalog_audit(struct catalog_connection *connection, const struct catalog_who *who,
		  const char *action, int kind, int64_t id, const json_t *before,
		  const json_t *after, struct vdisk_error *err)
{
	return insert(connection, who, action, kind, id,
		      before ? catalog_object_masked(kind, before, after) : json_null(),
		      after ? catalog_object_masked(kind, after, before) : json_null(), err);
}

int catalog_note(struct catalog *catalog, const struct catalog_who *who, const char *action,
		 enum catalog_kind kind, int64_t id, const json_t *details,
		 struct vdisk_error *err)
{
	struct catalog_hold hold;
	int ret;

	if (!who || !catalog_kind_info(kind))
		return vdisk_error_set(err, EINVAL, "catalog: a note needs a kind and who makes it");
	ret = catalog_write_begin(catalog, &hold, err);
	if (ret)
		return ret;
	ret = insert(hold.connection, who, action, kind, id, json_null(),
		     details ? json_deep_copy(details) : json_null(), err);
	return catalog_write_end(catalog, &hold, ret, err);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * lib/client.c over a driver that is not there: the requests that it makes, and
 * what it makes of replies, those of a newer or a broken driver included.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include "client.h"
#include "genl.h"
#include "tap.h"

enum { FAMILY = 42, MESSAGE_MAX = 65536 };

/* --- the driver that is not there --- */

struct vdisk_genl { int unused; };

static struct vdisk_genl mock;
static struct {
	struct nl_msg *sent;
	struct nl_msg *replies[4];
	unsigned int nr_replies;
	int ret;			/* of the exchange, behind the replies */
	int open_error;
	bool joined;
} driver;

int vdisk_genl_open(struct vdisk_genl **genl, struct vdisk_error *err)
{
	if (driver.open_error)
		return vdisk_error_set(err, driver.open_error, "not there");
	*genl = &mock;
	return 0;
}

void vdisk_genl_close(struct vdisk_genl *genl)
{
	(void)genl;
}

int vdisk_genl_join(struct vdisk_genl *genl, const char *group, struct vdisk_error *err)
{
	(void)genl;
	(void)err;
	driver.joined = !strcmp(group, VDISK_GENL_EVENTS);
	return 0;
}

int vdisk_genl_fd(const struct vdisk_genl *genl)
{
	(void)genl;
	return -1;
}

static struct nl_msg *message(int command, int flags)
{
	struct nl_msg *msg = nlmsg_alloc_size(MESSAGE_MAX);

	if (!msg || !genlmsg_put(msg, 0, 0, FAMILY, 0, flags, command, VDISK_GENL_VERSION))
		abort();
	return msg;
}

struct nl_msg *vdisk_genl_request(struct vdisk_genl *genl, int command, int flags)
{
	(void)genl;
	return message(command, flags);
}

static int deliver(vdisk_genl_handler handler, void *data, struct vdisk_error *err)
{
	unsigned int i;
	int ret;

	for (i = 0; i < driver.nr_replies; i++) {
		ret = handler(nlmsg_hdr(driver.replies[i]), data, err);
		if (ret < 0)
			return ret;
	}
	return driver.ret ? vdisk_error_set(err, -driver.ret, "the driver says no") : 0;
}

int vdisk_genl_talk(struct vdisk_genl *genl, struct nl_msg *msg, vdisk_genl_handler handler,
		    void *data, struct vdisk_error *err)
{
	(void)genl;
	driver.sent = msg;
	return deliver(handler, data, err);
}

int vdisk_genl_receive(struct vdisk_genl *genl, vdisk_genl_handler handler, void *data,
		       struct vdisk_error *err)
{
	int ret;

	(void)genl;
	ret = deliver(handler, data, err);
	return ret < 0 ? ret : driver.nr_replies > 0;
}

static struct nl_msg *add_reply(int command)
{
	return driver.replies[driver.nr_replies++] = message(command, 0);
}

static void reset(void)
{
	while (driver.nr_replies)
		nlmsg_free(driver.replies[--driver.nr_replies]);
	nlmsg_free(driver.sent);
	memset(&driver, 0, sizeof(driver));
}

/* --- looking at requests --- */

static struct nlattr *attrs[VDISK_A_MAX + 1];

static bool sent_is(int command, int flags)
{
	struct nlmsghdr *head = nlmsg_hdr(driver.sent);
	struct genlmsghdr *genl = nlmsg_data(head);

	return genl->cmd == command && (head->nlmsg_flags & NLM_F_DUMP) == flags &&
	       !genlmsg_parse(head, 0, attrs, VDISK_A_MAX, NULL);
}

static bool is_u32(struct nlattr **table, int attr, uint32_t value)
{
	return table[attr] && nla_len(table[attr]) == 4 && nla_get_u32(table[attr]) == value;
}

static unsigned int count_sent(int type)
{
	struct nlattr *attr;
	unsigned int count = 0;
	int rem;

	nlmsg_for_each_attr(attr, nlmsg_hdr(driver.sent), GENL_HDRLEN, rem)
		count += nla_type(attr) == type;
	return count;
}

static bool is_nest(const struct nlattr *attr)
{
	return attr && (attr->nla_type & NLA_F_NESTED);
}

/* --- tests --- */

static struct vdisk_client *client;
static struct vdisk_error err;
static struct vdisk_status status;

static void fill_server(struct vdisk_server *server, const char *host)
{
	strcpy(server->host, host);
	strcpy(server->export, "image");
	server->port = 10809;
	server->nr_addresses = 2;
	server->address[0].family = AF_INET;
	memcpy(server->address[0].bytes, "\x7f\0\0\1", 4);
	server->address[1].family = AF_INET6;
	server->address[1].bytes[0] = 0xfe;
	server->address[1].bytes[1] = 0x80;
	server->address[1].scope = 3;
}

static void test_attach_minimal(void)
{
	struct vdisk_attach attach = { .number = -1, .nr_servers = 1 };
	uint32_t number = 0;
	int ret;

	reset();
	fill_server(&attach.server[0], "a");
	nla_put_u32(add_reply(VDISK_CMD_ATTACH), VDISK_A_NUMBER, 5);
	ret = vdisk_client_attach(client, &attach, &number, &err);
	tap_ok(!ret && number == 5, "attach returns the number");
	tap_ok(sent_is(VDISK_CMD_ATTACH, 0) && !attrs[VDISK_A_NUMBER] &&
	       !attrs[VDISK_A_CONNECTIONS] && !attrs[VDISK_A_OVERLAY] &&
	       !attrs[VDISK_A_LOST_SECONDS] && !attrs[VDISK_A_READAHEAD_KB],
	       "attach sends nothing that was not asked for");
	tap_ok(is_u32(attrs, VDISK_A_LOST, VDISK_LOST_QUEUE) && count_sent(VDISK_A_SERVER) == 1,
	       "attach sends the server");
}

static void test_attach_full(void)
{
	struct vdisk_attach attach = {
		.number = 0, .connections = 2, .lost = VDISK_LOST_FAIL, .lost_seconds = 9,
		.patience = 7, .has_readahead = true, .nr_servers = VDISK_SERVERS_MAX,
		.overlay = { .kind = VDISK_OVERLAY_RAM, .limit = 1 << 20, .full = VDISK_FULL_WAIT,
			     .has_full_seconds = true, .full_seconds = 4, .overcommit = true },
	};
	struct nlattr *overlay[VDISK_OVERLAY_A_MAX + 1], *server[VDISK_SERVER_A_MAX + 1];
	uint32_t number;
	int i;

	reset();
	for (i = 0; i < VDISK_SERVERS_MAX; i++)
		fill_server(&attach.server[i], "host");
	nla_put_u32(add_reply(VDISK_CMD_ATTACH), VDISK_A_NUMBER, 0);
	tap_ok(!vdisk_client_attach(client, &attach, &number, &err), "attach with everything");
	tap_ok(sent_is(VDISK_CMD_ATTACH, 0) && is_u32(attrs, VDISK_A_NUMBER, 0) &&
	       is_u32(attrs, VDISK_A_CONNECTIONS, 2) && is_u32(attrs, VDISK_A_LOST, VDISK_LOST_FAIL) &&
	       is_u32(attrs, VDISK_A_LOST_SECONDS, 9) && is_u32(attrs, VDISK_A_PATIENCE, 7) &&
	       is_u32(attrs, VDISK_A_READAHEAD_KB, 0), "number 0 and read-ahead 0 are sent");
	tap_ok(is_nest(attrs[VDISK_A_OVERLAY]) &&
	       !nla_parse_nested(overlay, VDISK_OVERLAY_A_MAX, attrs[VDISK_A_OVERLAY], NULL) &&
	       is_u32(overlay, VDISK_OVERLAY_A_KIND, VDISK_OVERLAY_RAM) &&
	       nla_get_u64(overlay[VDISK_OVERLAY_A_LIMIT]) == 1 << 20 &&
	       is_u32(overlay, VDISK_OVERLAY_A_FULL_SECONDS, 4) &&
	       overlay[VDISK_OVERLAY_A_OVERCOMMIT], "the overlay");
	tap_ok(is_nest(attrs[VDISK_A_SERVER]) && count_sent(VDISK_A_SERVER) == VDISK_SERVERS_MAX &&
	       !nla_parse_nested(server, VDISK_SERVER_A_MAX, attrs[VDISK_A_SERVER], NULL) &&
	       is_nest(server[VDISK_SERVER_A_ADDRESS]) &&
	       nla_get_u16(server[VDISK_SERVER_A_PORT]) == 10809 &&
	       !strcmp(nla_get_string(server[VDISK_SERVER_A_EXPORT]), "image"), "the servers");
}

static void test_attach_refused(void)
{
	struct vdisk_attach attach = { .number = -1, .nr_servers = 1 };
	uint32_t number;

	reset();
	driver.ret = -EBUSY;
	tap_ok(vdisk_client_attach(client, &attach, &number, &err) == -EBUSY &&
	       err.code == EBUSY && !strcmp(err.text, "the driver says no"),
	       "a refusal comes with the driver's words");
	reset();
	tap_ok(vdisk_client_attach(client, &attach, &number, &err) == -EPROTO,
	       "an attach without a reply is an error");
	reset();
	add_reply(VDISK_CMD_ATTACH);
	tap_ok(vdisk_client_attach(client, &attach, &number, &err) == -EPROTO,
	       "a reply without a number is an error");
}

static void test_detach(void)
{
	reset();
	tap_ok(!vdisk_client_detach(client, 3, false, &err) && sent_is(VDISK_CMD_DETACH, 0) &&
	       is_u32(attrs, VDISK_A_NUMBER, 3) && !attrs[VDISK_A_FORCE], "detach");
	reset();
	tap_ok(!vdisk_client_detach(client, 3, true, &err) && sent_is(VDISK_CMD_DETACH, 0) &&
	       attrs[VDISK_A_FORCE] && nla_len(attrs[VDISK_A_FORCE]) == 0, "detach by force");
}

static void test_set(void)
{
	struct vdisk_change change = { .what = VDISK_CHANGE_LIMIT, .overlay.limit = 4096 };
	struct nlattr *overlay[VDISK_OVERLAY_A_MAX + 1];

	reset();
	tap_ok(!vdisk_client_set(client, 1, &change, &err) && sent_is(VDISK_CMD_SET, 0) &&
	       !nla_parse_nested(overlay, VDISK_OVERLAY_A_MAX, attrs[VDISK_A_OVERLAY], NULL) &&
	       !overlay[VDISK_OVERLAY_A_KIND] && !overlay[VDISK_OVERLAY_A_FULL] &&
	       nla_get_u64(overlay[VDISK_OVERLAY_A_LIMIT]) == 4096 && !attrs[VDISK_A_LOST],
	       "set of the limit sends nothing else");
	reset();
	change = (struct vdisk_change){ .what = VDISK_CHANGE_FAIL_NOW | VDISK_CHANGE_LOST,
					.lost = VDISK_LOST_QUEUE, .lost_seconds = 9 };
	tap_ok(!vdisk_client_set(client, 1, &change, &err) && sent_is(VDISK_CMD_SET, 0) &&
	       attrs[VDISK_A_FAIL_NOW] && is_u32(attrs, VDISK_A_LOST, VDISK_LOST_QUEUE) &&
	       !attrs[VDISK_A_LOST_SECONDS] && !attrs[VDISK_A_OVERLAY],
	       "set of fail-now and lost; queue has no seconds");
	reset();
	change = (struct vdisk_change){ .what = VDISK_CHANGE_TOKEN, .token = "~new" };
	tap_ok(!vdisk_client_set(client, 1, &change, &err) && sent_is(VDISK_CMD_SET, 0) &&
	       attrs[VDISK_A_TOKEN] && !strcmp(nla_get_string(attrs[VDISK_A_TOKEN]), "~new") &&
	       !attrs[VDISK_A_FAIL_NOW], "set of a renewed token");
}

static void put_device(struct nl_msg *msg, uint32_t number, unsigned int servers)
{
	struct nlattr *nest, *address;

	nla_put_u32(msg, VDISK_A_NUMBER, number);
	nla_put_u32(msg, VDISK_A_STATE, VDISK_STATE_ENDED);
	nla_put_string(msg, VDISK_A_REASON, "session ended: so");
	nla_put_u64(msg, VDISK_A_SIZE, 1ULL << 40);
	nla_put_string(msg, VDISK_A_STAMP, "stamp");
	nest = nla_nest_start(msg, VDISK_A_STATS | NLA_F_NESTED);
	nla_put_u64(msg, VDISK_STATS_A_READS, 11);
	nla_put_u64(msg, VDISK_STATS_A_RETRIES, 12);
	nla_nest_end(msg, nest);
	nest = nla_nest_start(msg, VDISK_A_OVERLAY | NLA_F_NESTED);
	nla_put_u32(msg, VDISK_OVERLAY_A_KIND, VDISK_OVERLAY_RAM);
	nla_put_u64(msg, VDISK_OVERLAY_A_USED, 4096);
	nla_nest_end(msg, nest);
	while (servers--) {
		nest = nla_nest_start(msg, VDISK_A_SERVER | NLA_F_NESTED);
		nla_put_string(msg, VDISK_SERVER_A_HOST, "host");
		nla_put_u16(msg, VDISK_SERVER_A_PORT, 10809);
		nla_put_string(msg, VDISK_SERVER_A_EXPORT, "~");
		nla_put_string(msg, VDISK_SERVER_A_REASON, "because");
		nla_put_u64(msg, VDISK_SERVER_A_SINCE, 99);
		address = nla_nest_start(msg, VDISK_SERVER_A_ADDRESS | NLA_F_NESTED);
		nla_put(msg, VDISK_ADDRESS_A_IPV4, 4, "\x7f\0\0\1");
		nla_nest_end(msg, address);
		nla_nest_end(msg, nest);
	}
	/* an attribute of a newer driver */
	nla_put_u32(msg, VDISK_A_MAX + 7, 1);
}

static void test_get(void)
{
	reset();
	put_device(add_reply(VDISK_CMD_GET), 7, 2);
	tap_ok(!vdisk_client_get(client, 7, &status, &err) && sent_is(VDISK_CMD_GET, 0) &&
	       is_u32(attrs, VDISK_A_NUMBER, 7), "get asks for the number");
	tap_ok(status.number == 7 && status.state == VDISK_STATE_ENDED &&
	       !strcmp(status.reason, "session ended: so") &&
	       status.size == 1ULL << 40 && !strcmp(status.stamp, "stamp") &&
	       status.stats[VDISK_STATS_A_READS] == 11 && status.stats[VDISK_STATS_A_RETRIES] == 12,
	       "get reads the device");
	tap_ok(status.overlay.kind == VDISK_OVERLAY_RAM && status.used == 4096,
	       "get reads the overlay");
	tap_ok(status.nr_servers == 2 && !strcmp(status.server[1].config.host, "host") &&
	       status.server[1].config.port == 10809 && status.server[1].since_ms == 99 &&
	       !strcmp(status.server[1].config.export, "~") &&
	       !strcmp(status.server[1].reason, "because") &&
	       status.server[1].config.nr_addresses == 1 &&
	       status.server[1].config.address[0].family == AF_INET &&
	       status.server[1].config.address[0].bytes[0] == 0x7f, "get reads the servers");
	reset();
	driver.ret = -ENODEV;
	tap_ok(vdisk_client_get(client, 7, &status, &err) == -ENODEV, "get of no device");
	reset();
	tap_ok(vdisk_client_get(client, 7, &status, &err) == -EPROTO, "get without a reply");
}

/* What a driver should never send must not hurt. */
static void test_broken(void)
{
	char text[4096];
	struct nl_msg *msg;

	reset();
	msg = add_reply(VDISK_CMD_GET);
	put_device(msg, 1, VDISK_SERVERS_MAX + 3);
	tap_ok(!vdisk_client_get(client, 1, &status, &err) &&
	       status.nr_servers == VDISK_SERVERS_MAX, "more servers than there can be");
	reset();
	msg = add_reply(VDISK_CMD_GET);
	nla_put_u32(msg, VDISK_A_NUMBER, 1);
	memset(text, 'x', sizeof(text));
	nla_put(msg, VDISK_A_STAMP, sizeof(text), text);
	nla_put(msg, VDISK_A_REASON, sizeof(text), text);
	nla_put(msg, VDISK_A_SIZE, 3, text);
	nla_put(msg, VDISK_A_SERVER, 3, text);
	nla_put(msg, VDISK_A_STATS, 0, NULL);
	tap_ok(!vdisk_client_get(client, 1, &status, &err) && status.size == 0 &&
	       strlen(status.stamp) == sizeof(status.stamp) - 1 &&
	       strlen(status.reason) == sizeof(status.reason) - 1,
	       "strings without an end, numbers of the wrong length, empty nests");
	reset();
	nla_put_u32(add_reply(VDISK_CMD_GET), VDISK_A_STATE, 1);
	tap_ok(vdisk_client_get(client, 1, &status, &err) == -EPROTO, "a device without a number");
}

static void test_list(void)
{
	struct vdisk_status *list = NULL;
	size_t count = 9;

	reset();
	tap_ok(!vdisk_client_list(client, &list, &count, &err) && !count &&
	       sent_is(VDISK_CMD_GET, NLM_F_DUMP), "an empty list");
	free(list);
	reset();
	put_device(add_reply(VDISK_CMD_GET), 1, 1);
	put_device(add_reply(VDISK_CMD_GET), 4, 2);
	put_device(add_reply(VDISK_CMD_GET), 9, 3);
	tap_ok(!vdisk_client_list(client, &list, &count, &err) && count == 3 &&
	       list[0].number == 1 && list[2].number == 9 && list[2].nr_servers == 3,
	       "a list of three");
	free(list);
	reset();
	put_device(add_reply(VDISK_CMD_GET), 1, 1);
	driver.ret = -EMSGSIZE;
	tap_ok(vdisk_client_list(client, &list, &count, &err) == -EMSGSIZE,
	       "a list that breaks off is an error");
}

static void test_events(void)
{
	struct vdisk_event_info event;
	struct vdisk_events *events;
	struct nlattr *nest;
	struct nl_msg *msg;

	reset();
	tap_ok(!vdisk_events_open(&events, &err) && driver.joined, "events are listened to");
	tap_ok(vdisk_events_next(events, &event, &err) == 0, "no event");
	msg = add_reply(VDISK_CMD_EVENT);
	nla_put_u32(msg, VDISK_A_EVENT, VDISK_EVENT_PATH_DOWN);
	nla_put_u32(msg, VDISK_A_NUMBER, 2);
	nla_put_string(msg, VDISK_A_REASON, "refused");
	nest = nla_nest_start(msg, VDISK_A_SERVER | NLA_F_NESTED);
	nla_put_string(msg, VDISK_SERVER_A_HOST, "host");
	nla_put_u16(msg, VDISK_SERVER_A_PORT, 99);
	nla_nest_end(msg, nest);
	tap_ok(vdisk_events_next(events, &event, &err) == 1 && event.number == 2 &&
	       event.kind == VDISK_EVENT_PATH_DOWN && event.has_server && event.port == 99 &&
	       !strcmp(event.host, "host") && !strcmp(event.reason, "refused"), "an event");
	reset();
	nla_put_u32(add_reply(VDISK_CMD_EVENT), VDISK_A_NUMBER, 2);
	tap_ok(vdisk_events_next(events, &event, &err) == -EPROTO, "an event without a kind");
	reset();
	driver.ret = -ENOBUFS;
	tap_ok(vdisk_events_next(events, &event, &err) == -ENOBUFS, "an overrun");
	vdisk_events_close(events);
	reset();
}

static void test_names(void)
{
	uint32_t i;

	for (i = VDISK_STATE_CONNECTING; i <= VDISK_STATE_ENDED; i++)
		tap_ok(strcmp(vdisk_state_name(i), "unknown"), "state %u has a name", i);
	for (i = VDISK_EVENT_READY; i <= VDISK_EVENT_ENDED; i++)
		tap_ok(strcmp(vdisk_event_name(i), "unknown"), "event %u has a name", i);
	for (i = VDISK_PATH_DOWN; i <= VDISK_PATH_REFUSED; i++)
		tap_ok(strcmp(vdisk_path_state_name(i), "unknown"), "path state %u has a name", i);
	for (i = VDISK_STATS_A_UNSPEC + 1; i <= VDISK_STATS_A_MAX; i++)
		tap_ok(i == VDISK_STATS_A_PAD || strcmp(vdisk_stats_name(i), "unknown"),
		       "counter %u has a name", i);
	tap_ok(!strcmp(vdisk_state_name(UINT32_MAX), "unknown") &&
	       !strcmp(vdisk_event_name(12345), "unknown"), "numbers of a newer driver");
}

int main(void)
{
	driver.open_error = ENOENT;
	tap_ok(vdisk_client_open(&client, &err) == -ENOENT && err.code == ENOENT,
	       "no module, no client");
	driver.open_error = 0;
	tap_ok(!vdisk_client_open(&client, &err), "open");
	test_attach_minimal();
	test_attach_full();
	test_attach_refused();
	test_detach();
	test_set();
	test_get();
	test_broken();
	test_list();
	test_events();
	test_names();
	vdisk_client_close(client);
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Requests: the policies, and what they ask for as a configuration.
 *
 * The policies hold every single attribute to its type, length, range and
 * text; the functions below them what attributes must hold together.  Parsing
 * is strict, so an attribute that a policy doesn't name is refused.
 */
#include <linux/in.h>
#include <linux/ipv6.h>
#include <linux/string.h>
#include <net/genetlink.h>
#include <net/ipv6.h>
#include "device.h"
#include "netlink_message.h"

enum vdisk_defaults {
	VDISK_DEF_CONNECTIONS = 4,
	VDISK_DEF_READAHEAD_KB = 4096,
	VDISK_DEF_FULL_SECONDS = 60,
};

/*
 * Names and texts end in logs and on terminals: UTF-8, one zero at the end, and
 * no control characters.
 */
static int utf8_length(const u8 *s, size_t left)
{
	u32 code, min;
	int len, i;

	if (s[0] < 0x80)
		return s[0] < 0x20 || s[0] == 0x7f ? -EINVAL : 1;
	if ((s[0] & 0xe0) == 0xc0) {
		len = 2;
		min = 0xa0;		/* below: overlong, and the C1 controls */
		code = s[0] & 0x1f;
	} else if ((s[0] & 0xf0) == 0xe0) {
		len = 3;
		min = 0x800;
		code = s[0] & 0x0f;
	} else if ((s[0] & 0xf8) == 0xf0) {
		len = 4;
		min = 0x10000;
		code = s[0] & 0x07;
	} else {
		return -EINVAL;
	}
	if (left < len)
		return -EINVAL;
	for (i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return -EINVAL;
		code = code << 6 | (s[i] & 0x3f);
	}
	if (code < min || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return -EINVAL;
	return len;
}

static int validate_text(const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	const u8 *text = nla_data(attr);
	size_t left = nla_len(attr) - 1;
	int len;

	if (text[left] != '\0') {
		NL_SET_ERR_MSG_ATTR(extack, attr, "a string must end with its only zero byte");
		return -EINVAL;
	}
	while (left) {
		len = utf8_length(text, left);
		if (len < 0) {
			NL_SET_ERR_MSG_ATTR(extack, attr,
					    "a name must be UTF-8 without control characters");
			return -EINVAL;
		}
		text += len;
		left -= len;
	}
	return 0;
}

/* Not const: the policy's pointer to it isn't in older kernels. */
static struct netlink_range_validation seconds_range = { .max = VDISK_SECONDS_MAX };
static struct netlink_range_validation readahead_range = { .max = VDISK_READAHEAD_KB_MAX };

#define VDISK_OUTPUT { \
	.type = NLA_REJECT, \
	.reject_message = "only the driver sends this attribute", \
}

static const struct nla_policy vdisk_address_policy[VDISK_ADDRESS_A_MAX + 1] = {
	[VDISK_ADDRESS_A_IPV4] = NLA_POLICY_EXACT_LEN(sizeof(struct in_addr)),
	[VDISK_ADDRESS_A_IPV6] = NLA_POLICY_EXACT_LEN(sizeof(struct in6_addr)),
	[VDISK_ADDRESS_A_SCOPE] = NLA_POLICY_MIN(NLA_U32, 1),
};

static const struct nla_policy vdisk_server_policy[VDISK_SERVER_A_MAX + 1] = {
	[VDISK_SERVER_A_HOST] =
		NLA_POLICY_VALIDATE_FN(NLA_NUL_STRING, validate_text, VDISK_HOST_MAX),
	[VDISK_SERVER_A_PORT] = NLA_POLICY_MIN(NLA_U16, 1),
	[VDISK_SERVER_A_EXPORT] =
		NLA_POLICY_VALIDATE_FN(NLA_NUL_STRING, validate_text, VDISK_EXPORT_MAX),
	[VDISK_SERVER_A_ADDRESS] = NLA_POLICY_NESTED(vdisk_address_policy),
	[VDISK_SERVER_A_STATE] = VDISK_OUTPUT,
	[VDISK_SERVER_A_REASON] = VDISK_OUTPUT,
	[VDISK_SERVER_A_SINCE] = VDISK_OUTPUT,
	[VDISK_SERVER_A_NEXT_TRY] = VDISK_OUTPUT,
	[VDISK_SERVER_A_ATTEMPTS] = VDISK_OUTPUT,
	[VDISK_SERVER_A_CONNECTED] = VDISK_OUTPUT,
	[VDISK_SERVER_A_INFLIGHT] = VDISK_OUTPUT,
	[VDISK_SERVER_A_RX_BYTES] = VDISK_OUTPUT,
	[VDISK_SERVER_A_TX_BYTES] = VDISK_OUTPUT,
	[VDISK_SERVER_A_REQUESTS] = VDISK_OUTPUT,
	[VDISK_SERVER_A_ERRORS] = VDISK_OUTPUT,
	[VDISK_SERVER_A_RECONNECTS] = VDISK_OUTPUT,
	[VDISK_SERVER_A_NAME] = VDISK_OUTPUT,
	[VDISK_SERVER_A_PAD] = VDISK_OUTPUT,
};

static const struct nla_policy vdisk_overlay_policy[VDISK_OVERLAY_A_MAX + 1] = {
	[VDISK_OVERLAY_A_KIND] = NLA_POLICY_MAX(NLA_U32, VDISK_OVERLAY_RAM),
	[VDISK_OVERLAY_A_LIMIT] = NLA_POLICY_MIN(NLA_U64, 4096),
	[VDISK_OVERLAY_A_FULL] = NLA_POLICY_MAX(NLA_U32, VDISK_FULL_ERROR),
	[VDISK_OVERLAY_A_FULL_SECONDS] = NLA_POLICY_FULL_RANGE(NLA_U32, &seconds_range),
	[VDISK_OVERLAY_A_OVERCOMMIT] = { .type = NLA_FLAG },
	[VDISK_OVERLAY_A_USED] = VDISK_OUTPUT,
	[VDISK_OVERLAY_A_PEAK] = VDISK_OUTPUT,
	[VDISK_OVERLAY_A_BLOCKS] = VDISK_OUTPUT,
	[VDISK_OVERLAY_A_ZERO_BYTES] = VDISK_OUTPUT,
	[VDISK_OVERLAY_A_WAITING] = VDISK_OUTPUT,
	[VDISK_OVERLAY_A_FULL_COUNT] = VDISK_OUTPUT,
	[VDISK_OVERLAY_A_NOMEM_COUNT] = VDISK_OUTPUT,
	[VDISK_OVERLAY_A_PAD] = VDISK_OUTPUT,
};

#define VDISK_NUMBER_POLICY NLA_POLICY_MAX(NLA_U32, VDISK_NUMBER_MAX)

const struct nla_policy vdisk_attach_policy[VDISK_A_MAX + 1] = {
	[VDISK_A_NUMBER] = VDISK_NUMBER_POLICY,
	[VDISK_A_SERVER] = NLA_POLICY_NESTED(vdisk_server_policy),
	[VDISK_A_CONNECTIONS] = NLA_POLICY_RANGE(NLA_U32, 1, VDISK_CONNECTIONS_MAX),
	[VDISK_A_FLAGS] = NLA_POLICY_MASK(NLA_U32, VDISK_F_ALL),
	[VDISK_A_OVERLAY] = NLA_POLICY_NESTED(vdisk_overlay_policy),
	[VDISK_A_LOST] = NLA_POLICY_MAX(NLA_U32, VDISK_LOST_REBOOT),
	[VDISK_A_LOST_SECONDS] = NLA_POLICY_FULL_RANGE(NLA_U32, &seconds_range),
	[VDISK_A_PATIENCE] = NLA_POLICY_FULL_RANGE(NLA_U32, &seconds_range),
	[VDISK_A_READAHEAD_KB] = NLA_POLICY_FULL_RANGE(NLA_U32, &readahead_range),
};

const struct nla_policy vdisk_detach_policy[VDISK_A_MAX + 1] = {
	[VDISK_A_NUMBER] = VDISK_NUMBER_POLICY,
	[VDISK_A_FORCE] = { .type = NLA_FLAG },
};

const struct nla_policy vdisk_get_policy[VDISK_A_MAX + 1] = {
	[VDISK_A_NUMBER] = VDISK_NUMBER_POLICY,
};

const struct nla_policy vdisk_set_policy[VDISK_A_MAX + 1] = {
	[VDISK_A_NUMBER] = VDISK_NUMBER_POLICY,
	[VDISK_A_OVERLAY] = NLA_POLICY_NESTED(vdisk_overlay_policy),
	[VDISK_A_LOST] = NLA_POLICY_MAX(NLA_U32, VDISK_LOST_REBOOT),
	[VDISK_A_LOST_SECONDS] = NLA_POLICY_FULL_RANGE(NLA_U32, &seconds_range),
	[VDISK_A_READAHEAD_KB] = NLA_POLICY_FULL_RANGE(NLA_U32, &readahead_range),
	[VDISK_A_FAIL_NOW] = { .type = NLA_FLAG },
	[VDISK_A_TOKEN] = NLA_POLICY_VALIDATE_FN(NLA_NUL_STRING, validate_text, VDISK_EXPORT_MAX),
};

#define refuse(extack, text) ({ NL_SET_ERR_MSG(extack, text); -EINVAL; })

/* Nests passed the policy already, so that only the parsing is left. */
static void parse_nest(struct nlattr **attrs, int max, const struct nlattr *nest)
{
	nla_parse_nested_deprecated(attrs, max, nest, NULL, NULL);
}

static int parse_ipv4(const struct nlattr *attr, struct vdisk_address *address,
		      struct netlink_ext_ack *extack)
{
	address->family = AF_INET;
	address->in4.s_addr = nla_get_in_addr(attr);
	if (ipv4_is_zeronet(address->in4.s_addr) || ipv4_is_multicast(address->in4.s_addr) ||
	    ipv4_is_lbcast(address->in4.s_addr))
		return refuse(extack, "this IPv4 address can't be a server's");
	return 0;
}

static int parse_ipv6(const struct nlattr *attr, struct vdisk_address *address,
		      struct netlink_ext_ack *extack)
{
	address->family = AF_INET6;
	address->in6 = nla_get_in6_addr(attr);
	if (ipv6_addr_any(&address->in6) || ipv6_addr_is_multicast(&address->in6))
		return refuse(extack, "this IPv6 address can't be a server's");
	if (!!address->scope != !!(ipv6_addr_type(&address->in6) & IPV6_ADDR_LINKLOCAL))
		return refuse(extack,
			      "a link-local IPv6 address needs SCOPE, and no other one takes it");
	return 0;
}

static int parse_address(const struct nlattr *nest, struct vdisk_address *address,
			 struct netlink_ext_ack *extack)
{
	struct nlattr *attrs[VDISK_ADDRESS_A_MAX + 1];
	bool in4, in6;

	parse_nest(attrs, VDISK_ADDRESS_A_MAX, nest);
	in4 = attrs[VDISK_ADDRESS_A_IPV4];
	in6 = attrs[VDISK_ADDRESS_A_IPV6];
	if (in4 == in6)
		return refuse(extack, "an ADDRESS holds either IPV4 or IPV6");
	if (attrs[VDISK_ADDRESS_A_SCOPE])
		address->scope = nla_get_u32(attrs[VDISK_ADDRESS_A_SCOPE]);
	if (in6)
		return parse_ipv6(attrs[VDISK_ADDRESS_A_IPV6], address, extack);
	if (address->scope)
		return refuse(extack, "SCOPE is for link-local IPv6 addresses");
	return parse_ipv4(attrs[VDISK_ADDRESS_A_IPV4], address, extack);
}

static int parse_addresses(const struct nlattr *nest, struct vdisk_server_config *server,
			   struct netlink_ext_ack *extack)
{
	const struct nlattr *attr;
	int rem, ret;

	nla_for_each_nested(attr, nest, rem) {
		if (nla_type(attr) != VDISK_SERVER_A_ADDRESS)
			continue;
		if (server->nr_addresses == VDISK_ADDRESSES_MAX)
			return refuse(extack, "a server has too many addresses");
		ret = parse_address(attr, &server->address[server->nr_addresses], extack);
		if (ret < 0)
			return ret;
		server->nr_addresses++;
	}
	if (!server->nr_addresses)
		return refuse(extack, "a server has no ADDRESS");
	return 0;
}

static int parse_server(const struct nlattr *nest, struct vdisk_server_config *server,
			struct netlink_ext_ack *extack)
{
	struct nlattr *attrs[VDISK_SERVER_A_MAX + 1];

	parse_nest(attrs, VDISK_SERVER_A_MAX, nest);
	if (!attrs[VDISK_SERVER_A_HOST] || nla_len(attrs[VDISK_SERVER_A_HOST]) == 1)
		return refuse(extack, "a server has no HOST");
	if (!attrs[VDISK_SERVER_A_PORT])
		return refuse(extack, "a server has no PORT");
	/* The empty name is valid: it asks for the server's default export. */
	if (!attrs[VDISK_SERVER_A_EXPORT])
		return refuse(extack, "a server has no EXPORT");
	nla_strscpy(server->host, attrs[VDISK_SERVER_A_HOST], sizeof(server->host));
	nla_strscpy(server->export, attrs[VDISK_SERVER_A_EXPORT], sizeof(server->export));
	server->port = nla_get_u16(attrs[VDISK_SERVER_A_PORT]);
	return parse_addresses(nest, server, extack);
}

static int parse_servers(struct genl_info *info, struct vdisk_config *cfg)
{
	const struct nlattr *attr;
	int rem, ret;

	nla_for_each_attr(attr, genlmsg_data(info->genlhdr), genlmsg_len(info->genlhdr), rem) {
		if (nla_type(attr) != VDISK_A_SERVER)
			continue;
		if (cfg->nr_servers == VDISK_SERVERS_MAX)
			return refuse(info->extack, "too many servers");
		ret = parse_server(attr, &cfg->server[cfg->nr_servers], info->extack);
		if (ret < 0)
			return ret;
		cfg->nr_servers++;
	}
	if (!cfg->nr_servers)
		return refuse(info->extack, "no SERVER to attach to");
	return 0;
}

static int parse_full(struct nlattr **attrs, struct vdisk_overlay_config *overlay,
		      struct netlink_ext_ack *extack)
{
	struct nlattr *seconds = attrs[VDISK_OVERLAY_A_FULL_SECONDS];

	if (attrs[VDISK_OVERLAY_A_FULL])
		overlay->full = nla_get_u32(attrs[VDISK_OVERLAY_A_FULL]);
	if (seconds && overlay->full != VDISK_FULL_WAIT)
		return refuse(extack, "FULL_SECONDS goes with FULL wait only");
	overlay->full_seconds = 0;
	if (overlay->full == VDISK_FULL_WAIT)
		overlay->full_seconds = seconds ? nla_get_u32(seconds) : VDISK_DEF_FULL_SECONDS;
	return 0;
}

static int parse_overlay(const struct nlattr *nest, struct vdisk_overlay_config *overlay,
			 struct netlink_ext_ack *extack)
{
	struct nlattr *attrs[VDISK_OVERLAY_A_MAX + 1];
	int i;

	parse_nest(attrs, VDISK_OVERLAY_A_MAX, nest);
	if (!attrs[VDISK_OVERLAY_A_KIND])
		return refuse(extack, "an OVERLAY has no KIND");
	overlay->kind = nla_get_u32(attrs[VDISK_OVERLAY_A_KIND]);
	if (overlay->kind == VDISK_OVERLAY_NONE) {
		for (i = VDISK_OVERLAY_A_KIND + 1; i <= VDISK_OVERLAY_A_MAX; i++)
			if (attrs[i])
				return refuse(extack, "an OVERLAY of KIND none takes nothing else");
		return 0;
	}
	if (!attrs[VDISK_OVERLAY_A_LIMIT])
		return refuse(extack, "an OVERLAY in RAM needs a LIMIT");
	overlay->limit = nla_get_u64(attrs[VDISK_OVERLAY_A_LIMIT]);
	overlay->overcommit = nla_get_flag(attrs[VDISK_OVERLAY_A_OVERCOMMIT]);
	return parse_full(attrs, overlay, extack);
}

static int parse_lost(struct genl_info *info, struct vdisk_config *cfg)
{
	struct nlattr *lost = info->attrs[VDISK_A_LOST];
	struct nlattr *seconds = info->attrs[VDISK_A_LOST_SECONDS];

	cfg->lost = lost ? nla_get_u32(lost) : VDISK_LOST_QUEUE;
	if (cfg->lost == VDISK_LOST_QUEUE) {
		if (seconds)
			return refuse(info->extack,
				      "LOST_SECONDS goes with LOST fail or reboot only");
		return 0;
	}
	if (!seconds)
		return refuse(info->extack, "LOST fail or reboot needs LOST_SECONDS");
	cfg->lost_seconds = nla_get_u32(seconds);
	return 0;
}

static u32 get_u32_or(const struct nlattr *attr, u32 otherwise)
{
	return attr ? nla_get_u32(attr) : otherwise;
}

/* Where writes go: to an overlay, to the server, or nowhere. */
static int check_writes(struct vdisk_config *cfg, struct netlink_ext_ack *extack)
{
	bool overlay = cfg->overlay.kind != VDISK_OVERLAY_NONE;
	bool through = cfg->flags & VDISK_F_WRITE_THROUGH;

	if (through && overlay)
		return refuse(extack, "writes go to an OVERLAY or through to the server, not both");
	if (cfg->flags & VDISK_F_READ_ONLY) {
		if (through || overlay)
			return refuse(extack,
				      "a read-only device takes neither OVERLAY nor write-through");
	}
	if (!through && !overlay)
		cfg->flags |= VDISK_F_READ_ONLY;
	return 0;
}

int vdisk_parse_attach(struct genl_info *info, struct vdisk_config *cfg)
{
	struct nlattr **attrs = info->attrs;
	int ret;

	cfg->number = attrs[VDISK_A_NUMBER] ? nla_get_u32(attrs[VDISK_A_NUMBER]) : -1;
	cfg->flags = get_u32_or(attrs[VDISK_A_FLAGS], 0);
	cfg->connections = get_u32_or(attrs[VDISK_A_CONNECTIONS], VDISK_DEF_CONNECTIONS);
	cfg->patience = get_u32_or(attrs[VDISK_A_PATIENCE], 0);
	cfg->readahead_kb = get_u32_or(attrs[VDISK_A_READAHEAD_KB], VDISK_DEF_READAHEAD_KB);

	ret = parse_lost(info, cfg);
	if (ret < 0)
		return ret;
	if (attrs[VDISK_A_OVERLAY]) {
		ret = parse_overlay(attrs[VDISK_A_OVERLAY], &cfg->overlay, info->extack);
		if (ret < 0)
			return ret;
	}
	ret = check_writes(cfg, info->extack);
	if (ret < 0)
		return ret;
	return parse_servers(info, cfg);
}

static int parse_set_overlay(const struct nlattr *nest, struct vdisk_overlay_config *overlay,
			     u32 *what, struct netlink_ext_ack *extack)
{
	struct nlattr *attrs[VDISK_OVERLAY_A_MAX + 1];

	parse_nest(attrs, VDISK_OVERLAY_A_MAX, nest);
	if (attrs[VDISK_OVERLAY_A_KIND])
		return refuse(extack, "the KIND of a living device's OVERLAY can't change");
	if (attrs[VDISK_OVERLAY_A_LIMIT]) {
		*what |= VDISK_SET_LIMIT;
		overlay->limit = nla_get_u64(attrs[VDISK_OVERLAY_A_LIMIT]);
		overlay->overcommit = nla_get_flag(attrs[VDISK_OVERLAY_A_OVERCOMMIT]);
	} else if (attrs[VDISK_OVERLAY_A_OVERCOMMIT]) {
		return refuse(extack, "OVERCOMMIT goes with a LIMIT only");
	}
	if (attrs[VDISK_OVERLAY_A_FULL]) {
		*what |= VDISK_SET_FULL;
		return parse_full(attrs, overlay, extack);
	}
	if (attrs[VDISK_OVERLAY_A_FULL_SECONDS])
		return refuse(extack, "FULL_SECONDS goes with FULL wait only");
	return 0;
}

int vdisk_parse_set(struct genl_info *info, struct vdisk_config *cfg, u32 *what)
{
	struct nlattr **attrs = info->attrs;
	int ret;

	*what = 0;
	if (attrs[VDISK_A_OVERLAY]) {
		ret = parse_set_overlay(attrs[VDISK_A_OVERLAY], &cfg->overlay, what, info->extack);
		if (ret < 0)
			return ret;
	}
	if (attrs[VDISK_A_LOST] || attrs[VDISK_A_LOST_SECONDS]) {
		*what |= VDISK_SET_LOST;
		ret = parse_lost(info, cfg);
		if (ret < 0)
			return ret;
	}
	if (attrs[VDISK_A_READAHEAD_KB]) {
		*what |= VDISK_SET_READAHEAD;
		cfg->readahead_kb = nla_get_u32(attrs[VDISK_A_READAHEAD_KB]);
	}
	if (attrs[VDISK_A_TOKEN]) {
		*what |= VDISK_SET_TOKEN;
		nla_strscpy(cfg->token, attrs[VDISK_A_TOKEN], sizeof(cfg->token));
		if (cfg->token[0] != '~' || !cfg->token[1])
			return refuse(info->extack, "a TOKEN begins with '~'");
	}
	if (nla_get_flag(attrs[VDISK_A_FAIL_NOW]))
		*what |= VDISK_SET_FAIL_NOW;
	if (!*what)
		return refuse(info->extack, "nothing to set");
	return 0;
}

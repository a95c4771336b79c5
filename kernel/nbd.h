/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The NBD protocol: numbers and wire structures, as doc/proto.md of the NBD
 * project has them.  Kernel and user space both include this file.  Everything
 * on the wire is big-endian.
 */
#ifndef VDISK_NBD_H
#define VDISK_NBD_H

#include <linux/types.h>

#define NBD_PORT		10809

#define NBD_MAGIC_INIT		0x4e42444d41474943ULL	/* "NBDMAGIC" */
#define NBD_MAGIC_OPTION	0x49484156454f5054ULL	/* "IHAVEOPT" */
#define NBD_MAGIC_OPTION_REPLY	0x0003e889045565a9ULL
#define NBD_MAGIC_REQUEST	0x25609513U
#define NBD_MAGIC_SIMPLE_REPLY	0x67446698U
#define NBD_MAGIC_CHUNK		0x668e33efU

/* "Handshake flags" */
#define NBD_HS_FIXED_NEWSTYLE	(1 << 0)
#define NBD_HS_NO_ZEROES	(1 << 1)

/* "Option types" */
enum nbd_option {
	NBD_OPT_EXPORT_NAME		= 1,
	NBD_OPT_ABORT			= 2,
	NBD_OPT_LIST			= 3,
	NBD_OPT_STARTTLS		= 5,
	NBD_OPT_INFO			= 6,
	NBD_OPT_GO			= 7,
	NBD_OPT_STRUCTURED_REPLY	= 8,
	NBD_OPT_LIST_META_CONTEXT	= 9,
	NBD_OPT_SET_META_CONTEXT	= 10,
	NBD_OPT_EXTENDED_HEADERS	= 11,
};

/* "Option reply types" */
#define NBD_REP_ACK			1U
#define NBD_REP_SERVER			2U
#define NBD_REP_INFO			3U
#define NBD_REP_META_CONTEXT		4U
#define NBD_REP_FLAG_ERROR		(1U << 31)
#define NBD_REP_ERR_UNSUP		(NBD_REP_FLAG_ERROR | 1)
#define NBD_REP_ERR_POLICY		(NBD_REP_FLAG_ERROR | 2)
#define NBD_REP_ERR_INVALID		(NBD_REP_FLAG_ERROR | 3)
#define NBD_REP_ERR_PLATFORM		(NBD_REP_FLAG_ERROR | 4)
#define NBD_REP_ERR_TLS_REQD		(NBD_REP_FLAG_ERROR | 5)
#define NBD_REP_ERR_UNKNOWN		(NBD_REP_FLAG_ERROR | 6)
#define NBD_REP_ERR_SHUTDOWN		(NBD_REP_FLAG_ERROR | 7)
#define NBD_REP_ERR_BLOCK_SIZE_REQD	(NBD_REP_FLAG_ERROR | 8)
#define NBD_REP_ERR_TOO_BIG		(NBD_REP_FLAG_ERROR | 9)

enum nbd_info {
	NBD_INFO_EXPORT		= 0,
	NBD_INFO_NAME		= 1,
	NBD_INFO_DESCRIPTION	= 2,
	NBD_INFO_BLOCK_SIZE	= 3,
};

/* "Transmission flags" */
#define NBD_FLAG_HAS_FLAGS		(1 << 0)
#define NBD_FLAG_READ_ONLY		(1 << 1)
#define NBD_FLAG_SEND_FLUSH		(1 << 2)
#define NBD_FLAG_SEND_FUA		(1 << 3)
#define NBD_FLAG_ROTATIONAL		(1 << 4)
#define NBD_FLAG_SEND_TRIM		(1 << 5)
#define NBD_FLAG_SEND_WRITE_ZEROES	(1 << 6)
#define NBD_FLAG_SEND_DF		(1 << 7)
#define NBD_FLAG_CAN_MULTI_CONN		(1 << 8)
#define NBD_FLAG_SEND_RESIZE		(1 << 9)
#define NBD_FLAG_SEND_CACHE		(1 << 10)
#define NBD_FLAG_SEND_FAST_ZERO		(1 << 11)

enum nbd_command {
	NBD_CMD_READ		= 0,
	NBD_CMD_WRITE		= 1,
	NBD_CMD_DISC		= 2,
	NBD_CMD_FLUSH		= 3,
	NBD_CMD_TRIM		= 4,
	NBD_CMD_CACHE		= 5,
	NBD_CMD_WRITE_ZEROES	= 6,
	NBD_CMD_BLOCK_STATUS	= 7,
};

/* "Command flags" */
#define NBD_CMD_FLAG_FUA	(1 << 0)
#define NBD_CMD_FLAG_NO_HOLE	(1 << 1)
#define NBD_CMD_FLAG_DF		(1 << 2)
#define NBD_CMD_FLAG_REQ_ONE	(1 << 3)
#define NBD_CMD_FLAG_FAST_ZERO	(1 << 4)

/* "Structured reply flags and types" */
#define NBD_CHUNK_FLAG_DONE	(1 << 0)
enum nbd_chunk {
	NBD_CHUNK_NONE		= 0,
	NBD_CHUNK_OFFSET_DATA	= 1,
	NBD_CHUNK_OFFSET_HOLE	= 2,
	NBD_CHUNK_BLOCK_STATUS	= 5,
};

#define NBD_CHUNK_FLAG_ERROR	(1 << 15)
#define NBD_CHUNK_ERROR		(NBD_CHUNK_FLAG_ERROR | 1)
#define NBD_CHUNK_ERROR_OFFSET	(NBD_CHUNK_FLAG_ERROR | 2)

/* base:allocation */
#define NBD_STATE_HOLE		(1 << 0)
#define NBD_STATE_ZERO		(1 << 1)

/* "Error values" */
enum nbd_error {
	NBD_SUCCESS	= 0,
	NBD_EPERM	= 1,
	NBD_EIO		= 5,
	NBD_ENOMEM	= 12,
	NBD_EINVAL	= 22,
	NBD_ENOSPC	= 28,
	NBD_EOVERFLOW	= 75,
	NBD_ENOTSUP	= 95,
	NBD_ESHUTDOWN	= 108,
};

enum nbd_limits {
	NBD_STRING_MAX		= 4096,		/* "Values": strings */
	NBD_MIN_BLOCK_MAX	= 65536,	/* a minimum block may be this large */
	NBD_PAYLOAD_DEFAULT	= 32 << 20,	/* largest payload unless told otherwise */
};

struct nbd_request {
	__be32 magic;
	__be16 flags;
	__be16 command;
	__be64 cookie;
	__be64 offset;
	__be32 length;
} __attribute__((packed));

struct nbd_simple_reply {
	__be32 magic;
	__be32 error;
	__be64 cookie;
} __attribute__((packed));

struct nbd_chunk_header {
	__be32 magic;
	__be16 flags;
	__be16 type;
	__be64 cookie;
	__be32 length;
} __attribute__((packed));

struct nbd_option_header {
	__be64 magic;
	__be32 option;
	__be32 length;
} __attribute__((packed));

struct nbd_option_reply {
	__be64 magic;
	__be32 option;
	__be32 type;
	__be32 length;
} __attribute__((packed));

/* Meta context that carries the stamp: "x-vdisk:stamp:UUID:VERSION:SHA256HEX" */
#define VDISK_STAMP_QUERY	"x-vdisk:stamp"

/*
 * How the words of NBD_REP_ERR_POLICY begin, in the answer to GO with a session's
 * token, when the session is over and never comes back.  Any other refusal may pass.
 */
#define VDISK_SESSION_ENDED	"session ended: "

#endif

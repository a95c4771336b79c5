// SPDX-License-Identifier: GPL-2.0
#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* All of Landlock's first version; later ones are a superset. */
#define FILE_RIGHTS ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

static const char *const system_paths[] = {
	"/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/dev/null", "/dev/urandom",
};

static int allow(int ruleset, int fd, uint64_t access)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = access, .parent_fd = fd };

	return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

/* What the system lacks needs no rule. */
static int allow_system(int ruleset)
{
	unsigned int i;
	int fd, ret;

	for (i = 0; i < sizeof(system_paths) / sizeof(*system_paths); i++) {
		fd = open(system_paths[i], O_PATH | O_CLOEXEC);
		if (fd < 0)
			continue;
		ret = allow(ruleset, fd, LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |
			    LANDLOCK_ACCESS_FS_READ_DIR);
		/* A file has no directories to be read. */
		if (ret && errno == EINVAL)
			ret = allow(ruleset, fd, LANDLOCK_ACCESS_FS_READ_FILE);
		close(fd);
		if (ret)
			return ret;
	}
	return 0;
}

static int allow_given(int ruleset, const int *files, uint64_t access)
{
	for (; files && *files >= 0; files++)
		if (allow(ruleset, *files, access))
			return -1;
	return 0;
}

static int restrict_files(const int *read, const int *write)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = FILE_RIGHTS };
	int ruleset, ret;

	ruleset = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	/* A kernel without it, or one where it is off. */
	if (ruleset < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -1;
	ret = allow_system(ruleset);
	if (!ret)
		ret = allow_given(ruleset, read, LANDLOCK_ACCESS_FS_READ_FILE);
	if (!ret)
		ret = allow_given(ruleset, write, LANDLOCK_ACCESS_FS_READ_FILE |
				  LANDLOCK_ACCESS_FS_WRITE_FILE);
	if (!ret)
		ret = syscall(SYS_landlock_restrict_self, ruleset, 0);
	close(ruleset);
	return ret;
}

/* What is left is reading a file whose mode would forbid it. */
static void drop_capabilities(void)
{
	int cap;

	for (cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
		if (cap != CAP_DAC_OVERRIDE)
			prctl(PR_CAPBSET_DROP, cap);
}

int confine(const int *read, const int *write)
{
	if (!geteuid()) {
		if (unshare(CLONE_NEWNET | CLONE_NEWIPC) && errno != EPERM && errno != EINVAL)
			return -1;
		drop_capabilities();
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return restrict_files(read, write);
}

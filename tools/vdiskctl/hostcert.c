// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "hostcert.h"
#include "install.h"
#include "sshkey.h"
#include "vdiskctl.h"

#define CERTIFICATE HOST_KEY "-cert.pub"
#define SSHD_PART "/etc/ssh/sshd_config.d/10-vdisk.conf"

enum { AGAIN_SECONDS = 300 };		/* after a failure */

static const char due_key[] = "certificate_due";

static int take_certificate(const json_t *answer, struct hostcert *cert, struct vdisk_error *err)
{
	const char *certificate = session_text(answer, "certificate");
	json_int_t seconds = json_integer_value(json_object_get(answer, "seconds"));

	if (strncmp(certificate, "ssh-ed25519-cert-v01@openssh.com ", 33) ||
	    strlen(certificate) > sizeof(cert->line) - 2 || seconds < 1)
		return vdisk_error_set(err, EPROTO, "what the server sent is none");
	/* One line, whatever the server sent. */
	snprintf(cert->line, sizeof(cert->line), "%.*s\n", (int)strcspn(certificate, "\r\n"),
		 certificate);
	cert->due = seconds_up() + seconds / 2.0;
	return 0;
}

int hostcert_ask(struct session *session, const char *public, struct hostcert *cert,
		 bool *refused, struct vdisk_error *err)
{
	json_t *body = json_pack("{s:s}", "public_key", public);
	struct farm_answer answer;
	int ret;

	ret = session_post(session, "/ssh-certificate", body, &answer, err);
	json_decref(body);
	/* Known by UUID and MAC only, or a farm without an ssh CA. */
	*refused = answer.status == 403 || answer.status == 404;
	if (!ret)
		ret = take_certificate(answer.json, cert, err);
	farm_answer_free(&answer);
	return ret;
}

int hostcert_write(int root, const struct hostcert *cert, struct vdisk_error *err)
{
	static const char part[] = "# This machine's name, signed by its farm\n"
		"HostCertificate " CERTIFICATE "\n";
	int ret;

	ret = install_file(root, CERTIFICATE, 0644, cert->line, strlen(cert->line), err);
	if (ret < 0 || install_exists(root, SSHD_PART))
		return ret;
	return install_file(root, SSHD_PART, 0644, part, strlen(part), err);
}

double hostcert_due(const struct session *session)
{
	const json_t *due = json_object_get(session->json, due_key);

	return json_is_number(due) ? json_number_value(due) : -1;
}

void hostcert_set_due(struct session *session, double due)
{
	json_object_set_new(session->json, due_key, json_real(due));
}

/* The line of the .pub file. */
static int read_public(const char *root, char *public, struct vdisk_error *err)
{
	char path[PATH_MAX];
	FILE *file;
	bool good;

	file = fopen(path_in(root, HOST_KEY ".pub", path, sizeof(path)), "re");
	if (!file)
		return vdisk_error_set(err, errno, "%s: %s", path, strerror(errno));
	good = fgets(public, SSH_PUBLIC_TEXT, file);
	fclose(file);
	if (!good)
		return vdisk_error_set(err, EIO, "%s: cannot be read", path);
	public[strcspn(public, "\n")] = '\0';
	return 0;
}

/*
 * Whether sshd reads its certificate for each connection: OpenSSH does up to 9.7, as it starts
 * itself anew for each.  One of another make is told.
 */
static bool reads_each_time(void)
{
	unsigned int major = 0, minor = 0;
	bool known = false;
	char line[256], *name;
	FILE *said;

	/* What does not know -V says its version with what it does know. */
	said = popen("exec sshd -V 2>&1", "re");
	if (!said)
		return false;
	while (fgets(line, sizeof(line), said)) {
		name = strstr(line, "OpenSSH_");
		if (!known && name)
			known = sscanf(name, "OpenSSH_%u.%u", &major, &minor) == 2;
	}
	pclose(said);
	return known && (major < 9 || (major == 9 && minor < 8));
}

/*
 * OpenSSH from 9.8 on reads certificates at its start only, and listens to nobody for a moment
 * when it starts anew.  It is systemd that checks the configuration before it has sshd read it;
 * one that does not run stays so.
 */
static int reload_sshd(const char *root, struct vdisk_error *err)
{
	char path[PATH_MAX], *argv[] = {
		(char *)"systemctl", (char *)"--no-block", (char *)"try-reload-or-restart", NULL, NULL
	};
	pid_t pid;
	int ret;

	if (access(path_in(root, "/run/systemd/system", path, sizeof(path)), F_OK))
		return vdisk_error_set(err, ENOSYS, "without systemd sshd reads the new certificate at its next start");
	argv[3] = (char *)(access(path_in(root, "/lib/systemd/system/ssh.service", path,
					  sizeof(path)), F_OK) ? "sshd.service" : "ssh.service");
	ret = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
	return ret ? vdisk_error_set(err, ret, "sshd is not told: systemctl: %s", strerror(ret)) : 0;
}

int hostcert_renew(struct session *session, const char *root, struct vdisk_error *err)
{
	char public[SSH_PUBLIC_TEXT];
	bool refused = false, expected;
	struct hostcert cert;
	int fd, ret;

	hostcert_set_due(session, seconds_up() + AGAIN_SECONDS);
	ret = read_public(root, public, err);
	if (!ret)
		ret = hostcert_ask(session, public, &cert, &refused, err);
	if (refused)
		hostcert_set_due(session, -1);
	if (ret < 0)
		return ret;
	fd = open(root[0] ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return vdisk_error_set(err, errno, "%s: %s", root, strerror(errno));
	/* Whether it was told at its start that there is one. */
	expected = install_exists(fd, SSHD_PART);
	ret = hostcert_write(fd, &cert, err);
	close(fd);
	if (ret < 0)
		return ret;
	hostcert_set_due(session, cert.due);
	return expected && reads_each_time() ? 0 : reload_sshd(root, err);
}

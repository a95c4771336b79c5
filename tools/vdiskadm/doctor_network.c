// SPDX-License-Identifier: GPL-2.0
/* doctor: what runs here, and who else answers machines that boot. */
#include "doctor.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "api.h"
#include "dhcp_probe.h"
#include "netif.h"
#include "place.h"
#include "text.h"

enum { ANSWER_SECONDS = 5, OFFERS_MS = 4000, BODY_MAX = 64 << 10 };

struct body {
	char text[BODY_MAX + 1];
	size_t size;
};

static size_t keep(char *data, size_t one, size_t count, void *to)
{
	struct body *body = to;

	(void)one;
	if (count > BODY_MAX - body->size)
		return 0;
	memcpy(body->text + body->size, data, count);
	body->size += count;
	body->text[body->size] = '\0';
	return count;
}

/* What the boot listener says to firmware. */
static long ask_boot(const char *url, struct body *body)
{
	CURL *curl = curl_easy_init();
	long status = 0;

	body->size = 0;
	body->text[0] = '\0';
	if (!curl)
		return 0;
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)ANSWER_SECONDS);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
	if (curl_easy_perform(curl) == CURLE_OK)
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	return status;
}

/* Who has a port of ours, if it isn't us. */
static bool look_at_port(struct doctor *doctor, int type, unsigned int port, const char *owner)
{
	struct in_addr address = { 0 };
	char who[64];
	int taken;

	if (doctor->settings.address)
		inet_pton(AF_INET, doctor->settings.address, &address);
	taken = port_taken(type, address, port, who, sizeof(who));
	if (taken < 0)
		doctor_find(doctor, FINDING_WARN, "cannot look at port %u: %s", port, strerror(-taken));
	else if (!taken)
		doctor_find(doctor, FINDING_FAIL, "%s doesn't listen on port %u: see 'systemctl status %s'",
			    owner, port, !strcmp(owner, "vdiskd") ? owner : "vdiskd-netboot");
	else if (strncmp(who, owner, strlen(owner)))
		doctor_find(doctor, FINDING_FAIL, "port %u belongs to %s: end it, %s needs the port", port,
			    who, owner);
	else
		return true;
	return false;
}

static void look_at_boot(struct doctor *doctor)
{
	struct body *body = must(malloc(sizeof(*body)));
	char *url = text_format("http://%s:%d/boot.ipxe", doctor->settings.address, PORT_BOOT);
	long status = ask_boot(url, body);

	if (!status)
		doctor_find(doctor, FINDING_FAIL, "no answer from %s within %d s", url, ANSWER_SECONDS);
	else if (status != 200 || strncmp(body->text, "#!ipxe\n", 7))
		doctor_find(doctor, FINDING_FAIL, "%s gives no script (HTTP status %ld)", url, status);
	else
		doctor_find(doctor, FINDING_OK, "machines get their script from %s", url);
	free(url);
	free(body);
}

void doctor_server(struct doctor *doctor)
{
	static const unsigned int ports[] = { PORT_NBD, PORT_BOOT, PORT_API };
	struct vdisk_error err;
	json_t *answer = NULL;
	bool runs = true;
	size_t i;

	for (i = 0; i < sizeof(ports) / sizeof(*ports); i++)
		runs &= look_at_port(doctor, SOCK_STREAM, ports[i], "vdiskd");
	if (!runs)
		return;
	if (doctor->settings.address)
		look_at_boot(doctor);
	if (api_get("/v1/status", &answer, &err) < 0)
		doctor_find(doctor, FINDING_FAIL, "the API doesn't answer: %s", err.text);
	else
		doctor_find(doctor, FINDING_OK, "the API answers");
	json_decref(answer);
}

/* The value of a line "key=…" in our dnsmasq's file. */
static bool find_line(const char *text, const char *key, char *value, size_t size)
{
	size_t length = strlen(key);

	for (; text; text = strchr(text, '\n') ? strchr(text, '\n') + 1 : NULL) {
		if (strncmp(text, key, length) || text[length] != '=')
			continue;
		snprintf(value, size, "%.*s", (int)strcspn(text + length + 1, "\n"), text + length + 1);
		return true;
	}
	return false;
}

enum mode { MODE_ABSENT, MODE_PROXY, MODE_SERVER, MODE_NONE };

static enum mode read_mode(char *interface, size_t size)
{
	char *text = place_read(PLACE_DNSMASQ, NULL, NULL), range[256];
	enum mode mode = MODE_NONE;

	if (!text || !find_line(text, "interface", interface, size))
		mode = MODE_ABSENT;
	else if (find_line(text, "dhcp-range", range, sizeof(range)))
		mode = strstr(range, ",proxy") ? MODE_PROXY : MODE_SERVER;
	free(text);
	return mode;
}

void doctor_netboot(struct doctor *doctor)
{
	char interface[IFNAMSIZ];
	enum mode mode = read_mode(interface, sizeof(interface));

	if (mode == MODE_ABSENT) {
		doctor_find(doctor, FINDING_FAIL, "%s is missing or names no interface: run 'vdiskadm init' again",
			    PLACE_DNSMASQ);
		return;
	}
	if (look_at_port(doctor, SOCK_DGRAM, 69, "dnsmasq") &&
	    (mode == MODE_NONE || look_at_port(doctor, SOCK_DGRAM, 67, "dnsmasq")))
		doctor_find(doctor, FINDING_OK, "dnsmasq serves %s", interface);
}

/* What one server on the wire means beside ours. Returns whether it gives addresses. */
static bool judge(struct doctor *doctor, enum mode mode, const struct dhcp_offer *offer)
{
	char from[INET_ADDRSTRLEN];
	bool gives = offer->address.s_addr, boots = *offer->file;

	inet_ntop(AF_INET, &offer->from, from, sizeof(from));
	if (gives && mode == MODE_SERVER)
		doctor_find(doctor, FINDING_FAIL, "%s gives addresses, too: end one of the two, or 'vdiskadm init --dhcp proxy'",
			    from);
	else if (!gives)
		doctor_find(doctor, FINDING_FAIL, "%s is another proxy-DHCP server, and says what to boot (%s): machines may boot from it",
			    from, boots ? offer->file : "no file");
	else if (boots && mode == MODE_PROXY)
		doctor_find(doctor, FINDING_WARN, "the DHCP server %s says what to boot, too ('%s'): take that out there",
			    from, offer->file);
	else if (mode == MODE_NONE && !boots)
		doctor_find(doctor, FINDING_WARN, "the DHCP server %s doesn't say what to boot: see 'vdiskadm pxe-config'",
			    from);
	else
		doctor_find(doctor, FINDING_OK, "%s gives addresses%s%s", from, boots ? " and says to boot " : "",
			    offer->file);
	return gives;
}

void doctor_dhcp(struct doctor *doctor)
{
	struct dhcp_offer offers[DHCP_PROBE_OFFERS];
	char interface[IFNAMSIZ];
	enum mode mode = read_mode(interface, sizeof(interface));
	bool addresses = mode == MODE_SERVER;
	struct vdisk_error err;
	struct netif netif;
	int count, i;

	if (mode == MODE_ABSENT)
		return;
	if (netif_find(interface, doctor->settings.address, &netif, &err) < 0) {
		doctor_find(doctor, FINDING_FAIL, "%s", err.text);
		return;
	}
	count = dhcp_probe(&netif, OFFERS_MS, offers, &err);
	if (count < 0) {
		doctor_find(doctor, FINDING_WARN, "cannot ask who answers machines: %s", err.text);
		return;
	}
	for (i = 0; i < count; i++)
		if (offers[i].from.s_addr != netif.address.s_addr)
			addresses |= judge(doctor, mode, &offers[i]);
	if (!addresses)
		doctor_find(doctor, FINDING_FAIL, "nobody on %s gives addresses: 'vdiskadm init --dhcp server --range FIRST,LAST --force' does",
			    interface);
	else if (mode == MODE_SERVER)
		doctor_find(doctor, FINDING_OK, "asked who gives addresses on %s", interface);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * vdiskadm init: makes this machine a server.
 *
 * Everything is looked at before anything is written. What is there stays, so
 * that it can be called again, to repair: keys in any case, configuration unless
 * --force is given.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "farm_keys.h"
#include "init_address.h"
#include "init_catalog.h"
#include "netboot.h"
#include "netif.h"
#include "pin.h"
#include "place.h"
#include "settings.h"
#include "text.h"
#include "vdiskadm.h"

enum { NAME_MAX_LENGTH = 40, PATH_LENGTH_MAX = 1024 };

static struct {
	const char *interface, *store, *farm, *address, *dhcp, *range, *router, *dns;
	bool force, no_start, elsewhere;	/* elsewhere: below --root */
} ask;

static struct netif netif;
static struct netboot netboot;
static char server_name[256];
static char *range;			/* FIRST\0LAST */
static char *old_address;		/* that vdiskd.conf has; NULL: none, or still ours */

enum {
	OPT_INTERFACE = 256, OPT_STORE, OPT_NAME, OPT_ADDRESS, OPT_DHCP, OPT_RANGE, OPT_ROUTER,
	OPT_DNS, OPT_FORCE, OPT_NO_START, OPT_ROOT,
};

static const struct option options[] = {
	{ "interface", required_argument, NULL, OPT_INTERFACE },
	{ "store", required_argument, NULL, OPT_STORE },
	{ "name", required_argument, NULL, OPT_NAME },
	{ "address", required_argument, NULL, OPT_ADDRESS },
	{ "dhcp", required_argument, NULL, OPT_DHCP },
	{ "range", required_argument, NULL, OPT_RANGE },
	{ "router", required_argument, NULL, OPT_ROUTER },
	{ "dns", required_argument, NULL, OPT_DNS },
	{ "force", no_argument, NULL, OPT_FORCE },
	{ "no-start", no_argument, NULL, OPT_NO_START },
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void told(const char *what, const char *path)
{
	say("%s %s%s", what, *path == '/' ? place_root : "", path);
}

/* ---- what was asked for ---- */

static void take(int option)
{
	switch (option) {
	case OPT_INTERFACE:
		ask.interface = optarg;
		break;
	case OPT_STORE:
		ask.store = optarg;
		break;
	case OPT_NAME:
		ask.farm = optarg;
		break;
	case OPT_ADDRESS:
		ask.address = optarg;
		break;
	case OPT_DHCP:
		ask.dhcp = optarg;
		break;
	case OPT_RANGE:
		ask.range = optarg;
		break;
	case OPT_ROUTER:
		ask.router = optarg;
		break;
	case OPT_DNS:
		ask.dns = optarg;
		break;
	case OPT_FORCE:
		ask.force = true;
		break;
	case OPT_NO_START:
		ask.no_start = true;
		break;
	case OPT_ROOT:
		place_root = optarg;
		ask.elsewhere = true;
		break;
	}
}

/* A farm's name stands in certificates, tokens and scripts. */
static bool name_is_plain(const char *name)
{
	size_t length = strlen(name);

	return length >= 1 && length <= NAME_MAX_LENGTH && isalnum((unsigned char)name[0]) &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
	       length;
}

/* It becomes a line of vdiskd.conf. */
static bool path_is_plain(const char *path)
{
	const char *c;

	if (*path != '/' || strlen(path) > PATH_LENGTH_MAX)
		return false;
	for (c = path; *c; c++)
		if (iscntrl((unsigned char)*c))
			return false;
	return !isspace((unsigned char)c[-1]);
}

static int take_dhcp(void)
{
	if (!strcmp(ask.dhcp, "proxy"))
		netboot.dhcp = NETBOOT_PROXY;
	else if (!strcmp(ask.dhcp, "server"))
		netboot.dhcp = NETBOOT_SERVER;
	else if (!strcmp(ask.dhcp, "none"))
		netboot.dhcp = NETBOOT_NONE;
	else
		return usage_error("'%s' is not proxy, server or none", ask.dhcp);
	if (netboot.dhcp == NETBOOT_SERVER && !ask.range)
		return usage_error("--dhcp server needs '--range FIRST,LAST': the addresses to give away");
	if (netboot.dhcp != NETBOOT_SERVER && (ask.range || ask.router || ask.dns))
		return usage_error("--range, --router and --dns are for '--dhcp server'");
	return EXIT_DONE;
}

static int check_usage(void)
{
	if (!ask.interface)
		return usage_error("say where the clients are with '--interface IF'");
	if (!ask.store)
		return usage_error("say where images are kept with '--store DIR'");
	if (!path_is_plain(ask.store))
		return usage_error("'%s' is no absolute path that a file of settings can have", ask.store);
	if (ask.farm && !name_is_plain(ask.farm))
		return usage_error("'%s' is no name for a farm: up to %d letters, digits, '.', '-', '_'",
				   ask.farm, NAME_MAX_LENGTH);
	return take_dhcp();
}

/* ---- checks before anything is written; each complains by itself ---- */

static int take_address(const char *what, const char *text, bool near)
{
	struct in_addr address;

	if (inet_pton(AF_INET, text, &address) != 1)
		return usage_error("%s: '%s' is not an IPv4 address", what, text);
	if (near && !netif_has(&netif, address))
		return fail_here("%s: %s is not in the network of %s, %s/%s", what, text, netif.name,
				 netif.network, netif.netmask);
	return EXIT_DONE;
}

static int take_range(void)
{
	struct in_addr first, last;
	char *comma;
	int ret;

	range = must(strdup(ask.range));
	comma = strchr(range, ',');
	if (!comma)
		return usage_error("--range '%s' is not FIRST,LAST", ask.range);
	*comma = '\0';
	netboot.first = range;
	netboot.last = comma + 1;
	ret = take_address("--range", netboot.first, true);
	if (!ret)
		ret = take_address("--range", netboot.last, true);
	if (ret)
		return ret;
	inet_pton(AF_INET, netboot.first, &first);
	inet_pton(AF_INET, netboot.last, &last);
	if (ntohl(first.s_addr) > ntohl(last.s_addr))
		return usage_error("--range: %s comes after %s", netboot.first, netboot.last);
	if (ntohl(first.s_addr) <= ntohl(netif.address.s_addr) &&
	    ntohl(netif.address.s_addr) <= ntohl(last.s_addr))
		return fail_here("--range: %s is this server's own address", netif.text);
	return EXIT_DONE;
}

static int check_network(void)
{
	struct vdisk_error err;
	int ret;

	if (netif_find(ask.interface, ask.address, &netif, &err) < 0)
		return fail_here("%s", err.text);
	netboot.interface = netif.name;
	netboot.address = netif.text;
	netboot.network = netif.network;
	netboot.netmask = netif.netmask;
	netboot.router = ask.router;
	netboot.dns = ask.dns;
	ret = ask.router ? take_address("--router", ask.router, true) : EXIT_DONE;
	if (!ret && ask.dns)
		ret = take_address("--dns", ask.dns, false);
	if (!ret && ask.range)
		ret = take_range();
	return ret;
}

static int check_store(void)
{
	char *path = place_path(ask.store);
	struct stat st;
	int ret = EXIT_DONE;

	if (stat(path, &st)) {
		if (errno != ENOENT)
			ret = fail_here("the store %s: %s", path, strerror(errno));
	} else if (!S_ISDIR(st.st_mode)) {
		ret = fail_here("the store %s is not a folder", path);
	} else if (access(path, W_OK | X_OK)) {
		ret = fail_here("the store %s cannot be written: %s", path, strerror(errno));
	}
	free(path);
	return ret;
}

/* What this server runs may have its ports when init is called again. */
static int check_port(int type, unsigned int port, const char *mine)
{
	char who[64];
	int ret = port_taken(type, netif.address, port, who, sizeof(who));

	if (ret < 0)
		return fail_here("cannot look at port %u: %s", port, strerror(-ret));
	if (!ret || !strncmp(who, mine, strlen(mine)))
		return EXIT_DONE;
	if (type == SOCK_DGRAM && netboot.dhcp != NETBOOT_NONE && port != 69)
		return fail_here("%s has the port of DHCP, %u: end it, or use '--dhcp none' and see "
				 "'vdiskadm pxe-config'", who, port);
	return fail_here("%s has the port %u (%s) on %s: end it, then try again", who, port,
			 type == SOCK_STREAM ? "TCP" : "UDP", netif.text);
}

static int check_ports(void)
{
	bool dhcp = netboot.dhcp != NETBOOT_NONE;

	if (ask.elsewhere)
		return EXIT_DONE;
	if (check_port(SOCK_STREAM, PORT_NBD, "vdiskd") ||
	    check_port(SOCK_STREAM, PORT_BOOT, "vdiskd") ||
	    check_port(SOCK_STREAM, PORT_API, "vdiskd") ||
	    check_port(SOCK_DGRAM, 69, "dnsmasq") ||
	    (dhcp && check_port(SOCK_DGRAM, 67, "dnsmasq")) ||
	    (netboot.dhcp == NETBOOT_PROXY && check_port(SOCK_DGRAM, 4011, "dnsmasq")))
		return EXIT_FAILED;
	return EXIT_DONE;
}

static int check_programs(void)
{
	static const char *const programs[] = { "/usr/bin/ssh-keygen", "/usr/sbin/dnsmasq" };
	static const char *const packages[] = { "openssh-client", "dnsmasq-base" };
	const char *const *file;
	size_t i;

	for (i = 0; i < 2; i++)
		if (access(programs[i], X_OK))
			return fail_here("there is no %s: run 'apt install %s'", programs[i], packages[i]);
	for (file = place_ipxe_files; *file; file++) {
		char *path = text_format("%s/%s", PLACE_IPXE, *file);
		bool there = !access(path, R_OK);

		free(path);
		if (!there)
			return fail_here("there is no " PLACE_IPXE "/%s: run 'apt install ipxe'", *file);
	}
	return EXIT_DONE;
}

/* One that somebody wrote is not ours to replace; the one of the package says nothing. */
static int check_config(void)
{
	struct settings settings;
	struct vdisk_error err;
	bool foreign;

	if (!place_exists(PLACE_CONFIG))
		return EXIT_DONE;
	if (settings_read(&settings, &err) < 0)
		return fail_here("%s", err.text);
	foreign = !settings.ours && !settings.catalog &&
		  (settings.count > 1 || (settings.store && strcmp(settings.store, PLACE_STATE)));
	if (settings.address && strcmp(settings.address, netif.text))
		old_address = must(strdup(settings.address));
	settings_free(&settings);
	if (foreign && !ask.force)
		return fail_here("%s%s has settings of your own: --force makes it anew, and keeps a copy",
				 place_root, PLACE_CONFIG);
	return EXIT_DONE;
}

static int check_all(void)
{
	static int (*const checks[])(void) = {
		check_network, check_store, check_programs, check_config, check_ports,
	};
	size_t i;
	int ret = EXIT_DONE;

	if (geteuid() && !ask.elsewhere)
		return fail_here("this needs root");
	for (i = 0; i < sizeof(checks) / sizeof(*checks) && !ret; i++)
		ret = checks[i]();
	return ret;
}

/* ---- making ---- */

/* Whatever is there but not ours gets out of the way by another name. */
static int replace_file(const char *path, const char *text, struct vdisk_error *err)
{
	char *full = place_path(path), *aside = text_format("%s.before-init", full);
	int ret = 0;

	if (place_exists(path) && rename(full, aside))
		ret = vdisk_error_set(err, errno, "cannot rename %s: %s", full, strerror(errno));
	else if (place_exists(path))
		ret = -EEXIST;
	free(aside);
	free(full);
	return ret ? ret : place_write(path, text, strlen(text), 0644, err);
}

static int make_file(const char *path, const char *text, bool keep, struct vdisk_error *err)
{
	char *old = place_exists(path) ? place_read(path, NULL, err) : NULL;
	bool same = old && !strcmp(old, text), there = old;
	int ret;

	free(old);
	if (same || (there && keep)) {
		told(same ? "kept" : "kept, it was changed (--force makes it anew)", path);
		return 0;
	}
	ret = replace_file(path, text, err);
	if (!ret)
		told(there ? "made anew (a copy is beside it)" : "made", path);
	return ret;
}

/* Only its addresses: whatever else stands in it may be somebody's. */
static int readdress(const char *path, const char *const *keys, struct vdisk_error *err)
{
	char *old, *text, *words;
	int ret = 0;

	if (!old_address || !place_exists(path))
		return 0;
	old = place_read(path, NULL, err);
	if (!old)
		return -err->code;
	text = init_readdress(old, keys, old_address, netif.text);
	if (strcmp(old, text)) {
		ret = replace_file(path, text, err);
		words = text_format("changed %s to %s (a copy is beside it) in", old_address, netif.text);
		if (!ret)
			told(words, path);
		free(words);
	}
	free(text);
	free(old);
	return ret;
}

static int make_config(struct vdisk_error *err)
{
	static const char *const keys[] = { "listen", "http", "api", NULL };
	struct settings settings = { 0 };
	char *text;
	bool ours = false;
	int ret;

	if (!ask.force && readdress(PLACE_CONFIG, keys, err))
		return -err->code;
	if (place_exists(PLACE_CONFIG) && !settings_read(&settings, err)) {
		ours = settings.ours || settings.catalog;
		settings_free(&settings);
	}
	text = text_format(PLACE_MARK ": see vdiskd.conf(5).\n\n"
			   "# Images: NAME/VERSION/disk.img\n"
			   "store = %s\n\n"
			   "# Clients, images, sessions\n"
			   "catalog = sqlite:" PLACE_CATALOG "\n"
			   "keys = " PLACE_KEYS "\n\n"
			   "# Disks (NBD), boot files (HTTP, no secrets), clients and administrators (HTTPS)\n"
			   "listen = %s:%d\nlisten = 127.0.0.1:%d\n"
			   "http = %s:%d\n"
			   "api = %s:%d\napi = 127.0.0.1:%d\n",
			   ask.store, netif.text, PORT_NBD, PORT_NBD, netif.text, PORT_BOOT,
			   netif.text, PORT_API, PORT_API);
	ret = make_file(PLACE_CONFIG, text, ours && !ask.force, err);
	free(text);
	return ret;
}

/* Whether a file for network boot is for the place where the clients were before. */
static bool is_moved(const char *path)
{
	struct vdisk_error err;
	char *text = place_exists(path) ? place_read(path, NULL, &err) : NULL;
	char *line = text_format("interface=%s", netif.name);
	bool moved = text && (old_address || !init_line_is(text, line));

	free(line);
	free(text);
	return moved;
}

/* All of it follows from interface, address and --dhcp: where these are others, it is made anew. */
static int make_dnsmasq(struct vdisk_error *err)
{
	char *text = NULL;
	size_t size;
	FILE *out = must(open_memstream(&text, &size));
	int ret;

	netboot_dnsmasq(out, &netboot);
	if (fclose(out))
		abort();
	ret = make_file(PLACE_DNSMASQ, text, !ask.force && !is_moved(PLACE_DNSMASQ), err);
	free(text);
	return ret;
}

/* What images are prepared with, where somebody wrote one. */
static int change_farm(struct vdisk_error *err)
{
	static const char *const keys[] = { "servers", NULL };

	return readdress(PLACE_FARM, keys, err);
}

static int make_keys(struct vdisk_error *err)
{
	struct farm_names names = {
		.farm = ask.farm ? ask.farm : server_name,
		.names = { server_name, netif.text, "localhost", "127.0.0.1", "::1", NULL },
	};

	return farm_keys_make(&names, told, err);
}

static int make_pin(char pin[PIN_TEXT], struct vdisk_error *err)
{
	char *path = place_path(PLACE_KEYS "/ca.crt"), *line;
	int ret = pin_of_file(path, pin, err);

	free(path);
	if (ret)
		return ret;
	line = text_format("%s\n", pin);
	/* It follows from the key: there is nothing of anybody's to keep. */
	ret = make_file(PLACE_PIN, line, false, err);
	free(line);
	return ret;
}

/* Copies: what clients boot changes when init says so, not with an upgrade. */
static int make_ipxe(struct vdisk_error *err)
{
	const char *const *file, *root = place_root;
	int ret = 0;

	for (file = place_ipxe_files; *file && !ret; file++) {
		char *from = text_format("%s/%s", PLACE_IPXE, *file);
		char *to = text_format("%s/%s", PLACE_TFTP, *file);
		size_t size, old_size = 0;
		char *data, *old;

		place_root = "";
		data = place_read(from, &size, err);
		place_root = root;
		old = place_exists(to) ? place_read(to, &old_size, err) : NULL;
		if (!data)
			ret = -err->code;
		else if (!old || old_size != size || memcmp(old, data, size))
			ret = place_write(to, data, size, 0644, err);
		if (!ret)
			told(old ? "kept" : "made", to);
		free(old);
		free(data);
		free(to);
		free(from);
	}
	return ret;
}

static int make_folders(struct vdisk_error *err)
{
	int ret = place_folder("/etc/vdisk", 0755, err);

	if (!ret)
		ret = place_folder(PLACE_KEYS, 0700, err);
	if (!ret)
		ret = place_folder(PLACE_STATE, 0755, err);
	if (!ret)
		ret = place_folder(PLACE_TFTP, 0755, err);
	if (!ret)
		ret = place_folder(ask.store, 0755, err);
	return ret;
}

/* ---- starting ---- */

static const char *const commands[][6] = {
	{ "systemctl", "daemon-reload" },
	/* It would hand vdiskd sockets of loopback alone. */
	{ "systemctl", "--quiet", "disable", "--now", "vdiskd.socket" },
	{ "systemctl", "--quiet", "enable", "vdiskd.service", "vdiskd-netboot.service" },
	{ "systemctl", "restart", "vdiskd.service", "vdiskd-netboot.service" },
};

static void print_commands(void)
{
	putchar('\n');
	say("Nothing was started. To run the server, without systemd:");
	putchar('\n');
	say("  vdiskd --config %s%s", place_root, PLACE_CONFIG);
	say("  dnsmasq --keep-in-foreground --conf-file=%s%s", place_root, PLACE_DNSMASQ);
}

static int start(struct vdisk_error *err)
{
	size_t i;
	int ret = 0;

	if (ask.elsewhere || ask.no_start || access("/run/systemd/system", F_OK)) {
		print_commands();
		return 0;
	}
	for (i = 0; i < sizeof(commands) / sizeof(*commands) && !ret; i++)
		ret = place_run(commands[i], err);
	if (!ret)
		say("started vdiskd.service and vdiskd-netboot.service");
	return ret;
}

static void print_end(const char *pin)
{
	if (old_address) {
		putchar('\n');
		say("This server was at %s. Boot media that name it have to be made anew, and images", old_address);
		say("prepared anew if their farm.conf does; machines that run find it when they start again.");
	}
	putchar('\n');
	say("The farm's pin, which prepared images carry: %s", pin);
	putchar('\n');
	say("A firewall has to let in, for nftables:");
	putchar('\n');
	if (netboot.dhcp == NETBOOT_PROXY)
		say("  iifname \"%s\" udp dport { 67, 69, 4011 } accept", netif.name);
	else if (netboot.dhcp == NETBOOT_SERVER)
		say("  iifname \"%s\" udp dport { 67, 69 } accept", netif.name);
	else
		say("  iifname \"%s\" udp dport 69 accept", netif.name);
	say("  iifname \"%s\" tcp dport { %d, %d, %d } accept", netif.name, PORT_NBD, PORT_BOOT,
	    PORT_API);
	if (netboot.dhcp == NETBOOT_NONE) {
		putchar('\n');
		say("What to enter in your DHCP server: 'vdiskadm pxe-config " "kea', or another of");
		say("%s.", netboot_others);
	}
	putchar('\n');
	say("Next: 'vdiskadm doctor', then 'vdiskadm image import NAME FILE'.");
}

static int make_all(void)
{
	const struct init_server server = {
		.name = server_name, .address = netif.text, .old_address = old_address,
	};
	struct vdisk_error err;
	char pin[PIN_TEXT];

	if (make_folders(&err) || make_keys(&err) || make_pin(pin, &err) || make_config(&err) ||
	    make_dnsmasq(&err) || change_farm(&err) || make_ipxe(&err) ||
	    init_catalog(&server, told, &err) || start(&err))
		return fail_here("%s", err.text);
	print_end(pin);
	return EXIT_DONE;
}

static int init_main(int argc, char **argv)
{
	int option, ret;

	ask.dhcp = "proxy";
	while ((option = next_option(argc, argv, options)) != -1) {
		if (option == 'h' || option == '?')
			return option == 'h' ? EXIT_DONE : EXIT_USAGE;
		take(option);
	}
	if (optind < argc)
		return usage_error("what is '%s'", argv[optind]);
	ret = check_usage();
	if (ret)
		return ret;
	if (gethostname(server_name, sizeof(server_name) - 1) || !*server_name)
		strcpy(server_name, "server");
	ret = check_all();
	if (!ret)
		ret = make_all();
	free(old_address);
	free(range);
	return ret;
}

const struct command init_command = {
	.name = "init",
	.main = init_main,
	.usage = "--interface IF --store DIR [--dhcp proxy|server|none] [--range FIRST,LAST]\n"
		 "       [--router ADDRESS] [--dns ADDRESS] [--address ADDRESS] [--name FARM]\n"
		 "       [--force] [--no-start] [--root DIR]",
	.help = "Makes this machine a server.\n"
		"Makes keys, configuration, the catalog with a first administrator, and network boot\n"
		"for the machines on an interface. Called again it repairs what is missing, and\n"
		"follows the server to another interface or address, saying what it changes.\n"
		"\n"
		"  --interface IF       where the clients are\n"
		"  --store DIR          where images are kept\n"
		"  --dhcp proxy         another server gives addresses, we say what to boot (default)\n"
		"  --dhcp server        we give addresses, too: those of --range\n"
		"  --dhcp none          neither: see 'vdiskadm pxe-config'\n"
		"  --range FIRST,LAST   addresses to give away\n"
		"  --router ADDRESS     of the network, to tell clients; --dns ADDRESS likewise\n"
		"  --address ADDRESS    ours, when the interface has several\n"
		"  --name FARM          how its certificates call the farm; the host's name\n"
		"  --force              configuration that is there is made anew (a copy is kept)\n"
		"  --no-start           start nothing\n"
		"  --root DIR           write everything below DIR, start nothing\n",
	.local = true,
};

// SPDX-License-Identifier: GPL-2.0
/*
 * What DHCP servers must say so that firmware finds us.
 *
 * Firmware says what it is by option 93 (RFC 4578): 0 is a BIOS, 7 and 9 are
 * UEFI, 16 is UEFI that boots by HTTP. Each gets an iPXE of its kind; iPXE asks
 * again, says "iPXE" in its user class (77), and gets the address of our script.
 */
#include "netboot.h"

#include <string.h>
#include "place.h"

#define BIOS_FILE "undionly.kpxe"
#define EFI_FILE "snponly.efi"
#define SCRIPT_URL "http://%s:%d/boot.ipxe"
#define EFI_URL "http://%s:%d/boot/ipxe/" EFI_FILE

const char *const netboot_others = "dnsmasq, kea, isc, openwrt, routeros or other";

/*
 * Proxy-DHCP needs pxe-service as well as dhcp-boot, and iPXE takes no answer of
 * a proxy without a next server in it. UEFI's HTTP boot wants its own words back.
 */
static void dnsmasq_boot(FILE *out, const char *address, bool proxy)
{
	fputs("dhcp-userclass=set:vdisk-ipxe,iPXE\n"
	      "dhcp-match=set:vdisk-arch-bios,option:client-arch,0\n"
	      "dhcp-match=set:vdisk-arch-efi,option:client-arch,7\n"
	      "dhcp-match=set:vdisk-arch-efi,option:client-arch,9\n"
	      "dhcp-match=set:vdisk-arch-http,option:client-arch,16\n"
	      "tag-if=set:vdisk-bios,tag:vdisk-arch-bios,tag:!vdisk-ipxe\n"
	      "tag-if=set:vdisk-efi,tag:vdisk-arch-efi,tag:!vdisk-ipxe\n"
	      "tag-if=set:vdisk-http,tag:vdisk-arch-http,tag:!vdisk-ipxe\n", out);
	fprintf(out, "dhcp-boot=tag:vdisk-bios," BIOS_FILE ",,%s\n", address);
	fprintf(out, "dhcp-boot=tag:vdisk-efi," EFI_FILE ",,%s\n", address);
	fprintf(out, "dhcp-boot=tag:vdisk-http," EFI_URL ",,%s\n", address, PORT_BOOT, address);
	fprintf(out, "dhcp-boot=tag:vdisk-ipxe," SCRIPT_URL ",,%s\n", address, PORT_BOOT, address);
	if (!proxy) {
		fputs("dhcp-option-force=tag:vdisk-http,60,HTTPClient\n", out);
		return;
	}
	fputs("dhcp-pxe-vendor=PXEClient,HTTPClient\n", out);
	fprintf(out, "pxe-service=tag:vdisk-bios,x86PC,\"vdisk\"," BIOS_FILE ",%s\n", address);
	fprintf(out, "pxe-service=tag:vdisk-efi,X86-64_EFI,\"vdisk\"," EFI_FILE ",%s\n", address);
	fprintf(out, "pxe-service=tag:vdisk-efi,BC_EFI,\"vdisk\"," EFI_FILE ",%s\n", address);
}

static void dnsmasq_server(FILE *out, const struct netboot *netboot)
{
	fprintf(out, "dhcp-range=%s,%s,%s,1h\n", netboot->first, netboot->last, netboot->netmask);
	/* Without a word dnsmasq calls itself the router, which this machine needn't be. */
	if (netboot->router)
		fprintf(out, "dhcp-option=option:router,%s\n", netboot->router);
	else
		fputs("dhcp-option=option:router\n", out);
	if (netboot->dns)
		fprintf(out, "dhcp-option=option:dns-server,%s\n", netboot->dns);
}

void netboot_dnsmasq(FILE *out, const struct netboot *netboot)
{
	fprintf(out, PLACE_MARK ": network boot on %s, for vdiskd-netboot.service.\n"
		"# It serves no DNS, and knows nothing of /etc/dnsmasq.conf.\n"
		"port=0\nbind-dynamic\ninterface=%s\nexcept-interface=lo\n"
		"enable-tftp=%s\ntftp-root=" PLACE_TFTP "\n",
		netboot->interface, netboot->interface, netboot->interface);
	switch (netboot->dhcp) {
	case NETBOOT_PROXY:
		fprintf(out, "# Another server gives the addresses, this one only says what to boot.\n"
			"dhcp-range=%s,proxy,%s\n", netboot->network, netboot->netmask);
		break;
	case NETBOOT_SERVER:
		dnsmasq_server(out, netboot);
		break;
	case NETBOOT_NONE:
		fputs("# What to enter in your DHCP server: vdiskadm pxe-config.\n", out);
		return;
	}
	fputs("dhcp-leasefile=" PLACE_STATE "/dhcp.leases\n", out);
	dnsmasq_boot(out, netboot->address, netboot->dhcp == NETBOOT_PROXY);
}

static void print_dnsmasq(FILE *out, const char *address)
{
	fputs("# dnsmasq, as the network's DHCP server: a file in /etc/dnsmasq.d\n", out);
	dnsmasq_boot(out, address, false);
}

static void print_kea(FILE *out, const char *address)
{
	fputs("// Kea: into \"Dhcp4\" of kea-dhcp4.conf\n"
	      "\"client-classes\": [\n", out);
	fprintf(out, "  { \"name\": \"vdisk-ipxe\",\n"
		"    \"test\": \"substring(option[77].hex,0,4) == 'iPXE'\",\n"
		"    \"next-server\": \"%s\", \"boot-file-name\": \"" SCRIPT_URL "\" },\n",
		address, address, PORT_BOOT);
	fprintf(out, "  { \"name\": \"vdisk-bios\",\n"
		"    \"test\": \"not member('vdisk-ipxe') and option[93].hex == 0x0000\",\n"
		"    \"next-server\": \"%s\", \"boot-file-name\": \"" BIOS_FILE "\" },\n", address);
	fprintf(out, "  { \"name\": \"vdisk-efi\",\n"
		"    \"test\": \"not member('vdisk-ipxe') and (option[93].hex == 0x0007 or option[93].hex == 0x0009)\",\n"
		"    \"next-server\": \"%s\", \"boot-file-name\": \"" EFI_FILE "\" },\n", address);
	fprintf(out, "  { \"name\": \"vdisk-http\",\n"
		"    \"test\": \"not member('vdisk-ipxe') and option[93].hex == 0x0010\",\n"
		"    \"option-data\": [ { \"name\": \"vendor-class-identifier\", \"data\": \"HTTPClient\", \"always-send\": true } ],\n"
		"    \"boot-file-name\": \"" EFI_URL "\" }\n]\n", address, PORT_BOOT);
}

static void print_isc(FILE *out, const char *address)
{
	fputs("# ISC dhcpd: into dhcpd.conf\n"
	      "option arch code 93 = unsigned integer 16;\n", out);
	fprintf(out, "if exists user-class and option user-class = \"iPXE\" {\n"
		"  next-server %s;\n  filename \"" SCRIPT_URL "\";\n", address, address, PORT_BOOT);
	fprintf(out, "} elsif option arch = 00:00 {\n  next-server %s;\n  filename \"" BIOS_FILE
		"\";\n", address);
	fprintf(out, "} elsif option arch = 00:07 or option arch = 00:09 {\n  next-server %s;\n"
		"  filename \"" EFI_FILE "\";\n", address);
	fprintf(out, "} elsif option arch = 00:10 {\n"
		"  option vendor-class-identifier \"HTTPClient\";\n"
		"  filename \"" EFI_URL "\";\n}\n", address, PORT_BOOT);
}

static void openwrt_match(FILE *out, const char *tag, const char *match)
{
	fprintf(out, "uci add dhcp match\nuci set dhcp.@match[-1].networkid='%s'\n"
		"uci set dhcp.@match[-1].match='%s'\n", tag, match);
}

/* A tag with ! in front of it is one that the machine must not have. */
static void openwrt_boot(FILE *out, const char *tags, const char *address, const char *file)
{
	fprintf(out, "uci add dhcp boot\nuci set dhcp.@boot[-1].networkid='%s'\n"
		"uci set dhcp.@boot[-1].filename='%s'\n"
		"uci set dhcp.@boot[-1].serveraddress='%s'\n"
		"uci set dhcp.@boot[-1].servername='vdisk'\n", tags, file, address);
}

static void print_openwrt(FILE *out, const char *address)
{
	char url[128];

	fputs("# OpenWrt: commands for its shell\n"
	      "uci add dhcp userclass\nuci set dhcp.@userclass[-1].networkid='vdiskipxe'\n"
	      "uci set dhcp.@userclass[-1].userclass='iPXE'\n", out);
	openwrt_match(out, "vdiskbios", "60,PXEClient:Arch:00000");
	openwrt_match(out, "vdiskefi", "60,PXEClient:Arch:00007");
	openwrt_match(out, "vdiskefi", "60,PXEClient:Arch:00009");
	openwrt_boot(out, "vdiskbios,tag:!vdiskipxe", address, BIOS_FILE);
	openwrt_boot(out, "vdiskefi,tag:!vdiskipxe", address, EFI_FILE);
	snprintf(url, sizeof(url), SCRIPT_URL, address, PORT_BOOT);
	openwrt_boot(out, "vdiskipxe", address, url);
	fputs("uci commit dhcp\n/etc/init.d/dnsmasq restart\n", out);
}

static void routeros_matcher(FILE *out, const char *name, const char *code, const char *value,
			     const char *set)
{
	fprintf(out, "/ip dhcp-server matcher add name=%s server=all address-pool=static-only "
		"code=%s value=\"%s\" option-set=%s\n", name, code, value, set);
}

static void print_routeros(FILE *out, const char *address)
{
	fputs("# RouterOS 7: commands; set address-pool= and server= to yours\n", out);
	fprintf(out, "/ip dhcp-server option add name=vdisk-tftp code=66 value=\"'%s'\"\n", address);
	fputs("/ip dhcp-server option add name=vdisk-bios code=67 value=\"'" BIOS_FILE "'\"\n"
	      "/ip dhcp-server option add name=vdisk-efi code=67 value=\"'" EFI_FILE "'\"\n", out);
	fprintf(out, "/ip dhcp-server option add name=vdisk-script code=67 value=\"'" SCRIPT_URL
		"'\"\n", address, PORT_BOOT);
	fputs("/ip dhcp-server option sets add name=vdisk-bios options=vdisk-tftp,vdisk-bios\n"
	      "/ip dhcp-server option sets add name=vdisk-efi options=vdisk-tftp,vdisk-efi\n"
	      "/ip dhcp-server option sets add name=vdisk-ipxe options=vdisk-script\n", out);
	routeros_matcher(out, "vdisk-ipxe", "77", "iPXE", "vdisk-ipxe");
	routeros_matcher(out, "vdisk-bios", "93", "0x0000", "vdisk-bios");
	routeros_matcher(out, "vdisk-efi", "93", "0x0007", "vdisk-efi");
}

static void print_table(FILE *out, const char *address)
{
	fprintf(out, "Any DHCP server that can tell machines apart:\n\n"
		"  user class (77) is iPXE           boot file " SCRIPT_URL "\n",
		address, PORT_BOOT);
	fprintf(out, "  else architecture (93) is 0       next server %s, boot file " BIOS_FILE "\n",
		address);
	fprintf(out, "  else architecture (93) is 7 or 9  next server %s, boot file " EFI_FILE "\n",
		address);
	fprintf(out, "  else architecture (93) is 16      boot file " EFI_URL ",\n"
		"                                    vendor class (60) HTTPClient\n\n",
		address, PORT_BOOT);
	fprintf(out, "One that can't: leave it as it is, and have 'vdiskadm init --dhcp proxy' add to\n"
		"its answers; or boot from a medium, see 'vdiskadm boot-media'.\n");
}

static const struct {
	const char *name;
	void (*print)(FILE *out, const char *address);
} others[] = {
	{ "dnsmasq", print_dnsmasq }, { "kea", print_kea },	      { "isc", print_isc },
	{ "openwrt", print_openwrt }, { "routeros", print_routeros }, { "other", print_table },
};

bool netboot_other(FILE *out, const char *name, const char *address)
{
	size_t i;

	for (i = 0; i < sizeof(others) / sizeof(*others); i++) {
		if (strcmp(others[i].name, name))
			continue;
		others[i].print(out, address);
		return true;
	}
	return false;
}

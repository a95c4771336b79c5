/* SPDX-License-Identifier: GPL-2.0 */
/* The verbs of "vdiskadm image" that work on the store. */
#ifndef VDISKADM_IMAGE_VERBS_H
#define VDISKADM_IMAGE_VERBS_H

int image_import_main(int argc, char **argv);
int image_export_main(int argc, char **argv);
int image_prepare_main(int argc, char **argv);
int image_register_main(int argc, char **argv);

#define IMAGE_STORE_VERBS \
	{ \
		.name = "import", .main = image_import_main, \
		.usage = "NAME FILE|DEVICE [--format FORMAT] [--comment TEXT] [--public] [--store DIR]\n" \
			 "       [--max-size GIB] [--offline]", \
		.help = "Makes a disk image the newest version of an image.  No machine boots it before it\n" \
			"is prepared; machines go on with the version that is current.\n" \
			"\n" \
			"Reads raw, qcow2, vmdk, vhdx and vdi.  An image that needs other files (a\n" \
			"backing file, a data file, extents) is refused.\n" \
			"\n" \
			"  --format FORMAT   what it is; without it, what its first bytes say\n" \
			"  --comment TEXT    kept with the version\n" \
			"  --public          anybody may attach the image without a session (a new image)\n" \
			"  --store DIR       the store; 'store' in /etc/vdisk/vdiskd.conf\n" \
			"  --max-size GIB    the largest disk to take; 2048\n" \
			"  --offline         tell no server\n", \
	}, { \
		.name = "export", .main = image_export_main, \
		.usage = "NAME[@VERSION] FILE [--format FORMAT] [--store DIR]", \
		.help = "Writes a version's disk into a new file; without VERSION the newest one.\n" \
			"\n" \
			"  --format FORMAT   raw (sparse), qcow2, vmdk, vhdx or vdi; raw\n" \
			"  --store DIR       the store; 'store' in /etc/vdisk/vdiskd.conf\n", \
		.local = true, \
	}, { \
		.name = "prepare", .main = image_prepare_main, \
		.usage = "NAME[@VERSION] [--dry-run] [--kernel KVER] [--modules DIR] [--farm DIR]\n" \
			 "       [--current yes|no] [--comment TEXT] [--store DIR] [--from DIR] [--minutes N]\n" \
			 "       [--quiet] [--offline]", \
		.help = "Makes a new version that boots from a vdisk: with the driver for its kernel, the\n" \
			"client's tools, an initramfs for the network, and without what one machine left\n" \
			"in it.  All of it happens in a virtual machine without a network.  The new version\n" \
			"becomes the current one, disk and boot files at once.  Without VERSION the newest\n" \
			"one is prepared when it was just imported, else the current one.\n" \
			"\n" \
			"  --dry-run        list the changes, make none\n" \
			"  --kernel KVER    of the image's kernels; the newest\n" \
			"  --modules DIR    drivers built elsewhere: DIR/KVER/vdisk.ko\n" \
			"  --farm DIR       with farm.pin, and farm.conf if machines need it; /etc/vdisk\n" \
			"  --current yes|no whether machines boot it from now on; yes\n" \
			"  --comment TEXT   kept with the version\n" \
			"  --store DIR      the store; 'store' in /etc/vdisk/vdiskd.conf\n" \
			"  --from DIR       where vdisk is installed, as by 'make install DESTDIR=DIR'; /\n" \
			"  --minutes N      when the virtual machine is given up; 60\n" \
			"  --quiet          say nothing of each change\n" \
			"  --offline        ask and tell no server\n", \
	}, { \
		.name = "register", .main = image_register_main, \
		.usage = "NAME@VERSION [--current yes|no] [--comment TEXT] [--public]", \
		.help = "Enters a version that is in the server's store already, when no server was there\n" \
			"at its import, or its folder was copied.  One with boot files becomes the current\n" \
			"one.\n" \
			"\n" \
			"  --current yes|no  whether machines boot it from now on; yes if it has boot files\n" \
			"  --comment TEXT    kept with the version\n" \
			"  --public          anybody may attach the image without a session (a new image)\n", \
	}

#endif

# SPDX-License-Identifier: GPL-2.0
# The Debian packages in a clean system.

BOOT_TESTS += tests/packages/test_packages
BOOT_TESTS_LONG += tests/packages/test_packages_vm

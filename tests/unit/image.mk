# SPDX-License-Identifier: GPL-2.0
UNIT_TESTS += tests/unit/test_image_import tests/unit/test_prepare
UNIT_SCRIPTS += tests/unit/test_prepare

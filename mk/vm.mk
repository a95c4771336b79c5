# SPDX-License-Identifier: GPL-2.0
# The test machine: tests/vm/vm.

.PHONY: vm
vm: all $(addprefix $(B)/,$(TEST_PROGRAMS))
	$(Q)tests/vm/vm shell --kernel $(KVER)
HELP += 'make vm        a shell in a virtual machine with the module and the tools'

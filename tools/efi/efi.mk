# SPDX-License-Identifier: GPL-2.0
# A program for UEFI, as a part of vdiskadm, which writes it to boot media.

EFI_CFLAGS := -std=gnu11 -O2 -ffreestanding -fpic -fshort-wchar -mno-red-zone \
	-fno-stack-protector -fno-asynchronous-unwind-tables -DGNU_EFI_USE_MS_ABI \
	-isystem /usr/include/efi -isystem /usr/include/efi/x86_64
EFI_SECTIONS := $(addprefix -j ,.text .sdata .data .dynamic .dynsym .rel .rela .rel.* .rela.* .reloc)

$(B)/connect.efi: tools/efi/connect.c
	$(Q)mkdir -p $(@D)
	$(if $(filter 1,$(V)),,@echo "  EFI     $@")
	$(Q)$(CC) $(EFI_CFLAGS) $(WARN) -c -o $(@:.efi=.efi.o) $<
	$(Q)ld -shared -Bsymbolic -nostdlib -L/usr/lib -T /usr/lib/elf_x86_64_efi.lds \
		-o $(@:.efi=.efi.so) /usr/lib/crt0-efi-x86_64.o $(@:.efi=.efi.o) -lgnuefi -lefi
	$(Q)objcopy $(EFI_SECTIONS) --target=efi-app-x86_64 $(@:.efi=.efi.so) $@

# In it as _binary_connect_efi_start and _end.
$(B)/connect_efi.o: $(B)/connect.efi
	$(Q)cd $(@D) && ld -r -b binary -z noexecstack -o $(@F) $(<F)

vdiskadm_DEPS = $(B)/connect_efi.o

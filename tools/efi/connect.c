// SPDX-License-Identifier: GPL-2.0
/*
 * The first program of a boot medium under UEFI.  Firmware that starts from a disk may
 * leave its network cards without a driver, and then GRUB finds none: this one has the
 * firmware connect drivers to all devices, as its shell's "connect -r" does, and starts
 * \EFI\vdisk\grubx64.efi beside it.
 */
#include <efi.h>
#include <efilib.h>

#define NEXT L"\\EFI\\vdisk\\grubx64.efi"

/* What fails has no driver in the firmware, or one already: both are as they were. */
static void connect_all(void)
{
	EFI_HANDLE *handles = NULL;
	UINTN count = 0, i;

	if (EFI_ERROR(LibLocateHandle(AllHandles, NULL, NULL, &count, &handles)))
		return;
	for (i = 0; i < count; i++)
		uefi_call_wrapper(BS->ConnectController, 4, handles[i], NULL, NULL, TRUE);
	FreePool(handles);
}

EFI_STATUS efi_main(EFI_HANDLE self, EFI_SYSTEM_TABLE *system)
{
	EFI_LOADED_IMAGE *loaded;
	EFI_DEVICE_PATH *path;
	EFI_HANDLE next;
	EFI_STATUS status;

	InitializeLib(self, system);
	status = uefi_call_wrapper(BS->HandleProtocol, 3, self, &LoadedImageProtocol,
				   (void **)&loaded);
	if (EFI_ERROR(status))
		return status;
	connect_all();
	path = FileDevicePath(loaded->DeviceHandle, NEXT);
	status = uefi_call_wrapper(BS->LoadImage, 6, FALSE, self, path, NULL, 0, &next);
	if (!EFI_ERROR(status))
		status = uefi_call_wrapper(BS->StartImage, 3, next, NULL, NULL);
	if (EFI_ERROR(status))
		Print(L"vdisk: %s cannot be started: %r\n", NEXT, status);
	return status;
}

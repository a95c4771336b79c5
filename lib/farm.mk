# SPDX-License-Identifier: GPL-2.0
# Talking to a farm, and who this machine is: vdiskctl and vdiskadm; the server
# takes pin.c and proof.c of it.
FARM_SRCS := lib/farm.c lib/farm_wire.c lib/pin.c lib/proof.c lib/proof_public.c \
	lib/keypart.c lib/identity.c
FARM_LIBS := -lcurl-gnutls -lgnutls -ljansson

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_sys.h>
#include <tss2/tss2_tcti_device.h>
#include <unistd.h>
#include "tpm.h"

enum { DIGEST = 32 };

/* In the range that TPMs leave to their owner. */
static const TPM2_HANDLE handle = 0x81566473;

static const TSS2L_SYS_AUTH_COMMAND no_password = {
	.count = 1, .auths = { { .sessionHandle = TPM2_RS_PW } },
};

static const TPMT_PUBLIC template = {
	.type = TPM2_ALG_ECC, .nameAlg = TPM2_ALG_SHA256,
	.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
			    TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
			    TPMA_OBJECT_NODA | TPMA_OBJECT_SIGN_ENCRYPT,
	.parameters.eccDetail = {
		.symmetric.algorithm = TPM2_ALG_NULL,
		.scheme = { .scheme = TPM2_ALG_ECDSA, .details.ecdsa.hashAlg = TPM2_ALG_SHA256 },
		.curveID = TPM2_ECC_NIST_P256,
		.kdf.scheme = TPM2_ALG_NULL,
	},
};

struct tpm {
	TSS2_TCTI_CONTEXT *tcti;
	TSS2_SYS_CONTEXT *sys;
};

static int trouble(struct vdisk_error *err, const char *what, TSS2_RC rc)
{
	return vdisk_error_set(err, EIO, "TPM: %s: error 0x%x", what, rc);
}

static void close_tpm(struct tpm *tpm)
{
	if (tpm->sys) {
		Tss2_Sys_Finalize(tpm->sys);
		free(tpm->sys);
	}
	if (tpm->tcti) {
		Tss2_Tcti_Finalize(tpm->tcti);
		free(tpm->tcti);
	}
}

static int connect(struct tpm *tpm, const char *device, struct vdisk_error *err)
{
	TSS2_TCTI_CONTEXT *tcti;
	size_t size = 0;
	TSS2_RC rc;

	rc = Tss2_Tcti_Device_Init(NULL, &size, NULL);
	if (rc)
		return trouble(err, "cannot be talked to", rc);
	tcti = calloc(1, size);
	if (!tcti)
		return vdisk_error_set(err, ENOMEM, "no memory for the TPM");
	rc = Tss2_Tcti_Device_Init(tcti, &size, device);
	if (rc) {
		free(tcti);
		return vdisk_error_set(err, EIO, "TPM: %s cannot be opened: error 0x%x", device, rc);
	}
	tpm->tcti = tcti;
	return 0;
}

static int open_tpm(struct tpm *tpm, const char *device, struct vdisk_error *err)
{
	size_t size = Tss2_Sys_GetContextSize(0);
	TSS2_ABI_VERSION abi = TSS2_ABI_VERSION_CURRENT;
	TSS2_RC rc;
	int ret;

	memset(tpm, 0, sizeof(*tpm));
	if (access(device, F_OK))
		return vdisk_error_set(err, ENOENT, "there is no TPM 2.0 (%s)", device);
	/* The library would write to standard error what is told in our words. */
	setenv("TSS2_LOG", "all+NONE", 0);
	ret = connect(tpm, device, err);
	if (ret < 0)
		return ret;
	tpm->sys = calloc(1, size);
	if (!tpm->sys) {
		ret = vdisk_error_set(err, ENOMEM, "no memory for the TPM");
	} else {
		rc = Tss2_Sys_Initialize(tpm->sys, size, tpm->tcti, &abi);
		if (!rc)
			return 0;
		ret = trouble(err, "cannot be used", rc);
		free(tpm->sys);
		tpm->sys = NULL;
	}
	close_tpm(tpm);
	return ret;
}

static int pad(const TPM2B_ECC_PARAMETER *number, unsigned char *bytes, struct vdisk_error *err)
{
	if (number->size > PROOF_NUMBER)
		return vdisk_error_set(err, EPROTO, "TPM: a number of %u bytes", number->size);
	memset(bytes, 0, PROOF_NUMBER - number->size);
	memcpy(bytes + PROOF_NUMBER - number->size, number->buffer, number->size);
	return 0;
}

static int text_of(const TPMT_PUBLIC *public, char *text, struct vdisk_error *err)
{
	unsigned char x[PROOF_NUMBER], y[PROOF_NUMBER];
	int ret;

	ret = pad(&public->unique.ecc.x, x, err);
	if (!ret)
		ret = pad(&public->unique.ecc.y, y, err);
	return ret ? ret : proof_p256_public(x, y, text, err);
}

/* Somebody else may have put something there: it is neither used nor removed. */
static bool is_ours(const TPMT_PUBLIC *public)
{
	return public->type == template.type &&
	       public->objectAttributes == template.objectAttributes &&
	       public->parameters.eccDetail.curveID == template.parameters.eccDetail.curveID &&
	       public->parameters.eccDetail.scheme.scheme == TPM2_ALG_ECDSA;
}

static int read_public(struct tpm *tpm, char *text, struct vdisk_error *err)
{
	TPM2B_NAME name = { .size = sizeof(name.name) }, qualified = { .size = sizeof(name.name) };
	TPM2B_PUBLIC public = { .size = 0 };
	TSS2_RC rc;

	rc = Tss2_Sys_ReadPublic(tpm->sys, handle, NULL, &public, &name, &qualified, NULL);
	if ((rc & ~(TPM2_RC_N_MASK | TPM2_RC_P)) == TPM2_RC_HANDLE)
		return vdisk_error_set(err, ENOKEY, "the TPM has no key of vdisk");
	if (rc)
		return trouble(err, "cannot read the key", rc);
	if (!is_ours(&public.publicArea))
		return vdisk_error_set(err, EBUSY, "TPM: what is at 0x%x is not a key of vdisk", handle);
	return text_of(&public.publicArea, text, err);
}

int tpm_public(const char *device, char *public, struct vdisk_error *err)
{
	struct tpm tpm;
	int ret;

	ret = open_tpm(&tpm, device, err);
	if (ret < 0)
		return ret;
	ret = read_public(&tpm, public, err);
	close_tpm(&tpm);
	return ret;
}

/* A key is derived from its template: random numbers in that make it one of many. */
static int salt(TPMT_PUBLIC *public, struct vdisk_error *err)
{
	TPMS_ECC_POINT *point = &public->unique.ecc;
	int ret;

	point->x.size = point->y.size = PROOF_NUMBER;
	ret = gnutls_rnd(GNUTLS_RND_KEY, point->x.buffer, PROOF_NUMBER);
	if (ret >= 0)
		ret = gnutls_rnd(GNUTLS_RND_KEY, point->y.buffer, PROOF_NUMBER);
	return ret < 0 ? vdisk_error_set(err, EIO, "no random numbers: %s", gnutls_strerror(ret)) : 0;
}

static int refused(struct vdisk_error *err, const char *what, TSS2_RC rc)
{
	if ((rc & ~(TPM2_RC_N_MASK | TPM2_RC_P)) == TPM2_RC_BAD_AUTH)
		return vdisk_error_set(err, EACCES,
				       "TPM: it has an owner's password: clear the TPM in the firmware's setup first");
	if (rc == TPM2_RC_NV_SPACE)
		return vdisk_error_set(err, ENOSPC, "TPM: it has no room for another key");
	return trouble(err, what, rc);
}

static int make(struct tpm *tpm, char *text, struct vdisk_error *err)
{
	TPM2B_SENSITIVE_CREATE sensitive = { .size = 0 };
	TPM2B_PUBLIC wanted = { .publicArea = template }, public = { .size = 0 };
	TPM2B_DATA outside = { .size = 0 };
	TPML_PCR_SELECTION pcrs = { .count = 0 };
	TPM2B_CREATION_DATA creation = { .size = 0 };
	TPM2B_DIGEST hash = { .size = sizeof(hash.buffer) };
	TPMT_TK_CREATION ticket = { .tag = 0 };
	TPM2B_NAME name = { .size = sizeof(name.name) };
	TSS2L_SYS_AUTH_RESPONSE response = { .count = 1 };
	TPM2_HANDLE object;
	TSS2_RC rc;
	int ret;

	ret = salt(&wanted.publicArea, err);
	if (ret < 0)
		return ret;
	rc = Tss2_Sys_CreatePrimary(tpm->sys, TPM2_RH_OWNER, &no_password, &sensitive, &wanted,
				    &outside, &pcrs, &object, &public, &creation, &hash, &ticket,
				    &name, &response);
	if (rc)
		return refused(err, "cannot make a key", rc);
	response = (TSS2L_SYS_AUTH_RESPONSE){ .count = 1 };
	rc = Tss2_Sys_EvictControl(tpm->sys, TPM2_RH_OWNER, object, &no_password, handle, &response);
	Tss2_Sys_FlushContext(tpm->sys, object);
	if (rc)
		return refused(err, "cannot keep a key", rc);
	return text_of(&public.publicArea, text, err);
}

int tpm_make(const char *device, char *public, struct vdisk_error *err)
{
	struct tpm tpm;
	int ret;

	ret = open_tpm(&tpm, device, err);
	if (ret < 0)
		return ret;
	ret = read_public(&tpm, public, err);
	if (!ret)
		ret = vdisk_error_set(err, EEXIST, "the TPM has a key of vdisk already");
	else if (ret == -ENOKEY)
		ret = make(&tpm, public, err);
	close_tpm(&tpm);
	return ret;
}

int tpm_remove(const char *device, struct vdisk_error *err)
{
	TSS2L_SYS_AUTH_RESPONSE response = { .count = 1 };
	char public[PROOF_PUBLIC_TEXT];
	struct tpm tpm;
	TSS2_RC rc;
	int ret;

	ret = open_tpm(&tpm, device, err);
	if (ret < 0)
		return ret;
	ret = read_public(&tpm, public, err);
	if (!ret) {
		rc = Tss2_Sys_EvictControl(tpm.sys, TPM2_RH_OWNER, handle, &no_password, handle,
					   &response);
		if (rc)
			ret = refused(err, "cannot remove the key", rc);
	}
	close_tpm(&tpm);
	return ret;
}

static int sign(struct tpm *tpm, const TPM2B_DIGEST *digest, char *text, struct vdisk_error *err)
{
	const TPMT_SIG_SCHEME scheme = { TPM2_ALG_ECDSA, { .ecdsa = { TPM2_ALG_SHA256 } } };
	/* It was not the TPM that made the digest; the key is not one that minds. */
	const TPMT_TK_HASHCHECK check = { .tag = TPM2_ST_HASHCHECK, .hierarchy = TPM2_RH_NULL };
	TSS2L_SYS_AUTH_RESPONSE response = { .count = 1 };
	unsigned char bytes[PROOF_SIGNATURE];
	TPMT_SIGNATURE signature = { .sigAlg = 0 };
	TSS2_RC rc;
	int ret;

	rc = Tss2_Sys_Sign(tpm->sys, handle, &no_password, digest, &scheme, &check, &signature,
			   &response);
	if (rc)
		return trouble(err, "cannot sign", rc);
	ret = pad(&signature.signature.ecdsa.signatureR, bytes, err);
	if (!ret)
		ret = pad(&signature.signature.ecdsa.signatureS, bytes + PROOF_NUMBER, err);
	return ret ? ret : proof_text(bytes, sizeof(bytes), text, PROOF_SIGNATURE_TEXT, err);
}

int tpm_sign(const char *device, const char *message, char *signature, struct vdisk_error *err)
{
	TPM2B_DIGEST digest = { .size = DIGEST };
	struct tpm tpm;
	int ret;

	ret = gnutls_hash_fast(GNUTLS_DIG_SHA256, message, strlen(message), digest.buffer);
	if (ret < 0)
		return vdisk_error_set(err, EIO, "SHA-256: %s", gnutls_strerror(ret));
	ret = open_tpm(&tpm, device, err);
	if (ret < 0)
		return ret;
	ret = sign(&tpm, &digest, signature, err);
	close_tpm(&tpm);
	return ret;
}

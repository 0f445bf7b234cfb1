/*
 * What copies of a file into a guest and out of it have in common, whatever the way.
 */
#ifndef GUEST_COPY_H
#define GUEST_COPY_H

#include <gnutls/crypto.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/str.h"

/* The bits of a file that a copy takes along. */
#define COPY_PERMISSIONS 0777
/* SHA-256 in hexadecimal, with the NUL behind it. */
#define COPY_SHA256_SIZE 65

/*
 * What was copied.
 * @bytes:    length of the file
 * @sha256:   in hexadecimal, of the bytes that passed
 * @verified: the guest's sha256sum said the same; false when it has none, then only the length
 *            was compared
 */
struct guest_copy {
	uint64_t bytes;
	char sha256[COPY_SHA256_SIZE];
	bool verified;
};

/*
 * copy_open - open a regular file of this machine to read it
 *
 * Errors: errno with the path; EISDIR for a directory, EINVAL for what is no file either. A FIFO
 * is not waited for.
 */
int copy_open(const char *path, int *ret_fd, struct stat *ret, struct error *err);
/*
 * copy_create - make the file that becomes @path by a rename
 * @mode:     its permission bits
 * @ret_part: its name, owned by the caller, also after an error
 */
int copy_create(const char *path, mode_t mode, char **ret_part, int *ret_fd, struct error *err);
/* copy_part_name - a name of its own beside @path, owned by the caller */
char *copy_part_name(const char *path);
/* copy_check_type - EISDIR or EINVAL unless @mode is a regular file's; @where: "", " in the guest"
 */
int copy_check_type(const char *path, const char *where, mode_t mode, struct error *err);
/* copy_write - all of the bytes; @path for the error */
int copy_write(int fd, const char *bytes, size_t length, const char *path, struct error *err);
/* copy_guest_path - @path as a program's argument that is no option, owned by the caller */
char *copy_guest_path(const char *path);

int copy_hash_init(gnutls_hash_hd_t *ret, struct error *err);
/* copy_hash_text - the checksum of what was hashed so far, in hexadecimal */
void copy_hash_text(gnutls_hash_hd_t hash, char ret[COPY_SHA256_SIZE]);
/* copy_compare - @said is what sha256sum printed in the guest; sets @copy->verified, or EIO */
int copy_compare(struct guest_copy *copy, const struct str *said, const char *path,
		 struct error *err);
/* copy_compare_length - EIO unless it is the guest's @length */
int copy_compare_length(const struct guest_copy *copy, uint64_t length, const char *path,
			struct error *err);

#endif

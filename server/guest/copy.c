/*
 * Files on their way between this machine and a guest: opened, written aside, compared.
 */
#include "guest/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/own.h"
#include "base/wait.h"

#define SHA256_LENGTH ((COPY_SHA256_SIZE - 1) / 2)

char *copy_part_name(const char *path)
{
	uint64_t random = 0;

	if (getrandom(&random, sizeof(random), 0) < 0)
		random = (uint64_t)clock_us();
	return own_printf("%s.%016llx.part", path, (unsigned long long)random);
}

int copy_check_type(const char *path, const char *where, mode_t mode, struct error *err)
{
	if (S_ISDIR(mode))
		return error_set(err, EISDIR, "%s%s is a directory: name the file, one at a time",
				 path, where);
	if (!S_ISREG(mode))
		return error_set(err, EINVAL, "%s%s is not a regular file", path, where);
	return 0;
}

int copy_open(const char *path, int *ret_fd, struct stat *ret, struct error *err)
{
	/* Opening a FIFO must not wait for its other end. */
	*ret_fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (*ret_fd < 0 || fstat(*ret_fd, ret) < 0)
		return error_set_errno(err, errno, "cannot open %s", path);
	return copy_check_type(path, "", ret->st_mode, err);
}

int copy_create(const char *path, mode_t mode, char **ret_part, int *ret_fd, struct error *err)
{
	struct stat st;

	if (!stat(path, &st) && copy_check_type(path, "", st.st_mode, err) < 0)
		return -1;
	*ret_part = copy_part_name(path);
	*ret_fd = open(*ret_part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (*ret_fd < 0 || fchmod(*ret_fd, mode & COPY_PERMISSIONS) < 0)
		return error_set_errno(err, errno, "cannot create %s", *ret_part);
	return 0;
}

int copy_write(int fd, const char *bytes, size_t length, const char *path, struct error *err)
{
	while (length) {
		ssize_t n = write(fd, bytes, length);

		if (n < 0 && errno != EINTR)
			return error_set_errno(err, errno, "cannot write %s", path);
		if (n < 0)
			continue;
		bytes += n;
		length -= (size_t)n;
	}
	return 0;
}

/* A relative path starts where the way into the guest starts. */
char *copy_guest_path(const char *path)
{
	return *path == '/' ? own_strdup(path) : own_printf("./%s", path);
}

int copy_hash_init(gnutls_hash_hd_t *ret, struct error *err)
{
	if (gnutls_hash_init(ret, GNUTLS_DIG_SHA256) < 0)
		return error_set(err, ENOMEM, "SHA-256 cannot start");
	return 0;
}

void copy_hash_text(gnutls_hash_hd_t hash, char ret[COPY_SHA256_SIZE])
{
	unsigned char bytes[SHA256_LENGTH];

	gnutls_hash_output(hash, bytes);
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
}

int copy_compare(struct guest_copy *copy, const struct str *said, const char *path,
		 struct error *err)
{
	const char *text = str_text(said);

	/* sha256sum marks a name that it had to escape by a backslash in front of the line. */
	text += *text == '\\';
	copy->verified = str_starts(text, copy->sha256);
	if (copy->verified)
		return 0;
	return error_set(err, EIO, "%s: the checksum differs: SHA-256 %s here, %.*s there", path,
			 copy->sha256, COPY_SHA256_SIZE - 1, text);
}

int copy_compare_length(const struct guest_copy *copy, uint64_t length, const char *path,
			struct error *err)
{
	if (length == copy->bytes)
		return 0;
	return error_set(err, EIO, "%s: %llu bytes passed, but it has %llu there", path,
			 (unsigned long long)copy->bytes, (unsigned long long)length);
}

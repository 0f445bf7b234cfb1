/*
 * Whole files and directories of this machine.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"

/* Descriptors that a walk through a tree may hold open. */
#define WALK_FDS 16

int file_read(const char *path, size_t limit, char **ret_text, size_t *ret_length,
	      struct error *err)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	auto_str text = { 0 };
	char buffer[16384];
	ssize_t n;

	if (fd < 0)
		return error_set_errno(err, errno, "%s", path);
	while ((n = read(fd, buffer, sizeof(buffer))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(err, errno, "%s", path);
		if (text.length + (size_t)n > limit)
			return error_set(err, EFBIG, "%s: larger than %zu bytes", path, limit);
		str_add(&text, buffer, (size_t)n);
	}
	if (ret_length)
		*ret_length = text.length;
	*ret_text = str_take(&text);
	return 0;
}

int file_read_int(const char *path, long long *ret)
{
	auto_free char *text = NULL;
	struct error err;

	if (file_read(path, 64, &text, NULL, &err) < 0)
		return -1;
	text[strcspn(text, "\n")] = '\0';
	return str_to_int(text, LLONG_MIN, LLONG_MAX, ret);
}

static int write_all(int fd, const char *p, size_t left)
{
	while (left) {
		ssize_t n = write(fd, p, left);

		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0) {
			p += n;
			left -= (size_t)n;
		}
	}
	return 0;
}

int file_write(const char *path, const void *bytes, size_t length, mode_t mode, struct error *err)
{
	auto_free char *aside = own_printf("%s.XXXXXX", path);
	auto_close int fd = mkostemp(aside, O_CLOEXEC);

	if (fd < 0)
		return error_set_errno(err, errno, "cannot create %s", path);
	if (write_all(fd, bytes, length) < 0 || fchmod(fd, mode) < 0 || rename(aside, path) < 0) {
		error_set_errno(err, errno, "cannot write %s", path);
		unlink(aside);
		return -1;
	}
	return 0;
}

int file_make_dirs(const char *path, mode_t mode, struct error *err)
{
	auto_free char *part = own_strdup(path);
	struct stat st;

	for (char *slash = part; slash; *slash = '/') {
		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = '\0';
		if (mkdir(part, mode) < 0 && errno != EEXIST)
			return error_set_errno(err, errno, "cannot create directory %s", part);
		if (!slash)
			break;
	}
	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return error_set(err, ENOTDIR, "%s: not a directory", path);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

int file_remove_tree(const char *path, struct error *err)
{
	if (nftw(path, remove_one, WALK_FDS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) < 0 &&
	    errno != ENOENT)
		return error_set_errno(err, errno, "cannot remove %s", path);
	return 0;
}

bool file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

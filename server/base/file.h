/*
 * Whole files and directories of this machine.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * file_read - a whole file of at most @limit bytes
 * @ret_text:   NUL-terminated, owned by the caller
 * @ret_length: may be NULL
 *
 * Errors: EFBIG when it is larger; errno of open and read.
 */
int file_read(const char *path, size_t limit, char **ret_text, size_t *ret_length,
	      struct error *err);
/* file_read_int - a file that holds one decimal integer, as sysfs has them; -1 when it does not */
int file_read_int(const char *path, long long *ret);
/* file_write - make @path appear complete with these bytes: written aside, then renamed */
int file_write(const char *path, const void *bytes, size_t length, mode_t mode, struct error *err);
/* file_make_dirs - the directory and its parents, each with @mode; one that is there is fine */
int file_make_dirs(const char *path, mode_t mode, struct error *err);
/* file_remove_tree - the path and all below it, links not followed; one that is gone is fine */
int file_remove_tree(const char *path, struct error *err);
bool file_exists(const char *path);

#endif

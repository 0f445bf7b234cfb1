/*
 * Whole files and directories.
 */
#include "base/file.h"

#include <errno.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/own.h"

static char directory[64];

static int make_directory(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/vh-file-XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	(void)state;
	return file_remove_tree(directory, NULL);
}

static char *path_of(const char *name)
{
	return own_printf("%s/%s", directory, name);
}

static void a_written_file_reads_back(void **state)
{
	auto_free char *path = path_of("file");
	auto_free char *text = NULL;
	struct error err;
	struct stat st;
	size_t n;

	(void)state;
	assert_int_equal(file_write(path, "a\0b", 3, 0640, &err), 0);
	assert_int_equal(file_read(path, 3, &text, &n, &err), 0);
	assert_int_equal(n, 3);
	assert_memory_equal(text, "a\0b", 4);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
}

static void a_rewritten_file_is_a_new_one(void **state)
{
	auto_free char *path = path_of("again");
	struct stat before, after;
	auto_fclose FILE *reader = NULL;
	char old[8] = "";

	(void)state;
	assert_int_equal(file_write(path, "old", 3, 0600, NULL), 0);
	reader = fopen(path, "r");
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(file_write(path, "new!", 4, 0600, NULL), 0);
	assert_int_equal(stat(path, &after), 0);
	assert_int_not_equal(before.st_ino, after.st_ino);
	/* Whoever has the old one open goes on with the whole old one. */
	assert_int_equal(fread(old, 1, sizeof(old), reader), 3);
	assert_string_equal(old, "old");
}

static void a_failed_write_leaves_nothing_behind(void **state)
{
	auto_free char *missing = path_of("missing/file");
	auto_free char *path = path_of("taken");
	auto_free char *inside = path_of("taken/inside");
	auto_free char *rest = path_of("taken.*");
	struct error err;
	glob_t found;

	(void)state;
	assert_int_equal(file_write(missing, "x", 1, 0600, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_non_null(strstr(err.text, missing));
	/* A directory in the way: the rename fails, after the file beside it was written. */
	assert_int_equal(file_make_dirs(inside, 0700, NULL), 0);
	assert_int_equal(file_write(path, "x", 1, 0600, &err), -1);
	assert_int_equal(glob(rest, 0, NULL, &found), GLOB_NOMATCH);
}

static void a_file_over_the_limit_is_refused(void **state)
{
	auto_free char *path = path_of("large");
	auto_free char *text = NULL;
	struct error err;

	(void)state;
	assert_int_equal(file_write(path, "12345", 5, 0600, NULL), 0);
	assert_int_equal(file_read(path, 5, &text, NULL, &err), 0);
	free(take_ptr(text));
	assert_int_equal(file_read(path, 4, &text, NULL, &err), -1);
	assert_int_equal(err.code, EFBIG);
	assert_null(text);
}

static void a_missing_file_is_named(void **state)
{
	auto_free char *path = path_of("nothing");
	auto_free char *text = NULL;
	struct error err;

	(void)state;
	assert_false(file_exists(path));
	assert_true(file_exists(directory));
	assert_int_equal(file_read(path, 5, &text, NULL, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_non_null(strstr(err.text, path));
}

static void a_number_may_end_with_a_newline(void **state)
{
	auto_free char *path = path_of("number");
	long long n = 0;

	(void)state;
	assert_int_equal(file_write(path, "-12\n", 4, 0600, NULL), 0);
	assert_int_equal(file_read_int(path, &n), 0);
	assert_int_equal(n, -12);
	assert_int_equal(file_write(path, "12 kB\n", 6, 0600, NULL), 0);
	assert_int_equal(file_read_int(path, &n), -1);
}

static void directories_are_made_with_their_parents(void **state)
{
	auto_free char *path = path_of("a/b/c");
	auto_free char *file = path_of("plain");
	auto_free char *below = path_of("plain/d");
	struct error err;
	struct stat st;

	(void)state;
	assert_int_equal(file_make_dirs(path, 0700, &err), 0);
	assert_int_equal(file_make_dirs(path, 0700, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(file_write(file, "", 0, 0600, NULL), 0);
	assert_int_equal(file_make_dirs(file, 0700, &err), -1);
	assert_int_equal(err.code, ENOTDIR);
	assert_int_equal(file_make_dirs(below, 0700, &err), -1);
}

static void a_removed_tree_takes_no_link_with_it(void **state)
{
	auto_free char *kept = path_of("kept");
	auto_free char *file = path_of("kept/file");
	auto_free char *tree = path_of("tree/below");
	auto_free char *link = path_of("tree/below/link");
	auto_free char *top = path_of("tree");
	struct error err;

	(void)state;
	assert_int_equal(file_make_dirs(kept, 0700, NULL), 0);
	assert_int_equal(file_write(file, "x", 1, 0600, NULL), 0);
	assert_int_equal(file_make_dirs(tree, 0700, NULL), 0);
	assert_int_equal(symlink(kept, link), 0);
	assert_int_equal(file_remove_tree(top, &err), 0);
	assert_false(file_exists(top));
	assert_true(file_exists(file));
	assert_int_equal(file_remove_tree(top, &err), 0);
	assert_int_equal(file_remove_tree(file, &err), 0);
	assert_false(file_exists(file));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_written_file_reads_back),
		cmocka_unit_test(a_rewritten_file_is_a_new_one),
		cmocka_unit_test(a_failed_write_leaves_nothing_behind),
		cmocka_unit_test(a_file_over_the_limit_is_refused),
		cmocka_unit_test(a_missing_file_is_named),
		cmocka_unit_test(a_number_may_end_with_a_newline),
		cmocka_unit_test(directories_are_made_with_their_parents),
		cmocka_unit_test(a_removed_tree_takes_no_link_with_it),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}

/*
 * Password files, and HTTP Basic credentials checked against them.
 */
#include "remote/credentials.h"

#include <crypt.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/own.h"
#include "base/str.h"
#include "value/base64.h"

static char scratch[] = "/tmp/test_credentials.XXXXXX";
static char *path;

/* Of the cheapest kind: what is tested is not how slow it is. */
static char *hash_of(const char *password)
{
	static const char salt[] = "0123456789abcdef";
	auto_free struct crypt_data *data = own_alloc(sizeof(*data));
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];

	assert_non_null(
		crypt_gensalt_rn("$y$", 1, salt, sizeof(salt) - 1, setting, sizeof(setting)));
	return own_strdup(crypt_r(password, setting, data));
}

static int load_text(const char *text, struct credentials **ret, struct error *err)
{
	assert_int_equal(file_write(path, text, strlen(text), 0600, err), 0);
	return credentials_load(path, ret, err);
}

/* ann with the password "s3:cret", and bob with an empty one. */
static struct credentials *load_two(void)
{
	auto_free char *ann = hash_of("s3:cret"), *bob = hash_of("");
	auto_free char *text = own_printf("# the lab's\r\n\nann:%s\r\nbob:%s", ann, bob);
	struct credentials *c = NULL;
	struct error err = { 0 };

	if (load_text(text, &c, &err) < 0)
		fail_msg("%s", err.text);
	return c;
}

static bool check(struct credentials *c, const char *scheme, const char *pair, size_t length)
{
	auto_str header = { 0 };

	str_adds(&header, scheme);
	base64_encode(pair, length, &header);
	return credentials_check(c, str_text(&header)) == CREDENTIALS_RIGHT;
}

static bool check_pair(struct credentials *c, const char *pair)
{
	return check(c, "Basic ", pair, strlen(pair));
}

static void the_right_password_passes_each_time(void **state)
{
	struct credentials *c = load_two();

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_true(check_pair(c, "ann:s3:cret"));
		assert_true(check_pair(c, "bob:"));
	}
	assert_true(check(c, "bAsIc   ", "ann:s3:cret", 11));
	credentials_free(c);
}

static void everything_else_does_not_before_and_after(void **state)
{
	static const char *const pairs[] = {
		"",
		":",
		"ann",
		"ann:",
		"ann:s3:cre",
		"ann:s3:crett",
		"bob:s3:cret",
		"Ann:s3:cret",
		"nobody:s3:cret",
		"ann:s3:cret\n",
		" ann:s3:cret",
	};
	struct credentials *c = load_two();

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
			if (check_pair(c, pairs[i]))
				fail_msg("passed: '%s'", pairs[i]);
		/* A password that was right is remembered; it must help no other. */
		assert_true(check_pair(c, "ann:s3:cret"));
	}
	assert_false(check(c, "Basic ", "ann:s3:cret\0x", 13));
	assert_false(check(c, "Basic ", "ann\0:s3:cret", 12));
	credentials_free(c);
}

static void what_is_no_basic_header_does_not_pass(void **state)
{
	static const char *const headers[] = {
		"",
		"Basic",
		"Basic ",
		"Basic !!!!",
		"Bearer YW5uOnMzOmNyZXQ=",
		"YW5uOnMzOmNyZXQ=",
		"BasicYW5uOnMzOmNyZXQ=",
		"Basic YW5uOnMzOmNyZXQ",
	};
	struct credentials *c = load_two();

	(void)state;
	assert_int_equal(credentials_check(c, "Basic YW5uOnMzOmNyZXQ="), CREDENTIALS_RIGHT);
	assert_int_equal(credentials_check(c, NULL), CREDENTIALS_WRONG);
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		if (credentials_check(c, headers[i]) != CREDENTIALS_WRONG)
			fail_msg("passed: '%s'", headers[i]);
	credentials_free(c);
}

static void names_and_passwords_are_bounded(void **state)
{
	auto_free char *password = own_alloc(CREDENTIALS_PASSWORD_MAX + 2);
	auto_free char *name = own_alloc(CREDENTIALS_NAME_MAX + 2);
	auto_free char *hash = NULL, *text = NULL, *pair = NULL, *longer = NULL;
	struct credentials *c = NULL;
	struct error err = { 0 };

	(void)state;
	memset(password, 'p', CREDENTIALS_PASSWORD_MAX);
	memset(name, 'n', CREDENTIALS_NAME_MAX);
	hash = hash_of(password);
	text = own_printf("%s:%s", name, hash);
	pair = own_printf("%s:%s", name, password);
	assert_int_equal(load_text(text, &c, &err), 0);
	assert_true(check_pair(c, pair));
	longer = own_printf("%sp", pair);
	assert_false(check_pair(c, longer));
	credentials_free(c);
	name[CREDENTIALS_NAME_MAX] = 'n';
	free(text);
	text = own_printf("%s:%s", name, hash);
	assert_int_equal(load_text(text, &c, &err), -1);
}

static void refuse(const char *text, int code, const char *expected)
{
	struct credentials *c = NULL;
	struct error err = { 0 };

	if (!load_text(text, &c, &err))
		fail_msg("accepted: %s", text);
	assert_int_equal(err.code, code);
	if (!strstr(err.text, expected))
		fail_msg("'%s' lacks '%s'", err.text, expected);
}

static void a_bad_line_is_told_with_its_number(void **state)
{
	auto_free char *hash = hash_of("x");
	auto_free char *twice = own_printf("ann:%s\n#\nann:%s\n", hash, hash);
	auto_free char *nobody = own_printf(":%s\n", hash);

	(void)state;
	refuse("", EINVAL, "no user in it");
	refuse("# only this\n\n", EINVAL, "no user in it");
	refuse("\nann\n", EINVAL, ":2: expected NAME:HASH");
	refuse(nobody, EINVAL, ":1: expected NAME:HASH");
	refuse(twice, EINVAL, ":3: user 'ann' is given twice");
	refuse("ann:\n", EINVAL, ":1: user 'ann': expected a hash");
	refuse("ann:plaintext\n", EINVAL, "expected a hash");
	/* DES, which crypt(3) knows. */
	refuse("ann:abJnggxhB/yWI\n", EINVAL, "expected a hash");
}

static void a_file_that_others_can_write_is_refused(void **state)
{
	auto_free char *hash = hash_of("x");
	auto_free char *text = own_printf("ann:%s\n", hash);
	struct credentials *c = NULL;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(load_text(text, &c, &err), 0);
	credentials_free(c);
	assert_int_equal(chmod(path, 0620), 0);
	assert_int_equal(credentials_load(path, &c, &err), -1);
	assert_int_equal(err.code, EPERM);
	assert_int_equal(chmod(path, 0602), 0);
	assert_int_equal(credentials_load(path, &c, &err), -1);
	assert_int_equal(err.code, EPERM);
	assert_int_equal(credentials_load("/nonexistent", &c, &err), -1);
	assert_int_equal(err.code, ENOENT);
}

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(scratch))
		return -1;
	path = own_printf("%s/passwords", scratch);
	return 0;
}

static int tear_down(void **state)
{
	struct error err;

	(void)state;
	free(path);
	return file_remove_tree(scratch, &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_right_password_passes_each_time),
		cmocka_unit_test(everything_else_does_not_before_and_after),
		cmocka_unit_test(what_is_no_basic_header_does_not_pass),
		cmocka_unit_test(names_and_passwords_are_bounded),
		cmocka_unit_test(a_bad_line_is_told_with_its_number),
		cmocka_unit_test(a_file_that_others_can_write_is_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

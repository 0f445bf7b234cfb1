/*
 * The error type: context in front, remedies behind, never beyond its room.
 */
#include "base/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void an_error_carries_its_code_and_text(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(error_set(&err, EINVAL, "slot %d is in use", 7), -1);
	assert_int_equal(err.code, EINVAL);
	assert_string_equal(err.text, "slot 7 is in use");
}

static void the_systems_reason_stands_behind_the_text(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(error_set_errno(&err, ENOENT, "/a/%s", "b"), -1);
	assert_int_equal(err.code, ENOENT);
	assert_string_equal(err.text, "/a/b: No such file or directory");
}

static void context_goes_in_front_and_keeps_the_code(void **state)
{
	struct error err;

	(void)state;
	error_set(&err, ETIMEDOUT, "slot 7 is in use");
	assert_int_equal(error_prefix(&err, "cannot plug %s", "vhost2"), -1);
	assert_int_equal(error_prefix(&err, "VM '%s'", "nf1"), -1);
	assert_int_equal(err.code, ETIMEDOUT);
	assert_string_equal(err.text, "VM 'nf1': cannot plug vhost2: slot 7 is in use");
}

static void a_remedy_goes_behind(void **state)
{
	struct error err;

	(void)state;
	error_set(&err, EINVAL, "too long");
	assert_int_equal(error_append(&err, "; give a shorter %s", "one"), -1);
	assert_string_equal(err.text, "too long; give a shorter one");
	assert_int_equal(err.code, EINVAL);
}

static void who_does_not_care_passes_no_error(void **state)
{
	(void)state;
	assert_int_equal(error_set(NULL, EINVAL, "x"), -1);
	assert_int_equal(error_set_errno(NULL, EINVAL, "x"), -1);
	assert_int_equal(error_prefix(NULL, "x"), -1);
	assert_int_equal(error_append(NULL, "x"), -1);
}

static void texts_that_are_too_long_are_cut(void **state)
{
	char longer[2 * ERROR_TEXT_MAX];
	struct error err;

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	error_set(&err, EINVAL, "%s", longer);
	assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
	error_append(&err, "more");
	assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
	error_prefix(&err, "VM 'nf1'");
	assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
	assert_memory_equal(err.text, "VM 'nf1': xxx", 13);
	error_prefix(&err, "%s", longer);
	assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_carries_its_code_and_text),
		cmocka_unit_test(the_systems_reason_stands_behind_the_text),
		cmocka_unit_test(context_goes_in_front_and_keeps_the_code),
		cmocka_unit_test(a_remedy_goes_behind),
		cmocka_unit_test(who_does_not_care_passes_no_error),
		cmocka_unit_test(texts_that_are_too_long_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

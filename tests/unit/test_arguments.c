/*
 * Binding arguments: what lands in the handler's struct, and the exact words of refusals.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/own.h"
#include "keywords/keyword.h"
#include "value/value.h"

struct args {
	const char *vm;
	int cpus;
	struct int_list host_cpus;
	int64_t timeout_ms;
	const char *secret;
	json_t *options;
};

static const struct keyword_arg specs[] = {
	{ "vm", ARG_POSITIONAL, ARG_STR, .min = 1, .max = 32, .offset = offsetof(struct args, vm) },
	{ "cpus", ARG_POSITIONAL, ARG_INT, .fallback = "1", .min = 1, .max = 255, .or_auto = true,
	  .offset = offsetof(struct args, cpus) },
	{ "host_cpus", ARG_POSITIONAL, ARG_INT_LIST, .fallback = "[]", .min = 0, .max = 1023,
	  .offset = offsetof(struct args, host_cpus) },
	{ "timeout", ARG_POSITIONAL, ARG_TIMEDELTA, .fallback = "10 s", .min = 1, .max = 60000,
	  .offset = offsetof(struct args, timeout_ms) },
	{ "secret", ARG_NAMED_ONLY, ARG_STR, .fallback = "none", .nullable = true, .secret = true,
	  .max = 4, .min = 1, .offset = offsetof(struct args, secret) },
	{ "options", ARG_KWARGS, ARG_DICT, .offset = offsetof(struct args, options) },
};

static const struct keyword keyword = { .name = "Start Kernel VM",
					KEYWORD_ARGS(specs),
					.args_size = sizeof(struct args) };

/* Takes both; returns what keyword_bind() does. */
static int bind_call(json_t *args, json_t *kwargs, struct args *ret, struct error *err)
{
	int rc = keyword_bind(&keyword, args, kwargs, NULL, ret, err);

	json_decref(args);
	json_decref(kwargs);
	return rc;
}

static void refused(json_t *args, json_t *kwargs, const char *text)
{
	struct args a;
	struct error err;

	assert_int_equal(bind_call(args, kwargs, &a, &err), -1);
	assert_string_equal(err.text, text);
	keyword_unbind(&keyword, &a);
}

static void defaults_fill_what_is_not_given(void **state)
{
	struct args a;

	(void)state;
	assert_int_equal(bind_call(json_pack("[s]", "nf1"), NULL, &a, NULL), 0);
	assert_string_equal(a.vm, "nf1");
	assert_int_equal(a.cpus, 1);
	assert_int_equal(a.host_cpus.count, 0);
	assert_int_equal(a.timeout_ms, 10000);
	assert_null(a.secret);
	assert_int_equal(json_object_size(a.options), 0);
	keyword_unbind(&keyword, &a);
}

static void everything_given_lands_in_its_field(void **state)
{
	struct args a;

	(void)state;
	assert_int_equal(
		bind_call(json_pack("[s, s, s]", "nf1", "auto", "[3, 5]"),
			  json_pack("{s:f, s:s, s:i}", "timeout", 1.5, "secret", "abc", "x", 1), &a,
			  NULL),
		0);
	assert_int_equal(a.cpus, ARG_AUTO);
	assert_int_equal(a.host_cpus.count, 2);
	assert_int_equal(a.host_cpus.items[1], 5);
	assert_int_equal(a.timeout_ms, 1500);
	assert_string_equal(a.secret, "abc");
	assert_int_equal(json_integer_value(json_object_get(a.options, "x")), 1);
	keyword_unbind(&keyword, &a);
}

static void refusals_name_the_argument_the_value_and_what_is_allowed(void **state)
{
	(void)state;
	refused(json_pack("[s, s]", "a", "two"), NULL,
		"Start Kernel VM: argument 'cpus': expected an integer from 1 to 255 or 'auto', "
		"got "
		"'two'");
	refused(json_pack("[s]", ""), NULL,
		"Start Kernel VM: argument 'vm': expected text of 1 to 32 bytes, got ''");
	refused(json_pack("[]"), NULL,
		"Start Kernel VM: argument 'vm': missing, expected text of 1 to 32 bytes");
	refused(json_pack("[s]", "a"), json_pack("{s:s}", "vm", "b"),
		"Start Kernel VM: argument 'vm': given twice, by position and by name");
	refused(json_pack("[s, i, [], i, i]", "a", 1, 1, 1), NULL,
		"Start Kernel VM: expected 1 to 4 positional arguments, got 5");
	refused(json_pack("[s]", "a"), json_pack("{s:s}", "timeout", "2 min"),
		"Start Kernel VM: argument 'timeout': expected a time such as '10 seconds' or '1 "
		"min "
		"30 s' from 0.001 to 60 seconds, got '2 min'");
}

static void a_secret_is_never_repeated(void **state)
{
	(void)state;
	refused(json_pack("[s]", "a"), json_pack("{s:s}", "secret", "password"),
		"Start Kernel VM: argument 'secret': expected text of 1 to 4 bytes or 'none', got "
		"'***'");
}

static void control_characters_in_a_refusal_are_made_visible(void **state)
{
	(void)state;
	refused(json_pack("[s, s]", "a", "\x1b[31m"), NULL,
		"Start Kernel VM: argument 'cpus': expected an integer from 1 to 255 or 'auto', "
		"got "
		"'\xe2\x90\x9b[31m'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_fill_what_is_not_given),
		cmocka_unit_test(everything_given_lands_in_its_field),
		cmocka_unit_test(refusals_name_the_argument_the_value_and_what_is_allowed),
		cmocka_unit_test(a_secret_is_never_repeated),
		cmocka_unit_test(control_characters_in_a_refusal_are_made_visible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Patterns from users: what they match, and what would cost too much.
 */
#include "base/pattern.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/own.h"
#include "base/str.h"

static bool matches(const char *pattern, const char *text)
{
	struct error err;
	regex_t regex;
	bool found;

	if (pattern_compile(pattern, REG_NOSUB, &regex, &err) < 0)
		fail_msg("%s", err.text);
	found = !regexec(&regex, text, 0, NULL, 0);
	regfree(&regex);
	return found;
}

static void assert_refused(const char *pattern, const char *why)
{
	struct error err;
	regex_t regex;

	if (pattern_compile(pattern, 0, &regex, &err) == 0)
		fail_msg("'%.100s' was taken", pattern);
	assert_int_equal(err.code, EINVAL);
	if (!strstr(err.text, why))
		fail_msg("%s", err.text);
}

/* @open n times, @middle, @close n times; owned by the caller. */
static char *nested(const char *open, const char *middle, const char *close, int n)
{
	struct str s = { 0 };

	for (int i = 0; i < n; i++)
		str_adds(&s, open);
	str_adds(&s, middle);
	for (int i = 0; i < n; i++)
		str_adds(&s, close);
	return str_take(&s);
}

static void usual_patterns_match(void **state)
{
	(void)state;
	assert_true(matches("^the (marker|line) is [0-9]+$", "the marker is 42"));
	assert_true(matches("[]x]{2}\\{[[:digit:].]+\\}", "]x{1.5}"));
	assert_true(matches("a{2,3}b{0,1}c{1,}", "aabcc"));
	assert_false(matches("a{3}", "aa"));
	assert_true(matches("\\(a\\)\\.", "(a)."));
	assert_true(matches("login: *", "nf1 login: "));
}

static void what_the_library_refuses_is_told(void **state)
{
	(void)state;
	assert_refused("(unclosed", "got '(unclosed': Unmatched ( or \\(");
	assert_refused("a{2,1}", "Invalid");
}

static void back_references_are_refused(void **state)
{
	(void)state;
	assert_refused("(.*)(.*)\\1x", "back-references");
	/* In a bracket expression a backslash is a character. */
	assert_true(matches("[\\1]", "1"));
}

static void depth_is_bounded(void **state)
{
	auto_free char *most = nested("(", "a", ")", PATTERN_DEPTH_MAX);
	auto_free char *more = nested("(", "a", ")", PATTERN_DEPTH_MAX + 1);

	(void)state;
	assert_true(matches(most, "a"));
	assert_refused(more, "nested too deep");
	/* Side by side is not deep. */
	assert_true(matches("(a)(b)(c)", "abc"));
}

static void length_is_bounded(void **state)
{
	auto_free char *most = nested("", "a", "b", PATTERN_LENGTH_MAX - 1);
	auto_free char *more = nested("", "a", "b", PATTERN_LENGTH_MAX);

	(void)state;
	assert_false(matches(most, "a"));
	assert_refused(more, "too long");
}

static void what_intervals_write_out_is_bounded(void **state)
{
	(void)state;
	assert_refused("(((a{1,255}){1,255}){1,255})", "repeats too much");
	assert_refused("(a{255}){255}", "repeats too much");
	assert_refused("((((((ab){9}){9}){9}){9}){9}", "repeats too much");
	assert_refused("(((a{9,}){9,}){9,}){9,}", "repeats too much");
	assert_true(matches("^([a-z0-9]{1,8}-){3}[a-f]{255}?$", "a-b-c-"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usual_patterns_match),
		cmocka_unit_test(what_the_library_refuses_is_told),
		cmocka_unit_test(back_references_are_refused),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(length_is_bounded),
		cmocka_unit_test(what_intervals_write_out_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

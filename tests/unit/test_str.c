/*
 * Strings that grow, lists of strings, and what is made of text from outside.
 */
#include "base/str.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/own.h"

static void a_string_grows_with_what_is_added(void **state)
{
	auto_str s = { 0 };

	(void)state;
	assert_string_equal(str_text(&s), "");
	for (int i = 0; i < 1000; i++)
		str_addf(&s, "%d,", i);
	str_adds(&s, "end");
	assert_int_equal(s.length, 10 * 2 + 90 * 3 + 900 * 4 + 3);
	assert_int_equal(strlen(s.text), s.length);
	assert_memory_equal(s.text, "0,1,2,", 6);
	assert_string_equal(s.text + s.length - 7, "999,end");
}

static void a_formatted_piece_may_have_any_length(void **state)
{
	char piece[300];
	auto_str s = { 0 };

	(void)state;
	for (size_t n = 250; n < 260; n++) {
		memset(piece, 'x', n);
		piece[n] = '\0';
		str_clear(&s);
		str_addf(&s, "<%s>", piece);
		assert_int_equal(s.length, n + 2);
		assert_int_equal(s.text[n + 1], '>');
		assert_int_equal(s.text[n + 2], '\0');
	}
}

static void bytes_of_any_value_stay(void **state)
{
	auto_str s = { 0 };

	(void)state;
	str_add(&s, "a\0b", 3);
	str_add(&s, "", 0);
	assert_int_equal(s.length, 3);
	assert_memory_equal(s.text, "a\0b", 4);
}

static void cutting_drops_the_beginning(void **state)
{
	auto_str s = { 0 };

	(void)state;
	str_cut(&s, 0);
	str_adds(&s, "hello");
	str_cut(&s, 2);
	assert_string_equal(s.text, "llo");
	assert_int_equal(s.length, 3);
	str_cut(&s, 3);
	assert_string_equal(s.text, "");
}

static void a_taken_text_leaves_an_empty_string(void **state)
{
	struct str s = { 0 };
	auto_free char *first = str_take(&s);
	auto_free char *second = NULL;

	(void)state;
	assert_string_equal(first, "");
	str_adds(&s, "text");
	second = str_take(&s);
	assert_string_equal(second, "text");
	assert_null(s.text);
	assert_int_equal(s.length, 0);
}

static void a_list_is_fit_for_execve(void **state)
{
	auto_strv v = { 0 };
	auto_free char *joined = NULL;

	(void)state;
	strv_add(&v, "echo");
	strv_take(&v, own_strdup("two words"));
	strv_addf(&v, "%d", 3);
	assert_int_equal(v.count, 3);
	assert_null(v.items[3]);
	joined = strv_join(&v, ", ");
	assert_string_equal(joined, "echo, two words, 3");
	strv_clear(&v);
	assert_int_equal(v.count, 0);
	assert_null(v.items);
}

static void an_empty_list_joins_to_an_empty_text(void **state)
{
	struct strv v = { 0 };
	auto_free char *joined = strv_join(&v, ", ");

	(void)state;
	assert_string_equal(joined, "");
}

static void beginnings_ends_and_equality(void **state)
{
	(void)state;
	assert_true(str_starts("vhost1", "vhost"));
	assert_false(str_starts("vho", "vhost"));
	assert_true(str_ends("vm.json", ".json"));
	assert_false(str_ends("n", ".json"));
	assert_true(str_equal("a", "a"));
	assert_false(str_equal("a", "b"));
	assert_true(str_equal(NULL, NULL));
	assert_false(str_equal("a", NULL));
	assert_false(str_equal(NULL, "a"));
}

static void assert_printable(const char *bytes, size_t length, const char *expected)
{
	auto_free char *text = str_printable(bytes, length);

	assert_string_equal(text, expected);
}

#define PRINTABLE(bytes, expected) assert_printable(bytes, sizeof(bytes) - 1, expected)

static void valid_utf_8_stays_as_it_is(void **state)
{
	(void)state;
	PRINTABLE("caf\xc3\xa9\t\xe2\x9c\x93\n\xf0\x9f\x90\xa7",
		  "caf\xc3\xa9\t\xe2\x9c\x93\n\xf0\x9f\x90\xa7");
}

static void invalid_utf_8_is_replaced(void **state)
{
	(void)state;
	PRINTABLE("a\xff"
		  "b",
		  "a\xef\xbf\xbd"
		  "b");
	/* Cut off, overlong, a surrogate, beyond U+10FFFF. */
	PRINTABLE("\xe2\x9c", "\xef\xbf\xbd\xef\xbf\xbd");
	PRINTABLE("\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd");
	PRINTABLE("\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	PRINTABLE("\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	/* U+FFFE and U+FFFF, which XML does not know. */
	PRINTABLE("\xef\xbf\xbe\xef\xbf\xbf", "\xef\xbf\xbd\xef\xbf\xbd");
}

static void control_characters_are_shown_as_pictures(void **state)
{
	(void)state;
	PRINTABLE("\033[1m\x7f", "\xe2\x90\x9b[1m\xe2\x90\xa1");
	PRINTABLE("a\0b", "a\xe2\x90\x80"
			  "b");
	PRINTABLE("line\r\nnext\rover\r", "line\nnext\xe2\x90\x8dover\xe2\x90\x8d");
}

static void an_integer_is_the_whole_text_and_in_range(void **state)
{
	static const char *const wrong[] = { "",   " 1", "1 ",	"1x",  "two",
					     "--", "10", "-10", "0x1", "99999999999999999999" };
	long long n = 7;

	(void)state;
	assert_int_equal(str_to_int("-9", -9, 9, &n), 0);
	assert_int_equal(n, -9);
	assert_int_equal(str_to_int("9", -9, 9, &n), 0);
	assert_int_equal(n, 9);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(str_to_int(wrong[i], -9, 9, &n), -1);
	assert_int_equal(n, 9);
	assert_int_equal(str_to_int("99999999999999999999", LLONG_MIN, LLONG_MAX, &n), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_string_grows_with_what_is_added),
		cmocka_unit_test(a_formatted_piece_may_have_any_length),
		cmocka_unit_test(bytes_of_any_value_stay),
		cmocka_unit_test(cutting_drops_the_beginning),
		cmocka_unit_test(a_taken_text_leaves_an_empty_string),
		cmocka_unit_test(a_list_is_fit_for_execve),
		cmocka_unit_test(an_empty_list_joins_to_an_empty_text),
		cmocka_unit_test(beginnings_ends_and_equality),
		cmocka_unit_test(valid_utf_8_stays_as_it_is),
		cmocka_unit_test(invalid_utf_8_is_replaced),
		cmocka_unit_test(control_characters_are_shown_as_pictures),
		cmocka_unit_test(an_integer_is_the_whole_text_and_in_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

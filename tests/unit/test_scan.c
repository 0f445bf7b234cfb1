/*
 * The scan of a request's body before the parser sees it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/own.h"
#include "remote/scan.h"
#include "value/xml_text.h"

static void check(const char *body, const char *expected)
{
	auto_str out = { 0 };
	struct error err = { 0 };
	size_t members;

	if (scan_body(body, strlen(body), &out, &members, &err) < 0)
		fail_msg("%s: %s", body, err.text);
	assert_string_equal(str_text(&out), expected);
}

static void refuse(const char *body, int code)
{
	auto_str out = { 0 };
	struct error err = { 0 };
	size_t members;

	if (!scan_body(body, strlen(body), &out, &members, &err))
		fail_msg("accepted: %s", body);
	assert_int_equal(err.code, code);
}

static void what_the_parser_needs_not_see_is_left_out(void **state)
{
	(void)state;
	check("\xef\xbb\xbf<?xml version=\"1.0\" encoding='utf-8'?><a><!-- <b> --><?pi?></a>",
	      "<a></a>");
	check("<a b='>' c=\"'>\">x</a>", "<a b='>' c=\"'>\">x</a>");
	check("<a><![CDATA[<&]]></a>", "<a>&lt;&amp;</a>");
}

static void numbers_are_checked_and_made_uniform(void **state)
{
	(void)state;
	check("<int> +7\n</int>", "<i8>7</i8>");
	check("<i8>-9223372036854775808</i8>", "<i8>-9223372036854775808</i8>");
	check("<double x='1'>1e5</double>", "<string>" XML_NUMBER_MARK "1e5</string>");
	refuse("<i8>9223372036854775808</i8>", EINVAL);
	refuse("<i8>abc</i8>", EINVAL);
	refuse("<i8/>", EINVAL);
	refuse("<i8></i8>", EINVAL);
	refuse("<int>2147483648</int>", EINVAL);
	refuse("<double>inf</double>", EINVAL);
	refuse("<double>1e999</double>", EINVAL);
	refuse("<double>0x1p3</double>", EINVAL);
}

static void base64_is_checked(void **state)
{
	(void)state;
	check("<base64>YQ==</base64>", "<base64>YQ==</base64>");
	refuse("<base64>Y</base64>", EINVAL);
	refuse("<base64>\xc3\xa9</base64>", EINVAL);
}

static void an_end_tag_must_be_its_start_tags(void **state)
{
	(void)state;
	refuse("<string>5</int>", EPROTO);
	refuse("</a>", EPROTO);
	refuse("<a>", EPROTO);
	refuse("", EPROTO);
}

static void document_types_and_entities_are_refused(void **state)
{
	(void)state;
	refuse("<!DOCTYPE a><a></a>", EPROTO);
	refuse("<a><!ENTITY x 'y'></a>", EPROTO);
	refuse("<a>&x;</a>", EPROTO);
	refuse("<a>&#0;</a>", EPROTO);
	refuse("<a>&#xfffe;</a>", EPROTO);
	refuse("<a>&#-5;</a>", EPROTO);
	refuse("<a>&#99999999999999999999;</a>", EPROTO);
	refuse("<?xml version='1.0' encoding='latin-1'?><a/>", EPROTO);
}

static void a_nul_byte_is_refused_wherever_it_is(void **state)
{
	static const char *const parts[][2] = {
		{ "<a>x", "y</a>" },	{ "<a><![CDATA[x", "y]]></a>" }, { "<a", "></a>" },
		{ "<int>5</int", ">" }, { "<a b='", "'>x</a>" },	 { "<int>5", "</int>" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		auto_str body = { 0 }, out = { 0 };
		struct error err = { 0 };
		size_t members;

		str_adds(&body, parts[i][0]);
		str_add(&body, "\0", 1);
		str_adds(&body, parts[i][1]);
		if (!scan_body(body.text, body.length, &out, &members, &err))
			fail_msg("accepted: %s\\0%s", parts[i][0], parts[i][1]);
	}
}

static void the_name_of_the_encoding_is_the_whole_name(void **state)
{
	(void)state;
	check("<?xml version='1.0' encoding='UTF8'?><a></a>", "<a></a>");
	refuse("<?xml version='1.0' encoding='utf-8xyz'?><a></a>", EPROTO);
	refuse("<?xml version='1.0' encoding='utf-80'?><a></a>", EPROTO);
}

static char *repeat(const char *text, size_t times, const char *end)
{
	struct str s = { 0 };

	while (times--)
		str_adds(&s, text);
	str_adds(&s, end);
	return str_take(&s);
}

static void each_limit_is_where_it_is_said_to_be(void **state)
{
	auto_free char *deep = repeat("<a>", SCAN_DEPTH_MAX + 1, "");
	auto_free char *many = repeat("<a/>", SCAN_ELEMENTS_MAX + 1, "");
	auto_free char *members = repeat("<member/>", SCAN_MEMBERS_MAX + 1, "");
	auto_free char *most = repeat("<member/>", SCAN_MEMBERS_MAX, "");
	auto_str out = { 0 };
	size_t count;

	(void)state;
	refuse(deep, E2BIG);
	refuse(deep + 3, EPROTO); /* one less is not too deep, only unfinished */
	refuse(many, E2BIG);
	refuse(members, E2BIG);
	assert_int_equal(scan_body(most, strlen(most), &out, &count, NULL), 0);
	assert_int_equal(count, SCAN_MEMBERS_MAX);
}

static void a_body_may_end_anywhere(void **state)
{
	static const char body[] = "<?xml version='1.0' encoding='utf-8'?><a b='c'>&#128512;"
				   "<![CDATA[x]]><!-- y --><base64>YQ==</base64><i8>5</i8></a>";

	(void)state;
	for (size_t n = 0; n < sizeof(body) - 1; n++) {
		/* A copy of just that size, so that a tool sees every step beyond its end. */
		auto_free char *cut = own_strndup(body, n);
		auto_str out = { 0 };
		size_t members;
		struct error err;

		assert_int_equal(scan_body(cut, n, &out, &members, &err), -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_parser_needs_not_see_is_left_out),
		cmocka_unit_test(numbers_are_checked_and_made_uniform),
		cmocka_unit_test(base64_is_checked),
		cmocka_unit_test(an_end_tag_must_be_its_start_tags),
		cmocka_unit_test(document_types_and_entities_are_refused),
		cmocka_unit_test(a_nul_byte_is_refused_wherever_it_is),
		cmocka_unit_test(the_name_of_the_encoding_is_the_whole_name),
		cmocka_unit_test(each_limit_is_where_it_is_said_to_be),
		cmocka_unit_test(a_body_may_end_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

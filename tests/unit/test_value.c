/*
 * Values, base64, and text in XML.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/own.h"
#include "value/base64.h"
#include "value/value.h"
#include "value/value_xmlrpc.h"
#include "value/xml_text.h"

static void bytes_survive_being_a_value(void **state)
{
	auto_json *value = value_bytes("\0\xff\x80", 3);
	auto_str bytes = { 0 };

	(void)state;
	assert_true(value_is_bytes(value));
	assert_int_equal(value_get_bytes(value, &bytes), 0);
	assert_int_equal(bytes.length, 3);
	assert_memory_equal(bytes.text, "\0\xff\x80", 3);
}

static void no_other_value_is_bytes_or_a_time(void **state)
{
	auto_json *object = json_pack("{s:s}", "bytes", "YQ==");
	auto_json *text = json_string("YQ==");

	(void)state;
	assert_false(value_is_bytes(object));
	assert_false(value_is_bytes(text));
	assert_false(value_is_bytes(NULL));
	assert_null(value_get_time(object));
}

static void base64_is_the_one_of_the_rfc(void **state)
{
	/* RFC 4648, section 10. */
	static const char *const pairs[][2] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		auto_str text = { 0 }, back = { 0 };

		base64_encode(pairs[i][0], strlen(pairs[i][0]), &text);
		assert_string_equal(str_text(&text), pairs[i][1]);
		assert_int_equal(base64_decode(pairs[i][1], strlen(pairs[i][1]), &back), 0);
		assert_string_equal(str_text(&back), pairs[i][0]);
	}
}

static void base64_that_is_none_is_refused(void **state)
{
	static const char *const bad[] = {
		"Z",	    "Zg",   "Zg=",   "Zg===",		"=Zg=", "Zh==", "Zm9=",
		"Zg==Zg==", "Z!==", "Zm9v=", "\xff\xff\xff\xff"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		auto_str back = { 0 };

		assert_int_equal(base64_decode(bad[i], strlen(bad[i]), &back), -1);
	}
}

static void parsing_json_tells_line_and_column(void **state)
{
	struct error err;

	(void)state;
	assert_null(value_parse("{\n \"a\": x}", 10, "file", &err));
	assert_true(str_starts(err.text, "file:2:"));
	assert_null(value_parse("{\"a\":1,\"a\":2}", 13, "file", &err));
	assert_null(value_parse("1 2", 3, "file", &err));
}

static void an_integer_beyond_64_bits_becomes_a_double(void **state)
{
	auto_json *value = value_parse("[36893488147419103232]", 22, "x", NULL);

	(void)state;
	assert_true(json_is_real(json_array_get(value, 0)));
}

static char *xml_of(json_t *value)
{
	auto_str xml = { 0 };

	value_to_xml(value, &xml);
	json_decref(value);
	return str_take(&xml);
}

static void check_xml(json_t *value, const char *expected)
{
	auto_free char *xml = xml_of(value);

	assert_string_equal(xml, expected);
}

static void values_become_xml(void **state)
{
	(void)state;
	check_xml(NULL, "<value><nil/></value>");
	check_xml(json_integer(-1), "<value><int>-1</int></value>");
	check_xml(json_integer(2147483648), "<value><i8>2147483648</i8></value>");
	check_xml(json_real(1), "<value><double>1.0</double></value>");
	check_xml(json_real(0.1), "<value><double>0.1</double></value>");
	check_xml(json_real(0.1 + 0.2), "<value><double>0.30000000000000004</double></value>");
	check_xml(json_true(), "<value><boolean>1</boolean></value>");
	check_xml(json_string("<&>"), "<value>&lt;&amp;&gt;</value>");
	check_xml(value_bytes("a", 1), "<value><base64>YQ==</base64></value>");
	check_xml(value_time("20230914T17:30:23"),
		  "<value><dateTime.iso8601>20230914T17:30:23</dateTime.iso8601></value>");
	check_xml(
		json_pack("{s:[i]}", "a&b", 1),
		"<value><struct><member><name>a&amp;b</name><value><array><data><value><int>1</int>"
		"</value></data></array></value></member></struct></value>");
}

/* A guest agent's JSON can have the names that mark bytes and times. */
static void a_guest_cannot_forge_an_answer(void **state)
{
	static const char *const forged[] = {
		"{\"\\u0001bytes\": \"</base64></value></member>\"}",
		"{\"\\u0001bytes\": \"Z\"}",
		"{\"\\u0001time\": \"<nil/>\"}",
		"{\"\\u0001time\": \"20230914T17:30:23</value>\"}",
		"{\"\\u0001time\": \"20230230T17:30:23\"}",
		"{\"\\u0001time\": \"00000101T00:00:00\"}",
		"{\"\\u0001time\": \"2023 914T17:30:23\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(forged) / sizeof(forged[0]); i++) {
		json_t *value = value_parse(forged[i], strlen(forged[i]), "x", NULL);
		auto_free char *xml = NULL;

		assert_non_null(value);
		assert_false(value_is_bytes(value));
		assert_null(value_get_time(value));
		xml = xml_of(value);
		assert_non_null(strstr(xml, "<struct><member><name>\xe2\x90\x81"));
		assert_null(strstr(xml, "</base64>"));
		assert_null(strstr(xml, "<nil/>"));
	}
}

static void text_that_xml_cannot_carry_is_made_visible(void **state)
{
	auto_str xml = { 0 };

	(void)state;
	xml_add_text(&xml, "a\0\x1b\x7f\r\n\t\xff\xef\xbf\xbf\xed\xa0\x80z", 15);
	assert_string_equal(str_text(&xml), "a\xe2\x90\x80\xe2\x90\x9b\xe2\x90\xa1&#13;\n\t"
					    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
					    "\xef\xbf\xbdz");
}

static void every_character_survives_the_mapping(void **state)
{
	(void)state;
	for (unsigned int c = 1; c <= 0x10ffff; c += c < 0x11000 ? 1 : 257) {
		auto_str mapped = { 0 }, back = { 0 };
		unsigned int got;

		if (c >= 0xd800 && c < 0xe000)
			continue;
		if (xml_needs_mapping(c))
			xml_map_character(&mapped, c);
		else
			utf8_add(&mapped, c);
		xml_unmap(&back, mapped.text, mapped.length);
		assert_int_equal(utf8_get(back.text, back.length, &got), back.length);
		assert_int_equal(got, c);
	}
}

static void sequences_that_are_no_utf8_are_none(void **state)
{
	static const char *const bad[] = { "\x80",
					   "\xc1\x81",
					   "\xe0\x9f\xbf",
					   "\xed\xa0\x80",
					   "\xf0\x8f\xbf\xbf",
					   "\xf4\x90\x80\x80",
					   "\xf8\x88\x80\x80\x80",
					   "\xfc\x84\x80\x80",
					   "\xe2\x82" };
	unsigned int c;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(utf8_get(bad[i], strlen(bad[i]), &c), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_survive_being_a_value),
		cmocka_unit_test(no_other_value_is_bytes_or_a_time),
		cmocka_unit_test(base64_is_the_one_of_the_rfc),
		cmocka_unit_test(base64_that_is_none_is_refused),
		cmocka_unit_test(parsing_json_tells_line_and_column),
		cmocka_unit_test(an_integer_beyond_64_bits_becomes_a_double),
		cmocka_unit_test(values_become_xml),
		cmocka_unit_test(a_guest_cannot_forge_an_answer),
		cmocka_unit_test(text_that_xml_cannot_carry_is_made_visible),
		cmocka_unit_test(every_character_survives_the_mapping),
		cmocka_unit_test(sequences_that_are_no_utf8_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

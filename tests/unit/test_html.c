/*
 * What keywords show in Robot's log as HTML.
 */
#include "keywords/html.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/own.h"
#include "value/value.h"

static struct call call;

static int set_up(void **state)
{
	(void)state;
	trail_init(&call.trail);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	trail_clear(&call.trail);
	return 0;
}

static void check(const char *expected)
{
	assert_int_equal(call.trail.count, 1);
	assert_int_equal(call.trail.entries[0].level, TRAIL_HTML);
	assert_string_equal(call.trail.entries[0].text, expected);
}

static void a_table_has_a_line_for_each_object(void **state)
{
	auto_json *rows = json_pack("[{s:i, s:[i, i]}, {s:i, s:[i, {s:b, s:i}]}]", "port", 0,
				    "cpus", 1, 2, "port", 1, "cpus", 3, "x", 1, "y", 2);

	(void)state;
	html_table(&call, "Ports", rows, NULL);
	check("<table><caption>Ports</caption><tr><th>port</th><th>cpus</th></tr>"
	      "<tr><td>0</td><td>1, 2</td></tr><tr><td>1</td><td>3, x true, y 2</td></tr></table>");
}

static void a_table_shows_the_columns_that_are_asked_for(void **state)
{
	static const char *const columns[] = { "b", "missing", NULL };
	auto_json *rows = json_pack("[{s:i, s:f}]", "a", 1, "b", 0.25);

	(void)state;
	html_table(&call, "x", rows, columns);
	check("<table><caption>x</caption><tr><th>b</th><th>missing</th></tr>"
	      "<tr><td>0.25</td><td></td></tr></table>");
}

static void text_of_a_guest_stays_text(void **state)
{
	auto_json *rows = json_pack("[{s:s}]", "<b>", "<script>&\x1b");

	(void)state;
	html_table(&call, "<i>", rows, NULL);
	check("<table><caption>&lt;i&gt;</caption><tr><th>&lt;b&gt;</th></tr>"
	      "<tr><td>&lt;script&gt;&amp;\xe2\x90\x9b</td></tr></table>");
}

static void members_are_single_values(void **state)
{
	auto_json *object =
		json_pack("{s:s, s:[], s:{}, s:n}", "name", "a", "list", "dict", "none");

	(void)state;
	html_members(&call, "x", object);
	check("<table><caption>x</caption><tr><th>name</th><td>a</td></tr>"
	      "<tr><th>none</th><td>null</td></tr></table>");
}

static void no_row_is_no_table(void **state)
{
	auto_json *rows = json_array();

	(void)state;
	html_table(&call, "x", rows, NULL);
	assert_int_equal(call.trail.count, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_table_has_a_line_for_each_object),
		TEST(a_table_shows_the_columns_that_are_asked_for),
		TEST(text_of_a_guest_stays_text),
		TEST(members_are_single_values),
		TEST(no_row_is_no_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Documentation texts become Robot's markup and HTML.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "remote/markup.h"

static void check(void (*add)(struct str *, const char *), const char *text, const char *wanted)
{
	auto_str got = { 0 };

	add(&got, text);
	assert_string_equal(str_text(&got), wanted);
}

static void code_and_references_become_robots(void **state)
{
	(void)state;
	check(markup_add_robot, "say `vm`, see *Kill VM*.", "say ``vm``, see `Kill VM`.");
	check(markup_add_robot, "``vm`` stays", "``vm`` stays");
}

static void code_and_references_become_html(void **state)
{
	(void)state;
	check(markup_add_html, "say `a<b`, see *Kill VM*.",
	      "say <code>a&lt;b</code>, see <a href=\"#Kill-VM\">Kill VM</a>.");
	check(markup_add_html, "``x``", "<code>x</code>");
}

static void stars_of_a_product_stay(void **state)
{
	(void)state;
	check(markup_add_html, "ports * queues * 2", "ports * queues * 2");
	check(markup_add_robot, "*no keyword*", "*no keyword*");
}

static void a_mark_without_its_pair_stays(void **state)
{
	(void)state;
	check(markup_add_html, "one ` and * alone", "one ` and * alone");
	check(markup_add_html, "", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(code_and_references_become_robots),
		cmocka_unit_test(code_and_references_become_html),
		cmocka_unit_test(stars_of_a_product_stay),
		cmocka_unit_test(a_mark_without_its_pair_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

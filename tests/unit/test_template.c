/*
 * Templates of init scripts: what is replaced, and what is the script's own.
 */
#include "vm/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "value/value.h"

static void assert_rendered(const char *text, const char *expected)
{
	auto_json *values = json_pack("{s:s,s:s,s:s,s:i}", "vnf_bin", "testpmd --in-memory", "a",
				      "$vnf_bin", "_x1", "", "number", 1);
	auto_str result = { 0 };

	template_render(text, values, &result);
	assert_string_equal(str_text(&result), expected);
}

static void names_are_replaced_wherever_they_stand(void **state)
{
	(void)state;
	assert_rendered("$vnf_bin", "testpmd --in-memory");
	assert_rendered("exec $vnf_bin\n", "exec testpmd --in-memory\n");
	assert_rendered("${vnf_bin}2", "testpmd --in-memory2");
	assert_rendered("'$vnf_bin'$vnf_bin;", "'testpmd --in-memory'testpmd --in-memory;");
	assert_rendered("[$_x1]", "[]");
}

static void the_scripts_own_variables_stay(void **state)
{
	(void)state;
	assert_rendered("$vnf_bin2 $VNF_BIN ${vnf_bin2} $other", "$vnf_bin2 $VNF_BIN ${vnf_bin2} "
								 "$other");
	assert_rendered("$1 $? $$ $@ $(id) ${x:-y} ${#a} ${port##*/}",
			"$1 $? $$ $@ $(id) ${x:-y} ${#a} ${port##*/}");
	assert_rendered("${vnf_bin", "${vnf_bin");
	assert_rendered("${}", "${}");
	assert_rendered("a$", "a$");
	assert_rendered("$number", "$number");
	assert_rendered("", "");
}

static void a_replaced_text_is_not_looked_at_again(void **state)
{
	(void)state;
	assert_rendered("$a", "$vnf_bin");
	assert_rendered("$$a", "$$vnf_bin");
}

static void what_was_there_before_stays(void **state)
{
	auto_json *values = json_pack("{s:s}", "a", "b");
	auto_str result = { 0 };

	(void)state;
	str_adds(&result, "#!/bin/sh\n");
	template_render("$a", values, &result);
	assert_string_equal(str_text(&result), "#!/bin/sh\nb");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_replaced_wherever_they_stand),
		cmocka_unit_test(the_scripts_own_variables_stay),
		cmocka_unit_test(a_replaced_text_is_not_looked_at_again),
		cmocka_unit_test(what_was_there_before_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

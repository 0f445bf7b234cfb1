/*
 * Every keyword's declaration, and the finding of keywords.
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/own.h"
#include "keywords/convert.h"
#include "keywords/keyword.h"
#include "keywords/nearest.h"
#include "value/value.h"

static void each_keyword(void (*check)(const struct keyword *keyword))
{
	for (size_t f = 0; f < keyword_family_count; f++)
		for (size_t k = 0; k < keyword_families[f]->count; k++)
			check(&keyword_families[f]->keywords[k]);
}

static void each_argument(void (*check)(const struct keyword *keyword,
					const struct keyword_arg *arg))
{
	for (size_t f = 0; f < keyword_family_count; f++)
		for (size_t k = 0; k < keyword_families[f]->count; k++)
			for (size_t i = 0; i < keyword_families[f]->keywords[k].arg_count; i++)
				check(&keyword_families[f]->keywords[k],
				      &keyword_families[f]->keywords[k].args[i]);
}

static void check_keyword(const struct keyword *keyword)
{
	if (!keyword->run || !keyword->tags || !keyword->doc || strlen(keyword->doc) < 10)
		fail_msg("%s: handler, tags or documentation missing", keyword->name);
	if (!isupper((unsigned char)*keyword->name))
		fail_msg("%s: not in title case", keyword->name);
	if (keyword_find(keyword->name) != keyword)
		fail_msg("%s: another keyword has that name", keyword->name);
}

static void every_keyword_is_documented_and_found_by_its_name(void **state)
{
	(void)state;
	each_keyword(check_keyword);
}

static void check_documentation(const struct keyword *keyword, const struct keyword_arg *arg)
{
	if (!arg->doc || strlen(arg->doc) < 3)
		fail_msg("%s: argument '%s': no documentation", keyword->name, arg->name);
	if (arg->type == ARG_ENUM && (!arg->choices || !arg->choices[0]))
		fail_msg("%s: argument '%s': no choices", keyword->name, arg->name);
	if (arg->min > arg->max)
		fail_msg("%s: argument '%s': limits", keyword->name, arg->name);
	if (arg->type == ARG_INT && (arg->max > INT_MAX || arg->min < INT_MIN))
		fail_msg("%s: argument '%s': Robot sends 32 bits only", keyword->name, arg->name);
	if (arg->offset >= keyword->args_size)
		fail_msg("%s: argument '%s': outside of its struct", keyword->name, arg->name);
}

static void every_argument_is_documented(void **state)
{
	(void)state;
	each_argument(check_documentation);
}

static void check_default(const struct keyword *keyword, const struct keyword_arg *arg)
{
	auto_free char *text = keyword_arg_default(arg, NULL);
	auto_free void *bound = own_alloc(keyword->args_size + 1);
	auto_json *value = NULL;
	struct error err;

	if (arg->constant && !text)
		fail_msg("%s: argument '%s': no constant '%s'", keyword->name, arg->name,
			 arg->constant);
	if (!text)
		return;
	value = json_string(text);
	if (argument_convert(arg, value, bound, &err) < 0)
		fail_msg("%s: argument '%s': default: %s", keyword->name, arg->name, err.text);
	argument_clear(arg, bound);
}

static void every_default_is_accepted_by_its_own_argument(void **state)
{
	(void)state;
	each_argument(check_default);
}

static void check_order(const struct keyword *keyword)
{
	enum arg_kind last = ARG_POSITIONAL;
	bool optional = false;

	for (size_t i = 0; i < keyword->arg_count; i++) {
		const struct keyword_arg *arg = &keyword->args[i];
		bool required = !arg->fallback && !arg->constant;

		if (arg->kind < last || (arg->kind == last && arg->kind != ARG_POSITIONAL &&
					 arg->kind != ARG_NAMED_ONLY && i))
			fail_msg("%s: argument '%s': out of order", keyword->name, arg->name);
		if (arg->kind == ARG_POSITIONAL && required && optional)
			fail_msg("%s: argument '%s': required after optional", keyword->name,
				 arg->name);
		optional |= arg->kind == ARG_POSITIONAL && !required;
		last = arg->kind;
		for (size_t k = 0; k < i; k++)
			if (!strcmp(keyword->args[k].name, arg->name))
				fail_msg("%s: argument '%s': twice", keyword->name, arg->name);
	}
}

static void arguments_are_in_the_order_that_robot_wants(void **state)
{
	(void)state;
	each_keyword(check_order);
}

static void check_end(const struct keyword *keyword)
{
	bool ends = str_starts(keyword->name, "Stop ") || strstr(keyword->name, "Kill");

	/* The one whose failure leaves nothing behind. */
	if (!strcmp(keyword->name, "Stop Remote Server"))
		ends = false;
	if (keyword->cleans_up != ends)
		fail_msg("%s: is cleans_up right?", keyword->name);
}

static void what_only_ends_something_is_continuable(void **state)
{
	(void)state;
	each_keyword(check_end);
}

static void names_are_compared_as_robot_compares_them(void **state)
{
	(void)state;
	assert_true(name_equal("Start Kernel VM", "start_kernel_vm"));
	assert_true(name_equal("a", " A_-"));
	assert_false(name_equal("a", "ab"));
	assert_false(name_equal("", "a"));
	assert_true(name_equal("", " _"));
}

static void distances_are_levenshteins(void **state)
{
	(void)state;
	assert_int_equal(name_distance("kitten", "sitting"), 3);
	assert_int_equal(name_distance("cpus", "CPU_s"), 0);
	assert_int_equal(name_distance("", "abc"), 3);
	assert_true(name_is_near("cpus", 1));
	assert_false(name_is_near("cpus", 4));
}

static void robot_types_are_written_as_robot_reads_them(void **state)
{
	static const char *const choices[] = { "io", "mac", NULL };
	static const struct {
		struct keyword_arg arg;
		const char *type;
	} cases[] = {
		{ { .type = ARG_INT }, "int" },
		{ { .type = ARG_INT, .or_auto = true }, "int | Literal['auto']" },
		{ { .type = ARG_STR, .nullable = true }, "str | None" },
		{ { .type = ARG_ENUM, .choices = choices }, "Literal['io', 'mac']" },
		{ { .type = ARG_INT_LIST }, "list[int]" },
		{ { .type = ARG_INT_LIST, .kind = ARG_VARARGS }, "int" },
		{ { .type = ARG_DICT, .kind = ARG_KWARGS }, "Any" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_free char *type = keyword_arg_type(&cases[i].arg);

		assert_string_equal(type, cases[i].type);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_keyword_is_documented_and_found_by_its_name),
		cmocka_unit_test(every_argument_is_documented),
		cmocka_unit_test(every_default_is_accepted_by_its_own_argument),
		cmocka_unit_test(arguments_are_in_the_order_that_robot_wants),
		cmocka_unit_test(what_only_ends_something_is_continuable),
		cmocka_unit_test(names_are_compared_as_robot_compares_them),
		cmocka_unit_test(distances_are_levenshteins),
		cmocka_unit_test(robot_types_are_written_as_robot_reads_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Shell quoting, read back by the shells of this machine.
 */
#include "base/quote.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/own.h"
#include "base/process.h"

static const char *const words[] = {
	"plain",
	"",
	" ",
	"two  words ",
	"a\nb\n",
	"$HOME ${x} $(id) `id` $((1+1))",
	"'",
	"''quoted'' it's",
	"\"double\"",
	"back\\slash\\",
	"-n",
	"--",
	"if",
	"A=b",
	"~root",
	"* ? [a-z] {1,2}",
	"# no comment",
	"a;b & c | d > /dev/null < x !! !$",
	"\t\r\v\033[31m\x7f",
	"caf\xc3\xa9 \xe2\x9c\x93 \xf0\x9f\x90\xa7",
	"invalid \xff\xfe utf-8",
	"%s %d \\n",
};

#define WORD_COUNT (sizeof(words) / sizeof(words[0]))

static void assert_read_back(const char *shell, const char *text)
{
	auto_str script = { 0 };
	auto_process_result result = { 0 };
	struct wait w = wait_for_ms(10000);
	struct error err;
	char *argv[] = { (char *)shell, (char[]) { "-c" }, NULL, NULL };

	str_adds(&script, "printf %s. ");
	str_shell_quote(&script, text);
	argv[2] = script.text;
	if (process_run(argv, NULL, 65536, &w, &result, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(result.rc, 0);
	/* The dot keeps a newline at the end visible. */
	assert_int_equal(result.out.length, strlen(text) + 1);
	assert_memory_equal(result.out.text, text, strlen(text));
	assert_int_equal(result.err.length, 0);
}

static void every_word_reaches_sh_unchanged(void **state)
{
	(void)state;
	for (size_t i = 0; i < WORD_COUNT; i++)
		assert_read_back("sh", words[i]);
}

static void every_word_reaches_bash_unchanged(void **state)
{
	(void)state;
	if (access("/bin/bash", X_OK) < 0)
		skip();
	for (size_t i = 0; i < WORD_COUNT; i++)
		assert_read_back("/bin/bash", words[i]);
}

static void every_byte_but_nul_passes(void **state)
{
	char all[256];

	(void)state;
	for (int i = 0; i < 255; i++)
		all[i] = (char)(i + 1);
	all[255] = '\0';
	assert_read_back("sh", all);
}

static void a_list_becomes_as_many_words(void **state)
{
	auto_str script = { 0 };
	auto_process_result result = { 0 };
	struct wait w = wait_for_ms(10000);
	struct error err;
	char *list[] = { (char[]) { "printf" }, (char[]) { "[%s]" },	(char[]) { "a b" },
			 (char[]) { "" },	(char[]) { "$x\n'y'" }, NULL };
	char *argv[] = { (char[]) { "sh" }, (char[]) { "-c" }, NULL, NULL };

	(void)state;
	str_shell_quote_argv(&script, list);
	assert_string_equal(script.text, "'printf' '[%s]' 'a b' '' '$x\n'\\''y'\\'''");
	argv[2] = script.text;
	if (process_run(argv, NULL, 65536, &w, &result, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(result.out.text, "[a b][][$x\n'y']");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_word_reaches_sh_unchanged),
		cmocka_unit_test(every_word_reaches_bash_unchanged),
		cmocka_unit_test(every_byte_but_nul_passes),
		cmocka_unit_test(a_list_becomes_as_many_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

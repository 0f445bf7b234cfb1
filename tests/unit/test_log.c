/*
 * The server's own log.
 */
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/own.h"

/* "2026-01-31 12:00:00.000 error " */
#define PREFIX_LENGTH 30

/* What log_error() writes for @text behind time and level; the caller owns it. */
static char *logged(const char *text)
{
	auto_close int file = memfd_create("log", MFD_CLOEXEC);
	auto_close int before = dup(STDERR_FILENO);
	char *line = own_alloc(65536);

	assert_true(file >= 0 && before >= 0);
	assert_true(dup2(file, STDERR_FILENO) >= 0);
	log_error("%s", text);
	assert_true(dup2(before, STDERR_FILENO) >= 0);
	assert_true(pread(file, line, 65535, 0) > PREFIX_LENGTH);
	memmove(line, line + PREFIX_LENGTH, strlen(line + PREFIX_LENGTH) + 1);
	return line;
}

static void check(const char *text, const char *expected)
{
	auto_free char *line = logged(text);

	assert_string_equal(line, expected);
}

static void what_a_client_said_forges_no_message(void **state)
{
	(void)state;
	check("plain \xc3\xa9", "plain \xc3\xa9\n");
	check("", "\n");
	check("got 'x\n2026-01-01 00:00:00.000 error forged'",
	      "got 'x\n        2026-01-01 00:00:00.000 error forged'\n");
	check("one\r\n\ntwo\n", "one\n        two\n");
}

static void no_control_character_reaches_a_terminal(void **state)
{
	(void)state;
	check("\x1b[2J\x07\x7f\xff", "\xe2\x90\x9b[2J\xe2\x90\x87\xe2\x90\xa1\xef\xbf\xbd\n");
}

static void a_long_message_is_cut(void **state)
{
	auto_free char *text = own_alloc(20001);
	auto_free char *line = NULL;

	(void)state;
	memset(text, 'x', 20000);
	line = logged(text);
	assert_in_range(strlen(line), 8000, 8192);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_client_said_forges_no_message),
		cmocka_unit_test(no_control_character_reaches_a_terminal),
		cmocka_unit_test(a_long_message_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

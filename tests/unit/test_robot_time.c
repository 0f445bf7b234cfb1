/*
 * Robot Framework's time strings.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "keywords/robot_time.h"

static void times_are_read_as_robot_reads_them(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
		{ "10", 10000 },
		{ "1.5", 1500 },
		{ ".5", 500 },
		{ "1e3", 1000000 },
		{ "10 seconds", 10000 },
		{ "10s", 10000 },
		{ "1 min 30 s", 90000 },
		{ "1m30s", 90000 },
		{ "1:30", 90000 },
		{ "00:01:30.5", 90500 },
		{ "100:00:00", 360000000 },
		{ "1 day 2 hours 3 minutes 4 seconds 5 milliseconds", 93784005 },
		{ "2 WEEKS", 1209600000 },
		{ "1500 us", 2 },
		{ "2000000 ns", 2 },
		{ "5 \xce\xbcs", 0 },
		{ "-5 s", -5000 },
		{ "+5 s", 5000 },
		{ " 7 ", 7000 },
		{ "0", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		int64_t ms = -1;

		if (robot_time_parse(good[i].text, &ms) < 0)
			fail_msg("refused: %s", good[i].text);
		assert_int_equal(ms, good[i].ms);
	}
}

static void what_is_no_time_is_refused(void **state)
{
	static const char *const bad[] = {
		"",	"soon",	 "s",	"10 parsecs", "1:2:3:4", "1:",	       ":1",   "1.5:30",
		"1..5", "1.2.3", "--5", "1 s 1 s",    "inf",	 "nan",	       "0x10", "1e400",
		"1e12", "-",	 ".",	"5 s 3",      "1:30 s",	 "\xff\xff s",
	};
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!robot_time_parse(bad[i], &ms))
			fail_msg("accepted: %s", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_read_as_robot_reads_them),
		cmocka_unit_test(what_is_no_time_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

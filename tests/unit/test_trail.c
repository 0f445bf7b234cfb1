/*
 * The trail: steps with durations, from several threads, within a limit.
 */
#include "base/trail.h"

#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/own.h"
#include "base/thread.h"
#include "base/wait.h"

#define THREADS	 4
#define MESSAGES 500

static void assert_matches(const char *text, const char *pattern)
{
	regex_t regex;

	assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	if (regexec(&regex, text, 0, NULL, 0))
		fail_msg("'%s' does not match '%s'", text, pattern);
	regfree(&regex);
}

static void a_step_tells_how_long_it_took(void **state)
{
	struct wait w = wait_for_ms(60000);
	struct trail trail;

	(void)state;
	trail_init(&trail);
	wait_pause(&w, 20, NULL);
	trail_step(&trail, "step %d", 1);
	trail_step(&trail, "step %d", 2);
	assert_int_equal(trail.count, 2);
	assert_matches(trail.entries[0].text, "^step 1 \\([0-9]+\\.[0-9]{3} s\\)$");
	assert_true(strtod(trail.entries[0].text + strlen("step 1 ("), NULL) >= 0.02);
	/* Since the step before, not since the beginning. */
	assert_true(strtod(trail.entries[1].text + strlen("step 2 ("), NULL) < 0.02);
	assert_int_equal(trail.entries[0].level, TRAIL_INFO);
	assert_true(llabs(clock_wall_ms() - trail.entries[0].wall_ms) < 60000);
	trail_clear(&trail);
}

static void a_note_has_a_level_and_no_duration(void **state)
{
	struct trail trail;

	(void)state;
	trail_init(&trail);
	trail_note(&trail, TRAIL_WARN, "had to be %s", "killed");
	assert_string_equal(trail.entries[0].text, "had to be killed");
	assert_int_equal(trail.entries[0].level, TRAIL_WARN);
	trail_clear(&trail);
}

static void nobody_has_to_want_a_trail(void **state)
{
	(void)state;
	trail_step(NULL, "step");
	trail_note(NULL, TRAIL_INFO, "note");
}

static void what_is_beyond_the_limit_is_counted(void **state)
{
	auto_free char *half = own_alloc(TRAIL_TEXT_MAX / 2 + 1);
	struct trail trail;

	(void)state;
	memset(half, 'x', TRAIL_TEXT_MAX / 2);
	trail_init(&trail);
	trail_note(&trail, TRAIL_INFO, "%s", half);
	trail_note(&trail, TRAIL_INFO, "%s", half);
	assert_int_equal(trail.count, 2);
	assert_int_equal(trail.dropped, 0);
	trail_note(&trail, TRAIL_INFO, "x");
	trail_step(&trail, "x");
	assert_int_equal(trail.count, 2);
	assert_int_equal(trail.dropped, 2);
	trail_clear(&trail);
}

static void *write_messages(void *trail)
{
	for (int i = 0; i < MESSAGES; i++)
		trail_step(trail, "message %d", i);
	return NULL;
}

static void several_threads_lose_nothing(void **state)
{
	pthread_t threads[THREADS];
	struct trail trail;

	(void)state;
	trail_init(&trail);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(thread_start(&threads[i], "writer", write_messages, &trail, NULL),
				 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(trail.count, THREADS * MESSAGES);
	for (size_t i = 0; i < trail.count; i++)
		assert_memory_equal(trail.entries[i].text, "message ", 8);
	trail_clear(&trail);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_step_tells_how_long_it_took),
		cmocka_unit_test(a_note_has_a_level_and_no_duration),
		cmocka_unit_test(nobody_has_to_want_a_trail),
		cmocka_unit_test(what_is_beyond_the_limit_is_counted),
		cmocka_unit_test(several_threads_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

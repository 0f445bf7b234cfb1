/*
 * Test frames: what is built is recognised, and nothing else is.
 */
#include "nfv/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SIDE_1 "02:00:00:00:00:01"
#define VM     "52:54:00:00:01:02"

static const struct frame_id id = { .run = 0xdeadbeef, .chain = 300, .side = 1, .number = 7 };

static void a_built_frame_tells_what_it_is(void **state)
{
	uint8_t frame[FRAME_MAX];
	struct frame_id got;

	(void)state;
	frame_build(frame, FRAME_MIN, SIDE_1, VM, &id);
	assert_true(frame_parse(frame, FRAME_MIN - FRAME_FCS, &got));
	assert_int_equal(got.run, id.run);
	assert_int_equal(got.chain, id.chain);
	assert_int_equal(got.side, id.side);
	assert_int_equal(got.number, id.number);
}

static void addresses_stand_where_ethernet_has_them(void **state)
{
	static const uint8_t expected[] = { 0x52, 0x54, 0, 0, 1, 2, 2, 0, 0, 0, 0, 1, 8, 0 };
	uint8_t frame[FRAME_MAX];

	(void)state;
	frame_build(frame, FRAME_MIN, SIDE_1, VM, &id);
	assert_memory_equal(frame, expected, sizeof(expected));
}

/* The sum over a header with its checksum is all ones. Source: RFC 1071. */
static void the_ip_header_is_valid_at_every_size(void **state)
{
	static const size_t sizes[] = { FRAME_MIN, FRAME_STANDARD, FRAME_MAX };
	uint8_t frame[FRAME_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint32_t sum = 0;

		frame_build(frame, sizes[i], SIDE_1, VM, &id);
		for (size_t k = 14; k < 34; k += 2)
			sum += (uint32_t)frame[k] << 8 | frame[k + 1];
		assert_int_equal((sum & 0xffff) + (sum >> 16), 0xffff);
		assert_int_equal(frame[16] << 8 | frame[17], sizes[i] - FRAME_FCS - 14);
		assert_int_equal(frame[38] << 8 | frame[39], sizes[i] - FRAME_FCS - 34);
	}
}

static void the_two_directions_have_mirrored_addresses(void **state)
{
	struct frame_id back = id;
	uint8_t there[FRAME_MIN], here[FRAME_MIN];

	(void)state;
	back.side = 0;
	frame_build(there, FRAME_MIN, SIDE_1, VM, &id);
	frame_build(here, FRAME_MIN, SIDE_1, VM, &back);
	assert_memory_equal(there + 26, here + 30, 4);
	assert_memory_equal(there + 30, here + 26, 4);
}

static void a_new_number_changes_nothing_else(void **state)
{
	uint8_t frame[FRAME_MIN];
	struct frame_id got;

	(void)state;
	frame_build(frame, FRAME_MIN, SIDE_1, VM, &id);
	frame_number(frame, 0x01020304);
	assert_true(frame_parse(frame, FRAME_MIN - FRAME_FCS, &got));
	assert_int_equal(got.number, 0x01020304);
	assert_int_equal(got.run, id.run);
}

static void other_frames_are_not_ours(void **state)
{
	uint8_t frame[FRAME_MIN] = { 0 };
	struct frame_id got;

	(void)state;
	assert_false(frame_parse(frame, FRAME_MIN - FRAME_FCS, &got));
	frame_build(frame, FRAME_MIN, SIDE_1, VM, &id);
	assert_false(frame_parse(frame, 40, &got));
	frame[56] = FRAME_SIDES;
	assert_false(frame_parse(frame, FRAME_MIN - FRAME_FCS, &got));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_built_frame_tells_what_it_is),
		cmocka_unit_test(addresses_stand_where_ethernet_has_them),
		cmocka_unit_test(the_ip_header_is_valid_at_every_size),
		cmocka_unit_test(the_two_directions_have_mirrored_addresses),
		cmocka_unit_test(a_new_number_changes_nothing_else),
		cmocka_unit_test(other_frames_are_not_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

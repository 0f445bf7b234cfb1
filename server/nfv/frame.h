/*
 * Test frames: Ethernet, IPv4, UDP, and in it what tells one of ours from every other frame.
 *
 * A size is that of the frame on a wire, from the destination address to the frame check
 * sequence, as RFC 2544 counts; the check sequence itself is not in a buffer.
 */
#ifndef NFV_FRAME_H
#define NFV_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_FCS 4
#define FRAME_MIN 64
#define FRAME_MAX 9000
/* The largest with an MTU of 1500. Source: IEEE 802.3, 3.2.7. */
#define FRAME_STANDARD 1518
#define FRAME_SIDES    2

/*
 * @run:   of the measurement, so that a late frame of an earlier one is not counted
 * @chain: from 1
 * @side:  0 or 1, at which the frame enters the chain
 */
struct frame_id {
	uint32_t run;
	uint16_t chain;
	uint8_t side;
	uint32_t number;
};

/*
 * frame_build - fill @buffer, @size - FRAME_FCS bytes, with a frame from side 1 to side 2 or back
 * @source, @destination: MAC addresses as text
 *
 * Side 1 is in 10.0.0.0/8, side 2 in 20.0.0.0/8, as FD.io CSIT has its traffic.
 * Sources: RFC 894, RFC 791, RFC 768 (a checksum of 0: none).
 */
void frame_build(uint8_t *buffer, size_t size, const char *source, const char *destination,
		 const struct frame_id *id);
/* frame_number - give a built frame another number */
void frame_number(uint8_t *buffer, uint32_t number);
/* frame_parse - whether these @length bytes are a test frame, and which one */
bool frame_parse(const uint8_t *bytes, size_t length, struct frame_id *ret);

#endif

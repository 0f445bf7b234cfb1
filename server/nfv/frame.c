/*
 * Test frames.
 */
#include "nfv/frame.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/ether.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <string.h>

/* What the payload begins with: "vhTF" in ASCII. */
#define MAGIC 0x76685446u
/* Any port that no network function treats specially. */
#define UDP_PORT 4400
#define TTL	 64

struct headers {
	struct ether_header ethernet;
	struct iphdr ip;
	struct udphdr udp;
	struct payload {
		uint32_t magic;
		uint32_t run;
		uint32_t number;
		uint16_t chain;
		uint8_t side;
	} __attribute__((packed)) payload;
} __attribute__((packed));
_Static_assert(sizeof(struct headers) <= FRAME_MIN - FRAME_FCS, "fits the smallest frame");

static uint16_t checksum(const struct iphdr *ip)
{
	uint16_t words[sizeof(*ip) / 2];
	uint32_t sum = 0;

	memcpy(words, ip, sizeof(words));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

static struct iphdr make_ip(size_t length, const struct frame_id *id)
{
	/* 10.0.<chain>.1 and 20.0.<chain>.1, each its own flow. */
	uint32_t ends[FRAME_SIDES] = { 0x0a000001u | (uint32_t)id->chain << 8,
				       0x14000001u | (uint32_t)id->chain << 8 };
	struct iphdr ip = { .version = IPVERSION,
			    .ihl = sizeof(ip) / 4,
			    .tot_len = htons((uint16_t)length),
			    .ttl = TTL,
			    .protocol = IPPROTO_UDP,
			    .saddr = htonl(ends[id->side]),
			    .daddr = htonl(ends[!id->side]) };

	ip.check = checksum(&ip);
	return ip;
}

void frame_build(uint8_t *buffer, size_t size, const char *source, const char *destination,
		 const struct frame_id *id)
{
	size_t length = size - FRAME_FCS, ip_length = length - sizeof(struct ether_header);
	struct ether_addr address;
	struct headers h;

	memset(&h, 0, sizeof(h));
	if (ether_aton_r(destination, &address))
		memcpy(h.ethernet.ether_dhost, &address, ETH_ALEN);
	if (ether_aton_r(source, &address))
		memcpy(h.ethernet.ether_shost, &address, ETH_ALEN);
	h.ethernet.ether_type = htons(ETHERTYPE_IP);
	h.ip = make_ip(ip_length, id);
	h.udp.source = h.udp.dest = htons(UDP_PORT);
	h.udp.len = htons((uint16_t)(ip_length - sizeof(h.ip)));
	h.payload = (struct payload) { .magic = htonl(MAGIC),
				       .run = htonl(id->run),
				       .number = htonl(id->number),
				       .chain = htons(id->chain),
				       .side = id->side };
	memset(buffer, 0, length);
	memcpy(buffer, &h, sizeof(h));
}

void frame_number(uint8_t *buffer, uint32_t number)
{
	uint32_t wire = htonl(number);

	memcpy(buffer + offsetof(struct headers, payload.number), &wire, sizeof(wire));
}

bool frame_parse(const uint8_t *bytes, size_t length, struct frame_id *ret)
{
	struct headers h;

	if (length < sizeof(h))
		return false;
	memcpy(&h, bytes, sizeof(h));
	if (h.payload.magic != htonl(MAGIC) || h.payload.side >= FRAME_SIDES)
		return false;
	*ret = (struct frame_id) { .run = ntohl(h.payload.run),
				   .chain = ntohs(h.payload.chain),
				   .side = h.payload.side,
				   .number = ntohl(h.payload.number) };
	return true;
}

/*
 * SSH's binary format: numbers with the most significant byte first, strings with their length.
 */
#include "guest/ssh_session.h"

#include <arpa/inet.h>
#include <string.h>

int ssh_wire_u32(struct ssh_wire *wire, uint32_t *ret)
{
	if (wire->left < 4)
		return -1;
	memcpy(ret, wire->bytes, 4);
	*ret = ntohl(*ret);
	wire->bytes += 4;
	wire->left -= 4;
	return 0;
}

int ssh_wire_string(struct ssh_wire *wire, struct ssh_wire *ret)
{
	uint32_t length;

	if (ssh_wire_u32(wire, &length) < 0 || length > wire->left)
		return -1;
	*ret = (struct ssh_wire) { .bytes = wire->bytes, .left = length };
	wire->bytes += length;
	wire->left -= length;
	return 0;
}

void ssh_wire_add_u32(struct str *s, uint32_t n)
{
	n = htonl(n);
	str_add(s, (const char *)&n, sizeof(n));
}

void ssh_wire_add_string(struct str *s, const void *bytes, size_t length)
{
	ssh_wire_add_u32(s, (uint32_t)length);
	str_add(s, bytes, length);
}

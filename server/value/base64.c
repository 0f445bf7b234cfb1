/*
 * Base64 as XML-RPC, HTTP Basic and the guest agent use it: RFC 4648, section 4.
 */
#include "value/base64.h"

#include <stdint.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const void *bytes, size_t length, struct str *ret)
{
	const unsigned char *p = bytes;

	while (length) {
		size_t n = length < 3 ? length : 3;
		uint32_t word = (uint32_t)p[0] << 16 | (n > 1 ? (uint32_t)p[1] << 8 : 0) |
				(n > 2 ? (uint32_t)p[2] : 0);
		char four[4] = { alphabet[word >> 18], alphabet[word >> 12 & 63],
				 n > 1 ? alphabet[word >> 6 & 63] : '=',
				 n > 2 ? alphabet[word & 63] : '=' };

		str_add(ret, four, sizeof(four));
		p += n;
		length -= n;
	}
}

static int digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int base64_decode(const char *text, size_t length, struct str *ret)
{
	size_t digits = 0, padding = 0;
	uint32_t word = 0;

	for (size_t i = 0; i < length; i++) {
		char c = text[i];
		int value = digit(c);

		if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
			continue;
		if (c == '=' && digits % 4 + padding > 1 && padding < 2) {
			padding++;
			continue;
		}
		if (value < 0 || padding)
			return -1;
		word = word << 6 | (uint32_t)value;
		if (++digits % 4 == 0)
			str_add(ret, (char[]) { (char)(word >> 16), (char)(word >> 8), (char)word },
				3);
	}
	if ((digits + padding) % 4)
		return -1;
	if (padding == 1 && !(word & 3))
		str_add(ret, (char[]) { (char)(word >> 10), (char)(word >> 2) }, 2);
	else if (padding == 2 && !(word & 15))
		str_add(ret, (char[]) { (char)(word >> 4) }, 1);
	else if (padding)
		return -1;
	return 0;
}

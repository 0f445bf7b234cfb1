/*
 * Text in XML: what XML cannot carry, and what xmlrpc-c's parser would refuse or spoil.
 */
#include "value/xml_text.h"

#include <string.h>
#include <strings.h>

/*
 * The stand-in of a character: the marker and three private characters that carry 7 bits each.
 * All four are three bytes long in UTF-8.
 */
#define MAP_MARKER	 0xe7f0u
#define MAP_MARKER_BYTES "\xee\x9f\xb0"
#define MAP_FIRST	 0xe700u
#define MAP_BYTES	 12

bool xml_needs_mapping(unsigned int character)
{
	return character > 0xffff || character == MAP_MARKER || character == '\r';
}

bool xml_is_number(const char *text)
{
	return str_starts(text, XML_NUMBER_MARK);
}

void utf8_add(struct str *ret, unsigned int c)
{
	char bytes[4];
	size_t n = 0;

	if (c < 0x80) {
		bytes[n++] = (char)c;
	} else if (c < 0x800) {
		bytes[n++] = (char)(0xc0 | c >> 6);
	} else if (c < 0x10000) {
		bytes[n++] = (char)(0xe0 | c >> 12);
		bytes[n++] = (char)(0x80 | (c >> 6 & 0x3f));
	} else {
		bytes[n++] = (char)(0xf0 | c >> 18);
		bytes[n++] = (char)(0x80 | (c >> 12 & 0x3f));
		bytes[n++] = (char)(0x80 | (c >> 6 & 0x3f));
	}
	if (c >= 0x80)
		bytes[n++] = (char)(0x80 | (c & 0x3f));
	str_add(ret, bytes, n);
}

size_t utf8_get(const char *text, size_t left, unsigned int *ret)
{
	static const unsigned int least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)text;
	size_t n = p[0] < 0x80	 ? 1
		   : p[0] < 0xc2 ? 0
		   : p[0] < 0xe0 ? 2
		   : p[0] < 0xf0 ? 3
		   : p[0] < 0xf5 ? 4
				 : 0;
	unsigned int c = n == 1 ? p[0] : p[0] & (0x7fu >> n);

	*ret = 0;
	if (!n || n > left)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*ret = c;
	return n;
}

bool utf8_is_name(const char *name, size_t length)
{
	static const char *const names[] = { "utf-8", "utf8", "us-ascii", "ascii" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == length && !strncasecmp(names[i], name, length))
			return true;
	return false;
}

void xml_map_character(struct str *ret, unsigned int c)
{
	utf8_add(ret, MAP_MARKER);
	utf8_add(ret, MAP_FIRST + (c >> 14));
	utf8_add(ret, MAP_FIRST + (c >> 7 & 0x7f));
	utf8_add(ret, MAP_FIRST + (c & 0x7f));
}

static unsigned int three_bytes(const char *p)
{
	return ((unsigned int)p[0] & 0xf) << 12 | ((unsigned int)p[1] & 0x3f) << 6 |
	       ((unsigned int)p[2] & 0x3f);
}

void xml_unmap(struct str *ret, const char *text, size_t length)
{
	const char *end = text + length;

	for (;;) {
		const char *p = memmem(text, (size_t)(end - text), MAP_MARKER_BYTES, 3);

		if (!p || end - p < MAP_BYTES)
			break;
		str_add(ret, text, (size_t)(p - text));
		utf8_add(ret, (three_bytes(p + 3) - MAP_FIRST) << 14 |
				      (three_bytes(p + 6) - MAP_FIRST) << 7 |
				      (three_bytes(p + 9) - MAP_FIRST));
		text = p + MAP_BYTES;
	}
	str_add(ret, text, (size_t)(end - text));
}

/*
 * The length of the character at @p when it can be copied as it is, 0 when not; ASCII runs are
 * taken at once.
 */
static size_t plain_length(const char *p, size_t left)
{
	unsigned int c;
	size_t n = 0;

	for (; n < left; n++) {
		unsigned char b = (unsigned char)p[n];

		if (b >= 0x7f || b == '&' || b == '<' || b == '>' ||
		    (b < 0x20 && b != '\n' && b != '\t'))
			break;
	}
	if (n || (unsigned char)*p < 0x80)
		return n;
	n = utf8_get(p, left, &c);
	return c == 0xfffe || c == 0xffff ? 0 : n;
}

static void add_special(struct str *ret, unsigned char c)
{
	if (c == '&')
		str_adds(ret, "&amp;");
	else if (c == '<')
		str_adds(ret, "&lt;");
	else if (c == '>')
		str_adds(ret, "&gt;");
	else if (c == '\r')
		str_adds(ret, "&#13;");
	else if (c < 0x20)
		utf8_add(ret, 0x2400u + c);
	else if (c == 0x7f)
		utf8_add(ret, 0x2421u);
	else
		utf8_add(ret, 0xfffdu);
}

void xml_add_text(struct str *ret, const char *text, size_t length)
{
	unsigned int c;
	size_t n;

	for (size_t i = 0; i < length; i += n) {
		n = plain_length(text + i, length - i);
		if (n) {
			str_add(ret, text + i, n);
			continue;
		}
		add_special(ret, (unsigned char)text[i]);
		n = utf8_get(text + i, length - i, &c);
		n = n ? n : 1;
	}
}

/*
 * Text in XML: what XML cannot carry, and what xmlrpc-c's parser would refuse or spoil.
 */
#ifndef VALUE_XML_TEXT_H
#define VALUE_XML_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/*
 * xml_add_text - append @text with everything escaped or made visible that XML cannot carry
 *
 * Control characters are shown as str_printable() shows them, invalid UTF-8 as U+FFFD; a carriage
 * return is kept by a character reference. Source: XML 1.0, section 2.2, production Char.
 */
void xml_add_text(struct str *ret, const char *text, size_t length);
/* utf8_add - append one character */
void utf8_add(struct str *ret, unsigned int character);
/*
 * utf8_get - the character at @text and the length of its sequence
 *
 * Returns 0 when there is no valid sequence. Source: RFC 3629, section 4.
 */
size_t utf8_get(const char *text, size_t left, unsigned int *ret);
/* utf8_is_name - whether an encoding of this name is UTF-8 or a part of it, in any case */
bool utf8_is_name(const char *name, size_t length);

/*
 * xmlrpc-c refuses characters above U+FFFF and loses carriage returns. xml_map_character() appends
 * a stand-in of private characters to @ret, xml_unmap() appends @text with the characters back in
 * place. Private characters of that kind that come from outside go through the mapping as well:
 * xml_needs_mapping() tells.
 */
bool xml_needs_mapping(unsigned int character);
void xml_map_character(struct str *ret, unsigned int character);
void xml_unmap(struct str *ret, const char *text, size_t length);

/*
 * xmlrpc-c loses digits of doubles, so a double reaches it as a string with this in front, which
 * no mapped text can have.
 */
#define XML_NUMBER_MARK \
	"\xee\x9f\xb0"  \
	"double"
bool xml_is_number(const char *text);

#endif

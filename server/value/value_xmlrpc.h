/*
 * Values from and to XML-RPC: xmlrpc-c's parsed values in, XML text out.
 */
#ifndef VALUE_VALUE_XMLRPC_H
#define VALUE_VALUE_XMLRPC_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <xmlrpc-c/base.h>

#include "base/error.h"
#include "base/str.h"

/*
 * value_from_xmlrpc - the value that xmlrpc-c parsed
 * @ret_value:   owned by the caller
 * @ret_members: struct members below it are added here, so that the caller can find out that
 *               members of one name were merged
 *
 * Text is taken through xml_unmap(): characters that xmlrpc-c refuses are back afterwards.
 * Errors: EINVAL for a double that is not finite and a dateTime that is none.
 */
int value_from_xmlrpc(xmlrpc_value *from, json_t **ret_value, size_t *ret_members,
		      struct error *err);

/*
 * value_to_xml - append "<value>...</value>" to @ret; NULL is nil
 *
 * Integers are <int> when 32 bits hold them, else <i8>. Doubles keep all their digits; one that
 * is not finite becomes the string "inf", "-inf" or "nan", because XML-RPC has no such number.
 * Text: control characters that XML cannot carry are shown as str_printable() shows them.
 * Source: http://xmlrpc.com/spec.md, and Apache's extensions for nil and i8 without their
 * name space, as Python has them.
 */
void value_to_xml(const json_t *value, struct str *ret);
/* xml_add_text - append @text with everything escaped or made visible that XML cannot carry */
void xml_add_text(struct str *ret, const char *text, size_t length);

/*
 * xmlrpc-c refuses characters above U+FFFF. xml_map_character() appends a stand-in of private
 * characters to @ret, and xml_unmap() appends @text with the characters back in place.
 * A private character of that kind that comes from outside must go through the mapping as well:
 * xml_needs_mapping() tells.
 */
bool xml_needs_mapping(unsigned int character);
void xml_map_character(struct str *ret, unsigned int character);
void xml_unmap(struct str *ret, const char *text, size_t length);
/* utf8_add - append one character */
void utf8_add(struct str *ret, unsigned int character);

#endif

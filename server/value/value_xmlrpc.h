/*
 * Values from and to XML-RPC: xmlrpc-c's parsed values in, XML text out.
 */
#ifndef VALUE_VALUE_XMLRPC_H
#define VALUE_VALUE_XMLRPC_H

#include <jansson.h>
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
 * The body was prepared as value/xml_text.h says: characters that xmlrpc-c refuses and the digits
 * of doubles that it loses are back afterwards.
 * Errors: EINVAL for a double that is not finite.
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
#endif

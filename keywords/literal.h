/*
 * Lists and dictionaries written as text: JSON, or as Python prints them.
 */
#ifndef KEYWORDS_LITERAL_H
#define KEYWORDS_LITERAL_H

#include <jansson.h>

#include "base/error.h"

/*
 * literal_parse - "[1, 2]", "{'a': True}", "{\"a\": null}"
 *
 * Strings in either quotes with JSON's escapes and \', and None, True, False are understood
 * beside JSON. Returns a new value, or NULL with @err.
 */
json_t *literal_parse(const char *text, struct error *err);

#endif

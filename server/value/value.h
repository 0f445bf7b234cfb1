/*
 * The one dynamic value: a json_t, for QMP, the guest agent, state files, arguments and results.
 *
 * XML-RPC has two types more than JSON: bytes and dateTime. They are objects with one member
 * whose name no other object may have; a time is its text, bytes are base64 text.
 */
#ifndef VALUE_VALUE_H
#define VALUE_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"

#define auto_json __attribute__((cleanup(value_drop))) json_t

void value_drop(json_t **value);

/* value_text - a new string value of guest or program output: made printable by str_printable() */
json_t *value_text(const char *bytes, size_t length);
/* value_bytes - a new value that reaches Robot as bytes */
json_t *value_bytes(const void *bytes, size_t length);
/* value_is_bytes - false as well for what a peer's JSON has under that name and is no base64 */
bool value_is_bytes(const json_t *value);
/* value_get_bytes - what value_bytes() was given, appended to @ret; -1 when it is no such value */
int value_get_bytes(const json_t *value, struct str *ret);
/* value_bytes_base64 - the base64 text of such a value, borrowed; NULL when it is none */
const char *value_bytes_base64(const json_t *value);
/* value_time - a new dateTime value, "20230914T17:30:23" */
json_t *value_time(const char *iso8601);
/* value_get_time - its text, borrowed; NULL when it is no such value, or no time there is */
const char *value_get_time(const json_t *value);
/* value_string_list - a new array of strings */
json_t *value_string_list(char *const *items, size_t count);

/*
 * value_parse - one JSON document of @length bytes; @what names its source in errors
 * Errors: EPROTO with line and column.
 */
json_t *value_parse(const char *text, size_t length, const char *what, struct error *err);

#endif

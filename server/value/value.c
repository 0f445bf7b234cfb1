/*
 * The one dynamic value: a json_t, and the two types that JSON has not.
 */
#include "value/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/own.h"
#include "value/base64.h"

/*
 * XML cannot carry U+0001, so no client can send a member with one of these names. A guest agent
 * can, in JSON: what stands there is looked at before it is taken for bytes or a time.
 */
#define BYTES_MEMBER "\001bytes"
#define TIME_MEMBER  "\001time"

/* Source: http://xmlrpc.com/spec.md, dateTime.iso8601. */
#define TIME_LENGTH 17

void value_drop(json_t **value)
{
	json_decref(*value);
	*value = NULL;
}

json_t *value_text(const char *bytes, size_t length)
{
	auto_free char *text = str_printable(bytes, length);

	return json_string_nocheck(text);
}

static json_t *tagged(const char *member, const char *text)
{
	json_t *value = json_object();

	json_object_set_new_nocheck(value, member, json_string_nocheck(text));
	return value;
}

static const char *tagged_text(const json_t *value, const char *member)
{
	if (json_object_size(value) != 1)
		return NULL;
	return json_string_value(json_object_get(value, member));
}

json_t *value_bytes(const void *bytes, size_t length)
{
	auto_str text = { 0 };

	base64_encode(bytes, length, &text);
	return tagged(BYTES_MEMBER, str_text(&text));
}

bool value_is_bytes(const json_t *value)
{
	return value_bytes_base64(value) != NULL;
}

const char *value_bytes_base64(const json_t *value)
{
	const char *text = tagged_text(value, BYTES_MEMBER);
	auto_str bytes = { 0 };

	return text && !base64_decode(text, strlen(text), &bytes) ? text : NULL;
}

int value_get_bytes(const json_t *value, struct str *ret)
{
	const char *text = tagged_text(value, BYTES_MEMBER);

	return text ? base64_decode(text, strlen(text), ret) : -1;
}

json_t *value_time(const char *iso8601)
{
	return tagged(TIME_MEMBER, iso8601);
}

/* A day that there is, in the one form that Python reads; fractions of a second may follow. */
static bool is_time(const char *text)
{
	struct tm tm = { 0 }, day;
	const char *end = strptime(text, "%Y%m%dT%H:%M:%S", &tm);

	if (!end || end - text != TIME_LENGTH || strspn(text, "0123456789T:") < TIME_LENGTH ||
	    tm.tm_year < -1899 || tm.tm_sec > 59)
		return false;
	if (*end == '.' && end[1])
		end += 1 + strspn(end + 1, "0123456789");
	day = tm;
	timegm(&day);
	return !*end && day.tm_mday == tm.tm_mday;
}

const char *value_get_time(const json_t *value)
{
	const char *text = tagged_text(value, TIME_MEMBER);

	return text && is_time(text) ? text : NULL;
}

json_t *value_string_list(char *const *items, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, value_text(items[i], strlen(items[i])));
	return list;
}

json_t *value_parse(const char *text, size_t length, const char *what, struct error *err)
{
	json_error_t at;
	json_t *value = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &at);

	/* A number beyond 64 bits is better inexact than refused. */
	if (!value && json_error_code(&at) == json_error_numeric_overflow)
		value = json_loadb(
			text, length,
			JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &at);
	if (!value)
		error_set(err, EPROTO, "%s:%d:%d: %s", what, at.line, at.column, at.text);
	return value;
}

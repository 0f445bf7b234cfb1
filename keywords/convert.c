/*
 * One argument's value: from what a client sent to the field of the handler's struct.
 *
 * Types are advice to Robot; other clients send strings for everything, so every type reads its
 * own text form.
 */
#include "keywords/convert.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/own.h"
#include "keywords/literal.h"
#include "keywords/nearest.h"
#include "keywords/robot_time.h"
#include "value/value.h"

/* Bytes of a given value that an error shows. */
#define GIVEN_SHOWN_MAX 100

/* Items of a list argument. */
#define LIST_ITEMS_MAX 65536

static void *field(const struct keyword_arg *arg, void *bound)
{
	return (char *)bound + arg->offset;
}

/* A copy of at most GIVEN_SHOWN_MAX bytes, cut between characters. */
static char *shorten(const char *text, size_t length)
{
	size_t n = length;

	if (n > GIVEN_SHOWN_MAX) {
		n = GIVEN_SHOWN_MAX;
		while (n && ((unsigned char)text[n] & 0xc0) == 0x80)
			n--;
	}
	auto_free char *shown = str_printable(text, n);

	return own_printf("%s%s", shown, n < length ? "..." : "");
}

static bool in_range(const struct keyword_arg *arg, double number)
{
	return (!arg->min && !arg->max) || (number >= arg->min && number <= arg->max);
}

/*
 * Text as it was meant: Robot sends a string with control characters as bytes, one a character.
 */
static int get_text(const json_t *given, struct str *text)
{
	auto_str bytes = { 0 };

	switch (json_typeof(given)) {
	case JSON_STRING:
		str_add(text, json_string_value(given), json_string_length(given));
		return 0;
	case JSON_INTEGER:
		str_addf(text, "%lld", (long long)json_integer_value(given));
		return 0;
	case JSON_REAL:
		str_addf(text, "%.15g", json_real_value(given));
		return 0;
	case JSON_TRUE:
	case JSON_FALSE:
		str_adds(text, json_is_true(given) ? "True" : "False");
		return 0;
	default:
		break;
	}
	if (value_get_bytes(given, &bytes) < 0)
		return -1;
	for (size_t i = 0; i < bytes.length; i++) {
		unsigned char c = (unsigned char)bytes.text[i];

		if (c < 0x80)
			str_add(text, (char[]) { (char)c }, 1);
		else
			str_add(text, (char[]) { (char)(0xc0 | c >> 6), (char)(0x80 | (c & 63)) },
				2);
	}
	return 0;
}

static bool has_nul(const struct str *s)
{
	return s->length && memchr(s->text, '\0', s->length);
}

static json_t *plain_list(const json_t *given)
{
	auto_json *list = json_array();
	json_t *item;
	size_t i;

	json_array_foreach (given, i, item)
		if (json_array_append_new(list, argument_plain(item)) < 0)
			return NULL;
	return take_ptr(list);
}

static json_t *plain_dict(const json_t *given)
{
	auto_json *dict = json_object();
	const char *name;
	json_t *item;

	json_object_foreach ((json_t *)given, name, item)
		if (json_object_set_new_nocheck(dict, name, argument_plain(item)) < 0)
			return NULL;
	return take_ptr(dict);
}

json_t *argument_plain(const json_t *given)
{
	auto_str text = { 0 };

	if (value_get_time(given))
		return json_string_nocheck(value_get_time(given));
	if (value_is_bytes(given)) {
		get_text(given, &text);
		return has_nul(&text) ? NULL : json_stringn_nocheck(str_text(&text), text.length);
	}
	if (json_is_array(given))
		return plain_list(given);
	return json_is_object(given) ? plain_dict(given) : json_incref((json_t *)given);
}

static char *given_text(const json_t *given)
{
	auto_json *plain = NULL;
	auto_free char *dump = NULL;

	if (json_is_string(given))
		return shorten(json_string_value(given), json_string_length(given));
	if (json_is_null(given))
		return own_strdup("nil");
	if (value_is_bytes(given))
		return own_strdup("bytes");
	plain = argument_plain(given);
	if (json_is_string(plain))
		return shorten(json_string_value(plain), json_string_length(plain));
	dump = plain ? json_dumps(plain, JSON_ENCODE_ANY) : NULL;
	return dump ? shorten(dump, strlen(dump)) : own_strdup("?");
}

static int refuse(const struct keyword_arg *arg, const json_t *given, struct error *err)
{
	auto_free char *expected = argument_expected(arg);
	auto_free char *shown = arg->secret ? own_strdup("***") : given_text(given);

	return error_set(err, EINVAL, "expected %s, got '%s'", expected, shown);
}

/* The given text with white space around it taken away; NULL when it is no text. */
static char *trimmed(const json_t *given)
{
	auto_str text = { 0 };
	const char *start, *end;

	if (!json_is_string(given) || get_text(given, &text) < 0 || has_nul(&text))
		return NULL;
	start = str_text(&text);
	end = start + text.length;
	start += strspn(start, " \t\r\n");
	while (end > start && strchr(" \t\r\n", end[-1]))
		end--;
	return own_strndup(start, (size_t)(end - start));
}

static bool is_word(const json_t *given, const char *word)
{
	auto_free char *text = trimmed(given);

	return text && !strcasecmp(text, word);
}

static int text_to_int(const char *text, long long *ret)
{
	char *end;

	if (strncasecmp(text, "0x", 2))
		return str_to_int(text, INT_MIN, INT_MAX, ret);
	errno = 0;
	*ret = strtoll(text, &end, 16);
	return errno || *end || end == text + 2 || *ret > INT_MAX ? -1 : 0;
}

/* An integer of any form: 2, 2.0, "2", "0x2". */
static int get_int(const struct keyword_arg *arg, const json_t *given, int *ret)
{
	auto_free char *text = trimmed(given);
	long long number;

	if (text && text_to_int(text, &number) < 0)
		return -1;
	if (json_is_integer(given))
		number = json_integer_value(given);
	else if (json_is_real(given) && json_real_value(given) == floor(json_real_value(given)) &&
		 fabs(json_real_value(given)) < 1e15)
		number = (long long)json_real_value(given);
	else if (!text)
		return -1;
	if (number < INT_MIN || number > INT_MAX || !in_range(arg, (double)number))
		return -1;
	*ret = (int)number;
	return 0;
}

static int convert_str(const struct keyword_arg *arg, const json_t *given, void *to)
{
	auto_str text = { 0 };

	if (get_text(given, &text) < 0 || has_nul(&text) || !in_range(arg, (double)text.length))
		return -1;
	*(char **)to = str_take(&text);
	return 0;
}

static int convert_int(const struct keyword_arg *arg, const json_t *given, void *to)
{
	return get_int(arg, given, to);
}

static int convert_float(const struct keyword_arg *arg, const json_t *given, void *to)
{
	auto_free char *text = trimmed(given);
	double number = json_number_value(given);
	char *end;

	if (text) {
		if (!*text || text[strspn(text, "+-.0123456789eE")])
			return -1;
		number = strtod(text, &end);
		if (*end)
			return -1;
	} else if (!json_is_number(given)) {
		return -1;
	}
	if (!isfinite(number) || !in_range(arg, number))
		return -1;
	*(double *)to = number;
	return 0;
}

static int get_truth(const json_t *given)
{
	static const char *const truths[] = { "false", "no",   "off", "0",  "none",
					      "",      "true", "yes", "on", "1" };
	auto_free char *text = trimmed(given);

	if (json_is_boolean(given))
		return json_is_true(given);
	if (json_is_integer(given) && (json_integer_value(given) & ~1ll) == 0)
		return (int)json_integer_value(given);
	for (size_t i = 0; text && i < sizeof(truths) / sizeof(truths[0]); i++)
		if (!strcasecmp(text, truths[i]))
			return i >= 6;
	return -1;
}

static int convert_bool(const struct keyword_arg *arg, const json_t *given, void *to)
{
	int truth = get_truth(given);

	if (truth < 0)
		return -1;
	if (arg->or_auto || arg->nullable)
		*(int *)to = truth;
	else
		*(bool *)to = truth;
	return 0;
}

static int convert_timedelta(const struct keyword_arg *arg, const json_t *given, void *to)
{
	auto_free char *text = trimmed(given);
	int64_t ms;

	if (text ? robot_time_parse(text, &ms) < 0
		 : !json_is_number(given) ||
			    robot_time_from_seconds(json_number_value(given), &ms) < 0)
		return -1;
	if (ms < 0 || !in_range(arg, (double)ms))
		return -1;
	*(int64_t *)to = ms;
	return 0;
}

static int convert_enum(const struct keyword_arg *arg, const json_t *given, void *to)
{
	auto_str text = { 0 };

	if (get_text(given, &text) < 0 || has_nul(&text))
		return -1;
	for (int i = 0; arg->choices[i]; i++)
		if (name_equal(arg->choices[i], str_text(&text))) {
			*(int *)to = i;
			return 0;
		}
	return -1;
}

/* "a, b" as a list of texts. */
static json_t *split_list(const char *text)
{
	json_t *list = json_array();

	while (*text) {
		size_t n = strcspn(text, ","), length;

		text += strspn(text, " \t\n");
		n = strcspn(text, ",");
		for (length = n; length && strchr(" \t\n", text[length - 1]); length--)
			;
		json_array_append_new(list, json_stringn_nocheck(text, length));
		text += n + (text[n] == ',');
	}
	return list;
}

/* A list of any form: [1, 2], "[1, 2]", "1,2", "", 1; a new reference, NULL when it is none. */
static json_t *get_list(const json_t *given)
{
	auto_free char *text = trimmed(given);

	if (json_is_array(given))
		return json_incref((json_t *)given);
	if (text && *text == '[') {
		json_t *list = literal_parse(text, NULL);

		if (json_is_array(list))
			return list;
		json_decref(list);
		return NULL;
	}
	if (text)
		return split_list(text);
	return json_is_number(given) ? json_pack("[O]", given) : NULL;
}

static int convert_str_list(const struct keyword_arg *arg, const json_t *given, void *to)
{
	auto_json *list = get_list(given);
	struct strv *items = to;
	json_t *item;
	size_t i;

	(void)arg;
	if (!list || json_array_size(list) > LIST_ITEMS_MAX)
		return -1;
	json_array_foreach (list, i, item) {
		auto_str text = { 0 };

		if (get_text(item, &text) < 0 || has_nul(&text))
			return -1;
		strv_take(items, str_take(&text));
	}
	return 0;
}

static int convert_int_list(const struct keyword_arg *arg, const json_t *given, void *to)
{
	auto_json *list = get_list(given);
	struct int_list *items = to;
	json_t *item;
	size_t i;

	if (!list || json_array_size(list) > LIST_ITEMS_MAX)
		return -1;
	items->items = own_alloc((json_array_size(list) + 1) * sizeof(*items->items));
	json_array_foreach (list, i, item) {
		if (get_int(arg, item, &items->items[i]) < 0)
			return -1;
		items->count = i + 1;
	}
	return 0;
}

static int convert_dict(const struct keyword_arg *arg, const json_t *given, void *to)
{
	auto_free char *text = trimmed(given);
	auto_json *value = NULL;

	(void)arg;
	if (text)
		value = *text ? literal_parse(text, NULL) : json_object();
	else
		value = json_incref((json_t *)given);
	if (!json_is_object(value) || value_is_bytes(value) || value_get_time(value))
		return -1;
	*(json_t **)to = argument_plain(value);
	return *(json_t **)to ? 0 : -1;
}

static int convert_any(const struct keyword_arg *arg, const json_t *given, void *to)
{
	(void)arg;
	*(json_t **)to = json_incref((json_t *)given);
	return 0;
}

static int convert_bytes(const struct keyword_arg *arg, const json_t *given, void *to)
{
	struct str *bytes = to;

	if (json_is_string(given))
		str_add(bytes, json_string_value(given), json_string_length(given));
	else if (value_get_bytes(given, bytes) < 0)
		return -1;
	return in_range(arg, (double)bytes->length) ? 0 : -1;
}

static void clear_pointer(void *to)
{
	free(*(void **)to);
}

static void clear_strv(void *to)
{
	strv_clear(to);
}

static void clear_int_list(void *to)
{
	free(((struct int_list *)to)->items);
}

static void clear_json(void *to)
{
	json_decref(*(json_t **)to);
}

static void clear_str(void *to)
{
	str_clear(to);
}

static const struct type_rule {
	int (*convert)(const struct keyword_arg *arg, const json_t *given, void *to);
	void (*clear)(void *to);
	size_t size;
} rules[] = {
	[ARG_STR] = { convert_str, clear_pointer, sizeof(char *) },
	[ARG_INT] = { convert_int, NULL, sizeof(int) },
	[ARG_FLOAT] = { convert_float, NULL, sizeof(double) },
	[ARG_BOOL] = { convert_bool, NULL, sizeof(bool) },
	[ARG_TIMEDELTA] = { convert_timedelta, NULL, sizeof(int64_t) },
	[ARG_ENUM] = { convert_enum, NULL, sizeof(int) },
	[ARG_STR_LIST] = { convert_str_list, clear_strv, sizeof(struct strv) },
	[ARG_INT_LIST] = { convert_int_list, clear_int_list, sizeof(struct int_list) },
	[ARG_DICT] = { convert_dict, clear_json, sizeof(json_t *) },
	[ARG_ANY] = { convert_any, clear_json, sizeof(json_t *) },
	[ARG_BYTES] = { convert_bytes, clear_str, sizeof(struct str) },
};

/* "auto", or no value: numbers land as ARG_AUTO, what has a pointer stays empty. */
static void set_empty(const struct keyword_arg *arg, void *to)
{
	switch (arg->type) {
	case ARG_INT:
	case ARG_BOOL:
	case ARG_ENUM:
		*(int *)to = ARG_AUTO;
		break;
	case ARG_FLOAT:
		*(double *)to = ARG_AUTO;
		break;
	case ARG_TIMEDELTA:
		*(int64_t *)to = ARG_AUTO;
		break;
	default:
		break;
	}
}

/* Robot turns None into an empty text, so that is "none" too where none is allowed. */
static bool is_none(const json_t *given)
{
	return json_is_null(given) || is_word(given, "none") || is_word(given, "");
}

int argument_convert(const struct keyword_arg *arg, const json_t *given, void *bound,
		     struct error *err)
{
	void *to = field(arg, bound);

	if (arg->nullable && is_none(given)) {
		set_empty(arg, to);
		return 0;
	}
	if (arg->or_auto && arg->type != ARG_STR && is_word(given, "auto")) {
		set_empty(arg, to);
		return 0;
	}
	if (rules[arg->type].convert(arg, given, to) < 0) {
		argument_clear(arg, bound);
		return refuse(arg, given, err);
	}
	return 0;
}

void argument_clear(const struct keyword_arg *arg, void *bound)
{
	if (!rules[arg->type].clear)
		return;
	rules[arg->type].clear(field(arg, bound));
	memset(field(arg, bound), 0, rules[arg->type].size);
}

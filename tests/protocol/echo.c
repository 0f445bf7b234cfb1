/*
 * Keywords for the tests of the protocol: they give back what came in, wait, and fail.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "keywords/keyword.h"
#include "value/value.h"

struct value_args {
	json_t *value;
};

static const struct keyword_arg echo_args[] = {
	{ "value", ARG_POSITIONAL, ARG_ANY, .offset = offsetof(struct value_args, value),
	  .doc = "Anything." },
};

static int echo(struct call *call, void *args, json_t **ret, struct error *err)
{
	const struct value_args *a = args;

	(void)call, (void)err;
	*ret = json_incref(a->value);
	return 0;
}

static int nothing(struct call *call, void *args, json_t **ret, struct error *err)
{
	(void)call, (void)args, (void)ret, (void)err;
	return 0;
}

static const char *const mode_names[] = { "io", "mac", "rx only", NULL };

struct typed_args {
	const char *text;
	int number;
	double real;
	bool truth;
	int64_t time_ms;
	int mode;
	struct strv texts;
	struct int_list numbers;
	json_t *dict;
	int either;
	const char *maybe;
	int64_t timeout_ms;
};

#define AT(member) .offset = offsetof(struct typed_args, member)

static const struct keyword_arg typed_specs[] = {
	{ "text", ARG_POSITIONAL, ARG_STR, .min = 1, .max = 32, AT(text), .doc = "1 to 32 bytes." },
	{ "number", ARG_POSITIONAL, ARG_INT, .fallback = "1", .min = 1, .max = 255, AT(number),
	  .doc = "An integer." },
	{ "real", ARG_POSITIONAL, ARG_FLOAT, .fallback = "0.5", AT(real), .doc = "A number." },
	{ "truth", ARG_POSITIONAL, ARG_BOOL, .fallback = "False", AT(truth), .doc = "Yes or no." },
	{ "time", ARG_POSITIONAL, ARG_TIMEDELTA, .fallback = "10 seconds", AT(time_ms),
	  .doc = "A time." },
	{ "mode", ARG_POSITIONAL, ARG_ENUM, .fallback = "io", .choices = mode_names, AT(mode),
	  .doc = "One of three." },
	{ "texts", ARG_POSITIONAL, ARG_STR_LIST, .fallback = "[]", AT(texts), .doc = "Texts." },
	{ "numbers", ARG_POSITIONAL, ARG_INT_LIST, .fallback = "[]", .min = 0, .max = 1023,
	  AT(numbers), .doc = "Integers." },
	{ "dict", ARG_POSITIONAL, ARG_DICT, .fallback = "{}", AT(dict), .doc = "A dictionary." },
	{ "either", ARG_POSITIONAL, ARG_INT, .fallback = "auto", .or_auto = true, AT(either),
	  .doc = "An integer or auto." },
	{ "maybe", ARG_POSITIONAL, ARG_STR, .fallback = "none", .nullable = true, AT(maybe),
	  .doc = "Text or none." },
	{ "timeout", ARG_NAMED_ONLY, ARG_TIMEDELTA, .constant = "timeout.execute", AT(timeout_ms),
	  .doc = "From the constants." },
};

static json_t *int_array(const struct int_list *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->count; i++)
		json_array_append_new(array, json_integer(list->items[i]));
	return array;
}

static int typed(struct call *call, void *args, json_t **ret, struct error *err)
{
	const struct typed_args *a = args;

	(void)call, (void)err;
	*ret = json_pack("{s:s, s:i, s:f, s:b, s:I, s:s, s:o, s:o, s:O, s:i, s:s?, s:b}", "text",
			 a->text, "number", a->number, "real", a->real, "truth", a->truth, "time",
			 (json_int_t)a->time_ms, "mode", mode_names[a->mode], "texts",
			 value_string_list(a->texts.items, a->texts.count), "numbers",
			 int_array(&a->numbers), "dict", a->dict, "either", a->either, "maybe",
			 a->maybe, "timeout", a->timeout_ms > 0);
	return 0;
}

struct many_args {
	const char *first;
	struct strv rest;
	int count;
	json_t *options;
};

static const struct keyword_arg many_specs[] = {
	{ "first", ARG_POSITIONAL, ARG_STR, .offset = offsetof(struct many_args, first),
	  .doc = "The first." },
	{ "rest", ARG_VARARGS, ARG_STR_LIST, .offset = offsetof(struct many_args, rest),
	  .doc = "All others." },
	{ "count", ARG_NAMED_ONLY, ARG_INT, .fallback = "7",
	  .offset = offsetof(struct many_args, count), .doc = "By name only." },
	{ "options", ARG_KWARGS, ARG_DICT, .offset = offsetof(struct many_args, options),
	  .doc = "Any others by name." },
};

static int many(struct call *call, void *args, json_t **ret, struct error *err)
{
	const struct many_args *a = args;

	(void)call, (void)err;
	*ret = json_pack("{s:s, s:o, s:i, s:O}", "first", a->first, "rest",
			 value_string_list(a->rest.items, a->rest.count), "count", a->count,
			 "options", a->options);
	return 0;
}

struct fail_args {
	const char *message;
	bool continuable, fatal;
};

static const struct keyword_arg fail_specs[] = {
	{ "message", ARG_POSITIONAL, ARG_STR, .offset = offsetof(struct fail_args, message),
	  .doc = "The error." },
	{ "continuable", ARG_POSITIONAL, ARG_BOOL, .fallback = "False",
	  .offset = offsetof(struct fail_args, continuable), .doc = "Robot goes on." },
	{ "fatal", ARG_POSITIONAL, ARG_BOOL, .fallback = "False",
	  .offset = offsetof(struct fail_args, fatal), .doc = "Robot stops." },
};

static int fail_with(struct call *call, void *args, json_t **ret, struct error *err)
{
	const struct fail_args *a = args;

	(void)ret;
	trail_step(&call->trail, "first step");
	trail_step(&call->trail, "second step");
	call->continuable = a->continuable;
	call->fatal = a->fatal;
	return error_set(err, EIO, "%s", a->message);
}

struct wait_args {
	int64_t timeout_ms;
};

static const struct keyword_arg wait_specs[] = {
	{ "timeout", ARG_POSITIONAL, ARG_TIMEDELTA, .fallback = "10 seconds",
	  .offset = offsetof(struct wait_args, timeout_ms), .doc = "At the longest." },
};

static int wait_for_nothing(struct call *call, void *args, json_t **ret, struct error *err)
{
	const struct wait_args *a = args;
	struct wait w = call_wait(call, a->timeout_ms);

	(void)ret;
	wait_fds(&w, NULL, 0, err);
	return err->code == ETIMEDOUT ? 0 : -1;
}

static int raw_text(struct call *call, void *args, json_t **ret, struct error *err)
{
	static const char text[] = "a\x1b[31mred\x1b[0m\r\nnul\0bad\xff\xc3\xa9\xf0\x9f\x98\x80";

	(void)call, (void)args, (void)err;
	*ret = value_text(text, sizeof(text) - 1);
	return 0;
}

static int raw_bytes(struct call *call, void *args, json_t **ret, struct error *err)
{
	char all[256];

	(void)call, (void)args, (void)err;
	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	*ret = value_bytes(all, sizeof(all));
	return 0;
}

static int every_type(struct call *call, void *args, json_t **ret, struct error *err)
{
	(void)call, (void)args, (void)err;
	*ret = json_pack("{s:i, s:I, s:f, s:f, s:b, s:n, s:o, s:[i, [s]], s:s}", "int", -5, "i8",
			 (json_int_t)9007199254740993, "double", 0.1 + 0.2, "huge", 1e300, "truth",
			 1, "nil", "time", value_time("20230914T17:30:23"), "list", 1, "x",
			 "control", "\x01\x08\r");
	return 0;
}

static int log_lines(struct call *call, void *args, json_t **ret, struct error *err)
{
	(void)args, (void)ret, (void)err;
	trail_step(&call->trail, "a step");
	trail_note(&call->trail, TRAIL_DEBUG, "details");
	trail_note(&call->trail, TRAIL_WARN, "careful");
	trail_note(&call->trail, TRAIL_HTML, "<b>bold</b>");
	trail_note(&call->trail, TRAIL_INFO, "guest said:\n*ERROR* forged\nend");
	return 0;
}

struct bytes_args {
	struct str bytes;
};

static const struct keyword_arg bytes_specs[] = {
	{ "bytes", ARG_POSITIONAL, ARG_BYTES, .offset = offsetof(struct bytes_args, bytes),
	  .doc = "Bytes." },
};

static int count_bytes(struct call *call, void *args, json_t **ret, struct error *err)
{
	const struct bytes_args *a = args;

	(void)call, (void)err;
	*ret = json_integer((json_int_t)a->bytes.length);
	return 0;
}

static const struct keyword keywords[] = {
	{ "Echo", "value", "Gives back its argument.", KEYWORD_ARGS(echo_args),
	  sizeof(struct value_args), .returns = "the value", .run = echo },
	{ "Nothing", "value", "Returns nothing.", .run = nothing },
	{ "Typed", "arguments", "Gives back what it understood.", KEYWORD_ARGS(typed_specs),
	  sizeof(struct typed_args), .returns = "a dictionary", .run = typed },
	{ "Many", "arguments", "Takes any number.", KEYWORD_ARGS(many_specs),
	  sizeof(struct many_args), .returns = "a dictionary", .run = many },
	{ "Fail With", "result", "Fails with that message.", KEYWORD_ARGS(fail_specs),
	  sizeof(struct fail_args), .run = fail_with },
	{ "Wait For Nothing", "wait", "Waits until the timeout or until it is cancelled.",
	  KEYWORD_ARGS(wait_specs), sizeof(struct wait_args), .run = wait_for_nothing },
	{ "Raw Text", "value", "Text as a guest's console may have it.", .run = raw_text },
	{ "Raw Bytes", "value", "All 256 bytes.", .run = raw_bytes },
	{ "Every Type", "value", "One of each type.", .run = every_type },
	{ "Log Lines", "result", "Logs at every level.", .run = log_lines },
	{ "Count Bytes", "value", "The number of bytes.", KEYWORD_ARGS(bytes_specs),
	  sizeof(struct bytes_args), .returns = "an integer", .run = count_bytes },
	{ "Broken Promise", "value", "Returns nothing, though it says it would.",
	  .returns = "a value", .run = nothing },
};

static const struct keyword_family echo_family = KEYWORD_FAMILY("Echo", keywords);

const struct keyword_family *const keyword_families[] = { &echo_family };
const size_t keyword_family_count = 1;

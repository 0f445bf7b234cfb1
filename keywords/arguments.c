/*
 * Binding a call's arguments to a keyword's declaration: counts, names, defaults.
 */
#include "keywords/keyword.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "keywords/convert.h"
#include "keywords/nearest.h"
#include "value/value.h"

#define ARGUMENTS_MAX 64

/* A call being bound: which arguments have a value so far, one bit each. */
struct binding {
	const struct keyword *keyword;
	void *bound;
	uint64_t given;
	json_t *rest; /* for **name */
};

static const struct keyword_arg *arg_of_kind(const struct keyword *keyword, enum arg_kind kind)
{
	for (size_t i = 0; i < keyword->arg_count; i++)
		if (keyword->args[i].kind == kind)
			return &keyword->args[i];
	return NULL;
}

static size_t count_positional(const struct keyword *keyword, bool required)
{
	size_t n = 0;

	for (size_t i = 0; i < keyword->arg_count; i++) {
		const struct keyword_arg *arg = &keyword->args[i];

		if (arg->kind == ARG_POSITIONAL && !(required && (arg->fallback || arg->constant)))
			n++;
	}
	return n;
}

static int wrong_count(const struct keyword *keyword, size_t given, struct error *err)
{
	size_t least = count_positional(keyword, true), most = count_positional(keyword, false);
	auto_str allowed = { 0 };

	if (least == most)
		str_addf(&allowed, "%zu", most);
	else
		str_addf(&allowed, "%zu to %zu", least, most);
	return error_set(err, EINVAL, "%s: expected %s positional argument%s, got %zu",
			 keyword->name, str_text(&allowed), most == 1 ? "" : "s", given);
}

static int bind_one(struct binding *b, size_t index, const json_t *value, struct error *err)
{
	const struct keyword_arg *arg = &b->keyword->args[index];

	if (b->given & 1ull << index)
		return error_set(err, EINVAL,
				 "%s: argument '%s': given twice, by position and by name",
				 b->keyword->name, arg->name);
	if (argument_convert(arg, value, b->bound, err) < 0)
		return error_prefix(err, "%s: argument '%s'", b->keyword->name, arg->name);
	b->given |= 1ull << index;
	return 0;
}

static int bind_varargs(struct binding *b, const json_t *args, size_t first, struct error *err)
{
	const struct keyword_arg *arg = arg_of_kind(b->keyword, ARG_VARARGS);
	auto_json *rest = json_array();

	if (!arg)
		return 0;
	for (size_t i = first; i < json_array_size(args); i++)
		json_array_append(rest, json_array_get(args, i));
	return bind_one(b, (size_t)(arg - b->keyword->args), rest, err);
}

static int bind_positional(struct binding *b, const json_t *args, struct error *err)
{
	size_t next = 0;

	if (json_array_size(args) > count_positional(b->keyword, false) &&
	    !arg_of_kind(b->keyword, ARG_VARARGS))
		return wrong_count(b->keyword, json_array_size(args), err);
	for (size_t i = 0; i < b->keyword->arg_count && next < json_array_size(args); i++)
		if (b->keyword->args[i].kind == ARG_POSITIONAL &&
		    bind_one(b, i, json_array_get(args, next++), err) < 0)
			return -1;
	return bind_varargs(b, args, next, err);
}

/* The argument that may be given by this name, or arg_count. */
static size_t find_named(const struct keyword *keyword, const char *name)
{
	size_t i;

	for (i = 0; i < keyword->arg_count; i++)
		if ((keyword->args[i].kind == ARG_POSITIONAL ||
		     keyword->args[i].kind == ARG_NAMED_ONLY) &&
		    !strcmp(keyword->args[i].name, name))
			break;
	return i;
}

static const char *nearest_arg(const struct keyword *keyword, const char *name)
{
	const char *nearest = NULL;
	size_t best = SIZE_MAX;

	for (size_t i = 0; i < keyword->arg_count; i++) {
		const struct keyword_arg *arg = &keyword->args[i];
		size_t distance = name_distance(name, arg->name);

		if ((arg->kind == ARG_POSITIONAL || arg->kind == ARG_NAMED_ONLY) &&
		    distance < best) {
			best = distance;
			nearest = arg->name;
		}
	}
	return nearest && name_is_near(nearest, best) ? nearest : NULL;
}

static int unknown_name(const struct keyword *keyword, const char *name, struct error *err)
{
	auto_free char *shown = str_printable(name, strnlen(name, 100));
	const char *nearest = nearest_arg(keyword, name);
	auto_str known = { 0 };

	for (size_t i = 0; i < keyword->arg_count; i++)
		if (keyword->args[i].kind == ARG_POSITIONAL ||
		    keyword->args[i].kind == ARG_NAMED_ONLY)
			str_addf(&known, "%s%s", known.length ? ", " : "", keyword->args[i].name);
	error_set(err, EINVAL, "%s: argument '%s': no such argument", keyword->name, shown);
	if (nearest)
		return error_append(err, ", did you mean '%s'?", nearest);
	if (!known.length)
		return error_append(err, ", expected none");
	return error_append(err, ", expected one of %s", str_text(&known));
}

static int bind_named(struct binding *b, const json_t *kwargs, struct error *err)
{
	bool takes_any = arg_of_kind(b->keyword, ARG_KWARGS) != NULL;
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)kwargs, name, value) {
		size_t i = find_named(b->keyword, name);

		if (i < b->keyword->arg_count) {
			if (bind_one(b, i, value, err) < 0)
				return -1;
		} else if (!takes_any) {
			return unknown_name(b->keyword, name, err);
		} else if (json_object_set_new_nocheck(b->rest, name, argument_plain(value)) < 0) {
			return error_set(err, EINVAL,
					 "%s: argument '%s': expected no NUL byte in its text",
					 b->keyword->name, name);
		}
	}
	return 0;
}

static int bind_default(struct binding *b, size_t index, struct hostel *hostel, struct error *err)
{
	const struct keyword_arg *arg = &b->keyword->args[index];
	auto_free char *text = NULL;
	auto_json *value = NULL;

	if (arg->kind == ARG_VARARGS)
		value = json_array();
	else if (arg->kind == ARG_KWARGS)
		value = json_incref(b->rest);
	else if ((text = keyword_arg_default(arg, hostel)))
		value = json_string_nocheck(text);
	if (!value) {
		auto_free char *expected = argument_expected(arg);

		return error_set(err, EINVAL, "%s: argument '%s': missing, expected %s",
				 b->keyword->name, arg->name, expected);
	}
	return bind_one(b, index, value, err);
}

static int bind_all(struct binding *b, const json_t *args, const json_t *kwargs,
		    struct hostel *hostel, struct error *err)
{
	if (bind_positional(b, args, err) < 0 || bind_named(b, kwargs, err) < 0)
		return -1;
	for (size_t i = 0; i < b->keyword->arg_count; i++)
		if (!(b->given & 1ull << i) && bind_default(b, i, hostel, err) < 0)
			return -1;
	return 0;
}

int keyword_bind(const struct keyword *keyword, const json_t *args, const json_t *kwargs,
		 struct hostel *hostel, void *ret, struct error *err)
{
	auto_json *rest = json_object();
	struct binding b = { .keyword = keyword, .bound = ret, .rest = rest };

	memset(ret, 0, keyword->args_size);
	if (keyword->arg_count > ARGUMENTS_MAX)
		return error_set(err, E2BIG, "%s: more than %d arguments are declared",
				 keyword->name, ARGUMENTS_MAX);
	return bind_all(&b, args, kwargs, hostel, err);
}

void keyword_unbind(const struct keyword *keyword, void *bound)
{
	for (size_t i = 0; i < keyword->arg_count; i++)
		argument_clear(&keyword->args[i], bound);
}

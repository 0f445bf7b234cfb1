/*
 * The words behind a keyword's name as its arguments.
 */
#include "tools/vhostelctl/arguments.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/own.h"
#include "base/str.h"
#include "value/value.h"

void parameters_take(struct parameters *ret, json_t *specs, json_t *types)
{
	bool named_only = false;
	json_t *spec;
	size_t i;

	*ret = (struct parameters) { .specs = specs, .types = types };
	ret->items = own_alloc((json_array_size(specs) + 1) * sizeof(*ret->items));
	json_array_foreach (specs, i, spec) {
		const char *text = json_is_string(spec) ? json_string_value(spec) : "";
		struct parameter *p = &ret->items[ret->count];
		size_t stars = strspn(text, "*");
		auto_free char *name = NULL;

		*p = (struct parameter) { .name = text + stars,
					  .name_length = strcspn(text + stars, "="),
					  .kind = stars == 2   ? PARAMETER_KWARGS
						  : stars == 1 ? PARAMETER_VARARGS
						  : named_only ? PARAMETER_NAMED_ONLY
							       : PARAMETER_PLAIN };
		named_only = named_only || stars == 1;
		if (!p->name_length)
			continue;
		name = own_strndup(p->name, p->name_length);
		p->type = json_string_value(json_object_get(types, name));
		p->type = p->type ? p->type : "";
		ret->count++;
	}
}

int parameters_ask(struct client *c, const char *keyword, struct parameters *ret, struct error *err)
{
	auto_json *name = json_pack("[s]", keyword);
	json_t *specs = NULL, *types = NULL;

	*ret = (struct parameters) { 0 };
	if (client_call(c, "get_keyword_arguments", name, NULL, &specs, err) < 0)
		return -1;
	/* A server that has no types leaves all conversion to itself. */
	if (client_call(c, "get_keyword_types", name, NULL, &types, err) < 0 &&
	    err->code != EREMOTEIO) {
		json_decref(specs);
		return -1;
	}
	parameters_take(ret, specs, types);
	return 0;
}

void parameters_clear(struct parameters *p)
{
	json_decref(p->specs);
	json_decref(p->types);
	free(p->items);
	*p = (struct parameters) { 0 };
}

static const struct parameter *find_kind(const struct parameters *p, int kind)
{
	for (size_t i = 0; i < p->count; i++)
		if ((int)p->items[i].kind == kind)
			return &p->items[i];
	return NULL;
}

const struct parameter *parameters_named(const struct parameters *p, const char *name,
					 size_t length)
{
	for (size_t i = 0; i < p->count; i++) {
		const struct parameter *one = &p->items[i];

		if ((one->kind == PARAMETER_PLAIN || one->kind == PARAMETER_NAMED_ONLY) &&
		    one->name_length == length && !memcmp(one->name, name, length))
			return one;
	}
	return NULL;
}

/* Whether @type, "int" or "int | None", begins with @name. */
static bool type_is(const char *type, const char *name)
{
	size_t n = strlen(name);

	return !strncmp(type, name, n) && !isalnum((unsigned char)type[n]) && type[n] != '_';
}

static json_t *number_of(const char *text)
{
	char *end;
	double number = strtod(text, &end);

	if (!*text || *end || text[strspn(text, "+-.0123456789eE")] || !isfinite(number))
		return NULL;
	return json_real(number);
}

static json_t *literal_of(const char *text, char first)
{
	return *text == first ? json_loads(text, 0, NULL) : NULL;
}

/* The value of @type that @text is, or NULL. */
static json_t *typed(const char *type, const char *text)
{
	long long number;

	if (type_is(type, "int"))
		return str_to_int(text, INT_MIN, INT_MAX, &number) < 0 ? NULL
								       : json_integer(number);
	if (type_is(type, "float"))
		return number_of(text);
	if (type_is(type, "bool") && (!strcasecmp(text, "true") || !strcasecmp(text, "false")))
		return json_boolean(!strcasecmp(text, "true"));
	if (type_is(type, "list"))
		return literal_of(text, '[');
	if (type_is(type, "dict"))
		return literal_of(text, '{');
	return NULL;
}

/* @name is for the error. */
static int value_of(const char *type, const char *name, const char *text, json_t **ret,
		    struct error *err)
{
	*ret = typed(type, text);
	if (!*ret)
		*ret = json_string(text);
	if (!*ret)
		return error_set(err, EINVAL, "argument '%s': its value is not UTF-8", name);
	return 0;
}

static int json_of(const char *name, const char *text, json_t **ret, struct error *err)
{
	json_error_t why;

	*ret = json_loads(text, JSON_DECODE_ANY, &why);
	return *ret ? 0
		    : error_set(err, EINVAL,
				"argument '%s': expected JSON behind :=, got "
				"'%s': %s",
				name, text, why.text);
}

/* The type of a list's items: "int" of "list[int]". */
static char *item_type(const char *type)
{
	return type_is(type, "list") && type[4] == '['
		       ? own_strndup(type + 5, strcspn(type + 5, "]"))
		       : own_strdup("");
}

/* The first value becomes a list's first item when a second one comes. */
static int add_again(const char *name, const char *type, json_t *kwargs, json_t *value,
		     struct error *err)
{
	json_t *before = json_object_get(kwargs, name);
	auto_free char *item = item_type(type);
	json_t *first;

	if (!type_is(type, "list")) {
		json_decref(value);
		return error_set(err, EINVAL, "argument '%s' is given twice", name);
	}
	if (!json_is_array(before)) {
		first = json_is_string(before) ? typed(item, json_string_value(before)) : NULL;
		before = json_pack("[o]", first ? first : json_incref(before));
		json_object_set_new(kwargs, name, before);
	}
	if (json_is_array(value)) {
		json_array_extend(before, value);
		json_decref(value);
		return 0;
	}
	first = json_is_string(value) ? typed(item, json_string_value(value)) : NULL;
	json_array_append_new(before, first ? first : json_incref(value));
	json_decref(value);
	return 0;
}

static int add_named(const struct parameter *p, const char *word, size_t length, bool is_json,
		     json_t *kwargs, struct error *err)
{
	auto_free char *name = own_strndup(word, length);
	const char *text = word + length + (is_json ? 2 : 1);
	const char *type = p->kind == PARAMETER_KWARGS ? "" : p->type;
	json_t *value;

	if (is_json ? json_of(name, text, &value, err) < 0
		    : value_of(type, name, text, &value, err) < 0)
		return -1;
	if (json_object_get(kwargs, name))
		return add_again(name, type, kwargs, value, err);
	if (json_object_set_new(kwargs, name, value) < 0)
		return error_set(err, EINVAL, "a name of an argument is not UTF-8");
	return 0;
}

/* Which parameter NAME=VALUE names; NULL when the word is a positional value. */
static const struct parameter *named_by(const struct parameters *p, const char *word,
					size_t *ret_length, bool *ret_json)
{
	const struct parameter *found;
	const char *equals = strchr(word, '=');
	size_t n = equals ? (size_t)(equals - word) : 0;

	if (!n)
		return NULL;
	*ret_json = word[n - 1] == ':';
	*ret_length = n - *ret_json;
	found = parameters_named(p, word, *ret_length);
	if (found || !*ret_length)
		return found;
	for (size_t i = 0; i < *ret_length; i++)
		if (!isalnum((unsigned char)word[i]) && !strchr("_-.", word[i]))
			return NULL;
	return find_kind(p, PARAMETER_KWARGS);
}

static int misplaced(const struct parameters *p, const char *word, struct error *err)
{
	error_set(err, EINVAL,
		  "'%s' is no NAME=VALUE of this keyword, but stands behind one; its "
		  "arguments are",
		  word);
	for (size_t i = 0; i < p->count; i++)
		error_append(err, "%s %s%.*s", i ? "," : "",
			     p->items[i].kind == PARAMETER_KWARGS    ? "**"
			     : p->items[i].kind == PARAMETER_VARARGS ? "*"
								     : "",
			     (int)p->items[i].name_length, p->items[i].name);
	return -1;
}

static const struct parameter *positional(const struct parameters *p, size_t position)
{
	if (position < p->count && p->items[position].kind == PARAMETER_PLAIN)
		return &p->items[position];
	return find_kind(p, PARAMETER_VARARGS);
}

static int add_positional(const struct parameters *p, const char *word, json_t *args,
			  struct error *err)
{
	const struct parameter *one = positional(p, json_array_size(args));
	auto_free char *number = own_printf("%zu", json_array_size(args) + 1);
	auto_free char *item = own_strdup(one ? one->type : "");
	const char *equals = strchr(word, '=');
	auto_str text = { 0 };
	json_t *value;

	if (one && one->kind == PARAMETER_VARARGS && type_is(one->type, "list")) {
		free(item);
		item = item_type(one->type);
	}
	if (equals && equals > word && equals[-1] == '\\') {
		str_add(&text, word, (size_t)(equals - 1 - word));
		str_adds(&text, equals);
	} else {
		str_adds(&text, word);
	}
	if (value_of(item, number, str_text(&text), &value, err) < 0)
		return -1;
	json_array_append_new(args, value);
	return 0;
}

int arguments_bind(const struct parameters *p, const char *const *words, size_t count,
		   json_t **ret_args, json_t **ret_kwargs, struct error *err)
{
	auto_json *args = json_array();
	auto_json *kwargs = json_object();

	for (size_t i = 0; i < count; i++) {
		bool is_json = false;
		size_t length = 0;
		const struct parameter *named = named_by(p, words[i], &length, &is_json);

		if (named && add_named(named, words[i], length, is_json, kwargs, err) < 0)
			return -1;
		if (!named && json_object_size(kwargs))
			return misplaced(p, words[i], err);
		if (!named && add_positional(p, words[i], args, err) < 0)
			return -1;
	}
	*ret_args = take_ptr(args);
	*ret_kwargs = take_ptr(kwargs);
	return 0;
}

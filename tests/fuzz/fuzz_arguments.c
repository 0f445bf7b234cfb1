/*
 * Fuzzing the conversion of arguments: one text for every type, and what it is as JSON for every
 * type and as all arguments of a call.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/own.h"
#include "keywords/keyword.h"
#include "value/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* keyword_bind() sees a new object for each argument, so that one refusal hides no other. */
static void give_each(const struct keyword *keyword, json_t *value)
{
	auto_free void *bound = own_alloc(keyword->args_size + 1);
	struct error err;

	for (size_t i = 0; i < keyword->arg_count; i++) {
		auto_json *args = json_array();
		auto_json *kwargs = json_object();

		json_object_set(kwargs, keyword->args[i].name, value);
		keyword_bind(keyword, args, kwargs, NULL, bound, &err);
		keyword_unbind(keyword, bound);
	}
}

/* An array as positional arguments, an object as named ones. */
static void give_all(const struct keyword *keyword, json_t *value)
{
	auto_free void *bound = own_alloc(keyword->args_size + 1);
	auto_json *none = json_array();
	struct error err;

	if (json_is_array(value))
		keyword_bind(keyword, value, NULL, NULL, bound, &err);
	else if (json_is_object(value))
		keyword_bind(keyword, none, value, NULL, bound, &err);
	else
		return;
	keyword_unbind(keyword, bound);
}

static void give(const struct keyword *keyword, json_t *text, json_t *bytes, json_t *parsed)
{
	give_each(keyword, text);
	give_each(keyword, bytes);
	if (!parsed)
		return;
	give_each(keyword, parsed);
	give_all(keyword, parsed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_json *text = json_stringn_nocheck((const char *)data, size);
	auto_json *bytes = value_bytes(data, size);
	auto_json *parsed = value_parse((const char *)data, size, "fuzz", NULL);

	for (size_t f = 0; f < keyword_family_count; f++)
		for (size_t k = 0; k < keyword_families[f]->count; k++)
			give(&keyword_families[f]->keywords[k], text, bytes, parsed);
	return 0;
}

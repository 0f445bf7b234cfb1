/*
 * Fuzzing the conversion of arguments: one text for every type, and as JSON for all arguments.
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_json *text = json_stringn_nocheck((const char *)data, size);
	auto_json *bytes = value_bytes(data, size);
	auto_json *parsed = value_parse((const char *)data, size, "fuzz", NULL);

	for (size_t f = 0; f < keyword_family_count; f++)
		for (size_t k = 0; k < keyword_families[f]->count; k++) {
			give_each(&keyword_families[f]->keywords[k], text);
			give_each(&keyword_families[f]->keywords[k], bytes);
			if (parsed)
				give_each(&keyword_families[f]->keywords[k], parsed);
		}
	return 0;
}

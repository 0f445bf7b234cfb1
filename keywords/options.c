/*
 * Arguments of one keyword that another takes as free named ones.
 */
#include "keywords/options.h"

#include <string.h>

#include "keywords/convert.h"
#include "value/value.h"

static bool is_option(const struct keyword_arg *arg)
{
	return strcmp(arg->name, "vm") != 0 && strcmp(arg->name, "timeout") != 0;
}

static int take(const struct keyword_arg *arg, json_t *options, void *bound, struct error *err)
{
	auto_json *fallback = json_string(arg->fallback);
	const json_t *given = json_object_get(options, arg->name);

	if (argument_convert(arg, given ? given : fallback, bound, err) < 0)
		return error_prefix(err, "argument '%s'", arg->name);
	json_object_del(options, arg->name);
	return 0;
}

int options_take(const struct keyword_arg *args, size_t count, json_t *options, void *bound,
		 struct error *err)
{
	for (size_t i = 0; i < count; i++)
		if (is_option(&args[i]) && take(&args[i], options, bound, err) < 0)
			return -1;
	return 0;
}

void options_clear(const struct keyword_arg *args, size_t count, void *bound)
{
	for (size_t i = 0; i < count; i++)
		if (is_option(&args[i]))
			argument_clear(&args[i], bound);
}

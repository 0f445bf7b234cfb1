/*
 * Finding keywords, and what their arguments look like to Robot.
 */
#include "keywords/keyword.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "config/constants.h"
#include "keywords/nearest.h"
#include "vm/hostel.h"

const struct keyword *keyword_find(const char *name)
{
	for (size_t f = 0; f < keyword_family_count; f++)
		for (size_t k = 0; k < keyword_families[f]->count; k++)
			if (name_equal(keyword_families[f]->keywords[k].name, name))
				return &keyword_families[f]->keywords[k];
	return NULL;
}

const struct keyword *keyword_nearest(const char *name)
{
	const struct keyword *nearest = NULL;
	size_t best = (size_t)-1;

	for (size_t f = 0; f < keyword_family_count; f++) {
		for (size_t k = 0; k < keyword_families[f]->count; k++) {
			const struct keyword *keyword = &keyword_families[f]->keywords[k];
			size_t distance = name_distance(name, keyword->name);

			if (distance < best) {
				best = distance;
				nearest = keyword;
			}
		}
	}
	return nearest && name_is_near(nearest->name, best) ? nearest : NULL;
}

static void add_literals(struct str *type, const char *const *choices)
{
	str_adds(type, "Literal[");
	for (size_t i = 0; choices[i]; i++)
		str_addf(type, "%s'%s'", i ? ", " : "", choices[i]);
	str_adds(type, "]");
}

char *keyword_arg_type(const struct keyword_arg *arg)
{
	static const char *const names[] = {
		[ARG_STR] = "str",
		[ARG_INT] = "int",
		[ARG_FLOAT] = "float",
		[ARG_BOOL] = "bool",
		[ARG_TIMEDELTA] = "timedelta",
		[ARG_STR_LIST] = "list[str]",
		[ARG_INT_LIST] = "list[int]",
		[ARG_DICT] = "dict",
		[ARG_ANY] = "Any",
		[ARG_BYTES] = "bytes",
	};
	bool single = arg->kind == ARG_VARARGS || arg->kind == ARG_KWARGS;
	struct str type = { 0 };

	/* Of *name and **name Robot wants the type of one item. */
	if (single)
		str_adds(&type, arg->type == ARG_INT_LIST   ? "int"
				: arg->type == ARG_STR_LIST ? "str"
							    : "Any");
	else if (arg->type == ARG_ENUM)
		add_literals(&type, arg->choices);
	else
		str_adds(&type, names[arg->type]);
	if (!single && arg->or_auto)
		str_adds(&type, " | Literal['auto']");
	if (!single && arg->nullable)
		str_adds(&type, " | None");
	return str_take(&type);
}

/* A constant's present value, or its default where there is no hostel (unit tests). */
static char *constant_text(const char *key, struct hostel *hostel)
{
	char *text = NULL;
	struct error err;

	if (hostel) {
		struct constants_box *box = hostel_constants(hostel);
		const struct constants *now = constants_hold(box);

		if (constants_get(now, key, &text, &err) < 0)
			text = NULL;
		constants_release(box, now);
	} else {
		struct constants *defaults;

		if (constants_load(NULL, NULL, &defaults, &err) < 0)
			return NULL;
		if (constants_get(defaults, key, &text, &err) < 0)
			text = NULL;
		constants_free(defaults);
	}
	return text;
}

char *keyword_arg_default(const struct keyword_arg *arg, struct hostel *hostel)
{
	if (arg->constant)
		return constant_text(arg->constant, hostel);
	return arg->fallback ? own_strdup(arg->fallback) : NULL;
}

/*
 * What an argument may be, and what was given instead, in words.
 */
#include "keywords/convert.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"

static bool has_range(const struct keyword_arg *arg)
{
	return arg->min != 0 || arg->max != 0;
}

static void add_range(const struct keyword_arg *arg, struct str *s)
{
	if (has_range(arg))
		str_addf(s, " from %.15g to %.15g", arg->min, arg->max);
	if (arg->unit)
		str_addf(s, has_range(arg) ? " %s" : " (%s)", arg->unit);
}

static void add_length(const struct keyword_arg *arg, struct str *s)
{
	if (has_range(arg))
		str_addf(s, " of %.15g to %.15g bytes", arg->min, arg->max);
}

static void add_choices(const struct keyword_arg *arg, struct str *s)
{
	for (size_t i = 0; arg->choices[i]; i++)
		str_addf(s, "%s'%s'",
			 !i		       ? ""
			 : arg->choices[i + 1] ? ", "
					       : " or ",
			 arg->choices[i]);
}

static void add_timedelta(const struct keyword_arg *arg, struct str *s)
{
	str_adds(s, "a time such as '10 seconds' or '1 min 30 s'");
	if (has_range(arg))
		str_addf(s, " from %.15g to %.15g seconds", arg->min / 1000, arg->max / 1000);
}

char *argument_expected(const struct keyword_arg *arg)
{
	struct str s = { 0 };

	switch (arg->type) {
	case ARG_STR:
		str_adds(&s, "text");
		add_length(arg, &s);
		break;
	case ARG_INT:
		str_adds(&s, "an integer");
		add_range(arg, &s);
		break;
	case ARG_FLOAT:
		str_adds(&s, "a number");
		add_range(arg, &s);
		break;
	case ARG_BOOL:
		str_adds(&s, "true or false");
		break;
	case ARG_TIMEDELTA:
		add_timedelta(arg, &s);
		break;
	case ARG_ENUM:
		add_choices(arg, &s);
		break;
	case ARG_STR_LIST:
		str_adds(&s, "a list of texts");
		break;
	case ARG_INT_LIST:
		str_adds(&s, "a list of integers");
		add_range(arg, &s);
		break;
	case ARG_DICT:
		str_adds(&s, "a dictionary");
		break;
	case ARG_ANY:
		str_adds(&s, "a value");
		break;
	case ARG_BYTES:
		str_adds(&s, "bytes");
		break;
	}
	if (arg->or_auto)
		str_adds(&s, " or 'auto'");
	if (arg->nullable)
		str_adds(&s, " or 'none'");
	return str_take(&s);
}

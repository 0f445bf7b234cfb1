/*
 * The keyword table as Robot's library information.
 */
#include "remote/library.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "remote/markup.h"

const char library_summary[] =
	"Boots virtual machines with vhost-user interfaces, runs network functions in them and "
	"cleans up after them.\n\n"
	"A VM is named by its ``vm`` argument, 1 to 32 characters of ``A-Z a-z 0-9 . _ -``. Times "
	"are Robot Framework time strings; every keyword that waits has a ``timeout``. When a "
	"keyword is interrupted, its call is cancelled on the server as well, and a VM that was "
	"being started is removed.\n";

json_t *library_names(void)
{
	json_t *names = json_array();

	for (size_t f = 0; f < keyword_family_count; f++)
		for (size_t k = 0; k < keyword_families[f]->count; k++)
			json_array_append_new(names,
					      json_string(keyword_families[f]->keywords[k].name));
	return names;
}

static char *argument_spec(const struct keyword_arg *arg, struct hostel *hostel)
{
	auto_free char *text = NULL;

	if (arg->kind == ARG_VARARGS)
		return own_printf("*%s", arg->name);
	if (arg->kind == ARG_KWARGS)
		return own_printf("**%s", arg->name);
	text = keyword_arg_default(arg, hostel);
	return text ? own_printf("%s=%s", arg->name, text) : own_strdup(arg->name);
}

json_t *library_arguments(const struct keyword *keyword, struct hostel *hostel)
{
	json_t *specs = json_array();
	bool bare_star = true;

	for (size_t i = 0; i < keyword->arg_count; i++) {
		const struct keyword_arg *arg = &keyword->args[i];
		auto_free char *spec = argument_spec(arg, hostel);

		if (arg->kind == ARG_NAMED_ONLY && bare_star)
			json_array_append_new(specs, json_string("*"));
		if (arg->kind == ARG_NAMED_ONLY || arg->kind == ARG_VARARGS)
			bare_star = false;
		json_array_append_new(specs, json_string(spec));
	}
	return specs;
}

json_t *library_types(const struct keyword *keyword)
{
	json_t *types = json_object();

	for (size_t i = 0; i < keyword->arg_count; i++) {
		auto_free char *type = keyword_arg_type(&keyword->args[i]);

		json_object_set_new(types, keyword->args[i].name, json_string(type));
	}
	return types;
}

json_t *library_tags(const struct keyword *keyword)
{
	json_t *tags = json_array();
	const char *p = keyword->tags ? keyword->tags : "";

	while (*(p += strspn(p, " "))) {
		size_t n = strcspn(p, " ");

		json_array_append_new(tags, json_stringn(p, n));
		p += n;
	}
	return tags;
}

const char library_cleans_up[] =
	"A failure is continuable: Robot goes on with the test and fails it at its end.";

char *library_limits(const struct keyword_arg *arg)
{
	bool is_time = arg->type == ARG_TIMEDELTA;
	const char *unit = is_time ? "seconds" : arg->type == ARG_STR ? "bytes" : arg->unit;
	double scale = is_time ? 1000 : 1;
	struct str s = { 0 };

	if (arg->min != 0 || arg->max != 0)
		str_addf(&s, "From %.15g to %.15g%s%s.", arg->min / scale, arg->max / scale,
			 unit ? " " : "", unit ? unit : "");
	else if (arg->unit)
		str_addf(&s, "In %s.", arg->unit);
	return str_take(&s);
}

/* Text in a table cell of Robot's markup. */
static void add_cell(struct str *doc, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "|\n");

		str_add(doc, text, n);
		text += n;
		if (*text)
			str_add(doc, *text++ == '|' ? "/" : " ", 1);
	}
}

static void add_argument(struct str *doc, const struct keyword_arg *arg, struct hostel *hostel)
{
	auto_free char *spec = argument_spec(arg, hostel);
	auto_free char *type = keyword_arg_type(arg);
	auto_free char *limits = library_limits(arg);
	auto_str meaning = { 0 };

	str_adds(doc, "| ``");
	add_cell(doc, spec);
	str_adds(doc, "`` | ");
	add_cell(doc, type);
	str_adds(doc, " | ");
	markup_add_robot(&meaning, arg->doc ? arg->doc : "");
	add_cell(doc, str_text(&meaning));
	str_addf(doc, "%s%s", *limits ? " " : "", limits);
	str_adds(doc, " |\n");
}

json_t *library_documentation(const struct keyword *keyword, struct hostel *hostel)
{
	auto_str doc = { 0 };

	markup_add_robot(&doc, keyword->doc ? keyword->doc : "");
	if (keyword->arg_count)
		str_adds(&doc, "\n\n| =Argument= | =Type= | =Meaning= |\n");
	for (size_t i = 0; i < keyword->arg_count; i++)
		add_argument(&doc, &keyword->args[i], hostel);
	if (keyword->returns)
		str_adds(&doc, "\n\n*Returns* ");
	markup_add_robot(&doc, keyword->returns ? keyword->returns : "");
	if (keyword->cleans_up)
		str_addf(&doc, "\n\n%s", library_cleans_up);
	return json_string(str_text(&doc));
}

json_t *library_introduction(const char *name)
{
	auto_str doc = { 0 };

	if (!strcmp(name, LIBRARY_INIT))
		return json_string("The address of the server, ``http://127.0.0.1:8270``; with "
				   "credentials ``http://user:password@host:8270``.");
	if (strcmp(name, LIBRARY_INTRO))
		return NULL;
	str_adds(&doc, library_summary);
	for (size_t f = 0; f < keyword_family_count; f++) {
		str_addf(&doc, "\n= %s =\n\n", keyword_families[f]->title);
		for (size_t k = 0; k < keyword_families[f]->count; k++)
			str_addf(&doc, "%s`%s`", k ? ", " : "",
				 keyword_families[f]->keywords[k].name);
		str_adds(&doc, "\n");
	}
	return json_string(str_text(&doc));
}

static json_t *keyword_information(const struct keyword *keyword, struct hostel *hostel)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "args", library_arguments(keyword, hostel),
			 "types", library_types(keyword), "tags", library_tags(keyword), "doc",
			 library_documentation(keyword, hostel));
}

json_t *library_information(struct hostel *hostel)
{
	json_t *all = json_object();

	json_object_set_new(all, LIBRARY_INTRO,
			    json_pack("{s:o}", "doc", library_introduction(LIBRARY_INTRO)));
	json_object_set_new(
		all, LIBRARY_INIT,
		json_pack("{s:o, s:[]}", "doc", library_introduction(LIBRARY_INIT), "args"));
	for (size_t f = 0; f < keyword_family_count; f++)
		for (size_t k = 0; k < keyword_families[f]->count; k++) {
			const struct keyword *keyword = &keyword_families[f]->keywords[k];

			json_object_set_new(all, keyword->name,
					    keyword_information(keyword, hostel));
		}
	return all;
}

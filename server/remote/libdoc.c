/*
 * The keyword table as libdoc's JSON specification.
 * Source: Robot Framework, doc/schema/libdoc.json, specversion 3.
 */
#include "remote/library.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/own.h"
#include "value/value.h"

/* A type without parts, with the name of its entry in typedocs. */
static json_t *plain_type(const char *name, const char *typedoc)
{
	return json_pack("{s:s, s:s?, s:[], s:b}", "name", name, "typedoc", typedoc, "nested",
			 "union", 0);
}

static json_t *type_of_parts(const char *name, const char *typedoc, json_t *parts, bool is_union)
{
	return json_pack("{s:s, s:s?, s:o, s:b}", "name", name, "typedoc", typedoc, "nested", parts,
			 "union", is_union);
}

static json_t *literal_type(const char *const *choices)
{
	json_t *parts = json_array();

	for (size_t i = 0; choices[i]; i++) {
		auto_free char *quoted = own_printf("'%s'", choices[i]);

		json_array_append_new(parts, plain_type(quoted, NULL));
	}
	return type_of_parts("Literal", "Literal", parts, false);
}

static json_t *list_type(const char *item, const char *typedoc)
{
	return type_of_parts("list", "list", json_pack("[o]", plain_type(item, typedoc)), false);
}

/* What is before "| None" and "| Literal['auto']"; the item's type of *name and **name. */
static json_t *base_type(const struct keyword_arg *arg)
{
	bool single = arg->kind == ARG_VARARGS || arg->kind == ARG_KWARGS;

	switch (arg->type) {
	case ARG_STR:
		return plain_type("str", "string");
	case ARG_INT:
		return plain_type("int", "integer");
	case ARG_FLOAT:
		return plain_type("float", "float");
	case ARG_BOOL:
		return plain_type("bool", "boolean");
	case ARG_TIMEDELTA:
		return plain_type("timedelta", "timedelta");
	case ARG_ENUM:
		return literal_type(arg->choices);
	case ARG_STR_LIST:
		return single ? plain_type("str", "string") : list_type("str", "string");
	case ARG_INT_LIST:
		return single ? plain_type("int", "integer") : list_type("int", "integer");
	case ARG_DICT:
		return single ? plain_type("Any", "Any") : plain_type("dict", "dictionary");
	case ARG_ANY:
		return plain_type("Any", "Any");
	case ARG_BYTES:
		return plain_type("bytes", "bytes");
	}
	return json_null();
}

static json_t *argument_type(const struct keyword_arg *arg)
{
	static const char *const automatic[] = { "auto", NULL };
	bool single = arg->kind == ARG_VARARGS || arg->kind == ARG_KWARGS;
	json_t *parts;

	if (single || (!arg->or_auto && !arg->nullable))
		return base_type(arg);
	parts = json_pack("[o]", base_type(arg));
	if (arg->or_auto)
		json_array_append_new(parts, literal_type(automatic));
	if (arg->nullable)
		json_array_append_new(parts, plain_type("None", "None"));
	return type_of_parts("Union", NULL, parts, true);
}

static json_t *argument(const struct keyword_arg *arg, struct hostel *hostel)
{
	static const char *const kinds[] = {
		[ARG_POSITIONAL] = "POSITIONAL_OR_NAMED",
		[ARG_VARARGS] = "VAR_POSITIONAL",
		[ARG_NAMED_ONLY] = "NAMED_ONLY",
		[ARG_KWARGS] = "VAR_NAMED",
	};
	static const char *const stars[] = { [ARG_VARARGS] = "*", [ARG_KWARGS] = "**" };
	bool single = arg->kind == ARG_VARARGS || arg->kind == ARG_KWARGS;
	auto_free char *fallback = single ? NULL : keyword_arg_default(arg, hostel);
	auto_free char *type = keyword_arg_type(arg);
	auto_free char *repr = own_printf("%s%s: %s%s%s", single ? stars[arg->kind] : "", arg->name,
					  type, fallback ? " = " : "", fallback ? fallback : "");

	return json_pack("{s:s, s:s, s:o, s:s?, s:s, s:b, s:s}", "name", arg->name, "doc",
			 arg->doc ? arg->doc : "", "type", argument_type(arg), "defaultValue",
			 fallback, "kind", kinds[arg->kind], "required", !single && !fallback,
			 "repr", repr);
}

static json_t *arguments(const struct keyword *keyword, struct hostel *hostel)
{
	json_t *list = json_array();
	bool bare_star = true;

	for (size_t i = 0; i < keyword->arg_count; i++) {
		const struct keyword_arg *arg = &keyword->args[i];

		if (arg->kind == ARG_NAMED_ONLY && bare_star)
			json_array_append_new(
				list, json_pack("{s:s, s:s, s:n, s:n, s:s, s:b, s:s}", "name", "",
						"doc", "", "type", "defaultValue", "kind",
						"NAMED_ONLY_MARKER", "required", 0, "repr", "*"));
		if (arg->kind == ARG_NAMED_ONLY || arg->kind == ARG_VARARGS)
			bare_star = false;
		json_array_append_new(list, argument(arg, hostel));
	}
	return list;
}

static json_t *keyword_spec(const struct keyword *keyword, struct hostel *hostel)
{
	const char *doc = keyword->doc ? keyword->doc : "";
	auto_free char *first_line = own_strndup(doc, strcspn(doc, "\n"));

	return json_pack("{s:s, s:o, s:n, s:o, s:s, s:o, s:s, s:n}", "name", keyword->name, "args",
			 arguments(keyword, hostel), "returnType", "doc",
			 library_documentation(keyword, hostel), "shortdoc", first_line, "tags",
			 library_tags(keyword), "source", "", "lineno");
}

/* The tags of all keywords, each once. */
static json_t *all_tags(void)
{
	auto_json *seen = json_object();
	json_t *tags = json_array(), *of_one, *tag;
	size_t i;

	for (size_t f = 0; f < keyword_family_count; f++) {
		for (size_t k = 0; k < keyword_families[f]->count; k++) {
			of_one = library_tags(&keyword_families[f]->keywords[k]);
			json_array_foreach (of_one, i, tag)
				if (!json_object_get(seen, json_string_value(tag))) {
					json_object_set(seen, json_string_value(tag), tag);
					json_array_append(tags, tag);
				}
			json_decref(of_one);
		}
	}
	return tags;
}

/* What each type is, in the order in which libdoc lists them, and what the server reads it from. */
static const struct type_doc {
	const char *name;
	const char *accepts;
	const char *doc;
} type_docs[] = {
	{ "Any", "Any", "Any value." },
	{ "boolean", "string integer",
	  "``true``, ``yes``, ``on`` and ``1``, or ``false``, ``no``, ``off``, ``0``, ``none`` and "
	  "empty text, in any case." },
	{ "bytes", "string bytes", "Bytes, or text, which becomes its UTF-8." },
	{ "dictionary", "string Mapping", "A dictionary, or its text as Python or JSON write it." },
	{ "float", "string integer float", "A finite number, such as ``0.5`` or ``1e6``." },
	{ "integer", "string integer float", "A whole number, such as ``2``, ``2.0`` or ``0x2``." },
	{ "list", "string list integer float",
	  "A list, its text as Python or JSON write it, items with commas between them, or a single "
	  "number." },
	{ "Literal", "string",
	  "One of the texts that are listed, in any case, with or without spaces, underscores and "
	  "hyphens." },
	{ "None", "string None", "``none`` in any case, or empty text: no value." },
	{ "string", "Any", "Text." },
	{ "timedelta", "string integer float timedelta",
	  "A time, such as ``10 seconds``, ``1 min 30 s`` or ``01:30``; a number is seconds." },
};

static bool type_uses(const json_t *type, const char *name)
{
	const json_t *part;
	size_t i;

	if (str_equal(json_string_value(json_object_get(type, "typedoc")), name))
		return true;
	json_array_foreach (json_object_get(type, "nested"), i, part)
		if (type_uses(part, name))
			return true;
	return false;
}

static bool keyword_uses(const json_t *keyword, const char *name)
{
	const json_t *arg;
	size_t i;

	json_array_foreach (json_object_get(keyword, "args"), i, arg)
		if (type_uses(json_object_get(arg, "type"), name))
			return true;
	return false;
}

static json_t *words(const char *text)
{
	json_t *list = json_array();

	while (*text) {
		size_t n = strcspn(text, " ");

		json_array_append_new(list, json_stringn(text, n));
		text += n + (text[n] == ' ');
	}
	return list;
}

/* Those of the types above that some keyword uses, with the names of these. */
static json_t *typedocs(const json_t *keywords)
{
	json_t *docs = json_array(), *keyword;

	for (size_t t = 0; t < sizeof(type_docs) / sizeof(type_docs[0]); t++) {
		const struct type_doc *d = &type_docs[t];
		auto_json *usages = json_array();
		size_t i;

		json_array_foreach (keywords, i, keyword)
			if (keyword_uses(keyword, d->name))
				json_array_append(usages, json_object_get(keyword, "name"));
		if (json_array_size(usages))
			json_array_append_new(docs, json_pack("{s:s, s:s, s:s, s:O, s:o}", "type",
							      "Standard", "name", d->name, "doc",
							      d->doc, "usages", usages, "accepts",
							      words(d->accepts)));
	}
	return docs;
}

json_t *library_spec(struct hostel *hostel)
{
	json_t *keywords = json_array();
	char generated[64];
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(generated, sizeof(generated), "%Y-%m-%dT%H:%M:%S+00:00", &tm);
	for (size_t f = 0; f < keyword_family_count; f++)
		for (size_t k = 0; k < keyword_families[f]->count; k++)
			json_array_append_new(
				keywords, keyword_spec(&keyword_families[f]->keywords[k], hostel));
	return json_pack("{s:i, s:s, s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:n, s:o, s:[], s:o, s:o}",
			 "specversion", 3, "name", "vhostel", "doc",
			 library_introduction(LIBRARY_INTRO), "version", VHOSTEL_VERSION,
			 "generated", generated, "type", "LIBRARY", "scope", "GLOBAL", "docFormat",
			 "ROBOT", "source", "", "lineno", "tags", all_tags(), "inits", "keywords",
			 keywords, "typedocs", typedocs(keywords));
}

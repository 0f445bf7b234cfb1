/*
 * Reading a YAML mapping into a struct by its table of keys.
 */
#include "config/yaml_file.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"

/* One call of yaml_file_read(); @prefix of the functions below is the section: "timeout.". */
struct reader {
	struct yaml_file *file;
	const struct key_table *table;
	const char *scope;
	void *object;
	yaml_node_t **given;
};

static void __attribute__((format(printf, 4, 5)))
refuse(const struct reader *r, const yaml_node_t *node, const char *name, const char *format, ...)
{
	auto_free char *key = own_printf("%s%s", r->scope, name);
	auto_free char *what = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&what, format, ap) < 0)
		abort();
	va_end(ap);
	yaml_file_error(r->file, node, key, "%s", what);
}

/* The keys that stand directly below @prefix: "host, port or on_exit". */
static char *names_below(const struct key_table *table, const char *prefix)
{
	size_t length = strlen(prefix);
	auto_str s = { 0 };

	for (size_t i = 0; i < table->count; i++) {
		const char *name = table->keys[i].name;

		if (strncmp(name, prefix, length) == 0 && !strchr(name + length, '.'))
			str_addf(&s, "%s%s", s.length > 0 ? ", " : "", name + length);
	}
	return str_take(&s);
}

static void refuse_unknown(const struct reader *r, const yaml_node_t *node, const char *prefix,
			   const char *name)
{
	const struct key *nearest = key_nearest(r->table, name);
	auto_free char *shown = str_printable(name, strlen(name));
	auto_free char *allowed = names_below(r->table, prefix);

	if (nearest)
		refuse(r, node, shown, "unknown key, did you mean %s?", nearest->name);
	else
		refuse(r, node, shown, "unknown key, allowed are %s", allowed);
}

/* Quoted digits are text; only where text is not wanted does the style of a scalar matter. */
static bool wants_plain(const struct key *key)
{
	return key->type == KEY_TYPE_INT || key->type == KEY_TYPE_BOOL;
}

static void refuse_shape(const struct reader *r, const struct key *key, const yaml_node_t *node)
{
	auto_free char *allowed = key_allowed(key);
	auto_free char *shown = yaml_shown(node);
	bool nothing = yaml_is_nothing(node);
	bool quoted = !nothing && node->type == YAML_SCALAR_NODE;

	if (quoted)
		refuse(r, node, key->name, "expected %s, got the text %s: leave the quotes out",
		       allowed, shown);
	else
		refuse(r, node, key->name, "expected %s, got %s%s", allowed, shown,
		       nothing && key->type == KEY_TYPE_STRING ? " (\"\" is empty text)" : "");
}

static void read_value(const struct reader *r, const struct key *key, yaml_node_t *node)
{
	struct error err;
	const char *text;

	if (yaml_is_nothing(node) || node->type != YAML_SCALAR_NODE ||
	    (wants_plain(key) && node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)) {
		refuse_shape(r, key, node);
		return;
	}
	text = (const char *)node->data.scalar.value;
	if (strlen(text) != node->data.scalar.length)
		refuse(r, node, key->name, "expected text without control characters");
	else if (key_store(key, r->object, text, r->file->directory, &err) < 0)
		refuse(r, node, key->name, "%s", err.text);
}

/* "nodes.DUT1", "timeout", or "" for the whole file. */
static char *mapping_name(const struct reader *r, const char *prefix)
{
	char *name = own_printf("%s%s", r->scope, prefix);

	if (*name)
		name[strlen(name) - 1] = '\0';
	return name;
}

static void read_mapping(const struct reader *r, yaml_node_t *node, const char *prefix);

static void read_pair(const struct reader *r, const yaml_node_pair_t *pair, const char *prefix)
{
	yaml_node_t *at = yaml_file_node(r->file, pair->key);
	yaml_node_t *value = yaml_file_node(r->file, pair->value);
	auto_free char *where = mapping_name(r, prefix);
	const char *part = yaml_file_key(r->file, pair, where);
	auto_free char *name = own_printf("%s%s", prefix, part ? part : "");
	const struct key *key = key_find(r->table, name);
	yaml_node_t **given;

	if (!part)
		return;
	if (!key) {
		refuse_unknown(r, at, prefix, name);
		return;
	}
	given = &r->given[key - r->table->keys];
	if (*given) {
		refuse(r, at, name, "duplicate key, first in line %zu",
		       (*given)->start_mark.line + 1);
		return;
	}
	*given = at;
	if (key->type == KEY_TYPE_SECTION) {
		auto_free char *inner = own_printf("%s.", name);

		read_mapping(r, value, inner);
	} else {
		read_value(r, key, value);
	}
}

static void read_mapping(const struct reader *r, yaml_node_t *node, const char *prefix)
{
	auto_free char *shown = yaml_shown(node);

	if (yaml_is_nothing(node))
		return;
	if (node->type != YAML_MAPPING_NODE) {
		auto_free char *name = mapping_name(r, prefix);

		yaml_file_error(r->file, node, name, "expected a mapping of keys, got %s", shown);
		return;
	}
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++)
		read_pair(r, pair, prefix);
}

void yaml_file_read(struct yaml_file *file, yaml_node_t *node, const struct key_table *table,
		    const char *scope, void *object, yaml_node_t **given)
{
	struct reader r = {
		.file = file,
		.table = table,
		.scope = scope,
		.object = object,
		.given = given,
	};

	read_mapping(&r, node, "");
}

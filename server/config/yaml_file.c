/*
 * YAML files in two passes over the same bytes.
 *
 * How it works: the first pass follows libyaml's events and applies the limits before anything is
 * built, so that deep nesting and floods of aliases cost nothing; the second builds the document.
 * In a document an alias is the same node again, never a copy, and the reader follows only keys
 * that its table knows, so that a node that contains itself ends at an unknown key.
 */
#include "config/yaml_file.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/own.h"

/* Kept free behind the errors that fit, for the line that counts the others. */
#define LAST_LINE_ROOM 40

struct text {
	const char *bytes;
	size_t length;
};

/* What the first pass has counted. */
struct census {
	size_t nodes;
	size_t aliases;
	size_t documents;
	int depth;
};

static void __attribute__((format(printf, 4, 0)))
add_error(struct yaml_file *file, const yaml_mark_t *mark, const char *key, const char *format,
	  va_list ap)
{
	auto_str line = { 0 };
	char *what = NULL;

	if (vasprintf(&what, format, ap) < 0)
		abort();
	str_addf(&line, "%s:%zu:%zu: %s%s%s", file->path, mark->line + 1, mark->column + 1, key,
		 *key ? ": " : "", what);
	free(what);
	strv_take(file->errors, str_take(&line));
}

static int __attribute__((format(printf, 3, 4)))
error_at(struct yaml_file *file, const yaml_mark_t *mark, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add_error(file, mark, "", format, ap);
	va_end(ap);
	return -1;
}

void yaml_file_error(struct yaml_file *file, const yaml_node_t *node, const char *key,
		     const char *format, ...)
{
	yaml_mark_t mark = node ? node->start_mark : (yaml_mark_t) { 0 };
	va_list ap;

	va_start(ap, format);
	add_error(file, &mark, key, format, ap);
	va_end(ap);
}

/* The place of a byte; what stands before it is valid UTF-8. */
static yaml_mark_t mark_of(const struct text *text, size_t offset)
{
	yaml_mark_t mark = { .index = offset };

	for (size_t i = 0; i < offset && i < text->length; i++) {
		unsigned char c = (unsigned char)text->bytes[i];

		if (c == '\n') {
			mark.line++;
			mark.column = 0;
		} else if ((c & 0xc0) != 0x80) {
			mark.column++;
		}
	}
	return mark;
}

static int syntax_error(struct yaml_file *file, const yaml_parser_t *parser,
			const struct text *text)
{
	yaml_mark_t mark = parser->problem_mark;
	const char *problem = parser->problem ? parser->problem : "out of memory";

	if (parser->error == YAML_READER_ERROR) {
		mark = mark_of(text, parser->problem_offset);
		return error_at(file, &mark, "not UTF-8 text: %s (byte 0x%02X)", problem,
				(unsigned char)text->bytes[parser->problem_offset]);
	}
	if (!parser->context)
		return error_at(file, &mark, "not YAML: %s", problem);
	return error_at(file, &mark, "not YAML: %s (%s from line %zu)", problem, parser->context,
			parser->context_mark.line + 1);
}

static int count_node(struct yaml_file *file, struct census *census, const yaml_mark_t *mark,
		      const yaml_char_t *tag, int deeper)
{
	census->depth += deeper;
	if (tag)
		return error_at(file, mark, "tag '%s': tags are not allowed", (const char *)tag);
	if (++census->nodes > YAML_NODES_MAX)
		return error_at(file, mark, "too many values, allowed are %d", YAML_NODES_MAX);
	if (census->depth > YAML_DEPTH_MAX)
		return error_at(file, mark, "nested too deeply, allowed are %d levels",
				YAML_DEPTH_MAX);
	return 0;
}

static int count_event(struct yaml_file *file, struct census *census, const yaml_event_t *event)
{
	const yaml_mark_t *mark = &event->start_mark;

	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (++census->documents > 1)
			return error_at(file, mark, "a second document, allowed is one");
		return 0;
	case YAML_ALIAS_EVENT:
		if (++census->aliases > YAML_ALIASES_MAX)
			return error_at(file, mark, "too many aliases, allowed are %d",
					YAML_ALIASES_MAX);
		return 0;
	case YAML_SCALAR_EVENT:
		return count_node(file, census, mark, event->data.scalar.tag, 0);
	case YAML_SEQUENCE_START_EVENT:
		return count_node(file, census, mark, event->data.sequence_start.tag, 1);
	case YAML_MAPPING_START_EVENT:
		return count_node(file, census, mark, event->data.mapping_start.tag, 1);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		census->depth--;
		return 0;
	default:
		return 0;
	}
}

static void start_parser(yaml_parser_t *parser, const struct text *text)
{
	if (!yaml_parser_initialize(parser))
		abort();
	yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(parser, (const unsigned char *)text->bytes, text->length);
}

static int check_events(struct yaml_file *file, const struct text *text)
{
	struct census census = { 0 };
	yaml_parser_t parser;
	bool more = true;
	int rc = 0;

	start_parser(&parser, text);
	while (more && rc == 0) {
		yaml_event_t event;

		if (!yaml_parser_parse(&parser, &event)) {
			rc = syntax_error(file, &parser, text);
			break;
		}
		more = event.type != YAML_STREAM_END_EVENT;
		rc = count_event(file, &census, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return rc;
}

static int load_document(struct yaml_file *file, const struct text *text)
{
	yaml_parser_t parser;
	int rc = 0;

	start_parser(&parser, text);
	if (yaml_parser_load(&parser, &file->document))
		file->loaded = true;
	else
		rc = syntax_error(file, &parser, text);
	yaml_parser_delete(&parser);
	return rc;
}

int yaml_file_open(struct yaml_file *file, const char *path, struct strv *errors)
{
	auto_free char *bytes = NULL;
	struct text text = { 0 };
	struct error err;

	*file = (struct yaml_file) { .path = path, .errors = errors };
	file->directory = yaml_directory(path);
	if (file_read(path, YAML_BYTES_MAX, &bytes, &text.length, &err) < 0) {
		strv_add(errors, err.text);
		return -1;
	}
	text.bytes = bytes;
	if (check_events(file, &text) < 0)
		return -1;
	return load_document(file, &text);
}

void yaml_file_close(struct yaml_file *file)
{
	if (file->loaded)
		yaml_document_delete(&file->document);
	file->loaded = false;
	free(take_ptr(file->directory));
}

yaml_node_t *yaml_file_root(struct yaml_file *file)
{
	return yaml_document_get_root_node(&file->document);
}

yaml_node_t *yaml_file_node(struct yaml_file *file, int number)
{
	return yaml_document_get_node(&file->document, number);
}

static const char *scalar_text(const yaml_node_t *node)
{
	return (const char *)node->data.scalar.value;
}

bool yaml_is_nothing(const yaml_node_t *node)
{
	const char *text;

	if (!node)
		return true;
	if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	text = scalar_text(node);
	return !*text || strcmp(text, "~") == 0 || strcasecmp(text, "null") == 0;
}

char *yaml_shown(const yaml_node_t *node)
{
	auto_free char *text = NULL;

	if (yaml_is_nothing(node))
		return own_strdup("nothing");
	if (node->type == YAML_MAPPING_NODE)
		return own_strdup("a mapping");
	if (node->type == YAML_SEQUENCE_NODE)
		return own_strdup("a list");
	text = str_printable(scalar_text(node), node->data.scalar.length);
	return own_printf("'%s'", text);
}

const char *yaml_file_key(struct yaml_file *file, const yaml_node_pair_t *pair, const char *where)
{
	yaml_node_t *node = yaml_file_node(file, pair->key);
	auto_free char *shown = yaml_shown(node);

	if (!yaml_is_nothing(node) && node->type == YAML_SCALAR_NODE &&
	    strlen(scalar_text(node)) == node->data.scalar.length)
		return scalar_text(node);
	yaml_file_error(file, node, where, "expected the name of a key, got %s", shown);
	return NULL;
}

/* Two errors that cannot be cut in the middle are worth more than three that can. */
int yaml_errors_finish(const struct strv *errors, struct error *err)
{
	auto_str text = { 0 };
	size_t i;

	if (errors->count == 0)
		return 0;
	for (i = 0; i < errors->count; i++) {
		size_t length = strlen(errors->items[i]);

		if (i > 0 && text.length + length + LAST_LINE_ROOM > ERROR_TEXT_MAX)
			break;
		str_addf(&text, "%s%s", i > 0 ? "\n" : "", errors->items[i]);
	}
	if (i < errors->count)
		str_addf(&text, "\nand %zu more", errors->count - i);
	return error_set(err, EINVAL, "%s", str_text(&text));
}

char *yaml_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	auto_free char *name =
		slash ? own_strndup(path, (size_t)(slash - path) + 1) : own_strdup(".");
	char real[PATH_MAX];

	if (realpath(name, real))
		return own_strdup(real);
	if (*name == '/' || !realpath(".", real))
		return own_strdup(name);
	return own_printf("%s/%s", real, name);
}

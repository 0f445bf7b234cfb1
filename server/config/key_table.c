/*
 * Keys over a struct: finding a key, checking and storing a value, defaults and copies.
 */
#include "config/key_table.h"

#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/own.h"
#include "config/duration.h"

/* Names longer than this are not compared for likeness. */
#define NAME_MAX_COMPARED 63
/* How much of a refused value an error repeats, in bytes. */
#define SHOWN_MAX 60

/* What a text says, before it is put in its field. */
struct value {
	char *text;
	long long number;
};

static void *field(const struct key *key, void *object)
{
	return (char *)object + key->offset;
}

static const void *const_field(const struct key *key, const void *object)
{
	return (const char *)object + key->offset;
}

static bool holds_text(const struct key *key)
{
	return key->type == KEY_TYPE_STRING || key->type == KEY_TYPE_PATH;
}

const struct key *key_find(const struct key_table *table, const char *name)
{
	for (size_t i = 0; i < table->count; i++) {
		if (strcmp(table->keys[i].name, name) == 0)
			return &table->keys[i];
	}
	return NULL;
}

static size_t smallest(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* Edits (insert, drop, replace a byte) from @a to @b: Levenshtein's distance, a row at a time. */
static size_t distance(const char *a, const char *b)
{
	size_t row[NAME_MAX_COMPARED + 1];
	size_t width = strlen(b);

	for (size_t j = 0; j <= width; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < width; j++) {
			size_t above = row[j + 1];

			row[j + 1] = smallest(above + 1, row[j] + 1, diagonal + (a[i] != b[j]));
			diagonal = above;
		}
	}
	return row[width];
}

static size_t unlikeness(const char *name, const char *known)
{
	const char *dot = strrchr(known, '.');

	if (dot && strcmp(dot + 1, name) == 0)
		return 1;
	return distance(name, known);
}

const struct key *key_nearest(const struct key_table *table, const char *name)
{
	size_t length = strlen(name);
	size_t best = length < 9 ? 3 : length / 3 + 1;
	const struct key *nearest = NULL;

	if (length > NAME_MAX_COMPARED)
		return NULL;
	for (size_t i = 0; i < table->count; i++) {
		size_t d = unlikeness(name, table->keys[i].name);

		if (d < best) {
			best = d;
			nearest = &table->keys[i];
		}
	}
	return nearest;
}

static char *allowed_names(const char *const *names)
{
	auto_str s = { 0 };

	for (size_t i = 0; names[i]; i++) {
		const char *separator = names[i + 1] ? ", " : " or ";

		str_addf(&s, "%s%s", i > 0 ? separator : "", names[i]);
	}
	return str_take(&s);
}

static char *allowed_duration(const struct key *key)
{
	auto_free char *min = duration_print(key->min);
	auto_free char *max = duration_print(key->max);

	return own_printf("a duration from %s to %s", min, max);
}

static char *allowed_path(const struct key *key)
{
	const char *what = key->bare ? "a name or a path" : "a path";

	if (key->word)
		return own_printf("%s, or '%s'", what, key->word);
	return own_strdup(what);
}

char *key_allowed(const struct key *key)
{
	if (key->allowed)
		return own_strdup(key->allowed);
	switch (key->type) {
	case KEY_TYPE_SECTION:
		return own_strdup("a mapping");
	case KEY_TYPE_STRING:
		return own_strdup(key->min > 0 ? "text, not empty" : "text");
	case KEY_TYPE_PATH:
		return allowed_path(key);
	case KEY_TYPE_INT:
		return own_printf("an integer from %lld to %lld%s%s", key->min, key->max,
				  key->unit ? " " : "", key->unit ? key->unit : "");
	case KEY_TYPE_BOOL:
		return own_strdup("true or false");
	case KEY_TYPE_ENUM:
		return allowed_names(key->names);
	case KEY_TYPE_DURATION:
		return allowed_duration(key);
	}
	return own_strdup("nothing");
}

static int refuse(const struct key *key, const char *text, struct error *err)
{
	auto_free char *allowed = key_allowed(key);
	auto_free char *shown = str_printable(text, strnlen(text, SHOWN_MAX));

	if (key->secret)
		return error_set(err, EINVAL, "expected %s", allowed);
	return error_set(err, EINVAL, "expected %s, got '%s%s'", allowed, shown,
			 strlen(text) > SHOWN_MAX ? "..." : "");
}

static bool matches(const char *pattern, const char *text)
{
	regex_t regex;
	bool match;

	if (!pattern)
		return true;
	if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return false;
	match = regexec(&regex, text, 0, NULL, 0) == 0;
	regfree(&regex);
	return match;
}

static bool has_control(const char *text)
{
	for (const char *p = text; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return true;
	}
	return false;
}

static int check_text(const struct key *key, const char *text, struct error *err)
{
	long long max = key->max > 0 ? key->max : KEY_TEXT_MAX;
	long long length = (long long)strlen(text);

	if (length > max)
		return error_set(err, EINVAL, "expected at most %lld bytes, got %lld", max, length);
	if (has_control(text))
		return error_set(err, EINVAL, "expected text without control characters");
	if (length < key->min || !matches(key->pattern, text))
		return refuse(key, text, err);
	return 0;
}

/* @directory holds no symbolic link, so each leading ".." takes its last part away. */
static char *resolve(const char *directory, const char *path)
{
	size_t length = strlen(directory);

	if (*path == '/')
		return own_strdup(path);
	while (*path == '.') {
		size_t dots = path[1] == '.' ? 2 : 1;

		if (path[dots] != '/' && path[dots] != '\0')
			break;
		while (dots == 2 && length > 0 && directory[--length] != '/')
			;
		path += dots;
		path += strspn(path, "/");
	}
	while (length > 0 && directory[length - 1] == '/')
		length--;
	if (!*path)
		return length > 0 ? own_strndup(directory, length) : own_strdup("/");
	return own_printf("%.*s/%s", (int)length, directory, path);
}

static char *path_value(const struct key *key, const char *text, const char *directory)
{
	bool is_word = key->word && strcmp(key->word, text) == 0;
	bool is_bare = key->bare && !strchr(text, '/');

	if (!*text || is_word || is_bare)
		return own_strdup(text);
	return resolve(directory, text);
}

/* YAML 1.1 takes 010 for eight and YAML 1.2 for ten: such a number is refused. */
static int int_value(const struct key *key, const char *text, long long *ret)
{
	const char *digits = text + (*text == '-');

	if (*text == '+' || (digits[0] == '0' && digits[1]))
		return -1;
	return str_to_int(text, key->min, key->max, ret);
}

static int duration_value(const struct key *key, const char *text, long long *ret)
{
	int64_t ms;

	if (duration_parse(text, &ms) < 0 || ms < key->min || ms > key->max)
		return -1;
	*ret = ms;
	return 0;
}

static int name_value(const char *const *names, const char *text, bool ignore_case, long long *ret)
{
	for (size_t i = 0; names[i]; i++) {
		int differ = ignore_case ? strcasecmp(names[i], text) : strcmp(names[i], text);

		if (differ == 0) {
			*ret = (long long)i;
			return 0;
		}
	}
	return -1;
}

static const char *const bool_names[] = { "false", "true", NULL };

static int parse(const struct key *key, const char *text, const char *directory, struct value *ret,
		 struct error *err)
{
	int rc = -1;

	switch (key->type) {
	case KEY_TYPE_SECTION:
		break;
	case KEY_TYPE_STRING:
	case KEY_TYPE_PATH:
		if (check_text(key, text, err) < 0)
			return -1;
		ret->text = key->type == KEY_TYPE_PATH ? path_value(key, text, directory)
						       : own_strdup(text);
		return 0;
	case KEY_TYPE_INT:
		rc = int_value(key, text, &ret->number);
		break;
	case KEY_TYPE_BOOL:
		rc = name_value(bool_names, text, true, &ret->number);
		break;
	case KEY_TYPE_ENUM:
		rc = name_value(key->names, text, false, &ret->number);
		break;
	case KEY_TYPE_DURATION:
		rc = duration_value(key, text, &ret->number);
		break;
	}
	return rc < 0 ? refuse(key, text, err) : 0;
}

int key_store(const struct key *key, void *object, const char *text, const char *directory,
	      struct error *err)
{
	struct value value = { 0 };
	void *to = field(key, object);

	if (parse(key, text, directory, &value, err) < 0)
		return -1;
	switch (key->type) {
	case KEY_TYPE_SECTION:
		break;
	case KEY_TYPE_STRING:
	case KEY_TYPE_PATH:
		free(*(char **)to);
		*(char **)to = value.text;
		break;
	case KEY_TYPE_INT:
		*(int *)to = (int)value.number;
		break;
	case KEY_TYPE_BOOL:
		*(bool *)to = value.number != 0;
		break;
	case KEY_TYPE_ENUM:
		*(unsigned int *)to = (unsigned int)value.number;
		break;
	case KEY_TYPE_DURATION:
		*(int64_t *)to = value.number;
		break;
	}
	return 0;
}

int key_print_value(const struct key *key, const void *object, char **ret, struct error *err)
{
	const void *from = const_field(key, object);

	if (key->secret)
		return error_set(err, EACCES, "a secret is not shown");
	switch (key->type) {
	case KEY_TYPE_SECTION:
		return error_set(err, EINVAL, "a section has no value of its own");
	case KEY_TYPE_STRING:
	case KEY_TYPE_PATH:
		*ret = own_strdup(*(char *const *)from);
		break;
	case KEY_TYPE_INT:
		*ret = own_printf("%d", *(const int *)from);
		break;
	case KEY_TYPE_BOOL:
		*ret = own_strdup(bool_names[*(const bool *)from]);
		break;
	case KEY_TYPE_ENUM:
		*ret = own_strdup(key->names[*(const unsigned int *)from]);
		break;
	case KEY_TYPE_DURATION:
		*ret = duration_print(*(const int64_t *)from);
		break;
	}
	return 0;
}

void key_table_defaults(const struct key_table *table, void *object, const char *directory)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct key *key = &table->keys[i];
		struct error err;

		if (key->type == KEY_TYPE_SECTION)
			continue;
		if (key_store(key, object, key->fallback, directory, &err) < 0) {
			fprintf(stderr, "%s: its own default: %s\n", key->name, err.text);
			abort();
		}
	}
}

void key_table_clear(const struct key_table *table, void *object)
{
	for (size_t i = 0; i < table->count; i++) {
		char **text = field(&table->keys[i], object);

		if (!holds_text(&table->keys[i]))
			continue;
		free(*text);
		*text = NULL;
	}
}

static size_t field_size(enum key_type type)
{
	switch (type) {
	case KEY_TYPE_INT:
		return sizeof(int);
	case KEY_TYPE_BOOL:
		return sizeof(bool);
	case KEY_TYPE_ENUM:
		return sizeof(unsigned int);
	case KEY_TYPE_DURATION:
		return sizeof(int64_t);
	case KEY_TYPE_SECTION:
	case KEY_TYPE_STRING:
	case KEY_TYPE_PATH:
		break;
	}
	return 0;
}

void key_table_copy(const struct key_table *table, const void *from, void *to)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct key *key = &table->keys[i];
		const void *source = const_field(key, from);

		if (holds_text(key))
			*(char **)field(key, to) = own_strdup(*(char *const *)source);
		else
			memcpy(field(key, to), source, field_size(key->type));
	}
}

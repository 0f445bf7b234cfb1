/*
 * A table of keys over a struct: each key is declared once, with name, type, limits, default,
 * documentation and the field where its value lands.
 */
#ifndef CONFIG_KEY_TABLE_H
#define CONFIG_KEY_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

/* Longest value of a KEY_STRING or KEY_PATH that says nothing else, in bytes. */
#define KEY_TEXT_MAX 4095
/* The range of every KEY_DURATION: 1 ms to one day. */
#define KEY_DURATION_MIN_MS 1
#define KEY_DURATION_MAX_MS (24 * 3600 * 1000)

/* The field's type:  -,    char *,     char *,   int,     bool,     an enum,  int64_t */
enum key_type {
	KEY_TYPE_SECTION,
	KEY_TYPE_STRING,
	KEY_TYPE_PATH,
	KEY_TYPE_INT,
	KEY_TYPE_BOOL,
	KEY_TYPE_ENUM,
	KEY_TYPE_DURATION,
};

/*
 * @name:      dotted, "timeout.vhost"; a section stands in the table before its keys
 * @fallback:  the default, written as a file would have it
 * @min, @max: KEY_INT: of the value; KEY_STRING, KEY_PATH: of the length in bytes (@max 0 means
 *             KEY_TEXT_MAX); KEY_DURATION: milliseconds
 * @unit:      of a KEY_INT: "KiB"; NULL when it counts things
 * @names:     KEY_ENUM: NULL-terminated, in the order of the enum
 * @pattern:   KEY_STRING: POSIX extended regular expression that the value matches, or NULL
 * @allowed:   what is allowed, in words after "expected "; NULL: made from type and limits
 * @word:      KEY_PATH: a value that is no path and stays as it is: "auto"
 * @bare:      KEY_PATH: a name without a slash stays as it is (a program in PATH)
 * @secret:    never repeated in an error, never given out by key_print_value()
 * @effect:    when a value takes effect that only the files can set: "when the server starts";
 *             NULL: at once
 */
struct key {
	const char *name;
	enum key_type type;
	size_t offset;
	const char *fallback;
	const char *doc;
	long long min;
	long long max;
	const char *unit;
	const char *const *names;
	const char *pattern;
	const char *allowed;
	const char *word;
	bool bare;
	bool secret;
	const char *effect;
};

struct key_table {
	const struct key *keys;
	size_t count;
};

#define KEY_TABLE(array)                                                     \
	{                                                                    \
		.keys = (array), .count = sizeof(array) / sizeof((array)[0]) \
	}

/*
 * Rows. @of is the struct's tag and @member the field, which gives the key its name; a duration's
 * field has "_ms" behind the name. The field's type is checked by the compiler. More designated
 * initialisers (.word = "auto", .secret = true) may follow the documentation.
 *
 *	KEY_SECTION("server", "The server that Robot talks to."),
 *	KEY_INT(constants, server.port, 0, 65535, NULL, "8270", "TCP port; 0 takes a free one."),
 */
#define KEY_SECTION(name_, doc_)                                         \
	{                                                                \
		.name = (name_), .type = KEY_TYPE_SECTION, .doc = (doc_) \
	}
#define KEY_STRING(of, member, fallback_, doc_, ...) \
	KEY_ROW(#member, STRING, KEY_FIELD(of, member, char *), fallback_, doc_, __VA_ARGS__)
#define KEY_PATH(of, member, fallback_, doc_, ...) \
	KEY_ROW(#member, PATH, KEY_FIELD(of, member, char *), fallback_, doc_, __VA_ARGS__)
#define KEY_INT(of, member, min_, max_, unit_, fallback_, doc_, ...)                      \
	KEY_ROW(#member, INT, KEY_FIELD(of, member, int), fallback_, doc_, .min = (min_), \
		.max = (max_), .unit = (unit_), __VA_ARGS__)
#define KEY_BOOL(of, member, fallback_, doc_, ...) \
	KEY_ROW(#member, BOOL, KEY_FIELD(of, member, bool), fallback_, doc_, __VA_ARGS__)
#define KEY_ENUM(of, member, enum_, names_, fallback_, doc_, ...)                                \
	KEY_ROW(#member, ENUM, KEY_FIELD(of, member, enum_), fallback_, doc_, .names = (names_), \
		__VA_ARGS__)
#define KEY_DURATION(of, member, fallback_, doc_, ...)                                   \
	KEY_ROW(#member, DURATION, KEY_FIELD(of, member##_ms, int64_t), fallback_, doc_, \
		.min = KEY_DURATION_MIN_MS, .max = KEY_DURATION_MAX_MS, __VA_ARGS__)

#define KEY_ROW(name_, type_, offset_, fallback_, doc_, ...)                    \
	{                                                                       \
		.name = (name_), .type = KEY_TYPE_##type_, .offset = (offset_), \
		.fallback = (fallback_), .doc = (doc_), __VA_ARGS__             \
	}
/* The offset of @member in struct @of; does not compile when its type is not @type. */
#define KEY_FIELD(of, member, type)                                                     \
	(offsetof(struct of, member) +                                                  \
	 0 * sizeof(struct {                                                            \
		 _Static_assert(__builtin_types_compatible_p(                           \
					__typeof__(((struct of *)NULL)->member), type), \
				"the field's type is not the key's");                   \
		 int unused;                                                            \
	 }))

/* key_find - the row of that name, sections included, or NULL */
const struct key *key_find(const struct key_table *table, const char *name);
/*
 * key_nearest - the key that a misspelt @name probably means, or NULL
 *
 * The last part alone finds a key too: "port" is near "server.port".
 */
const struct key *key_nearest(const struct key_table *table, const char *name);
/* key_allowed - "an integer from 0 to 65535"; owned by the caller */
char *key_allowed(const struct key *key);

/*
 * key_store - check @text and put its value in the field of @object
 * @directory: absolute; where a relative path starts
 *
 * Errors: EINVAL, "expected an integer from 0 to 65535, got 'two'"; nothing is changed then.
 */
int key_store(const struct key *key, void *object, const char *text, const char *directory,
	      struct error *err);
/* key_print_value - the value as key_store() reads it, owned by the caller; EACCES for a secret */
int key_print_value(const struct key *key, const void *object, char **ret, struct error *err);

/*
 * key_table_defaults - the defaults of all keys
 * @object: zero-initialised, or holding values (which are replaced)
 *
 * A default that its own row refuses ends the process: the table is wrong.
 */
void key_table_defaults(const struct key_table *table, void *object, const char *directory);
/* key_table_clear - free the strings of @object and leave NULL */
void key_table_clear(const struct key_table *table, void *object);
/* key_table_copy - a deep copy of the fields in the table; @to is zero-initialised */
void key_table_copy(const struct key_table *table, const void *from, void *to);
/* key_table_print - YAML with all keys at their defaults, and their documentation as comments */
void key_table_print(const struct key_table *table, struct str *out);

#endif

/*
 * A growing string, lists of strings, and the few text helpers that several rooms need.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

/* A growing byte string. Zero-initialised means empty; @text is NUL-terminated once non-NULL. */
struct str {
	char *text;
	size_t length;
	size_t room;
};

void str_clear(struct str *s);
void str_add(struct str *s, const char *bytes, size_t length);
void str_adds(struct str *s, const char *text);
void str_addf(struct str *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* str_cut - drop the first @length bytes */
void str_cut(struct str *s, size_t length);
/* str_text - the text, "" when empty; borrowed until the next change */
const char *str_text(const struct str *s);
/* str_take - hand the text over (never NULL); @s is empty afterwards */
char *str_take(struct str *s);

#define auto_str __attribute__((cleanup(str_clear))) struct str

/* A list of strings, NULL-terminated once @items is non-NULL: fit for execve(). It owns them. */
struct strv {
	char **items;
	size_t count;
};

void strv_clear(struct strv *v);
/* strv_add - add a copy */
void strv_add(struct strv *v, const char *text);
/* strv_take - add a string that the list owns from now on */
void strv_take(struct strv *v, char *text);
void strv_addf(struct strv *v, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* strv_join - the items with @separator between them, owned by the caller */
char *strv_join(const struct strv *v, const char *separator);

#define auto_strv __attribute__((cleanup(strv_clear))) struct strv

bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);
/* str_equal - NULL equals NULL only */
bool str_equal(const char *a, const char *b);
/*
 * str_printable - @bytes as valid UTF-8 without control characters
 *
 * Invalid UTF-8 becomes U+FFFD; control characters other than \n and \t are shown as U+2400
 * pictures (ESC as U+241B), DEL as U+2421; \r before \n or another \r is dropped. The caller owns
 * the result.
 */
char *str_printable(const char *bytes, size_t length);

/*
 * str_to_int - a decimal integer, the whole text, from @min to @max
 *
 * Returns 0, or -1 (no error text: the caller knows what the number is).
 */
int str_to_int(const char *text, long long min, long long max, long long *ret);

#endif

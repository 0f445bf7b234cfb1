/*
 * A growing string, lists of strings, and the few text helpers that several rooms need.
 */
#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"

void str_clear(struct str *s)
{
	free(s->text);
	*s = (struct str) { 0 };
}

static void str_reserve(struct str *s, size_t more)
{
	size_t need = s->length + more + 1;

	if (need <= s->room)
		return;
	s->room = need < 64 ? 64 : need + need / 2;
	s->text = own_realloc(s->text, s->room);
}

void str_add(struct str *s, const char *bytes, size_t length)
{
	str_reserve(s, length);
	if (length)
		memcpy(s->text + s->length, bytes, length);
	s->length += length;
	s->text[s->length] = '\0';
}

void str_adds(struct str *s, const char *text)
{
	str_add(s, text, strlen(text));
}

void str_addf(struct str *s, const char *format, ...)
{
	char small[256];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(small, sizeof(small), format, ap);
	va_end(ap);
	if (n < (int)sizeof(small)) {
		str_add(s, small, n < 0 ? 0 : (size_t)n);
		return;
	}
	str_reserve(s, (size_t)n);
	va_start(ap, format);
	vsnprintf(s->text + s->length, (size_t)n + 1, format, ap);
	va_end(ap);
	s->length += (size_t)n;
}

void str_cut(struct str *s, size_t length)
{
	if (!s->text)
		return;
	memmove(s->text, s->text + length, s->length - length + 1);
	s->length -= length;
}

const char *str_text(const struct str *s)
{
	return s->text ? s->text : "";
}

char *str_take(struct str *s)
{
	char *text = s->text ? s->text : own_strdup("");

	*s = (struct str) { 0 };
	return text;
}

void strv_clear(struct strv *v)
{
	for (size_t i = 0; i < v->count; i++)
		free(v->items[i]);
	free(v->items);
	*v = (struct strv) { 0 };
}

void strv_take(struct strv *v, char *text)
{
	v->items = own_realloc(v->items, (v->count + 2) * sizeof(*v->items));
	v->items[v->count++] = text;
	v->items[v->count] = NULL;
}

void strv_add(struct strv *v, const char *text)
{
	strv_take(v, own_strdup(text));
}

void strv_addf(struct strv *v, const char *format, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&text, format, ap) < 0)
		text = own_strdup("");
	va_end(ap);
	strv_take(v, text);
}

char *strv_join(const struct strv *v, const char *separator)
{
	struct str s = { 0 };

	for (size_t i = 0; i < v->count; i++) {
		if (i)
			str_adds(&s, separator);
		str_adds(&s, v->items[i]);
	}
	return str_take(&s);
}

bool str_starts(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

bool str_ends(const char *text, const char *suffix)
{
	size_t n = strlen(text), m = strlen(suffix);

	return n >= m && !strcmp(text + n - m, suffix);
}

bool str_equal(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/*
 * The length of the valid UTF-8 sequence at @p, 0 when there is none.
 * Source: RFC 3629, section 4.
 */
static size_t utf8_length(const unsigned char *p, size_t left)
{
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

	if (!n || n > left || p[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

char *str_printable(const char *bytes, size_t length)
{
	const unsigned char *p = (const unsigned char *)bytes;
	struct str s = { 0 };

	for (size_t i = 0; i < length;) {
		size_t n = utf8_length(p + i, length - i);

		if (n == 1 && p[i] == '\r' && i + 1 < length &&
		    (p[i + 1] == '\n' || p[i + 1] == '\r'))
			;
		else if (n == 1 && p[i] == 0x7f)
			str_adds(&s, "\xe2\x90\xa1");
		else if (n == 1 && p[i] < 0x20 && p[i] != '\n' && p[i] != '\t')
			str_addf(&s, "\xe2\x90%c", 0x80 + p[i]);
		else if (!n || (n == 3 && p[i] == 0xef && p[i + 1] == 0xbf && p[i + 2] >= 0xbe))
			str_adds(&s, "\xef\xbf\xbd");
		else
			str_add(&s, bytes + i, n);
		i += n ? n : 1;
	}
	return str_take(&s);
}

int str_to_int(const char *text, long long min, long long max, long long *ret)
{
	char *end;
	long long n;

	if (!*text || strspn(text, " \t\n") > 0)
		return -1;
	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno || *end || n < min || n > max)
		return -1;
	*ret = n;
	return 0;
}

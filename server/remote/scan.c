/*
 * A request's body before xmlrpc-c sees it.
 *
 * How it works: one pass over the bytes, markup by markup and text run by text run, copying to the
 * output. It does not check what the parser checks well (tags that do not match, unknown types).
 * When an element of a scalar type ends, its text is the output since its start tag, and is
 * checked and rewritten there. Reasons: xmlrpc-c crashes on deep nesting and on an <i8> that is out
 * of range, expands entities for minutes, takes bad base64 for an empty one, and loses digits.
 */
#include "remote/scan.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "value/base64.h"
#include "value/xml_text.h"

#define NUMBER_LENGTH_MAX 400

/*
 * @name:       of the start tag that came last
 * @tag_start:  where in the output that tag stands, and @text_start where its text does
 * @in_leaf:    no other tag has come since, so the text is all of the element's content
 */
struct scan {
	const char *p;
	const char *end;
	struct str *out;
	size_t depth;
	size_t elements;
	size_t members;
	const char *name;
	size_t name_length;
	size_t tag_start;
	size_t text_start;
	bool in_leaf;
};

static int refuse(struct error *err, const char *what)
{
	return error_set(err, EPROTO, "the request is not usable XML: %s", what);
}

static size_t left(const struct scan *s)
{
	return (size_t)(s->end - s->p);
}

/* strchr() finds NUL in every text. */
static bool is_one_of(char c, const char *characters)
{
	return c && strchr(characters, c);
}

static bool looking_at(const struct scan *s, const char *text)
{
	return left(s) >= strlen(text) && !memcmp(s->p, text, strlen(text));
}

/* Moves behind @text; what was passed is appended to the output when @keep. */
static int pass(struct scan *s, const char *text, const char *what, struct error *err)
{
	const char *found = memmem(s->p, left(s), text, strlen(text));

	if (!found)
		return refuse(err, what);
	s->p = found + strlen(text);
	return 0;
}

/* One character that is not ASCII. */
static int copy_character(struct scan *s, struct error *err)
{
	unsigned int c;
	size_t n = utf8_get(s->p, left(s), &c);

	if (!n)
		return refuse(err, "it is not UTF-8");
	if (xml_needs_mapping(c))
		xml_map_character(s->out, c);
	else
		str_add(s->out, s->p, n);
	s->p += n;
	return 0;
}

/* Text up to @stop: UTF-8 without NUL, mapped; references are left to the caller. */
static int copy_run(struct scan *s, const char *stop, struct error *err)
{
	while (s->p < stop) {
		const char *q = s->p;

		while (q < stop && (signed char)*q > 0)
			q++;
		str_add(s->out, s->p, (size_t)(q - s->p));
		s->p = q;
		if (q < stop && !*q)
			return refuse(err, "it has a NUL byte");
		if (q < stop && copy_character(s, err) < 0)
			return -1;
	}
	return 0;
}

static int copy_cdata(struct scan *s, struct error *err)
{
	const char *close;

	s->p += strlen("<![CDATA[");
	close = memmem(s->p, left(s), "]]>", 3);
	if (!close)
		return refuse(err, "a CDATA section does not end");
	/* Escaped instead of wrapped, so that a scalar's text is plain. */
	while (s->p < close) {
		const char *special = s->p;

		while (special < close && !is_one_of(*special, "<&>"))
			special++;
		if (copy_run(s, special, err) < 0)
			return -1;
		if (s->p < close)
			xml_add_text(s->out, s->p++, 1);
	}
	s->p = close + 3;
	return 0;
}

/* "&#128512;" and the five names. */
static int copy_reference(struct scan *s, struct error *err)
{
	static const char *const names[] = { "&amp;", "&lt;", "&gt;", "&quot;", "&apos;" };
	unsigned long c;
	char *end;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (looking_at(s, names[i])) {
			str_adds(s->out, names[i]);
			s->p += strlen(names[i]);
			return 0;
		}
	if (left(s) < 4 || s->p[1] != '#' || !memchr(s->p, ';', left(s) < 12 ? left(s) : 12))
		return refuse(err, "it refers to an entity");
	if (s->p[2] == 'x')
		c = strchr("+- ", s->p[3]) ? 0 : strtoul(s->p + 3, &end, 16);
	else
		c = strchr("+- ", s->p[2]) ? 0 : strtoul(s->p + 2, &end, 10);
	if (!c || *end != ';' || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ||
	    (c < 0x20 && !strchr("\t\n\r", (int)c)) || c == 0xfffe || c == 0xffff)
		return refuse(err, "it refers to a character that XML cannot carry");
	if (xml_needs_mapping((unsigned int)c))
		xml_map_character(s->out, (unsigned int)c);
	else
		str_add(s->out, s->p, (size_t)(end + 1 - s->p));
	s->p = end + 1;
	return 0;
}

/* <?xml version="1.0" encoding="UTF-8"?> and other instructions: checked and left out. */
static int skip_instruction(struct scan *s, struct error *err)
{
	const char *start = s->p, *name;
	size_t length;

	if (pass(s, "?>", "an instruction does not end", err) < 0)
		return -1;
	length = (size_t)(s->p - start);
	name = memmem(start, length, "encoding", 8);
	if (!name || length < 6 || memcmp(start, "<?xml ", 6))
		return 0;
	name += strspn(name + 8, " \t\r\n=") + 8;
	if (utf8_is_name(name + 1, strcspn(name + 1, "\"'?")))
		return 0;
	return refuse(err, "its encoding is not UTF-8");
}

/* Digits with an optional sign, nothing behind them. */
static int read_integer(const char *text, long long *ret)
{
	char *end;

	if (!text[strspn(text, "+-")])
		return -1;
	errno = 0;
	*ret = strtoll(text, &end, 10);
	return errno || *end ? -1 : 0;
}

static int check_integer(const char *text, struct str *out)
{
	long long number;

	if (read_integer(text, &number) < 0)
		return -1;
	str_addf(out, "%lld", number);
	return 0;
}

static int check_int32(const char *text, struct str *out)
{
	long long number;

	if (read_integer(text, &number) < 0 || number < INT32_MIN || number > INT32_MAX)
		return -1;
	str_addf(out, "%lld", number);
	return 0;
}

static int check_double(const char *text, struct str *out)
{
	char *end;

	if (text[strspn(text, "+-.0123456789eE")] || !strpbrk(text, "0123456789"))
		return -1;
	if (!isfinite(strtod(text, &end)) || *end)
		return -1;
	str_addf(out, XML_NUMBER_MARK "%s", text);
	return 0;
}

/* Checks a trimmed scalar and appends what the parser is to see. */
static const struct scalar {
	const char *name;
	const char *expected;
	int (*check)(const char *text, struct str *out);
} scalars[] = {
	{ "int", "an integer of 32 bits", check_int32 },
	{ "i4", "an integer of 32 bits", check_int32 },
	{ "i1", "an integer of 32 bits", check_int32 },
	{ "i2", "an integer of 32 bits", check_int32 },
	{ "i8", "an integer of 64 bits", check_integer },
	{ "ex:i8", "an integer of 64 bits", check_integer },
	{ "double", "a finite number", check_double },
};

static bool name_is(const char *name, size_t length, const char *word)
{
	return strlen(word) == length && !memcmp(name, word, length);
}

/* The text of the element that ends, trimmed, into @text. */
static int take_text(struct scan *s, char text[NUMBER_LENGTH_MAX])
{
	const char *start = s->out->text + s->text_start;
	size_t n = s->out->length - s->text_start;

	while (n && strchr(" \t\r\n", *start))
		start++, n--;
	while (n && strchr(" \t\r\n", start[n - 1]))
		n--;
	if (!n || n >= NUMBER_LENGTH_MAX)
		return -1;
	memcpy(text, start, n);
	text[n] = '\0';
	return 0;
}

static void truncate_out(struct scan *s, size_t length)
{
	s->out->length = length;
	s->out->text[length] = '\0';
}

static int finish_base64(struct scan *s, struct error *err)
{
	struct str bytes = { 0 };
	int rc =
		base64_decode(s->out->text + s->text_start, s->out->length - s->text_start, &bytes);

	str_clear(&bytes);
	return rc < 0 ? error_set(err, EINVAL, "<base64>: expected base64 text") : 0;
}

static const struct scalar *find_scalar(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof(scalars) / sizeof(scalars[0]); i++)
		if (name_is(name, length, scalars[i].name))
			return &scalars[i];
	return NULL;
}

/* Returns 1 when the closing tag has been written. */
static int finish_scalar(struct scan *s, const char *name, size_t length, struct error *err)
{
	const struct scalar *scalar = find_scalar(name, length);
	const char *seen_as = scalar && scalar->check == check_double ? "string" : "i8";
	char text[NUMBER_LENGTH_MAX];

	if (name_is(name, length, "base64"))
		return finish_base64(s, err);
	if (!scalar)
		return 0;
	if (take_text(s, text) < 0)
		return error_set(err, EINVAL, "<%s>: expected %s", scalar->name, scalar->expected);
	truncate_out(s, s->tag_start);
	str_addf(s->out, "<%s>", seen_as);
	if (scalar->check(text, s->out) < 0)
		return error_set(err, EINVAL, "<%s>: expected %s, got '%s'", scalar->name,
				 scalar->expected, text);
	str_addf(s->out, "</%s>", seen_as);
	return 1;
}

static int close_tag(struct scan *s, const char *close, struct error *err)
{
	const char *name = s->p + 2;
	size_t length = (size_t)(close - name);
	int written = 0;

	while (length && is_one_of(name[length - 1], " \t\r\n"))
		length--;
	if (!s->depth)
		return refuse(err, "an end tag without its start tag");
	s->depth--;
	if (s->in_leaf && (length != s->name_length || memcmp(name, s->name, length)))
		return refuse(err, "an end tag that is not its start tag's");
	if (s->in_leaf && (written = finish_scalar(s, name, length, err)) < 0)
		return -1;
	s->in_leaf = false;
	if (!written)
		return copy_run(s, close + 1, err);
	s->p = close + 1;
	return 0;
}

/* The '>' of the tag at s->p, quotes respected; NULL when there is none. */
static const char *tag_end(const struct scan *s)
{
	char quote = 0;

	for (const char *q = s->p; q < s->end; q++) {
		if (quote)
			quote = *q == quote ? 0 : quote;
		else if (*q == '"' || *q == '\'')
			quote = *q;
		else if (*q == '>')
			return q;
	}
	return NULL;
}

static int open_tag(struct scan *s, const char *close, struct error *err)
{
	const char *name = s->p + 1;
	size_t length = 0;
	bool empty = close[-1] == '/';

	while (name + length < close && !is_one_of(name[length], " \t\r\n/"))
		length++;
	if (empty && find_scalar(name, length))
		return error_set(err, EINVAL, "<%.*s/>: expected %s", (int)length, name,
				 find_scalar(name, length)->expected);
	if (++s->elements > SCAN_ELEMENTS_MAX)
		return error_set(err, E2BIG, "the request has more than %d elements",
				 SCAN_ELEMENTS_MAX);
	if (name_is(name, length, "member") && ++s->members > SCAN_MEMBERS_MAX)
		return error_set(err, E2BIG, "the request has more than %d struct members",
				 SCAN_MEMBERS_MAX);
	if (!empty && ++s->depth > SCAN_DEPTH_MAX)
		return error_set(err, E2BIG, "the request nests more than %d elements",
				 SCAN_DEPTH_MAX);
	s->tag_start = s->out->length;
	if (copy_run(s, close + 1, err) < 0)
		return -1;
	s->text_start = s->out->length;
	s->name = name;
	s->name_length = length;
	s->in_leaf = !empty;
	return 0;
}

static int scan_markup(struct scan *s, struct error *err)
{
	const char *close;

	if (looking_at(s, "<!--"))
		return pass(s, "-->", "a comment does not end", err);
	if (looking_at(s, "<![CDATA["))
		return copy_cdata(s, err);
	if (looking_at(s, "<!"))
		return refuse(err, "document types and entities are not allowed");
	if (looking_at(s, "<?"))
		return skip_instruction(s, err);
	close = tag_end(s);
	if (!close)
		return refuse(err, "it ends within a tag");
	return s->p[1] == '/' ? close_tag(s, close, err) : open_tag(s, close, err);
}

static int scan_text(struct scan *s, struct error *err)
{
	const char *stop = s->p;

	while (stop < s->end && *stop != '<' && *stop != '&')
		stop++;
	return copy_run(s, stop, err);
}

int scan_body(const char *body, size_t length, struct str *ret, size_t *ret_members,
	      struct error *err)
{
	struct scan s = { .p = body, .end = body + length, .out = ret };
	int rc = 0;

	if (looking_at(&s, "\xef\xbb\xbf"))
		s.p += 3;
	while (s.p < s.end && !rc) {
		if (*s.p == '<')
			rc = scan_markup(&s, err);
		else if (*s.p == '&')
			rc = copy_reference(&s, err);
		else
			rc = scan_text(&s, err);
	}
	if (!rc && (s.depth || !s.elements))
		return refuse(err, s.elements ? "it ends before its elements do" : "it is empty");
	*ret_members = s.members;
	return rc;
}

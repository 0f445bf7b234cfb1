/*
 * The markup of documentation texts, as Robot's and as HTML.
 */
#include "remote/markup.h"

#include <string.h>

#include "base/own.h"
#include "keywords/keyword.h"

/* The longest text between two marks: longer ones are no markup. */
#define SPAN_MAX 120

enum span_kind { SPAN_CODE, SPAN_KEYWORD };

struct span {
	enum span_kind kind;
	const char *text;
	size_t length;
	const char *end; /* behind the closing mark */
};

/* The text between the mark at @p, of @size bytes, and the next one like it. */
static bool span_at(const char *p, size_t size, enum span_kind kind, struct span *ret)
{
	const char *close;

	for (close = p + size; *close && close - p < SPAN_MAX; close++)
		if (!strncmp(close, p, size))
			break;
	if (!*close || close - p >= SPAN_MAX || close == p + size)
		return false;
	*ret = (struct span) { .kind = kind,
			       .text = p + size,
			       .length = (size_t)(close - p) - size,
			       .end = close + size };
	return true;
}

static bool find_span(const char *p, struct span *ret)
{
	auto_free char *name = NULL;

	if (*p == '`')
		return span_at(p, p[1] == '`' ? 2 : 1, SPAN_CODE, ret);
	if (*p != '*' || !span_at(p, 1, SPAN_KEYWORD, ret))
		return false;
	/* A product of two numbers has stars as well: only what is a keyword is a reference. */
	name = own_strndup(ret->text, ret->length);
	return keyword_find(name) != NULL;
}

static void add_robot_span(struct str *ret, const struct span *span)
{
	const char *mark = span->kind == SPAN_CODE ? "``" : "`";

	str_adds(ret, mark);
	str_add(ret, span->text, span->length);
	str_adds(ret, mark);
}

static void add_html_span(struct str *ret, const struct span *span)
{
	auto_free char *name = own_strndup(span->text, span->length);
	bool code = span->kind == SPAN_CODE;

	if (code) {
		str_adds(ret, "<code>");
	} else {
		str_adds(ret, "<a href=\"#");
		markup_anchor(ret, keyword_find(name)->name);
		str_adds(ret, "\">");
	}
	markup_escape(ret, span->text, span->length);
	str_adds(ret, code ? "</code>" : "</a>");
}

static void convert(struct str *ret, const char *text,
		    void (*add_span)(struct str *ret, const struct span *span),
		    void (*add_text)(struct str *ret, const char *text, size_t length))
{
	struct span span;

	while (*text) {
		size_t plain = strcspn(text, "`*");

		add_text(ret, text, plain);
		text += plain;
		if (*text && find_span(text, &span)) {
			add_span(ret, &span);
			text = span.end;
		} else if (*text) {
			add_text(ret, text++, 1);
		}
	}
}

void markup_add_robot(struct str *ret, const char *text)
{
	convert(ret, text, add_robot_span, str_add);
}

void markup_add_html(struct str *ret, const char *text)
{
	convert(ret, text, add_html_span, markup_escape);
}

void markup_escape(struct str *ret, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		switch (text[i]) {
		case '&':
			str_adds(ret, "&amp;");
			break;
		case '<':
			str_adds(ret, "&lt;");
			break;
		case '>':
			str_adds(ret, "&gt;");
			break;
		case '"':
			str_adds(ret, "&quot;");
			break;
		default:
			str_add(ret, text + i, 1);
		}
	}
}

void markup_anchor(struct str *ret, const char *name)
{
	for (; *name; name++)
		str_add(ret, *name == ' ' ? "-" : name, 1);
}

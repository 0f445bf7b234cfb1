/*
 * The keyword documentation as one HTML page, made from the keyword table.
 */
#include "remote/library.h"

#include <stdlib.h>
#include <string.h>

#include <string.h>

#include "base/own.h"
#include "remote/markup.h"

static const char head[] =
	"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	"<title>vhostel keywords</title>\n<style>\n"
	":root{color-scheme:light dark}\n"
	"body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:0 1rem "
	"4rem}\n"
	"header{position:sticky;top:0;background:Canvas;padding:.5rem 0;border-bottom:1px solid}\n"
	"h1{font-size:1.3rem;margin:.3rem 0}\n"
	"input{font:inherit;width:100%;box-sizing:border-box;padding:.4rem}\n"
	"section{margin-top:2rem}article{border-top:1px solid #8884;padding:.5rem 0}\n"
	"article,section{scroll-margin-top:7rem}\n"
	"h3{margin:.3rem 0}h3 a{color:inherit;text-decoration:none}\n"
	"table{border-collapse:collapse;width:100%}\n"
	"td,th{border:1px solid #8886;padding:.2rem .5rem;text-align:left;vertical-align:top}\n"
	"code{font-family:ui-monospace,monospace;font-size:.9em}\n"
	".tags{opacity:.7;font-size:.85em}p{white-space:pre-line}[hidden]{display:none}\n"
	"</style></head><body>\n";

static const char tail[] =
	"<script>\n"
	"const box=document.getElementById('search'),count=document.getElementById('count');\n"
	"const all=[...document.querySelectorAll('article')];\n"
	"function show(){const words=box.value.toLowerCase().split(/\\s+/).filter(Boolean);let "
	"n=0;\n"
	"for(const a of all){const t=a.textContent.toLowerCase();\n"
	"const hit=words.every(w=>t.includes(w));a.hidden=!hit;n+=hit}\n"
	"for(const s of document.querySelectorAll('section'))\n"
	"s.hidden=!s.querySelector('article:not([hidden])');\n"
	"count.textContent=n+' keywords'}\n"
	"box.addEventListener('input',show);show();\n"
	"</script>\n</body></html>\n";

static void add_html(struct str *page, const char *text)
{
	markup_escape(page, text, strlen(text));
}

static void add_argument(struct str *page, const struct keyword_arg *arg, struct hostel *hostel)
{
	static const char *const stars[] = { [ARG_VARARGS] = "*", [ARG_KWARGS] = "**" };
	bool starred = arg->kind == ARG_VARARGS || arg->kind == ARG_KWARGS;
	auto_free char *type = keyword_arg_type(arg);
	auto_free char *fallback = starred ? NULL : keyword_arg_default(arg, hostel);
	auto_free char *limits = library_limits(arg);

	str_adds(page, "<tr><td><code>");
	add_html(page, starred ? stars[arg->kind] : "");
	add_html(page, arg->name);
	str_adds(page, "</code></td><td>");
	add_html(page, type);
	str_adds(page, "</td><td>");
	if (fallback) {
		str_adds(page, "<code>");
		add_html(page, fallback);
		str_adds(page, "</code>");
	} else {
		str_adds(page, starred ? "" : "required");
	}
	str_adds(page, "</td><td>");
	markup_add_html(page, arg->doc ? arg->doc : "");
	str_adds(page, *limits ? " " : "");
	add_html(page, limits);
	str_adds(page, "</td></tr>\n");
}

static void add_keyword(struct str *page, const struct keyword *keyword, struct hostel *hostel)
{
	str_adds(page, "<article id=\"");
	markup_anchor(page, keyword->name);
	str_adds(page, "\"><h3><a href=\"#");
	markup_anchor(page, keyword->name);
	str_adds(page, "\">");
	add_html(page, keyword->name);
	str_adds(page, "</a> <span class=\"tags\">");
	add_html(page, keyword->tags ? keyword->tags : "");
	str_adds(page, "</span></h3>\n<p>");
	markup_add_html(page, keyword->doc ? keyword->doc : "");
	str_adds(page, "</p>\n");
	if (keyword->arg_count)
		str_adds(page, "<table><tr><th>Argument</th><th>Type</th><th>Default</th>"
			       "<th>Meaning</th></tr>\n");
	for (size_t i = 0; i < keyword->arg_count; i++)
		add_argument(page, &keyword->args[i], hostel);
	if (keyword->arg_count)
		str_adds(page, "</table>\n");
	if (keyword->returns) {
		str_adds(page, "<p><b>Returns</b> ");
		markup_add_html(page, keyword->returns);
		str_adds(page, "</p>\n");
	}
	if (keyword->cleans_up)
		str_addf(page, "<p>%s</p>\n", library_cleans_up);
	str_adds(page, "</article>\n");
}

void library_page(struct hostel *hostel, struct str *ret)
{
	str_adds(ret, head);
	str_adds(ret, "<header><h1>vhostel " VHOSTEL_VERSION " keywords</h1>"
		      "<input id=\"search\" type=\"search\" autofocus placeholder=\"Search names, "
		      "arguments, texts\"> <span id=\"count\"></span></header>\n<p>");
	markup_add_html(ret, library_summary);
	str_adds(ret, "</p>\n");
	for (size_t f = 0; f < keyword_family_count; f++) {
		str_adds(ret, "<section><h2>");
		add_html(ret, keyword_families[f]->title);
		str_adds(ret, "</h2>\n");
		for (size_t k = 0; k < keyword_families[f]->count; k++)
			add_keyword(ret, &keyword_families[f]->keywords[k], hostel);
		str_adds(ret, "</section>\n");
	}
	str_adds(ret, tail);
}

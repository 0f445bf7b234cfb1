/*
 * What a keyword shows in Robot's log as HTML: tables of what it returns, and where to look.
 */
#ifndef KEYWORDS_HTML_H
#define KEYWORDS_HTML_H

#include <jansson.h>

#include "keywords/keyword.h"

/*
 * html_table - a line for each object of @rows; nothing when there is none
 * @columns: the members that are shown, NULL-terminated; NULL: those of the first object
 *
 * Whatever a cell has in it stays text: HTML's own characters are escaped.
 */
void html_table(struct call *call, const char *caption, const json_t *rows,
		const char *const *columns);
/* html_members - a line for each member of @object that is a single value */
void html_members(struct call *call, const char *caption, const json_t *object);
/* html_console_log - a link to the log that the start of @vm has left which ended with @err, if any
 */
void html_console_log(struct call *call, const char *vm, const struct error *err);

#endif

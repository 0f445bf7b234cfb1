/*
 * Values and texts for a reader on a terminal, or as JSON.
 */
#ifndef VHOSTELCTL_SHOW_H
#define VHOSTELCTL_SHOW_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* show_value - a keyword's result on standard output
 *
 * Text as it is; a list's items one a line; a dictionary as "key: value" lines, what is in it
 * indented. As JSON bytes are their base64 text. Nothing for null.
 */
void show_value(const json_t *value, bool as_json);
/* show_json - @value as JSON on standard output */
void show_json(const json_t *value);
/* show_scalar - a string, number, boolean or null in one piece, owned by the caller */
char *show_scalar(const json_t *value);
/*
 * show_table - an array of arrays of strings, the first one the headings, in columns
 *
 * The last column may have any width, so it is not padded.
 */
void show_table(const json_t *rows);
/* show_wrapped - @text on standard output, broken between words, each line behind @indent spaces */
void show_wrapped(const char *text, int indent);
/* show_without_html - the text between tags, its references resolved; owned by the caller */
char *show_without_html(const char *html);
/* show_width - columns that UTF-8 text takes */
size_t show_width(const char *text);

#endif

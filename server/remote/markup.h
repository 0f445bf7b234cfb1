/*
 * The markup of documentation texts in the keyword table: `code`, and *Keyword Name* for a
 * reference to a keyword. Everything else is plain text; an empty line ends a paragraph.
 */
#ifndef REMOTE_MARKUP_H
#define REMOTE_MARKUP_H

#include "base/str.h"

/* markup_add_robot - append @text in Robot's own markup: ``code`` and `Keyword Name` */
void markup_add_robot(struct str *ret, const char *text);
/* markup_add_html - append @text as HTML, references as links to the keyword's anchor */
void markup_add_html(struct str *ret, const char *text);
/* markup_escape - append @length bytes of plain text with HTML's own characters escaped */
void markup_escape(struct str *ret, const char *text, size_t length);
/* markup_anchor - append "Start-Kernel-VM" for "Start Kernel VM" */
void markup_anchor(struct str *ret, const char *name);

#endif

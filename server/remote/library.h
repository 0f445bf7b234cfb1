/*
 * The keyword table as Robot's library information, as libdoc's JSON, and as a page.
 */
#ifndef REMOTE_LIBRARY_H
#define REMOTE_LIBRARY_H

#include <jansson.h>

#include "base/str.h"
#include "keywords/keyword.h"

/* The library's own two entries, which are documented but are no keywords. */
#define LIBRARY_INTRO "__intro__"
#define LIBRARY_INIT  "__init__"

/* What the library is, in Robot's markup. */
extern const char library_summary[];
/* What the documentation of a keyword that only cleans up says of failures. */
extern const char library_cleans_up[];
/* library_limits - "From 1 to 255.", "" without limits; owned by the caller */
char *library_limits(const struct keyword_arg *arg);

/* Each returns a new reference. Source: Robot Framework User Guide, "Remote library interface". */
/* library_names - ["Start Kernel VM", ...] */
json_t *library_names(void);
/* library_arguments - ["vm", "node=DUT1", "*sockets", "**options"] */
json_t *library_arguments(const struct keyword *keyword, struct hostel *hostel);
/* library_types - {"vm": "str", ...} */
json_t *library_types(const struct keyword *keyword);
json_t *library_tags(const struct keyword *keyword);
/* library_documentation - in Robot's own markup, with a table of the arguments */
json_t *library_documentation(const struct keyword *keyword, struct hostel *hostel);
/* library_introduction - the documentation of __intro__ or __init__, NULL for another name */
json_t *library_introduction(const char *name);
/* library_information - all of the above in one object, by keyword */
json_t *library_information(struct hostel *hostel);

/*
 * library_spec - what GET /library.json answers: libdoc's JSON specification, version 3
 * Source: Robot Framework, schema libdoc.json.
 */
json_t *library_spec(struct hostel *hostel);
/* library_page - what GET / answers: one HTML page without external resources, appended to @ret */
void library_page(struct hostel *hostel, struct str *ret);

#endif

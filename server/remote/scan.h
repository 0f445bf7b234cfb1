/*
 * A request's body before xmlrpc-c sees it: what would hurt the parser is refused, what it would
 * spoil is rewritten.
 */
#ifndef REMOTE_SCAN_H
#define REMOTE_SCAN_H

#include <stddef.h>

#include "base/error.h"
#include "base/str.h"

/* Elements within elements; a nested array takes three. */
#define SCAN_DEPTH_MAX 200
/* Elements of one body: each costs the parser some 200 bytes. */
#define SCAN_ELEMENTS_MAX 200000
/* Members of structs: the parser's look-up is quadratic. */
#define SCAN_MEMBERS_MAX 10000

/*
 * scan_body - check @body and append what the parser may see to @ret
 * @body:        NUL-terminated behind its @length bytes
 * @ret_members: how many struct members there are
 *
 * Refused: nesting, elements and members beyond the limits; document types and entities; bytes
 * that are not UTF-8, NUL; another encoding; base64, integers and doubles that are none.
 * Left out: the XML declaration, comments, processing instructions. Rewritten: characters that
 * value/xml_text.h maps, and <double> to a marked <string>.
 * Errors: EPROTO for what is not well-formed, E2BIG beyond a limit, EINVAL for a bad scalar.
 */
int scan_body(const char *body, size_t length, struct str *ret, size_t *ret_members,
	      struct error *err);

#endif

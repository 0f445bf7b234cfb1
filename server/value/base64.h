/*
 * Base64 as XML-RPC, HTTP Basic and the guest agent use it: RFC 4648, section 4.
 */
#ifndef VALUE_BASE64_H
#define VALUE_BASE64_H

#include <stddef.h>

#include "base/str.h"

/* base64_encode - append the padded encoding of @bytes to @ret, without line breaks */
void base64_encode(const void *bytes, size_t length, struct str *ret);
/*
 * base64_decode - append what @text encodes to @ret
 *
 * White space is skipped, as RFC 2045 line breaks are common. Returns 0, or -1 for a foreign
 * character, a wrong length, wrong padding or bits that padding cuts off; @ret is then undefined
 * beyond what it held before.
 */
int base64_decode(const char *text, size_t length, struct str *ret);

#endif

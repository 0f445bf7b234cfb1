/*
 * Patterns that a user gives: POSIX extended regular expressions whose cost is bounded.
 *
 * The C library's compiler recurses with the depth of a pattern and copies what an interval
 * repeats, and its matcher needs exponential time for back-references: each could take the server
 * with it, or outlast every deadline.
 * Source: POSIX.1-2017, Base Definitions, 9.4; it has no back-references.
 */
#ifndef BASE_PATTERN_H
#define BASE_PATTERN_H

#include <regex.h>

#include "base/error.h"

#define PATTERN_LENGTH_MAX 1024
/* Groups in groups. */
#define PATTERN_DEPTH_MAX 50
/* Characters once every interval is written out. */
#define PATTERN_SIZE_MAX 10000

/*
 * pattern_compile - compile @text
 * @flags: of regcomp(3), on top of REG_EXTENDED
 * @ret:   freed with regfree(); set on success only
 *
 * Errors: EINVAL "expected a POSIX extended regular expression, got '...': why".
 */
int pattern_compile(const char *text, int flags, regex_t *ret, struct error *err);

#endif

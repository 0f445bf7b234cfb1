/*
 * One argument's value: from what a client sent to the field of the handler's struct.
 */
#ifndef KEYWORDS_CONVERT_H
#define KEYWORDS_CONVERT_H

#include "keywords/keyword.h"

/*
 * argument_convert - check @given by the rules of @arg and put it into its field of @bound
 * @given: borrowed; strings are accepted for every type
 *
 * Errors: EINVAL with "expected WHAT, got 'GIVEN'"; the caller adds whose argument it is.
 */
int argument_convert(const struct keyword_arg *arg, const json_t *given, void *bound,
		     struct error *err);
/* argument_clear - release what argument_convert() put into @bound */
void argument_clear(const struct keyword_arg *arg, void *bound);
/*
 * argument_plain - @given with nothing in it that JSON has not, for peers that speak JSON
 *
 * Times become their text, and bytes the text that Robot meant by them. A new reference; NULL when
 * such text has a NUL byte.
 */
json_t *argument_plain(const json_t *given);
/* argument_expected - "an integer from 1 to 255 or auto", owned by the caller */
char *argument_expected(const struct keyword_arg *arg);

#endif

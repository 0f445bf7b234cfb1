/*
 * A duration as people write it: "30 s", "500 ms", "2 min", "1 h", or a bare number of seconds.
 */
#ifndef CONFIG_DURATION_H
#define CONFIG_DURATION_H

#include <stdint.h>

/*
 * duration_parse - the whole text as milliseconds
 *
 * A fraction is fine when it ends on a whole millisecond ("1.5 s"). Robot's long unit names
 * ("10 seconds") are read too. Returns 0, or -1 (no error text: the caller knows the limits).
 */
int duration_parse(const char *text, int64_t *ret_ms);
/* duration_print - in the largest unit that leaves no fraction: "2 min". Owned by the caller. */
char *duration_print(int64_t ms);

#endif

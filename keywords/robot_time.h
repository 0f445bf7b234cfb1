/*
 * Robot Framework's time strings.
 */
#ifndef KEYWORDS_ROBOT_TIME_H
#define KEYWORDS_ROBOT_TIME_H

#include <stdint.h>

/*
 * robot_time_parse - "10", "1.5", "10 seconds", "1 min 30 s", "1:30", "00:01:30.5"
 * @ret_ms: rounded to milliseconds
 *
 * Returns 0, or -1 when it is none. Weeks to nanoseconds, any case, spaces optional, a sign first.
 * Source: Robot Framework User Guide, appendix "Time format".
 */
int robot_time_parse(const char *text, int64_t *ret_ms);
/* robot_time_from_seconds - 0, or -1 when @seconds is not finite or beyond 100 years */
int robot_time_from_seconds(double seconds, int64_t *ret_ms);

#endif

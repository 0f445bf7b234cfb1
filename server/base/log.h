/*
 * The server's own log, on standard error: a message begins with time and level.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/error.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Names in the order of the enum, NULL-terminated: "error", "warn", "info", "debug". */
extern const char *const log_level_names[];

void log_set_level(enum log_level level);
/* log_level_from_name - 0, or -1 with the allowed names in @err */
int log_level_from_name(const char *name, enum log_level *ret, struct error *err);
/*
 * log_write - one message, with what a client or a guest said in it made harmless
 *
 * Control characters are shown as str_printable() shows them, lines behind the first are indented,
 * empty ones are left out. What is longer than 8 KiB is cut.
 */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif

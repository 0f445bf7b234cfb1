/*
 * The server's own log, on standard error: one line a message with time and level.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOG_LINE_MAX 8192

const char *const log_level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
	NULL,
};

static atomic_int log_threshold = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
	atomic_store(&log_threshold, (int)level);
}

int log_level_from_name(const char *name, enum log_level *ret, struct error *err)
{
	for (int i = 0; log_level_names[i]; i++)
		if (!strcmp(name, log_level_names[i])) {
			*ret = (enum log_level)i;
			return 0;
		}
	return error_set(err, EINVAL, "log level: expected error, warn, info or debug, got '%s'",
			 name);
}

void log_write(enum log_level level, const char *format, ...)
{
	char line[LOG_LINE_MAX];
	struct timespec now;
	struct tm tm;
	va_list ap;
	size_t n;

	if ((int)level > atomic_load(&log_threshold))
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	n = strftime(line, sizeof(line), "%Y-%m-%d %H:%M:%S", &tm);
	n += (size_t)snprintf(line + n, sizeof(line) - n, ".%03ld %-5s ", now.tv_nsec / 1000000,
			      log_level_names[level]);
	va_start(ap, format);
	vsnprintf(line + n, sizeof(line) - n - 1, format, ap);
	va_end(ap);
	n = strlen(line);
	line[n++] = '\n';
	/* One write(2) a line keeps the lines of several threads apart. */
	if (write(STDERR_FILENO, line, n) < 0)
		return;
}

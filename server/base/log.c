/*
 * The server's own log, on standard error: a message begins with time and level.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"

#define LOG_TEXT_MAX 8192

/* In front of a message's further lines. */
#define CONTINUATION "        "

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

/*
 * What is told comes from clients and guests as well: no control character reaches a terminal, and
 * a line that is not the first cannot be taken for a message of its own.
 */
static void add_text(struct str *line, const char *text)
{
	auto_free char *printable = str_printable(text, strlen(text));

	for (const char *rest = printable; *rest;) {
		size_t n = strcspn(rest, "\n");

		str_add(line, rest, n);
		rest += n;
		rest += strspn(rest, "\n");
		str_adds(line, *rest ? "\n" CONTINUATION : "");
	}
	str_adds(line, "\n");
}

void log_write(enum log_level level, const char *format, ...)
{
	auto_str line = { 0 };
	char text[LOG_TEXT_MAX], when[32];
	struct timespec now;
	struct tm tm;
	va_list ap;

	if ((int)level > atomic_load(&log_threshold))
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	str_addf(&line, "%s.%03ld %-5s ", when, now.tv_nsec / 1000000, log_level_names[level]);
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	add_text(&line, text);
	/* One write(2) a message keeps those of several threads apart. */
	if (write(STDERR_FILENO, line.text, line.length) < 0)
		return;
}

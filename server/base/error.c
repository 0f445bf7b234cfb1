/*
 * Filling in and extending the one error type.
 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void set_text(struct error *err, int code, const char *format, va_list ap)
{
	err->code = code;
	vsnprintf(err->text, sizeof(err->text), format, ap);
}

int error_set(struct error *err, int code, const char *format, ...)
{
	va_list ap;

	if (!err)
		return -1;
	va_start(ap, format);
	set_text(err, code, format, ap);
	va_end(ap);
	return -1;
}

int error_set_errno(struct error *err, int code, const char *format, ...)
{
	char reason[128];
	va_list ap;

	if (!err)
		return -1;
	va_start(ap, format);
	set_text(err, code, format, ap);
	va_end(ap);
	return error_append(err, ": %s", strerror_r(code, reason, sizeof(reason)));
}

int error_prefix(struct error *err, const char *format, ...)
{
	char old[ERROR_TEXT_MAX];
	va_list ap;
	size_t used;

	if (!err)
		return -1;
	memcpy(old, err->text, sizeof(old));
	va_start(ap, format);
	set_text(err, err->code, format, ap);
	va_end(ap);
	used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s", old);
	return -1;
}

int error_append(struct error *err, const char *format, ...)
{
	va_list ap;
	size_t used;

	if (!err)
		return -1;
	used = strlen(err->text);
	va_start(ap, format);
	vsnprintf(err->text + used, sizeof(err->text) - used, format, ap);
	va_end(ap);
	return -1;
}

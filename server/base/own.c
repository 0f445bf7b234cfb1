/*
 * The allocator: memory comes zeroed, and running out of it ends the process.
 */
#include "base/own.h"

#include <stdarg.h>
#include <string.h>

static void *checked(void *p)
{
	if (!p) {
		fputs("out of memory\n", stderr);
		abort();
	}
	return p;
}

void *own_alloc(size_t size)
{
	return checked(calloc(1, size ? size : 1));
}

void *own_realloc(void *p, size_t size)
{
	return checked(realloc(p, size ? size : 1));
}

char *own_strdup(const char *text)
{
	return checked(strdup(text));
}

char *own_strndup(const char *text, size_t length)
{
	return checked(strndup(text, length));
}

char *own_printf(const char *format, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&text, format, ap) < 0)
		text = NULL;
	va_end(ap);
	return checked(text);
}

/*
 * Quoting for the two places that have only a command line: SSH and a guest's init script.
 */
#include "base/quote.h"

#include <string.h>

void str_shell_quote(struct str *ret, const char *text)
{
	str_adds(ret, "'");
	for (;;) {
		size_t plain = strcspn(text, "'");

		str_add(ret, text, plain);
		text += plain;
		if (!*text)
			break;
		str_adds(ret, "'\\''");
		text++;
	}
	str_adds(ret, "'");
}

void str_shell_quote_argv(struct str *ret, char *const *argv)
{
	for (int i = 0; argv[i]; i++) {
		if (i)
			str_adds(ret, " ");
		str_shell_quote(ret, argv[i]);
	}
}

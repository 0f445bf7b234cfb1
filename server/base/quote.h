/*
 * Quoting for the two places that have only a command line: SSH and a guest's init script.
 */
#ifndef BASE_QUOTE_H
#define BASE_QUOTE_H

#include "base/str.h"

/*
 * str_shell_quote - append @text as one word that a POSIX shell takes literally
 *
 * Always in single quotes, so that no word is taken for a keyword, an alias, an assignment or a
 * pattern; a single quote inside becomes '\''. Every byte but NUL passes.
 * Source: POSIX.1-2017, Shell Command Language, section 2.2.2.
 */
void str_shell_quote(struct str *ret, const char *text);
/* str_shell_quote_argv - append the words of a NULL-terminated list, quoted, spaces between */
void str_shell_quote_argv(struct str *ret, char *const *argv);

#endif

/*
 * Templates of init scripts: $name and ${name} replaced by what the keyword was given.
 */
#ifndef VM_TEMPLATE_H
#define VM_TEMPLATE_H

#include <jansson.h>

#include "base/str.h"

/*
 * template_render - append @text with the names in @values (an object of strings) replaced
 *
 * A name is a letter or underscore and letters, digits, underscores. Names that are not in @values
 * stay as they are: they are the script's own variables.
 */
void template_render(const char *text, const json_t *values, struct str *ret);

#endif

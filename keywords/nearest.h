/*
 * "Did you mean": how far one name is from another.
 */
#ifndef KEYWORDS_NEAREST_H
#define KEYWORDS_NEAREST_H

#include <stdbool.h>
#include <stddef.h>

/* name_equal - equal but for case, spaces, underscores and hyphens */
bool name_equal(const char *a, const char *b);
/*
 * name_distance - edits that turn @a into @b, their case, spaces, underscores and hyphens ignored
 *
 * Levenshtein's distance over the first 64 characters that count.
 */
size_t name_distance(const char *a, const char *b);
/* name_is_near - whether @distance is small enough for a name like @name to be suggested */
bool name_is_near(const char *name, size_t distance);

#endif

/*
 * The families of keywords, in the order of the documentation. A new file of keywords is added
 * here; nothing else knows that it exists.
 */
#include "keywords/keyword.h"

const struct keyword_family *const keyword_families[] = {
	NULL,
};

const size_t keyword_family_count = sizeof(keyword_families) / sizeof(keyword_families[0]) - 1;

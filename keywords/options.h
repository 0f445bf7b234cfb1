/*
 * Arguments of one keyword that another takes as free named ones: what Run Testpmd In VM takes is
 * what Start Kernel VM takes for vnf=testpmd.
 */
#ifndef KEYWORDS_OPTIONS_H
#define KEYWORDS_OPTIONS_H

#include "keywords/keyword.h"

/*
 * options_take - read arguments out of an object
 * @args:    of the other keyword; its `vm` and its `timeout` are passed over
 * @options: the members that were taken are removed
 * @bound:   the other keyword's argument struct, zeroed; defaults where nothing was given; cleared
 *           by options_clear() in any case
 * Errors: EINVAL naming the argument.
 */
int options_take(const struct keyword_arg *args, size_t count, json_t *options, void *bound,
		 struct error *err);
void options_clear(const struct keyword_arg *args, size_t count, void *bound);

#endif

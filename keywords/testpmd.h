/*
 * testpmd's options as keyword arguments: of Run Testpmd In VM, and of Start Kernel VM with a
 * testpmd payload.
 */
#ifndef KEYWORDS_TESTPMD_H
#define KEYWORDS_TESTPMD_H

#include "guest/testpmd.h"
#include "keywords/keyword.h"

/*
 * testpmd_options_take - read testpmd's options out of free named arguments
 * @options: an object; the members that are testpmd's are removed
 * @ret:     defaults where nothing was given; cleared by testpmd_options_clear() in any case
 * Errors: EINVAL naming the argument.
 */
int testpmd_options_take(json_t *options, struct testpmd_options *ret, struct error *err);

#endif

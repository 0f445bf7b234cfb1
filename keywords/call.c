/*
 * One call of a keyword.
 */
#include "keywords/keyword.h"

struct wait call_wait(const struct call *call, int64_t timeout_ms)
{
	return wait_within(&call->cancel, timeout_ms);
}

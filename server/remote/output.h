/*
 * A call's trail as what Robot logs.
 */
#ifndef REMOTE_OUTPUT_H
#define REMOTE_OUTPUT_H

#include "base/trail.h"

/*
 * output_from_trail - the text with log markers and time stamps that Robot splits into messages
 *
 * Text of a guest that starts a line as a marker does is indented, so that it forges no message.
 * The caller owns the result. Source: Robot Framework User Guide, "Logging information".
 */
char *output_from_trail(const struct trail *trail);
/* output_traceback - the steps that a failed call took, owned by the caller */
char *output_traceback(const struct trail *trail);

#endif

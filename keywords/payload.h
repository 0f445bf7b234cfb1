/*
 * The options of payloads in a VM as keyword arguments: of Run ... In VM, and of Start Kernel VM
 * with such a vnf.
 */
#ifndef KEYWORDS_PAYLOAD_H
#define KEYWORDS_PAYLOAD_H

#include "keywords/keyword.h"
#include "vm/vm_payload.h"

/*
 * payload_options_take - read a payload's options out of free named arguments
 * @options: an object; the members that are the payload's are removed
 * @ret:     defaults where nothing was given; cleared by payload_options_clear() in any case
 * Errors: EINVAL naming the argument.
 */
int payload_options_take(enum vm_payload_kind kind, json_t *options, struct vm_payload_options *ret,
			 struct error *err);
void payload_options_clear(enum vm_payload_kind kind, struct vm_payload_options *o);

#endif

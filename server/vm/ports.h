/*
 * The TCP ports of this machine that an image VM listens on.
 */
#ifndef VM_PORTS_H
#define VM_PORTS_H

#include "config/constants.h"
#include "node/node.h"

/*
 * ports_check - whether nobody has the ports of that number yet
 *
 * Errors: EADDRINUSE with the port, what it is made of, and the remedy. The ports of another
 * machine are not looked at.
 */
int ports_check(const struct node *node, const struct constants *c, int qemu_id, struct error *err);

#endif

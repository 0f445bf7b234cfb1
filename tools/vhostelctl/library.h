/*
 * All keywords of a server.
 */
#ifndef VHOSTELCTL_LIBRARY_H
#define VHOSTELCTL_LIBRARY_H

#include <jansson.h>

#include "tools/vhostelctl/client.h"

/*
 * library_ask - name to {args, types, tags, doc}, in the server's order, without the library's own
 * entries __intro__ and __init__
 * @ret: owned by the caller
 */
int library_ask(struct client *c, json_t **ret, struct error *err);
/* library_summary_of - the first sentence of an entry's documentation, owned by the caller */
char *library_summary_of(const json_t *entry);

#endif

/*
 * The topology file: the nodes on which VMs run.
 */
#ifndef CONFIG_TOPOLOGY_H
#define CONFIG_TOPOLOGY_H

#include <stddef.h>

#include "base/error.h"

#define TOPOLOGY_NODES_MAX 64

enum node_type { NODE_LOCAL, NODE_SSH };

/* Names in the order of the enum, NULL-terminated. */
extern const char *const node_type_names[];

/* One entry below `nodes:`. Strings are owned by the topology. */
struct topology_node {
	char *name; /* the key: "DUT1" */
	enum node_type type;
	char *host; /* "localhost" for a local node */
	int port;
	char *username;
	char *password;	   /* "" when there is none */
	char *private_key; /* absolute, or "" for the user's own */
	char *known_hosts; /* absolute, or "" for the user's own */
	char *run_dir;	   /* instead of the constant, or NULL */
};

struct topology {
	struct topology_node *nodes;
	size_t count;
};

/* topology_load - @path, or NULL for one local node DUT1. Errors as constants_load(). */
int topology_load(const char *path, struct topology *ret, struct error *err);
void topology_clear(struct topology *t);

#endif

/*
 * The arguments that say how many chains of how many network functions there are, and where their
 * CPUs come from; for the keywords of chain.c and vswitch.c.
 */
#ifndef KEYWORDS_CHAIN_ARGS_H
#define KEYWORDS_CHAIN_ARGS_H

#include "keywords/usual_args.h"
#include "nfv/chain.h"

#define CHAIN_NAME_DEFAULT "nf"
#define NUMA_NODE_MAX	   1023

#define ARGUMENT_CHAIN_NAME(arguments)                                                    \
	{                                                                                 \
		.name = "name", .type = ARG_STR, .fallback = CHAIN_NAME_DEFAULT,          \
		.offset = offsetof(struct arguments, name),                               \
		.doc = "Name of these chains: 1 to 32 characters of `A-Z a-z 0-9 . _ -`." \
	}
#define ARGUMENT_COUNT(arguments, argument, member, text)                                 \
	{                                                                                 \
		.name = (argument), .type = ARG_INT, .fallback = "1", .min = 1,           \
		.max = PLACEMENT_COUNT_MAX, .offset = offsetof(struct arguments, member), \
		.doc = (text)                                                             \
	}
#define ARGUMENT_TOPOLOGY(arguments, member)                                                            \
	{                                                                                               \
		.name = "topology", .type = ARG_ENUM, .fallback = "chain",                              \
		.choices = plan_topology_names, .offset = offsetof(struct arguments, member),           \
		.doc = "`chain`: packets pass an L2 context of the vswitch between any two functions; " \
		       "`pipeline`: the functions of a chain are tied together by cross connects."      \
	}
#define ARGUMENT_SOCKET_DIR(arguments)                                                                \
	{                                                                                             \
		.name = "socket_dir", .kind = ARG_NAMED_ONLY, .type = ARG_STR, .fallback = "auto",    \
		.min = 1, .max = 107, .offset = offsetof(struct arguments, socket_dir),               \
		.doc = "Directory of the vhost-user sockets `sock-<VM>-<side>`, VMs numbered from 1 " \
		       "along the chains; `auto`: one of the chains' own below the run directory."    \
	}
#define ARGUMENT_JUMBO(arguments)                                                                 \
	{                                                                                         \
		.name = "jumbo", .kind = ARG_NAMED_ONLY, .type = ARG_BOOL, .fallback = "False",   \
		.offset = offsetof(struct arguments, jumbo), .doc = "Frames of up to 9000 bytes." \
	}

#endif

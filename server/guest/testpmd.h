/*
 * DPDK's testpmd: its command line, its prompt, its statistics. It may run in a guest or on a
 * node; a character stream is all that is needed to talk to it.
 * Source: DPDK testpmd application user guide, 22.11.
 */
#ifndef GUEST_TESTPMD_H
#define GUEST_TESTPMD_H

#include <jansson.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "base/wait.h"
#include "qemu/stream.h"

/* Limits of the options below, for the keyword table and the checks. */
#define TESTPMD_RING_MAX   4096
#define TESTPMD_BURST_MAX  512
#define TESTPMD_QUEUES_MAX 128
#define TESTPMD_PKT_MIN	   64
#define TESTPMD_PKT_MAX	   9728
#define TESTPMD_MBUFS_MAX  4194304

/* Forwarding modes, NULL-terminated. */
extern const char *const testpmd_modes[];

/*
 * What Run Testpmd In VM and `vnf=testpmd` can choose. 0 or -1 stands for "auto" where said.
 * @mode:        index in testpmd_modes
 * @cpus:        lcores, the main one included; -1: all vCPUs
 * @queues:      queue pairs a port; -1: as many as the NICs have
 * @peer_macs:   destination MAC of port 0, 1, ...; for mode mac
 * @max_pkt_len: bytes; -1: for an MTU of 1500
 * @mbufs:       -1: from ports, queues and rings
 * @extra_args:  appended to testpmd's own arguments
 */
struct testpmd_options {
	int mode;
	int cpus;
	int queues;
	int rxd;
	int txd;
	int burst;
	struct strv peer_macs;
	int max_pkt_len;
	int mbufs;
	struct strv extra_args;
};

/* The defaults that the keyword table has as text. */
#define TESTPMD_DEFAULTS                                                         \
	{                                                                        \
		.cpus = -1, .queues = -1, .rxd = 1024, .txd = 1024, .burst = 64, \
		.max_pkt_len = -1, .mbufs = -1                                   \
	}

/* The guest that testpmd runs in. @pci_addresses: of its ports, in port order; borrowed. */
struct testpmd_place {
	const char *binary;
	int cpus;
	int queues;
	const struct strv *pci_addresses;
};

void testpmd_options_clear(struct testpmd_options *o);
/*
 * testpmd_check - whether the options fit the place
 * Errors: EINVAL naming the option, what was given and what is allowed.
 */
int testpmd_check(const struct testpmd_options *o, const struct testpmd_place *place,
		  struct error *err);
/* testpmd_command - the argument list of an interactive testpmd that forwards at once; @ret */
void testpmd_command(const struct testpmd_options *o, const struct testpmd_place *place,
		     struct strv *ret);
/* testpmd_mbufs - what the options need, at least ports * queues * (rxd + txd) */
int testpmd_mbufs(const struct testpmd_options *o, const struct testpmd_place *place);
/* testpmd_hugepages_2m - pages of 2 MB that these mbufs and testpmd itself need */
int testpmd_hugepages_2m(const struct testpmd_options *o, const struct testpmd_place *place);

/* A console line that shows testpmd at its prompt, which it prints once it forwards. */
#define TESTPMD_READY_PATTERN "^testpmd> "

/* Patterns of a start: forwarding, or why not. Compiled once, never freed. */
struct testpmd_patterns {
	const regex_t *all[2];
};

/* testpmd_patterns - [0]: the prompt after forwarding began; [1]: an error that ends testpmd */
const struct testpmd_patterns *testpmd_patterns(void);

/*
 * testpmd_execute - one command at the prompt and its answer
 * @ret: the answer without echo and prompt, printable, owned by the caller
 *
 * One at a time on a stream. Errors: ETIMEDOUT; EINVAL for a command with a line end in it;
 * EREMOTEIO for one that testpmd does not know.
 */
int testpmd_execute(struct stream *stream, const char *command, const struct wait *w, char **ret,
		    struct error *err);
/* testpmd_stats - {"ports": [{port, rx_packets, tx_packets, rx_bytes, ...}]}, a new reference */
int testpmd_stats(struct stream *stream, const struct wait *w, json_t **ret, struct error *err);
/* testpmd_ports - [{port, mac_address, pci_address}], a new reference */
int testpmd_ports(struct stream *stream, const struct wait *w, json_t **ret, struct error *err);
/* testpmd_parse_stats, testpmd_parse_port - from the answers' texts, for those two */
json_t *testpmd_parse_stats(const char *answer);
json_t *testpmd_parse_port(const char *answer, int port);

#endif

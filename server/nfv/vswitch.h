/*
 * A vswitch that joins the VMs of NF chains: one interface for all drivers.
 *
 * How it works: the wires of the chains follow from their shape alone, so a vswitch can be started
 * before the VMs, and again while they run: their vhost-user sockets have the same names, and the
 * vswitch, which is the client, connects to those that are there as they appear. Both ends of a
 * chain are traffic ports. A driver starts the program, wires what struct vswitch has, and reads
 * its counters; everything else is here.
 */
#ifndef NFV_VSWITCH_H
#define NFV_VSWITCH_H

#include <jansson.h>
#include <stdatomic.h>

#include "base/trail.h"
#include "nfv/plan.h"
#include "nfv/traffic_ports.h"
#include "node/node.h"
#include "qemu/stream.h"

enum vswitch_driver { VSWITCH_NONE, VSWITCH_TESTPMD, VSWITCH_OVS, VSWITCH_VPP };
/* Names in the order of the enum, NULL-terminated; the second begins behind "none". */
extern const char *const vswitch_or_none_names[];
extern const char *const vswitch_driver_names[];

/* Processes that a driver may have. */
#define VSWITCH_PROCESSES_MAX 2

/* What joins two ends. @socket: of a VM's NIC; NULL: @port, a traffic port, borrowed. */
struct wire_end {
	char *socket;
	const struct traffic_port *port;
};

struct vswitch_wire {
	int chain;
	int number;
	enum segment_kind kind;
	struct wire_end ends[2];
};

/*
 * @name:       of the chains
 * @dir:        "<run_dir>/@<name>", which the vswitch's files are below
 * @socket_dir: of the vhost-user sockets: sock-<number>-<side>, VMs numbered from 1 along the
 * chains
 * @jumbo:      frames of up to FRAME_MAX bytes
 * @host_cpus:  the first of its main thread, the others of its data plane, which has that one too
 *              when there is no other; empty: all
 */
struct vswitch_spec {
	const char *name;
	struct node *node;
	enum vswitch_driver driver;
	int chains;
	int nodes_per_chain;
	enum plan_topology topology;
	int queues;
	bool jumbo;
	const char *dir;
	const char *socket_dir;
	const int *host_cpus;
	size_t host_cpu_count;
};

struct vswitch;

/*
 * A driver. Its functions are called one at a time; where it fails it may leave what it started:
 * vswitch_start() ends it.
 * @pages:         of 2 MB on the host, at most, that a program that we start takes
 * @foreign:       whether the program is one that runs on the node already, NULL: no. Ours are in
 *                 the network namespace of the traffic ports, which are in the server's otherwise
 * @check:         what is missing on the node, before anything starts
 * @stop:          take out of a vswitch that goes on what start put in; may be NULL
 * @stats:         [{"port": the program's name for it, "wire", "side": where it is among @wires,
 *                 "rx_packets", ...}, ...] in any order
 */
struct vswitch_ops {
	int pages;
	bool (*foreign)(const struct constants *c);
	int (*check)(struct vswitch *v, const struct wait *w, struct error *err);
	int (*start)(struct vswitch *v, const struct wait *w, struct trail *trail,
		     struct error *err);
	void (*stop)(struct vswitch *v, const struct wait *w);
	int (*stats)(struct vswitch *v, const struct wait *w, json_t **ret, struct error *err);
};

extern const struct vswitch_ops vswitch_testpmd_ops, vswitch_ovs_ops, vswitch_vpp_ops;

struct vswitch {
	atomic_int references;
	const struct vswitch_ops *ops;
	struct hostel *hostel;
	struct vswitch_spec spec; /* its strings are the vswitch's own */
	unsigned int key;	  /* of @dir: one of few numbers, the same in another run */
	bool foreign;		  /* the program is not ours */
	struct process peer;	  /* that program, as far as it can be seen */
	char *control;		  /* socket at which it takes commands; may be NULL */
	char *sockets;		  /* directory of its other sockets; may be NULL */
	char *files;		  /* directory of its own files */
	char *log_path;
	struct gate gate; /* one question at a time */
	struct traffic_ports traffic;
	struct vswitch_wire *wires;
	size_t wire_count;
	struct node_process processes[VSWITCH_PROCESSES_MAX];
	size_t process_count;
	struct stream *stream; /* the program's terminal, or NULL */
	struct strv names;     /* of the ports, where the program chooses them */
	struct strv contexts;  /* of its L2 contexts, where those are made one by one */
};

/* vswitch_is_foreign - whether that driver uses a program that runs on the node already */
bool vswitch_is_foreign(enum vswitch_driver driver, const struct constants *c);
/* vswitch_pages - huge pages of 2 MB that starting such a vswitch takes at most; for "none" 0 */
int vswitch_pages(enum vswitch_driver driver, const struct constants *c);
/*
 * vswitch_start - start a vswitch that has all wires of the chains
 * @ret: one reference
 *
 * Returns when it forwards; VMs may come later. On failure nothing is left. Errors: ENOTSUP and
 * EINVAL name what is missing or too much; ECONNRESET with the program's own words.
 */
int vswitch_start(struct hostel *hostel, const struct vswitch_spec *spec, const struct wait *w,
		  struct trail *trail, struct vswitch **ret, struct error *err);
/* vswitch_stop - end it and remove its files; the sockets of VMs stay. Once. */
void vswitch_stop(struct vswitch *v);
struct vswitch *vswitch_get(struct vswitch *v);
void vswitch_put(struct vswitch *v);
void vswitch_drop(struct vswitch **v);
#define auto_vswitch __attribute__((cleanup(vswitch_drop))) struct vswitch
/*
 * vswitch_stats - {driver, name, node, chains, nodes_per_chain, topology, pid, ports}
 *
 * @pid: 0 for a program that is not ours. Each port has `chain`, `segment`, `side` (0 or 1 of the
 * segment), `socket` or `interface`, and rx_packets, tx_packets, rx_bytes, tx_bytes, rx_missed,
 * tx_errors.
 */
int vswitch_stats(struct vswitch *v, const struct wait *w, json_t **ret, struct error *err);
/* vswitch_add_cancel - the end of the vswitch cancels @w */
void vswitch_add_cancel(const struct vswitch *v, struct wait *w);
/* vswitch_check - ECONNRESET with the last it said when the vswitch ended by itself */
int vswitch_check(struct vswitch *v, struct error *err);
/* vswitch_port - the traffic port of that side (0, 1) of a chain (from 1), borrowed */
const struct traffic_port *vswitch_port(const struct vswitch *v, int chain, int side);

/* For drivers. */

/*
 * vswitch_run - start one of the vswitch's programs, in the traffic ports' network namespace
 * @program: short name, for its pid file
 * @argv:    borrowed
 * @fd:      its standard input, output and error, borrowed; -1: none, and the log
 */
int vswitch_run(struct vswitch *v, const char *program, const struct strv *argv, int fd,
		const struct wait *w, struct error *err);
/*
 * vswitch_watch_peer - the end of the program that listens at the other end of @fd, a socket, is
 * the vswitch's end from now on; nothing happens when it is in another PID namespace
 */
void vswitch_watch_peer(struct vswitch *v, int fd);
/* vswitch_add_log - append the end of the log to @err */
void vswitch_add_log(struct vswitch *v, struct error *err);

#endif

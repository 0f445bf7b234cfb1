/*
 * Payloads in a running VM: l3fwd, a Linux bridge, Linux IPv4 forwarding, an iperf3 server, VPP.
 * (testpmd, which has a prompt, is in vm_testpmd.h.)
 *
 * How it works: each payload is one entry of a table: what it needs in the guest, how it is
 * configured, the program that it is, if any, the line that says it is ready, its statistics. A VM
 * runs one payload at a time, testpmd counts as one; starts and stops pass the VM's testpmd_gate.
 * A kernel VM can have one from its start on, as its vnf: it runs when the guest agent answers.
 */
#ifndef VM_VM_PAYLOAD_H
#define VM_VM_PAYLOAD_H

#include "vm/vm.h"

enum vm_payload_kind {
	VM_PAYLOAD_L3FWD,
	VM_PAYLOAD_BRIDGE,
	VM_PAYLOAD_IPV4,
	VM_PAYLOAD_IPERF3,
	VM_PAYLOAD_VPP,
	VM_PAYLOADS
};

/*
 * What Run ... In VM can choose; what a payload does not take is ignored.
 * @binary:     the program in the guest
 * @cpus:       lcores or VPP threads; -1: as the payload finds right
 * @interface:  of an iperf3 server: "vhost1"
 * @addresses:  "1.1.1.1/24" for each interface, in order; empty: the usual ones
 * @peers:      next hop behind each interface: "1.1.1.2"; empty: the usual ones
 * @peer_macs:  MAC address of each next hop; empty: by ARP, or 02:00:00:00:00:<port> for DPDK
 * @routes:     "10.0.0.0/8 via 1.1.1.2", ...; empty: the usual ones
 * @port:       TCP port of an iperf3 server
 * @template:   VPP's exec file: a path, or a name in the template directory
 * @extra_args: appended to the program's arguments
 */
struct vm_payload_options {
	const char *binary;
	int cpus;
	const char *interface;
	struct strv addresses;
	struct strv peers;
	struct strv peer_macs;
	struct strv routes;
	int port;
	const char *template;
	struct strv extra_args;
};

/* What runs in a VM, from vm_payload_run() to vm_payload_stop(). */
struct vm_payload;
void vm_payload_free(struct vm_payload *p);
/*
 * vm_payload_save - what a later server has to know of what runs in @vm: an object or null, a new
 * reference. With the VM's mutex held.
 */
json_t *vm_payload_save(const struct vm *vm);
/* vm_payload_load - from what vm_payload_save() gave; NULL when there was none. Owned by the
 * caller. */
struct vm_payload *vm_payload_load(const json_t *saved);

/* vm_payload_title - "l3fwd", "a Linux bridge", ...; for messages */
const char *vm_payload_title(enum vm_payload_kind kind);
/* vm_payload_dpdk - whether the interfaces belong to DPDK, not to the guest's kernel */
bool vm_payload_dpdk(enum vm_payload_kind kind);
/* vm_payload_hugepages - of 2 MB, that it needs in the guest */
int vm_payload_hugepages(enum vm_payload_kind kind);
/*
 * vm_payload_check - whether a VM that is defined could run it, with @cpus vCPUs; changes nothing
 * Errors: EINVAL naming the argument, or the interfaces that are missing.
 */
int vm_payload_check(struct vm *vm, enum vm_payload_kind kind, const struct vm_payload_options *o,
		     int cpus, const struct wait *w, struct error *err);
/* vm_payload_check_idle - EINVAL unless the VM runs and no payload runs in it */
int vm_payload_check_idle(struct vm *vm, struct error *err);
/*
 * vm_payload_run - prepare the guest, start the payload, wait until it is ready
 * @ret: {payload, pid, command, interfaces: [{interface, name, mac_address, pci_address,
 *       address}]}, a new reference; pid 0 and command "" where there is no program
 *
 * What it did is undone when it fails. Errors: EINVAL naming the argument; ENOENT for a program
 * that the guest has not; ECONNRESET and ETIMEDOUT with the program's own output; EREMOTEIO for
 * what the guest refuses.
 */
int vm_payload_run(struct vm *vm, enum vm_payload_kind kind, const struct vm_payload_options *o,
		   const struct wait *w, struct trail *trail, json_t **ret, struct error *err);
/* vm_payload_start - the same for a VM whose start is not complete and whose agent answers */
int vm_payload_start(struct vm *vm, enum vm_payload_kind kind, const struct vm_payload_options *o,
		     const struct wait *w, struct trail *trail, struct error *err);
/* vm_payload_stop - the last statistics, then the end of the payload */
int vm_payload_stop(struct vm *vm, enum vm_payload_kind kind, const struct wait *w,
		    struct trail *trail, json_t **ret, struct error *err);
/* vm_payload_stats - {"ports": [{port, interface, rx_packets, tx_packets, ...}]} since the start */
int vm_payload_stats(struct vm *vm, enum vm_payload_kind kind, const struct wait *w, json_t **ret,
		     struct error *err);

/* What an iperf3 client can choose; @interface NULL: the guest's routes decide, no address set. */
struct iperf3_client {
	const char *binary;
	const char *server;
	int port;
	int64_t duration_ms;
	int streams;
	bool reverse;
	const char *interface;
	const char *address;
	struct strv extra_args;
};

/*
 * vm_iperf3_client - run iperf3 against a server to its end
 * @ret: {bits_per_second, sent_bytes, received_bytes, retransmits, seconds, report}
 */
int vm_iperf3_client(struct vm *vm, const struct iperf3_client *c, const struct wait *w,
		     struct trail *trail, json_t **ret, struct error *err);

#endif

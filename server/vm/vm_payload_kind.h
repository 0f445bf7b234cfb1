/*
 * Inside the payloads: one start of one of them, and the table of their kinds. Only vm_payload*.c
 * include this.
 */
#ifndef VM_VM_PAYLOAD_KIND_H
#define VM_VM_PAYLOAD_KIND_H

#include "config/constants.h"
#include "vm/vm_payload.h"

/* An interface as a payload sees it. @name: in the guest, NULL while DPDK has it. */
struct payload_nic {
	char id[NIC_ID_SIZE];
	char mac[MAC_LENGTH + 1];
	char *pci;
	char *name;
	char *address; /* of the guest's kernel, or NULL */
	int queues;
};

/*
 * One that runs.
 * @base:   what the counters were at the start, or NULL: they began with it
 * @resets: of the VM, when it was started: with another one it is gone
 */
struct vm_payload {
	const struct payload_kind *kind;
	int resets;
	int pid;
	struct payload_nic nics[NICS_MAX];
	size_t nic_count;
	json_t *base;
};

/*
 * One start.
 * @starting: the VM's own start runs it: nothing else can be running, and the agent answers
 * @cpus:     vCPUs of the VM
 * @o:        the keyword's options, the usual ones filled in
 * @c:        borrowed, as are the wait and the trail
 * @command:  the program's arguments, empty when the payload is no program
 */
struct payload_run {
	struct vm *vm;
	const struct payload_kind *kind;
	bool starting;
	int cpus;
	const struct vm_payload_options *given;
	struct vm_payload_options o;
	const struct constants *c;
	const struct wait *w;
	struct trail *trail;
	struct payload_nic nics[NICS_MAX];
	size_t nic_count;
	struct strv command;
};

/*
 * @title:     for messages
 * @min_nics:  vhost interfaces that it needs
 * @dpdk:      DPDK has the interfaces, else the guest's kernel
 * @hugepages: of 2 MB, that a DPDK program needs
 * @tool:      a program that the guest has to have beside the payload's own, or NULL
 * @awaits:    for errors
 * @ready:     line of the program's output, POSIX extended; NULL: no program
 * @failure:   line that says it failed
 * @fill:      checks the options and adds the usual ones; changes nothing
 * @configure: prepares the guest and makes @command; may be NULL
 * @settled:   waits for what shows in the guest's state; may be NULL
 * @undo:      takes back what @configure did, as far as it can; may be NULL
 * @stats:     {"ports": [...]}, counted since the program's start or the interface's beginning
 */
struct payload_kind {
	const char *title;
	size_t min_nics;
	bool dpdk;
	int hugepages;
	const char *tool;
	const char *awaits;
	const char *ready;
	const char *failure;
	int (*fill)(struct payload_run *r, struct error *err);
	int (*configure)(struct payload_run *r, struct error *err);
	int (*settled)(struct payload_run *r, struct error *err);
	void (*undo)(struct vm *vm, const struct payload_nic *nics, size_t count,
		     const struct wait *w);
	int (*stats)(struct vm *vm, const struct payload_nic *nics, size_t count,
		     const struct wait *w, json_t **ret, struct error *err);
};

extern const struct payload_kind payload_kinds[VM_PAYLOADS];

/* payload_running_now - what still runs, or NULL. With the VM's mutex held. */
struct vm_payload *payload_running_now(const struct vm *vm);

/* What the guest's kernel counts, of the interfaces that it has. */
int payload_kernel_stats(struct vm *vm, const struct payload_nic *nics, size_t count,
			 const struct wait *w, json_t **ret, struct error *err);
/* payload_find_names - fill in what the guest calls the interfaces. ENODEV when it lacks one. */
int payload_find_names(struct vm *vm, struct payload_nic *nics, size_t count, const struct wait *w,
		       struct error *err);
/* payload_await_links - until all of them have a carrier and, in a bridge, forward */
int payload_await_links(struct payload_run *r, struct error *err);
/*
 * payload_address - "1.1.1.1/24": EINVAL naming @argument unless it is an IPv4 address, with a
 * prefix length when @prefix says so
 */
int payload_check_address(const char *text, bool prefix, const char *argument, struct error *err);
/* payload_port_stats - one port's counters; packets, bytes, missed and errors, received first */
json_t *payload_port_stats(size_t port, const struct payload_nic *nic, const json_int_t counts[7]);

/* The kinds' own parts, in vm_payload_dpdk.c and vm_payload_kernel.c. */
int l3fwd_fill(struct payload_run *r, struct error *err);
int l3fwd_configure(struct payload_run *r, struct error *err);
int l3fwd_stats(struct vm *vm, const struct payload_nic *nics, size_t count, const struct wait *w,
		json_t **ret, struct error *err);
int vpp_fill(struct payload_run *r, struct error *err);
int vpp_configure(struct payload_run *r, struct error *err);
int vpp_stats(struct vm *vm, const struct payload_nic *nics, size_t count, const struct wait *w,
	      json_t **ret, struct error *err);
int bridge_configure(struct payload_run *r, struct error *err);
void bridge_undo(struct vm *vm, const struct payload_nic *nics, size_t count, const struct wait *w);
int ipv4_fill(struct payload_run *r, struct error *err);
int ipv4_configure(struct payload_run *r, struct error *err);
void kernel_undo(struct vm *vm, const struct payload_nic *nics, size_t count, const struct wait *w);
int iperf3_fill(struct payload_run *r, struct error *err);
int iperf3_configure(struct payload_run *r, struct error *err);

#endif

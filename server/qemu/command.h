/*
 * The QEMU command line of a VM, and where its sockets are. The one place that knows both.
 */
#ifndef QEMU_COMMAND_H
#define QEMU_COMMAND_H

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"
#include "node/facts.h"

/* The agent's virtio-serial port and the payloads' terminal, as the guest names them. */
#define QEMU_AGENT_PORT	      "org.qemu.guest_agent.0"
#define QEMU_PAYLOAD_TERMINAL "/dev/hvc0"

/* Files below a VM's run directory. */
#define QEMU_QMP_SOCKET	    "qmp.sock"
#define QEMU_CONSOLE_SOCKET "console.sock"
#define QEMU_AGENT_SOCKET   "agent.sock"
#define QEMU_PAYLOAD_SOCKET "payload.sock"
#define QEMU_CONSOLE_LOG    "console.log"
#define QEMU_PAYLOAD_LOG    "payload.log"
#define QEMU_ERROR_LOG	    "qemu.log"
#define QEMU_PID_FILE	    "pid"
/* The longest of the socket names. */
#define QEMU_SOCKET_NAME_MAX (sizeof(QEMU_CONSOLE_SOCKET) - 1)

/* Ids of chardevs and devices, as QMP events name them. */
#define QEMU_AGENT_DEVICE   "agent"
#define QEMU_PAYLOAD_DEVICE "payload"

enum guest_memory { GUEST_MEMORY_MEMFD, GUEST_MEMORY_2M, GUEST_MEMORY_1G };

/*
 * Everything that decides the command line; all strings borrowed.
 * @cores:       the core that each of the @cpus vCPUs is a thread of, as qemu_check_cores() wants
 *               them; NULL: each is a core of its own
 * @numa_node:   the host's NUMA node that the memory is bound to, -1: any
 * @kernel:      direct kernel boot with @initrd and @append (NULL: boot from @drive)
 * @host_root:   exported read-only over 9p with tag virtioroot, or NULL
 * @drive:       disk image, or NULL; @snapshot leaves its file untouched
 * @agent_isa:   the agent is on the second serial port instead of a virtio-serial port
 * @ssh_port:    forwarded to the guest's port 22 through a management e1000; 0: none
 * @serial_port: TCP port that shows the console too; 0: none
 */
struct qemu_spec {
	const char *name;
	const char *binary;
	const char *machine;
	const char *cpu;
	bool kvm;
	bool sandbox;
	int cpus;
	const int *cores;
	int memory_mib;
	enum guest_memory memory;
	int numa_node;
	const char *run_dir;
	const char *firmware;
	const char *kernel;
	const char *initrd;
	const char *append;
	const char *host_root;
	const char *drive;
	const char *drive_format;
	bool snapshot;
	bool agent_isa;
	int ssh_port;
	int serial_port;
};

/*
 * qemu_command - the argument list; added to @ret
 *
 * QEMU starts paused and without vhost-user NICs: those come over QMP once the vswitch is there.
 */
void qemu_command(const struct qemu_spec *spec, struct strv *ret);
/*
 * qemu_check_cores - whether a guest can have such cores
 *
 * The first vCPU is on core 0, every other on the core of the one before or on the next: so the
 * guest numbers its CPUs as they stand here. Errors: EINVAL.
 */
int qemu_check_cores(const int *cores, size_t count, struct error *err);
/*
 * qemu_shows_cores - whether the guest gets @spec's cores, which are not NULL
 *
 * Not under TCG when a core before the last has fewer threads than another: such a core leaves a
 * gap in the APIC ids, and QEMU's own APIC delivers nothing behind a gap. Each vCPU is a core then.
 * Source: QEMU 7.2, hw/intc/apic.c, apic_get_delivery_bitmask().
 */
bool qemu_shows_cores(const struct qemu_spec *spec);
/* qemu_path - @run_dir/@name, owned by the caller */
char *qemu_path(const char *run_dir, const char *name);

#endif

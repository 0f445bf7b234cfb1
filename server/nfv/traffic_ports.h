/*
 * Traffic ports: where the server puts frames into a vswitch and takes them out.
 *
 * How it works: a port is a tap device. The server holds its descriptor; the vswitch has the
 * device, by a packet socket, as every vswitch can: net_af_packet of DPDK, a system port of
 * Open vSwitch, a host-interface of VPP. A frame written to the descriptor is one that the
 * vswitch receives, and one that the vswitch sends is read from it. The devices are in a network
 * namespace of their own, in which the vswitch is started: no name collides with anything, nobody
 * else sends there, and when descriptors and namespace are closed, nothing is left.
 * Source: Linux Documentation/networking/tuntap.rst, network_namespaces(7).
 */
#ifndef NFV_TRAFFIC_PORTS_H
#define NFV_TRAFFIC_PORTS_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct traffic_port {
	int fd; /* non-blocking; one frame a read or write */
	char name[IFNAMSIZ];
};

/*
 * @namespace_fd: of the ports' network namespace; -1: it is the server's own
 * @ports:        sides 1 and 2 of chain 1, of chain 2, ...
 */
struct traffic_ports {
	int namespace_fd;
	struct traffic_port *ports;
	size_t count;
};

#define TRAFFIC_PORTS_NONE         \
	{                          \
		.namespace_fd = -1 \
	}

/*
 * traffic_ports_open - make @count ports, up and without addresses
 * @mtu:           of the devices
 * @own_namespace: false: in the server's own network namespace, for a vswitch that runs already
 * @ret:           cleared by traffic_ports_close() in any case
 *
 * Errors: EPERM says which capability the server lacks; ENOENT without /dev/net/tun.
 */
int traffic_ports_open(size_t count, int mtu, bool own_namespace, struct traffic_ports *ret,
		       struct error *err);
/* traffic_ports_close - the devices and, unless a process still runs in it, the namespace go */
void traffic_ports_close(struct traffic_ports *ports);

#endif

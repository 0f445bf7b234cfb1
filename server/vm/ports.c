/*
 * The TCP ports of an image VM: tried before QEMU does, which says less.
 */
#include "vm/ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/own.h"

/* As QEMU binds it: a connection that lingers from an earlier VM is no obstacle. */
static bool is_taken(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	auto_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int) { 1 }, sizeof(int));
	return bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 && errno == EADDRINUSE;
}

static int check(const char *name, int base, int qemu_id, struct error *err)
{
	if (!is_taken(base + qemu_id))
		return 0;
	return error_set(err, EADDRINUSE,
			 "%s port %d (%d + qemu_id %d) is taken by another process: give another "
			 "qemu_id",
			 name, base + qemu_id, base, qemu_id);
}

int ports_check(const struct node *node, const struct constants *c, int qemu_id, struct error *err)
{
	if (!node_is_local(node))
		return 0;
	if (check("SSH", c->qemu.ssh_port_base, qemu_id, err) < 0)
		return -1;
	return check("serial", c->qemu.serial_port_base, qemu_id, err);
}

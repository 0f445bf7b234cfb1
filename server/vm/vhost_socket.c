/*
 * Whether a vhost-user NIC can have a socket: its path, and who uses it already.
 */
#include "vm/vhost_socket.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "vm/hostel.h"

static int check_path(struct vm *vm, const char *socket, const struct wait *w, struct error *err)
{
	auto_free char *dir = own_strdup(socket);
	auto_strv entries = { 0 };
	char *slash = strrchr(dir, '/');

	if (*socket != '/')
		return error_set(err, EINVAL, "expected an absolute path, got '%s'", socket);
	if (strlen(socket) > UNIX_PATH_MAX_LENGTH)
		return error_set(err, EINVAL,
				 "a Unix socket path has at most %d bytes, got %zu: '%s'",
				 UNIX_PATH_MAX_LENGTH, strlen(socket), socket);
	slash[slash == dir] = '\0';
	if (node_list_dir(vm->node, dir, w, &entries, err) < 0)
		return error_prefix(err, "directory of '%s'", socket);
	/* QEMU would take a file's place, and the clean-up would remove a directory. */
	if (node_file_exists(vm->node, socket, w))
		return error_set(err, EINVAL,
				 "expected the path of a socket, got a file or directory: '%s'",
				 socket);
	return 0;
}

static int check_free(struct vm *vm, const char *socket, bool server, const struct wait *w,
		      struct error *err)
{
	auto_vm *user = hostel_socket_user(vm->hostel, vm->node, socket);
	bool bound;

	if (user)
		return error_set(err, EINVAL, "'%s' is in use by VM '%s'", socket, user->name);
	if (node_socket_bound(vm->node, socket, w, &bound, err) < 0)
		return -1;
	if (server && bound)
		return error_set(
			err, EINVAL,
			"'%s' is in use: another process listens on it (for a vswitch that "
			"listens say server=False)",
			socket);
	return 0;
}

int vhost_check_sockets(struct vm *vm, char *const *sockets, size_t count, bool server,
			const struct wait *w, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		if (check_path(vm, sockets[i], w, err) < 0 ||
		    check_free(vm, sockets[i], server, w, err) < 0)
			return error_prefix(err, "argument 'sockets'");
		for (size_t j = 0; j < i; j++)
			if (!strcmp(sockets[i], sockets[j]))
				return error_set(err, EINVAL,
						 "argument 'sockets': '%s' is given twice",
						 sockets[i]);
	}
	return 0;
}

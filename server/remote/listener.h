/*
 * The sockets that the server listens on: TCP, Unix, and those that systemd hands over.
 */
#ifndef REMOTE_LISTENER_H
#define REMOTE_LISTENER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define LISTENERS_MAX 8

struct listener {
	int fd;
	bool local;   /* a Unix socket */
	bool exposed; /* other machines reach it */
};

struct listeners {
	struct listener items[LISTENERS_MAX];
	size_t count;
	char *unix_path; /* ours, removed at the end */
	bool inherited;	 /* systemd's sockets stand for host and port */
};

/*
 * listeners_inherit - take over what LISTEN_FDS announces, if anything
 *
 * Errors: EINVAL for a descriptor that is no listening stream socket.
 * Source: sd_listen_fds(3).
 */
int listeners_inherit(struct listeners *l, struct error *err);
/* listeners_add_tcp - @port 0 takes a free one. Every address of @host is listened on. */
int listeners_add_tcp(struct listeners *l, const char *host, int port, struct error *err);
/*
 * listeners_add_unix - only this user can connect; a socket that an ended server left is replaced
 *
 * Errors: EADDRINUSE when a server still listens on it.
 */
int listeners_add_unix(struct listeners *l, const char *path, struct error *err);
/*
 * listener_admits - whether a connection accepted from @l is from somebody who may call
 *
 * Nobody asks for credentials on a Unix socket, and systemd's has the mode that its unit names, so
 * it is who connected that counts: root or our own user. Source: unix(7), SO_PEERCRED.
 */
bool listener_admits(const struct listener *l, int fd);
/* listeners_port - of the first TCP socket, 0 when there is none */
int listeners_port(const struct listeners *l);
/* listeners_exposed - whether other machines reach one of them */
bool listeners_exposed(const struct listeners *l);
void listeners_clear(struct listeners *l);

#endif

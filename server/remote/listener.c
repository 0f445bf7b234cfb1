/*
 * The sockets that the server listens on.
 */
#include "remote/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"

/* The kernel cuts it to net.core.somaxconn. */
#define BACKLOG 4096

/* The first descriptor that systemd passes. Source: sd_listen_fds(3). */
#define INHERITED_FIRST 3

static bool is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
	if (address->sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
	return address->sa_family == AF_UNIX;
}

static int add(struct listeners *l, int *fd, struct error *err)
{
	struct sockaddr_storage address = { 0 };
	socklen_t length = sizeof(address);

	if (l->count == LISTENERS_MAX)
		return error_set(err, E2BIG, "more than %d sockets to listen on", LISTENERS_MAX);
	if (getsockname(*fd, (struct sockaddr *)&address, &length) < 0)
		return error_set_errno(err, errno, "getsockname");
	fcntl(*fd, F_SETFD, FD_CLOEXEC);
	fcntl(*fd, F_SETFL, fcntl(*fd, F_GETFL) | O_NONBLOCK);
	l->items[l->count++] = (struct listener) {
		.fd = take_fd(fd),
		.local = address.ss_family == AF_UNIX,
		.exposed = !is_loopback((struct sockaddr *)&address),
	};
	return 0;
}

static int inherit_one(struct listeners *l, int fd, struct error *err)
{
	int listening = 0, type = 0;
	socklen_t length = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) < 0 || !listening ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0 || type != SOCK_STREAM)
		return error_set(err, EINVAL,
				 "LISTEN_FDS: descriptor %d: expected a listening stream socket",
				 fd);
	return add(l, &fd, err);
}

int listeners_inherit(struct listeners *l, struct error *err)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	long long number = 0, count = 0;

	if (!pid || !fds || str_to_int(pid, 1, 1 << 30, &number) < 0 || number != getpid())
		return 0;
	if (str_to_int(fds, 1, LISTENERS_MAX, &count) < 0)
		return error_set(err, EINVAL, "LISTEN_FDS: expected 1 to %d, got '%s'",
				 LISTENERS_MAX, fds);
	for (int i = 0; i < (int)count; i++)
		if (inherit_one(l, INHERITED_FIRST + i, err) < 0)
			return -1;
	l->inherited = true;
	/* Programs that we start are not meant. */
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return 0;
}

static int listen_on(struct listeners *l, const struct addrinfo *address, struct error *err)
{
	auto_close int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0)
		return error_set_errno(err, errno, "socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, address->ai_addr, address->ai_addrlen) < 0)
		return error_set_errno(err, errno, "bind");
	if (listen(fd, BACKLOG) < 0)
		return error_set_errno(err, errno, "listen");
	return add(l, &fd, err);
}

static void set_port(struct sockaddr *address, int port)
{
	if (address->sa_family == AF_INET)
		((struct sockaddr_in *)address)->sin_port = htons((uint16_t)port);
	else
		((struct sockaddr_in6 *)address)->sin6_port = htons((uint16_t)port);
}

int listeners_add_tcp(struct listeners *l, const char *host, int port, struct error *err)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC,
				  .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_PASSIVE };
	struct addrinfo *list;
	size_t before = l->count;
	int rc = getaddrinfo(host, NULL, &hints, &list);

	if (rc)
		return error_set(err, EINVAL, "cannot listen on '%s': %s", host, gai_strerror(rc));
	rc = 0;
	for (const struct addrinfo *a = list; a; a = a->ai_next) {
		if (a->ai_family != AF_INET && a->ai_family != AF_INET6)
			continue;
		/* With a port of its own choice the first address decides for all. */
		set_port(a->ai_addr, port ? port : listeners_port(l));
		rc = listen_on(l, a, err);
		/* "localhost" may name ::1 on a machine without IPv6. */
		if (rc < 0 && err->code != EADDRNOTAVAIL && err->code != EAFNOSUPPORT)
			break;
		rc = 0;
	}
	freeaddrinfo(list);
	if (rc < 0 || l->count == before)
		return error_prefix(err, "cannot listen on %s port %d", host, port);
	return 0;
}

static bool somebody_listens(const struct sockaddr_un *address)
{
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && !connect(fd, (const struct sockaddr *)address, sizeof(*address));
}

int listeners_add_unix(struct listeners *l, const char *path, struct error *err)
{
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat st;
	mode_t mask;
	int rc;

	if (fd < 0)
		return error_set_errno(err, errno, "socket");
	if (strlen(path) >= sizeof(address.sun_path))
		return error_set(err, ENAMETOOLONG,
				 "remote.unix_socket: expected at most %zu bytes",
				 sizeof(address.sun_path) - 1);
	strcpy(address.sun_path, path);
	if (somebody_listens(&address))
		return error_set(err, EADDRINUSE, "%s: a server listens on it already", path);
	if (!lstat(path, &st) && S_ISSOCK(st.st_mode))
		unlink(path);
	mask = umask(0177);
	rc = bind(fd, (struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (rc < 0 || listen(fd, BACKLOG) < 0)
		return error_set_errno(err, errno, "cannot listen on %s", path);
	l->unix_path = own_strdup(path);
	return add(l, &fd, err);
}

bool listener_admits(const struct listener *l, int fd)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);

	if (!l->local)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
		return false;
	return peer.uid == 0 || peer.uid == geteuid();
}

int listeners_port(const struct listeners *l)
{
	for (size_t i = 0; i < l->count; i++) {
		struct sockaddr_storage address = { 0 };
		socklen_t length = sizeof(address);

		if (l->items[i].local ||
		    getsockname(l->items[i].fd, (struct sockaddr *)&address, &length) < 0)
			continue;
		return ntohs(address.ss_family == AF_INET
				     ? ((struct sockaddr_in *)&address)->sin_port
				     : ((struct sockaddr_in6 *)&address)->sin6_port);
	}
	return 0;
}

bool listeners_exposed(const struct listeners *l)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->items[i].exposed)
			return true;
	return false;
}

void listeners_clear(struct listeners *l)
{
	for (size_t i = 0; i < l->count; i++)
		own_close(&l->items[i].fd);
	if (l->unix_path)
		unlink(l->unix_path);
	free(l->unix_path);
	*l = (struct listeners) { 0 };
}

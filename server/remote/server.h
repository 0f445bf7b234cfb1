/*
 * The remote server: worker threads that accept connections and serve them.
 */
#ifndef REMOTE_SERVER_H
#define REMOTE_SERVER_H

#include "base/error.h"
#include "config/constants.h"
#include "keywords/keyword.h"

struct server;

/*
 * @host, @port: instead of the constants; NULL and -1 for those
 * @hostel:      what keywords work on; borrowed
 * @constants:   borrowed
 * @request_stop: called from a worker when a client asks the server to stop
 */
struct server_options {
	const char *host;
	int port;
	struct hostel *hostel;
	struct constants_box *constants;
	void (*request_stop)(void);
};

/*
 * server_start - listen and serve
 * @ret: owned by the caller
 *
 * When the constants are read anew, so are passwords, certificate, key and limits; where one of
 * them cannot be used, nothing changes.
 * Errors: as policy_load() and listeners_*(); EPERM when other machines reach an address, no
 * credentials are asked for and remote.allow_anonymous is false.
 */
int server_start(const struct server_options *options, struct server **ret, struct error *err);
/* server_port - the TCP port, 0 when there is none */
int server_port(const struct server *server);
/*
 * server_stop - accept no more, cancel every call, answer what is being answered, free everything
 *
 * Waits for the calls as long as remote.stop says. Errors: ETIMEDOUT when calls are left: then the
 * server's memory stays, because their threads use it, and so must what keywords work on.
 */
int server_stop(struct server *server, struct error *err);

#endif

/*
 * Who may talk to the server: credentials, TLS, host names, origins and limits, as one snapshot.
 */
#ifndef REMOTE_POLICY_H
#define REMOTE_POLICY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "config/constants.h"
#include "remote/credentials.h"

/*
 * Made from the constants and the files that they name, never changed, replaced on reload.
 * @credentials: NULL: anonymous clients are served
 * @certificate, @key: PEM texts, NULL without TLS
 * @server_host: the name or address that the server was told to listen on
 */
struct policy {
	struct credentials *credentials;
	char *certificate;
	char *key;
	char *server_host;
	char *allowed_hosts;
	char *allowed_origins;
	char own_name[256];
	size_t body_max;
	size_t bodies_max;
	size_t header_max;
	int connections;
	int connections_per_address;
	int64_t idle_ms;
	int64_t request_ms;
};

/*
 * policy_load - read everything that the constants name
 * @ret: owned by the caller
 *
 * Errors: EINVAL for a certificate without its key or the other way round, and for a pair that does
 * not belong together; as credentials_load().
 */
int policy_load(const struct constants *constants, const char *host, struct policy **ret,
		struct error *err);
void policy_free(struct policy *policy);

/*
 * policy_allows_host - whether a request for this Host header is meant for us
 * @host: "name:port", as the header has it
 *
 * A web page whose name was rebound to our address sends that name: an address, localhost, our
 * own name and the configured ones pass, and every name does when credentials are asked for.
 */
bool policy_allows_host(const struct policy *policy, const char *host);
/* policy_allows_origin - whether a page of this Origin may call: our own pages, configured ones */
bool policy_allows_origin(const struct policy *policy, const char *origin, const char *host);

/* The policy in force: readers hold a snapshot. */
struct policy_box {
	pthread_mutex_t mutex;
	struct policy_ref {
		struct policy *policy;
		unsigned int holders;
	} * now;
};

/* policy_box_set - takes @policy; the old one goes with its last holder. NULL: the end. */
void policy_box_set(struct policy_box *box, struct policy *policy);
struct policy_ref *policy_hold(struct policy_box *box);
void policy_release(struct policy_box *box, struct policy_ref *ref);

#endif

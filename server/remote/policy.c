/*
 * Who may talk to the server.
 */
#include "remote/policy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/file.h"
#include "base/own.h"
#include "base/str.h"

#define PEM_FILE_MAX	(1024 * 1024)
#define HOST_LENGTH_MAX 255

static bool is_set(const char *path)
{
	return path && *path && strcmp(path, "none") != 0;
}

/* Whether certificate and key can be used together. */
static int check_pair(const struct policy *policy, struct error *err)
{
	gnutls_datum_t cert = { (unsigned char *)policy->certificate,
				(unsigned int)strlen(policy->certificate) };
	gnutls_datum_t key = { (unsigned char *)policy->key, (unsigned int)strlen(policy->key) };
	gnutls_certificate_credentials_t credentials;
	int rc;

	if (gnutls_certificate_allocate_credentials(&credentials) < 0)
		return error_set(err, ENOMEM, "cannot check the certificate");
	rc = gnutls_certificate_set_x509_key_mem(credentials, &cert, &key, GNUTLS_X509_FMT_PEM);
	gnutls_certificate_free_credentials(credentials);
	return rc < 0 ? error_set(err, EINVAL, "%s", gnutls_strerror(rc)) : 0;
}

static int load_tls(struct policy *policy, const char *certificate, const char *key,
		    struct error *err)
{
	if (!is_set(certificate) && !is_set(key))
		return 0;
	if (!is_set(certificate) || !is_set(key))
		return error_set(
			err, EINVAL,
			"remote.tls_certificate and remote.tls_key: expected both or none");
	if (file_read(certificate, PEM_FILE_MAX, &policy->certificate, NULL, err) < 0)
		return error_prefix(err, "remote.tls_certificate");
	if (file_read(key, PEM_FILE_MAX, &policy->key, NULL, err) < 0)
		return error_prefix(err, "remote.tls_key");
	if (check_pair(policy, err) < 0)
		return error_prefix(err, "remote.tls_certificate %s, remote.tls_key %s",
				    certificate, key);
	return 0;
}

int policy_load(const struct constants *constants, const char *host, struct policy **ret,
		struct error *err)
{
	struct policy *policy = own_alloc(sizeof(*policy));
	const char *passwords = constants->remote.password_file;

	*policy = (struct policy) {
		.server_host = own_strdup(host),
		.allowed_hosts = own_strdup(constants->remote.allowed_hosts),
		.allowed_origins = own_strdup(constants->remote.allowed_origins),
		.body_max = (size_t)constants->remote.body_kib * 1024,
		.bodies_max = (size_t)constants->remote.bodies_kib * 1024,
		.header_max = (size_t)constants->remote.header_kib * 1024,
		.connections = constants->remote.connections,
		.connections_per_address = constants->remote.connections_per_address,
		.idle_ms = constants->remote.idle_ms,
		.request_ms = constants->remote.request_ms,
	};
	gethostname(policy->own_name, sizeof(policy->own_name) - 1);
	if (load_tls(policy, constants->remote.tls_certificate, constants->remote.tls_key, err) <
	    0) {
		policy_free(policy);
		return -1;
	}
	if (is_set(passwords) && credentials_load(passwords, &policy->credentials, err) < 0) {
		error_prefix(err, "remote.password_file");
		policy_free(policy);
		return -1;
	}
	*ret = policy;
	return 0;
}

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	credentials_free(policy->credentials);
	free(policy->certificate);
	if (policy->key)
		explicit_bzero(policy->key, strlen(policy->key));
	free(policy->key);
	free(policy->server_host);
	free(policy->allowed_hosts);
	free(policy->allowed_origins);
	free(policy);
}

/* Whether @list, words separated by spaces, has @word in any case. */
static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	while (*(list += strspn(list, " \t"))) {
		size_t n = strcspn(list, " \t");

		if (n == length && !strncasecmp(list, word, n))
			return true;
		list += n;
	}
	return false;
}

static bool is_address(const char *name)
{
	unsigned char address[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

/* Our own name, short or with its domain. */
static bool is_own_name(const char *own, const char *name)
{
	size_t n = strcspn(own, ".");

	return *own &&
	       (!strcasecmp(own, name) || (strlen(name) == n && !strncasecmp(own, name, n)));
}

/* "name:port", "[::1]:port" or "name" to the name. */
static int host_name(const char *host, char name[HOST_LENGTH_MAX + 1])
{
	const char *start = *host == '[' ? host + 1 : host;
	size_t n = strcspn(start, *host == '[' ? "]" : ":");

	if (!n || n > HOST_LENGTH_MAX)
		return -1;
	memcpy(name, start, n);
	name[n] = '\0';
	if (n > 1 && name[n - 1] == '.')
		name[n - 1] = '\0';
	return 0;
}

bool policy_allows_host(const struct policy *policy, const char *host)
{
	char name[HOST_LENGTH_MAX + 1];

	if (policy->credentials)
		return true;
	if (host_name(host, name) < 0)
		return false;
	return is_address(name) || !strcasecmp(name, "localhost") ||
	       !strcasecmp(name, policy->server_host) || is_own_name(policy->own_name, name) ||
	       has_word(policy->allowed_hosts, name);
}

bool policy_allows_origin(const struct policy *policy, const char *origin, const char *host)
{
	const char *scheme = policy->certificate ? "https://" : "http://";

	if (has_word(policy->allowed_origins, origin))
		return true;
	return host && !strncasecmp(origin, scheme, strlen(scheme)) &&
	       !strcasecmp(origin + strlen(scheme), host);
}

static void release_locked(struct policy_ref *ref)
{
	if (--ref->holders)
		return;
	policy_free(ref->policy);
	free(ref);
}

void policy_box_set(struct policy_box *box, struct policy *policy)
{
	lock_scope(&box->mutex);
	struct policy_ref *old = box->now;

	box->now = NULL;
	if (policy) {
		box->now = own_alloc(sizeof(*box->now));
		*box->now = (struct policy_ref) { .policy = policy, .holders = 1 };
	}
	if (old)
		release_locked(old);
}

struct policy_ref *policy_hold(struct policy_box *box)
{
	lock_scope(&box->mutex);
	box->now->holders++;
	return box->now;
}

void policy_release(struct policy_box *box, struct policy_ref *ref)
{
	lock_scope(&box->mutex);
	release_locked(ref);
}

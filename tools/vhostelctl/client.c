/*
 * Calls of XML-RPC methods on a vhosteld server, by libcurl.
 *
 * How it works: one transfer at a time on a connection of its own, driven by a loop that also
 * watches for signals. xmlrpc-c's client is not used: it sends a call once more when a kept
 * connection breaks, refuses characters above U+FFFF and knows neither Unix sockets nor progress.
 * Its parser is, behind the same guard and value layer as in the server.
 */
#include "tools/vhostelctl/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "tools/vhostelctl/command.h"
#include "tools/vhostelctl/interrupt.h"
#include "tools/vhostelctl/progress.h"
#include "tools/vhostelctl/wire.h"

#define CONNECT_TIMEOUT_MS 10000L

/* Bytes of an HTTP error's body that an error repeats. */
#define REASON_SHOWN_MAX 300

/* @name: the URL without its password, for messages */
struct client {
	CURLM *multi;
	CURL *easy;
	struct curl_slist *headers;
	char *name;
	bool has_user;
	struct str answer;
	char reason[CURL_ERROR_SIZE];
};

static char *get_part(CURLU *parts, CURLUPart which)
{
	char *text = NULL, *copy;

	if (curl_url_get(parts, which, &text, 0) != CURLUE_OK)
		return NULL;
	copy = own_strdup(text);
	curl_free(text);
	return copy;
}

/* Robot's own client asks /RPC2 when the URL has no path. */
static void set_path(CURLU *parts)
{
	auto_free char *path = get_part(parts, CURLUPART_PATH);

	if (!path || !strcmp(path, "/"))
		curl_url_set(parts, CURLUPART_PATH, "/RPC2", 0);
}

static int check_scheme(CURLU *parts, struct error *err)
{
	auto_free char *scheme = get_part(parts, CURLUPART_SCHEME);

	if (str_equal(scheme, "http") || str_equal(scheme, "https"))
		return 0;
	return error_set(err, EINVAL, "URL: expected http://, https:// or unix:, got '%s:'",
			 scheme ? scheme : "");
}

static char *name_of(const char *url)
{
	CURLU *parts = curl_url();
	char *name;

	curl_url_set(parts, CURLUPART_URL, url, 0);
	curl_url_set(parts, CURLUPART_USER, NULL, 0);
	curl_url_set(parts, CURLUPART_PASSWORD, NULL, 0);
	name = get_part(parts, CURLUPART_URL);
	curl_url_cleanup(parts);
	if (name && str_ends(name, "/"))
		name[strlen(name) - 1] = '\0';
	return name;
}

static int use_parts(struct client *c, const char *url, CURLU *parts, struct error *err)
{
	auto_free char *user = NULL, *whole = NULL;
	auto_free char *with_scheme =
		strstr(url, "://") ? own_strdup(url) : own_printf("http://%s", url);
	CURLUcode rc = curl_url_set(parts, CURLUPART_URL, with_scheme, CURLU_NON_SUPPORT_SCHEME);

	/* The text may hold a password, so it is not repeated. */
	if (rc != CURLUE_OK)
		return error_set(err, EINVAL, "URL: %s; expected http://HOST:PORT",
				 curl_url_strerror(rc));
	if (check_scheme(parts, err) < 0)
		return -1;
	set_path(parts);
	whole = get_part(parts, CURLUPART_URL);
	user = get_part(parts, CURLUPART_USER);
	c->has_user = user != NULL;
	c->name = name_of(with_scheme);
	curl_easy_setopt(c->easy, CURLOPT_URL, whole);
	return 0;
}

static int set_url(struct client *c, const char *url, struct error *err)
{
	CURLU *parts;
	int rc;

	if (str_starts(url, "unix:")) {
		const char *path = url + strlen("unix:");

		path += str_starts(path, "//") ? 2 : 0;
		c->name = own_strdup(url);
		curl_easy_setopt(c->easy, CURLOPT_UNIX_SOCKET_PATH, path);
		curl_easy_setopt(c->easy, CURLOPT_URL, "http://localhost/RPC2");
		return 0;
	}
	parts = curl_url();
	rc = use_parts(c, url, parts, err);
	curl_url_cleanup(parts);
	return rc;
}

static size_t take_bytes(char *bytes, size_t size, size_t count, void *to)
{
	struct client *c = to;

	if (c->answer.length + size * count > CLIENT_ANSWER_MAX)
		return 0;
	str_add(&c->answer, bytes, size * count);
	return size * count;
}

static void set_options(struct client *c)
{
	const char *certificates = getenv("SSL_CERT_FILE");

	c->headers = curl_slist_append(c->headers, "Content-Type: text/xml");
	c->headers = curl_slist_append(c->headers, "Expect:");
	curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->headers);
	curl_easy_setopt(c->easy, CURLOPT_USERAGENT, "vhostelctl/" VHOSTEL_VERSION);
	curl_easy_setopt(c->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
	curl_easy_setopt(c->easy, CURLOPT_NOSIGNAL, 1L);
	/* As Robot's client: the environment's proxies are not for servers of the laboratory. */
	curl_easy_setopt(c->easy, CURLOPT_PROXY, "");
	/* On a kept connection that breaks libcurl would send the call once more. */
	curl_easy_setopt(c->easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(c->easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(c->easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(c->easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, take_bytes);
	curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(c->easy, CURLOPT_ERRORBUFFER, c->reason);
	if (certificates && *certificates)
		curl_easy_setopt(c->easy, CURLOPT_CAINFO, certificates);
}

int client_open(const char *url, struct client **ret, struct error *err)
{
	auto_client *c = own_alloc(sizeof(*c));

	*c = (struct client) { 0 };
	curl_global_init(CURL_GLOBAL_DEFAULT);
	wire_start(CLIENT_ANSWER_MAX);
	c->multi = curl_multi_init();
	c->easy = curl_easy_init();
	if (!c->multi || !c->easy)
		return error_set(err, ENOMEM, "cannot start libcurl");
	if (set_url(c, url, err) < 0)
		return -1;
	set_options(c);
	*ret = take_ptr(c);
	return 0;
}

void client_free(struct client *c)
{
	if (!c)
		return;
	curl_easy_cleanup(c->easy);
	curl_multi_cleanup(c->multi);
	curl_slist_free_all(c->headers);
	str_clear(&c->answer);
	free(c->name);
	free(c);
}

void client_drop(struct client **c)
{
	client_free(*c);
}

void client_limit(struct client *c, long timeout_ms)
{
	curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, timeout_ms);
}

/* Until the transfer ended; false when a signal came first. */
static bool drive(struct client *c, struct interrupt *in, struct progress *progress)
{
	int running = 1;

	for (;;) {
		struct curl_waitfd signal = { .fd = in->fd, .events = CURL_WAIT_POLLIN };

		curl_multi_perform(c->multi, &running);
		if (!running)
			return true;
		curl_multi_poll(c->multi, &signal, 1, progress_update(progress), NULL);
		if (interrupt_came(in))
			return false;
	}
}

static CURLcode outcome(struct client *c)
{
	int left;
	CURLMsg *message = curl_multi_info_read(c->multi, &left);

	return message ? message->data.result : CURLE_RECV_ERROR;
}

static int no_server(struct client *c, CURLcode rc, const struct progress *progress,
		     struct error *err)
{
	const char *reason = *c->reason ? c->reason : curl_easy_strerror(rc);

	switch (rc) {
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_PARTIAL_FILE:
		return error_set(err, ERROR_NO_SERVER,
				 "%s: the connection broke after %.1f s, the call may have had "
				 "its effect: %s",
				 c->name, progress_seconds(progress), reason);
	case CURLE_PEER_FAILED_VERIFICATION:
		return error_set(err, ERROR_NO_SERVER,
				 "%s: %s; SSL_CERT_FILE names a file of certificates to trust",
				 c->name, reason);
	case CURLE_WRITE_ERROR:
		return error_set(err, ERROR_NO_SERVER, "%s: the answer is longer than %d bytes",
				 c->name, CLIENT_ANSWER_MAX);
	default:
		return error_set(err, ERROR_NO_SERVER,
				 "%s: no server: %s; --url or VHOSTEL_URL names another", c->name,
				 reason);
	}
}

static int check_status(struct client *c, struct error *err)
{
	auto_free char *reason = NULL;
	long status = 0;

	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status == 200)
		return 0;
	if (status == 401)
		return error_set(err, ERROR_NO_SERVER,
				 "%s: %s; a URL carries both: "
				 "http://USER:PASSWORD@HOST:PORT",
				 c->name,
				 c->has_user ? "the server does not know this user and password"
					     : "the server wants a user and a password");
	reason = str_printable(str_text(&c->answer), c->answer.length < REASON_SHOWN_MAX
							     ? c->answer.length
							     : REASON_SHOWN_MAX);
	reason[strcspn(reason, "\n")] = '\0';
	return error_set(err, ERROR_NO_SERVER, "%s: HTTP status %ld: %s", c->name, status, reason);
}

static int transfer(struct client *c, const char *activity, struct error *err)
{
	auto_interrupt in;
	struct progress progress;
	bool ended;
	CURLcode rc;

	str_clear(&c->answer);
	*c->reason = '\0';
	interrupt_begin(&in);
	progress_begin(&progress, activity);
	curl_multi_add_handle(c->multi, c->easy);
	ended = drive(c, &in, &progress);
	rc = ended ? outcome(c) : CURLE_OK;
	/* Closes the connection when the transfer is under way. */
	curl_multi_remove_handle(c->multi, c->easy);
	progress_end(&progress);
	if (!ended)
		return error_set(err, ERROR_INTERRUPTED,
				 "cancelled after %.1f s: the connection is closed, on which the "
				 "server cancels the call",
				 progress_seconds(&progress));
	return rc == CURLE_OK ? check_status(c, err) : no_server(c, rc, &progress, err);
}

int client_call(struct client *c, const char *method, const json_t *params, const char *activity,
		json_t **ret, struct error *err)
{
	auto_str body = { 0 };

	wire_add_call(method, params, &body);
	curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, body.text);
	curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.length);
	if (transfer(c, activity, err) < 0)
		return -1;
	if (wire_read_answer(str_text(&c->answer), c->answer.length, ret, err) < 0)
		return err->code == EREMOTEIO ? -1 : error_prefix(err, "%s", c->name);
	return 0;
}

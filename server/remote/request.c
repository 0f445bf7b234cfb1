/*
 * One HTTP request: whether it is served, its body, its answer.
 */
#include "remote/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/own.h"
#include "base/wait.h"
#include "remote/library.h"
#include "remote/rpc.h"
#include "value/xml_text.h"

#define TYPE_TEXT "text/plain; charset=utf-8"
#define TYPE_XML  "text/xml; charset=utf-8"
#define TYPE_HTML "text/html; charset=utf-8"
#define TYPE_JSON "application/json"

struct request *request_new(struct http_shared *shared)
{
	struct request *r = own_alloc(sizeof(*r));

	r->policy = policy_hold(&shared->policy);
	return r;
}

void request_free(struct request *r, struct http_shared *shared)
{
	if (!r)
		return;
	atomic_fetch_sub(&shared->body_bytes, r->counted);
	policy_release(&shared->policy, r->policy);
	str_clear(&r->body);
	str_clear(&r->answer);
	free(r->path);
	free(r);
}

bool request_has_body(const struct request *r)
{
	return r->has_body;
}

bool request_is_last(const struct request *r, const struct http *h)
{
	return r->policy->policy != h->policy;
}

/* Decides the answer; always true, so that request_admit() can return it. */
static bool refuse(struct request *r, unsigned int status, const char *text)
{
	r->status = status;
	r->type = TYPE_TEXT;
	str_clear(&r->answer);
	str_addf(&r->answer, "%s\n", text);
	return true;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

struct header_count {
	const char *name;
	unsigned int count;
};

static enum MHD_Result count_header(void *cls, enum MHD_ValueKind kind, const char *key,
				    const char *value)
{
	struct header_count *c = cls;

	(void)kind, (void)value;
	c->count += !strcasecmp(key, c->name);
	return MHD_YES;
}

static unsigned int header_count(struct MHD_Connection *connection, const char *name)
{
	struct header_count c = { .name = name };

	MHD_get_connection_values(connection, MHD_HEADER_KIND, count_header, &c);
	return c.count;
}

/* Requests whose length two readers may see differently. Source: RFC 9112, section 6.3. */
static bool refuse_framing(struct request *r, struct MHD_Connection *connection)
{
	const struct policy *policy = r->policy->policy;
	const char *coding = header(connection, "Transfer-Encoding");
	const char *length = header(connection, "Content-Length");
	long long bytes = 0;

	r->has_body = coding || (length && strcmp(length, "0") != 0);
	if (header_count(connection, "Content-Length") > 1)
		return refuse(r, 400, "More than one Content-Length.");
	if (header_count(connection, "Transfer-Encoding") > 1)
		return refuse(r, 400, "More than one Transfer-Encoding.");
	if (coding && length)
		return refuse(r, 400, "Both Content-Length and Transfer-Encoding.");
	if (coding && strcasecmp(coding, "chunked") != 0)
		return refuse(r, 501, "The only transfer coding is chunked.");
	if (length && (strspn(length, "0123456789") != strlen(length) || !*length))
		return refuse(r, 400, "Content-Length is no number.");
	if (length && (str_to_int(length, 0, (long long)policy->body_max, &bytes) < 0))
		return refuse(r, 413, "The body is longer than remote.body_kib allows.");
	return false;
}

static bool refuse_foreign(struct request *r, const struct http *h,
			   struct MHD_Connection *connection, const char *version)
{
	const char *host = header(connection, "Host");
	const char *origin = header(connection, "Origin");
	const char *site = header(connection, "Sec-Fetch-Site");

	if (header_count(connection, "Host") > 1)
		return refuse(r, 400, "More than one Host.");
	if (!host && strcmp(version, MHD_HTTP_VERSION_1_0) != 0)
		return refuse(r, 400, "No Host.");
	if (h->local)
		return false;
	if (r->policy->policy->certificate && !h->tls)
		return refuse(r, 403, "This server speaks https now.");
	if (host && !policy_allows_host(r->policy->policy, host))
		return refuse(r, 403,
			      "This server is not known by that host name; "
			      "remote.allowed_hosts in constants.yaml can add it.");
	if (origin && !policy_allows_origin(r->policy->policy, origin, host))
		return refuse(r, 403,
			      "Pages of that origin may not call this server; "
			      "remote.allowed_origins in constants.yaml can allow it.");
	if (site && r->is_post && !origin && strcmp(site, "same-origin") != 0 &&
	    strcmp(site, "none") != 0)
		return refuse(r, 403, "Pages of another site may not call this server.");
	return false;
}

/* The media type of a Content-Type, without its parameters. */
static bool is_media_type(const char *given, const char *type)
{
	size_t n = strcspn(given, "; \t");

	return n == strlen(type) && !strncasecmp(given, type, n);
}

/* Without a charset it is UTF-8. Source: RFC 9110, section 5.6.6, parameters. */
static bool is_utf8(const char *content_type)
{
	const char *p = content_type;

	while ((p = strchr(p, ';'))) {
		p += 1 + strspn(p + 1, " \t");
		if (strncasecmp(p, "charset=", 8))
			continue;
		p += 8;
		p += *p == '"';
		return utf8_is_name(p, strcspn(p, "\"; \t"));
	}
	return true;
}

static bool refuse_type(struct request *r, struct MHD_Connection *connection)
{
	const char *type = header(connection, "Content-Type");
	const char *encoding = header(connection, "Content-Encoding");

	/* Any page may send text/plain or a form to any address, but not this type. */
	if (!type || (!is_media_type(type, "text/xml") && !is_media_type(type, "application/xml")))
		return refuse(r, 415, "Expected Content-Type: text/xml.");
	if (!is_utf8(type))
		return refuse(r, 415, "Expected charset=utf-8.");
	if (encoding && strcasecmp(encoding, "identity") != 0)
		return refuse(r, 415, "Expected no Content-Encoding.");
	return false;
}

static bool refuse_anonymous(struct request *r, const struct http *h,
			     struct MHD_Connection *connection)
{
	const char *authorization = header(connection, "Authorization");

	struct credentials *credentials = r->policy->policy->credentials;

	if (!credentials || h->local || !strcmp(r->path, "/healthz"))
		return false;
	switch (credentials_check(credentials, authorization)) {
	case CREDENTIALS_RIGHT:
		return false;
	case CREDENTIALS_BUSY:
		return refuse(r, 503, "Too many passwords are being checked.");
	default:
		return refuse(r, 401,
			      "Expected HTTP Basic credentials: http://user:password@host:port");
	}
}

/* The method is none for this path, @allow are. */
static bool refuse_here(struct request *r, const char *allow)
{
	auto_free char *text = own_printf("Expected one of %s.", allow);

	r->allow = allow;
	return refuse(r, 405, text);
}

static bool refuse_method(struct request *r, const char *method)
{
	r->is_post = !strcmp(method, "POST");
	r->head_only = !strcmp(method, "HEAD");
	if (r->is_post || r->head_only || !strcmp(method, "GET"))
		return false;
	return refuse_here(r, "POST, GET, HEAD");
}

static bool refuse_path(struct request *r)
{
	static const char *const pages[] = { "/", "/library.json", "/healthz" };

	r->is_rpc = r->is_post && (!strcmp(r->path, "/") || !strcmp(r->path, "/RPC2"));
	if (r->is_rpc)
		return false;
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		if (!strcmp(r->path, pages[i]))
			return r->is_post ? refuse_here(r, "GET, HEAD") : false;
	if (!strcmp(r->path, "/RPC2"))
		return refuse_here(r, "POST");
	return refuse(r, 404, "Calls go to / or /RPC2; pages are /, /library.json and /healthz.");
}

bool request_admit(struct request *r, struct http *h, struct MHD_Connection *connection,
		   const char *url, const char *method, const char *version)
{
	r->path = own_strdup(url);
	if (refuse_method(r, method) || refuse_framing(r, connection) ||
	    refuse_foreign(r, h, connection, version) || refuse_anonymous(r, h, connection) ||
	    refuse_path(r) || (r->is_rpc && refuse_type(r, connection))) {
		r->has_body = r->has_body || r->is_post;
		return true;
	}
	return false;
}

void request_add_body(struct request *r, struct http *h, const char *bytes, size_t length)
{
	if (r->status || !r->is_rpc)
		return;
	if (r->body.length + length > r->policy->policy->body_max) {
		refuse(r, 413, "The body is longer than remote.body_kib allows.");
		str_clear(&r->body);
		return;
	}
	r->counted += (long)length;
	if (atomic_fetch_add(&h->shared->body_bytes, (long)length) + (long)length >
	    (long)r->policy->policy->bodies_max) {
		refuse(r, 503, "Too many long requests at once.");
		str_clear(&r->body);
		return;
	}
	str_add(&r->body, bytes, length);
}

static void answer_call(struct request *r, struct http *h)
{
	struct robot *robot = h->shared->robot;
	struct rpc_caller caller = { .robot = robot,
				     .fd = h->fd,
				     .peer = h->peer,
				     .long_bodies = &h->shared->long_bodies,
				     .parse = robot_call_wait(robot, h->fd) };

	caller.parse = wait_within(&caller.parse, r->policy->policy->request_ms);
	r->status = 200;
	r->type = TYPE_XML;
	rpc_answer(&robot_methods, &caller, str_text(&r->body), r->body.length, &r->answer);
}

static void answer_page(struct request *r, struct http *h)
{
	struct hostel *hostel = h->shared->robot->hostel;
	auto_free char *json = NULL;
	json_t *spec;

	r->status = 200;
	if (!strcmp(r->path, "/healthz")) {
		r->type = TYPE_TEXT;
		str_adds(&r->answer, "ok\n");
	} else if (!strcmp(r->path, "/")) {
		r->type = TYPE_HTML;
		library_page(hostel, &r->answer);
	} else {
		r->type = TYPE_JSON;
		spec = library_spec(hostel);
		json = json_dumps(spec, JSON_INDENT(2));
		json_decref(spec);
		str_adds(&r->answer, json ? json : "");
	}
}

void request_answer(struct request *r, struct http *h, struct MHD_Connection *connection)
{
	(void)connection;
	if (r->status)
		return;
	if (r->is_rpc)
		answer_call(r, h);
	else
		answer_page(r, h);
}

static void add_headers(struct MHD_Response *response, const struct request *r,
			const struct http *h)
{
	MHD_add_response_header(response, "Content-Type", r->type);
	MHD_add_response_header(response, "Server", "vhosteld/" VHOSTEL_VERSION);
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	if (r->status == 401)
		MHD_add_response_header(response, "WWW-Authenticate",
					"Basic realm=\"vhostel\", charset=\"UTF-8\"");
	if (r->status == 503)
		MHD_add_response_header(response, "Retry-After", "1");
	if (r->status == 405)
		MHD_add_response_header(response, "Allow", r->allow);
	if (!strcmp(r->type, TYPE_HTML))
		MHD_add_response_header(response, "Content-Security-Policy",
					"default-src 'none'; style-src 'unsafe-inline'; "
					"script-src 'unsafe-inline'; frame-ancestors 'none'");
	if (atomic_load(&h->shared->stopping) || request_is_last(r, h) ||
	    (r->status >= 400 && r->has_body))
		MHD_add_response_header(response, "Connection", "close");
}

enum MHD_Result request_respond(struct request *r, struct http *h,
				struct MHD_Connection *connection)
{
	size_t length = r->answer.length;
	struct MHD_Response *response = MHD_create_response_from_buffer(
		length, str_take(&r->answer), MHD_RESPMEM_MUST_FREE);
	enum MHD_Result rc;

	if (!response)
		return MHD_NO;
	add_headers(response, r, h);
	rc = MHD_queue_response(connection, r->status, response);
	MHD_destroy_response(response);
	return rc;
}

/*
 * One HTTP request: whether it is served, its body, its answer.
 */
#ifndef REMOTE_REQUEST_H
#define REMOTE_REQUEST_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "remote/http.h"

/*
 * @policy: in force when the request came
 * @body:   of a POST, as far as it has come
 * @allow:  the methods that there are, of an answer 405
 * @answer: the answer's body; @type its media type; @status 0 as long as nothing is decided
 */
struct request {
	struct policy_ref *policy;
	bool is_post;
	bool is_rpc;
	bool has_body;
	bool head_only;
	struct str body;
	long counted;
	unsigned int status;
	const char *type;
	const char *allow;
	struct str answer;
	char *path;
};

struct request *request_new(struct http_shared *shared);
void request_free(struct request *r, struct http_shared *shared);
/*
 * request_admit - judge a request by its headers
 *
 * Returns true when it is refused: then the answer is ready for request_respond().
 */
bool request_admit(struct request *r, struct http *h, struct MHD_Connection *connection,
		   const char *url, const char *method, const char *version);
bool request_has_body(const struct request *r);
/* request_is_last - whether the connection ends with it, because its policy is an old one */
bool request_is_last(const struct request *r, const struct http *h);
/* request_add_body - keep more of the body, or just note that it is too long */
void request_add_body(struct request *r, struct http *h, const char *bytes, size_t length);
/* request_answer - the request is complete: run the call, or make the page */
void request_answer(struct request *r, struct http *h, struct MHD_Connection *connection);
/* request_respond - queue the answer */
enum MHD_Result request_respond(struct request *r, struct http *h,
				struct MHD_Connection *connection);

#endif

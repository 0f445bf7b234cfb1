/*
 * The remote library protocol of Robot Framework.
 * Source: Robot Framework User Guide, "Remote library interface".
 */
#include "remote/robot.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/own.h"
#include "remote/library.h"
#include "remote/output.h"
#include "value/value.h"
#include "value/value_xmlrpc.h"

/* Longest name that an error repeats. */
#define NAME_SHOWN_MAX 100

/* From when on a call that passed is worth a line in Robot's log. */
#define STEP_SHOWN_US 10000

int robot_init(struct robot *robot, struct hostel *hostel, struct constants_box *constants,
	       void (*request_stop)(void), struct error *err)
{
	*robot = (struct robot) { .hostel = hostel,
				  .constants = constants,
				  .request_stop = request_stop,
				  .information.mutex = PTHREAD_MUTEX_INITIALIZER };
	return cancel_init(&robot->stopping, err);
}

void robot_clear(struct robot *robot)
{
	if (robot->information.made_with)
		constants_release(robot->constants, robot->information.made_with);
	str_clear(&robot->information.xml);
	cancel_clear(&robot->stopping);
}

static json_t *text_member(const char *text)
{
	return value_text(text, strlen(text));
}

/* All seven members whatever the outcome, so that clients need not ask which there are. */
static json_t *outcome(const struct call *call, json_t *value, const char *error)
{
	auto_free char *output = output_from_trail(&call->trail);
	auto_free char *traceback = error ? output_traceback(&call->trail) : own_strdup("");

	if (!value)
		value = error ? json_string("") : json_null();
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:b, s:b}", "status", error ? "FAIL" : "PASS",
			 "output", text_member(output), "return", value, "error",
			 text_member(error ? error : ""), "traceback", text_member(traceback),
			 "continuable", error && call->continuable, "fatal", error && call->fatal);
}

static int unknown_keyword(const char *name, struct error *err)
{
	const struct keyword *nearest = keyword_nearest(name);
	auto_free char *shown = str_printable(name, strnlen(name, NAME_SHOWN_MAX));

	error_set(err, EINVAL, "No keyword '%s' on this server", shown);
	return nearest ? error_append(err, ", did you mean '%s'?", nearest->name) : -1;
}

static int bind_and_run(const struct keyword *keyword, const json_t *args, const json_t *kwargs,
			struct call *call, json_t **ret, struct error *err)
{
	auto_free void *bound = own_alloc(keyword->args_size ? keyword->args_size : 1);
	int rc = keyword_bind(keyword, args, kwargs, call->hostel, bound, err);

	if (!rc)
		rc = keyword->run(call, bound, ret, err);
	/* A test that counts on the value must not go on with None. */
	if (!rc && keyword->returns && !*ret)
		rc = error_set(err, EPROTO, "%s: it ended well and returned nothing, expected %s",
			       keyword->name, keyword->returns);
	keyword_unbind(keyword, bound);
	return rc;
}

/* What a tester asks the log later: who called what, how long it took, how it ended. */
static void log_call(const char *name, const char *peer, int64_t took_us, int rc,
		     const struct error *err)
{
	double took_s = (double)took_us / 1e6;

	if (!rc)
		log_debug("%s: %s: PASS (%.3f s)", peer, name, took_s);
	else if (err->code == ECANCELED)
		log_warn("%s: %s: cancelled after %.3f s: %s", peer, name, took_s, err->text);
	else
		log_info("%s: %s: FAIL (%.3f s): %s", peer, name, took_s, err->text);
}

/* A call that took its time or failed tells at least of itself: when it ended, and how long. */
static void add_missing_step(const struct keyword *keyword, struct trail *trail, int rc,
			     int64_t took_us)
{
	if (!trail->count && (rc || took_us > STEP_SHOWN_US))
		trail_step(trail, "%s", keyword->name);
}

struct wait robot_call_wait(struct robot *robot, int fd)
{
	struct wait w = { .deadline_ms = INT64_MAX };

	wait_add_cancel(&w, robot->stopping.fd, POLLIN, "the server is stopping");
	if (fd >= 0)
		wait_add_cancel(&w, fd, POLLRDHUP, "the client hung up");
	return w;
}

static json_t *run(struct robot *robot, const struct keyword *keyword, const json_t *args,
		   const json_t *kwargs, int fd, const char *peer)
{
	struct call call = { .hostel = robot->hostel, .cancel = robot_call_wait(robot, fd) };
	struct error err = { 0 };
	json_t *value = NULL, *answer;
	int64_t start_us = clock_us();
	int rc;

	trail_init(&call.trail);
	rc = bind_and_run(keyword, args, kwargs, &call, &value, &err);
	add_missing_step(keyword, &call.trail, rc, clock_us() - start_us);
	call.fatal = call.fatal || (rc && cancel_thrown(&robot->stopping));
	call.continuable = (call.continuable || keyword->cleans_up) && !call.fatal;
	log_call(keyword->name, peer, clock_us() - start_us, rc, &err);
	answer = rc ? outcome(&call, NULL, err.text) : outcome(&call, take_ptr(value), NULL);
	json_decref(value);
	trail_clear(&call.trail);
	return answer;
}

json_t *robot_run_keyword(struct robot *robot, const char *name, const json_t *args,
			  const json_t *kwargs, int fd, const char *peer)
{
	const struct keyword *keyword = keyword_find(name);
	struct call none = { 0 };
	struct error err;

	atomic_fetch_add(&robot->calls, 1);
	if (keyword)
		return run(robot, keyword, args, kwargs, fd, peer);
	unknown_keyword(name, &err);
	return outcome(&none, NULL, err.text);
}

/* The name that the first parameter is; NULL with @err when it is none. */
static const char *name_of(const json_t *params, struct error *err)
{
	const json_t *first = json_array_get(params, 0);

	if (json_is_string(first) && strlen(json_string_value(first)) == json_string_length(first))
		return json_string_value(first);
	error_set(err, EINVAL, "parameter 1: expected a keyword's name");
	return NULL;
}

static const struct keyword *keyword_of(const json_t *params, struct error *err)
{
	const char *name = name_of(params, err);
	const struct keyword *keyword = name ? keyword_find(name) : NULL;

	if (name && !keyword)
		unknown_keyword(name, err);
	return keyword;
}

/* Whether the question is about the library itself, which has no arguments, types or tags. */
static bool about_library(const json_t *params)
{
	const char *name = json_string_value(json_array_get(params, 0));

	return str_equal(name, LIBRARY_INTRO) || str_equal(name, LIBRARY_INIT);
}

static int get_keyword_names(const struct rpc_caller *caller, const json_t *params, json_t **ret,
			     struct error *err)
{
	(void)caller, (void)params, (void)err;
	*ret = library_names();
	return 0;
}

static int get_keyword_arguments(const struct rpc_caller *caller, const json_t *params,
				 json_t **ret, struct error *err)
{
	const struct keyword *keyword = keyword_of(params, err);

	if (about_library(params))
		*ret = json_array();
	else if (keyword)
		*ret = library_arguments(keyword, caller->robot->hostel);
	return *ret ? 0 : -1;
}

static int get_keyword_types(const struct rpc_caller *caller, const json_t *params, json_t **ret,
			     struct error *err)
{
	const struct keyword *keyword = keyword_of(params, err);

	(void)caller;
	if (about_library(params))
		*ret = json_object();
	else if (keyword)
		*ret = library_types(keyword);
	return *ret ? 0 : -1;
}

static int get_keyword_tags(const struct rpc_caller *caller, const json_t *params, json_t **ret,
			    struct error *err)
{
	const struct keyword *keyword = keyword_of(params, err);

	(void)caller;
	if (about_library(params))
		*ret = json_array();
	else if (keyword)
		*ret = library_tags(keyword);
	return *ret ? 0 : -1;
}

static int get_keyword_documentation(const struct rpc_caller *caller, const json_t *params,
				     json_t **ret, struct error *err)
{
	const struct keyword *keyword;

	if (about_library(params)) {
		*ret = library_introduction(json_string_value(json_array_get(params, 0)));
		return 0;
	}
	keyword = keyword_of(params, err);
	if (!keyword)
		return -1;
	*ret = library_documentation(keyword, caller->robot->hostel);
	return 0;
}

/* With the information's mutex held. */
static void make_information(struct robot *robot)
{
	auto_json *information = library_information(robot->hostel);

	str_clear(&robot->information.xml);
	value_to_xml(information, &robot->information.xml);
}

static void get_library_information(const struct rpc_caller *caller, struct str *ret)
{
	struct robot *robot = caller->robot;
	const struct constants *now = constants_hold(robot->constants), *unused = now;
	lock_scope(&robot->information.mutex);

	if (now != robot->information.made_with) {
		make_information(robot);
		unused = robot->information.made_with;
		robot->information.made_with = now;
	}
	if (unused)
		constants_release(robot->constants, unused);
	str_add(ret, robot->information.xml.text, robot->information.xml.length);
}

static int run_keyword(const struct rpc_caller *caller, const json_t *params, json_t **ret,
		       struct error *err)
{
	const char *name = name_of(params, err);
	const json_t *args = json_array_get(params, 1);
	const json_t *kwargs = json_array_get(params, 2);

	if (!name)
		return -1;
	if (args && !json_is_array(args))
		return error_set(err, EINVAL, "parameter 2: expected an array of arguments");
	if (kwargs && !json_is_object(kwargs))
		return error_set(err, EINVAL, "parameter 3: expected a struct of named arguments");
	*ret = robot_run_keyword(caller->robot, name, args, kwargs, caller->fd, caller->peer);
	return 0;
}

static int stop_remote_server(const struct rpc_caller *caller, const json_t *params, json_t **ret,
			      struct error *err)
{
	struct robot *robot = caller->robot;
	const struct constants *now = constants_hold(robot->constants);
	bool allowed = now->server.allow_remote_stop;

	(void)params, (void)err;
	constants_release(robot->constants, now);
	*ret = json_boolean(allowed);
	log_info("%s: stop_remote_server%s", caller->peer,
		 allowed ? "" : " refused: server.allow_remote_stop is false");
	if (allowed)
		robot->request_stop();
	return 0;
}

static const struct rpc_method methods[] = {
	{ "get_keyword_names", 0, 0, .run = get_keyword_names },
	{ "get_keyword_arguments", 1, 1, .run = get_keyword_arguments },
	{ "get_keyword_types", 1, 1, .run = get_keyword_types },
	{ "get_keyword_tags", 1, 1, .run = get_keyword_tags },
	{ "get_keyword_documentation", 1, 1, .run = get_keyword_documentation },
	{ "get_library_information", 0, 0, .write = get_library_information },
	{ "run_keyword", 1, 3, .run = run_keyword },
	{ "stop_remote_server", 0, 0, .run = stop_remote_server },
};

const struct rpc_methods robot_methods = {
	.items = methods,
	.count = sizeof(methods) / sizeof(methods[0]),
};

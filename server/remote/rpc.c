/*
 * XML-RPC: a request's body in, an answer's body out.
 */
#include "remote/rpc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xmlrpc-c/base.h>

#include "base/own.h"
#include "remote/scan.h"
#include "value/value.h"
#include "value/value_xmlrpc.h"
#include "value/xml_text.h"

#define HEADER	     "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<methodResponse>"
#define RESULT_BEGIN HEADER "<params><param>"
#define RESULT_END   "</param></params></methodResponse>"

/* A mapped character is three times as long as it was. */
#define MAPPED_GROWTH 4

void rpc_start(size_t body_max)
{
	xmlrpc_env env;

	xmlrpc_env_init(&env);
	xmlrpc_init(&env);
	xmlrpc_env_clean(&env);
	xmlrpc_limit_set(XMLRPC_NESTING_LIMIT_ID, SCAN_DEPTH_MAX);
	xmlrpc_limit_set(XMLRPC_XML_SIZE_LIMIT_ID, body_max * MAPPED_GROWTH);
}

void rpc_fault(int code, const char *text, struct str *ret)
{
	auto_json *fault = json_pack("{s:i}", "faultCode", code);

	json_object_set_new(fault, "faultString", value_text(text, strlen(text)));
	str_adds(ret, HEADER "<fault>");
	value_to_xml(fault, ret);
	str_adds(ret, "</fault></methodResponse>");
}

static void result(const json_t *value, struct str *ret)
{
	str_adds(ret, RESULT_BEGIN);
	value_to_xml(value, ret);
	str_adds(ret, RESULT_END);
}

/* What xmlrpc-c made of the body: owns both. */
struct parsed {
	const char *method;
	xmlrpc_value *params;
};

static void clear_parsed(struct parsed *p)
{
	free((char *)p->method);
	if (p->params)
		xmlrpc_DECREF(p->params);
}

static int parse(const char *body, size_t length, struct parsed *ret, size_t *ret_members,
		 struct error *err)
{
	auto_str mapped = { 0 };
	xmlrpc_env env;
	int rc = 0;

	if (scan_body(body, length, &mapped, ret_members, err) < 0)
		return -1;
	xmlrpc_env_init(&env);
	xmlrpc_parse_call(&env, mapped.text, mapped.length, &ret->method, &ret->params);
	if (env.fault_occurred) {
		*ret = (struct parsed) { 0 };
		rc = error_set(err, EPROTO, "%s", env.fault_string);
	}
	xmlrpc_env_clean(&env);
	return rc;
}

static int parse_call(const char *body, size_t length, char **ret_method, json_t **ret_params,
		      struct error *err)
{
	auto_cleanup(clear_parsed) struct parsed parsed = { 0 };
	size_t written, kept = 0;

	if (parse(body, length, &parsed, &written, err) < 0 ||
	    value_from_xmlrpc(parsed.params, ret_params, &kept, err) < 0)
		return -1;
	if (written != kept)
		return error_set(err, EPROTO, "a struct has two members of one name");
	*ret_method = own_strdup(parsed.method);
	return 0;
}

static int read_call(const struct rpc_caller *caller, const char *body, size_t length,
		     char **ret_method, json_t **ret_params, struct error *err)
{
	bool alone = length > RPC_LONG_BODY && caller->long_bodies;
	int rc;

	if (alone && gate_enter(caller->long_bodies, &caller->parse, err) < 0)
		return error_prefix(err, "other long requests are being read");
	rc = parse_call(body, length, ret_method, ret_params, err);
	if (alone)
		gate_leave(caller->long_bodies);
	return rc;
}

static const struct rpc_method *find_method(const struct rpc_methods *methods, const char *name)
{
	for (size_t i = 0; i < methods->count; i++)
		if (!strcmp(methods->items[i].name, name))
			return &methods->items[i];
	return NULL;
}

static void unknown_method(const struct rpc_methods *methods, const char *name, struct str *ret)
{
	auto_str text = { 0 };

	str_addf(&text, "method \"%s\" is not supported, expected one of", name);
	for (size_t i = 0; i < methods->count; i++)
		str_addf(&text, "%s %s", i ? "," : "", methods->items[i].name);
	rpc_fault(RPC_FAULT_METHOD, str_text(&text), ret);
}

static void dispatch(const struct rpc_methods *methods, const struct rpc_caller *caller,
		     const char *name, const json_t *params, struct str *ret)
{
	const struct rpc_method *method = find_method(methods, name);
	auto_json *value = NULL;
	struct error err;

	if (!method) {
		unknown_method(methods, name, ret);
		return;
	}
	if (json_array_size(params) < method->least || json_array_size(params) > method->most) {
		error_set(&err, EINVAL, "%s: expected %zu to %zu parameters, got %zu", name,
			  method->least, method->most, json_array_size(params));
		rpc_fault(RPC_FAULT_PARAMS, err.text, ret);
		return;
	}
	if (method->write) {
		str_adds(ret, RESULT_BEGIN);
		method->write(caller, ret);
		str_adds(ret, RESULT_END);
		return;
	}
	if (method->run(caller, params, &value, &err) < 0)
		rpc_fault(err.code == EINVAL ? RPC_FAULT_PARAMS : RPC_FAULT_GENERAL, err.text, ret);
	else
		result(value, ret);
}

void rpc_answer(const struct rpc_methods *methods, const struct rpc_caller *caller,
		const char *body, size_t length, struct str *ret)
{
	auto_free char *method = NULL;
	auto_json *params = NULL;
	struct error err;

	if (read_call(caller, body, length, &method, &params, &err) < 0)
		rpc_fault(err.code == ETIMEDOUT || err.code == ECANCELED ? RPC_FAULT_GENERAL
									 : RPC_FAULT_PARSE,
			  err.text, ret);
	else
		dispatch(methods, caller, method, params, ret);
}

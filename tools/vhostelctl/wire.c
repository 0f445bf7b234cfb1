/*
 * XML-RPC as a client has it: a call's body out, an answer's body in.
 */
#include "tools/vhostelctl/wire.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <xmlrpc-c/base.h>

#include "base/own.h"
#include "remote/scan.h"
#include "tools/vhostelctl/command.h"
#include "value/value.h"
#include "value/value_xmlrpc.h"
#include "value/xml_text.h"

/* A character that scan_body() maps is three times as long then. */
#define MAPPED_GROWTH 4

void wire_start(size_t answer_max)
{
	xmlrpc_limit_set(XMLRPC_NESTING_LIMIT_ID, SCAN_DEPTH_MAX);
	xmlrpc_limit_set(XMLRPC_XML_SIZE_LIMIT_ID, answer_max * MAPPED_GROWTH);
}

void wire_add_call(const char *method, const json_t *params, struct str *ret)
{
	json_t *param;
	size_t i;

	str_adds(ret, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<methodCall><methodName>");
	xml_add_text(ret, method, strlen(method));
	str_adds(ret, "</methodName><params>");
	json_array_foreach (params, i, param) {
		str_adds(ret, "<param>");
		value_to_xml(param, ret);
		str_adds(ret, "</param>");
	}
	str_adds(ret, "</params></methodCall>\n");
}

/*
 * xmlrpc-c wants 32 bits of a fault's code, of which scan_body() makes more, so a fault reaches it
 * as a result. In what scan_body() leaves, "<fault>" is nothing but the tag.
 */
static bool unwrap_fault(struct str *body)
{
	const char *start = strstr(str_text(body), "<fault>");
	const char *end = start ? strstr(start, "</fault>") : NULL;
	struct str result = { 0 };

	if (!end)
		return false;
	start += strlen("<fault>");
	str_adds(&result, "<methodResponse><params><param>");
	str_add(&result, start, (size_t)(end - start));
	str_adds(&result, "</param></params></methodResponse>");
	str_clear(body);
	*body = result;
	return true;
}

static int parse(const struct str *body, json_t **ret, struct error *err)
{
	xmlrpc_value *value = NULL;
	const char *text = NULL;
	size_t members = 0;
	xmlrpc_env env;
	int code, rc;

	xmlrpc_env_init(&env);
	xmlrpc_parse_response2(&env, str_text(body), body->length, &value, &code, &text);
	if (env.fault_occurred || !value) {
		rc = error_set(err, EPROTO, "XML: %s",
			       env.fault_occurred ? env.fault_string : "a fault within a fault");
	} else {
		rc = value_from_xmlrpc(value, ret, &members, err);
		xmlrpc_DECREF(value);
	}
	xmlrpc_env_clean(&env);
	return rc;
}

/* The guard speaks of requests, of which the server has most. */
static int no_answer(struct error *err)
{
	struct error why = *err;
	const char *colon = strstr(why.text, "XML: ");

	return error_set(err, ERROR_NO_SERVER, "the answer is not XML-RPC: %s",
			 colon ? colon + strlen("XML: ") : why.text);
}

int wire_read_answer(const char *body, size_t length, json_t **ret, struct error *err)
{
	auto_str mapped = { 0 };
	auto_json *value = NULL;
	size_t members = 0;
	const char *text;
	bool is_fault;

	if (scan_body(body, length, &mapped, &members, err) < 0)
		return no_answer(err);
	is_fault = unwrap_fault(&mapped);
	if (parse(&mapped, &value, err) < 0)
		return no_answer(err);
	if (!is_fault) {
		*ret = take_ptr(value);
		return 0;
	}
	text = json_string_value(json_object_get(value, "faultString"));
	return error_set(err, EREMOTEIO, "%s", text ? text : "a fault without a text");
}

/*
 * Fuzzing a request's body: scan, xmlrpc-c, our values and back to XML.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/own.h"
#include "remote/rpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int echo(const struct rpc_caller *caller, const json_t *params, json_t **ret,
		struct error *err)
{
	(void)caller, (void)err;
	*ret = json_incref((json_t *)params);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct rpc_method items[] = { { "m", 0, 100, .run = echo } };
	const struct rpc_methods methods = { .items = items, .count = 1 };
	const struct rpc_caller caller = { .fd = -1, .peer = "fuzz" };
	auto_free char *body = own_strndup("", 0);
	auto_str answer = { 0 };

	/* A copy of just that size: a step beyond its end is seen. */
	body = own_realloc(body, size + 1);
	for (size_t i = 0; i < size; i++)
		body[i] = (char)data[i];
	body[size] = '\0';
	rpc_start(1024 * 1024);
	rpc_answer(&methods, &caller, body, size, &answer);
	if (!answer.length)
		abort();
	return 0;
}

/*
 * Arguments that many keywords take.
 */
#include "keywords/usual_args.h"

#include <string.h>
#include <strings.h>

#include "value/value.h"

const struct keyword_arg vm_only_args[1] = { ARGUMENT_VM(vm_args) };

int call_find(struct call *call, const char *name, struct vm **ret, struct error *err)
{
	return hostel_find(call->hostel, name, ret, err);
}

int call_nodes(struct call *call, const char *name, struct node **ret, struct error *err)
{
	*ret = NULL;
	return strcasecmp(name, "ALL") ? hostel_node(call->hostel, name, ret, err) : 0;
}

struct wait call_qmp_wait(struct call *call)
{
	auto_constants held = hostel_hold(call->hostel);

	return call_wait(call, held.c->timeout.qmp_ms);
}

json_t *result_process(const struct process_result *r)
{
	return json_pack("{s:i,s:o,s:o}", "rc", r->signal ? -r->signal : r->rc, "stdout",
			 value_text(str_text(&r->out), r->out.length), "stderr",
			 value_text(str_text(&r->err), r->err.length));
}

/*
 * Commands in a guest.
 */
#include "vm/execute.h"

#include <errno.h>

#include "vm/hostel.h"
#include "vm/launch.h"

const char *const execute_ways[] = {
	[EXECUTE_AUTO] = "auto", [EXECUTE_AGENT] = "agent", [EXECUTE_SSH] = "ssh", NULL
};

int vm_execute(struct vm *vm, enum execute_way way, char *const *argv, const struct str *input,
	       const struct wait *w, struct process_result *ret, struct error *err)
{
	auto_constants held = hostel_hold(vm->hostel);
	struct wait both = vm_wait(vm, w);

	if (vm_check_running(vm, err) < 0)
		return -1;
	if (way == EXECUTE_SSH)
		return error_set(err, EINVAL,
				 "argument 'via': VM '%s' is a kernel VM and has no SSH server; "
				 "allowed: auto, agent",
				 vm->name);
	if (vm_await_agent(vm, &both, err) < 0 ||
	    agent_run(vm->agent, argv, input, (size_t)held.c->limit.output_kib * 1024, &both, ret,
		      err) < 0)
		return error_prefix(err, "VM '%s'", vm->name);
	return 0;
}

int vm_ask_agent(struct vm *vm, const char *command, const json_t *arguments, const struct wait *w,
		 json_t **ret, struct error *err)
{
	struct wait both = vm_wait(vm, w);

	if (vm_check_running(vm, err) < 0)
		return -1;
	if (vm_await_agent(vm, &both, err) < 0 ||
	    agent_execute(vm->agent, command, arguments, &both, ret, err) < 0)
		return error_prefix(err, "VM '%s'", vm->name);
	return 0;
}

/*
 * Commands and files in a guest.
 *
 * An image VM has an SSH server, which is the quicker way and has no limit on output; a kernel VM
 * has only its guest agent.
 */
#include "vm/execute.h"

#include <errno.h>

#include "base/own.h"
#include "vm/hostel.h"
#include "vm/launch.h"

const char *const execute_ways[] = {
	[EXECUTE_AUTO] = "auto", [EXECUTE_AGENT] = "agent", [EXECUTE_SSH] = "ssh", NULL
};

/* Whether the way to take is SSH; -1 when it does not lead into this VM. */
static int takes_ssh(struct vm *vm, enum execute_way way, struct error *err)
{
	if (way == EXECUTE_SSH && !vm->ssh)
		return error_set(err, EINVAL,
				 "argument 'via': VM '%s' is a %s VM without SSH; allowed: auto, "
				 "agent",
				 vm->name, vm_kind_names[vm->kind]);
	return vm->ssh && way != EXECUTE_AGENT;
}

/* An image VM's agent that was late is heard here first. */
static int await_agent(struct vm *vm, const struct wait *w, struct error *err)
{
	if (vm_await_agent(vm, w, err) < 0)
		return -1;
	lock_scope(&vm->mutex);
	vm->agent_open = true;
	return 0;
}

static int execute(struct vm *vm, bool ssh, char *const *argv, const struct str *input,
		   const struct wait *w, struct process_result *ret, struct error *err)
{
	auto_constants held = hostel_hold(vm->hostel);
	size_t limit = (size_t)held.c->limit.output_kib * 1024;

	/* A VM that was started paused was never waited for. */
	if (ssh && vm->boot_time.ready < 0 && ssh_wait_login(vm->ssh, w, err) < 0)
		return -1;
	if (ssh)
		return ssh_run(vm->ssh, argv, input, limit, w, ret, err);
	if (await_agent(vm, w, err) < 0)
		return -1;
	return agent_run(vm->agent, argv, input, limit, w, ret, err);
}

int vm_execute(struct vm *vm, enum execute_way way, char *const *argv, const struct str *input,
	       const struct wait *w, struct process_result *ret, struct error *err)
{
	struct wait both = vm_guest_wait(vm, w);
	int ssh;

	if (vm_check_running(vm, err) < 0)
		return -1;
	ssh = takes_ssh(vm, way, err);
	if (ssh < 0)
		return -1;
	if (execute(vm, ssh, argv, input, &both, ret, err) < 0)
		return error_prefix(err, "VM '%s'", vm->name);
	return 0;
}

int vm_ask_agent(struct vm *vm, const char *command, const json_t *arguments, const struct wait *w,
		 json_t **ret, struct error *err)
{
	struct wait both = vm_guest_wait(vm, w);

	if (vm_check_running(vm, err) < 0)
		return -1;
	if (await_agent(vm, &both, err) < 0 ||
	    agent_execute(vm->agent, command, arguments, &both, ret, err) < 0)
		return error_prefix(err, "VM '%s'", vm->name);
	return 0;
}

/* By the way that leads into this VM. */
static int copy(struct vm *vm, enum copy_direction direction, const char *here, const char *there,
		const struct wait *w, struct guest_copy *ret, struct error *err)
{
	bool in = direction == COPY_TO_VM;

	if (vm->ssh && vm->boot_time.ready < 0 && ssh_wait_login(vm->ssh, w, err) < 0)
		return -1;
	if (vm->ssh)
		return in ? ssh_copy_to(vm->ssh, here, there, w, ret, err)
			  : ssh_copy_from(vm->ssh, there, here, w, ret, err);
	if (await_agent(vm, w, err) < 0)
		return -1;
	return in ? agent_copy_to(vm->agent, here, there, w, ret, err)
		  : agent_copy_from(vm->agent, there, here, w, ret, err);
}

int vm_copy(struct vm *vm, enum copy_direction direction, const char *here, const char *there,
	    const struct wait *w, struct guest_copy *ret, struct error *err)
{
	struct wait both = vm_guest_wait(vm, w);

	*ret = (struct guest_copy) { 0 };
	if (vm_check_running(vm, err) < 0)
		return -1;
	if (copy(vm, direction, here, there, &both, ret, err) < 0)
		return error_prefix(err, "VM '%s'", vm->name);
	return 0;
}

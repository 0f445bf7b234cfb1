/*
 * Keywords: commands in a guest.
 */
#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "keywords/usual_args.h"
#include "value/value.h"
#include "vm/execute.h"
#include "vm/nic_names.h"

struct execute_args {
	const char *vm;
	const char *command;
	struct strv arguments;
	int via;
	int64_t timeout_ms;
	const char *input;
};

static const struct keyword_arg execute_args[] = {
	ARGUMENT_VM(execute_args),
	{ .name = "command",
	  .type = ARG_STR,
	  .min = 1,
	  .max = 4096,
	  .offset = offsetof(struct execute_args, command),
	  .doc = "Program, looked up in the guest's PATH. No shell: say `sh` `-c` to have one." },
	{ .name = "arguments",
	  .kind = ARG_VARARGS,
	  .type = ARG_STR_LIST,
	  .offset = offsetof(struct execute_args, arguments),
	  .doc = "Its arguments, as they are." },
	{ .name = "via",
	  .kind = ARG_NAMED_ONLY,
	  .type = ARG_ENUM,
	  .fallback = "auto",
	  .choices = execute_ways,
	  .offset = offsetof(struct execute_args, via),
	  .doc = "The way into the guest." },
	ARGUMENT_TIMEOUT(execute_args, "timeout.execute", ARG_NAMED_ONLY),
	{ .name = "stdin",
	  .kind = ARG_NAMED_ONLY,
	  .type = ARG_STR,
	  .fallback = "",
	  .max = TEXT_MAX,
	  .offset = offsetof(struct execute_args, input),
	  .doc = "Its standard input." },
};

static int execute(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct execute_args *a = args;
	struct wait w = call_wait(call, a->timeout_ms);
	struct str input = { .text = (char *)a->input, .length = strlen(a->input) };
	auto_process_result r = { 0 };
	auto_strv argv = { 0 };
	auto_vm *vm = NULL;

	strv_add(&argv, a->command);
	for (size_t i = 0; i < a->arguments.count; i++)
		strv_add(&argv, a->arguments.items[i]);
	if (call_find(call, a->vm, &vm, err) < 0 ||
	    vm_execute(vm, (enum execute_way)a->via, argv.items, input.length ? &input : NULL, &w,
		       &r, err) < 0)
		return -1;
	trail_step(&call->trail, "%s: rc %d", a->command, r.rc);
	if (r.signal == SSH_SIGNAL_UNKNOWN)
		trail_note(
			&call->trail, TRAIL_WARN,
			"%s was ended by a signal that SSH has no name for (SIGBUS, SIGSYS, ...)",
			a->command);
	if (r.cut)
		trail_note(&call->trail, TRAIL_WARN, "the output was cut (limit.output_kib)");
	*ret = result_process(&r);
	return 0;
}

struct agent_args {
	const char *vm;
	const char *command;
	json_t *arguments;
	int64_t timeout_ms;
};

static const struct keyword_arg agent_args[] = {
	ARGUMENT_VM(agent_args),
	{ .name = "command",
	  .type = ARG_STR,
	  .min = 1,
	  .max = 128,
	  .offset = offsetof(struct agent_args, command),
	  .doc = "A command of the QEMU guest agent such as `guest-info`." },
	ARGUMENT_TIMEOUT(agent_args, "timeout.agent", ARG_NAMED_ONLY),
	{ .name = "arguments",
	  .kind = ARG_KWARGS,
	  .type = ARG_DICT,
	  .offset = offsetof(struct agent_args, arguments),
	  .doc = "The command's arguments." },
};

static const struct keyword_arg interfaces_args[] = {
	ARGUMENT_VM(agent_args),
	ARGUMENT_TIMEOUT(agent_args, "timeout.agent", ARG_NAMED_ONLY),
};

static int agent_command(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct agent_args *a = args;
	struct wait w = call_wait(call, a->timeout_ms);
	auto_vm *vm = NULL;

	if (call_find(call, a->vm, &vm, err) < 0)
		return -1;
	return vm_ask_agent(vm, a->command, json_object_size(a->arguments) ? a->arguments : NULL,
			    &w, ret, err);
}

static int get_interfaces(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct agent_args *a = args;
	struct wait w = call_wait(call, a->timeout_ms);
	auto_vm *vm = NULL;

	if (call_find(call, a->vm, &vm, err) < 0 ||
	    vm_ask_agent(vm, "guest-network-get-interfaces", NULL, &w, ret, err) < 0)
		return -1;
	nic_names_take(vm, *ret);
	return 0;
}

struct copy_args {
	const char *vm;
	const char *source;
	const char *destination;
	int64_t timeout_ms;
};

static const struct keyword_arg copy_args[] = {
	ARGUMENT_VM(copy_args),
	{ .name = "source",
	  .type = ARG_STR,
	  .min = 1,
	  .max = 4096,
	  .offset = offsetof(struct copy_args, source),
	  .doc = "Path of a regular file." },
	{ .name = "destination",
	  .type = ARG_STR,
	  .min = 1,
	  .max = 4096,
	  .offset = offsetof(struct copy_args, destination),
	  .doc = "Path of the copy itself." },
	ARGUMENT_TIMEOUT(copy_args, "timeout.copy", ARG_POSITIONAL),
};

static int copy_file(struct call *call, const struct copy_args *a, enum copy_direction direction,
		     struct error *err)
{
	bool in = direction == COPY_TO_VM;
	struct wait w = call_wait(call, a->timeout_ms);
	struct guest_copy copy;
	auto_vm *vm = NULL;

	if (call_find(call, a->vm, &vm, err) < 0 ||
	    vm_copy(vm, direction, in ? a->source : a->destination, in ? a->destination : a->source,
		    &w, &copy, err) < 0)
		return -1;
	trail_step(&call->trail, "copied %llu bytes, SHA-256 %s", (unsigned long long)copy.bytes,
		   copy.sha256);
	if (!copy.verified)
		trail_note(
			&call->trail, TRAIL_WARN,
			"the checksum was not compared: the guest has no sha256sum, or a file that "
			"tells no length");
	return 0;
}

static int copy_to(struct call *call, void *args, json_t **ret, struct error *err)
{
	(void)ret;
	return copy_file(call, args, COPY_TO_VM, err);
}

static int copy_from(struct call *call, void *args, json_t **ret, struct error *err)
{
	(void)ret;
	return copy_file(call, args, COPY_FROM_VM, err);
}

static const struct keyword keywords[] = {
	{ .name = "Execute In VM",
	  .tags = "vm guest",
	  .doc = "Runs a program in the guest to its end. When the time-out comes first, it is "
		 "killed there.",
	  KEYWORD_ARGS(execute_args),
	  .args_size = sizeof(struct execute_args),
	  .returns = "{`rc`, `stdout`, `stderr`}; `rc` is minus the signal that ended it, -255 for "
		     "one that SSH has no name for",
	  .run = execute },
	{ .name = "Copy File To VM",
	  .tags = "vm guest file",
	  .doc = "Copies a file of the server's machine into the guest. It appears there complete, "
		 "with its permissions, once size and checksum were compared.\n\nA kernel VM takes it "
		 "through its agent.",
	  KEYWORD_ARGS(copy_args),
	  .args_size = sizeof(struct copy_args),
	  .run = copy_to },
	{ .name = "Copy File From VM",
	  .tags = "vm guest file",
	  .doc = "Copies a file of the guest to the server's machine, as *Copy File To VM* does.",
	  KEYWORD_ARGS(copy_args),
	  .args_size = sizeof(struct copy_args),
	  .run = copy_from },
	{ .name = "Guest Agent Command",
	  .tags = "vm guest agent",
	  .doc = "Runs a command of the QEMU guest agent.",
	  KEYWORD_ARGS(agent_args),
	  .args_size = sizeof(struct agent_args),
	  .returns = "The agent's `return` value",
	  .run = agent_command },
	{ .name = "Get VM Interfaces",
	  .tags = "vm guest agent info",
	  .doc = "The network interfaces of the guest, as the guest agent reports them.",
	  KEYWORD_ARGS(interfaces_args),
	  .args_size = sizeof(struct agent_args),
	  .returns = "List of dictionaries with `name`, `hardware-address`, `ip-addresses`, "
		     "`statistics`",
	  .run = get_interfaces },
};

const struct keyword_family guest_family = KEYWORD_FAMILY("In the guest", keywords);

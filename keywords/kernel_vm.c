/*
 * Keywords: starting kernel VMs.
 */
#include "vm/kernel_vm.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "keywords/start_args.h"
#include "keywords/testpmd.h"
#include "keywords/usual_args.h"
#include "value/value.h"

struct start_args {
	const char *vm;
	const char *node;
	int vnf;
	struct machine_args machine;
	int queues;
	const char *init_template;
	int64_t timeout_ms;
	json_t *options;
};

#define FIELD(member) .offset = offsetof(struct start_args, member)

static const struct keyword_arg start_arguments[] = {
	ARGUMENT_VM(start_args),
	ARGUMENT_NODE(start_args, "DUT1"),
	{ .name = "vnf",
	  .type = ARG_ENUM,
	  .fallback = "none",
	  .choices = payload_names,
	  FIELD(vnf),
	  .doc = "The network function: `none` (ready when the guest agent answers), `testpmd` with "
		 "the options of *Run Testpmd In VM*, `testpmd_io`, `testpmd_mac`, or `command` "
		 "with `command=` (shell text for `$vnf_bin`) and `ready_pattern=` (a console "
		 "line)." },
	ARGUMENT_CPUS(start_args),
	ARGUMENT_MEMORY(start_args, "512"),
	{ .name = "queues",
	  .type = ARG_INT,
	  .fallback = "1",
	  .min = 1,
	  .max = NIC_QUEUES_MAX,
	  FIELD(queues),
	  .doc = "Queue pairs of each port that a testpmd payload uses." },
	ARGUMENT_HOST_CPUS(start_args),
	ARGUMENT_PAGE_SIZE(start_args),
	{ .name = "init_template",
	  .type = ARG_STR,
	  .fallback = "default",
	  .min = 1,
	  .max = 4096,
	  FIELD(init_template),
	  .doc = "The init script: `default`, a path, or a name in the template directory." },
	ARGUMENT_QEMU_ID(start_args),
	ARGUMENT_TIMEOUT(start_args, "timeout.start_kernel_vm", ARG_POSITIONAL),
	ARGUMENT_PAUSED(start_args),
	{ .name = "options",
	  .kind = ARG_KWARGS,
	  .type = ARG_DICT,
	  FIELD(options),
	  .doc = "Options of the payload; every other `name` replaces `$name` in the init script." },
};

/* The text of a free named argument as the script gets it; owned by the caller. */
static char *text_of(const json_t *value)
{
	if (json_is_string(value))
		return own_strdup(json_string_value(value));
	if (json_is_boolean(value))
		return own_strdup(json_is_true(value) ? "True" : "False");
	return json_is_null(value) ? own_strdup("") : json_dumps(value, JSON_ENCODE_ANY);
}

/* Takes a text option out of @options; NULL when it was not given. */
static char *take_text(json_t *options, const char *name)
{
	const json_t *value = json_object_get(options, name);
	char *text = value ? text_of(value) : NULL;

	json_object_del(options, name);
	return text;
}

static json_t *names_of(const json_t *options)
{
	json_t *names = json_object();
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)options, name, value) {
		auto_free char *text = text_of(value);

		json_object_set_new(names, name, json_string(text));
	}
	return names;
}

static int start_with(struct call *call, const struct start_args *a,
		      const struct testpmd_options *testpmd, const char *command,
		      const char *ready_pattern, struct vm **ret, struct error *err)
{
	struct wait w = call_wait(call, a->timeout_ms);
	auto_json *names = names_of(a->options);
	struct node *node;
	const struct kernel_vm_options options = {
		.machine = machine_options(&a->machine),
		.payload = { .vnf = payload_names[a->vnf],
			     .testpmd = testpmd,
			     .command = command,
			     .ready_pattern = ready_pattern },
		.template = a->init_template,
		.names = names,
		.began_us = clock_us(),
	};

	if (hostel_node(call->hostel, a->node, &node, err) < 0)
		return -1;
	return kernel_vm_start(call->hostel, a->vm, node, &options, &w, &call->trail, ret, err);
}

/* testpmd's options, for the payloads that are testpmd. */
static int take_testpmd(struct start_args *a, struct testpmd_options *ret, struct error *err)
{
	const char *vnf = payload_names[a->vnf];

	if (!str_starts(vnf, "testpmd"))
		return 0;
	if (!strcmp(vnf, "testpmd_mac"))
		json_object_set_new(a->options, "forward_mode", json_string("mac"));
	if (!strcmp(vnf, "testpmd_io"))
		json_object_set_new(a->options, "forward_mode", json_string("io"));
	if (!json_object_get(a->options, "queues"))
		json_object_set_new(a->options, "queues", json_integer(a->queues));
	return testpmd_options_take(a->options, ret, err);
}

static int start_kernel_vm(struct call *call, void *args, json_t **ret, struct error *err)
{
	__attribute__((cleanup(testpmd_options_clear))) struct testpmd_options testpmd = { 0 };
	struct start_args *a = args;
	bool is_command = !strcmp(payload_names[a->vnf], "command");
	auto_free char *command = is_command ? take_text(a->options, "command") : NULL;
	auto_free char *pattern = is_command ? take_text(a->options, "ready_pattern") : NULL;
	auto_vm *vm = NULL;

	if (take_testpmd(a, &testpmd, err) < 0 ||
	    start_with(call, a, &testpmd, command, pattern, &vm, err) < 0)
		return error_prefix(err, "Start Kernel VM");
	*ret = vm_info(vm);
	return 0;
}

static const struct keyword keywords[] = {
	{ .name = "Start Kernel VM",
	  .tags = "vm start kernel",
	  .doc = "Boots a kernel directly, with the host's root file system as its read-only root "
		 "over 9p, and runs the init script.\n\n"
		 "In the script `$vnf_bin` and every `$name` of the free named arguments are "
		 "replaced. Interfaces that *Configure Vhost Interfaces* defined before become its "
		 "NICs: the start waits until the vswitch is connected to all of them. Returns "
		 "when the payload is ready, or with `vnf=none` when the guest agent answers. A "
		 "start that fails leaves nothing but the console log, and says why: QEMU's own "
		 "words, a kernel panic, the payload's end, or what was waited for, with the last "
		 "console lines.",
	  KEYWORD_ARGS(start_arguments),
	  .args_size = sizeof(struct start_args),
	  .returns = "The VM's info, as *Get VM Info* has it",
	  .run = start_kernel_vm },
};

const struct keyword_family kernel_vm_family = KEYWORD_FAMILY("Kernel VMs", keywords);

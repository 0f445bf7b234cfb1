/*
 * Keywords: a VM's console and its QEMU monitor.
 */
#include <errno.h>
#include <regex.h>
#include <string.h>

#include "base/own.h"
#include "base/pattern.h"
#include "keywords/usual_args.h"
#include "node/node.h"
#include "value/value.h"
#include "vm/launch.h"

struct console_args {
	const char *vm;
	int lines;
	const char *pattern;
	const char *text;
	int64_t timeout_ms;
};

#define FIELD(member) .offset = offsetof(struct console_args, member)

static const struct keyword_arg get_args[] = {
	ARGUMENT_VM(console_args),
	{ .name = "lines",
	  .type = ARG_INT,
	  .fallback = "0",
	  .min = 0,
	  .max = 1000000,
	  FIELD(lines),
	  .doc = "The last lines only; 0: all." },
};

static int check_console(struct vm *vm, struct error *err)
{
	enum vm_state state = vm_state_now(vm);

	if (state == VM_DEFINED || state == VM_STARTING || !vm->console)
		return error_set(err, EINVAL, "VM '%s' is %s: it has no console yet", vm->name,
				 vm_state_names[state]);
	return 0;
}

/* The start of the last @lines lines. */
static const char *last_lines(const char *text, size_t length, int lines)
{
	const char *p = text + length;

	if (!lines)
		return text;
	if (p > text && p[-1] == '\n')
		p--;
	for (; p > text; p--)
		if (p[-1] == '\n' && --lines == 0)
			break;
	return p;
}

static int get_console(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct console_args *a = args;
	auto_constants held = hostel_hold(call->hostel);
	struct wait w = call_wait(call, held.c->timeout.console_ms);
	size_t limit = (size_t)held.c->limit.output_kib * 1024;
	auto_vm *vm = NULL;
	auto_str text = { 0 };
	const char *start;
	off_t end;

	if (call_find(call, a->vm, &vm, err) < 0 || check_console(vm, err) < 0)
		return -1;
	end = stream_end(vm->console);
	if (end > (off_t)limit)
		trail_note(&call->trail, TRAIL_WARN,
			   "only the last %zu bytes of %lld (limit.output_kib); all of it is in "
			   "the console log",
			   limit, (long long)end);
	if (stream_read(vm->console, end > (off_t)limit ? end - (off_t)limit : 0, limit, &w, &text,
			err) < 0)
		return -1;
	start = last_lines(str_text(&text), text.length, a->lines);
	*ret = value_text(start, (size_t)(str_text(&text) + text.length - start));
	return 0;
}

static const struct keyword_arg expect_args[] = {
	ARGUMENT_VM(console_args),
	{ .name = "pattern",
	  .type = ARG_STR,
	  .min = 1,
	  .max = PATTERN_LENGTH_MAX,
	  FIELD(pattern),
	  .doc = "POSIX extended regular expression." },
	ARGUMENT_TIMEOUT(console_args, "timeout.console", ARG_POSITIONAL),
};

/* How long a line that matches but has no end yet may stay silent before it is taken for a prompt.
 */
#define LINE_REST_MS 100

/*
 * Looks for the pattern in finished lines, then in the last one. 1: found, 2: in the line that has
 * no end yet, 0: not found.
 */
static int search_line(struct stream_search *search, const regex_t *pattern, const struct wait *w,
		       char **ret, struct error *err)
{
	const regex_t *const patterns[] = { pattern };
	struct stream_search last;
	int which;

	search->finished = 1;
	if (stream_search_next(search, patterns, 1, w, &which, ret, err) < 0)
		return -1;
	if (which == 0)
		return 1;
	last = *search;
	last.finished = 0;
	if (stream_search_next(&last, patterns, 1, w, &which, ret, err) < 0)
		return -1;
	return which == 0 ? 2 : 0;
}

static int await_line(struct vm *vm, const regex_t *pattern, const struct wait *w, char **ret,
		      struct error *err)
{
	struct stream_search search = { .stream = vm->console };
	auto_listener heard = { .fd = -1 };

	if (bell_listen(stream_bell(vm->console), &heard, err) < 0)
		return -1;
	for (;;) {
		struct wait rest = wait_within(w, LINE_REST_MS);
		bool closed = stream_closed(vm->console);
		auto_free char *line = NULL;
		int found = search_line(&search, pattern, w, &line, err);

		if (found < 0)
			return -1;
		if (!found && closed)
			return error_set(err, ECONNRESET, "the VM ended");
		if (found != 1 && !closed && !bell_wait(&heard, found ? &rest : w, err))
			continue;
		if (!found || (found == 2 && !closed && err->code != ETIMEDOUT))
			return -1;
		*ret = take_ptr(line);
		return 0;
	}
}

static int expect(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct console_args *a = args;
	struct wait w = call_wait(call, a->timeout_ms);
	auto_free char *line = NULL;
	auto_vm *vm = NULL;
	regex_t pattern;
	int rc;

	if (call_find(call, a->vm, &vm, err) < 0 || check_console(vm, err) < 0)
		return -1;
	if (pattern_compile(a->pattern, REG_NOSUB, &pattern, err) < 0)
		return error_prefix(err, "argument 'pattern'");
	rc = await_line(vm, &pattern, &w, &line, err);
	regfree(&pattern);
	if (rc < 0) {
		vm_add_console(vm, err);
		return error_prefix(err, "VM '%s': no console line matches '%s' after %.1f s",
				    a->vm, a->pattern,
				    (double)(a->timeout_ms - wait_left_ms(&w)) / 1000);
	}
	*ret = json_string(line);
	return 0;
}

static const struct keyword_arg write_args[] = {
	ARGUMENT_VM(console_args),
	{ .name = "text",
	  .type = ARG_STR,
	  .min = 0,
	  .max = TEXT_MAX,
	  FIELD(text),
	  .doc = "Typed as it is: end a line with `\\n`." },
};

static int write_console(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct console_args *a = args;
	auto_constants held = hostel_hold(call->hostel);
	struct wait w = call_wait(call, held.c->timeout.console_ms);
	auto_vm *vm = NULL;

	(void)ret;
	if (call_find(call, a->vm, &vm, err) < 0 || vm_check_running(vm, err) < 0)
		return -1;
	return stream_write(vm->console, a->text, strlen(a->text), &w, err);
}

struct qmp_args {
	const char *vm;
	const char *command;
	json_t *arguments;
};

static const struct keyword_arg qmp_args[] = {
	ARGUMENT_VM(qmp_args),
	{ .name = "command",
	  .type = ARG_STR,
	  .min = 1,
	  .max = 128,
	  .offset = offsetof(struct qmp_args, command),
	  .doc = "A QMP command such as `query-status`." },
	{ .name = "arguments",
	  .kind = ARG_KWARGS,
	  .type = ARG_DICT,
	  .offset = offsetof(struct qmp_args, arguments),
	  .doc = "The command's arguments." },
};

static int qmp_command(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct qmp_args *a = args;
	struct wait w = call_qmp_wait(call);
	auto_vm *vm = NULL;

	if (call_find(call, a->vm, &vm, err) < 0 || vm_check_running(vm, err) < 0)
		return -1;
	return qmp_execute(vm->qmp, a->command,
			   json_object_size(a->arguments) ? a->arguments : NULL, &w, ret, err);
}

struct affinity_args {
	const char *vm;
	struct int_list host_cpus;
	int policy;
	int priority;
};

static const struct keyword_arg affinity_args[] = {
	ARGUMENT_VM(affinity_args),
	{ .name = "host_cpus",
	  .kind = ARG_VARARGS,
	  .type = ARG_INT_LIST,
	  .min = 0,
	  .max = 8191,
	  .offset = offsetof(struct affinity_args, host_cpus),
	  .doc = "Host CPU for vCPU 0, 1, ...: as many as the VM has vCPUs." },
};

static int check_host_cpus(struct vm *vm, const struct int_list *cpus, const struct wait *w,
			   struct error *err)
{
	auto_facts facts = { 0 };

	if (node_facts_read(vm->node, w, &facts, err) < 0)
		return -1;
	for (size_t i = 0; i < cpus->count; i++)
		if (!node_facts_cpu(&facts, cpus->items[i]))
			return error_set(
				err, EINVAL,
				"argument 'host_cpus': node '%s' has no CPU %d; it has %zu "
				"CPUs",
				vm->node->name, cpus->items[i], facts.cpu_count);
	return 0;
}

static int set_affinity(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct affinity_args *a = args;
	struct wait w = call_qmp_wait(call);
	auto_vm *vm = NULL;

	(void)ret;
	if (call_find(call, a->vm, &vm, err) < 0 || vm_check_running(vm, err) < 0 ||
	    check_host_cpus(vm, &a->host_cpus, &w, err) < 0)
		return -1;
	return vm_repin(vm, a->host_cpus.items, a->host_cpus.count, &w, err);
}

static const char *const policies[] = { "other", "batch", "idle", "fifo", "rr", NULL };

static const struct keyword_arg scheduler_args[] = {
	ARGUMENT_VM(affinity_args),
	{ .name = "policy",
	  .type = ARG_ENUM,
	  .fallback = "rr",
	  .choices = policies,
	  .offset = offsetof(struct affinity_args, policy),
	  .doc = "Scheduling policy." },
	{ .name = "priority",
	  .type = ARG_INT,
	  .fallback = "1",
	  .min = 0,
	  .max = 99,
	  .offset = offsetof(struct affinity_args, priority),
	  .doc = "1 to 99 for `fifo` and `rr`; the others have none and take 0." },
};

static int set_scheduler(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct affinity_args *a = args;
	struct wait w = call_qmp_wait(call);
	bool real_time = a->policy >= 3;
	auto_vm *vm = NULL;

	(void)ret;
	if (call_find(call, a->vm, &vm, err) < 0 || vm_check_running(vm, err) < 0)
		return -1;
	if (real_time && !a->priority)
		return error_set(err, EINVAL,
				 "argument 'priority': expected 1 to 99 for policy "
				 "'%s', got 0",
				 policies[a->policy]);
	return vm_schedule(vm, policies[a->policy], real_time ? a->priority : 0, &w, err);
}

static const struct keyword keywords[] = {
	{ .name = "Get VM Console",
	  .tags = "vm console",
	  .doc = "The console's text so far. Control characters are shown, not sent.",
	  KEYWORD_ARGS(get_args),
	  .args_size = sizeof(struct console_args),
	  .returns = "Text",
	  .run = get_console },
	{ .name = "Expect On VM Console",
	  .tags = "vm console wait",
	  .doc = "Waits until a line of the console matches; searches from the start of the boot.",
	  KEYWORD_ARGS(expect_args),
	  .args_size = sizeof(struct console_args),
	  .returns = "The matching line",
	  .run = expect },
	{ .name = "Write To VM Console",
	  .tags = "vm console",
	  .doc = "Types on the console.",
	  KEYWORD_ARGS(write_args),
	  .args_size = sizeof(struct console_args),
	  .run = write_console },
	{ .name = "Qmp Command",
	  .tags = "vm qmp",
	  .doc = "Runs a command of the QEMU Machine Protocol. A QMP error fails with its class and "
		 "description.",
	  KEYWORD_ARGS(qmp_args),
	  .args_size = sizeof(struct qmp_args),
	  .returns = "The command's `return` value",
	  .run = qmp_command },
	{ .name = "Set VM CPU Affinity",
	  .tags = "vm cpu",
	  .doc = "Pins vCPU i to the i-th host CPU.",
	  KEYWORD_ARGS(affinity_args),
	  .args_size = sizeof(struct affinity_args),
	  .run = set_affinity },
	{ .name = "Set VM Scheduler Policy",
	  .tags = "vm cpu",
	  .doc = "Sets the scheduling policy of every vCPU thread. Needs CAP_SYS_NICE.",
	  KEYWORD_ARGS(scheduler_args),
	  .args_size = sizeof(struct affinity_args),
	  .run = set_scheduler },
};

const struct keyword_family console_family = KEYWORD_FAMILY("Console, monitor and vCPUs", keywords);

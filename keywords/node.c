/*
 * Keywords: nodes, constants and the server itself.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/own.h"
#include "keywords/html.h"
#include "keywords/usual_args.h"
#include "node/facts.h"
#include "value/value.h"

struct node_args {
	const char *node;
};

static const struct keyword_arg node_args[] = { ARGUMENT_NODE(node_args, "DUT1") };

static struct wait node_wait(struct call *call)
{
	auto_constants held = hostel_hold(call->hostel);

	return call_wait(call, held.c->timeout.node_ms);
}

static int list_nodes(struct call *call, void *args, json_t **ret, struct error *err)
{
	(void)args;
	(void)err;
	*ret = json_array();
	for (size_t i = 0; i < hostel_node_count(call->hostel); i++)
		json_array_append_new(*ret, json_string(hostel_node_at(call->hostel, i)->name));
	return 0;
}

static json_t *cpu_list(const struct node_facts *f)
{
	json_t *cpus = json_array();

	for (size_t i = 0; i < f->cpu_count; i++)
		json_array_append_new(
			cpus, json_pack("{s:i,s:i,s:i,s:i,s:b}", "cpu", f->cpus[i].cpu, "core",
					f->cpus[i].core, "socket", f->cpus[i].socket, "numa_node",
					f->cpus[i].numa_node, "isolated", f->cpus[i].isolated));
	return cpus;
}

static json_t *page_counts(const struct node_hugepages *pages)
{
	json_t *ret = json_object();

	for (int i = 0; i < PAGE_SIZES; i++)
		json_object_set_new(
			ret, page_size_names[i],
			json_pack("{s:i,s:i}", "total", pages[i].total, "free", pages[i].free));
	return ret;
}

static int get_node_info(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct wait w = node_wait(call);
	auto_facts facts = { 0 };
	struct node *node;

	if (hostel_node(call->hostel, ((struct node_args *)args)->node, &node, err) < 0 ||
	    node_facts_read(node, &w, &facts, err) < 0)
		return -1;
	*ret = json_pack("{s:s,s:s,s:s,s:s,s:b,s:s,s:o,s:i,s:o,s:i,s:i}", "name", node->name,
			 "host", node->host, "arch", facts.arch, "kernel", facts.kernel, "kvm",
			 facts.kvm, "kvm_reason", facts.kvm_reason, "cpus", cpu_list(&facts),
			 "numa_nodes", facts.numa_nodes, "hugepages", page_counts(facts.hugepages),
			 "memory", facts.memory_mib, "memory_available",
			 facts.memory_available_mib);
	html_members(call, "Node", *ret);
	html_table(call, "CPUs", json_object_get(*ret, "cpus"), NULL);
	return 0;
}

static int get_qemu_version(struct call *call, void *args, json_t **ret, struct error *err)
{
	auto_constants held = hostel_hold(call->hostel);
	struct wait w = node_wait(call);
	char *argv[] = { held.c->qemu.binary, (char[]) { "--version" }, NULL };
	auto_str out = { 0 };
	struct node *node;
	char *start;

	if (hostel_node(call->hostel, ((struct node_args *)args)->node, &node, err) < 0)
		return -1;
	if (node_output(node, argv, &w, &out, err) < 0)
		return error_prefix(err, "qemu.binary");
	start = strstr(str_text(&out), "QEMU emulator version ");
	if (!start)
		return error_set(err, EPROTO, "qemu.binary: '%s' does not look like QEMU: %s",
				 held.c->qemu.binary, str_text(&out));
	start += strlen("QEMU emulator version ");
	*ret = json_stringn(start, strspn(start, "0123456789."));
	return 0;
}

struct execute_args {
	const char *node;
	const char *command;
	struct strv arguments;
	int64_t timeout_ms;
};

static const struct keyword_arg execute_args[] = {
	{ .name = "node",
	  .type = ARG_STR,
	  .offset = offsetof(struct execute_args, node),
	  .doc = "Node of the topology file." },
	{ .name = "command",
	  .type = ARG_STR,
	  .min = 1,
	  .max = 4096,
	  .offset = offsetof(struct execute_args, command),
	  .doc = "Program, looked up in PATH. No shell: say `sh` `-c` to have one." },
	{ .name = "arguments",
	  .kind = ARG_VARARGS,
	  .type = ARG_STR_LIST,
	  .offset = offsetof(struct execute_args, arguments),
	  .doc = "Its arguments, as they are." },
	ARGUMENT_TIMEOUT(execute_args, "timeout.execute", ARG_NAMED_ONLY),
};

static int execute_on_node(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct execute_args *a = args;
	struct wait w = call_wait(call, a->timeout_ms);
	auto_constants held = hostel_hold(call->hostel);
	auto_process_result r = { 0 };
	auto_strv argv = { 0 };
	struct node *node;

	strv_add(&argv, a->command);
	for (size_t i = 0; i < a->arguments.count; i++)
		strv_add(&argv, a->arguments.items[i]);
	if (hostel_node(call->hostel, a->node, &node, err) < 0)
		return -1;
	if (node_run(node, argv.items, NULL, (size_t)held.c->limit.output_kib * 1024, &w, &r, err) <
	    0)
		return error_prefix(err, "node '%s': %s", node->name, a->command);
	if (r.cut)
		trail_note(&call->trail, TRAIL_WARN, "the output was cut (limit.output_kib)");
	*ret = result_process(&r);
	return 0;
}

struct hugepage_args {
	const char *node;
	int memory;
	int page_size;
	const char *numa_node;
};

static const struct keyword_arg hugepage_args[] = {
	{ .name = "node",
	  .type = ARG_STR,
	  .offset = offsetof(struct hugepage_args, node),
	  .doc = "Node of the topology file." },
	{ .name = "memory",
	  .type = ARG_INT,
	  .min = 1,
	  .max = INT_MAX,
	  .unit = "MiB",
	  .offset = offsetof(struct hugepage_args, memory),
	  .doc = "How much is needed." },
	{ .name = "page_size",
	  .type = ARG_ENUM,
	  .fallback = "2M",
	  .choices = page_size_names,
	  .offset = offsetof(struct hugepage_args, page_size),
	  .doc = "Size of the pages." },
	{ .name = "numa_node",
	  .type = ARG_STR,
	  .fallback = "any",
	  .offset = offsetof(struct hugepage_args, numa_node),
	  .doc = "Number of the NUMA node, or `any`." },
};

static int choose_pages(const struct node_facts *facts, const char *numa_node, int page_size,
			struct node_hugepages *ret, struct error *err)
{
	long long n;

	if (!strcasecmp(numa_node, "any")) {
		*ret = facts->hugepages[page_size];
		return 0;
	}
	if (str_to_int(numa_node, 0, facts->numa_nodes - 1, &n) < 0)
		return error_set(err, EINVAL,
				 "argument 'numa_node': expected any or 0 to %d, got '%s'",
				 facts->numa_nodes - 1, numa_node);
	*ret = facts->numa_hugepages[n][page_size];
	return 0;
}

static int check_hugepages(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct hugepage_args *a = args;
	struct wait w = node_wait(call);
	struct node_hugepages pages = { 0 };
	auto_facts facts = { 0 };
	struct node *node;
	long long need = ((long long)a->memory * 1024 + page_size_kib[a->page_size] - 1) /
			 page_size_kib[a->page_size];

	(void)ret;
	if (hostel_node(call->hostel, a->node, &node, err) < 0 ||
	    node_facts_read(node, &w, &facts, err) < 0 ||
	    choose_pages(&facts, a->numa_node, a->page_size, &pages, err) < 0)
		return -1;
	if (pages.free < need)
		return error_set(err, ENOMEM,
				 "node '%s', NUMA node %s: %d MiB need %lld free huge pages of %s, "
				 "there are %d of %d",
				 node->name, a->numa_node, a->memory, need,
				 page_size_names[a->page_size], pages.free, pages.total);
	return 0;
}

struct constant_args {
	const char *name;
	const char *value;
};

static const struct keyword_arg constant_args[] = {
	{ .name = "name",
	  .type = ARG_STR,
	  .min = 1,
	  .max = 128,
	  .offset = offsetof(struct constant_args, name),
	  .doc = "Dotted name such as `timeout.vhost`." },
	{ .name = "value",
	  .type = ARG_STR,
	  .max = 4096,
	  .offset = offsetof(struct constant_args, value),
	  .doc = "New value, as constants.yaml would have it." },
};

static int get_constant(struct call *call, void *args, json_t **ret, struct error *err)
{
	auto_constants held = hostel_hold(call->hostel);
	auto_free char *value = NULL;

	if (constants_get(held.c, ((struct constant_args *)args)->name, &value, err) < 0)
		return error_prefix(err, "argument 'name'");
	*ret = json_string(value);
	return 0;
}

static int set_constant(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct constant_args *a = args;
	auto_constants held = hostel_hold(call->hostel);
	struct constants *copy;

	(void)ret;
	if (constants_settable(a->name, err) < 0)
		return error_prefix(err, "argument 'name'");
	copy = constants_copy(held.c);
	if (constants_set(copy, a->name, a->value, err) < 0) {
		constants_free(copy);
		return -1;
	}
	constants_replace(hostel_constants(call->hostel), copy);
	return 0;
}

static int reload_constants(struct call *call, void *args, json_t **ret, struct error *err)
{
	(void)args;
	(void)ret;
	return hostel_reload(call->hostel, err);
}

static int stop_server(struct call *call, void *args, json_t **ret, struct error *err)
{
	auto_constants held = hostel_hold(call->hostel);

	(void)args;
	(void)ret;
	if (!held.c->server.allow_remote_stop)
		return error_set(err, EPERM,
				 "the configuration does not allow it "
				 "(server.allow_remote_stop)");
	/* The signal's way is the one way to stop: it lets this call answer first. */
	kill(getpid(), SIGTERM);
	return 0;
}

static const struct keyword keywords[] = {
	{ .name = "List Nodes",
	  .tags = "node info",
	  .doc = "The nodes of the topology file.",
	  .returns = "List of names",
	  .run = list_nodes },
	{ .name = "Get Node Info",
	  .tags = "node info",
	  .doc = "What a node is made of.",
	  KEYWORD_ARGS(node_args),
	  .args_size = sizeof(struct node_args),
	  .returns = "{`name`, `host`, `arch`, `kernel`, `kvm`, `kvm_reason`, `cpus`, "
		     "`numa_nodes`, `hugepages`: {`2M`: {`total`, `free`}, `1G`: {...}}, "
		     "`memory`, `memory_available`}",
	  .run = get_node_info },
	{ .name = "Execute On Node",
	  .tags = "node",
	  .doc = "Runs a program on a node to its end. When the time-out comes first, it is "
		 "killed.",
	  KEYWORD_ARGS(execute_args),
	  .args_size = sizeof(struct execute_args),
	  .returns = "{`rc`, `stdout`, `stderr`}; `rc` is minus the signal that ended it",
	  .run = execute_on_node },
	{ .name = "Check Hugepages",
	  .tags = "node",
	  .doc = "Fails unless the node has enough free huge pages.",
	  KEYWORD_ARGS(hugepage_args),
	  .args_size = sizeof(struct hugepage_args),
	  .run = check_hugepages },
	{ .name = "Get Qemu Version",
	  .tags = "node info",
	  .doc = "The version of QEMU on a node.",
	  KEYWORD_ARGS(node_args),
	  .args_size = sizeof(struct node_args),
	  .returns = "Text such as `7.2.22`",
	  .run = get_qemu_version },
	{ .name = "Get Constant",
	  .tags = "constants",
	  .doc = "The present value of a key of constants.yaml.",
	  .args = constant_args,
	  .arg_count = 1,
	  .args_size = sizeof(struct constant_args),
	  .returns = "Text",
	  .run = get_constant },
	{ .name = "Set Constant",
	  .tags = "constants",
	  .doc = "Changes a key of constants.yaml until the server ends or *Reload Constants* is "
		 "called. Keys of `server` and `remote` and `run_dir` are the configuration "
		 "files' alone.",
	  KEYWORD_ARGS(constant_args),
	  .args_size = sizeof(struct constant_args),
	  .run = set_constant },
	{ .name = "Reload Constants",
	  .tags = "constants",
	  .doc = "Reads the constants, passwords, certificate and key again, as SIGHUP does. "
		 "An error in one of them changes nothing.",
	  .run = reload_constants },
	{ .name = "Stop Remote Server",
	  .tags = "server",
	  .doc = "Ends the server when the configuration allows it.",
	  .run = stop_server },
};

const struct keyword_family node_family = KEYWORD_FAMILY("Nodes, constants, server", keywords);

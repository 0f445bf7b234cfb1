/*
 * Payloads on DPDK: l3fwd and VPP.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "value/value.h"
#include "vm/template.h"
#include "vm/vm_payload_guest.h"
#include "vm/vm_payload_kind.h"
#include "vm/vm_payload_terminal.h"

/* Source: DPDK, Telemetry Library guide; the runtime directory of root's unnamed process. */
#define TELEMETRY_SOCKET "/var/run/dpdk/rte/dpdk_telemetry.v2"
#define VPP_DIR		 "/run/vpp"
#define VPP_SOCKET	 VPP_DIR "/cli.sock"
#define VPP_STARTUP	 VPP_DIR "/startup.conf"
#define VPP_EXEC	 VPP_DIR "/vpp.exec"
#define VPP_STARTUP_NAME "vpp-startup.conf"
#define TEMPLATE_MAX	 (1024 * 1024)

/* Queues that every interface has. */
static int common_queues(const struct payload_run *r)
{
	int queues = NIC_QUEUES_MAX;

	for (size_t i = 0; i < r->nic_count; i++)
		if (r->nics[i].queues < queues)
			queues = r->nics[i].queues;
	return queues;
}

/* Where no peer was named: what testpmd and l3fwd take for port N. */
static void fill_peer_macs(struct payload_run *r)
{
	while (r->o.peer_macs.count < r->nic_count)
		strv_addf(&r->o.peer_macs, "02:00:00:00:00:%02zx", r->o.peer_macs.count);
}

/* l3fwd has one transmit queue for each lcore. */
int l3fwd_fill(struct payload_run *r, struct error *err)
{
	int queues = common_queues(r), most = queues < r->cpus ? queues : r->cpus;

	if (r->o.cpus > most)
		return error_set(err, EINVAL,
				 "argument 'cpus': expected at most %d: VM '%s' has %d vCPUs, and "
				 "its interfaces have %d queues, one for each lcore; got %d",
				 most, r->vm->name, r->cpus, queues, r->o.cpus);
	if (r->o.cpus < 0)
		r->o.cpus = most;
	fill_peer_macs(r);
	return 0;
}

int l3fwd_configure(struct payload_run *r, struct error *err)
{
	auto_str config = { 0 };

	(void)err;
	strv_add(&r->command, r->o.binary);
	strv_addf(&r->command, "--lcores=0-%d", r->o.cpus - 1);
	for (size_t i = 0; i < r->nic_count; i++) {
		strv_add(&r->command, "-a");
		strv_add(&r->command, r->nics[i].pci);
	}
	strv_add(&r->command, "--in-memory");
	strv_add(&r->command, "--");
	strv_add(&r->command, "-p");
	strv_addf(&r->command, "0x%x", (1u << r->nic_count) - 1);
	strv_add(&r->command, "-P");
	strv_add(&r->command, "--parse-ptype");
	for (size_t i = 0; i < r->nic_count; i++)
		for (int q = 0; q < r->o.cpus; q++)
			str_addf(&config, "%s(%zu,%d,%d)", config.length ? "," : "", i, q, q);
	strv_addf(&r->command, "--config=%s", str_text(&config));
	for (size_t i = 0; i < r->nic_count; i++)
		strv_addf(&r->command, "--eth-dest=%zu,%s", i, r->o.peer_macs.items[i]);
	for (size_t i = 0; i < r->o.extra_args.count; i++)
		strv_add(&r->command, r->o.extra_args.items[i]);
	return 0;
}

/* One line of the telemetry's answers: {"/ethdev/stats": {"ipackets": ...}}. */
static json_t *parse_ethdev(const char *line, size_t length, size_t port,
			    const struct payload_nic *nic, struct error *err)
{
	static const char *const names[] = { "ipackets", "opackets", "ibytes", "obytes",
					     "imissed",	 "ierrors",  "oerrors" };
	auto_json *answer = value_parse(line, length, "DPDK telemetry", err);
	const json_t *stats = json_object_get(answer, "/ethdev/stats");
	json_int_t counts[7];

	if (!answer)
		return NULL;
	if (!json_is_object(stats)) {
		error_set(err, EPROTO, "DPDK telemetry: no statistics of port %zu in: %.*s", port,
			  (int)length, line);
		return NULL;
	}
	for (size_t i = 0; i < 7; i++)
		counts[i] = json_integer_value(json_object_get(stats, names[i]));
	return payload_port_stats(port, nic, counts);
}

static int parse_telemetry(const char *text, const struct payload_nic *nics, size_t count,
			   json_t **ret, struct error *err)
{
	auto_json *ports = json_array();

	for (size_t i = 0; i < count; i++) {
		size_t length = strcspn(text, "\n");
		json_t *port = parse_ethdev(text, length, i, &nics[i], err);

		if (!port)
			return -1;
		json_array_append_new(ports, port);
		text += length + (text[length] == '\n');
	}
	*ret = json_pack("{s:O}", "ports", ports);
	return 0;
}

int l3fwd_stats(struct vm *vm, const struct payload_nic *nics, size_t count, const struct wait *w,
		json_t **ret, struct error *err)
{
	auto_strv argv = { 0 };
	auto_str text = { 0 };

	strv_add(&argv, terminal_runner(vm));
	strv_add(&argv, "--ask");
	strv_add(&argv, TELEMETRY_SOCKET);
	for (size_t i = 0; i < count; i++)
		strv_addf(&argv, "/ethdev/stats,%zu", i);
	if (guest_must(vm, argv.items, NULL, w, &text, err) < 0)
		return -1;
	return parse_telemetry(str_text(&text), nics, count, ret, err);
}

static int check_list(const struct strv *list, size_t count, bool prefix, const char *argument,
		      struct error *err)
{
	if (list->count != count)
		return error_set(err, EINVAL,
				 "argument '%s': expected %zu, one an interface, got %zu", argument,
				 count, list->count);
	for (size_t i = 0; i < count; i++)
		if (payload_check_address(list->items[i], prefix, argument, err) < 0)
			return -1;
	return 0;
}

/* A path, a file of the template directory, or the NAME of a vpp-NAME.exec there. */
static char *template_path(const struct payload_run *r, const char *name)
{
	if (strchr(name, '/'))
		return own_strdup(name);
	if (strchr(name, '.'))
		return own_printf("%s/%s", r->c->kernel_vm.template_dir, name);
	return own_printf("%s/vpp-%s.exec", r->c->kernel_vm.template_dir, name);
}

static int check_template(const struct payload_run *r, const char *name, struct error *err)
{
	auto_free char *path = template_path(r, name);
	auto_str byte = { 0 };

	if (node_read_file(r->vm->node, path, 0, 1, r->w, &byte, err) < 0)
		return error_prefix(err, "argument 'template'");
	return 0;
}

int vpp_fill(struct payload_run *r, struct error *err)
{
	struct vm_payload_options *o = &r->o;

	if (o->cpus > r->cpus)
		return error_set(
			err, EINVAL,
			"argument 'cpus': expected at most %d, the vCPUs of VM '%s', got %d",
			r->cpus, r->vm->name, o->cpus);
	if (o->cpus < 0)
		o->cpus = r->cpus;
	for (size_t i = 0; !r->given->addresses.count && i < r->nic_count; i++)
		strv_addf(&o->addresses, "1.1.%zu.1/24", i + 1);
	for (size_t i = 0; !r->given->peers.count && i < r->nic_count; i++)
		strv_addf(&o->peers, "1.1.%zu.2", i + 1);
	fill_peer_macs(r);
	if (check_template(r, VPP_STARTUP_NAME, err) < 0 || check_template(r, o->template, err) < 0)
		return -1;
	if (check_list(&o->addresses, r->nic_count, true, "addresses", err) < 0)
		return -1;
	return check_list(&o->peers, r->nic_count, false, "peers", err);
}

static void set_name(json_t *names, const char *name, size_t number, const char *text)
{
	auto_free char *numbered = own_printf("%s%zu", name, number);

	json_object_set_new(names, numbered, json_string(text));
}

/* What the templates may use. */
static json_t *template_names(const struct payload_run *r)
{
	json_t *names = json_object();
	auto_str workers = { 0 }, devices = { 0 };

	if (r->o.cpus > 1)
		str_addf(&workers, "corelist-workers 1-%d", r->o.cpus - 1);
	for (size_t i = 0; i < r->nic_count; i++) {
		const struct payload_nic *nic = &r->nics[i];

		str_addf(&devices, "  dev %s {\n    name %s\n    num-rx-queues %d\n  }\n", nic->pci,
			 nic->id, nic->queues);
		set_name(names, "address", i + 1, r->o.addresses.items[i]);
		set_name(names, "peer", i + 1, r->o.peers.items[i]);
		set_name(names, "peer_mac", i + 1, r->o.peer_macs.items[i]);
		set_name(names, "interface", i + 1, nic->id);
	}
	json_object_set_new(names, "vpp_exec", json_string(VPP_EXEC));
	json_object_set_new(names, "vpp_socket", json_string(VPP_SOCKET));
	json_object_set_new(names, "vpp_workers", json_string(str_text(&workers)));
	json_object_set_new(names, "vpp_devices", json_string(str_text(&devices)));
	return names;
}

/* Renders a template of this node into a file of the guest. */
static int put_template(struct payload_run *r, const char *name, const char *path,
			const json_t *names, struct error *err)
{
	auto_free char *source = template_path(r, name);
	auto_str text = { 0 }, rendered = { 0 };

	if (node_read_file(r->vm->node, source, 0, TEMPLATE_MAX, r->w, &text, err) < 0)
		return error_prefix(err, "argument 'template'");
	template_render(str_text(&text), names, &rendered);
	return agent_write_file(r->vm->agent, path, str_text(&rendered), r->w, err);
}

int vpp_configure(struct payload_run *r, struct error *err)
{
	char *const argv[] = { (char[]) { "mkdir" }, (char[]) { "-p" }, (char[]) { VPP_DIR },
			       NULL };
	auto_json *names = template_names(r);

	if (guest_must(r->vm, argv, NULL, r->w, NULL, err) < 0 ||
	    put_template(r, VPP_STARTUP_NAME, VPP_STARTUP, names, err) < 0 ||
	    put_template(r, r->o.template, VPP_EXEC, names, err) < 0)
		return -1;
	strv_add(&r->command, r->o.binary);
	strv_add(&r->command, "-c");
	strv_add(&r->command, VPP_STARTUP);
	return 0;
}

/* The number behind a counter of one interface's block, 0 when VPP shows none. */
static json_int_t counter_of(const char *block, size_t length, const char *name)
{
	const char *at = memmem(block, length, name, strlen(name));
	long long n = 0;

	if (at)
		sscanf(at + strlen(name), "%lld", &n);
	return n;
}

/*
 * The block of `show interface` that begins with a line "NAME ..." and goes on with indented ones.
 */
static const char *block_of(const char *text, const char *name, size_t *ret_length)
{
	size_t length = strlen(name);

	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *end;

		if (strncmp(line, name, length) != 0 || line[length] != ' ')
			continue;
		for (end = strchr(line, '\n'); end && end[1] == ' '; end = strchr(end + 1, '\n'))
			;
		*ret_length = end ? (size_t)(end - line) : strlen(line);
		return line;
	}
	*ret_length = 0;
	return "";
}

int vpp_stats(struct vm *vm, const struct payload_nic *nics, size_t count, const struct wait *w,
	      json_t **ret, struct error *err)
{
	static const char *const names[] = { "rx packets", "tx packets", "rx bytes", "tx bytes",
					     "rx-miss",	   "rx-error",	 "tx-error" };
	char *const argv[] = { (char[]) { "vppctl" },	 (char[]) { "-s" },
			       (char[]) { VPP_SOCKET },	 (char[]) { "show" },
			       (char[]) { "interface" }, NULL };
	auto_str text = { 0 };
	json_t *ports;

	if (guest_must(vm, argv, NULL, w, &text, err) < 0)
		return -1;
	ports = json_array();
	for (size_t i = 0; i < count; i++) {
		json_int_t counts[7];
		size_t length;
		const char *block = block_of(str_text(&text), nics[i].id, &length);

		for (size_t n = 0; n < 7; n++)
			counts[n] = counter_of(block, length, names[n]);
		json_array_append_new(ports, payload_port_stats(i, &nics[i], counts));
	}
	*ret = json_pack("{s:o}", "ports", ports);
	return 0;
}

/*
 * A vswitch that joins the VMs of NF chains.
 */
#include "nfv/vswitch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "nfv/frame.h"
#include "vm/hostel.h"
#include "vm/vswitch_dir.h"

/* MTUs of traffic ports: of Ethernet, and for frames of FRAME_MAX bytes. */
#define MTU	  1500
#define MTU_JUMBO 9200
/* Of its log, in an error. */
#define LOG_TAIL 2000
/* What its end may take. */
#define END_MS	 5000
#define LOG_NAME "log"

const char *const vswitch_or_none_names[] = { [VSWITCH_NONE] = "none",
					      [VSWITCH_TESTPMD] = "testpmd",
					      [VSWITCH_OVS] = "ovs",
					      [VSWITCH_VPP] = "vpp",
					      NULL };
const char *const vswitch_driver_names[] = { [VSWITCH_TESTPMD - 1] = "testpmd",
					     [VSWITCH_OVS - 1] = "ovs",
					     [VSWITCH_VPP - 1] = "vpp",
					     NULL };

static const struct vswitch_ops *const drivers[] = { [VSWITCH_TESTPMD] = &vswitch_testpmd_ops,
						     [VSWITCH_OVS] = &vswitch_ovs_ops,
						     [VSWITCH_VPP] = &vswitch_vpp_ops };

/* The end of a segment that VM @number along the chains has, or the chain's traffic port. */
static struct wire_end make_end(const struct vswitch *v, int chain, int node, int side)
{
	const struct vswitch_spec *s = &v->spec;
	int number = (chain - 1) * s->nodes_per_chain + node;

	if (node < 1 || node > s->nodes_per_chain)
		return (struct wire_end) { .port = vswitch_port(v, chain, node > 0) };
	return (struct wire_end) { .socket = own_printf("%s/sock-%d-%d", s->socket_dir, number,
							side) };
}

static void make_wires(struct vswitch *v)
{
	const struct vswitch_spec *s = &v->spec;
	int per_chain = s->nodes_per_chain + 1;

	v->wire_count = (size_t)(s->chains * per_chain);
	v->wires = own_alloc(v->wire_count * sizeof(*v->wires));
	for (size_t i = 0; i < v->wire_count; i++) {
		int chain = (int)i / per_chain + 1, number = (int)i % per_chain;
		bool inner = number > 0 && number < s->nodes_per_chain;

		v->wires[i] = (struct vswitch_wire) {
			.chain = chain,
			.number = number,
			.kind = inner && s->topology == TOPOLOGY_PIPELINE ? SEGMENT_CROSS_CONNECT
									  : SEGMENT_BRIDGE,
			.ends = { make_end(v, chain, number, 2),
				  make_end(v, chain, number + 1, 1) },
		};
	}
}

bool vswitch_is_foreign(enum vswitch_driver driver, const struct constants *c)
{
	return driver != VSWITCH_NONE && drivers[driver]->foreign && drivers[driver]->foreign(c);
}

int vswitch_pages(enum vswitch_driver driver, const struct constants *c)
{
	return driver == VSWITCH_NONE || vswitch_is_foreign(driver, c) ? 0 : drivers[driver]->pages;
}

/* FNV-1a. Source: the Internet-Draft draft-eastlake-fnv. */
static unsigned int hash(const char *text)
{
	unsigned int h = 2166136261U;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 16777619U;
	return h;
}

static struct vswitch *make(struct hostel *hostel, const struct vswitch_spec *spec)
{
	struct vswitch *v = own_alloc(sizeof(*v));
	auto_constants held = hostel_hold(hostel);

	*v = (struct vswitch) { .ops = drivers[spec->driver],
				.hostel = hostel,
				.spec = *spec,
				.key = hash(spec->dir),
				.foreign = vswitch_is_foreign(spec->driver, held.c),
				.peer = PROCESS_NONE,
				.gate.fd = -1,
				.traffic = TRAFFIC_PORTS_NONE };
	atomic_init(&v->references, 1);
	v->spec.name = own_strdup(spec->name);
	v->spec.dir = own_strdup(spec->dir);
	v->spec.socket_dir = own_strdup(spec->socket_dir);
	v->spec.host_cpus = NULL;
	v->files = own_printf("%s/" VSWITCH_DIR_NAME, spec->dir);
	v->log_path = own_printf("%s/" LOG_NAME, v->files);
	return v;
}

struct vswitch *vswitch_get(struct vswitch *v)
{
	atomic_fetch_add(&v->references, 1);
	return v;
}

void vswitch_put(struct vswitch *v)
{
	if (!v || atomic_fetch_sub(&v->references, 1) > 1)
		return;
	for (size_t i = 0; i < v->process_count; i++)
		node_process_clear(&v->processes[i]);
	stream_close(v->stream);
	strv_clear(&v->names);
	strv_clear(&v->contexts);
	for (size_t i = 0; i < v->wire_count; i++)
		for (int end = 0; end < 2; end++)
			free(v->wires[i].ends[end].socket);
	free(v->wires);
	traffic_ports_close(&v->traffic);
	gate_clear(&v->gate);
	free((char *)v->spec.name);
	free((char *)v->spec.dir);
	free((char *)v->spec.socket_dir);
	process_clear(&v->peer);
	free(v->control);
	free(v->sockets);
	free(v->files);
	free(v->log_path);
	free(v);
}

void vswitch_drop(struct vswitch **v)
{
	vswitch_put(*v);
}

const struct traffic_port *vswitch_port(const struct vswitch *v, int chain, int side)
{
	return &v->traffic.ports[(chain - 1) * FRAME_SIDES + side];
}

static int check_node(const struct vswitch *v, struct error *err)
{
	if (!node_is_local(v->spec.node))
		return error_set(
			err, ENOTSUP,
			"argument 'node': a vswitch is started on the server's own machine "
			"only, '%s' is another; run a server there",
			v->spec.node->name);
	return 0;
}

static int check_cpus(const struct vswitch *v, const struct wait *w, struct error *err)
{
	const struct vswitch_spec *s = &v->spec;
	auto_facts facts = { 0 };

	if (!s->host_cpu_count)
		return 0;
	if (v->foreign)
		return error_set(err, EINVAL,
				 "argument 'host_cpus': the vswitch runs already, its CPUs are its "
				 "own");
	if (node_facts_read(s->node, w, &facts, err) < 0)
		return -1;
	for (size_t i = 0; i < s->host_cpu_count; i++)
		if (!node_facts_cpu(&facts, s->host_cpus[i]))
			return error_set(err, EINVAL,
					 "argument 'host_cpus': the node has no CPU %d; it has %zu "
					 "CPUs, the last is %d",
					 s->host_cpus[i], facts.cpu_count,
					 facts.cpus[facts.cpu_count - 1].cpu);
	return 0;
}

static int open_ports(struct vswitch *v, struct error *err)
{
	return traffic_ports_open((size_t)v->spec.chains * FRAME_SIDES,
				  v->spec.jumbo ? MTU_JUMBO : MTU, !v->foreign, &v->traffic, err);
}

static int start(struct vswitch *v, const struct wait *w, struct trail *trail, struct error *err)
{
	if (gate_init(&v->gate, err) < 0 || check_node(v, err) < 0 || check_cpus(v, w, err) < 0)
		return -1;
	if (v->ops->check && v->ops->check(v, w, err) < 0)
		return -1;
	if (open_ports(v, err) < 0 || node_make_dirs(v->spec.node, v->files, 0700, w, err) < 0 ||
	    node_make_dirs(v->spec.node, v->spec.socket_dir, 0700, w, err) < 0)
		return -1;
	make_wires(v);
	trail_step(trail, "made %zu traffic port(s)", v->traffic.count);
	return v->ops->start(v, w, trail, err);
}

int vswitch_start(struct hostel *hostel, const struct vswitch_spec *spec, const struct wait *w,
		  struct trail *trail, struct vswitch **ret, struct error *err)
{
	auto_vswitch *v = make(hostel, spec);

	/* Only during the start: afterwards nobody needs the list. */
	v->spec.host_cpus = spec->host_cpus;
	if (start(v, w, trail, err) < 0) {
		vswitch_stop(v);
		return error_prefix(err, "vswitch '%s'", vswitch_or_none_names[spec->driver]);
	}
	v->spec.host_cpus = NULL;
	trail_step(trail, "vswitch '%s' forwards on %zu wire(s)",
		   vswitch_or_none_names[spec->driver], v->wire_count);
	*ret = take_ptr(v);
	return 0;
}

void vswitch_stop(struct vswitch *v)
{
	struct wait w = wait_for_ms(END_MS);
	struct error err;

	if (v->ops->stop && v->wire_count)
		v->ops->stop(v, &w);
	for (size_t i = 0; i < v->process_count; i++)
		if (node_process_signal(v->spec.node, &v->processes[i], SIGKILL, &w, &err) < 0 ||
		    node_process_wait(v->spec.node, &v->processes[i], &w, NULL, &err) < 0)
			log_error("vswitch of '%s': process %d does not end: %s", v->spec.name,
				  (int)v->processes[i].pid, err.text);
	vswitch_dir_clean(v->spec.node, v->spec.dir, &w);
}

int vswitch_run(struct vswitch *v, const char *program, const struct strv *argv, int fd,
		const struct wait *w, struct error *err)
{
	auto_close int log_fd =
		fd >= 0 ? -1 : open(v->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	struct node_process *p = &v->processes[v->process_count];
	auto_strv full = { 0 };
	struct process_spec spec = { .fds = { fd, fd >= 0 ? fd : log_fd, fd >= 0 ? fd : log_fd },
				     .group = true };

	*p = (struct node_process)NODE_PROCESS_NONE;
	/* The namespace has no name: our descriptor of it is one as long as we live. */
	strv_add(&full, "nsenter");
	strv_addf(&full, "--net=/proc/%d/fd/%d", (int)getpid(), v->traffic.namespace_fd);
	for (size_t i = 0; i < argv->count; i++)
		strv_add(&full, argv->items[i]);
	spec.argv = full.items;
	if (process_start(&spec, &p->local, err) < 0)
		return -1;
	v->process_count++;
	p->pid = p->local.pid;
	process_start_time(p->pid, &p->start_time);
	return vswitch_dir_save(v->spec.node, v->spec.dir, program, p, w, err);
}

void vswitch_add_log(struct vswitch *v, struct error *err)
{
	struct wait w = wait_for_ms(1000);
	auto_str text = { 0 };
	auto_free char *said = NULL;
	struct stat st;

	/* A vswitch is on this machine; its log may be long. */
	if (stat(v->log_path, &st) < 0 ||
	    node_read_file(v->spec.node, v->log_path,
			   st.st_size > LOG_TAIL ? st.st_size - LOG_TAIL : 0, LOG_TAIL, &w, &text,
			   NULL) < 0 ||
	    !text.length)
		return;
	said = str_printable(text.text, text.length);
	error_append(err, "; the end of its log:\n%s", said);
}

void vswitch_add_cancel(const struct vswitch *v, struct wait *w)
{
	for (size_t i = 0; i < v->process_count; i++)
		wait_add_cancel(w, v->processes[i].local.pidfd, POLLIN, "the vswitch ended");
	if (v->peer.pidfd >= 0)
		wait_add_cancel(w, v->peer.pidfd, POLLIN, "the vswitch ended");
}

void vswitch_watch_peer(struct vswitch *v, int fd)
{
	struct ucred peer = { 0 };
	socklen_t size = sizeof(peer);
	struct error ignored;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.pid <= 0)
		return;
	process_clear(&v->peer);
	if (process_open(peer.pid, &v->peer, &ignored) < 0)
		v->peer = (struct process)PROCESS_NONE;
}

static int refuse_ended(struct vswitch *v, pid_t pid, struct error *err)
{
	error_set(err, ECONNRESET, "vswitch '%s' of chains '%s' ended (process %d)",
		  vswitch_or_none_names[v->spec.driver], v->spec.name, (int)pid);
	vswitch_add_log(v, err);
	return -1;
}

int vswitch_check(struct vswitch *v, struct error *err)
{
	for (size_t i = 0; i < v->process_count; i++)
		if (process_ended(&v->processes[i].local))
			return refuse_ended(v, v->processes[i].pid, err);
	return v->peer.pidfd >= 0 && process_ended(&v->peer) ? refuse_ended(v, v->peer.pid, err)
							     : 0;
}

static json_int_t position_of(const json_t *port)
{
	return json_integer_value(json_object_get(port, "wire")) * 2 +
	       json_integer_value(json_object_get(port, "side"));
}

/* In the order of the wires, whatever the program's own is. */
static json_t *sorted(json_t *ports)
{
	json_t *ret = json_array(), *port;
	size_t k, i;

	json_array_foreach (ports, i, port) {
		for (k = json_array_size(ret); k; k--)
			if (position_of(json_array_get(ret, k - 1)) <= position_of(port))
				break;
		json_array_insert(ret, k, port);
	}
	json_decref(ports);
	return ret;
}

/* What a port is to the chains, added to what the driver said about it. */
static void describe_port(const struct vswitch *v, json_t *port)
{
	int index = -1, side = -1;
	const struct vswitch_wire *wire;

	json_unpack(port, "{s:i,s:i}", "wire", &index, "side", &side);
	if (index < 0 || (size_t)index >= v->wire_count || side < 0 || side > 1)
		return;
	wire = &v->wires[index];
	json_object_del(port, "wire");
	json_object_set_new(port, "chain", json_integer(wire->chain));
	json_object_set_new(port, "segment", json_integer(wire->number));
	if (wire->ends[side].socket)
		json_object_set_new(port, "socket", json_string(wire->ends[side].socket));
	else
		json_object_set_new(port, "interface", json_string(wire->ends[side].port->name));
}

static int read_stats(struct vswitch *v, const struct wait *w, json_t **ret, struct error *err)
{
	json_t *ports = NULL, *port;
	size_t i;

	if (vswitch_check(v, err) < 0 || v->ops->stats(v, w, &ports, err) < 0)
		return -1;
	ports = sorted(ports);
	json_array_foreach (ports, i, port)
		describe_port(v, port);
	*ret = json_pack("{s:s,s:s,s:s,s:i,s:i,s:s,s:i,s:o}", "driver",
			 vswitch_or_none_names[v->spec.driver], "name", v->spec.name, "node",
			 v->spec.node->name, "chains", v->spec.chains, "nodes_per_chain",
			 v->spec.nodes_per_chain, "topology", plan_topology_names[v->spec.topology],
			 "pid", v->process_count ? (int)v->processes[v->process_count - 1].pid : 0,
			 "ports", ports);
	return 0;
}

int vswitch_stats(struct vswitch *v, const struct wait *w, json_t **ret, struct error *err)
{
	int rc;

	if (gate_enter(&v->gate, w, err) < 0)
		return -1;
	rc = read_stats(v, w, ret, err);
	gate_leave(&v->gate);
	return rc;
}

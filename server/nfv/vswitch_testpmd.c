/*
 * DPDK's testpmd as a vswitch: needs nothing but DPDK, not even huge pages.
 *
 * How it works: one testpmd with a port for each end of each wire, in that order, so that ports 0
 * and 1, 2 and 3, ... are the two ends of a wire: in its paired topology it forwards between them.
 * It connects to the VMs' sockets as a client and tries again when one is gone. It has a terminal
 * whose other end the server's watcher reads: were the terminal full, testpmd would block in the
 * middle of a vhost-user message, and QEMU with it. When the server ends, the terminal hangs up,
 * and testpmd ends by itself.
 * Sources: DPDK 22.11, testpmd application user guide; NIC guides af_packet, vhost.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/own.h"
#include "base/terminal.h"
#include "guest/testpmd.h"
#include "nfv/vswitch.h"
#include "node/facts.h"
#include "value/value.h"
#include "vm/hostel.h"

/* RTE_MAX_ETHPORTS of a usual build. */
#define PORTS_MAX 32
#define MBUFS	  16384
/* Memory without huge pages, of which the mbufs take most. */
#define MEMORY_MIB	 128
#define MEMORY_JUMBO_MIB 384
/* A packet socket's ring has one frame in each piece of @FRAME bytes; an mbuf must hold a piece. */
#define RING_FRAMES	  2048
#define RING_FRAME	  2048
#define RING_BLOCK	  65536
#define JUMBO_RING_FRAMES 512
#define JUMBO_RING_FRAME  10240
#define JUMBO_RING_BLOCK  20480
#define JUMBO_MBUF	  (JUMBO_RING_FRAME + 128)
#define TAIL_SIZE	  65536

static int check(struct vswitch *v, const struct wait *w, struct error *err)
{
	int ports = v->spec.chains * (2 * v->spec.nodes_per_chain + 2);

	(void)w;
	if (ports > PORTS_MAX)
		return error_set(
			err, EINVAL,
			"%d chains of %d need %d ports (two a VM and two a chain), testpmd "
			"has at most %d; driver ovs has no such limit",
			v->spec.chains, v->spec.nodes_per_chain, ports, PORTS_MAX);
	return 0;
}

/* "(0,1,5)": lcores that may run on all CPUs of the node. */
static int all_cpus(struct vswitch *v, const struct wait *w, char **ret, struct error *err)
{
	auto_facts facts = { 0 };
	struct str s = { 0 };

	if (node_facts_read(v->spec.node, w, &facts, err) < 0)
		return -1;
	for (size_t i = 0; i < facts.cpu_count; i++)
		str_addf(&s, "%s%d", i ? "," : "(", facts.cpus[i].cpu);
	str_adds(&s, ")");
	*ret = str_take(&s);
	return 0;
}

/* The main lcore and the forwarding ones; without a choice one, which all CPUs may run. */
static int add_lcores(struct vswitch *v, const struct wait *w, struct strv *argv, struct error *err)
{
	const struct vswitch_spec *s = &v->spec;
	auto_free char *all = NULL;
	auto_str lcores = { 0 };

	if (!s->host_cpu_count) {
		if (all_cpus(v, w, &all, err) < 0)
			return -1;
		str_addf(&lcores, "0@%s,1@%s", all, all);
	}
	for (size_t i = 0; i < s->host_cpu_count; i++)
		str_addf(&lcores, "%s%zu@%d", i ? "," : "", i, s->host_cpus[i]);
	if (s->host_cpu_count == 1)
		str_addf(&lcores, ",1@%d", s->host_cpus[0]);
	strv_add(argv, "--lcores");
	strv_add(argv, str_text(&lcores));
	return 0;
}

static void add_port(const struct vswitch *v, const struct wire_end *end, size_t index,
		     struct strv *argv)
{
	bool jumbo = v->spec.jumbo;

	if (end->socket)
		strv_addf(argv, "--vdev=net_vhost%zu,iface=%s,queues=%d,client=1", index,
			  end->socket, v->spec.queues);
	else
		strv_addf(argv,
			  "--vdev=net_af_packet%zu,iface=%s,qpairs=%d,blocksz=%d,framesz=%d,"
			  "framecnt=%d",
			  index, end->port->name, v->spec.queues,
			  jumbo ? JUMBO_RING_BLOCK : RING_BLOCK,
			  jumbo ? JUMBO_RING_FRAME : RING_FRAME,
			  jumbo ? JUMBO_RING_FRAMES : RING_FRAMES);
}

static int make_command(struct vswitch *v, const struct wait *w, struct strv *argv,
			struct error *err)
{
	size_t cores = v->spec.host_cpu_count > 2 ? v->spec.host_cpu_count - 1 : 1;

	strv_add(argv, "dpdk-testpmd");
	strv_add(argv, "--no-huge");
	strv_add(argv, "--no-shconf");
	strv_add(argv, "--no-pci");
	strv_add(argv, "--no-telemetry");
	/* Nothing may come between a command and its answer: other threads are to be quiet. */
	strv_add(argv, "--log-level=lib.vhost.*:error");
	strv_add(argv, "-m");
	strv_addf(argv, "%d", v->spec.jumbo ? MEMORY_JUMBO_MIB : MEMORY_MIB);
	if (add_lcores(v, w, argv, err) < 0)
		return -1;
	for (size_t i = 0; i < 2 * v->wire_count; i++)
		add_port(v, &v->wires[i / 2].ends[i % 2], i, argv);
	strv_add(argv, "--");
	strv_add(argv, "--interactive");
	strv_add(argv, "--forward-mode=io");
	strv_add(argv, "--port-topology=paired");
	strv_add(argv, "--auto-start");
	strv_add(argv, "--no-flush-rx");
	strv_add(argv, "--mask-event=all");
	strv_add(argv, "--disable-link-check");
	strv_addf(argv, "--nb-cores=%zu", cores);
	strv_addf(argv, "--rxq=%d", v->spec.queues);
	strv_addf(argv, "--txq=%d", v->spec.queues);
	strv_addf(argv, "--total-num-mbufs=%d", MBUFS);
	if (v->spec.jumbo)
		strv_addf(argv, "--mbuf-size=%d", JUMBO_MBUF);
	return 0;
}

static int open_terminal(struct vswitch *v, int *ret_slave, struct error *err)
{
	auto_close int log_fd = open(v->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	int master;

	if (log_fd < 0)
		return error_set_errno(err, errno, "%s", v->log_path);
	if (terminal_open(&master, ret_slave, err) < 0)
		return -1;
	if (stream_open(hostel_watcher(v->hostel), master, v->spec.node, v->log_path, 0, TAIL_SIZE,
			NULL, &v->stream, err) < 0) {
		own_close(ret_slave);
		return -1;
	}
	stream_log(v->stream, take_fd(&log_fd));
	return 0;
}

static int await_prompt(struct vswitch *v, const struct wait *w, struct error *err)
{
	struct stream_search search = { .stream = v->stream };
	const struct testpmd_patterns *patterns = testpmd_patterns();
	auto_listener heard = { .fd = -1 };

	if (bell_listen(stream_bell(v->stream), &heard, err) < 0)
		return -1;
	for (;;) {
		bool closed = stream_closed(v->stream);
		int which;

		/* Its patterns of failure are a guest's: here a socket may be missing yet. */
		if (stream_search_next(&search, patterns->all, 1, w, &which, NULL, err) < 0)
			return -1;
		if (which == 0)
			return 0;
		if (closed)
			return error_set(err, ECONNRESET, "testpmd ended");
		if (bell_wait(&heard, w, err) < 0)
			return error_append(err, " waiting for testpmd to forward");
	}
}

static int start(struct vswitch *v, const struct wait *w, struct trail *trail, struct error *err)
{
	auto_close int slave = -1;
	auto_strv argv = { 0 };

	(void)trail;
	if (make_command(v, w, &argv, err) < 0 || open_terminal(v, &slave, err) < 0 ||
	    vswitch_run(v, "testpmd", &argv, slave, w, err) < 0)
		return -1;
	own_close(&slave);
	if (await_prompt(v, w, err) < 0) {
		if (err->code == ECONNRESET)
			vswitch_add_log(v, err);
		return -1;
	}
	return 0;
}

/* Ports were given in the order of the wires' ends. */
static int stats(struct vswitch *v, const struct wait *w, json_t **ret, struct error *err)
{
	auto_json *all = NULL;
	json_t *port;
	size_t i;

	if (testpmd_stats(v->stream, w, &all, err) < 0)
		return -1;
	*ret = json_incref(json_object_get(all, "ports"));
	json_array_foreach (*ret, i, port) {
		json_int_t number = json_integer_value(json_object_get(port, "port"));

		json_object_set_new(port, "wire", json_integer(number / 2));
		json_object_set_new(port, "side", json_integer(number % 2));
	}
	return 0;
}

const struct vswitch_ops vswitch_testpmd_ops = {
	.check = check,
	.start = start,
	.stats = stats,
};

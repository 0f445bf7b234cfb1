/*
 * Open vSwitch with DPDK as a vswitch: a private one, which knows nothing of the machine's own, or
 * the one that runs on the node.
 *
 * How it works: a private one runs in the vswitch's directory, in the network namespace of the
 * traffic ports. One that runs already has its database where ovs.database says; it belongs to
 * others, so only bridges whose names begin with the chains' own prefix are made and removed.
 *
 * Each wire is a bridge with two ports. A segment that is an L2 context learns addresses, its
 * action is NORMAL; a cross connect has a pair of flows between its ports and nothing else. VMs are
 * dpdkvhostuserclient ports. Traffic ports are DPDK's packet sockets: a system port would do too,
 * but its socket keeps no more than 280 small frames while its thread waits for a CPU. For jumbo
 * frames it has to do: DPDK's has no MTU above 1500.
 * Sources: ovs-vswitchd.conf.db(5), ovs-ofctl(8), Open vSwitch 3.1 "DPDK vHost User Ports".
 */
#include "nfv/vswitch_ovs.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/own.h"
#include "value/value.h"
#include "vm/hostel.h"

/* A packet socket's ring has one frame in each piece. Source: DPDK 22.11, NIC guide af_packet. */
#define RING	   "blocksz=65536,framesz=2048,framecnt=2048"
#define MTU_JUMBO  9200
#define OUTPUT_MAX (1024 * 1024)
/* OFPP_LOCAL. Source: OpenFlow 1.0, 5.2.1. */
#define LOCAL_PORT "65534"
/* Bridges are named as devices are, "vh1234567.1" with at most 15 characters. */
#define WIRES_MAX  99999
#define PREFIX	   "vh%07x."
#define PREFIX_KEY (v->key & 0xfffffff)

int ovs_run_tool(const struct vswitch *v, const struct strv *argv, const struct str *input,
		 const struct wait *w, struct str *ret_out, struct error *err)
{
	auto_process_result r = { 0 };

	if (node_run(v->spec.node, argv->items, input, OUTPUT_MAX, w, &r, err) < 0)
		return error_prefix(err, "%s", argv->items[0]);
	if (r.rc != 0)
		return error_set(err, EREMOTEIO, "%s: exit status %d: %s", argv->items[0], r.rc,
				 str_text(&r.err));
	if (ret_out)
		str_add(ret_out, str_text(&r.out), r.out.length);
	return 0;
}

void ovs_begin_vsctl(const struct vswitch *v, const struct wait *w, struct strv *argv)
{
	strv_add(argv, "ovs-vsctl");
	strv_addf(argv, "--db=unix:%s", v->control);
	strv_addf(argv, "--timeout=%lld", (long long)wait_left_ms(w) / 1000 + 1);
}

static bool is_foreign(const struct constants *c)
{
	return strcmp(c->ovs.database, "none") != 0;
}

static char *bridge_name(const struct vswitch *v, size_t wire)
{
	return own_printf(PREFIX "%zu", PREFIX_KEY, wire);
}

/* A system port has the name of its device. */
static bool is_system_port(const struct vswitch *v, size_t wire, int end)
{
	return v->spec.jumbo && !v->wires[wire].ends[end].socket;
}

static char *port_name(const struct vswitch *v, size_t wire, int end)
{
	if (is_system_port(v, wire, end))
		return own_strdup(v->wires[wire].ends[end].port->name);
	return own_printf("v%c%07x.%zu", end ? 'q' : 'p', PREFIX_KEY, wire);
}

/* Whether the one that runs can have DPDK's ports; its process is watched from now on. */
static int check_foreign(struct vswitch *v, const struct wait *w, struct error *err)
{
	auto_close int fd = -1;
	auto_strv argv = { 0 };
	auto_str out = { 0 };

	if (node_connect_unix(v->spec.node, v->control, w, &fd, err) < 0)
		return error_append(err, ": no Open vSwitch has its database there; the constant "
					 "ovs.database names another socket, or none for a "
					 "private Open vSwitch");
	ovs_begin_vsctl(v, w, &argv);
	strv_add(&argv, "--no-wait");
	strv_add(&argv, "get");
	strv_add(&argv, "Open_vSwitch");
	strv_add(&argv, ".");
	strv_add(&argv, "dpdk_initialized");
	if (ovs_run_tool(v, &argv, NULL, w, &out, err) < 0)
		return -1;
	if (!str_starts(str_text(&out), "true"))
		return error_set(err, ENOTSUP,
				 "the Open vSwitch at %s runs without DPDK, which its "
				 "other_config:dpdk-init=true starts",
				 v->control);
	return 0;
}

static int check(struct vswitch *v, const struct wait *w, struct error *err)
{
	auto_constants held = hostel_hold(v->hostel);
	long wires = (long)v->spec.chains * (v->spec.nodes_per_chain + 1);

	if (wires > WIRES_MAX)
		return error_set(err, EINVAL,
				 "%d chains of %d have %ld segments, expected at most %d",
				 v->spec.chains, v->spec.nodes_per_chain, wires, WIRES_MAX);
	v->control = v->foreign ? own_strdup(held.c->ovs.database)
				: own_printf("%s/" OVS_DATABASE, v->files);
	v->sockets = own_strdup(v->foreign ? held.c->ovs.run_dir : v->files);
	return v->foreign ? check_foreign(v, w, err) : ovs_check_private(v, w, err);
}

/* Takes out what is ours, also what an earlier server left of it. */
static int remove_bridges(const struct vswitch *v, const struct wait *w, struct error *err)
{
	auto_free char *prefix = own_printf(PREFIX, PREFIX_KEY);
	auto_strv list = { 0 }, argv = { 0 };
	auto_str bridges = { 0 };
	size_t words;
	char *rest = NULL;

	ovs_begin_vsctl(v, w, &list);
	strv_add(&list, "list-br");
	if (ovs_run_tool(v, &list, NULL, w, &bridges, err) < 0)
		return -1;
	ovs_begin_vsctl(v, w, &argv);
	/* Nobody would take it over. */
	if (v->peer.pidfd >= 0 && process_ended(&v->peer))
		strv_add(&argv, "--no-wait");
	words = argv.count;
	for (char *name = bridges.length ? strtok_r(bridges.text, "\n", &rest) : NULL; name;
	     name = strtok_r(NULL, "\n", &rest)) {
		if (!str_starts(name, prefix))
			continue;
		strv_add(&argv, "--");
		strv_add(&argv, "del-br");
		strv_add(&argv, name);
	}
	return argv.count == words ? 0 : ovs_run_tool(v, &argv, NULL, w, NULL, err);
}

static void add_port(const struct vswitch *v, size_t wire, int end, const char *bridge,
		     struct strv *argv)
{
	const struct wire_end *e = &v->wires[wire].ends[end];
	auto_free char *name = port_name(v, wire, end);

	strv_add(argv, "--");
	strv_add(argv, "add-port");
	strv_add(argv, bridge);
	strv_add(argv, name);
	strv_add(argv, "--");
	strv_add(argv, "set");
	strv_add(argv, "Interface");
	strv_add(argv, name);
	strv_addf(argv, "ofport_request=%d", end + 1);
	if (v->spec.jumbo)
		strv_addf(argv, "mtu_request=%d", MTU_JUMBO);
	if (is_system_port(v, wire, end))
		return;
	if (!e->socket) {
		strv_add(argv, "type=dpdk");
		strv_addf(argv, "options:dpdk-devargs=net_af_packet_%s,iface=%s," RING, name,
			  e->port->name);
		return;
	}
	strv_add(argv, "type=dpdkvhostuserclient");
	strv_addf(argv, "options:vhost-server-path=%s", e->socket);
}

/* Without flows a secure bridge forwards nothing. */
static void add_bridge(const struct vswitch *v, size_t wire, struct strv *argv)
{
	auto_free char *name = bridge_name(v, wire);

	strv_add(argv, "--");
	strv_add(argv, "add-br");
	strv_add(argv, name);
	strv_add(argv, "--");
	strv_add(argv, "set");
	strv_add(argv, "Bridge");
	strv_add(argv, name);
	strv_add(argv, "datapath_type=netdev");
	strv_add(argv, "fail_mode=secure");
	for (int end = 0; end < 2; end++)
		add_port(v, wire, end, name, argv);
}

/* Returns when ovs-vswitchd has taken the configuration over. */
static int add_bridges(struct vswitch *v, const struct wait *w, struct error *err)
{
	auto_strv argv = { 0 };

	ovs_begin_vsctl(v, w, &argv);
	for (size_t i = 0; i < v->wire_count; i++)
		add_bridge(v, i, &argv);
	return ovs_run_tool(v, &argv, NULL, w, NULL, err);
}

static void begin_ofctl(const struct vswitch *v, const char *command, size_t wire,
			struct strv *argv)
{
	auto_free char *bridge = bridge_name(v, wire);

	strv_add(argv, "ovs-ofctl");
	strv_add(argv, "--no-names");
	strv_add(argv, command);
	strv_addf(argv, "unix:%s/%s.mgmt", v->sockets, bridge);
}

/* The bridge's own port has nobody behind it: frames to all ports need not go there. */
static int add_flows(const struct vswitch *v, size_t wire, const struct wait *w, struct error *err)
{
	bool learns = v->wires[wire].kind == SEGMENT_BRIDGE;
	auto_strv port = { 0 }, argv = { 0 };
	auto_str flows = { 0 };

	str_adds(&flows, learns ? "actions=NORMAL\n"
				: "in_port=1,actions=output:2\nin_port=2,actions=output:1\n");
	begin_ofctl(v, "mod-port", wire, &port);
	strv_add(&port, LOCAL_PORT);
	strv_add(&port, "no-flood");
	begin_ofctl(v, "add-flows", wire, &argv);
	strv_add(&argv, "-");
	if (ovs_run_tool(v, &port, NULL, w, NULL, err) < 0)
		return -1;
	return ovs_run_tool(v, &argv, &flows, w, NULL, err);
}

/* A port that could not be made is an error in the database only. */
static int check_ports(struct vswitch *v, const struct wait *w, struct error *err)
{
	auto_strv argv = { 0 };
	auto_str out = { 0 };
	char *rest = NULL;

	ovs_begin_vsctl(v, w, &argv);
	strv_add(&argv, "--bare");
	strv_add(&argv, "--columns=error");
	strv_add(&argv, "list");
	strv_add(&argv, "Interface");
	for (size_t i = 0; i < 2 * v->wire_count; i++)
		strv_take(&argv, port_name(v, i / 2, (int)(i % 2)));
	if (ovs_run_tool(v, &argv, NULL, w, &out, err) < 0)
		return -1;
	if (out.length && strtok_r(out.text, "\n", &rest))
		return error_set(err, EREMOTEIO, "%s", out.text + strspn(out.text, "\n"));
	return 0;
}

/* The process whose socket a bridge's is. */
static int watch_peer(struct vswitch *v, const struct wait *w, struct error *err)
{
	auto_free char *bridge = bridge_name(v, 0);
	auto_free char *path = own_printf("%s/%s.mgmt", v->sockets, bridge);
	auto_close int fd = -1;

	if (node_connect_unix(v->spec.node, path, w, &fd, err) < 0)
		return error_append(err, ": ovs-vswitchd has its sockets elsewhere; the constant "
					 "ovs.run_dir says where");
	vswitch_watch_peer(v, fd);
	return 0;
}

static int bring_up(struct vswitch *v, const struct wait *w, struct trail *trail, struct error *err)
{
	struct wait both = *w;

	if ((v->foreign ? remove_bridges(v, w, err) : ovs_start_private(v, w, trail, err)) < 0)
		return -1;
	vswitch_add_cancel(v, &both);
	if (add_bridges(v, &both, err) < 0 || check_ports(v, &both, err) < 0 ||
	    (v->foreign && watch_peer(v, &both, err) < 0))
		return -1;
	for (size_t i = 0; i < v->wire_count; i++)
		if (add_flows(v, i, &both, err) < 0)
			return -1;
	return 0;
}

static int start(struct vswitch *v, const struct wait *w, struct trail *trail, struct error *err)
{
	if (!bring_up(v, w, trail, err))
		return 0;
	if (wait_check(w, NULL) == 0 && vswitch_check(v, NULL) < 0)
		return vswitch_check(v, err);
	vswitch_add_log(v, err);
	return -1;
}

static void stop(struct vswitch *v, const struct wait *w)
{
	struct error err;

	if (v->foreign && remove_bridges(v, w, &err) < 0)
		log_error("vswitch of '%s': its bridges stay in Open vSwitch: %s", v->spec.name,
			  err.text);
}

/* "  port  1: rx pkts=5, bytes=300, drop=0, errs=0, ...\n           tx pkts=5, ..." */
static json_int_t counter(const char *line, const char *name)
{
	const char *p = strstr(line, name);

	return p ? (json_int_t)strtoll(p + strlen(name), NULL, 10) : 0;
}

static json_t *port_stats(const char *rx, const char *tx, size_t wire, int number)
{
	return json_pack("{s:i,s:i,s:i,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "port", number, "wire",
			 (int)wire, "side", number - 1, "rx_packets", counter(rx, "pkts="),
			 "tx_packets", counter(tx, "pkts="), "rx_bytes", counter(rx, "bytes="),
			 "tx_bytes", counter(tx, "bytes="), "rx_missed", counter(rx, "drop="),
			 "rx_errors", counter(rx, "errs="), "tx_errors", counter(tx, "drop="));
}

static int add_stats(const struct vswitch *v, size_t wire, const struct wait *w, json_t *ret,
		     struct error *err)
{
	auto_strv argv = { 0 };
	auto_str out = { 0 };

	begin_ofctl(v, "dump-ports", wire, &argv);
	if (ovs_run_tool(v, &argv, NULL, w, &out, err) < 0)
		return -1;
	for (const char *p = str_text(&out); (p = strstr(p, " port ")); p++) {
		const char *tx = strchr(p, '\n');
		int number = atoi(p + strlen(" port "));

		/* The bridge's own port has a name instead. */
		if (number > 0 && tx)
			json_array_append_new(ret, port_stats(p, tx, wire, number));
	}
	return 0;
}

static int stats(struct vswitch *v, const struct wait *w, json_t **ret, struct error *err)
{
	auto_json *ports = json_array();

	for (size_t i = 0; i < v->wire_count; i++)
		if (add_stats(v, i, w, ports, err) < 0)
			return -1;
	*ret = take_ptr(ports);
	return 0;
}

const struct vswitch_ops vswitch_ovs_ops = {
	.pages = OVS_PAGES_MAX,
	.foreign = is_foreign,
	.check = check,
	.start = start,
	.stop = stop,
	.stats = stats,
};

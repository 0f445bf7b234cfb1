/*
 * Open vSwitch with DPDK as a vswitch: a private one, which knows nothing of the machine's own.
 *
 * How it works: ovsdb-server and ovs-vswitchd run in the vswitch's directory, with a database of
 * their own, in the network namespace of the traffic ports. There is one bridge without any
 * default flow; each wire is a pair of flows between its two ports, which keeps every segment
 * apart from the others. VMs are dpdkvhostuserclient ports. Traffic ports are DPDK's packet
 * sockets: a system port would do too, but its socket keeps no more than 280 small frames while
 * its thread waits for a CPU.
 * Sources: ovs-vswitchd.conf.db(5), ovs-ofctl(8), Open vSwitch 3.1 "DPDK vHost User Ports".
 */
#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "nfv/frame.h"
#include "nfv/vswitch.h"
#include "node/facts.h"
#include "value/value.h"
#include "vm/hostel.h"

#define SCHEMA	   "/usr/share/openvswitch/vswitch.ovsschema"
#define BRIDGE	   "br"
#define DATABASE   "db.sock"
#define MANAGEMENT BRIDGE ".mgmt"
/* What DPDK takes at its start; pools of packets come on top of it, up to the limit. */
#define SOCKET_MEM_MIB	 256
#define SOCKET_LIMIT_MIB 800
/* A packet socket's ring has one frame in each piece. Source: DPDK 22.11, NIC guide af_packet. */
#define RING	   "blocksz=65536,framesz=2048,framecnt=2048"
#define RING_JUMBO "blocksz=20480,framesz=10240,framecnt=512"
/* Of 2 MB: with the smallest pools of packets, and at most. */
#define PAGES_MIN  200
#define PAGES_MAX  (SOCKET_LIMIT_MIB / 2)
#define MTU_JUMBO  9200
#define OUTPUT_MAX (1024 * 1024)

static char *file_of(const struct vswitch *v, const char *name)
{
	return own_printf("%s/%s", v->files, name);
}

static int check(const struct vswitch *v, const struct wait *w, struct error *err)
{
	auto_constants held = hostel_hold(v->hostel);
	auto_facts facts = { 0 };
	auto_str schema = { 0 };

	if (node_read_file(v->spec.node, SCHEMA, 0, 1, w, &schema, err) < 0)
		return error_append(err, ": Open vSwitch is not installed (package "
					 "openvswitch-switch-dpdk)");
	if (node_facts_read(v->spec.node, w, &facts, err) < 0)
		return -1;
	if (facts.hugepages[PAGE_2M].free < PAGES_MIN)
		return error_set(
			err, ENOMEM,
			"Open vSwitch needs at least %d free huge pages of 2 MB on the host, "
			"there are %d of %d free; `sysctl vm.nr_hugepages=%d` as root makes "
			"some, driver testpmd needs none",
			PAGES_MIN, facts.hugepages[PAGE_2M].free, facts.hugepages[PAGE_2M].total,
			PAGES_MAX);
	return 0;
}

/* Runs a tool to its end, in the namespace of nothing: its peer is a socket in our directory. */
static int run_tool(struct vswitch *v, const struct strv *argv, const struct str *input,
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

static int create_database(struct vswitch *v, const struct wait *w, struct error *err)
{
	auto_strv argv = { 0 };

	strv_add(&argv, "ovsdb-tool");
	strv_add(&argv, "create");
	strv_take(&argv, file_of(v, "conf.db"));
	strv_add(&argv, SCHEMA);
	return run_tool(v, &argv, NULL, w, NULL, err);
}

static int start_database(struct vswitch *v, const struct wait *w, struct error *err)
{
	auto_free char *socket = file_of(v, DATABASE);
	auto_strv argv = { 0 };
	auto_close int fd = -1;

	strv_add(&argv, "ovsdb-server");
	strv_take(&argv, file_of(v, "conf.db"));
	strv_addf(&argv, "--remote=punix:%s", socket);
	strv_addf(&argv, "--unixctl=%s/ovsdb.ctl", v->files);
	if (vswitch_run(v, "ovsdb-server", &argv, -1, w, err) < 0)
		return -1;
	return node_connect_new(v->spec.node, socket, &v->processes[v->process_count - 1], w, &fd,
				err);
}

static void begin_vsctl(struct vswitch *v, const struct wait *w, struct strv *argv)
{
	strv_add(argv, "ovs-vsctl");
	strv_addf(argv, "--db=unix:%s/" DATABASE, v->files);
	strv_addf(argv, "--timeout=%lld", (long long)wait_left_ms(w) / 1000 + 1);
}

/* The CPUs that were chosen: the first for the main thread, the others for the data plane. */
static void add_cpus(const struct vswitch *v, struct strv *argv)
{
	unsigned long long mask = 0;

	for (size_t i = 1; i < v->spec.host_cpu_count; i++)
		if (v->spec.host_cpus[i] < 64)
			mask |= 1ULL << v->spec.host_cpus[i];
	if (mask)
		strv_addf(argv, "other_config:pmd-cpu-mask=0x%llx", mask);
}

static int configure(struct vswitch *v, const struct wait *w, struct error *err)
{
	auto_strv argv = { 0 };

	begin_vsctl(v, w, &argv);
	strv_add(&argv, "--no-wait");
	strv_add(&argv, "init");
	strv_add(&argv, "--");
	strv_add(&argv, "set");
	strv_add(&argv, "Open_vSwitch");
	strv_add(&argv, ".");
	strv_add(&argv, "other_config:dpdk-init=true");
	strv_add(&argv, "other_config:dpdk-extra=--no-pci");
	strv_addf(&argv, "other_config:dpdk-socket-mem=%d", SOCKET_MEM_MIB);
	strv_addf(&argv, "other_config:dpdk-socket-limit=%d", SOCKET_LIMIT_MIB);
	add_cpus(v, &argv);
	return run_tool(v, &argv, NULL, w, NULL, err);
}

static int start_switch(struct vswitch *v, const struct wait *w, struct error *err)
{
	auto_constants held = hostel_hold(v->hostel);
	auto_free char *control = file_of(v, "vswitchd.ctl");
	auto_strv argv = { 0 };
	auto_close int fd = -1;

	strv_add(&argv, "env");
	strv_addf(&argv, "OVS_RUNDIR=%s", v->files);
	strv_addf(&argv, "OVS_LOGDIR=%s", v->files);
	strv_add(&argv, held.c->ovs.binary);
	strv_addf(&argv, "unix:%s/" DATABASE, v->files);
	strv_addf(&argv, "--unixctl=%s", control);
	if (vswitch_run(v, "ovs-vswitchd", &argv, -1, w, err) < 0)
		return -1;
	/* It listens there before DPDK is up; what asks next waits for that. */
	return node_connect_new(v->spec.node, control, &v->processes[v->process_count - 1], w, &fd,
				err);
}

static void add_port(const struct vswitch *v, const struct wire_end *end, size_t number,
		     struct strv *argv)
{
	auto_free char *name = own_printf("%s%zu", end->socket ? "vhost" : "traffic", number);

	strv_add(argv, "--");
	strv_add(argv, "add-port");
	strv_add(argv, BRIDGE);
	strv_add(argv, name);
	strv_add(argv, "--");
	strv_add(argv, "set");
	strv_add(argv, "Interface");
	strv_add(argv, name);
	strv_addf(argv, "ofport_request=%zu", number);
	if (v->spec.jumbo)
		strv_addf(argv, "mtu_request=%d", MTU_JUMBO);
	if (!end->socket) {
		strv_add(argv, "type=dpdk");
		strv_addf(argv, "options:dpdk-devargs=net_af_packet%zu,iface=%s,%s", number,
			  end->port->name, v->spec.jumbo ? RING_JUMBO : RING);
		return;
	}
	strv_add(argv, "type=dpdkvhostuserclient");
	strv_addf(argv, "options:vhost-server-path=%s", end->socket);
}

/* Returns when ovs-vswitchd has taken the configuration over. */
static int add_ports(struct vswitch *v, const struct wait *w, struct error *err)
{
	auto_strv argv = { 0 };

	begin_vsctl(v, w, &argv);
	strv_add(&argv, "add-br");
	strv_add(&argv, BRIDGE);
	strv_add(&argv, "--");
	strv_add(&argv, "set");
	strv_add(&argv, "Bridge");
	strv_add(&argv, BRIDGE);
	strv_add(&argv, "datapath_type=netdev");
	strv_add(&argv, "fail_mode=secure");
	for (size_t i = 0; i < 2 * v->wire_count; i++)
		add_port(v, &v->wires[i / 2].ends[i % 2], i + 1, &argv);
	return run_tool(v, &argv, NULL, w, NULL, err);
}

static void begin_ofctl(struct vswitch *v, const char *command, struct strv *argv)
{
	strv_add(argv, "ovs-ofctl");
	strv_add(argv, "--no-names");
	strv_add(argv, command);
	strv_addf(argv, "unix:%s/" MANAGEMENT, v->files);
}

static int add_flows(struct vswitch *v, const struct wait *w, struct error *err)
{
	auto_strv argv = { 0 };
	auto_str flows = { 0 };

	for (size_t i = 0; i < v->wire_count; i++)
		str_addf(&flows, "in_port=%zu,actions=output:%zu\nin_port=%zu,actions=output:%zu\n",
			 2 * i + 1, 2 * i + 2, 2 * i + 2, 2 * i + 1);
	begin_ofctl(v, "add-flows", &argv);
	strv_add(&argv, "-");
	return run_tool(v, &argv, &flows, w, NULL, err);
}

/* A port that could not be made is an error in the database only. */
static int check_ports(struct vswitch *v, const struct wait *w, struct error *err)
{
	auto_strv argv = { 0 };
	auto_str out = { 0 };
	char *rest = NULL;

	begin_vsctl(v, w, &argv);
	strv_add(&argv, "--bare");
	strv_add(&argv, "--columns=error");
	strv_add(&argv, "list");
	strv_add(&argv, "Interface");
	if (run_tool(v, &argv, NULL, w, &out, err) < 0)
		return -1;
	if (out.length && strtok_r(out.text, "\n", &rest))
		return error_set(err, EREMOTEIO, "%s", out.text + strspn(out.text, "\n"));
	return 0;
}

static int bring_up(struct vswitch *v, const struct wait *w, struct trail *trail, struct error *err)
{
	struct wait both = *w;

	if (create_database(v, w, err) < 0 || start_database(v, w, err) < 0 ||
	    configure(v, w, err) < 0 || start_switch(v, w, err) < 0)
		return -1;
	trail_step(trail, "Open vSwitch runs, processes %d and %d", (int)v->processes[0].pid,
		   (int)v->processes[1].pid);
	vswitch_add_cancel(v, &both);
	if (add_ports(v, &both, err) < 0 || check_ports(v, &both, err) < 0)
		return -1;
	return add_flows(v, &both, err);
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

/* "  port  1: rx pkts=5, bytes=300, drop=0, errs=0, ...\n           tx pkts=5, ..." */
static json_int_t counter(const char *line, const char *name)
{
	const char *p = strstr(line, name);

	return p ? (json_int_t)strtoll(p + strlen(name), NULL, 10) : 0;
}

static json_t *port_stats(const char *rx, const char *tx, int number)
{
	return json_pack("{s:i,s:i,s:i,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "port", number, "wire",
			 (number - 1) / 2, "side", (number - 1) % 2, "rx_packets",
			 counter(rx, "pkts="), "tx_packets", counter(tx, "pkts="), "rx_bytes",
			 counter(rx, "bytes="), "tx_bytes", counter(tx, "bytes="), "rx_missed",
			 counter(rx, "drop="), "rx_errors", counter(rx, "errs="), "tx_errors",
			 counter(tx, "drop="));
}

static int stats(struct vswitch *v, const struct wait *w, json_t **ret, struct error *err)
{
	auto_strv argv = { 0 };
	auto_str out = { 0 };

	begin_ofctl(v, "dump-ports", &argv);
	if (run_tool(v, &argv, NULL, w, &out, err) < 0)
		return -1;
	*ret = json_array();
	for (const char *p = str_text(&out); (p = strstr(p, " port ")); p++) {
		const char *tx = strchr(p, '\n');
		int number = atoi(p + strlen(" port "));

		/* The bridge's own port has a name instead. */
		if (number > 0 && tx)
			json_array_append_new(*ret, port_stats(p, tx, number));
	}
	return 0;
}

const struct vswitch_ops vswitch_ovs_ops = {
	.pages = PAGES_MAX,
	.own_namespace = true,
	.check = check,
	.start = start,
	.stats = stats,
};

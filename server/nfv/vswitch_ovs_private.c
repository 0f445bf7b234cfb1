/*
 * A private Open vSwitch with DPDK: its database and its two processes.
 *
 * Sources: ovs-vswitchd.conf.db(5), ovsdb-server(1), Open vSwitch 3.1 "Open vSwitch with DPDK".
 */
#include <errno.h>

#include "base/own.h"
#include "nfv/vswitch_ovs.h"
#include "node/facts.h"
#include "vm/hostel.h"

#define SCHEMA "/usr/share/openvswitch/vswitch.ovsschema"
/* What DPDK takes at its start; pools of packets come on top of it, up to the limit. */
#define SOCKET_MEM_MIB 256
/* Of 2 MB: with the smallest pools of packets. */
#define PAGES_MIN 200

static char *file_of(const struct vswitch *v, const char *name)
{
	return own_printf("%s/%s", v->files, name);
}

int ovs_check_private(const struct vswitch *v, const struct wait *w, struct error *err)
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
			OVS_PAGES_MAX);
	return 0;
}

static int create_database(struct vswitch *v, const struct wait *w, struct error *err)
{
	auto_strv argv = { 0 };

	strv_add(&argv, "ovsdb-tool");
	strv_add(&argv, "create");
	strv_take(&argv, file_of(v, "conf.db"));
	strv_add(&argv, SCHEMA);
	return ovs_run_tool(v, &argv, NULL, w, NULL, err);
}

static int start_database(struct vswitch *v, const struct wait *w, struct error *err)
{
	auto_free char *socket = file_of(v, OVS_DATABASE);
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

/* The CPUs that were chosen: the first for the main thread, the others for the data plane. */
static void add_data_plane(const struct vswitch *v, struct strv *argv)
{
	const struct vswitch_spec *s = &v->spec;
	size_t first = s->host_cpu_count > 1;
	auto_free char *mask = NULL;

	if (!s->host_cpu_count)
		return;
	mask = cpu_mask_text(s->host_cpus + first, s->host_cpu_count - first);
	strv_addf(argv, "other_config:pmd-cpu-mask=%s", mask);
}

static int configure(struct vswitch *v, const struct wait *w, struct error *err)
{
	auto_strv argv = { 0 };

	ovs_begin_vsctl(v, w, &argv);
	strv_add(&argv, "--no-wait");
	strv_add(&argv, "init");
	strv_add(&argv, "--");
	strv_add(&argv, "set");
	strv_add(&argv, "Open_vSwitch");
	strv_add(&argv, ".");
	strv_add(&argv, "other_config:dpdk-init=true");
	strv_add(&argv, "other_config:dpdk-extra=--no-pci");
	strv_addf(&argv, "other_config:dpdk-socket-mem=%d", SOCKET_MEM_MIB);
	strv_addf(&argv, "other_config:dpdk-socket-limit=%d", OVS_PAGES_MAX * 2);
	add_data_plane(v, &argv);
	return ovs_run_tool(v, &argv, NULL, w, NULL, err);
}

static int start_switch(struct vswitch *v, const struct wait *w, struct error *err)
{
	auto_constants held = hostel_hold(v->hostel);
	auto_free char *control = file_of(v, "vswitchd.ctl");
	auto_strv argv = { 0 };
	auto_close int fd = -1;

	/* All threads but those of the data plane stay where the process was put. */
	if (v->spec.host_cpu_count) {
		strv_add(&argv, "taskset");
		strv_add(&argv, "--cpu-list");
		strv_addf(&argv, "%d", v->spec.host_cpus[0]);
	}
	strv_add(&argv, "env");
	strv_addf(&argv, "OVS_RUNDIR=%s", v->files);
	strv_addf(&argv, "OVS_LOGDIR=%s", v->files);
	strv_add(&argv, held.c->ovs.binary);
	strv_addf(&argv, "unix:%s/" OVS_DATABASE, v->files);
	strv_addf(&argv, "--unixctl=%s", control);
	if (vswitch_run(v, "ovs-vswitchd", &argv, -1, w, err) < 0)
		return -1;
	/* It listens there before DPDK is up; what asks next waits for that. */
	return node_connect_new(v->spec.node, control, &v->processes[v->process_count - 1], w, &fd,
				err);
}

int ovs_start_private(struct vswitch *v, const struct wait *w, struct trail *trail,
		      struct error *err)
{
	if (create_database(v, w, err) < 0 || start_database(v, w, err) < 0 ||
	    configure(v, w, err) < 0 || start_switch(v, w, err) < 0)
		return -1;
	trail_step(trail, "Open vSwitch runs, processes %d and %d", (int)v->processes[0].pid,
		   (int)v->processes[1].pid);
	return 0;
}

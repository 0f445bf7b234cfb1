/*
 * A VM as Robot sees it: the dictionary of contract section 1.
 */
#include <string.h>

#include "base/own.h"
#include "qemu/command.h"
#include "value/value.h"
#include "vm/hostel.h"
#include "vm/nic_names.h"
#include "vm/plug.h"
#include "vm/vm.h"

static json_t *times(const struct boot_time *t)
{
	json_t *ret = json_object();
	const struct {
		const char *name;
		double seconds;
	} stages[] = { { "launch", t->launch },
		       { "vhost", t->vhost },
		       { "kernel", t->kernel },
		       { "ready", t->ready } };

	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++)
		json_object_set_new(ret, stages[i].name,
				    stages[i].seconds < 0 ? json_null()
							  : json_real(stages[i].seconds));
	return ret;
}

json_t *vm_interfaces(struct vm *vm)
{
	bool connected[NICS_MAX] = { false };
	json_t *ret = json_object();

	nic_names_refresh(vm);
	vhost_connections(vm, connected);
	lock_scope(&vm->mutex);
	for (size_t i = 0; i < vm->nic_count; i++) {
		const struct nic *nic = &vm->nics[i];
		auto_free char *pci = nic_pci_address(nic);
		char id[NIC_ID_SIZE];

		nic_id(nic, id);
		json_object_set_new(ret, id,
				    json_pack("{s:s,s:s,s:s,s:i,s:b,s:s}", "mac_address", nic->mac,
					      "socket", nic->socket ? nic->socket : "",
					      "pci_address", pci, "queues", nic->queues,
					      "connected", connected[i], "name", nic->name));
	}
	return ret;
}

json_t *vm_info(struct vm *vm)
{
	auto_constants held = hostel_hold(vm->hostel);
	auto_free char *qmp = qemu_path(vm->run_dir, QEMU_QMP_SOCKET);
	auto_free char *agent = qemu_path(vm->run_dir, QEMU_AGENT_SOCKET);
	auto_free char *console = qemu_path(vm->run_dir, QEMU_CONSOLE_LOG);
	json_t *interfaces = vm_interfaces(vm);
	json_t *host_cpus = json_array();
	lock_scope(&vm->mutex);

	for (size_t i = 0; i < vm->host_cpu_count; i++)
		json_array_append_new(host_cpus, json_integer(vm->host_cpus[i]));
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:i,s:s,s:i,s:i,s:i,s:s,s:s,s:o,s:s,s:i,s:i,s:o,s:s,"
			 "s:s,s:s,s:s,s:o,s:o,s:b}",
			 "name", vm->name, "node", vm->node->name, "host", vm->node->host, "type",
			 "VM", "kind", vm_kind_names[vm->kind], "qemu_id", vm->qemu_id, "state",
			 vm_state_names[vm->state], "pid", vm->ended ? 0 : (int)vm->process.pid,
			 "port", held.c->qemu.ssh_port_base + vm->qemu_id, "serial",
			 held.c->qemu.serial_port_base + vm->qemu_id, "username", vm->username,
			 "password", vm->password, "interfaces", interfaces, "vnf", vm->vnf, "cpus",
			 vm->cpus, "memory", vm->memory_mib, "host_cpus", host_cpus, "qmp_socket",
			 qmp, "qga_socket", agent, "console_log", console, "run_dir", vm->run_dir,
			 "command_line",
			 value_string_list(vm->command_line.items, vm->command_line.count),
			 "boot_time", times(&vm->boot_time), "agent", vm->agent_open);
}

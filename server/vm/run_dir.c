/*
 * The run directory of a VM on its node.
 *
 * How it works: vm.json says what the VM is; "ready" in it that its start was complete. QEMU's
 * pid file says which process it is. That the process is ours shows in its command line, which
 * names this very pid file: a pid that was reused does not.
 */
#include "vm/run_dir.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/log.h"
#include "base/own.h"
#include "qemu/command.h"
#include "value/value.h"
#include "vm/hostel.h"
#include "vm/image_vm.h"
#include "vm/plug.h"
#include "vm/vm_payload.h"
#include "vm/vm_testpmd.h"
#include "vm/vswitch_dir.h"

#define STATE_MAX	 (1024 * 1024)
#define COMMAND_LINE_MAX (256 * 1024)
/* What writing vm.json may take when nobody's time is to be taken for it. */
#define NOTE_MS 1000

static json_t *save_nics(const struct vm *vm)
{
	json_t *nics = json_array();

	for (size_t i = 0; i < vm->nic_count; i++)
		json_array_append_new(nics, nic_save(&vm->nics[i]));
	return nics;
}

static json_t *save_login(const struct vm_login *login)
{
	return json_pack("{s:s*,s:s*,s:b,s:s*,s:s*}", "private_key", login->private_key,
			 "passphrase", login->passphrase, "ssh_agent", login->ssh_agent, "host_key",
			 login->host_key, "known_hosts", login->known_hosts);
}

static json_t *save(struct vm *vm, bool ready)
{
	json_t *cpus = json_array();
	lock_scope(&vm->mutex);

	for (size_t i = 0; i < vm->host_cpu_count; i++)
		json_array_append_new(cpus, json_integer(vm->host_cpus[i]));
	return json_pack(
		"{s:s,s:s,s:i,s:i,s:i,s:i,s:b,s:s,s:s,s:s,s:b,s:o,s:o,s:o,s:o,s:o,s:I,"
		"s:[f,f,f,f]}",
		"name", vm->name, "node", vm->node->name, "kind", (int)vm->kind, "qemu_id",
		vm->qemu_id, "cpus", vm->cpus, "memory", vm->memory_mib, "kvm", vm->kvm, "vnf",
		vm->vnf, "username", vm->username, "password", vm->password, "ready", ready,
		"login", save_login(&vm->login), "host_cpus", cpus, "nics", save_nics(vm),
		"command_line", value_string_list(vm->command_line.items, vm->command_line.count),
		"payload", vm_payload_save(vm), "testpmd_from",
		(json_int_t)(vm->testpmd && vm->testpmd == vm->payload ? vm->testpmd_from : -1),
		"boot_time", vm->boot_time.launch, vm->boot_time.vhost, vm->boot_time.kernel,
		vm->boot_time.ready);
}

int run_dir_save(struct vm *vm, bool ready, const struct wait *w, struct error *err)
{
	auto_free char *path = qemu_path(vm->run_dir, RUN_DIR_STATE_FILE);
	auto_free char *text = NULL;
	auto_json *state = NULL;
	/* The last to write is to be the last that looked. */
	lock_scope(&vm->save_mutex);

	state = save(vm, ready);
	text = json_dumps(state, JSON_INDENT(1));
	return node_write_file(vm->node, path,
			       &(struct str) { .text = text, .length = strlen(text) }, 0600, w,
			       err);
}

void run_dir_note(struct vm *vm)
{
	struct wait w = wait_for_ms(NOTE_MS);
	struct error err;

	if (run_dir_save(vm, true, &w, &err) < 0)
		log_warn("VM '%s': a later server will not know all of it: %s", vm->name, err.text);
}

int run_dir_clean(struct node *node, const char *dir, const struct wait *w, struct error *err)
{
	auto_strv entries = { 0 };
	bool keep = false;

	if (node_list_dir(node, dir, w, &entries, err) < 0)
		return err->code == ENOENT ? 0 : -1;
	for (size_t i = 0; i < entries.count; i++) {
		auto_free char *path = qemu_path(dir, entries.items[i]);

		if (!strcmp(entries.items[i], QEMU_CONSOLE_LOG))
			keep = true;
		else if (node_remove_tree(node, path, w, err) < 0)
			return -1;
	}
	return keep ? 0 : node_remove_tree(node, dir, w, err);
}

static void load_lists(struct vm *vm, const json_t *state)
{
	const json_t *cpus = json_object_get(state, "host_cpus");
	size_t index;
	json_t *item;

	vm->host_cpu_count = json_array_size(cpus);
	vm->host_cpus = own_alloc(vm->host_cpu_count * sizeof(int));
	json_array_foreach (cpus, index, item)
		vm->host_cpus[index] = (int)json_integer_value(item);
	json_array_foreach (json_object_get(state, "command_line"), index, item)
		strv_add(&vm->command_line, json_string_value(item));
	json_array_foreach (json_object_get(state, "nics"), index, item)
		if (vm->nic_count < NICS_MAX && !nic_load(item, &vm->nics[vm->nic_count]))
			vm->nic_count++;
}

static void load_login(struct vm *vm, const json_t *state)
{
	const json_t *saved = json_object_get(state, "login");
	const struct vm_login login = {
		.private_key = (char *)json_string_value(json_object_get(saved, "private_key")),
		.passphrase = (char *)json_string_value(json_object_get(saved, "passphrase")),
		.ssh_agent = json_is_true(json_object_get(saved, "ssh_agent")),
		.host_key = (char *)json_string_value(json_object_get(saved, "host_key")),
		.known_hosts = (char *)json_string_value(json_object_get(saved, "known_hosts")),
	};

	vm_describe_login(vm, &login);
}

static int load(struct vm *vm, const json_t *state, struct error *err)
{
	const char *vnf, *username, *password;
	int kind, kvm;

	if (json_unpack((json_t *)state, "{s:i,s:i,s:i,s:i,s:b,s:s,s:s,s:s,s:[F,F,F,F]}", "kind",
			&kind, "qemu_id", &vm->qemu_id, "cpus", &vm->cpus, "memory",
			&vm->memory_mib, "kvm", &kvm, "vnf", &vnf, "username", &username,
			"password", &password, "boot_time", &vm->boot_time.launch,
			&vm->boot_time.vhost, &vm->boot_time.kernel, &vm->boot_time.ready) < 0 ||
	    kind < 0 || kind >= VM_KINDS)
		return error_set(err, EPROTO, "%s of VM '%s' is not of this version",
				 RUN_DIR_STATE_FILE, vm->name);
	vm_describe(vm, (enum vm_kind)kind, kvm, vnf, username, password);
	load_login(vm, state);
	load_lists(vm, state);
	return 0;
}

/* The QEMU of @dir, if it still runs. ESRCH when it does not. */
static int find_process(struct node *node, const char *dir, const struct wait *w,
			struct node_process *ret, struct error *err)
{
	auto_free char *pid_path = qemu_path(dir, QEMU_PID_FILE);
	auto_str pid_text = { 0 }, command = { 0 };
	auto_free char *proc = NULL;
	long long pid;

	if (node_read_file(node, pid_path, 0, 32, w, &pid_text, err) < 0)
		return error_set(err, ESRCH, "no pid file");
	if (pid_text.length)
		pid_text.text[strcspn(pid_text.text, "\n")] = '\0';
	if (str_to_int(str_text(&pid_text), 2, 1 << 30, &pid) < 0 ||
	    node_process_open(node, (pid_t)pid, w, ret, err) < 0)
		return error_set(err, ESRCH, "no such process");
	proc = own_printf("/proc/%lld/cmdline", pid);
	if (!node_read_file(node, proc, 0, COMMAND_LINE_MAX, w, &command, err) && command.length &&
	    memmem(command.text, command.length, pid_path, strlen(pid_path)))
		return 0;
	node_process_clear(ret);
	return error_set(err, ESRCH, "process %lld is another program", pid);
}

static json_t *read_state(struct node *node, const char *dir, const struct wait *w)
{
	auto_free char *path = qemu_path(dir, RUN_DIR_STATE_FILE);
	auto_str text = { 0 };
	struct error err;

	if (node_read_file(node, path, 0, STATE_MAX, w, &text, &err) < 0)
		return NULL;
	return value_parse(str_text(&text), text.length, path, &err);
}

/* Asks QEMU what an earlier server had been told by events. */
static int catch_up(struct vm *vm, const struct wait *w, struct error *err)
{
	auto_json *status = NULL, *chardevs = NULL;
	size_t index;
	json_t *chardev;

	if (qmp_execute(vm->qmp, "query-status", NULL, w, &status, err) < 0 ||
	    qmp_execute(vm->qmp, "query-chardev", NULL, w, &chardevs, err) < 0)
		return -1;
	lock_scope(&vm->mutex);
	json_array_foreach (chardevs, index, chardev) {
		const char *label = json_string_value(json_object_get(chardev, "label"));

		if (str_equal(label, "char-agent"))
			vm->agent_open = json_is_true(json_object_get(chardev, "frontend-open"));
	}
	vm->state = json_is_true(json_object_get(status, "running")) ? VM_RUNNING : VM_PAUSED;
	return 0;
}

/* The ways to what runs in the guest, which the earlier server had. */
static int reach_payload(struct vm *vm, const json_t *state, struct error *err)
{
	const json_t *from = json_object_get(state, "testpmd_from");
	auto_constants held = hostel_hold(vm->hostel);

	if (str_starts(vm->vnf, "testpmd"))
		vm_testpmd_attach(vm, vm->console, stream_end(vm->console));
	else if (json_integer_value(from) >= 0 && json_is_integer(from))
		vm_testpmd_attach(vm, vm->payload, (off_t)json_integer_value(from));
	vm->running = vm_payload_load(json_object_get(state, "payload"));
	return vm->kind == VM_IMAGE ? image_vm_ssh(vm, held.c, err) : 0;
}

static int adopt(struct hostel *hostel, struct node *node, const char *name, const json_t *state,
		 struct node_process *process, const struct wait *w, struct error *err)
{
	int qemu_id = (int)json_integer_value(json_object_get(state, "qemu_id"));
	auto_vm *vm = NULL;

	if (!json_is_true(json_object_get(state, "ready")))
		return error_set(err, EINVAL, "its start was not complete");
	if (hostel_define(hostel, name, node, qemu_id, &vm, err) < 0)
		return -1;
	vm->process = *process;
	*process = (struct node_process)NODE_PROCESS_NONE;
	if (!load(vm, state, err) && !vm_attach(vm, true, w, err) && !catch_up(vm, w, err) &&
	    !vhost_reconcile(vm, w, err) && !reach_payload(vm, state, err)) {
		log_info("VM '%s': adopted, process %d", name, (int)vm->process.pid);
		return 0;
	}
	*process = vm->process;
	vm->process = (struct node_process)NODE_PROCESS_NONE;
	watcher_remove(&vm->process_watch);
	hostel_forget(hostel, vm, false);
	return -1;
}

static void end_process(struct node *node, const char *name, struct node_process *process,
			const struct wait *w)
{
	struct error err;

	if (node_process_signal(node, process, SIGKILL, w, &err) < 0 ||
	    node_process_wait(node, process, w, NULL, &err) < 0)
		log_warn("VM '%s': process %d does not end: %s", name, (int)process->pid, err.text);
	node_process_clear(process);
}

/* The vhost-user sockets on which a QEMU that is gone had listened. */
static void remove_sockets(struct node *node, const json_t *state, const struct wait *w)
{
	size_t index;
	json_t *saved;

	json_array_foreach (json_object_get(state, "nics"), index, saved) {
		const char *socket = json_string_value(json_object_get(saved, "socket"));

		if (socket && json_is_true(json_object_get(saved, "server")))
			node_remove_socket(node, socket, w, NULL);
	}
}

static void adopt_or_clean(struct hostel *hostel, struct node *node, const char *run_dir,
			   const char *name, const struct wait *w)
{
	auto_free char *dir = qemu_path(run_dir, name);
	struct node_process process = NODE_PROCESS_NONE;
	auto_json *state = read_state(node, dir, w);
	struct error err;

	if (!find_process(node, dir, w, &process, &err)) {
		if (state && !adopt(hostel, node, name, state, &process, w, &err))
			return;
		log_warn("VM '%s' of an earlier run is killed: %s", name, err.text);
		end_process(node, name, &process, w);
	}
	remove_sockets(node, state, w);
	if (run_dir_clean(node, dir, w, &err) < 0)
		log_warn("VM '%s' of an earlier run: %s", name, err.text);
}

int run_dir_adopt_all(struct hostel *hostel, struct node *node, const char *run_dir,
		      const struct wait *w, struct error *err)
{
	auto_strv entries = { 0 };

	if (node_list_dir(node, run_dir, w, &entries, err) < 0)
		return err->code == ENOENT ? 0 : -1;
	for (size_t i = 0; i < entries.count; i++) {
		auto_free char *dir = qemu_path(run_dir, entries.items[i]);
		auto_strv inside = { 0 };

		if (entries.items[i][0] == VSWITCH_DIR_MARK)
			vswitch_dir_clean(node, dir, w);
		/* Only directories with VM names are VMs: the lock is a file. */
		if (!vm_check_name(entries.items[i], NULL) &&
		    !node_list_dir(node, dir, w, &inside, NULL))
			adopt_or_clean(hostel, node, run_dir, entries.items[i], w);
	}
	return 0;
}

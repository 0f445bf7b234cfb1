/*
 * How VMs end.
 *
 * How it works: whoever ends a VM throws its kill switch, which gets a start or a plug out of the
 * gate; that operation cleans up after itself. Then the one that ends it passes the gate, destroys
 * what is left, and takes the VM out of the registry. Files go only after the process is gone.
 */
#include "vm/end.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/log.h"
#include "base/own.h"
#include "value/value.h"
#include "vm/hostel.h"
#include "vm/plug.h"
#include "vm/run_dir.h"

#define COMMAND_LINE_MAX (256 * 1024)
/* Of what is left of Stop VM's time, the share that each polite way gets. */
#define POWER_OFF_SHARE 0.7
#define SIGTERM_SHARE	0.7

static bool get_process(struct vm *vm, struct node_process *ret)
{
	lock_scope(&vm->mutex);

	*ret = vm->process;
	return ret->pid > 0;
}

static void signal_vm(struct vm *vm, int signal, const struct wait *w)
{
	struct node_process process;
	struct error err;

	if (get_process(vm, &process) &&
	    node_process_signal(vm->node, &process, signal, w, &err) < 0)
		log_warn("VM '%s': %s", vm->name, err.text);
}

static void mark_asked(struct vm *vm)
{
	lock_scope(&vm->mutex);

	vm->asked_to_end = true;
}

void vm_destroy(struct vm *vm, enum vm_state state)
{
	auto_constants held = hostel_hold(vm->hostel);
	struct wait w = wait_for_ms(held.c->timeout.kill_vm_ms);
	struct node_process process;
	struct error err;
	bool ran;

	mark_asked(vm);
	ran = get_process(vm, &process);
	if (ran) {
		signal_vm(vm, SIGKILL, &w);
		if (node_process_wait(vm->node, &process, &w, NULL, &err) < 0)
			log_error("VM '%s': process %d does not end: %s", vm->name,
				  (int)process.pid, err.text);
		vhost_remove_sockets(vm, &w);
	}
	/* A VM that was only defined has no files; one that began to start has. */
	if ((ran || vm_state_now(vm) != VM_DEFINED) &&
	    run_dir_clean(vm->node, vm->run_dir, &w, &err) < 0)
		log_error("VM '%s': %s", vm->name, err.text);
	pthread_mutex_lock(&vm->mutex);
	vm->ended = true;
	if (!vm->end_reason)
		vm->end_reason = own_strdup("host-signal");
	pthread_mutex_unlock(&vm->mutex);
	vm_set_state(vm, state);
}

/* Through the gate, with everything inside told to come out. */
static int finish_off(struct vm *vm, const struct wait *w, struct error *err)
{
	if (gate_enter(&vm->gate, w, err) < 0)
		return error_prefix(err, "VM '%s' does not end", vm->name);
	vm_destroy(vm, VM_STOPPED);
	hostel_forget(vm->hostel, vm, false);
	gate_leave(&vm->gate);
	return 0;
}

int vm_kill(struct vm *vm, const struct wait *w, struct error *err)
{
	mark_asked(vm);
	cancel_throw(&vm->kill);
	signal_vm(vm, SIGKILL, w);
	return finish_off(vm, w, err);
}

int vm_kill_list(struct vm *const *vms, size_t count, const struct wait *w, json_t *killed,
		 struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < count; i++) {
		mark_asked(vms[i]);
		cancel_throw(&vms[i]->kill);
		signal_vm(vms[i], SIGKILL, w);
	}
	for (size_t i = 0; i < count; i++) {
		if (finish_off(vms[i], w, err) < 0)
			rc = -1;
		else
			json_array_append_new(killed, json_string(vms[i]->name));
	}
	return rc;
}

int vm_kill_all(struct hostel *hostel, struct node *node, const struct wait *w, json_t **ret_killed,
		struct error *err)
{
	struct vm **vms;
	size_t count = hostel_vms(hostel, node, &vms);
	int rc;

	*ret_killed = json_array();
	rc = vm_kill_list(vms, count, w, *ret_killed, err);
	for (size_t i = 0; i < count; i++)
		vm_put(vms[i]);
	free(vms);
	return rc;
}

/* Whether the first word of a command line is a QEMU system emulator. */
static bool is_qemu(const char *command)
{
	const char *slash = strrchr(command, '/');
	const char *name = slash ? slash + 1 : command;

	return str_starts(name, "qemu-system-") || !strcmp(name, "qemu-kvm") ||
	       !strcmp(name, "kvm");
}

static int kill_if_qemu(struct node *node, pid_t pid, const struct wait *w, json_t *killed,
			struct error *err)
{
	auto_free char *path = own_printf("/proc/%d/cmdline", (int)pid);
	auto_cleanup(node_process_clear) struct node_process process = NODE_PROCESS_NONE;
	auto_str command = { 0 };

	/* Held first, looked at then: the pid cannot become another process in between. */
	if (node_process_open(node, pid, w, &process, NULL) < 0 ||
	    node_read_file(node, path, 0, COMMAND_LINE_MAX, w, &command, NULL) < 0 ||
	    !is_qemu(str_text(&command)))
		return 0;
	if (node_process_signal(node, &process, SIGKILL, w, err) < 0 ||
	    node_process_wait(node, &process, w, NULL, err) < 0)
		return error_prefix(err, "process %d", (int)pid);
	json_array_append_new(killed, json_integer(pid));
	return 0;
}

int node_kill_qemus(struct node *node, const struct wait *w, json_t *killed, struct error *err)
{
	auto_strv entries = { 0 };

	if (node_list_dir(node, "/proc", w, &entries, err) < 0)
		return -1;
	for (size_t i = 0; i < entries.count; i++) {
		long long pid;

		if (!str_to_int(entries.items[i], 2, 1 << 30, &pid) &&
		    kill_if_qemu(node, (pid_t)pid, w, killed, err) < 0)
			return -1;
	}
	return 0;
}

int vm_await_end(struct vm *vm, const struct wait *w, char **ret_reason, struct error *err)
{
	auto_listener events = { .fd = -1 };

	if (bell_listen(&vm->bell, &events, err) < 0)
		return -1;
	while (!vm_ended(vm))
		if (bell_wait(&events, w, err) < 0)
			return -1;
	lock_scope(&vm->mutex);
	if (ret_reason)
		*ret_reason = own_strdup(vm->end_reason);
	return 0;
}

/* Asks the guest to power off. */
static int ask_guest(struct vm *vm, const struct wait *w, struct error *err)
{
	auto_json *arguments = NULL;

	if (!vm_agent_answers(vm))
		return qmp_execute(vm->qmp, "system_powerdown", NULL, w, NULL, err);
	/* The init of a kernel VM is a script: only the kernel itself can power off there. */
	if (vm->kind == VM_KERNEL)
		return agent_write_file(vm->agent, "/proc/sysrq-trigger", "o", w, err);
	arguments = json_pack("{s:s}", "mode", "powerdown");
	return agent_send(vm->agent, "guest-shutdown", arguments, w, err);
}

static struct wait share_of(const struct wait *w, double share)
{
	return wait_within(w, (int64_t)((double)wait_left_ms(w) * share));
}

static int end_politely(struct vm *vm, const struct wait *w, struct trail *trail, struct error *err)
{
	struct wait power_off = share_of(w, POWER_OFF_SHARE), term;
	struct error why;

	if (vm_state_now(vm) == VM_PAUSED &&
	    qmp_execute(vm->qmp, "cont", NULL, &power_off, NULL, &why) < 0)
		trail_note(trail, TRAIL_DEBUG, "cannot resume it: %s", why.text);
	vm_set_state(vm, VM_STOPPING);
	/* A guest that goes at once takes the answer to the request with it. */
	if ((!ask_guest(vm, &power_off, &why) || why.code == ECONNRESET) &&
	    !vm_await_end(vm, &power_off, NULL, &why)) {
		trail_step(trail, "the guest powered off");
		return 0;
	}
	if (wait_check(w, err) < 0 && err->code == ECANCELED)
		return -1;
	trail_note(trail, TRAIL_DEBUG, "the guest did not power off: %s", why.text);
	term = share_of(w, SIGTERM_SHARE);
	signal_vm(vm, SIGTERM, &term);
	if (!vm_await_end(vm, &term, NULL, &why))
		trail_step(trail, "QEMU ended on SIGTERM");
	return 0;
}

int vm_stop(struct vm *vm, const struct wait *w, struct trail *trail, struct error *err)
{
	struct wait both = vm_wait(vm, w);
	int rc = 0;

	if (gate_enter(&vm->gate, &both, err) < 0)
		return error_prefix(err, "VM '%s' is busy", vm->name);
	mark_asked(vm);
	if (!vm_check_running(vm, NULL) && !vm_ended(vm))
		rc = end_politely(vm, &both, trail, err);
	if (!rc) {
		if (!vm_ended(vm))
			trail_note(trail, TRAIL_WARN, "VM '%s' had to be killed", vm->name);
		vm_destroy(vm, VM_STOPPED);
		hostel_forget(vm->hostel, vm, false);
	}
	gate_leave(&vm->gate);
	return rc;
}

static int resets_of(struct vm *vm)
{
	lock_scope(&vm->mutex);

	return vm->resets;
}

int vm_reset(struct vm *vm, const struct wait *w, struct error *err)
{
	auto_listener events = { .fd = -1 };
	int before = resets_of(vm);

	if (bell_listen(&vm->bell, &events, err) < 0)
		return -1;
	/* QEMU runs with -no-reboot, which would make a reset its end. */
	if (qmp_executef(vm->qmp, w, NULL, err, "set-action", "{s:s}", "reboot", "reset") < 0 ||
	    qmp_execute(vm->qmp, "system_reset", NULL, w, NULL, err) < 0)
		return -1;
	while (resets_of(vm) == before) {
		if (vm_ended(vm))
			return error_set(err, ECONNRESET, "the VM ended");
		if (bell_wait(&events, w, err) < 0)
			return -1;
	}
	return qmp_executef(vm->qmp, w, NULL, err, "set-action", "{s:s}", "reboot", "shutdown");
}

int vm_set_paused(struct vm *vm, bool paused, const struct wait *w, struct error *err)
{
	enum vm_state wanted = paused ? VM_PAUSED : VM_RUNNING;
	auto_listener events = { .fd = -1 };

	if (bell_listen(&vm->bell, &events, err) < 0 ||
	    qmp_execute(vm->qmp, paused ? "stop" : "cont", NULL, w, NULL, err) < 0)
		return -1;
	while (vm_state_now(vm) != wanted) {
		if (vm_ended(vm))
			return error_set(err, ECONNRESET, "the VM ended");
		if (bell_wait(&events, w, err) < 0)
			return -1;
	}
	return 0;
}

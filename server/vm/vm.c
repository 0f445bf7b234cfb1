/*
 * A virtual machine: its object, its states, and what QEMU tells about it.
 */
#include "vm/vm.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "base/log.h"
#include "base/own.h"
#include "qemu/command.h"
#include "vm/hostel.h"
#include "vm/vm_payload.h"

const char *const vm_state_names[] = {
	[VM_DEFINED] = "defined", [VM_STARTING] = "starting", [VM_RUNNING] = "running",
	[VM_PAUSED] = "paused",	  [VM_STOPPING] = "stopping", [VM_STOPPED] = "stopped",
	[VM_FAILED] = "failed",
};
_Static_assert(sizeof(vm_state_names) / sizeof(vm_state_names[0]) == VM_STATES, "state names");

const char *const vm_kind_names[] = { [VM_KERNEL] = "kernel", [VM_IMAGE] = "image" };
_Static_assert(sizeof(vm_kind_names) / sizeof(vm_kind_names[0]) == VM_KINDS, "kind names");

/* What the kernel prints when it gives up. Source: Linux, kernel/panic.c. */
#define PANIC_TEXT "Kernel panic - not syncing"

int vm_check_name(const char *name, struct error *err)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789._-";
	size_t length = strlen(name);

	if (length < 1 || length > VM_NAME_MAX || strspn(name, allowed) != length ||
	    !strcmp(name, ".") || !strcmp(name, ".."))
		return error_set(err, EINVAL,
				 "argument 'vm': expected 1 to %d characters of A-Z a-z 0-9 . _ -, "
				 "got '%s'",
				 VM_NAME_MAX, name);
	return 0;
}

int vm_new(struct hostel *hostel, const char *name, struct node *node, const char *run_dir,
	   int qemu_id, struct vm **ret, struct error *err)
{
	struct vm *vm = own_alloc(sizeof(*vm));

	atomic_init(&vm->references, 1);
	vm->hostel = hostel;
	vm->name = own_strdup(name);
	vm->node = node;
	vm->run_dir = own_printf("%s/%s", run_dir, name);
	vm->qemu_id = qemu_id;
	vm->process = (struct node_process)NODE_PROCESS_NONE;
	vm->early_process = (struct node_process)NODE_PROCESS_NONE;
	vm->boot_time = (struct boot_time) { -1, -1, -1, -1 };
	vm->vnf = own_strdup("none");
	vm->username = own_strdup("");
	vm->password = own_strdup("");
	vm->end_status = -1;
	vm->gate.fd = vm->kill.fd = vm->over.fd = vm->testpmd_gate.fd = -1;
	pthread_mutex_init(&vm->mutex, NULL);
	pthread_mutex_init(&vm->save_mutex, NULL);
	bell_init(&vm->bell);
	if (gate_init(&vm->gate, err) < 0 || gate_init(&vm->testpmd_gate, err) < 0 ||
	    cancel_init(&vm->kill, err) < 0 || cancel_init(&vm->over, err) < 0) {
		vm_put(vm);
		return -1;
	}
	*ret = vm;
	return 0;
}

struct vm *vm_get(struct vm *vm)
{
	atomic_fetch_add(&vm->references, 1);
	return vm;
}

static void clear_login(struct vm_login *login)
{
	free(login->private_key);
	free(login->passphrase);
	free(login->host_key);
	free(login->known_hosts);
}

void vm_put(struct vm *vm)
{
	if (!vm || atomic_fetch_sub(&vm->references, 1) > 1)
		return;
	watcher_remove(&vm->process_watch);
	qmp_close(vm->qmp);
	stream_close(vm->console);
	stream_close(vm->payload);
	agent_free(vm->agent);
	ssh_free(vm->ssh);
	node_process_clear(&vm->process);
	node_process_clear(&vm->early_process);
	for (size_t i = 0; i < vm->nic_count; i++)
		nic_clear(&vm->nics[i]);
	gate_clear(&vm->gate);
	gate_clear(&vm->testpmd_gate);
	vm_payload_free(vm->running);
	cancel_clear(&vm->kill);
	cancel_clear(&vm->over);
	bell_clear(&vm->bell);
	pthread_mutex_destroy(&vm->mutex);
	pthread_mutex_destroy(&vm->save_mutex);
	strv_clear(&vm->command_line);
	free(vm->host_cpus);
	free(vm->shutdown_reason);
	free(vm->end_reason);
	free(vm->vnf);
	free(vm->username);
	free(vm->password);
	clear_login(&vm->login);
	free(vm->run_dir);
	free(vm->name);
	free(vm);
}

void vm_put_scope(struct vm **vm)
{
	vm_put(*vm);
}

enum vm_state vm_state_now(struct vm *vm)
{
	lock_scope(&vm->mutex);

	return vm->state;
}

void vm_set_state(struct vm *vm, enum vm_state state)
{
	pthread_mutex_lock(&vm->mutex);
	vm->state = state;
	pthread_mutex_unlock(&vm->mutex);
	bell_ring(&vm->bell);
}

void vm_set_stage(struct vm *vm, const char *stage)
{
	lock_scope(&vm->mutex);

	vm->stage = stage;
}

bool vm_ended(struct vm *vm)
{
	lock_scope(&vm->mutex);

	return vm->ended;
}

static void set_text(char **text, const char *value)
{
	free(*text);
	*text = own_strdup(value);
}

void vm_describe(struct vm *vm, enum vm_kind kind, bool kvm, const char *vnf, const char *username,
		 const char *password)
{
	lock_scope(&vm->mutex);

	vm->kind = kind;
	vm->kvm = kvm;
	set_text(&vm->vnf, vnf);
	set_text(&vm->username, username);
	set_text(&vm->password, password);
}

static char *copy_text(const char *text)
{
	return text ? own_strdup(text) : NULL;
}

void vm_describe_login(struct vm *vm, const struct vm_login *login)
{
	lock_scope(&vm->mutex);

	clear_login(&vm->login);
	vm->login = (struct vm_login) {
		.private_key = copy_text(login->private_key),
		.passphrase = copy_text(login->passphrase),
		.ssh_agent = login->ssh_agent,
		.host_key = copy_text(login->host_key),
		.known_hosts = copy_text(login->known_hosts),
	};
}

struct wait vm_wait(struct vm *vm, const struct wait *w)
{
	struct wait both = *w;

	wait_add_cancel(&both, vm->kill.fd, POLLIN, "the VM is being killed");
	return both;
}

struct wait vm_guest_wait(struct vm *vm, const struct wait *w)
{
	struct wait both = vm_wait(vm, w);

	wait_add_cancel(&both, vm->over.fd, POLLIN, "the VM ended");
	return both;
}

bool vm_agent_answers(struct vm *vm)
{
	lock_scope(&vm->mutex);

	return vm->agent_open;
}

int vm_check_running(struct vm *vm, struct error *err)
{
	enum vm_state state = vm_state_now(vm);

	if (state == VM_RUNNING || state == VM_PAUSED)
		return 0;
	return error_set(err, EINVAL, "VM '%s' is %s; expected running or paused", vm->name,
			 vm_state_names[state]);
}

/* The reason in the words of Wait Until VM Stops. Called once all streams are read to the end. */
static const char *end_reason(const struct vm *vm)
{
	if (vm->console && stream_tail_has(vm->console, PANIC_TEXT))
		return "guest-panic";
	return vm->shutdown_reason ? vm->shutdown_reason : "crashed";
}

/* When the process, QMP and the console all ended, nothing more can come: decide what it was. */
static void finish(struct vm *vm)
{
	const char *reason;
	bool bad;

	pthread_mutex_lock(&vm->mutex);
	if (!vm->process_gone || !vm->qmp_gone || !vm->console_gone || vm->ended) {
		pthread_mutex_unlock(&vm->mutex);
		return;
	}
	reason = end_reason(vm);
	bad = !vm->asked_to_end && (!strcmp(reason, "crashed") || !strcmp(reason, "guest-panic"));
	vm->end_reason = own_strdup(reason);
	vm->ended = true;
	/* The operation that starts or ends it decides the state itself. */
	if (vm->state == VM_RUNNING || vm->state == VM_PAUSED)
		vm->state = bad ? VM_FAILED : VM_STOPPED;
	if (!vm->asked_to_end)
		log_info("VM '%s' ended: %s", vm->name, reason);
	pthread_mutex_unlock(&vm->mutex);
	cancel_throw(&vm->over);
	bell_ring(&vm->bell);
}

static struct nic *find_nic(struct vm *vm, const char *id)
{
	char own_id[NIC_ID_SIZE];

	for (size_t i = 0; id && i < vm->nic_count; i++) {
		nic_id(&vm->nics[i], own_id);
		if (!strcmp(own_id, id))
			return &vm->nics[i];
	}
	return NULL;
}

static void on_shutdown(struct vm *vm, const json_t *data)
{
	free(vm->shutdown_reason);
	vm->shutdown_reason = own_strdup(json_string_value(json_object_get(data, "reason")));
}

static void on_panic(struct vm *vm, const json_t *data)
{
	(void)data;
	free(vm->shutdown_reason);
	vm->shutdown_reason = own_strdup("guest-panic");
}

static void on_stop(struct vm *vm, const json_t *data)
{
	(void)data;
	if (vm->state == VM_RUNNING)
		vm->state = VM_PAUSED;
}

static void on_resume(struct vm *vm, const json_t *data)
{
	(void)data;
	if (vm->state == VM_PAUSED)
		vm->state = VM_RUNNING;
}

static void on_reset(struct vm *vm, const json_t *data)
{
	(void)data;
	vm->resets++;
	/* What a keyword started is gone; what the init script starts, on the console, comes back.
	 */
	if (vm->testpmd == vm->payload)
		vm->testpmd = NULL;
}

static void on_device_deleted(struct vm *vm, const json_t *data)
{
	struct nic *nic = find_nic(vm, json_string_value(json_object_get(data, "device")));

	if (nic)
		nic->deleted = true;
}

static void on_port_change(struct vm *vm, const json_t *data)
{
	const char *id = json_string_value(json_object_get(data, "id"));

	if (id && !strcmp(id, QEMU_AGENT_DEVICE))
		vm->agent_open = json_is_true(json_object_get(data, "open"));
}

/* Source: QEMU qapi/run-state.json, qapi/qdev.json, qapi/char.json. Called with the mutex held. */
static const struct {
	const char *name;
	void (*handle)(struct vm *vm, const json_t *data);
} events[] = {
	{ "SHUTDOWN", on_shutdown },
	{ "GUEST_PANICKED", on_panic },
	{ "STOP", on_stop },
	{ "RESUME", on_resume },
	{ "RESET", on_reset },
	{ "DEVICE_DELETED", on_device_deleted },
	{ "VSERPORT_CHANGE", on_port_change },
};

static void qmp_event(void *owner, const char *name, const json_t *data)
{
	struct vm *vm = owner;

	log_debug("VM '%s': event %s", vm->name, name);
	pthread_mutex_lock(&vm->mutex);
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (!strcmp(events[i].name, name))
			events[i].handle(vm, data);
	pthread_mutex_unlock(&vm->mutex);
	bell_ring(&vm->bell);
}

static void end_of(struct vm *vm, bool *which)
{
	pthread_mutex_lock(&vm->mutex);
	*which = true;
	pthread_mutex_unlock(&vm->mutex);
	finish(vm);
}

static void qmp_gone(void *owner)
{
	struct vm *vm = owner;

	end_of(vm, &vm->qmp_gone);
}

static void console_gone(void *owner)
{
	struct vm *vm = owner;

	end_of(vm, &vm->console_gone);
}

static int process_ready(struct watch *watch)
{
	struct vm *vm = (struct vm *)((char *)watch - offsetof(struct vm, process_watch));
	struct wait now = wait_for_ms(0);
	int status;

	if (node_process_wait(vm->node, &vm->process, &now, &status, NULL) < 0)
		return 0;
	pthread_mutex_lock(&vm->mutex);
	vm->end_status = status;
	pthread_mutex_unlock(&vm->mutex);
	end_of(vm, &vm->process_gone);
	return -1;
}

static int attach_stream(struct vm *vm, const char *socket, const char *log, off_t offset,
			 const struct stream_listener *listener, const struct wait *w,
			 struct stream **ret, struct error *err)
{
	auto_free char *socket_path = qemu_path(vm->run_dir, socket);
	auto_free char *log_path = qemu_path(vm->run_dir, log);
	auto_constants held = hostel_hold(vm->hostel);
	int fd;

	if (node_connect_unix(vm->node, socket_path, w, &fd, err) < 0)
		return -1;
	return stream_open(hostel_watcher(vm->hostel), fd, vm->node, log_path, offset,
			   (size_t)held.c->limit.console_tail_kib * 1024, listener, ret, err);
}

/* How much text a log had before we came. */
static int log_size(struct vm *vm, const char *log, const struct wait *w, off_t *ret)
{
	auto_free char *path = qemu_path(vm->run_dir, log);
	auto_str text = { 0 };

	if (node_read_file(vm->node, path, 0, SIZE_MAX / 2, w, &text, NULL) < 0)
		return -1;
	*ret = (off_t)text.length;
	return 0;
}

int vm_attach(struct vm *vm, bool resumed, const struct wait *w, struct error *err)
{
	const struct qmp_listener listener = { .event = qmp_event, .gone = qmp_gone, .owner = vm };
	const struct stream_listener on_console = { .closed = console_gone, .owner = vm };
	auto_free char *qmp_path = qemu_path(vm->run_dir, QEMU_QMP_SOCKET);
	auto_free char *agent_path = qemu_path(vm->run_dir, QEMU_AGENT_SOCKET);
	off_t console_offset = 0, payload_offset = 0;
	int fd;

	if (node_connect_new(vm->node, qmp_path, &vm->process, w, &fd, err) < 0 ||
	    qmp_open(hostel_watcher(vm->hostel), fd, &listener, w, &vm->qmp, err) < 0)
		return -1;
	if (resumed && (log_size(vm, QEMU_CONSOLE_LOG, w, &console_offset) < 0 ||
			log_size(vm, QEMU_PAYLOAD_LOG, w, &payload_offset) < 0))
		return error_set(err, EIO, "cannot read the console log");
	if (attach_stream(vm, QEMU_CONSOLE_SOCKET, QEMU_CONSOLE_LOG, console_offset, &on_console, w,
			  &vm->console, err) < 0 ||
	    attach_stream(vm, QEMU_PAYLOAD_SOCKET, QEMU_PAYLOAD_LOG, payload_offset, NULL, w,
			  &vm->payload, err) < 0 ||
	    agent_new(vm->node, agent_path, &vm->agent, err) < 0)
		return -1;
	vm->process_watch =
		(struct watch) { .fd = vm->process.local.pidfd, .ready = process_ready };
	return watcher_add(hostel_watcher(vm->hostel), &vm->process_watch, err);
}

char *vm_console_tail(struct vm *vm, int lines)
{
	struct wait w = wait_for_ms(1000);
	auto_str text = { 0 }, indented = { 0 };
	auto_free char *printable = NULL;
	off_t end = vm->console ? stream_end(vm->console) : 0;
	off_t from = end > STREAM_LINE_MAX ? end - STREAM_LINE_MAX : 0;
	char *start, *rest, *line;

	if (!end || stream_read(vm->console, from, STREAM_LINE_MAX, &w, &text, NULL) < 0)
		return own_strdup("");
	printable = str_printable(str_text(&text), text.length);
	start = printable + strlen(printable);
	while (start > printable && start[-1] == '\n')
		*--start = '\0';
	for (int n = 0; start > printable && (start[-1] != '\n' || ++n < lines);)
		start--;
	for (line = strtok_r(start, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		str_addf(&indented, "\n  | %s", line);
	return str_take(&indented);
}

void vm_add_console(struct vm *vm, struct error *err)
{
	auto_constants held = hostel_hold(vm->hostel);
	auto_free char *tail = vm_console_tail(vm, held.c->limit.console_lines);

	if (*tail)
		error_append(err, "; last console lines:%s", tail);
}

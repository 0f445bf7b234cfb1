/*
 * Bringing a VM to life.
 *
 * How it works: QEMU starts paused. Its sockets are connected before the guest's first
 * instruction, so no byte of the console and no event is lost. Then the NICs are plugged as their
 * vswitches connect, the vCPU threads are pinned, and the guest is let go. From there on the start
 * waits for whichever comes first: the ready line, the agent's port, a panic, a failure of the
 * payload, or the end of QEMU.
 */
#include "vm/launch.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>

#include "base/log.h"
#include "base/own.h"
#include "value/value.h"
#include "vm/end.h"
#include "vm/hostel.h"
#include "vm/plug.h"
#include "vm/run_dir.h"

/* Kept of what QEMU prints when it does not start. */
#define QEMU_LOG_MAX 2048
/* Of a disk that is not full, this can be had. */
#define DISK_PROBE 8192
/* What the kernel says when process 1 ends. Source: Linux, kernel/exit.c. */
#define INIT_ENDED "Attempted to kill init!"

/* Notes in one of the VM's boot times how long after the call something happened. */
static void set_time(struct vm *vm, double *time, int64_t began_us)
{
	lock_scope(&vm->mutex);

	*time = (double)(clock_us() - began_us) / 1e6;
}

/* On a full disk QEMU's words are lost like everything else: then the disk is the reason. */
static void add_disk_error(struct vm *vm, const struct wait *w, struct error *err)
{
	auto_free char *path = qemu_path(vm->run_dir, "probe");
	char bytes[DISK_PROBE] = { 0 };
	const struct str probe = { .text = bytes, .length = sizeof(bytes) };
	struct error why;

	if (node_write_file(vm->node, path, &probe, 0600, w, &why) < 0)
		error_append(err, "; the run directory cannot be written: %s", why.text);
}

/* What QEMU said on its standard error, as the end of a message. */
static void add_qemu_log(struct vm *vm, struct error *err)
{
	auto_free char *path = qemu_path(vm->run_dir, QEMU_ERROR_LOG);
	struct wait w = wait_for_ms(1000);
	auto_str text = { 0 };
	auto_free char *said = NULL;

	if (node_read_file(vm->node, path, 0, QEMU_LOG_MAX, &w, &text, NULL) < 0 || !text.length) {
		add_disk_error(vm, &w, err);
		return;
	}
	said = str_printable(text.text, text.length);
	said[strlen(said) - str_ends(said, "\n")] = '\0';
	error_append(err, "; QEMU said: %s", said);
}

/* A QEMU that ended before it could be talked to. Whoever kills the VM may still look at it. */
static void set_aside(struct vm *vm)
{
	struct wait now = wait_for_ms(0);
	lock_scope(&vm->mutex);

	node_process_wait(vm->node, &vm->process, &now, NULL, NULL);
	vm->early_process = vm->process;
	vm->process = (struct node_process)NODE_PROCESS_NONE;
}

/* ESRCH when QEMU ended instead of answering. */
static int run_qemu(struct vm *vm, const struct qemu_spec *spec, const struct wait *w,
		    const struct wait *up, struct error *err)
{
	auto_free char *log_path = qemu_path(vm->run_dir, QEMU_ERROR_LOG);
	auto_free char *pid_path = qemu_path(vm->run_dir, QEMU_PID_FILE);
	struct node_process process;
	struct strv command = { 0 };

	qemu_command(spec, &command);
	pthread_mutex_lock(&vm->mutex);
	strv_clear(&vm->command_line);
	vm->command_line = command;
	pthread_mutex_unlock(&vm->mutex);
	if (run_dir_save(vm, false, w, err) < 0 ||
	    node_launch(vm->node, command.items, log_path, pid_path, w, &process, err) < 0)
		return -1;
	pthread_mutex_lock(&vm->mutex);
	vm->process = process;
	pthread_mutex_unlock(&vm->mutex);
	if (!vm_attach(vm, false, up, err))
		return 0;
	/* Cancelled is cancelled; anything else is QEMU's to explain. */
	if (err->code != ECANCELED)
		error_prefix(err, "QEMU did not start");
	return -1;
}

/* Whether huge pages were our own choice, which somebody else may have taken since. */
static bool may_do_without_pages(struct vm *vm, const struct bring_up *plan)
{
	auto_constants held = hostel_hold(vm->hostel);

	return plan->machine.page_size == PAGE_CHOICE_AUTO &&
	       plan->spec.memory != GUEST_MEMORY_MEMFD &&
	       held.c->qemu.memory_backend == MEMORY_BACKEND_AUTO;
}

static int launch(struct vm *vm, const struct bring_up *plan, const struct wait *w,
		  struct trail *trail, struct error *err)
{
	auto_free char *console_path = qemu_path(vm->run_dir, QEMU_CONSOLE_LOG);
	auto_constants held = hostel_hold(vm->hostel);
	struct wait up = wait_within(w, held.c->timeout.launch_ms);
	struct qemu_spec spec = plan->spec;
	int rc;

	vm_set_stage(vm, "starting QEMU");
	spec.name = vm->name;
	spec.run_dir = vm->run_dir;
	if (node_make_dirs(vm->node, vm->run_dir, 0700, w, err) < 0 ||
	    node_remove_tree(vm->node, console_path, w, err) < 0)
		return -1;
	if (plan->prepare && plan->prepare(vm, plan->context, w, err) < 0)
		return -1;
	rc = run_qemu(vm, &spec, w, &up, err);
	if (rc < 0 && err->code == ESRCH && may_do_without_pages(vm, plan)) {
		trail_note(trail, TRAIL_WARN,
			   "QEMU did not start on huge pages that were free: once more without");
		set_aside(vm);
		spec.memory = GUEST_MEMORY_MEMFD;
		rc = run_qemu(vm, &spec, w, &up, err);
	}
	if (rc < 0 && err->code != ECANCELED)
		add_qemu_log(vm, err);
	return rc;
}

static int vcpu_threads(struct vm *vm, const struct wait *w, json_t **ret, struct error *err)
{
	return qmp_execute(vm->qmp, "query-cpus-fast", NULL, w, ret, err);
}

/* How many vCPUs come before @thread: where cores differ, QEMU leaves numbers out. */
static size_t rank_of(const json_t *threads, const json_t *thread)
{
	json_int_t index = json_integer_value(json_object_get(thread, "cpu-index"));
	size_t rank = 0, i;
	json_t *other;

	json_array_foreach (threads, i, other)
		rank += json_integer_value(json_object_get(other, "cpu-index")) < index;
	return rank;
}

int vm_pin(struct vm *vm, const int *cpus, size_t count, const struct wait *w, struct error *err)
{
	auto_json *threads = NULL;
	size_t index;
	json_t *thread;

	if (count != (size_t)vm->cpus)
		return error_set(err, EINVAL,
				 "argument 'host_cpus': VM '%s' has %d vCPUs, got %zu host CPUs",
				 vm->name, vm->cpus, count);
	if (vcpu_threads(vm, w, &threads, err) < 0)
		return -1;
	json_array_foreach (threads, index, thread) {
		pid_t id = (pid_t)json_integer_value(json_object_get(thread, "thread-id"));
		size_t vcpu = rank_of(threads, thread);

		if (vcpu < count && node_set_affinity(vm->node, id, &cpus[vcpu], 1, w, err) < 0)
			return error_prefix(err, "vCPU %zu to CPU %d", vcpu, cpus[vcpu]);
	}
	return 0;
}

static void set_host_cpus(struct vm *vm, const int *cpus, size_t count)
{
	lock_scope(&vm->mutex);

	free(vm->host_cpus);
	vm->host_cpu_count = count;
	vm->host_cpus = own_alloc((count + 1) * sizeof(int));
	if (count)
		memcpy(vm->host_cpus, cpus, count * sizeof(int));
}

int vm_repin(struct vm *vm, const int *cpus, size_t count, const struct wait *w, struct error *err)
{
	struct wait both = vm_wait(vm, w);
	int rc;

	if (gate_enter(&vm->gate, &both, err) < 0)
		return error_prefix(err, "VM '%s' is busy", vm->name);
	rc = vm_check_running(vm, err);
	if (!rc)
		rc = vm_pin(vm, cpus, count, &both, err);
	if (!rc) {
		set_host_cpus(vm, cpus, count);
		rc = run_dir_save(vm, true, &both, err);
	}
	gate_leave(&vm->gate);
	return rc;
}

int vm_schedule(struct vm *vm, const char *policy, int priority, const struct wait *w,
		struct error *err)
{
	auto_json *threads = NULL;
	size_t index;
	json_t *thread;

	if (vcpu_threads(vm, w, &threads, err) < 0)
		return -1;
	json_array_foreach (threads, index, thread) {
		pid_t id = (pid_t)json_integer_value(json_object_get(thread, "thread-id"));

		if (node_set_scheduler(vm->node, id, policy, priority, w, err) < 0)
			return -1;
	}
	return 0;
}

static regex_t panic_regex;

static void compile_panic(void)
{
	regcomp(&panic_regex, "Kernel panic - not syncing", REG_EXTENDED | REG_NOSUB);
}

static const regex_t *panic_pattern(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, compile_panic);
	return &panic_regex;
}

/* The end of QEMU before the guest was ready, in words. */
static int ended_early(struct vm *vm, const struct readiness *r, struct error *err)
{
	lock_scope(&vm->mutex);

	if (!strcmp(vm->end_reason, "guest-shutdown"))
		return error_set(err, ECONNRESET,
				 "the guest powered off while waiting for %s: the payload or the "
				 "init script ended",
				 r->awaits);
	if (!strcmp(vm->end_reason, "guest-panic"))
		return error_set(err, ECONNRESET, "the guest kernel panicked while waiting for %s",
				 r->awaits);
	return error_set(err, ECONNRESET, "QEMU ended (%s) while waiting for %s", vm->end_reason,
			 r->awaits);
}

static int panicked(const char *line, const struct readiness *r, struct error *err)
{
	if (strstr(line, INIT_ENDED))
		return error_set(err, ECONNRESET,
				 "the init script ended while waiting for %s: the payload or the "
				 "script left by itself",
				 r->awaits);
	return error_set(err, ECONNRESET, "the guest kernel panicked: %s", line);
}

/* Looks once. 1: ready; 0: not yet; -1: never. */
static int look(struct vm *vm, const struct readiness *r, struct stream_search *search,
		const struct wait *w, struct error *err)
{
	const regex_t *patterns[] = { panic_pattern(), r->ready, r->failure };
	size_t count = !r->ready ? 1 : r->failure ? 3 : 2;
	auto_free char *line = NULL;
	bool ended = vm_ended(vm);
	int which;

	if (stream_search_next(search, patterns, count, w, &which, &line, err) < 0)
		return -1;
	if (which == 0)
		return panicked(line, r, err);
	if (which == 1)
		return 1;
	if (which == 2)
		return error_set(err, ECONNRESET, "the payload failed: %s", line);
	if (ended)
		return ended_early(vm, r, err);
	return !r->ready && vm_agent_answers(vm);
}

static void note_kernel(struct vm *vm, int64_t began_us, struct trail *trail)
{
	if (vm->boot_time.kernel >= 0 || !stream_end(vm->console))
		return;
	set_time(vm, &vm->boot_time.kernel, began_us);
	vm_set_stage(vm, "the kernel is running");
	trail_step(trail, "the guest prints on its console");
}

static int await_ready(struct vm *vm, const struct bring_up *plan, const struct wait *w,
		       struct trail *trail, struct error *err)
{
	/* A panic and a failure are told to the end of their lines. */
	struct stream_search search = { .stream = vm->console, .finished = 1 << 0 | 1 << 2 };
	auto_listener console = { .fd = -1 }, events = { .fd = -1 };
	int found;

	if (bell_listen(stream_bell(vm->console), &console, err) < 0 ||
	    bell_listen(&vm->bell, &events, err) < 0)
		return -1;
	for (;;) {
		struct pollfd fds[] = { { .fd = console.fd, .events = POLLIN },
					{ .fd = events.fd, .events = POLLIN } };

		bell_heard(&console);
		bell_heard(&events);
		found = look(vm, &plan->readiness, &search, w, err);
		if (found)
			return found < 0 ? -1 : 0;
		note_kernel(vm, plan->began_us, trail);
		if (wait_fds(w, fds, 2, err) < 0)
			return error_append(err, " waiting for %s", plan->readiness.awaits);
	}
}

int vm_await_agent(struct vm *vm, const struct wait *w, struct error *err)
{
	auto_listener events = { .fd = -1 };

	if (bell_listen(&vm->bell, &events, err) < 0)
		return -1;
	while (vm->kind == VM_KERNEL && !vm_agent_answers(vm)) {
		if (vm_ended(vm))
			return error_set(err, ECONNRESET, "the VM ended");
		if (bell_wait(&events, w, err) < 0)
			return error_append(err, ": no guest agent opened its port in the guest");
	}
	return agent_execute(vm->agent, "guest-ping", NULL, w, NULL, err);
}

static int await_payload(struct vm *vm, const struct bring_up *plan, const struct wait *w,
			 struct trail *trail, struct error *err)
{
	vm_set_stage(vm, "waiting for the kernel");
	if (await_ready(vm, plan, w, trail, err) < 0)
		return -1;
	note_kernel(vm, plan->began_us, trail);
	if (plan->readiness.ready) {
		int64_t latency_us = clock_us() - stream_arrived_us(vm->console);

		trail_step(trail, "%s: ready, seen %.1f ms after its line arrived",
			   plan->readiness.awaits, (double)latency_us / 1000);
	} else {
		vm_set_stage(vm, "the guest agent opened its port");
		if (vm_await_agent(vm, w, err) < 0)
			return -1;
		trail_step(trail, "the guest agent answers");
	}
	set_time(vm, &vm->boot_time.ready, plan->began_us);
	return 0;
}

/* What the kind of VM does itself on the way to ready; the end of QEMU ends it. */
static int call_hook(struct vm *vm, const struct bring_up *plan, const char *awaits,
		     int (*hook)(struct vm *, void *, const struct wait *, struct trail *,
				 struct error *),
		     const struct wait *w, struct trail *trail, struct error *err)
{
	const struct readiness r = { .awaits = awaits };
	struct wait guest = vm_guest_wait(vm, w);

	if (hook(vm, plan->context, &guest, trail, err) < 0)
		return err->code == ECANCELED && vm_ended(vm) ? ended_early(vm, &r, err) : -1;
	note_kernel(vm, plan->began_us, trail);
	set_time(vm, &vm->boot_time.ready, plan->began_us);
	return 0;
}

static int await_guest(struct vm *vm, const struct bring_up *plan, const struct wait *w,
		       struct trail *trail, struct error *err)
{
	if (!plan->await)
		return await_payload(vm, plan, w, trail, err);
	vm_set_stage(vm, "waiting for the guest");
	return call_hook(vm, plan, "the guest", plan->await, w, trail, err);
}

static int finish(struct vm *vm, const struct bring_up *plan, const struct wait *w,
		  struct trail *trail, struct error *err)
{
	if (!plan->finish)
		return 0;
	vm_set_stage(vm, "the guest is ready, the payload is being started");
	return call_hook(vm, plan, "the payload", plan->finish, w, trail, err);
}

/* All of QEMU's threads; the vCPUs' get their own CPUs next. New threads inherit the CPU. */
static int pin_emulator(struct vm *vm, int cpu, const struct wait *w, struct error *err)
{
	auto_free char *tasks = own_printf("/proc/%d/task", (int)vm->process.pid);
	auto_strv threads = { 0 };

	if (node_list_dir(vm->node, tasks, w, &threads, err) < 0)
		return -1;
	for (size_t i = 0; i < threads.count; i++) {
		long long thread;

		/* A worker thread may have ended since. */
		if (!str_to_int(threads.items[i], 1, INT_MAX, &thread) &&
		    node_set_affinity(vm->node, (pid_t)thread, &cpu, 1, w, err) < 0 &&
		    err->code != ESRCH)
			return error_prefix(err, "QEMU's threads to CPU %d", cpu);
	}
	return 0;
}

static void note_cores(const struct qemu_spec *spec, struct trail *trail)
{
	if (spec->cores && !qemu_shows_cores(spec))
		trail_note(
			trail, TRAIL_INFO,
			"under TCG a core before the last cannot have fewer threads than others: "
			"each vCPU is a core of its own");
}

static int boot(struct vm *vm, const struct bring_up *plan, const struct wait *w,
		struct trail *trail, struct error *err)
{
	note_cores(&plan->spec, trail);
	if (launch(vm, plan, w, trail, err) < 0)
		return -1;
	set_time(vm, &vm->boot_time.launch, plan->began_us);
	trail_step(trail, "QEMU %s is up, process %d, %s", qmp_version(vm->qmp),
		   (int)vm->process.pid, vm->kvm ? "KVM" : "TCG");
	vm_set_stage(vm, "waiting for the vswitch");
	if (vhost_plug_all(vm, w, trail, err) < 0)
		return -1;
	set_time(vm, &vm->boot_time.vhost, plan->began_us);
	if (plan->machine.pin_emulator && pin_emulator(vm, plan->machine.emulator_cpu, w, err) < 0)
		return -1;
	if (vm->host_cpu_count) {
		if (vm_pin(vm, vm->host_cpus, vm->host_cpu_count, w, err) < 0)
			return -1;
		trail_step(trail, "pinned %zu vCPU(s)", vm->host_cpu_count);
	}
	if (plan->machine.paused)
		return 0;
	if (qmp_execute(vm->qmp, "cont", NULL, w, NULL, err) < 0)
		return -1;
	if (await_guest(vm, plan, w, trail, err) < 0)
		return -1;
	return finish(vm, plan, w, trail, err);
}

static void take_machine(struct vm *vm, const struct machine_options *o)
{
	set_host_cpus(vm, o->host_cpus, o->host_cpu_count);
	lock_scope(&vm->mutex);

	vm->cpus = o->cpus;
	vm->memory_mib = o->memory_mib;
}

/* Undoes a start: the error gets the stage and the console first, they go with the VM. */
static int give_up(struct vm *vm, struct error *err)
{
	/* Whoever kills a VM wants its definition gone too: its sockets are free again. */
	bool redefine = vm->nic_count > 0 && !cancel_thrown(&vm->kill);

	if (err->code == ETIMEDOUT)
		error_append(err, " (last stage: %s)", vm->stage);
	vm_add_console(vm, err);
	error_prefix(err, "VM '%s'", vm->name);
	if (err->code == ECANCELED)
		log_info("VM '%s': start cancelled, destroyed: %s", vm->name, err->text);
	vm_destroy(vm, VM_FAILED);
	hostel_forget(vm->hostel, vm, redefine);
	return -1;
}

int vm_bring_up(struct vm *vm, const struct bring_up *plan, const struct wait *w,
		struct trail *trail, struct error *err)
{
	struct wait both = vm_wait(vm, w);
	int rc;

	take_machine(vm, &plan->machine);
	rc = gate_enter(&vm->gate, &both, err);
	if (rc < 0)
		return give_up(vm, err);
	rc = boot(vm, plan, &both, trail, err);
	/* A kill that came with the last step wins: it must not find a VM that runs on. */
	if (!rc)
		rc = run_dir_save(vm, true, &both, err);
	if (!rc && cancel_thrown(&vm->kill))
		rc = error_set(err, ECANCELED, "the VM is being killed");
	if (rc < 0)
		give_up(vm, err);
	else
		vm_set_state(vm, plan->machine.paused ? VM_PAUSED : VM_RUNNING);
	gate_leave(&vm->gate);
	return rc;
}

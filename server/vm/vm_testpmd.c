/*
 * testpmd in a VM.
 */
#include "vm/vm_testpmd.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "value/value.h"
#include "vm/hostel.h"
#include "vm/run_dir.h"
#include "vm/vm_payload.h"
#include "vm/vm_payload_guest.h"
#include "vm/vm_payload_terminal.h"

struct testpmd_place vm_testpmd_place(struct vm *vm, const struct constants *c,
				      struct strv *addresses)
{
	struct testpmd_place place = { .binary = c->testpmd.binary,
				       .cpus = vm->cpus,
				       .queues = NIC_QUEUES_MAX,
				       .pci_addresses = addresses };
	lock_scope(&vm->mutex);

	for (size_t i = 0; i < vm->nic_count; i++) {
		strv_take(addresses, nic_pci_address(&vm->nics[i]));
		if (vm->nics[i].queues < place.queues)
			place.queues = vm->nics[i].queues;
	}
	return place;
}

void vm_testpmd_attach(struct vm *vm, struct stream *stream, off_t from)
{
	lock_scope(&vm->mutex);

	vm->testpmd = stream;
	vm->testpmd_from = from;
}

static void detach(struct vm *vm)
{
	vm_testpmd_attach(vm, NULL, 0);
	run_dir_note(vm);
}

/* A testpmd that ended by itself since it forwarded is gone for the next call; this one is told. */
static int check_alive(struct vm *vm, const struct wait *w, struct error *err)
{
	struct wait now = wait_within(w, 0);
	struct stream *stream;
	off_t from;

	pthread_mutex_lock(&vm->mutex);
	stream = vm->testpmd;
	from = vm->testpmd_from;
	pthread_mutex_unlock(&vm->mutex);
	/* On the console the end of testpmd is the end of the VM. */
	if (!stream || stream != vm->payload || terminal_await_end(vm, from, &now, NULL) < 0)
		return 0;
	detach(vm);
	error_set(err, ECONNRESET, "testpmd ended by itself in VM '%s'", vm->name);
	terminal_add_output(vm, from, "testpmd", err);
	return -1;
}

/* The stream with the prompt. EINVAL when no testpmd was started, ECONNRESET when it ended. */
static int get_stream(struct vm *vm, const struct wait *w, struct stream **ret, struct error *err)
{
	if (vm_check_running(vm, err) < 0 || check_alive(vm, w, err) < 0)
		return -1;
	lock_scope(&vm->mutex);
	*ret = vm->testpmd;
	if (!*ret)
		return error_set(err, EINVAL,
				 "no testpmd runs in VM '%s': call Run Testpmd In VM before, or "
				 "start it with vnf=testpmd",
				 vm->name);
	return 0;
}

static int start(struct vm *vm, const struct strv *command, const struct testpmd_options *o,
		 const struct testpmd_place *place, const char *driver, const struct wait *w,
		 struct trail *trail, int *ret_pid, struct error *err)
{
	const struct terminal_program program = { .name = "testpmd",
						  .awaits = "testpmd to forward",
						  .ready = testpmd_patterns()->all[0],
						  .failure = testpmd_patterns()->all[1] };
	int pages = testpmd_hugepages_2m(o, place);

	if (guest_ready(vm, w, err) < 0 || guest_has(vm, place->binary, w, err) < 0 ||
	    guest_reserve_hugepages(vm, pages, w, err) < 0)
		return -1;
	trail_step(trail, "%d huge pages are free", pages);
	if (guest_bind(vm, place->pci_addresses, driver, w, err) < 0)
		return -1;
	trail_step(trail, "bound %zu interface(s) to %s", place->pci_addresses->count, driver);
	if (terminal_start(vm, command, &program, w, ret_pid, err) < 0)
		return -1;
	trail_step(trail, "testpmd forwards");
	return 0;
}

/* The gate of the prompt is held. */
static int run(struct vm *vm, const struct testpmd_options *o, const struct wait *w,
	       struct trail *trail, json_t **ret, struct error *err)
{
	auto_constants held = hostel_hold(vm->hostel);
	auto_strv addresses = { 0 }, command = { 0 };
	struct testpmd_place place = vm_testpmd_place(vm, held.c, &addresses);
	auto_free char *line = NULL;
	auto_json *ports = NULL;
	int pid;

	check_alive(vm, w, NULL);
	if (vm_payload_check_idle(vm, err) < 0 || testpmd_check(o, &place, err) < 0)
		return -1;
	testpmd_command(o, &place, &command);
	if (start(vm, &command, o, &place, held.c->testpmd.driver, w, trail, &pid, err) < 0 ||
	    testpmd_ports(vm->payload, w, &ports, err) < 0)
		return -1;
	/* testpmd names its ports by device; the MAC says which interface that is. */
	line = strv_join(&command, " ");
	*ret = json_pack("{s:i,s:s,s:O}", "pid", pid, "command", line, "ports", ports);
	vm_testpmd_attach(vm, vm->payload, stream_end(vm->payload));
	run_dir_note(vm);
	return 0;
}

int vm_testpmd_run(struct vm *vm, const struct testpmd_options *o, const struct wait *w,
		   struct trail *trail, json_t **ret, struct error *err)
{
	struct wait both = vm_guest_wait(vm, w);
	int rc;

	if (gate_enter(&vm->testpmd_gate, &both, err) < 0)
		return -1;
	rc = run(vm, o, &both, trail, ret, err);
	gate_leave(&vm->testpmd_gate);
	return rc;
}

static int quit(struct vm *vm, const struct wait *w, struct error *err)
{
	off_t offset = stream_end(vm->payload);

	if (stream_write(vm->payload, "quit\n", 5, w, err) < 0)
		return -1;
	return terminal_await_end(vm, offset, w, err);
}

static int stop(struct vm *vm, const struct wait *w, struct trail *trail, json_t **ret,
		struct error *err)
{
	auto_free char *answer = NULL;
	auto_json *stats = NULL;
	struct stream *stream;

	if (get_stream(vm, w, &stream, err) < 0 ||
	    testpmd_execute(stream, "stop", w, &answer, err) < 0 ||
	    testpmd_stats(stream, w, &stats, err) < 0)
		return -1;
	if (stream == vm->payload) {
		if (quit(vm, w, err) < 0)
			return -1;
		detach(vm);
	}
	trail_step(trail, "testpmd stopped");
	*ret = take_ptr(stats);
	return 0;
}

int vm_testpmd_stop(struct vm *vm, const struct wait *w, struct trail *trail, json_t **ret,
		    struct error *err)
{
	struct wait both = vm_wait(vm, w);
	int rc;

	if (gate_enter(&vm->testpmd_gate, &both, err) < 0)
		return -1;
	rc = stop(vm, &both, trail, ret, err);
	gate_leave(&vm->testpmd_gate);
	return rc;
}

int vm_testpmd_stats(struct vm *vm, const struct wait *w, json_t **ret, struct error *err)
{
	struct wait both = vm_wait(vm, w);
	struct stream *stream;
	int rc;

	if (gate_enter(&vm->testpmd_gate, &both, err) < 0)
		return -1;
	rc = get_stream(vm, &both, &stream, err);
	if (!rc)
		rc = testpmd_stats(stream, &both, ret, err);
	gate_leave(&vm->testpmd_gate);
	return rc;
}

int vm_testpmd_command(struct vm *vm, const char *command, const struct wait *w, char **ret,
		       struct error *err)
{
	struct wait both = vm_wait(vm, w);
	struct stream *stream;
	int rc;

	if (gate_enter(&vm->testpmd_gate, &both, err) < 0)
		return -1;
	rc = get_stream(vm, &both, &stream, err);
	if (!rc)
		rc = testpmd_execute(stream, command, &both, ret, err);
	gate_leave(&vm->testpmd_gate);
	return rc;
}

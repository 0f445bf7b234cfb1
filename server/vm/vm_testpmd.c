/*
 * testpmd in a VM.
 */
#include "vm/vm_testpmd.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "qemu/command.h"
#include "value/value.h"
#include "vm/hostel.h"
#include "vm/launch.h"

/* Puts a program on a terminal of its own and says on it how it ended (tools/kernel-vm). */
#define PAYLOAD_RUNNER "/dev/.vhostel/run"
#define ENDED_PATTERN  "^vhostel: payload ended"
/* Of testpmd's output, in an error. */
#define OUTPUT_TAIL 3000

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

void vm_testpmd_attach(struct vm *vm, struct stream *stream)
{
	lock_scope(&vm->mutex);

	vm->testpmd = stream;
}

/* The stream with the prompt. EINVAL when no testpmd was started. */
static int get_stream(struct vm *vm, struct stream **ret, struct error *err)
{
	if (vm_check_running(vm, err) < 0)
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

/* Hands one PCI device to a driver. What is unbound already refuses to be unbound: no matter. */
static int bind_device(struct vm *vm, const char *address, const char *driver, const struct wait *w,
		       struct error *err)
{
	auto_free char *unbind = own_printf("/sys/bus/pci/devices/%s/driver/unbind", address);
	auto_free char *override = own_printf("/sys/bus/pci/devices/%s/driver_override", address);
	auto_free char *bound = own_printf("/sys/bus/pci/drivers/%s/%s/uevent", driver, address);
	char *const look[] = { (char[]) { "test" }, (char[]) { "-e" }, bound, NULL };
	auto_process_result r = { 0 };
	struct error ignored;

	agent_write_file(vm->agent, unbind, address, w, &ignored);
	if (agent_write_file(vm->agent, override, driver, w, err) < 0 ||
	    agent_write_file(vm->agent, "/sys/bus/pci/drivers_probe", address, w, err) < 0 ||
	    agent_run(vm->agent, look, NULL, 0, w, &r, err) < 0)
		return error_prefix(err, "cannot bind %s to %s", address, driver);
	if (r.rc != 0)
		return error_set(err, EREMOTEIO,
				 "%s did not take %s in the guest (see dmesg "
				 "there)",
				 driver, address);
	return 0;
}

/* Everything that testpmd printed since @offset, for an error. */
static void add_output(struct vm *vm, off_t offset, struct error *err)
{
	struct wait w = wait_for_ms(1000);
	auto_str text = { 0 };
	auto_free char *said = NULL;
	off_t end = stream_end(vm->payload);

	if (end - offset > OUTPUT_TAIL)
		offset = end - OUTPUT_TAIL;
	if (stream_read(vm->payload, offset, OUTPUT_TAIL, &w, &text, NULL) < 0 || !text.length)
		return;
	said = str_printable(text.text, text.length);
	error_append(err, "; testpmd's output:\n%s", said);
}

static int await_forwarding(struct vm *vm, off_t offset, const struct wait *w, struct error *err)
{
	struct stream_search search = { .stream = vm->payload, .offset = offset };
	const struct testpmd_patterns *patterns = testpmd_patterns();
	auto_listener heard = { .fd = -1 };

	if (bell_listen(stream_bell(vm->payload), &heard, err) < 0)
		return -1;
	for (;;) {
		auto_free char *line = NULL;
		int which;

		if (stream_search_next(&search, patterns->all, 2, w, &which, &line, err) < 0)
			return -1;
		if (which == 0)
			return 0;
		if (which == 1)
			return error_set(err, ECONNRESET, "testpmd failed: %s", line);
		if (stream_closed(vm->payload))
			return error_set(err, ECONNRESET, "the VM ended");
		if (bell_wait(&heard, w, err) < 0)
			return error_append(err, " waiting for testpmd to forward");
	}
}

/* Starts testpmd on the payload terminal; @ret_pid: the runner's, in the guest. */
static int spawn(struct vm *vm, const struct strv *command, const struct wait *w, int *ret_pid,
		 struct error *err)
{
	auto_strv argv = { 0 };

	strv_add(&argv, PAYLOAD_RUNNER);
	strv_add(&argv, QEMU_PAYLOAD_TERMINAL);
	strv_add(&argv, "--");
	for (size_t i = 0; i < command->count; i++)
		strv_add(&argv, command->items[i]);
	return agent_spawn(vm->agent, argv.items, w, ret_pid, err);
}

static int start(struct vm *vm, const struct strv *command, const struct strv *addresses,
		 const char *driver, const struct wait *w, struct trail *trail, int *ret_pid,
		 struct error *err)
{
	off_t offset = stream_end(vm->payload);

	if (vm_await_agent(vm, w, err) < 0)
		return -1;
	for (size_t i = 0; i < addresses->count; i++)
		if (bind_device(vm, addresses->items[i], driver, w, err) < 0)
			return -1;
	trail_step(trail, "bound %zu interface(s) to %s", addresses->count, driver);
	if (spawn(vm, command, w, ret_pid, err) < 0)
		return -1;
	if (await_forwarding(vm, offset, w, err) < 0) {
		add_output(vm, offset, err);
		return -1;
	}
	trail_step(trail, "testpmd forwards");
	return 0;
}

static int check_idle(struct vm *vm, struct error *err)
{
	if (vm_check_running(vm, err) < 0)
		return -1;
	lock_scope(&vm->mutex);
	if (vm->testpmd)
		return error_set(err, EINVAL,
				 "testpmd runs in VM '%s' already: call Stop Testpmd "
				 "In VM before",
				 vm->name);
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

	if (check_idle(vm, err) < 0 || testpmd_check(o, &place, err) < 0)
		return -1;
	testpmd_command(o, &place, &command);
	if (start(vm, &command, &addresses, held.c->testpmd.driver, w, trail, &pid, err) < 0 ||
	    testpmd_ports(vm->payload, w, &ports, err) < 0)
		return -1;
	/* testpmd names its ports by device; the MAC says which interface that is. */
	line = strv_join(&command, " ");
	*ret = json_pack("{s:i,s:s,s:O}", "pid", pid, "command", line, "ports", ports);
	vm_testpmd_attach(vm, vm->payload);
	return 0;
}

int vm_testpmd_run(struct vm *vm, const struct testpmd_options *o, const struct wait *w,
		   struct trail *trail, json_t **ret, struct error *err)
{
	struct wait both = vm_wait(vm, w);
	int rc;

	if (gate_enter(&vm->testpmd_gate, &both, err) < 0)
		return -1;
	rc = run(vm, o, &both, trail, ret, err);
	gate_leave(&vm->testpmd_gate);
	return rc;
}

static int quit(struct vm *vm, const struct wait *w, struct error *err)
{
	struct stream_search search = { .stream = vm->payload, .offset = stream_end(vm->payload) };
	auto_listener heard = { .fd = -1 };
	const regex_t *patterns[1];
	regex_t ended;
	int which = -1, rc;

	if (regcomp(&ended, ENDED_PATTERN, REG_EXTENDED | REG_NOSUB))
		return error_set(err, EINVAL, "cannot compile %s", ENDED_PATTERN);
	patterns[0] = &ended;
	rc = bell_listen(stream_bell(vm->payload), &heard, err);
	if (!rc)
		rc = stream_write(vm->payload, "quit\n", 5, w, err);
	while (!rc && which < 0 && !stream_closed(vm->payload)) {
		rc = stream_search_next(&search, patterns, 1, w, &which, NULL, err);
		if (!rc && which < 0)
			rc = bell_wait(&heard, w, err);
	}
	regfree(&ended);
	return rc < 0 ? error_prefix(err, "testpmd does not end") : 0;
}

static int stop(struct vm *vm, const struct wait *w, struct trail *trail, json_t **ret,
		struct error *err)
{
	auto_free char *answer = NULL;
	auto_json *stats = NULL;
	struct stream *stream;

	if (get_stream(vm, &stream, err) < 0 ||
	    testpmd_execute(stream, "stop", w, &answer, err) < 0 ||
	    testpmd_stats(stream, w, &stats, err) < 0)
		return -1;
	if (stream == vm->payload) {
		if (quit(vm, w, err) < 0)
			return -1;
		vm_testpmd_attach(vm, NULL);
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
	rc = get_stream(vm, &stream, err);
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
	rc = get_stream(vm, &stream, err);
	if (!rc)
		rc = testpmd_execute(stream, command, &both, ret, err);
	gate_leave(&vm->testpmd_gate);
	return rc;
}

/*
 * Payloads in a running VM: the table of their kinds and what all of them go through.
 */
#include "vm/vm_payload_kind.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "value/value.h"
#include "vm/hostel.h"
#include "vm/run_dir.h"
#include "vm/vm_payload_guest.h"
#include "vm/vm_payload_terminal.h"

/* l3fwd allocates for many ports and lcores, whatever it is given. */
#define L3FWD_HUGEPAGES 128
#define VPP_HUGEPAGES	160
/* What a program's end and the runner's own words look like. */
#define RUNNER_FAILURE "^vhostel: "
#define DPDK_FAILURE \
	"unrecognized option|invalid option|EAL: Error|EAL: PANIC|EAL: FATAL|^ *Cause: |" RUNNER_FAILURE
/* Undoing has a deadline of its own: the keyword's may have passed. */
#define UNDO_MS 900

const struct payload_kind payload_kinds[] = {
	[VM_PAYLOAD_L3FWD] = {
		.title = "l3fwd",
		.min_nics = 1,
		.dpdk = true,
		.hugepages = L3FWD_HUGEPAGES,
		.awaits = "l3fwd to forward",
		.ready = "L3FWD: .*entering main loop|L3FWD:  -- lcoreid=",
		.failure = DPDK_FAILURE,
		.fill = l3fwd_fill,
		.configure = l3fwd_configure,
		.stats = l3fwd_stats,
	},
	[VM_PAYLOAD_BRIDGE] = {
		.title = "a Linux bridge",
		.min_nics = 2,
		.tool = "bridge",
		.awaits = "the bridge to forward on every interface",
		.configure = bridge_configure,
		.settled = payload_await_links,
		.undo = bridge_undo,
		.stats = payload_kernel_stats,
	},
	[VM_PAYLOAD_IPV4] = {
		.title = "Linux IPv4 forwarding",
		.min_nics = 2,
		.tool = "ip",
		.awaits = "every interface to have a carrier",
		.fill = ipv4_fill,
		.configure = ipv4_configure,
		.settled = payload_await_links,
		.undo = kernel_undo,
		.stats = payload_kernel_stats,
	},
	[VM_PAYLOAD_IPERF3] = {
		.title = "an iperf3 server",
		.min_nics = 1,
		.tool = "ip",
		.awaits = "iperf3 to listen",
		.ready = "^Server listening on ",
		.failure = "iperf3: error|" RUNNER_FAILURE,
		.fill = iperf3_fill,
		.configure = iperf3_configure,
		.settled = payload_await_links,
		.undo = kernel_undo,
		.stats = payload_kernel_stats,
	},
	[VM_PAYLOAD_VPP] = {
		.title = "VPP",
		.min_nics = 1,
		.dpdk = true,
		.hugepages = VPP_HUGEPAGES,
		.tool = "vppctl",
		.awaits = "VPP to run its exec file",
		.ready = "vpp .*built by",
		.failure = RUNNER_FAILURE "|^vlib.*error|unknown input",
		.fill = vpp_fill,
		.configure = vpp_configure,
		.stats = vpp_stats,
	},
};
_Static_assert(sizeof(payload_kinds) / sizeof(payload_kinds[0]) == VM_PAYLOADS, "payload kinds");

static void clear_nics(struct payload_nic *nics, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(nics[i].pci);
		free(nics[i].name);
		free(nics[i].address);
	}
}

void vm_payload_free(struct vm_payload *p)
{
	if (!p)
		return;
	clear_nics(p->nics, p->nic_count);
	json_decref(p->base);
	free(p);
}

const char *vm_payload_title(enum vm_payload_kind kind)
{
	return payload_kinds[kind].title;
}

bool vm_payload_dpdk(enum vm_payload_kind kind)
{
	return payload_kinds[kind].dpdk;
}

int vm_payload_hugepages(enum vm_payload_kind kind)
{
	return payload_kinds[kind].hugepages;
}

struct vm_payload *payload_running_now(const struct vm *vm)
{
	return vm->running && vm->running->resets == vm->resets ? vm->running : NULL;
}

int vm_payload_check_idle(struct vm *vm, struct error *err)
{
	const struct vm_payload *running;
	const char *title;

	if (vm_check_running(vm, err) < 0)
		return -1;
	lock_scope(&vm->mutex);
	running = payload_running_now(vm);
	title = vm->testpmd ? "testpmd" : running ? running->kind->title : NULL;
	if (!title)
		return 0;
	return error_set(err, EINVAL,
			 "VM '%s' runs %s already: a VM runs one payload at a time; stop it before",
			 vm->name, title);
}

static void run_clear(struct payload_run *r)
{
	clear_nics(r->nics, r->nic_count);
	strv_clear(&r->command);
	strv_clear(&r->o.addresses);
	strv_clear(&r->o.peers);
	strv_clear(&r->o.peer_macs);
	strv_clear(&r->o.routes);
	strv_clear(&r->o.extra_args);
}

static void copy_list(struct strv *to, const struct strv *from)
{
	*to = (struct strv) { 0 };
	for (size_t i = 0; i < from->count; i++)
		strv_add(to, from->items[i]);
}

/* The run with a copy of the options, and of what the VM's interfaces are. */
static void run_init(struct payload_run *r)
{
	struct vm *vm = r->vm;
	lock_scope(&vm->mutex);

	r->o = *r->given;
	copy_list(&r->o.addresses, &r->given->addresses);
	copy_list(&r->o.peers, &r->given->peers);
	copy_list(&r->o.peer_macs, &r->given->peer_macs);
	copy_list(&r->o.routes, &r->given->routes);
	copy_list(&r->o.extra_args, &r->given->extra_args);
	for (size_t i = 0; i < vm->nic_count; i++) {
		struct payload_nic *nic = &r->nics[r->nic_count++];

		nic_id(&vm->nics[i], nic->id);
		memcpy(nic->mac, vm->nics[i].mac, sizeof(nic->mac));
		nic->pci = nic_pci_address(&vm->nics[i]);
		nic->queues = vm->nics[i].queues;
	}
}

static int check_macs(const struct payload_run *r, struct error *err)
{
	if (r->o.peer_macs.count > r->nic_count)
		return error_set(
			err, EINVAL,
			"argument 'peer_macs': expected at most %zu, one an interface, got "
			"%zu",
			r->nic_count, r->o.peer_macs.count);
	for (size_t i = 0; i < r->o.peer_macs.count; i++)
		if (nic_check_mac(r->o.peer_macs.items[i], err) < 0)
			return error_prefix(err, "argument 'peer_macs'");
	return 0;
}

static int check(struct payload_run *r, struct error *err)
{
	if (r->nic_count < r->kind->min_nics)
		return error_set(err, EINVAL,
				 "%s needs at least %zu vhost interface(s), VM '%s' has %zu: call "
				 "Configure Vhost Interfaces before",
				 r->kind->title, r->kind->min_nics, r->vm->name, r->nic_count);
	if (check_macs(r, err) < 0)
		return -1;
	return r->kind->fill ? r->kind->fill(r, err) : 0;
}

static int check_programs(struct payload_run *r, struct error *err)
{
	if (!r->starting && guest_ready(r->vm, r->w, err) < 0)
		return -1;
	if (r->kind->ready && guest_has(r->vm, r->o.binary, r->w, err) < 0)
		return -1;
	return r->kind->tool ? guest_has(r->vm, r->kind->tool, r->w, err) : 0;
}

static int bind_nics(struct payload_run *r, struct error *err)
{
	const char *driver = r->kind->dpdk ? r->c->testpmd.driver : GUEST_KERNEL_DRIVER;
	auto_strv addresses = { 0 };

	for (size_t i = 0; i < r->nic_count; i++)
		strv_add(&addresses, r->nics[i].pci);
	if (guest_bind(r->vm, &addresses, driver, r->w, err) < 0)
		return -1;
	if (!r->kind->dpdk && payload_find_names(r->vm, r->nics, r->nic_count, r->w, err) < 0)
		return -1;
	trail_step(r->trail, "%zu interface(s) bound to %s", r->nic_count, driver);
	if (!r->kind->hugepages)
		return 0;
	if (guest_reserve_hugepages(r->vm, r->kind->hugepages, r->w, err) < 0)
		return -1;
	trail_step(r->trail, "%d huge pages are free", r->kind->hugepages);
	return 0;
}

static int compile(const char *pattern, regex_t *ret, struct error *err)
{
	if (regcomp(ret, pattern, REG_EXTENDED | REG_NOSUB))
		return error_set(err, EINVAL, "cannot compile %s", pattern);
	return 0;
}

static int start_program(struct payload_run *r, int *ret_pid, struct error *err)
{
	regex_t ready, failure;
	const struct terminal_program program = {
		.name = r->o.binary, .awaits = r->kind->awaits, .ready = &ready, .failure = &failure
	};
	int rc;

	if (!r->kind->ready)
		return 0;
	if (compile(r->kind->ready, &ready, err) < 0)
		return -1;
	rc = compile(r->kind->failure, &failure, err);
	if (!rc) {
		rc = terminal_start(r->vm, &r->command, &program, r->w, ret_pid, err);
		regfree(&failure);
	}
	regfree(&ready);
	if (!rc)
		trail_step(r->trail, "%s is ready", r->kind->title);
	return rc;
}

static void undo(struct vm *vm, const struct payload_kind *kind, const struct payload_nic *nics,
		 size_t count)
{
	struct wait own = wait_for_ms(UNDO_MS), w = vm_guest_wait(vm, &own);

	if (kind->undo && !vm_ended(vm))
		kind->undo(vm, nics, count, &w);
}

static int start(struct payload_run *r, int *ret_pid, struct error *err)
{
	if ((r->kind->configure && r->kind->configure(r, err) < 0) ||
	    (r->kind->settled && r->kind->settled(r, err) < 0) ||
	    start_program(r, ret_pid, err) < 0) {
		undo(r->vm, r->kind, r->nics, r->nic_count);
		return -1;
	}
	return 0;
}

static json_t *describe(const struct payload_run *r, int pid)
{
	auto_free char *command = strv_join(&r->command, " ");
	json_t *interfaces = json_array();

	for (size_t i = 0; i < r->nic_count; i++) {
		const struct payload_nic *nic = &r->nics[i];

		json_array_append_new(interfaces,
				      json_pack("{s:s,s:s,s:s,s:s,s:s}", "interface", nic->id,
						"name", nic->name ? nic->name : "", "mac_address",
						nic->mac, "pci_address", nic->pci, "address",
						nic->address ? nic->address : ""));
	}
	return json_pack("{s:s,s:i,s:s,s:o}", "payload", r->kind->title, "pid", pid, "command",
			 command, "interfaces", interfaces);
}

/* From now on it runs; the run's interfaces move into it. */
static void keep(struct payload_run *r, int pid, json_t *base)
{
	struct vm_payload *p = own_alloc(sizeof(*p));
	lock_scope(&r->vm->mutex);

	p->kind = r->kind;
	p->resets = r->vm->resets;
	p->pid = pid;
	p->nic_count = r->nic_count;
	p->base = base;
	memcpy(p->nics, r->nics, sizeof(p->nics));
	r->nic_count = 0;
	vm_payload_free(r->vm->running);
	r->vm->running = p;
}

/* The guest's kernel counts from the interface's beginning: what came before is taken off. */
static int count_base(struct payload_run *r, json_t **ret, struct error *err)
{
	*ret = NULL;
	if (r->kind->dpdk)
		return 0;
	return r->kind->stats(r->vm, r->nics, r->nic_count, r->w, ret, err);
}

static int run(struct payload_run *r, json_t **ret, struct error *err)
{
	auto_json *base = NULL;
	int pid = 0;

	if ((!r->starting && vm_payload_check_idle(r->vm, err) < 0) || check(r, err) < 0 ||
	    check_programs(r, err) < 0)
		return -1;
	trail_step(r->trail, "checked the arguments and the guest's programs");
	if (bind_nics(r, err) < 0 || count_base(r, &base, err) < 0 || start(r, &pid, err) < 0)
		return -1;
	*ret = describe(r, pid);
	keep(r, pid, take_ptr(base));
	/* The start of the VM writes it down itself. */
	if (!r->starting)
		run_dir_note(r->vm);
	return 0;
}

int vm_payload_check(struct vm *vm, enum vm_payload_kind kind, const struct vm_payload_options *o,
		     int cpus, const struct wait *w, struct error *err)
{
	auto_constants held = hostel_hold(vm->hostel);
	struct payload_run r = { .vm = vm,
				 .kind = &payload_kinds[kind],
				 .cpus = cpus,
				 .given = o,
				 .c = held.c,
				 .w = w };
	int rc;

	run_init(&r);
	rc = check(&r, err);
	run_clear(&r);
	return rc;
}

/* A run with the gate passed and the VM's end as a reason to give up. */
static int run_in_gate(struct vm *vm, struct payload_run r, const struct wait *w, json_t **ret,
		       struct error *err)
{
	auto_constants held = hostel_hold(vm->hostel);
	struct wait guest = vm_guest_wait(vm, w);
	int rc;

	if (gate_enter(&vm->testpmd_gate, &guest, err) < 0)
		return -1;
	r.vm = vm;
	r.cpus = vm->cpus;
	r.c = held.c;
	r.w = &guest;
	run_init(&r);
	rc = run(&r, ret, err);
	run_clear(&r);
	gate_leave(&vm->testpmd_gate);
	return rc;
}

int vm_payload_run(struct vm *vm, enum vm_payload_kind kind, const struct vm_payload_options *o,
		   const struct wait *w, struct trail *trail, json_t **ret, struct error *err)
{
	const struct payload_run r = { .kind = &payload_kinds[kind], .given = o, .trail = trail };

	return run_in_gate(vm, r, w, ret, err);
}

int vm_payload_start(struct vm *vm, enum vm_payload_kind kind, const struct vm_payload_options *o,
		     const struct wait *w, struct trail *trail, struct error *err)
{
	const struct payload_run r = {
		.kind = &payload_kinds[kind], .starting = true, .given = o, .trail = trail
	};
	auto_json *described = NULL;

	return run_in_gate(vm, r, w, &described, err);
}

/* What runs, borrowed: only holders of the gate change it. */
static int get_running(struct vm *vm, enum vm_payload_kind kind, struct vm_payload **ret,
		       struct error *err)
{
	if (vm_check_running(vm, err) < 0)
		return -1;
	lock_scope(&vm->mutex);
	*ret = payload_running_now(vm);
	if (*ret && (*ret)->kind == &payload_kinds[kind])
		return 0;
	return error_set(err, EINVAL, "VM '%s' does not run %s%s%s", vm->name,
			 payload_kinds[kind].title, *ret ? ", but " : "",
			 *ret ? (*ret)->kind->title : "");
}

/* Takes the counters of @base off, port by port. */
static void subtract(json_t *stats, const json_t *base)
{
	const json_t *before = json_object_get(base, "ports");
	json_t *port, *value;
	const char *name;
	size_t index;

	json_array_foreach (json_object_get(stats, "ports"), index, port) {
		json_object_foreach (port, name, value) {
			const json_t *was = json_object_get(json_array_get(before, index), name);

			if (json_is_integer(value) && was && strcmp(name, "port") != 0)
				json_integer_set(value, json_integer_value(value) -
								json_integer_value(was));
		}
	}
}

static int count(struct vm *vm, const struct vm_payload *p, const struct wait *w, json_t **ret,
		 struct error *err)
{
	if (p->kind->stats(vm, p->nics, p->nic_count, w, ret, err) < 0)
		return error_prefix(err, "statistics of %s in VM '%s'", p->kind->title, vm->name);
	if (p->base)
		subtract(*ret, p->base);
	return 0;
}

static void forget(struct vm *vm)
{
	struct vm_payload *p;

	pthread_mutex_lock(&vm->mutex);
	p = take_ptr(vm->running);
	pthread_mutex_unlock(&vm->mutex);
	vm_payload_free(p);
}

static int stop(struct vm *vm, enum vm_payload_kind kind, const struct wait *w, struct trail *trail,
		json_t **ret, struct error *err)
{
	struct vm_payload *p;
	struct error why;

	if (get_running(vm, kind, &p, err) < 0 || guest_ready(vm, w, err) < 0)
		return -1;
	/* A program that died has no statistics any more: it must be possible to stop it still. */
	if (count(vm, p, w, ret, &why) < 0) {
		trail_note(trail, TRAIL_WARN, "%s", why.text);
		*ret = json_pack("{s:[]}", "ports");
	}
	if (p->pid && terminal_stop(vm, p->pid, w, err) < 0)
		return -1;
	if (p->kind->undo)
		p->kind->undo(vm, p->nics, p->nic_count, w);
	trail_step(trail, "%s stopped", p->kind->title);
	forget(vm);
	run_dir_note(vm);
	return 0;
}

int vm_payload_stop(struct vm *vm, enum vm_payload_kind kind, const struct wait *w,
		    struct trail *trail, json_t **ret, struct error *err)
{
	struct wait guest = vm_guest_wait(vm, w);
	int rc;

	if (gate_enter(&vm->testpmd_gate, &guest, err) < 0)
		return -1;
	rc = stop(vm, kind, &guest, trail, ret, err);
	gate_leave(&vm->testpmd_gate);
	return rc;
}

int vm_payload_stats(struct vm *vm, enum vm_payload_kind kind, const struct wait *w, json_t **ret,
		     struct error *err)
{
	struct wait guest = vm_guest_wait(vm, w);
	struct vm_payload *p;
	int rc;

	if (gate_enter(&vm->testpmd_gate, &guest, err) < 0)
		return -1;
	rc = get_running(vm, kind, &p, err);
	if (!rc)
		rc = count(vm, p, &guest, ret, err);
	gate_leave(&vm->testpmd_gate);
	return rc;
}

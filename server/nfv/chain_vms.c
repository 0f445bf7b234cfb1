/*
 * The VMs of a plan.
 *
 * How it works: a few threads take one VM after the other and start it as Start Kernel VM would.
 * They wait with one deadline and one cancel token of the start. The caller's thread waits for
 * them, for its own cancellation and for the end of the vswitch; what comes first makes it throw
 * the token, and so does a VM that fails. Whoever throws it first says what went wrong.
 */
#include "nfv/chain_vms.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/thread.h"
#include "value/value.h"
#include "vm/end.h"
#include "vm/plug.h"

/* The VMs see the deadline first: their errors say more. */
#define GRACE_MS 500
/* Threads of one start, whatever `parallel` says. */
#define THREADS_MAX 64

struct start {
	struct chain_set *set;
	const struct chain_request *request;
	const struct chain_plan *plan;
	struct trail *trail;
	struct wait wait;
	struct cancel give_up;
	struct bell bell;      /* rings when a VM is ready and when a thread ends */
	pthread_mutex_t mutex; /* everything below */
	size_t next;
	size_t ready;
	size_t threads;
	json_t **infos;
	bool failed;
	struct error *err; /* of the first failure */
};

static int define_nics(struct vm *vm, const struct chain_request *q, const struct vm_plan *plan,
		       const struct wait *w, struct error *err)
{
	const struct vhost_options options = { .server = true,
					       .queues = q->plan.queues,
					       .queue_size = 1024,
					       .jumbo = q->jumbo,
					       .mrg_rxbuf = -1,
					       .feature_mask = -1 };
	char *sockets[PLAN_NICS] = { plan->nics[0].socket, plan->nics[1].socket };

	if (!q->interfaces)
		return 0;
	return vhost_define(vm, sockets, PLAN_NICS, &options, w, NULL, err);
}

static int define_vm(struct chain_set *set, const struct chain_request *q,
		     const struct vm_plan *plan, const struct wait *w, struct vm **ret,
		     struct error *err)
{
	auto_vm *vm = NULL;

	if (hostel_define(set->hostel, plan->name, set->node, plan->qemu_id, &vm, err) < 0)
		return -1;
	if (vm_state_now(vm) != VM_DEFINED || vm->nic_count || vm->qemu_id != plan->qemu_id)
		return error_set(err, EINVAL, "VM '%s' exists already and is not of these chains",
				 plan->name);
	if (define_nics(vm, q, plan, w, err) < 0) {
		hostel_unclaim(set->hostel, vm);
		return error_prefix(err, "VM '%s'", plan->name);
	}
	*ret = take_ptr(vm);
	return 0;
}

/* Takes what was defined out again. */
static void undefine(struct vm **vms, size_t count)
{
	struct wait w = wait_for_ms(GRACE_MS);
	auto_json *names = json_array();
	struct error ignored;

	vm_kill_list(vms, count, &w, names, &ignored);
	for (size_t i = 0; i < count; i++)
		vm_put(vms[i]);
	free(vms);
}

int chain_vms_define(struct chain_set *set, const struct chain_request *q,
		     const struct chain_plan *plan, const struct wait *w, struct vm ***ret,
		     struct error *err)
{
	struct vm **vms = own_alloc((plan->vm_count + 1) * sizeof(*vms));

	for (size_t i = 0; i < plan->vm_count; i++)
		if (define_vm(set, q, &plan->vms[i], w, &vms[i], err) < 0) {
			undefine(vms, i);
			return -1;
		}
	*ret = vms;
	return 0;
}

static void fail(struct start *s, const struct error *err)
{
	lock_scope(&s->mutex);

	if (s->failed)
		return;
	s->failed = true;
	*s->err = *err;
	cancel_throw(&s->give_up);
}

/* Core by core, its threads side by side. */
static void order_vcpus(const struct vm_plan *vm, struct chain_vm_room *room)
{
	size_t next = 0;

	room->cores = own_alloc((size_t)vm->cpus * sizeof(int));
	room->host_cpus = own_alloc((size_t)vm->cpus * sizeof(int));
	for (int core = 0; core < vm->cpus; core++)
		for (int thread = 0; thread < PLAN_CORE_THREADS; thread++)
			for (int i = 0; i < vm->cpus; i++) {
				if (vm->vcpus[i].core != core || vm->vcpus[i].thread != thread)
					continue;
				room->cores[next] = core;
				if (vm->host_cpus.count)
					room->host_cpus[next] = vm->host_cpus.items[i];
				next++;
			}
}

static struct machine_options machine_of(const struct chain_request *q,
					 const struct chain_plan *plan, const struct vm_plan *vm,
					 const struct chain_vm_room *room)
{
	/* As planned, whatever is free when this VM's turn comes. */
	static const enum page_choice pages[] = { [GUEST_MEMORY_MEMFD] = PAGE_CHOICE_4K,
						  [GUEST_MEMORY_2M] = PAGE_CHOICE_2M,
						  [GUEST_MEMORY_1G] = PAGE_CHOICE_1G };

	return (struct machine_options) { .cpus = vm->cpus,
					  .memory_mib = vm->memory_mib,
					  .cores = room->cores,
					  .core_count = (size_t)vm->cpus,
					  .host_cpus = room->host_cpus,
					  .host_cpu_count = vm->host_cpus.count,
					  .page_size = pages[plan->backing],
					  .qemu_id = vm->qemu_id,
					  .paused = q->paused,
					  .bind_memory = plan->numa_node >= 0,
					  .numa_node = plan->numa_node,
					  .pin_emulator = plan->pinned && vm->emulator_cpu >= 0,
					  .emulator_cpu = vm->emulator_cpu };
}

void chain_vm_room_clear(struct chain_vm_room *room)
{
	strv_clear(&room->peers);
	free(room->cores);
	free(room->host_cpus);
}

struct kernel_vm_options chain_vm_options(const struct chain_request *q,
					  const struct chain_plan *chains,
					  const struct vm_plan *plan, struct chain_vm_room *room)
{
	struct kernel_vm_options options = { .payload = q->payload,
					     .template = q->template,
					     .names = q->names,
					     .began_us = clock_us() };

	order_vcpus(plan, room);
	options.machine = machine_of(q, chains, plan, room);
	for (int i = 0; i < PLAN_NICS; i++)
		strv_add(&room->peers, plan->nics[i].peer_mac);
	if (q->payload.testpmd) {
		room->testpmd = *q->payload.testpmd;
		if (!room->testpmd.peer_macs.count)
			room->testpmd.peer_macs = room->peers;
		options.payload.testpmd = &room->testpmd;
	}
	if (q->payload.guest) {
		room->guest = *q->payload.guest;
		/* An iperf3 server has one interface and finds its peer by ARP. */
		if (!room->guest.peer_macs.count && strcmp(q->payload.vnf, "iperf3") != 0)
			room->guest.peer_macs = room->peers;
		options.payload.guest = &room->guest;
	}
	return options;
}

static int start_vm(struct start *s, const struct vm_plan *plan, struct vm **ret, struct error *err)
{
	auto_chain_vm_room room = { 0 };
	struct kernel_vm_options options = chain_vm_options(s->request, s->plan, plan, &room);

	return kernel_vm_start(s->set->hostel, plan->name, s->set->node, &options, &s->wait, NULL,
			       ret, err);
}

static void note_ready(struct start *s, size_t index, struct vm *vm)
{
	const struct vm_plan *plan = &s->plan->vms[index];
	const struct boot_time t = vm->boot_time;
	json_t *info = vm_info(vm);
	lock_scope(&s->mutex);

	json_object_set_new(info, "chain", json_integer(plan->chain));
	json_object_set_new(info, "node_in_chain", json_integer(plan->node_in_chain));
	s->infos[index] = info;
	s->ready++;
	trail_step(s->trail,
		   "VM '%s' (chain %d, node %d) is %s, %zu of %zu: QEMU up after %.3f s, vhost "
		   "connected %.3f s, kernel %.3f s, ready %.3f s",
		   plan->name, plan->chain, plan->node_in_chain,
		   s->request->paused ? "paused" : "ready", s->ready, s->plan->vm_count, t.launch,
		   t.vhost, t.kernel, t.ready);
}

/* The next VM's index, or -1 when all are taken or the start is given up. */
static long take_next(struct start *s)
{
	lock_scope(&s->mutex);

	return s->failed || s->next == s->plan->vm_count ? -1 : (long)s->next++;
}

static void *run_thread(void *argument)
{
	struct start *s = argument;
	long index;

	while ((index = take_next(s)) >= 0) {
		auto_vm *vm = NULL;
		struct error err;

		if (start_vm(s, &s->plan->vms[index], &vm, &err) < 0)
			fail(s, &err);
		else
			note_ready(s, (size_t)index, vm);
	}
	pthread_mutex_lock(&s->mutex);
	s->threads--;
	pthread_mutex_unlock(&s->mutex);
	bell_ring(&s->bell);
	return NULL;
}

static size_t threads_left(struct start *s)
{
	lock_scope(&s->mutex);

	return s->threads;
}

/* Waits for the threads; what ends the wait before gives the start up. */
static void supervise(struct start *s, struct vswitch *vswitch, const struct wait *w)
{
	auto_listener heard = { .fd = -1 };
	struct wait all = chain_set_wait(s->set, w);
	struct error err;

	all.deadline_ms += GRACE_MS;
	if (vswitch)
		vswitch_add_cancel(vswitch, &all);
	if (bell_listen(&s->bell, &heard, &err) < 0) {
		fail(s, &err);
		return;
	}
	while (threads_left(s))
		if (bell_wait(&heard, &all, &err) < 0) {
			if (vswitch)
				vswitch_check(vswitch, &err);
			fail(s, &err);
			return;
		}
}

static size_t thread_count(const struct start *s)
{
	long wanted = s->request->parallel == CHAIN_PARALLEL_AUTO ? sysconf(_SC_NPROCESSORS_ONLN)
								  : s->request->parallel;

	if (wanted > (long)s->plan->vm_count)
		wanted = (long)s->plan->vm_count;
	return wanted > THREADS_MAX ? THREADS_MAX : wanted < 1 ? 1 : (size_t)wanted;
}

static void run_threads(struct start *s, struct vswitch *vswitch, const struct wait *w)
{
	pthread_t threads[THREADS_MAX];
	size_t wanted = thread_count(s), started = 0;
	struct error err;

	s->threads = wanted;
	while (started < wanted &&
	       !thread_start(&threads[started], "start-chains", run_thread, s, &err))
		started++;
	if (started < wanted) {
		pthread_mutex_lock(&s->mutex);
		s->threads -= wanted - started;
		pthread_mutex_unlock(&s->mutex);
		fail(s, &err);
	}
	supervise(s, vswitch, w);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
}

static json_t *take_infos(struct start *s)
{
	json_t *infos = json_array();

	for (size_t i = 0; i < s->plan->vm_count; i++)
		if (s->infos[i])
			json_array_append_new(infos, s->infos[i]);
	return infos;
}

int chain_vms_start(struct chain_set *set, const struct chain_request *q,
		    const struct chain_plan *plan, struct vswitch *vswitch, const struct wait *w,
		    struct trail *trail, json_t **ret, struct error *err)
{
	struct start s = { .set = set, .request = q, .plan = plan, .trail = trail, .err = err };
	auto_json *infos = NULL;

	if (cancel_init(&s.give_up, err) < 0)
		return -1;
	bell_init(&s.bell);
	pthread_mutex_init(&s.mutex, NULL);
	s.infos = own_alloc(plan->vm_count * sizeof(*s.infos));
	s.wait = (struct wait) { .deadline_ms = w->deadline_ms };
	wait_add_cancel(&s.wait, s.give_up.fd, POLLIN, "the start of the chains was given up");
	run_threads(&s, vswitch, w);
	infos = take_infos(&s);
	free(s.infos);
	pthread_mutex_destroy(&s.mutex);
	bell_clear(&s.bell);
	cancel_clear(&s.give_up);
	if (s.failed)
		return -1;
	*ret = take_ptr(infos);
	return 0;
}

int chain_vms_kill(struct chain_set *set, const struct wait *w, json_t *killed, struct error *err)
{
	auto_json *names = killed ? json_incref(killed) : json_array();
	auto_free struct vm **vms = own_alloc((set->plan->vm_count + 1) * sizeof(*vms));
	size_t count = 0;
	int rc;

	for (size_t i = 0; i < set->plan->vm_count; i++) {
		vms[count] = chain_set_vm(set, i);
		count += vms[count] != NULL;
	}
	rc = vm_kill_list(vms, count, w, names, err);
	for (size_t i = 0; i < count; i++)
		vm_put(vms[i]);
	return rc;
}

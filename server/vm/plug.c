/*
 * Putting NICs into a VM over QMP and taking them out.
 *
 * How it works: QEMU hangs for ever in netdev_add when the chardev is not connected. So the
 * chardevs come first, then query-chardev is asked until every vswitch is there (QEMU has no event
 * for it), then netdev_add and device_add put each NIC in its slot. A VM that starts and a VM that
 * runs take the same way.
 */
#include "vm/plug.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/own.h"
#include "value/value.h"
#include "vm/hostel.h"
#include "vm/run_dir.h"
#include "vm/vhost_socket.h"

/* Between two questions who is connected: short at first, as vswitches connect at once. */
#define ASK_FIRST_MS 2
#define ASK_LAST_MS  50
/* What undoing a failed plug may take. */
#define UNDO_MS 2000

/* The lowest number that no NIC has. With the mutex held. */
static int free_number(const struct vm *vm)
{
	bool used[NICS_MAX + 1] = { false };
	int number = 1;

	for (size_t i = 0; i < vm->nic_count; i++)
		used[vm->nics[i].number] = true;
	while (number <= NICS_MAX && used[number])
		number++;
	return number;
}

static int add_nic(struct vm *vm, struct nic nic, struct error *err)
{
	auto_constants held = hostel_hold(vm->hostel);
	lock_scope(&vm->mutex);

	nic.number = free_number(vm);
	nic.slot = held.c->qemu.first_slot + nic.number - 1;
	if (vm->nic_count == NICS_MAX || nic.slot > 31) {
		nic_clear(&nic);
		return error_set(err, ENOSPC, "VM '%s' has no PCI slot left: %zu interfaces",
				 vm->name, vm->nic_count);
	}
	nic.name = own_strdup("");
	if (!*nic.mac)
		nic_auto_mac(&nic, held.c->qemu.mac_prefix, vm->qemu_id);
	vm->nics[vm->nic_count++] = nic;
	return 0;
}

/* Drops the NICs from index @first on. */
static void drop_nics(struct vm *vm, size_t first)
{
	lock_scope(&vm->mutex);

	while (vm->nic_count > first)
		nic_clear(&vm->nics[--vm->nic_count]);
}

static void drop_nic(struct vm *vm, size_t index)
{
	lock_scope(&vm->mutex);

	nic_clear(&vm->nics[index]);
	vm->nic_count--;
	memmove(&vm->nics[index], &vm->nics[index + 1],
		(vm->nic_count - index) * sizeof(vm->nics[0]));
}

static struct nic vhost_nic(const char *socket, const struct vhost_options *o)
{
	struct nic nic = {
		.socket = own_strdup(socket),
		.server = o->server,
		.queues = o->queues,
		.queue_size = o->queue_size,
		.jumbo = o->jumbo,
		.csum = o->csum,
		.gso = o->gso,
		.mrg_rxbuf = o->mrg_rxbuf,
		.packed = o->packed,
		.feature_mask = o->feature_mask,
	};

	if (o->mac)
		memcpy(nic.mac, o->mac, MAC_LENGTH + 1);
	return nic;
}

/* Who is connected, by the answer of query-chardev. With the mutex held. */
static void read_connections(const struct vm *vm, const json_t *chardevs, bool connected[NICS_MAX])
{
	char id[NIC_ID_SIZE];
	size_t index;
	json_t *chardev;

	json_array_foreach (chardevs, index, chardev) {
		const char *label = json_string_value(json_object_get(chardev, "label"));
		const char *name = json_string_value(json_object_get(chardev, "filename"));

		for (size_t i = 0; label && name && i < vm->nic_count; i++) {
			nic_id(&vm->nics[i], id);
			if (!strcmp(id, label))
				connected[i] = !str_starts(name, "disconnected:");
		}
	}
}

static int ask_connections(struct vm *vm, const struct wait *w, bool connected[NICS_MAX],
			   struct error *err)
{
	auto_json *chardevs = NULL;

	memset(connected, 0, NICS_MAX * sizeof(*connected));
	if (qmp_execute(vm->qmp, "query-chardev", NULL, w, &chardevs, err) < 0)
		return -1;
	lock_scope(&vm->mutex);
	read_connections(vm, chardevs, connected);
	return 0;
}

void vhost_connections(struct vm *vm, bool connected[NICS_MAX])
{
	auto_constants held = hostel_hold(vm->hostel);
	struct wait w = wait_for_ms(held.c->timeout.qmp_ms);

	if (!vm_check_running(vm, NULL))
		ask_connections(vm, &w, connected, NULL);
}

/* "vhost1 (/run/vpp/sock-1-1), vhost2 (...)": those of @which that are not @connected. */
static char *list_missing(struct vm *vm, const bool *which, const bool *connected)
{
	struct str list = { 0 };
	char id[NIC_ID_SIZE];
	lock_scope(&vm->mutex);

	for (size_t i = 0; i < vm->nic_count; i++) {
		if (!which[i] || connected[i])
			continue;
		nic_id(&vm->nics[i], id);
		str_addf(&list, "%s%s (%s)", list.length ? ", " : "", id, vm->nics[i].socket);
	}
	return str_take(&list);
}

static int await_connected(struct vm *vm, const bool *which, const struct wait *w,
			   struct error *err)
{
	int64_t pause_ms = ASK_FIRST_MS, since = clock_ms();
	auto_free char *missing = NULL;

	for (;;) {
		bool connected[NICS_MAX];
		int rc = ask_connections(vm, w, connected, err);

		if (!rc) {
			free(missing);
			missing = list_missing(vm, which, connected);
			if (!*missing)
				return 0;
			rc = wait_pause(w, pause_ms, err);
		}
		/* The time may end during the pause or during the question. */
		if (rc < 0)
			return err->code == ETIMEDOUT && missing
				       ? error_set(err, ETIMEDOUT,
						   "no vswitch connected within %.1f s to %s",
						   (double)(clock_ms() - since) / 1000, missing)
				       : -1;
		pause_ms = pause_ms * 2 < ASK_LAST_MS ? pause_ms * 2 : ASK_LAST_MS;
	}
}

/* In client mode the vswitch listens: QEMU must not be told before the socket is there. */
static int await_listener(struct vm *vm, const struct nic *nic, const struct wait *w,
			  struct error *err)
{
	bool bound = false;

	for (;;) {
		if (node_socket_bound(vm->node, nic->socket, w, &bound, err) < 0)
			return -1;
		if (bound)
			return 0;
		if (wait_pause(w, ASK_LAST_MS, err) < 0)
			return error_append(err, ": no vswitch listens on %s", nic->socket);
	}
}

static int add_chardev(struct vm *vm, const struct nic *nic, const struct wait *w,
		       struct error *err)
{
	auto_json *arguments = NULL;

	if (nic->host_address)
		return 0;
	if (!nic->server && await_listener(vm, nic, w, err) < 0)
		return -1;
	arguments = nic_chardev(nic);
	return qmp_execute(vm->qmp, "chardev-add", arguments, w, NULL, err);
}

static int add_device(struct vm *vm, const struct nic *nic, const struct wait *w, struct error *err)
{
	auto_json *netdev = nic->socket ? nic_netdev(nic) : NULL;
	auto_json *device = nic_device(nic, vm->kvm);

	if (netdev && qmp_execute(vm->qmp, "netdev_add", netdev, w, NULL, err) < 0)
		return -1;
	return qmp_execute(vm->qmp, "device_add", device, w, NULL, err);
}

static void set_plugged(struct vm *vm, size_t index, bool plugged)
{
	lock_scope(&vm->mutex);

	vm->nics[index].plugged = plugged;
	vm->nics[index].deleted = false;
}

static int for_nic(struct vm *vm, size_t index,
		   int (*step)(struct vm *, const struct nic *, const struct wait *,
			       struct error *),
		   const struct wait *w, struct error *err)
{
	char id[NIC_ID_SIZE];

	/* Only the operation that holds the gate changes the list, and that is ours. */
	nic_id(&vm->nics[index], id);
	return step(vm, &vm->nics[index], w, err) < 0 ? error_prefix(err, "%s", id) : 0;
}

/* Plugs the NICs from index @first on; the gate is held. */
static int plug_from(struct vm *vm, size_t first, const struct wait *w, struct trail *trail,
		     struct error *err)
{
	bool which[NICS_MAX] = { false };

	if (first == vm->nic_count)
		return 0;
	for (size_t i = first; i < vm->nic_count; i++) {
		if (for_nic(vm, i, add_chardev, w, err) < 0)
			return -1;
		which[i] = vm->nics[i].socket != NULL;
	}
	if (await_connected(vm, which, w, err) < 0)
		return -1;
	trail_step(trail, "the vswitch is connected to %zu interface(s)", vm->nic_count - first);
	for (size_t i = first; i < vm->nic_count; i++) {
		if (for_nic(vm, i, add_device, w, err) < 0)
			return -1;
		set_plugged(vm, i, true);
	}
	trail_step(trail, "plugged %zu interface(s)", vm->nic_count - first);
	return 0;
}

/* Takes out what a failed plug may have put in; each command fails where there is nothing. */
static void unplug(struct vm *vm, size_t index, const struct wait *w)
{
	const struct nic *nic = &vm->nics[index];
	struct error ignored;
	char id[NIC_ID_SIZE];

	nic_id(nic, id);
	qmp_executef(vm->qmp, w, NULL, &ignored, "device_del", "{s:s}", "id", id);
	qmp_executef(vm->qmp, w, NULL, &ignored, "netdev_del", "{s:s+}", "id", "net-", id);
	qmp_executef(vm->qmp, w, NULL, &ignored, "chardev-remove", "{s:s}", "id", id);
	if (nic->socket && nic->server)
		node_remove_socket(vm->node, nic->socket, w, &ignored);
}

/* The NICs from index @first on; a server that comes after us is told. */
static void undo_plug(struct vm *vm, size_t first)
{
	struct wait w = wait_for_ms(UNDO_MS);
	struct error err;

	for (size_t i = first; i < vm->nic_count; i++)
		unplug(vm, i, &w);
	drop_nics(vm, first);
	if (run_dir_save(vm, true, &w, &err) < 0)
		log_warn("VM '%s': %s", vm->name, err.text);
}

/* Whether QEMU has a device of that id, by the answer of qom-list. */
static bool has_device(const json_t *devices, const char *id)
{
	size_t index;
	json_t *device;

	json_array_foreach (devices, index, device) {
		const char *name = json_string_value(json_object_get(device, "name"));

		if (name && !strcmp(name, id))
			return true;
	}
	return false;
}

int vhost_reconcile(struct vm *vm, const struct wait *w, struct error *err)
{
	auto_json *devices = NULL;
	size_t before = vm->nic_count;
	char id[NIC_ID_SIZE];

	if (qmp_executef(vm->qmp, w, &devices, err, "qom-list", "{s:s}", "path",
			 "/machine/peripheral") < 0)
		return -1;
	for (size_t i = vm->nic_count; i-- > 0;) {
		nic_id(&vm->nics[i], id);
		if (has_device(devices, id))
			continue;
		log_warn("VM '%s': %s was not plugged to the end, it is taken out", vm->name, id);
		unplug(vm, i, w);
		drop_nic(vm, i);
	}
	return vm->nic_count < before ? run_dir_save(vm, true, w, err) : 0;
}

int vhost_plug_all(struct vm *vm, const struct wait *w, struct trail *trail, struct error *err)
{
	return plug_from(vm, 0, w, trail, err);
}

/*
 * The gate is held: adds NICs, plugs them if the VM runs. A VM whose start passed the claim but not
 * yet the gate, or has failed at it, is neither defined nor running, and has no QMP.
 */
static int define_and_plug(struct vm *vm, struct nic *nics, size_t count, const struct wait *w,
			   struct trail *trail, struct error *err)
{
	bool defined = vm_state_now(vm) == VM_DEFINED;
	int rc = defined ? 0 : vm_check_running(vm, err);
	size_t first = vm->nic_count;

	for (size_t i = 0; i < count; i++) {
		if (rc < 0)
			nic_clear(&nics[i]);
		else
			rc = add_nic(vm, nics[i], err);
	}
	if (!rc && !defined) {
		/* A server that comes after us has to know them too, wherever this one ends. */
		rc = run_dir_save(vm, true, w, err);
		if (!rc)
			rc = plug_from(vm, first, w, trail, err);
		if (rc < 0)
			undo_plug(vm, first);
	} else if (rc < 0) {
		drop_nics(vm, first);
	}
	return rc;
}

static int change_nics(struct vm *vm, struct nic *nics, size_t count, const struct wait *w,
		       struct trail *trail, struct error *err)
{
	struct wait both = vm_wait(vm, w);
	int rc;

	if (gate_enter(&vm->gate, &both, err) < 0) {
		for (size_t i = 0; i < count; i++)
			nic_clear(&nics[i]);
		return error_prefix(err, "VM '%s' is busy", vm->name);
	}
	rc = define_and_plug(vm, nics, count, &both, trail, err);
	gate_leave(&vm->gate);
	return rc;
}

int vhost_define(struct vm *vm, char *const *sockets, size_t count,
		 const struct vhost_options *options, const struct wait *w, struct trail *trail,
		 struct error *err)
{
	struct nic nics[NICS_MAX];

	if (!count || count > NICS_MAX)
		return error_set(err, EINVAL,
				 "argument 'sockets': expected 1 to %d socket paths, got %zu",
				 NICS_MAX, count);
	if (options->mac && count > 1)
		return error_set(err, EINVAL,
				 "argument 'mac': one address for %zu sockets; "
				 "configure them one by one",
				 count);
	if (options->mac && nic_check_mac(options->mac, err) < 0)
		return error_prefix(err, "argument 'mac'");
	if (vhost_check_sockets(vm, sockets, count, options->server, w, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		nics[i] = vhost_nic(sockets[i], options);
	return change_nics(vm, nics, count, w, trail, err);
}

int vhost_add_passthrough(struct vm *vm, const char *pci_address, const struct wait *w,
			  struct trail *trail, struct error *err)
{
	auto_free char *dir = own_printf("/sys/bus/pci/devices/%s", pci_address);
	struct nic nic = { .queues = 1, .mrg_rxbuf = -1, .feature_mask = -1 };
	auto_strv entries = { 0 };

	if (strlen(pci_address) != strlen("0000:00:00.0") || strchr(pci_address, '/') ||
	    node_list_dir(vm->node, dir, w, &entries, NULL) < 0)
		return error_set(err, EINVAL,
				 "argument 'pci_address': node '%s' has no PCI device '%s' (form "
				 "0000:00:00.0)",
				 vm->node->name, pci_address);
	nic.host_address = own_strdup(pci_address);
	return change_nics(vm, &nic, 1, w, trail, err);
}

int vhost_find(struct vm *vm, const char *interface, size_t *ret, struct error *err)
{
	auto_str known = { 0 };
	char id[NIC_ID_SIZE];
	lock_scope(&vm->mutex);

	for (size_t i = 0; i < vm->nic_count; i++) {
		nic_id(&vm->nics[i], id);
		str_addf(&known, "%s%s", known.length ? ", " : "", id);
		if (!strcmp(id, interface)) {
			*ret = i;
			return 0;
		}
	}
	return error_set(err, EINVAL, "VM '%s' has no interface '%s'; it has: %s", vm->name,
			 interface, known.length ? known.text : "none");
}

int vhost_await_connected(struct vm *vm, char *const *interfaces, size_t count,
			  const struct wait *w, struct error *err)
{
	struct wait both = vm_wait(vm, w);
	bool which[NICS_MAX] = { false };

	if (vm_check_running(vm, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		size_t index;

		if (vhost_find(vm, interfaces[i], &index, err) < 0)
			return -1;
		which[index] = true;
	}
	for (size_t i = 0; !count && i < NICS_MAX; i++)
		which[i] = i < vm->nic_count && vm->nics[i].socket;
	return await_connected(vm, which, &both, err);
}

int vhost_set_link(struct vm *vm, const char *interface, bool up, const struct wait *w,
		   struct error *err)
{
	size_t index;

	if (vhost_find(vm, interface, &index, err) < 0 || vm_check_running(vm, err) < 0)
		return -1;
	return qmp_executef(vm->qmp, w, NULL, err, "set_link", "{s:s,s:b}", "name", interface, "up",
			    up);
}

static bool is_deleted(struct vm *vm, size_t index)
{
	lock_scope(&vm->mutex);

	return vm->nics[index].deleted;
}

static int await_deleted(struct vm *vm, size_t index, const char *id, const struct wait *w,
			 struct error *err)
{
	auto_listener heard = { .fd = -1 };

	if (bell_listen(&vm->bell, &heard, err) < 0 ||
	    qmp_executef(vm->qmp, w, NULL, err, "device_del", "{s:s}", "id", id) < 0)
		return -1;
	while (!is_deleted(vm, index)) {
		if (vm_ended(vm))
			return error_set(err, ECONNRESET, "the VM ended");
		if (bell_wait(&heard, w, err) < 0)
			return error_append(err,
					    ": the guest did not let go of %s; is a program "
					    "in the guest using it?",
					    id);
	}
	return 0;
}

static int remove_nic(struct vm *vm, size_t index, const struct wait *w, struct error *err)
{
	char id[NIC_ID_SIZE];

	nic_id(&vm->nics[index], id);
	if (await_deleted(vm, index, id, w, err) < 0)
		return -1;
	if (vm->nics[index].socket &&
	    qmp_executef(vm->qmp, w, NULL, err, "netdev_del", "{s:s+}", "id", "net-", id) < 0)
		return -1;
	/* In QEMU 7.2 a vhost-user netdev takes its chardev with it, in others it may stay. */
	if (vm->nics[index].socket &&
	    qmp_executef(vm->qmp, w, NULL, err, "chardev-remove", "{s:s}", "id", id) < 0 &&
	    err->code != EREMOTEIO)
		return -1;
	if (vm->nics[index].socket && vm->nics[index].server &&
	    node_remove_socket(vm->node, vm->nics[index].socket, w, err) < 0)
		return -1;
	drop_nic(vm, index);
	return run_dir_save(vm, true, w, err);
}

int vhost_remove(struct vm *vm, const char *interface, const struct wait *w, struct trail *trail,
		 struct error *err)
{
	struct wait both = vm_wait(vm, w);
	size_t index;
	int rc;

	if (gate_enter(&vm->gate, &both, err) < 0)
		return error_prefix(err, "VM '%s' is busy", vm->name);
	rc = vhost_find(vm, interface, &index, err);
	if (!rc && vm_state_now(vm) == VM_DEFINED) {
		drop_nic(vm, index);
	} else if (!rc) {
		rc = vm_check_running(vm, err);
		if (!rc)
			rc = remove_nic(vm, index, &both, err);
	}
	gate_leave(&vm->gate);
	if (!rc)
		trail_step(trail, "removed %s", interface);
	return rc;
}

void vhost_remove_sockets(struct vm *vm, const struct wait *w)
{
	struct error ignored;
	lock_scope(&vm->mutex);

	for (size_t i = 0; i < vm->nic_count; i++)
		if (vm->nics[i].socket && vm->nics[i].server)
			node_remove_socket(vm->node, vm->nics[i].socket, w, &ignored);
}

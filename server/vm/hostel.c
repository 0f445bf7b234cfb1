/*
 * The running server's state: constants, nodes, VMs.
 */
#include "vm/hostel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/own.h"
#include "qemu/command.h"
#include "vm/end.h"
#include "vm/ports.h"
#include "vm/run_dir.h"

#define LOCK_FILE "lock"
/* What adopting or killing everything at the start and the end may take. */
#define ADOPT_MS 30000
#define CLOSE_MS 10000

struct hostel {
	struct constants_box *constants;
	char *config_path;
	char *site_path;
	char *run_dir;
	int lock_fd;
	struct node *nodes[TOPOLOGY_NODES_MAX];
	size_t node_count;
	struct watcher *watcher;
	pthread_mutex_t annex_mutex; /* the next two */
	void *annex;
	void (*end_annex)(void *annex);
	pthread_mutex_t mutex; /* everything below */
	struct vm **vms;
	size_t vm_count;
};

/* "auto": the system's directory for root, the session's for everybody else. */
static char *choose_run_dir(const struct hostel_options *options, const struct constants *c)
{
	const char *session = getenv("XDG_RUNTIME_DIR");
	char *real = options->run_dir ? realpath(options->run_dir, NULL) : NULL;

	if (options->run_dir)
		return real ? real : own_strdup(options->run_dir);
	if (strcmp(c->run_dir, "auto"))
		return own_strdup(c->run_dir);
	if (geteuid() == 0)
		return own_strdup("/run/vhostel");
	if (session && *session)
		return own_printf("%s/vhostel", session);
	return own_printf("/tmp/vhostel-%d", (int)geteuid());
}

/* Every socket of every VM must fit into an address. Source: unix(7). */
static int check_run_dir(const char *run_dir, struct error *err)
{
	size_t longest = strlen(run_dir) + 1 + VM_NAME_MAX + 1 + QEMU_SOCKET_NAME_MAX;

	if (*run_dir != '/')
		return error_set(err, EINVAL, "run directory '%s': expected an absolute path",
				 run_dir);
	if (longest > UNIX_PATH_MAX_LENGTH)
		return error_set(err, EINVAL,
				 "run directory '%s' is too long by %zu bytes: a Unix socket path "
				 "has at most %d; give a shorter one with --run-dir",
				 run_dir, longest - UNIX_PATH_MAX_LENGTH, UNIX_PATH_MAX_LENGTH);
	return 0;
}

static int lock_run_dir(struct hostel *h, struct error *err)
{
	auto_free char *path = qemu_path(h->run_dir, LOCK_FILE);
	char pid[32] = "";

	if (check_run_dir(h->run_dir, err) < 0 || file_make_dirs(h->run_dir, 0700, err) < 0)
		return -1;
	h->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (h->lock_fd < 0)
		return error_set_errno(err, errno, "cannot open %s", path);
	if (flock(h->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		ssize_t n = read(h->lock_fd, pid, sizeof(pid) - 1);

		pid[n > 0 ? n : 0] = '\0';
		return error_set(err, EBUSY,
				 "run directory %s belongs to the running server with process "
				 "%.*s; give this one another with --run-dir",
				 h->run_dir, (int)strcspn(pid, "\n"), pid);
	}
	if (ftruncate(h->lock_fd, 0) < 0 || dprintf(h->lock_fd, "%d\n", (int)getpid()) < 0)
		return error_set_errno(err, errno, "cannot write %s", path);
	return 0;
}

static int open_nodes(struct hostel *h, const char *path, struct error *err)
{
	__attribute__((cleanup(topology_clear))) struct topology topology = { 0 };

	if (topology_load(path, &topology, err) < 0)
		return -1;
	for (size_t i = 0; i < topology.count; i++) {
		if (node_new(&topology.nodes[i], &h->nodes[i], err) < 0)
			return -1;
		h->node_count++;
	}
	return 0;
}

static void adopt(struct hostel *h)
{
	struct wait w = wait_for_ms(ADOPT_MS);
	struct error err;

	for (size_t i = 0; i < h->node_count; i++)
		if (run_dir_adopt_all(h, h->nodes[i], h->run_dir, &w, &err) < 0)
			log_warn("node '%s': cannot look for VMs of an earlier run: %s",
				 h->nodes[i]->name, err.text);
}

static void free_hostel(struct hostel *h)
{
	for (size_t i = 0; i < h->vm_count; i++)
		vm_put(h->vms[i]);
	free(h->vms);
	watcher_free(h->watcher);
	for (size_t i = 0; i < h->node_count; i++)
		node_free(h->nodes[i]);
	constants_box_free(h->constants);
	own_close(&h->lock_fd);
	pthread_mutex_destroy(&h->mutex);
	pthread_mutex_destroy(&h->annex_mutex);
	free(h->config_path);
	free(h->site_path);
	free(h->run_dir);
	free(h);
}

static int set_up(struct hostel *h, const struct hostel_options *options, struct error *err)
{
	struct constants *constants;

	if (constants_load(options->config_path, options->site_path, &constants, err) < 0)
		return -1;
	h->constants = constants_box_new(constants);
	h->run_dir = choose_run_dir(options, constants);
	if (open_nodes(h, options->topology_path, err) < 0 || lock_run_dir(h, err) < 0 ||
	    ssh_init(err) < 0)
		return -1;
	return watcher_new(&h->watcher, err);
}

int hostel_open(const struct hostel_options *options, struct hostel **ret, struct error *err)
{
	struct hostel *h = own_alloc(sizeof(*h));

	h->lock_fd = -1;
	h->config_path = options->config_path ? own_strdup(options->config_path) : NULL;
	h->site_path = options->site_path ? own_strdup(options->site_path) : NULL;
	pthread_mutex_init(&h->mutex, NULL);
	pthread_mutex_init(&h->annex_mutex, NULL);
	if (set_up(h, options, err) < 0) {
		free_hostel(h);
		return -1;
	}
	adopt(h);
	*ret = h;
	return 0;
}

void hostel_close(struct hostel *h)
{
	struct wait w = wait_for_ms(CLOSE_MS);
	json_t *killed = NULL;
	struct error err;
	bool kill;

	if (!h)
		return;
	{
		auto_constants held = hostel_hold(h);

		kill = held.c->server.on_exit == ON_EXIT_KILL;
	}
	if (h->annex)
		h->end_annex(h->annex);
	if (kill && vm_kill_all(h, NULL, &w, &killed, &err) < 0)
		log_error("%s", err.text);
	json_decref(killed);
	free_hostel(h);
}

void *hostel_annex(struct hostel *h, void *(*make)(struct hostel *hostel), void (*end)(void *annex))
{
	lock_scope(&h->annex_mutex);

	if (!h->annex) {
		h->annex = make(h);
		h->end_annex = end;
	}
	return h->annex;
}

struct constants_box *hostel_constants(struct hostel *h)
{
	return h->constants;
}

struct held_constants hostel_hold(struct hostel *h)
{
	return (struct held_constants) { .hostel = h, .c = constants_hold(h->constants) };
}

void hostel_release(struct held_constants *held)
{
	constants_release(held->hostel->constants, held->c);
}

int hostel_reload(struct hostel *h, struct error *err)
{
	return constants_reload(h->constants, h->config_path, h->site_path, err);
}

struct watcher *hostel_watcher(struct hostel *h)
{
	return h->watcher;
}

const char *hostel_run_dir(struct hostel *h)
{
	return h->run_dir;
}

int hostel_node(struct hostel *h, const char *name, struct node **ret, struct error *err)
{
	auto_str known = { 0 };

	for (size_t i = 0; i < h->node_count; i++) {
		str_addf(&known, "%s%s", i ? ", " : "", h->nodes[i]->name);
		if (!strcmp(h->nodes[i]->name, name)) {
			*ret = h->nodes[i];
			return 0;
		}
	}
	return error_set(err, EINVAL,
			 "argument 'node': unknown node '%s'; the topology file has: %s", name,
			 str_text(&known));
}

size_t hostel_node_count(struct hostel *h)
{
	return h->node_count;
}

struct node *hostel_node_at(struct hostel *h, size_t index)
{
	return h->nodes[index];
}

/* With the mutex held: the VM of that name, or NULL. */
static struct vm *lookup(struct hostel *h, const char *name)
{
	for (size_t i = 0; i < h->vm_count; i++)
		if (!strcmp(h->vms[i]->name, name))
			return h->vms[i];
	return NULL;
}

int hostel_find(struct hostel *h, const char *name, struct vm **ret, struct error *err)
{
	auto_str known = { 0 };
	struct vm *vm;

	if (vm_check_name(name, err) < 0)
		return -1;
	lock_scope(&h->mutex);
	vm = lookup(h, name);
	if (vm) {
		*ret = vm_get(vm);
		return 0;
	}
	for (size_t i = 0; i < h->vm_count; i++)
		str_addf(&known, "%s%s", i ? ", " : "", h->vms[i]->name);
	return error_set(err, EINVAL, "argument 'vm': unknown VM '%s'; there are: %s", name,
			 h->vm_count ? known.text : "none");
}

static bool id_taken(struct hostel *h, const struct node *node, int qemu_id, const char *except)
{
	for (size_t i = 0; i < h->vm_count; i++)
		if (h->vms[i]->node == node && h->vms[i]->qemu_id == qemu_id &&
		    strcmp(h->vms[i]->name, except))
			return true;
	return false;
}

/* The id asked for, or the lowest that is free on the node, its ports too: what kind of VM it will
 * be is not known yet. With the mutex held. */
static int choose_id(struct hostel *h, const struct node *node, const char *name, int qemu_id,
		     int *ret, struct error *err)
{
	auto_constants held = hostel_hold(h);

	if (qemu_id && id_taken(h, node, qemu_id, name))
		return error_set(err, EINVAL,
				 "argument 'qemu_id': %d is taken on node '%s'; 0 takes the next "
				 "free one",
				 qemu_id, node->name);
	*ret = qemu_id;
	for (int id = 1; !*ret && id <= held.c->qemu.max_vms; id++)
		if (!id_taken(h, node, id, name) && !ports_check(node, held.c, id, NULL))
			*ret = id;
	if (!*ret)
		return error_set(err, ENOSPC,
				 "node '%s' has no free number up to %d (qemu.max_vms): each is a "
				 "VM's, or its ports are taken",
				 node->name, held.c->qemu.max_vms);
	return 0;
}

/* A new VM with the interfaces of @old (or none). */
static int renew(struct hostel *h, const char *name, struct node *node, int qemu_id, struct vm *old,
		 struct vm **ret, struct error *err)
{
	auto_constants held = hostel_hold(h);
	struct vm *vm;

	if (vm_new(h, name, node, h->run_dir, qemu_id, &vm, err) < 0)
		return -1;
	for (size_t i = 0; old && i < old->nic_count; i++) {
		vm->nics[i] = nic_copy(&old->nics[i]);
		if (str_starts(vm->nics[i].mac, held.c->qemu.mac_prefix))
			nic_auto_mac(&vm->nics[i], held.c->qemu.mac_prefix, qemu_id);
	}
	vm->nic_count = old ? old->nic_count : 0;
	*ret = vm;
	return 0;
}

static void add(struct hostel *h, struct vm *vm)
{
	h->vms = own_realloc(h->vms, (h->vm_count + 1) * sizeof(*h->vms));
	h->vms[h->vm_count++] = vm;
}

/* With the mutex held; the registry's reference goes to the caller. */
static struct vm *take_out(struct hostel *h, struct vm *vm)
{
	for (size_t i = 0; i < h->vm_count; i++)
		if (h->vms[i] == vm) {
			h->vms[i] = h->vms[--h->vm_count];
			return vm;
		}
	return NULL;
}

static bool has_ended(struct vm *vm)
{
	enum vm_state state = vm_state_now(vm);

	return state == VM_STOPPED || state == VM_FAILED;
}

int hostel_define(struct hostel *h, const char *name, struct node *node, int qemu_id,
		  struct vm **ret, struct error *err)
{
	auto_vm *old = NULL;
	struct vm *vm;
	int id = 0;

	if (vm_check_name(name, err) < 0)
		return -1;
	lock_scope(&h->mutex);
	vm = lookup(h, name);
	if (vm && vm->node != node)
		return error_set(err, EINVAL, "argument 'node': VM '%s' is on node '%s', got '%s'",
				 name, vm->node->name, node->name);
	if (vm && !has_ended(vm) &&
	    (!qemu_id || qemu_id == vm->qemu_id || vm_state_now(vm) != VM_DEFINED)) {
		*ret = vm_get(vm);
		return 0;
	}
	if (choose_id(h, node, name,
		      qemu_id ? qemu_id
		      : vm    ? vm->qemu_id
			      : 0,
		      &id, err) < 0 ||
	    renew(h, name, node, id, vm, ret, err) < 0)
		return -1;
	if (vm)
		old = take_out(h, vm);
	add(h, vm_get(*ret));
	return 0;
}

int hostel_claim(struct hostel *h, struct vm *vm, struct error *err)
{
	lock_scope(&h->mutex);
	lock_scope(&vm->mutex);

	if (vm->state != VM_DEFINED)
		return error_set(err, EINVAL, "argument 'vm': VM '%s' is %s already", vm->name,
				 vm_state_names[vm->state]);
	if (lookup(h, vm->name) != vm)
		return error_set(err, EAGAIN, "VM '%s' was changed by another call", vm->name);
	vm->state = VM_STARTING;
	vm->stage = "preparing";
	return 0;
}

void hostel_unclaim(struct hostel *h, struct vm *vm)
{
	auto_vm *old = NULL;
	lock_scope(&h->mutex);
	lock_scope(&vm->mutex);

	if (vm->state == VM_DEFINED && !vm->nic_count)
		old = take_out(h, vm);
}

void hostel_forget(struct hostel *h, struct vm *vm, bool redefine)
{
	auto_vm *old = NULL;
	struct vm *fresh = NULL;
	lock_scope(&h->mutex);

	old = take_out(h, vm);
	if (old && redefine && !renew(h, vm->name, vm->node, vm->qemu_id, vm, &fresh, NULL))
		add(h, fresh);
}

size_t hostel_vms(struct hostel *h, const struct node *node, struct vm ***ret)
{
	size_t count = 0;
	lock_scope(&h->mutex);

	*ret = own_alloc((h->vm_count + 1) * sizeof(**ret));
	for (size_t i = 0; i < h->vm_count; i++)
		if (!node || h->vms[i]->node == node)
			(*ret)[count++] = vm_get(h->vms[i]);
	return count;
}

static bool has_socket(struct vm *vm, const char *socket)
{
	lock_scope(&vm->mutex);

	for (size_t i = 0; i < vm->nic_count; i++)
		if (str_equal(vm->nics[i].socket, socket))
			return true;
	return false;
}

struct vm *hostel_socket_user(struct hostel *h, const struct node *node, const char *socket)
{
	lock_scope(&h->mutex);

	for (size_t i = 0; i < h->vm_count; i++)
		if (h->vms[i]->node == node && has_socket(h->vms[i], socket))
			return vm_get(h->vms[i]);
	return NULL;
}

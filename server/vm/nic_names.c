/*
 * The guest's names of interfaces, as its agent reports them.
 */
#include "vm/nic_names.h"

#include <strings.h>

#include "base/own.h"
#include "value/value.h"

#define COMMAND	    "guest-network-get-interfaces"
#define KERNEL_NAME "eth"
/* How long names are waited for, and how long is between two looks. */
#define AWAIT_MS      2000
#define LOOK_AGAIN_MS 100
/* How long a refresh waits for the answer, and how soon it may ask again: after one, after none. */
#define REFRESH_MS	    200
#define ASK_AGAIN_MS	    1000
#define ASK_SILENT_AGAIN_MS 10000

static size_t count_missing(const struct vm *vm)
{
	size_t missing = 0;

	for (size_t i = 0; i < vm->nic_count; i++)
		missing += !*vm->nics[i].name;
	return missing;
}

/* The kernel's name for an interface that an image VM's own programs rename soon, or nobody does.
 */
static size_t count_passing(const struct vm *vm)
{
	size_t passing = 0;

	for (size_t i = 0; vm->kind == VM_IMAGE && i < vm->nic_count; i++)
		passing += str_starts(vm->nics[i].name, KERNEL_NAME);
	return passing;
}

static void take_name(struct nic *nic, const json_t *interfaces)
{
	size_t index;
	json_t *item;

	json_array_foreach (interfaces, index, item) {
		const char *mac = json_string_value(json_object_get(item, "hardware-address"));
		const char *name = json_string_value(json_object_get(item, "name"));

		if (!mac || !name || strcasecmp(mac, nic->mac))
			continue;
		free(nic->name);
		nic->name = own_strdup(name);
	}
}

void nic_names_take(struct vm *vm, const json_t *interfaces)
{
	lock_scope(&vm->mutex);

	for (size_t i = 0; i < vm->nic_count; i++)
		take_name(&vm->nics[i], interfaces);
}

static int look(struct vm *vm, const struct wait *w)
{
	auto_json *interfaces = NULL;

	if (agent_execute(vm->agent, COMMAND, NULL, w, &interfaces, NULL) < 0)
		return -1;
	nic_names_take(vm, interfaces);
	return 0;
}

/* Whether the guest can be asked for names that are not there yet; @ret_missing: how many. */
static bool lacks_names(struct vm *vm, bool plugged, size_t *ret_missing)
{
	lock_scope(&vm->mutex);

	*ret_missing = count_missing(vm);
	return vm->agent_open && vm->state != VM_PAUSED &&
	       (*ret_missing || (plugged && count_passing(vm)));
}

size_t nic_names_await(struct vm *vm, bool plugged, const struct wait *w)
{
	struct wait guest = vm_guest_wait(vm, w), once = wait_within(&guest, AWAIT_MS);
	size_t missing;

	while (lacks_names(vm, plugged, &missing) && !look(vm, &once) &&
	       lacks_names(vm, plugged, &missing) && !wait_pause(&once, LOOK_AGAIN_MS, NULL))
		;
	return missing;
}

/* Whether there is something to ask for, and it is not too soon. */
static bool wants_names(struct vm *vm)
{
	lock_scope(&vm->mutex);

	if (vm->state != VM_RUNNING || vm->ended || clock_ms() < vm->names_again_ms ||
	    !(count_missing(vm) + count_passing(vm)))
		return false;
	/* A kernel VM's agent tells when it opens its port. */
	return vm->agent_open || vm->kind == VM_IMAGE;
}

void nic_names_refresh(struct vm *vm)
{
	struct wait own = wait_for_ms(REFRESH_MS), w = vm_guest_wait(vm, &own);
	int rc;

	if (!wants_names(vm))
		return;
	rc = look(vm, &w);
	pthread_mutex_lock(&vm->mutex);
	vm->names_again_ms = clock_ms() + (rc < 0 ? ASK_SILENT_AGAIN_MS : ASK_AGAIN_MS);
	if (!rc)
		vm->agent_open = true;
	pthread_mutex_unlock(&vm->mutex);
}

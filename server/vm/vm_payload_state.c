/*
 * A payload that runs, as it stands in vm.json.
 */
#include <stdio.h>

#include "base/own.h"
#include "vm/vm_payload_kind.h"

static json_t *save_nic(const struct payload_nic *nic)
{
	return json_pack("{s:s,s:s,s:s,s:s*,s:s*,s:i}", "id", nic->id, "mac", nic->mac, "pci",
			 nic->pci, "name", nic->name, "address", nic->address, "queues",
			 nic->queues);
}

json_t *vm_payload_save(const struct vm *vm)
{
	const struct vm_payload *p = payload_running_now(vm);
	json_t *nics;

	if (!p)
		return json_null();
	nics = json_array();
	for (size_t i = 0; i < p->nic_count; i++)
		json_array_append_new(nics, save_nic(&p->nics[i]));
	return json_pack("{s:i,s:i,s:o,s:O*}", "kind", (int)(p->kind - payload_kinds), "pid",
			 p->pid, "nics", nics, "base", p->base);
}

static int load_nic(const json_t *saved, struct payload_nic *ret)
{
	const char *id, *mac, *pci, *name = NULL, *address = NULL;

	if (json_unpack((json_t *)saved, "{s:s,s:s,s:s,s?s,s?s,s:i}", "id", &id, "mac", &mac, "pci",
			&pci, "name", &name, "address", &address, "queues", &ret->queues) < 0)
		return -1;
	snprintf(ret->id, sizeof(ret->id), "%s", id);
	snprintf(ret->mac, sizeof(ret->mac), "%s", mac);
	ret->pci = own_strdup(pci);
	ret->name = name ? own_strdup(name) : NULL;
	ret->address = address ? own_strdup(address) : NULL;
	return 0;
}

struct vm_payload *vm_payload_load(const json_t *saved)
{
	struct vm_payload *p = own_alloc(sizeof(*p));
	json_t *nics = NULL, *base = NULL, *nic;
	int kind = -1;
	size_t i;

	*p = (struct vm_payload) { 0 };
	if (json_unpack((json_t *)saved, "{s:i,s:i,s:o,s?o}", "kind", &kind, "pid", &p->pid, "nics",
			&nics, "base", &base) < 0 ||
	    kind < 0 || kind >= VM_PAYLOADS) {
		vm_payload_free(p);
		return NULL;
	}
	p->kind = &payload_kinds[kind];
	p->base = json_incref(base);
	json_array_foreach (nics, i, nic)
		if (p->nic_count < NICS_MAX && !load_nic(nic, &p->nics[p->nic_count]))
			p->nic_count++;
	return p;
}

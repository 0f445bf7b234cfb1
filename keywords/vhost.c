/*
 * Keywords: vhost-user interfaces of a VM.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "keywords/usual_args.h"
#include "value/value.h"
#include "vm/nic_names.h"
#include "vm/plug.h"

/* How long the guest may take to name what was plugged; a NIC of DPDK never gets a name. */
#define NAMES_MS 700

/* The highest feature bit that an argument of 32 bits can carry. */
#define FEATURE_MASK_MAX 0x7fffffff

struct configure_args {
	const char *vm;
	struct strv sockets;
	const char *node;
	bool server;
	int queues;
	int queue_size;
	bool jumbo;
	bool csum;
	bool gso;
	int mrg_rxbuf;
	bool packed;
	const char *mac;
	const char *feature_mask;
	int64_t timeout_ms;
};

#define FIELD(member) .kind = ARG_NAMED_ONLY, .offset = offsetof(struct configure_args, member)

static const struct keyword_arg configure_args[] = {
	ARGUMENT_VM(configure_args),
	{ .name = "sockets",
	  .kind = ARG_VARARGS,
	  .type = ARG_STR_LIST,
	  .offset = offsetof(struct configure_args, sockets),
	  .doc = "Paths of vhost-user sockets, at most 107 bytes each; their order is vhost1, "
		 "vhost2, ... and PCI slots 6, 7, ...." },
	{ .name = "node",
	  .type = ARG_STR,
	  .fallback = "DUT1",
	  FIELD(node),
	  .doc = "Node of the topology file." },
	{ .name = "server",
	  .type = ARG_BOOL,
	  .fallback = "True",
	  FIELD(server),
	  .doc = "True: QEMU listens and the vswitch connects; False: the other way round." },
	{ .name = "queues",
	  .type = ARG_INT,
	  .fallback = "1",
	  .min = 1,
	  .max = NIC_QUEUES_MAX,
	  FIELD(queues),
	  .doc = "Queue pairs." },
	{ .name = "queue_size",
	  .type = ARG_INT,
	  .fallback = "1024",
	  .min = 256,
	  .max = 1024,
	  FIELD(queue_size),
	  .doc = "Descriptors of a queue: 256, 512 or 1024." },
	{ .name = "jumbo",
	  .type = ARG_BOOL,
	  .fallback = "False",
	  FIELD(jumbo),
	  .doc = "MTU 9200 and mergeable receive buffers." },
	{ .name = "csum",
	  .type = ARG_BOOL,
	  .fallback = "False",
	  FIELD(csum),
	  .doc = "Checksum offload." },
	{ .name = "gso",
	  .type = ARG_BOOL,
	  .fallback = "False",
	  FIELD(gso),
	  .doc = "Segmentation offload." },
	{ .name = "mrg_rxbuf",
	  .type = ARG_BOOL,
	  .fallback = "auto",
	  .or_auto = true,
	  FIELD(mrg_rxbuf),
	  .doc = "Mergeable receive buffers; `auto`: with `jumbo`." },
	{ .name = "packed",
	  .type = ARG_BOOL,
	  .fallback = "False",
	  FIELD(packed),
	  .doc = "Packed virtqueues." },
	{ .name = "mac",
	  .type = ARG_STR,
	  .fallback = "auto",
	  .min = 1,
	  .max = 32,
	  FIELD(mac),
	  .doc = "MAC address, for a single socket; `auto`: 52:54:00:00:<qemu_id>:<interface>." },
	{ .name = "feature_mask",
	  .type = ARG_STR,
	  .fallback = "none",
	  .nullable = true,
	  FIELD(feature_mask),
	  .doc = "What *Create Virtio Feature Mask* returned: these offloads and no others." },
	ARGUMENT_TIMEOUT(configure_args, "timeout.vhost", ARG_NAMED_ONLY),
};

static int read_mask(const char *text, int *ret, struct error *err)
{
	long long mask = -1;

	if (text && str_to_int(text, 0, FEATURE_MASK_MAX, &mask) < 0)
		return error_set(err, EINVAL,
				 "argument 'feature_mask': expected an integer from 0 to %d or "
				 "none, got '%s'",
				 FEATURE_MASK_MAX, text);
	*ret = (int)mask;
	return 0;
}

static int read_options(const struct configure_args *a, struct vhost_options *ret,
			struct error *err)
{
	*ret = (struct vhost_options) {
		.server = a->server,
		.queues = a->queues,
		.queue_size = a->queue_size,
		.jumbo = a->jumbo,
		.csum = a->csum,
		.gso = a->gso,
		.packed = a->packed,
		.mrg_rxbuf = a->mrg_rxbuf,
		.mac = strcasecmp(a->mac, "auto") ? a->mac : NULL,
	};
	if (a->queue_size & (a->queue_size - 1))
		return error_set(err, EINVAL,
				 "argument 'queue_size': expected 256, 512 or 1024, got %d",
				 a->queue_size);
	return read_mask(a->feature_mask, &ret->feature_mask, err);
}

static int configure(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct configure_args *a = args;
	struct wait w = call_wait(call, a->timeout_ms), soon;
	struct vhost_options options;
	auto_vm *vm = NULL;
	struct node *node;

	if (read_options(a, &options, err) < 0 ||
	    hostel_node(call->hostel, a->node, &node, err) < 0 ||
	    hostel_define(call->hostel, a->vm, node, 0, &vm, err) < 0)
		return -1;
	if (vhost_define(vm, a->sockets.items, a->sockets.count, &options, &w, &call->trail, err) <
	    0) {
		hostel_unclaim(call->hostel, vm);
		return error_prefix(err, "Configure Vhost Interfaces");
	}
	soon = wait_within(&w, NAMES_MS);
	nic_names_await(vm, true, &soon);
	*ret = vm_interfaces(vm);
	return 0;
}

struct interface_args {
	const char *vm;
	const char *interface;
	struct strv interfaces;
	const char *socket;
	int state;
	const char *pci_address;
	int64_t timeout_ms;
};

#define ARGUMENT_INTERFACE                                                 \
	{                                                                  \
		.name = "interface", .type = ARG_STR, .min = 1, .max = 32, \
		.offset = offsetof(struct interface_args, interface),      \
		.doc = "Interface such as `vhost1`."                       \
	}

static const struct keyword_arg await_args[] = {
	ARGUMENT_VM(interface_args),
	{ .name = "interfaces",
	  .kind = ARG_VARARGS,
	  .type = ARG_STR_LIST,
	  .offset = offsetof(struct interface_args, interfaces),
	  .doc = "Interfaces such as `vhost1`; none: all." },
	ARGUMENT_TIMEOUT(interface_args, "timeout.vhost", ARG_NAMED_ONLY),
};

static int await_connected(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct interface_args *a = args;
	struct wait w = call_wait(call, a->timeout_ms);
	auto_vm *vm = NULL;

	(void)ret;
	if (call_find(call, a->vm, &vm, err) < 0)
		return -1;
	return vhost_await_connected(vm, a->interfaces.items, a->interfaces.count, &w, err);
}

static const struct keyword_arg interface_args[] = {
	ARGUMENT_VM(interface_args),
	ARGUMENT_INTERFACE,
};

static int get_state(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct interface_args *a = args;
	bool connected[NICS_MAX] = { false };
	auto_vm *vm = NULL;
	size_t index;

	if (call_find(call, a->vm, &vm, err) < 0 || vhost_find(vm, a->interface, &index, err) < 0)
		return -1;
	vhost_connections(vm, connected);
	*ret = json_string(connected[index] ? "connected" : "disconnected");
	return 0;
}

static const char *const link_states[] = { "down", "up", NULL };

static const struct keyword_arg link_args[] = {
	ARGUMENT_VM(interface_args),
	ARGUMENT_INTERFACE,
	{ .name = "state",
	  .type = ARG_ENUM,
	  .choices = link_states,
	  .offset = offsetof(struct interface_args, state),
	  .doc = "The carrier to show." },
};

static int set_link(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct interface_args *a = args;
	struct wait w = call_qmp_wait(call);
	auto_vm *vm = NULL;

	(void)ret;
	if (call_find(call, a->vm, &vm, err) < 0)
		return -1;
	return vhost_set_link(vm, a->interface, a->state == 1, &w, err);
}

static const struct keyword_arg remove_args[] = {
	ARGUMENT_VM(interface_args),
	ARGUMENT_INTERFACE,
	ARGUMENT_TIMEOUT(interface_args, "timeout.unplug", ARG_POSITIONAL),
};

static int remove_interface(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct interface_args *a = args;
	struct wait w = call_wait(call, a->timeout_ms);
	auto_vm *vm = NULL;

	(void)ret;
	if (call_find(call, a->vm, &vm, err) < 0)
		return -1;
	return vhost_remove(vm, a->interface, &w, &call->trail, err);
}

static const struct keyword_arg by_socket_args[] = {
	ARGUMENT_VM(interface_args),
	{ .name = "socket",
	  .type = ARG_STR,
	  .min = 1,
	  .max = 4096,
	  .offset = offsetof(struct interface_args, socket),
	  .doc = "Path of its socket." },
};

static int get_by_socket(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct interface_args *a = args;
	auto_json *interfaces = NULL;
	auto_vm *vm = NULL;
	const char *id;
	json_t *nic;

	if (call_find(call, a->vm, &vm, err) < 0)
		return -1;
	interfaces = vm_interfaces(vm);
	json_object_foreach (interfaces, id, nic) {
		if (!strcmp(json_string_value(json_object_get(nic, "socket")), a->socket)) {
			*ret = json_string(id);
			return 0;
		}
	}
	return error_set(err, EINVAL, "argument 'socket': VM '%s' has no interface on '%s'", a->vm,
			 a->socket);
}

struct mask_args {
	bool all;
	json_t *features;
};

static const struct keyword_arg mask_args[] = {
	{ .name = "all",
	  .type = ARG_BOOL,
	  .fallback = "False",
	  .offset = offsetof(struct mask_args, all),
	  .doc = "Begin with every feature set." },
	{ .name = "features",
	  .kind = ARG_KWARGS,
	  .type = ARG_DICT,
	  .offset = offsetof(struct mask_args, features),
	  .doc = "Feature names with True or False, such as `csum=True`." },
};

static int feature_bit(const char *name, struct error *err)
{
	auto_str known = { 0 };

	for (const struct nic_feature *f = nic_features; f->name; f++) {
		if (!strcmp(f->name, name))
			return f->bit;
		str_addf(&known, "%s%s", known.length ? ", " : "", f->name);
	}
	return error_set(err, EINVAL, "argument '%s': no such virtio feature; there are: %s", name,
			 str_text(&known));
}

/* The texts that Robot takes for a boolean, in pairs of false and true. */
static const char *const truths[] = { "False", "True", "no", "yes", "off", "on", "0", "1" };

static int truth(const char *name, const json_t *value, struct error *err)
{
	const char *text = json_string_value(value);

	if (json_is_boolean(value))
		return json_is_true(value);
	for (size_t i = 0; text && i < sizeof(truths) / sizeof(truths[0]); i++)
		if (!strcasecmp(text, truths[i]))
			return (int)(i % 2);
	if (json_is_integer(value) && json_integer_value(value) >> 1 == 0)
		return (int)json_integer_value(value);
	return error_set(err, EINVAL, "argument '%s': expected True or False, got '%s'", name,
			 text ? text : "another type");
}

static int create_mask(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct mask_args *a = args;
	const char *name;
	json_t *value;
	int mask = 0;

	(void)call;
	for (const struct nic_feature *f = nic_features; a->all && f->name; f++)
		mask |= 1 << f->bit;
	json_object_foreach (a->features, name, value) {
		int bit = feature_bit(name, err), on;

		if (bit < 0)
			return -1;
		on = truth(name, value, err);
		if (on < 0)
			return -1;
		mask = on ? mask | 1 << bit : mask & ~(1 << bit);
	}
	*ret = json_integer(mask);
	return 0;
}

static const struct keyword_arg passthrough_args[] = {
	ARGUMENT_VM(interface_args),
	{ .name = "pci_address",
	  .type = ARG_STR,
	  .min = 12,
	  .max = 12,
	  .offset = offsetof(struct interface_args, pci_address),
	  .doc = "Host device such as `0000:3b:00.0`, bound to vfio-pci." },
	ARGUMENT_TIMEOUT(interface_args, "timeout.vhost", ARG_NAMED_ONLY),
};

static int add_passthrough(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct interface_args *a = args;
	struct wait w = call_wait(call, a->timeout_ms);
	auto_vm *vm = NULL;
	struct node *node = hostel_node_at(call->hostel, 0);

	if (hostel_define(call->hostel, a->vm, node, 0, &vm, err) < 0)
		return -1;
	if (vhost_add_passthrough(vm, a->pci_address, &w, &call->trail, err) < 0) {
		hostel_unclaim(call->hostel, vm);
		return -1;
	}
	*ret = vm_interfaces(vm);
	return 0;
}

static const struct keyword keywords[] = {
	{ .name = "Configure Vhost Interfaces",
	  .tags = "vm vhost",
	  .doc = "Gives a VM one vhost-user NIC for each socket.\n\n"
		 "Before the start they become the VM's NICs; on a running VM they are plugged, "
		 "which waits for the vswitch. When one cannot be had, none is left.",
	  KEYWORD_ARGS(configure_args),
	  .args_size = sizeof(struct configure_args),
	  .returns = "All interfaces of the VM: {`vhost1`: {`mac_address`, `socket`, "
		     "`pci_address`, `queues`, `connected`, `name`}, ...}",
	  .run = configure },
	{ .name = "Wait Until Vhost Connected",
	  .tags = "vm vhost wait",
	  .doc = "Waits until the vswitch is connected to all of the interfaces.",
	  KEYWORD_ARGS(await_args),
	  .args_size = sizeof(struct interface_args),
	  .run = await_connected },
	{ .name = "Get Vhost Interface State",
	  .tags = "vm vhost info",
	  .doc = "Whether the vswitch is connected to an interface.",
	  KEYWORD_ARGS(interface_args),
	  .args_size = sizeof(struct interface_args),
	  .returns = "`connected` or `disconnected`",
	  .run = get_state },
	{ .name = "Set Vhost Link",
	  .tags = "vm vhost",
	  .doc = "Shows the guest a carrier that is up or down.",
	  KEYWORD_ARGS(link_args),
	  .args_size = sizeof(struct interface_args),
	  .run = set_link },
	{ .name = "Remove Vhost Interface",
	  .tags = "vm vhost",
	  .doc = "Unplugs an interface; waits until the guest let go of it.",
	  KEYWORD_ARGS(remove_args),
	  .args_size = sizeof(struct interface_args),
	  .run = remove_interface },
	{ .name = "Get Vhost Interface By Socket",
	  .tags = "vm vhost info",
	  .doc = "The interface that has a socket.",
	  KEYWORD_ARGS(by_socket_args),
	  .args_size = sizeof(struct interface_args),
	  .returns = "Name such as `vhost1`",
	  .run = get_by_socket },
	{ .name = "Create Virtio Feature Mask",
	  .tags = "vhost",
	  .doc = "The bits of virtio features, for `feature_mask`.",
	  KEYWORD_ARGS(mask_args),
	  .args_size = sizeof(struct mask_args),
	  .returns = "Integer; the bit numbers are those of the virtio specification",
	  .run = create_mask },
	{ .name = "Add PCI Passthrough Interface",
	  .tags = "vm pci",
	  .doc = "Gives a VM a PCI device of the host through vfio-pci, in the next slot.",
	  KEYWORD_ARGS(passthrough_args),
	  .args_size = sizeof(struct interface_args),
	  .returns = "All interfaces of the VM",
	  .run = add_passthrough },
};

const struct keyword_family vhost_family = KEYWORD_FAMILY("Vhost interfaces", keywords);

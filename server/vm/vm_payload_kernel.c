/*
 * Payloads that are the guest's own kernel: bridge, IPv4 forwarding, and iperf3 on top of it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "value/value.h"
#include "vm/vm_payload_guest.h"
#include "vm/vm_payload_kind.h"

#define BRIDGE_NAME "br0"
#define FORWARD_KEY "/proc/sys/net/ipv4/ip_forward"
/* The guest's state has no event that the agent could tell of. */
#define LOOK_AGAIN_MS 50

int payload_check_address(const char *text, bool prefix, const char *argument, struct error *err)
{
	auto_free char *copy = own_strdup(text);
	char *slash = strchr(copy, '/');
	struct in_addr address;
	long long length = 32;

	if (slash)
		*slash = '\0';
	if (inet_pton(AF_INET, copy, &address) == 1 && prefix == (slash != NULL) &&
	    (!slash || !str_to_int(slash + 1, 0, 32, &length)))
		return 0;
	return error_set(err, EINVAL,
			 "argument '%s': expected an IPv4 address such as %s, got '%s'", argument,
			 prefix ? "1.1.1.1/24" : "1.1.1.2", text);
}

/* "10.0.0.0/8 via 1.1.1.2", and nothing that ip(8) would take for more. */
static int check_route(const char *text, struct error *err)
{
	char prefix[32] = "", via[8] = "", hop[32] = "", more;
	struct error ignored;

	if (sscanf(text, "%31s %7s %31s %c", prefix, via, hop, &more) == 3 && !strcmp(via, "via") &&
	    !payload_check_address(prefix, true, "", &ignored) &&
	    !payload_check_address(hop, false, "", &ignored))
		return 0;
	return error_set(err, EINVAL,
			 "argument 'routes': expected PREFIX via ADDRESS such as 10.0.0.0/8 via "
			 "1.1.1.2, got '%s'",
			 text);
}

static int check_lists(const struct payload_run *r, size_t count, struct error *err)
{
	const struct vm_payload_options *o = &r->o;

	if (o->addresses.count != count)
		return error_set(err, EINVAL,
				 "argument 'addresses': expected %zu, one an interface, got %zu",
				 count, o->addresses.count);
	if (o->peers.count > count)
		return error_set(
			err, EINVAL,
			"argument 'peers': expected at most %zu, one an interface, got %zu", count,
			o->peers.count);
	for (size_t i = 0; i < o->addresses.count; i++)
		if (payload_check_address(o->addresses.items[i], true, "addresses", err) < 0)
			return -1;
	for (size_t i = 0; i < o->peers.count; i++)
		if (payload_check_address(o->peers.items[i], false, "peers", err) < 0)
			return -1;
	for (size_t i = 0; i < o->routes.count; i++)
		if (check_route(o->routes.items[i], err) < 0)
			return -1;
	if (o->peer_macs.count > o->peers.count)
		return error_set(err, EINVAL,
				 "argument 'peer_macs': expected at most %zu, one a peer, got %zu",
				 o->peers.count, o->peer_macs.count);
	return 0;
}

int payload_find_names(struct vm *vm, struct payload_nic *nics, size_t count, const struct wait *w,
		       struct error *err)
{
	auto_json *links = NULL;

	if (guest_links(vm, w, &links, err) < 0)
		return -1;
	lock_scope(&vm->mutex);
	for (size_t i = 0; i < count; i++) {
		const json_t *link = guest_link_of(links, nics[i].mac);
		const char *name = json_string_value(json_object_get(link, "ifname"));

		if (!name)
			return error_set(err, ENODEV,
					 "the guest has no interface with the MAC address %s (%s)",
					 nics[i].mac, nics[i].id);
		free(nics[i].name);
		nics[i].name = own_strdup(name);
		for (size_t n = 0; n < vm->nic_count; n++) {
			if (strcmp(vm->nics[n].mac, nics[i].mac) != 0)
				continue;
			free(vm->nics[n].name);
			vm->nics[n].name = own_strdup(name);
		}
	}
	return 0;
}

/* Whether all are up with a carrier; @ret_down: the first that is not, borrowed. */
static bool have_carrier(const struct payload_run *r, const json_t *links, const char **ret_down)
{
	for (size_t i = 0; i < r->nic_count; i++) {
		const json_t *link = guest_link_of(links, r->nics[i].mac);
		const char *state = json_string_value(json_object_get(link, "operstate"));

		*ret_down = r->nics[i].id;
		if (!state || strcmp(state, "UP") != 0)
			return false;
	}
	return true;
}

/* Whether every port of the bridge forwards. Source: bridge(8), bridge -j link. */
static int ports_forward(const struct payload_run *r, bool *ret, struct error *err)
{
	char *const argv[] = { (char[]) { "bridge" }, (char[]) { "-j" }, (char[]) { "link" },
			       (char[]) { "show" }, NULL };
	auto_json *ports = NULL;
	auto_str text = { 0 };
	size_t index, forwarding = 0;
	json_t *port;

	if (guest_must(r->vm, argv, NULL, r->w, &text, err) < 0)
		return -1;
	ports = value_parse(str_text(&text), text.length, "bridge link", err);
	if (!ports)
		return -1;
	json_array_foreach (ports, index, port) {
		const char *state = json_string_value(json_object_get(port, "state"));

		forwarding += state && !strcmp(state, "forwarding");
	}
	*ret = forwarding >= r->nic_count;
	return 0;
}

int payload_await_links(struct payload_run *r, struct error *err)
{
	bool bridge = r->kind == &payload_kinds[VM_PAYLOAD_BRIDGE];
	const char *down = "";

	for (;;) {
		auto_json *links = NULL;
		bool good;

		if (guest_links(r->vm, r->w, &links, err) < 0)
			return -1;
		good = have_carrier(r, links, &down);
		if (good && bridge && ports_forward(r, &good, err) < 0)
			return -1;
		if (good)
			break;
		if (wait_pause(r->w, LOOK_AGAIN_MS, err) < 0)
			return error_append(err,
					    " waiting for %s: %s has none; is a vswitch connected?",
					    r->kind->awaits, down);
	}
	trail_step(r->trail, "%s: configured", r->kind->title);
	return 0;
}

int bridge_configure(struct payload_run *r, struct error *err)
{
	auto_str batch = { 0 };

	str_adds(&batch, "link add name " BRIDGE_NAME
			 " type bridge forward_delay 0 stp_state 0 mcast_snooping 0\n");
	for (size_t i = 0; i < r->nic_count; i++)
		str_addf(&batch,
			 "address flush dev %s\nlink set dev %s promisc on master " BRIDGE_NAME
			 "\nlink set dev %s up\n",
			 r->nics[i].name, r->nics[i].name, r->nics[i].name);
	str_adds(&batch, "link set dev " BRIDGE_NAME " up\n");
	if (!guest_ip(r->vm, &batch, r->w, err))
		return 0;
	if (r->vm->kind == VM_KERNEL && strstr(err->text, "Unknown device type"))
		error_append(err, "the guest's kernel has no bridge: name the module in "
				  "tools/kernel-vm/modules.txt, or take an image VM");
	return -1;
}

void bridge_undo(struct vm *vm, const struct payload_nic *nics, size_t count, const struct wait *w)
{
	auto_str batch = { 0 };
	struct error ignored;

	for (size_t i = 0; i < count; i++)
		str_addf(&batch, "link set dev %s nomaster promisc off down\n", nics[i].name);
	str_adds(&batch, "link del dev " BRIDGE_NAME "\n");
	guest_ip(vm, &batch, w, &ignored);
}

static void add_interface(const struct payload_run *r, size_t i, struct str *batch)
{
	const struct vm_payload_options *o = &r->o;
	const char *name = r->nics[i].name;

	str_addf(batch, "address flush dev %s\naddress add %s dev %s\nlink set dev %s up\n", name,
		 o->addresses.items[i], name, name);
	if (i < o->peer_macs.count)
		str_addf(batch, "neighbour replace %s lladdr %s dev %s nud permanent\n",
			 o->peers.items[i], o->peer_macs.items[i], name);
}

/* Addresses, neighbours and routes of the interfaces. */
static int address_interfaces(struct payload_run *r, struct error *err)
{
	auto_str batch = { 0 };

	for (size_t i = 0; i < r->nic_count; i++) {
		add_interface(r, i, &batch);
		free(r->nics[i].address);
		r->nics[i].address = own_strdup(r->o.addresses.items[i]);
	}
	for (size_t i = 0; i < r->o.routes.count; i++)
		str_addf(&batch, "route replace %s\n", r->o.routes.items[i]);
	return guest_ip(r->vm, &batch, r->w, err);
}

int ipv4_fill(struct payload_run *r, struct error *err)
{
	struct vm_payload_options *o = &r->o;

	if (!o->addresses.count && !o->peers.count && !o->routes.count) {
		strv_add(&o->peers, "1.1.1.2");
		strv_add(&o->peers, "1.1.2.2");
		strv_add(&o->routes, "10.0.0.0/8 via 1.1.1.2");
		strv_add(&o->routes, "20.0.0.0/8 via 1.1.2.2");
	}
	for (size_t i = 0; !r->given->addresses.count && i < r->nic_count; i++)
		strv_addf(&o->addresses, "1.1.%zu.1/24", i + 1);
	return check_lists(r, r->nic_count, err);
}

int ipv4_configure(struct payload_run *r, struct error *err)
{
	if (address_interfaces(r, err) < 0)
		return -1;
	return agent_write_file(r->vm->agent, FORWARD_KEY, "1", r->w, err);
}

/* The routes go with the addresses and the link. */
void kernel_undo(struct vm *vm, const struct payload_nic *nics, size_t count, const struct wait *w)
{
	auto_str batch = { 0 };
	struct error ignored;

	for (size_t i = 0; i < count; i++)
		str_addf(&batch, "address flush dev %s\nlink set dev %s down\n", nics[i].name,
			 nics[i].name);
	guest_ip(vm, &batch, w, &ignored);
	agent_write_file(vm->agent, FORWARD_KEY, "0", w, &ignored);
}

/* Keeps the interface that was named, and no other. */
static int choose_interface(struct payload_run *r, const char *id, struct error *err)
{
	for (size_t i = 0; i < r->nic_count; i++) {
		struct payload_nic chosen = r->nics[i];

		if (strcmp(chosen.id, id) != 0)
			continue;
		r->nics[i] = r->nics[0];
		r->nics[0] = chosen;
		while (r->nic_count > 1)
			free(r->nics[--r->nic_count].pci);
		return 0;
	}
	return error_set(err, EINVAL,
			 "argument 'interface': VM '%s' has no interface '%s'; it has "
			 "vhost1 to vhost%zu",
			 r->vm->name, id, r->nic_count);
}

/* The addresses of FD.io CSIT: VMs with odd and with even numbers are partners. */
int iperf3_fill(struct payload_run *r, struct error *err)
{
	struct vm_payload_options *o = &r->o;
	bool odd = r->vm->qemu_id % 2;

	if (choose_interface(r, o->interface, err) < 0)
		return -1;
	if (!o->addresses.count && !o->peers.count && !o->routes.count) {
		strv_add(&o->peers, odd ? "2.2.2.1" : "1.1.1.2");
		strv_add(&o->routes, odd ? "1.1.1.0/30 via 2.2.2.1" : "2.2.2.0/30 via 1.1.1.2");
	}
	if (!o->addresses.count)
		strv_add(&o->addresses, odd ? "2.2.2.2/30" : "1.1.1.1/30");
	return check_lists(r, r->nic_count, err);
}

int iperf3_configure(struct payload_run *r, struct error *err)
{
	if (address_interfaces(r, err) < 0)
		return -1;
	strv_add(&r->command, r->o.binary);
	strv_add(&r->command, "--server");
	strv_add(&r->command, "--forceflush");
	strv_addf(&r->command, "--port=%d", r->o.port);
	for (size_t i = 0; i < r->o.extra_args.count; i++)
		strv_add(&r->command, r->o.extra_args.items[i]);
	return 0;
}

json_t *payload_port_stats(size_t port, const struct payload_nic *nic, const json_int_t counts[7])
{
	return json_pack("{s:i,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "port", (int)port,
			 "interface", nic->id, "name", nic->name ? nic->name : "", "rx_packets",
			 counts[0], "tx_packets", counts[1], "rx_bytes", counts[2], "tx_bytes",
			 counts[3], "rx_missed", counts[4], "rx_errors", counts[5], "tx_errors",
			 counts[6]);
}

int payload_kernel_stats(struct vm *vm, const struct payload_nic *nics, size_t count,
			 const struct wait *w, json_t **ret, struct error *err)
{
	auto_json *links = NULL;
	json_t *ports;

	if (guest_links(vm, w, &links, err) < 0)
		return -1;
	ports = json_array();
	for (size_t i = 0; i < count; i++) {
		const json_t *both = json_object_get(guest_link_of(links, nics[i].mac), "stats64");
		const json_t *rx = json_object_get(both, "rx"), *tx = json_object_get(both, "tx");
		const json_int_t counts[] = {
			json_integer_value(json_object_get(rx, "packets")),
			json_integer_value(json_object_get(tx, "packets")),
			json_integer_value(json_object_get(rx, "bytes")),
			json_integer_value(json_object_get(tx, "bytes")),
			json_integer_value(json_object_get(rx, "dropped")),
			json_integer_value(json_object_get(rx, "errors")),
			json_integer_value(json_object_get(tx, "errors")),
		};

		json_array_append_new(ports, payload_port_stats(i, &nics[i], counts));
	}
	*ret = json_pack("{s:o}", "ports", ports);
	return 0;
}

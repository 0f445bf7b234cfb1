/*
 * A network interface of a VM: what was asked for, and the QMP arguments that make it.
 */
#include "vm/nic.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"

/* The largest frame of a jumbo interface without its Ethernet header, as FD.io CSIT has it. */
#define JUMBO_MTU 9200
/* MSI-X vectors beside one per queue: configuration and control. */
#define EXTRA_VECTORS 2

/* Source: Virtual I/O Device specification 1.2, sections 5.1.3 and 6. */
const struct nic_feature nic_features[] = {
	{ "csum", 0 },	     { "guest_csum", 1 },  { "gso", 6 },
	{ "guest_tso4", 7 }, { "guest_tso6", 8 },  { "guest_ufo", 10 },
	{ "host_tso4", 11 }, { "host_tso6", 12 },  { "host_ufo", 14 },
	{ "mrg_rxbuf", 15 }, { "ctrl_vq", 17 },	   { "guest_announce", 21 },
	{ "mq", 22 },	     { "any_layout", 27 }, { "indirect_desc", 28 },
	{ NULL, 0 },
};

/* The features that are off unless asked for, with the option that asks. */
enum asked_by { ASKED_BY_CSUM, ASKED_BY_GSO, ASKED_BY_NOBODY };

static const struct offload {
	const char *name;
	int bit;
	enum asked_by by;
} offloads[] = {
	{ "csum", 0, ASKED_BY_CSUM },	      { "guest_csum", 1, ASKED_BY_CSUM },
	{ "gso", 6, ASKED_BY_GSO },	      { "guest_tso4", 7, ASKED_BY_GSO },
	{ "guest_tso6", 8, ASKED_BY_GSO },    { "guest_ecn", 9, ASKED_BY_GSO },
	{ "guest_ufo", 10, ASKED_BY_NOBODY }, { "host_tso4", 11, ASKED_BY_GSO },
	{ "host_tso6", 12, ASKED_BY_GSO },    { "host_ufo", 14, ASKED_BY_NOBODY },
};

#define MRG_RXBUF_BIT 15

void nic_clear(struct nic *nic)
{
	free(nic->socket);
	free(nic->host_address);
	free(nic->name);
	*nic = (struct nic) { 0 };
}

struct nic nic_copy(const struct nic *nic)
{
	struct nic copy = *nic;

	copy.socket = nic->socket ? own_strdup(nic->socket) : NULL;
	copy.host_address = nic->host_address ? own_strdup(nic->host_address) : NULL;
	copy.name = own_strdup("");
	copy.plugged = false;
	copy.deleted = false;
	return copy;
}

void nic_id(const struct nic *nic, char id[NIC_ID_SIZE])
{
	snprintf(id, NIC_ID_SIZE, "vhost%d", nic->number);
}

char *nic_pci_address(const struct nic *nic)
{
	return own_printf("0000:00:%02x.0", nic->slot);
}

int nic_check_mac(const char *text, struct error *err)
{
	bool right = strlen(text) == MAC_LENGTH;

	for (int i = 0; right && i < MAC_LENGTH; i++)
		right = i % 3 == 2 ? text[i] == ':' : isxdigit((unsigned char)text[i]);
	if (!right)
		return error_set(err, EINVAL,
				 "expected a MAC address such as 52:54:00:00:01:01, "
				 "got '%s'",
				 text);
	/* The lowest bit of the first octet makes a group of it. Source: IEEE 802-2014, 8.2. */
	if (strchr("13579bdfBDF", text[1]))
		return error_set(err, EINVAL, "expected a unicast MAC address, got '%s'", text);
	return 0;
}

void nic_auto_mac(struct nic *nic, const char *prefix, int qemu_id)
{
	snprintf(nic->mac, sizeof(nic->mac), "%.11s:%02x:%02x", prefix, qemu_id & 0xff,
		 nic->number & 0xff);
}

json_t *nic_chardev(const struct nic *nic)
{
	char id[NIC_ID_SIZE];
	json_t *data = json_pack("{s:{s:s,s:{s:s}},s:b}", "addr", "type", "unix", "data", "path",
				 nic->socket, "server", nic->server);

	nic_id(nic, id);
	if (nic->server)
		json_object_set_new(data, "wait", json_false());
	else
		json_object_set_new(data, "reconnect", json_integer(1));
	return json_pack("{s:s,s:{s:s,s:o}}", "id", id, "backend", "type", "socket", "data", data);
}

json_t *nic_netdev(const struct nic *nic)
{
	char id[NIC_ID_SIZE];

	nic_id(nic, id);
	return json_pack("{s:s,s:s+,s:s,s:i}", "type", "vhost-user", "id", "net-", id, "chardev",
			 id, "queues", nic->queues);
}

static bool offload_on(const struct nic *nic, const struct offload *o)
{
	if (nic->feature_mask >= 0)
		return nic->feature_mask >> o->bit & 1;
	return (o->by == ASKED_BY_CSUM && nic->csum) || (o->by == ASKED_BY_GSO && nic->gso);
}

static bool merges_buffers(const struct nic *nic)
{
	if (nic->mrg_rxbuf >= 0)
		return nic->mrg_rxbuf;
	if (nic->feature_mask >= 0)
		return nic->feature_mask >> MRG_RXBUF_BIT & 1;
	return nic->jumbo;
}

json_t *nic_device(const struct nic *nic, bool kvm)
{
	char id[NIC_ID_SIZE], slot[16];
	json_t *d;

	nic_id(nic, id);
	snprintf(slot, sizeof(slot), "%x.0", nic->slot);
	if (nic->host_address)
		return json_pack("{s:s,s:s,s:s,s:s,s:s}", "driver", "vfio-pci", "id", id, "bus",
				 "pci.0", "addr", slot, "host", nic->host_address);
	d = json_pack("{s:s,s:s,s:s,s:s,s:s+,s:s,s:s,s:i,s:i,s:b,s:b,s:b,s:i}", "driver",
		      "virtio-net-pci", "id", id, "bus", "pci.0", "addr", slot, "netdev", "net-",
		      id, "mac", nic->mac, "romfile", "", "rx_queue_size", nic->queue_size,
		      "tx_queue_size", nic->queue_size, "mq", nic->queues > 1, "packed",
		      nic->packed, "mrg_rxbuf", merges_buffers(nic), "vectors",
		      kvm ? 2 * nic->queues + EXTRA_VECTORS : 0);
	for (size_t i = 0; i < sizeof(offloads) / sizeof(offloads[0]); i++)
		json_object_set_new(d, offloads[i].name,
				    json_boolean(offload_on(nic, &offloads[i])));
	if (nic->jumbo)
		json_object_set_new(d, "host_mtu", json_integer(JUMBO_MTU));
	return d;
}

json_t *nic_save(const struct nic *nic)
{
	return json_pack("{s:i,s:i,s:s,s:s*,s:s*,s:b,s:i,s:i,s:b,s:b,s:b,s:i,s:b,s:i,s:s}",
			 "number", nic->number, "slot", nic->slot, "mac", nic->mac, "socket",
			 nic->socket, "host_address", nic->host_address, "server", nic->server,
			 "queues", nic->queues, "queue_size", nic->queue_size, "jumbo", nic->jumbo,
			 "csum", nic->csum, "gso", nic->gso, "mrg_rxbuf", nic->mrg_rxbuf, "packed",
			 nic->packed, "feature_mask", nic->feature_mask, "name", nic->name);
}

int nic_load(const json_t *saved, struct nic *ret)
{
	const char *mac, *socket = NULL, *host_address = NULL, *name;
	int server, jumbo, csum, gso, packed;

	*ret = (struct nic) { 0 };
	if (json_unpack((json_t *)saved,
			"{s:i,s:i,s:s,s?s,s?s,s:b,s:i,s:i,s:b,s:b,s:b,s:i,s:b,"
			"s:i,s:s}",
			"number", &ret->number, "slot", &ret->slot, "mac", &mac, "socket", &socket,
			"host_address", &host_address, "server", &server, "queues", &ret->queues,
			"queue_size", &ret->queue_size, "jumbo", &jumbo, "csum", &csum, "gso", &gso,
			"mrg_rxbuf", &ret->mrg_rxbuf, "packed", &packed, "feature_mask",
			&ret->feature_mask, "name", &name) < 0)
		return -1;
	snprintf(ret->mac, sizeof(ret->mac), "%s", mac);
	ret->socket = socket ? own_strdup(socket) : NULL;
	ret->host_address = host_address ? own_strdup(host_address) : NULL;
	ret->name = own_strdup(name);
	ret->server = server;
	ret->jumbo = jumbo;
	ret->csum = csum;
	ret->gso = gso;
	ret->packed = packed;
	ret->plugged = true;
	return 0;
}

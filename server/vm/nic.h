/*
 * A network interface of a VM: what was asked for, and the QMP arguments that make it.
 */
#ifndef VM_NIC_H
#define VM_NIC_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

/* Slots 6 to 31 of the PCI bus. */
#define NICS_MAX       26
#define NIC_QUEUES_MAX 128
#define MAC_LENGTH     17

/*
 * @number:       1, 2, ...: the id is vhost<number>, the slot first_slot + number - 1
 * @socket:       vhost-user socket; NULL for a passed-through PCI device
 * @host_address: of that PCI device on the host, else NULL
 * @mrg_rxbuf:    -1: as jumbo says
 * @feature_mask: bits of the virtio specification, -1: none given
 * @name:         of the interface in the guest, "" until known
 * @plugged:      QEMU has the device
 * @deleted:      QEMU said that the guest let go of it
 */
struct nic {
	int number;
	int slot;
	char mac[MAC_LENGTH + 1];
	char *socket;
	char *host_address;
	bool server;
	int queues;
	int queue_size;
	bool jumbo;
	bool csum;
	bool gso;
	int mrg_rxbuf;
	bool packed;
	int feature_mask;
	char *name;
	bool plugged;
	bool deleted;
};

void nic_clear(struct nic *nic);
/* nic_copy - as defined: neither plugged nor named */
struct nic nic_copy(const struct nic *nic);
/* nic_id - "vhost1", in a static-size buffer of the caller */
#define NIC_ID_SIZE 16
void nic_id(const struct nic *nic, char id[NIC_ID_SIZE]);
/* nic_pci_address - "0000:00:06.0", owned by the caller */
char *nic_pci_address(const struct nic *nic);
/* nic_check_mac - 0, or -1 with the expected form in @err */
int nic_check_mac(const char *text, struct error *err);
/* nic_auto_mac - @prefix:<qemu_id>:<number>, as FD.io CSIT numbers them */
void nic_auto_mac(struct nic *nic, const char *prefix, int qemu_id);

/* New objects with the arguments of chardev-add, netdev_add and device_add. */
json_t *nic_chardev(const struct nic *nic);
json_t *nic_netdev(const struct nic *nic);
/*
 * nic_device - @kvm: interrupts by MSI-X vectors; under TCG there are none, because QEMU 7.2
 * crashes when the guest's virtio_net enables MSI-X on a vhost-user NIC
 */
json_t *nic_device(const struct nic *nic, bool kvm);
/* nic_save, nic_load - for the state file */
json_t *nic_save(const struct nic *nic);
int nic_load(const json_t *saved, struct nic *ret);

/* Feature names of the virtio specification with their bit numbers, ended by a NULL name. */
struct nic_feature {
	const char *name;
	int bit;
};
extern const struct nic_feature nic_features[];

#endif

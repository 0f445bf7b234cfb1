/*
 * testpmd's command line.
 */
#include "guest/testpmd.h"

#include <errno.h>

#include "base/own.h"

/* Without a choice: what virtio needs for an MTU of 1500 (Ethernet 14, VLAN 4, virtio header 12).
 */
#define MAX_PKT_LEN_AUTO 1530
/* Data room of an mbuf that takes such a frame in one piece, headroom included. */
#define MBUF_SIZE_AUTO 2176
#define MBUF_HEADROOM  128
/* Fewer mbufs than this starve the per-lcore caches. */
#define MBUFS_MIN  8192
#define MBUF_CACHE 512
/* What an mbuf costs beside its data room, and what testpmd needs beside mbufs. */
#define MBUF_OVERHEAD 256
#define BASE_PAGES    24
#define PAGE_BYTES    (2 * 1024 * 1024)

const char *const testpmd_modes[] = { "io",	"mac",	"macswap",  "flowgen", "rxonly",
				      "txonly", "csum", "icmpecho", "5tswap",  NULL };

void testpmd_options_clear(struct testpmd_options *o)
{
	strv_clear(&o->peer_macs);
	strv_clear(&o->extra_args);
}

static int lcores(const struct testpmd_options *o, const struct testpmd_place *place)
{
	return o->cpus > 0 ? o->cpus : place->cpus;
}

static int queue_count(const struct testpmd_options *o, const struct testpmd_place *place)
{
	return o->queues > 0 ? o->queues : place->queues;
}

static int packet_length(const struct testpmd_options *o)
{
	return o->max_pkt_len > 0 ? o->max_pkt_len : MAX_PKT_LEN_AUTO;
}

static int mbuf_size(const struct testpmd_options *o)
{
	int need = packet_length(o) + MBUF_HEADROOM;

	return need > MBUF_SIZE_AUTO ? (need + 63) / 64 * 64 : MBUF_SIZE_AUTO;
}

int testpmd_mbufs(const struct testpmd_options *o, const struct testpmd_place *place)
{
	int ports = (int)place->pci_addresses->count;
	int need = ports * queue_count(o, place) * (o->rxd + o->txd) +
		   lcores(o, place) * MBUF_CACHE + ports * o->burst;

	if (o->mbufs > 0)
		return o->mbufs;
	return need > MBUFS_MIN ? need : MBUFS_MIN;
}

int testpmd_hugepages_2m(const struct testpmd_options *o, const struct testpmd_place *place)
{
	long long bytes = (long long)testpmd_mbufs(o, place) * (mbuf_size(o) + MBUF_OVERHEAD);

	return BASE_PAGES + (int)((bytes + PAGE_BYTES - 1) / PAGE_BYTES);
}

int testpmd_check(const struct testpmd_options *o, const struct testpmd_place *place,
		  struct error *err)
{
	size_t ports = place->pci_addresses->count;

	if (!ports)
		return error_set(err, EINVAL,
				 "testpmd needs at least one vhost interface: call Configure "
				 "Vhost Interfaces before");
	if (o->cpus > place->cpus)
		return error_set(err, EINVAL, "argument 'cpus': the VM has %d vCPUs, got %d",
				 place->cpus, o->cpus);
	if (o->queues > place->queues)
		return error_set(err, EINVAL,
				 "argument 'queues': the interfaces have %d queues, got %d",
				 place->queues, o->queues);
	if (o->peer_macs.count > ports)
		return error_set(err, EINVAL,
				 "argument 'peer_macs': expected at most %zu, one a port, got %zu",
				 ports, o->peer_macs.count);
	if (o->mbufs > 0 && o->mbufs < (int)ports * queue_count(o, place) * (o->rxd + o->txd))
		return error_set(err, EINVAL,
				 "argument 'mbufs': %zu ports with %d queues of %d + %d "
				 "descriptors need at least %d, got %d",
				 ports, queue_count(o, place), o->rxd, o->txd,
				 (int)ports * queue_count(o, place) * (o->rxd + o->txd), o->mbufs);
	return 0;
}

/* One vCPU serves as main and as forwarding lcore: testpmd wants two. */
static void add_lcores(int cpus, struct strv *v)
{
	strv_add(v, "--lcores");
	if (cpus == 1) {
		strv_add(v, "0@0,1@0");
		return;
	}
	strv_addf(v, "0-%d", cpus - 1);
}

void testpmd_command(const struct testpmd_options *o, const struct testpmd_place *place,
		     struct strv *v)
{
	int cpus = lcores(o, place), queues = queue_count(o, place);

	strv_add(v, place->binary);
	add_lcores(cpus, v);
	for (size_t i = 0; i < place->pci_addresses->count; i++) {
		strv_add(v, "-a");
		strv_add(v, place->pci_addresses->items[i]);
	}
	strv_add(v, "--in-memory");
	strv_add(v, "--");
	strv_add(v, "--interactive");
	strv_addf(v, "--forward-mode=%s", testpmd_modes[o->mode]);
	strv_add(v, "--auto-start");
	strv_addf(v, "--nb-cores=%d", cpus > 1 ? cpus - 1 : 1);
	strv_addf(v, "--rxq=%d", queues);
	strv_addf(v, "--txq=%d", queues);
	strv_addf(v, "--rxd=%d", o->rxd);
	strv_addf(v, "--txd=%d", o->txd);
	strv_addf(v, "--burst=%d", o->burst);
	strv_addf(v, "--total-num-mbufs=%d", testpmd_mbufs(o, place));
	strv_addf(v, "--mbuf-size=%d", mbuf_size(o));
	strv_addf(v, "--max-pkt-len=%d", packet_length(o));
	strv_add(v, "--tx-offloads=0x0");
	strv_add(v, "--disable-link-check");
	for (size_t i = 0; i < o->peer_macs.count; i++)
		strv_addf(v, "--eth-peer=%zu,%s", i, o->peer_macs.items[i]);
	for (size_t i = 0; i < o->extra_args.count; i++)
		strv_add(v, o->extra_args.items[i]);
}

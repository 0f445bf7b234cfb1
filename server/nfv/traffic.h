/*
 * Throughput of NF chains: frames made and counted by the server at the chains' traffic ports.
 *
 * How it works: one thread, the caller's, writes frames to both traffic ports of every chain and
 * reads what comes out. At a given rate a timer says how many frames are due. At the rate "max"
 * every direction keeps a window of frames on their way and sends as many as come back: the
 * highest rate that the chain carries, without drowning it. A frame says which chain and side it
 * entered at and which measurement it belongs to, so nothing else is counted.
 */
#ifndef NFV_TRAFFIC_H
#define NFV_TRAFFIC_H

#include <jansson.h>

#include "base/trail.h"
#include "nfv/chain_set.h"
#include "nfv/frame.h"

#define TRAFFIC_RATE_MAX	0 /* as `rate`: as many as come back */
#define TRAFFIC_RATE_LIMIT	1000000
#define TRAFFIC_DURATION_MAX_MS 3600000

/* @rate: frames a second offered at each traffic port */
struct traffic_request {
	int64_t duration_ms;
	int frame_size;
	int rate;
};

/*
 * traffic_measure - send through all chains of the set, in both directions
 * @ret: {tx_packets, rx_packets, loss_ratio, pps, gbps, ..., per_chain: [...]}
 *
 * At a rate that the host cannot send, what is late by a second is not sent, counted as `refused`
 * and told by a warning. After the last frame it waits until all came back, or none came for a
 * while. Errors: EINVAL when the set has no vswitch, for frames too large for it and for a rate of
 * less than one frame; ECONNRESET when the vswitch ends.
 */
int traffic_measure(struct chain_set *set, const struct traffic_request *request,
		    const struct wait *w, struct trail *trail, json_t **ret, struct error *err);

#endif

/*
 * Throughput of NF chains.
 */
#include "nfv/traffic.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/own.h"
#include "nfv/vswitch.h"

/* How often the timer says what is due. */
#define TICK_MS 1
/*
 * What is due because the server had no CPU for a while goes out in pieces: at most so many times
 * what a tick has, and BURST frames at least.
 */
#define CATCH_UP 4
#define BURST	 32
/* Frames of a direction on their way at rate "max". */
#define WINDOW 256
/* A window that nothing comes back of for so long is lost, and is sent anew. */
#define STALL_MS 500
/* After the last frame: no frame for so long means that the rest is lost. */
#define QUIET_MS 1500
/* At a given rate: what could not be sent so long after its time is given up. */
#define LATE_MS 1000
/* Frames read from a port before the next one has its turn. */
#define READS_MAX  64
#define EVENTS_MAX 64
#define TIMER_TAG  UINT32_MAX

/*
 * Frames that enter a chain at one side and leave it at the other.
 * @lost:      given up at rate "max"
 * @misplaced: frames of ours that came out where they should not
 * @refused:   frames that the port did not take, or that the server could not send in time
 */
struct flow {
	struct frame_id id;
	int in_fd;
	int out_fd;
	uint8_t *frame;
	int64_t tx;
	int64_t rx;
	int64_t lost;
	int64_t misplaced;
	int64_t refused;
	int64_t heard_us;
};

struct measurement {
	const struct traffic_request *request;
	struct flow *flows; /* sides 0 and 1 of chain 1, of chain 2, ... */
	size_t flow_count;
	int epoll_fd;
	int timer_fd;
	uint32_t run;
	uint8_t *buffer;
	int64_t began_us;
	int64_t ends_us;
	int64_t sent_us; /* how long was sent */
	bool all_sent;
	int64_t heard_us;
};

static void clear_measurement(struct measurement *m)
{
	for (size_t i = 0; i < m->flow_count; i++)
		free(m->flows[i].frame);
	free(m->flows);
	free(m->buffer);
	own_close(&m->epoll_fd);
	own_close(&m->timer_fd);
}

#define auto_measurement __attribute__((cleanup(clear_measurement))) struct measurement

static int watch(struct measurement *m, int fd, uint32_t tag, struct error *err)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = tag };

	if (epoll_ctl(m->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return error_set_errno(err, errno, "epoll");
	return 0;
}

static int start_timer(struct measurement *m, struct error *err)
{
	struct itimerspec tick = { .it_interval.tv_nsec = TICK_MS * 1000000L,
				   .it_value.tv_nsec = 1 };

	m->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (m->timer_fd < 0 || timerfd_settime(m->timer_fd, 0, &tick, NULL) < 0)
		return error_set_errno(err, errno, "timer");
	return watch(m, m->timer_fd, TIMER_TAG, err);
}

/* The MAC address that a frame entering there is sent to: the first VM's on its way. */
static const char *first_mac(const struct chain_plan *plan, int chain, int side)
{
	static const char anybody[] = "02:00:00:00:00:ff";

	if (!plan)
		return anybody;
	return plan_vm(plan, chain, side ? plan->nodes_per_chain : 1)->nics[side].mac;
}

/* The one that the VM there sends to, as planned. */
static const char *source_mac(const struct chain_plan *plan, int chain, int side)
{
	if (!plan)
		return side ? PLAN_TRAFFIC_MAC_2 : PLAN_TRAFFIC_MAC_1;
	return plan_vm(plan, chain, side ? plan->nodes_per_chain : 1)->nics[side].peer_mac;
}

static void set_up_flow(struct measurement *m, const struct chain_plan *plan,
			const struct vswitch *v, size_t index)
{
	int chain = (int)index / FRAME_SIDES + 1, side = (int)index % FRAME_SIDES;
	struct flow *f = &m->flows[index];

	*f = (struct flow) {
		.id = { .run = m->run, .chain = (uint16_t)chain, .side = (uint8_t)side },
		.in_fd = vswitch_port(v, chain, side)->fd,
		.out_fd = vswitch_port(v, chain, !side)->fd,
		.frame = own_alloc((size_t)m->request->frame_size)
	};
	frame_build(f->frame, (size_t)m->request->frame_size, source_mac(plan, chain, side),
		    first_mac(plan, chain, side), &f->id);
}

static int set_up(struct measurement *m, const struct chain_plan *plan, const struct vswitch *v,
		  struct error *err)
{
	m->flow_count = (size_t)v->spec.chains * FRAME_SIDES;
	m->flows = own_alloc(m->flow_count * sizeof(*m->flows));
	m->buffer = own_alloc(FRAME_MAX + FRAME_FCS);
	m->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (m->epoll_fd < 0 || getrandom(&m->run, sizeof(m->run), 0) < 0)
		return error_set_errno(err, errno, "epoll");
	for (size_t i = 0; i < m->flow_count; i++) {
		set_up_flow(m, plan, v, i);
		/* Tag i: what comes out at the port where flow i ends. */
		if (watch(m, m->flows[i].out_fd, (uint32_t)i, err) < 0)
			return -1;
	}
	return start_timer(m, err);
}

static void send_frames(struct flow *f, int64_t count, size_t length)
{
	for (; count > 0; count--) {
		frame_number(f->frame, (uint32_t)f->tx);
		if (write(f->in_fd, f->frame, length) < 0) {
			f->refused++;
			return;
		}
		f->tx++;
	}
}

/* At a given rate: frames that were due at that time, counted from the start. */
static int64_t due_by(const struct measurement *m, int64_t now_us)
{
	int64_t until_us = now_us < m->ends_us ? now_us : m->ends_us;

	return (until_us - m->began_us) * m->request->rate / 1000000;
}

/* Frames that a flow may send now, at a given rate. */
static int64_t due_at_rate(const struct measurement *m, const struct flow *f, int64_t now_us)
{
	int64_t most = (int64_t)m->request->rate * TICK_MS * CATCH_UP / 1000;
	int64_t missing = due_by(m, now_us) - f->tx - f->refused;

	if (most < BURST)
		most = BURST;
	return missing < most ? missing : most;
}

/* The same at rate "max": what the window has room for. */
static int64_t due_in_window(const struct measurement *m, struct flow *f, int64_t now_us)
{
	int64_t on_the_way = f->tx - f->rx - f->lost;

	if (now_us >= m->ends_us)
		return 0;
	if (on_the_way > 0 && now_us - f->heard_us > STALL_MS * 1000) {
		f->lost += on_the_way;
		f->heard_us = now_us;
		on_the_way = 0;
	}
	return WINDOW - on_the_way;
}

/* Whether a flow has sent all that the request asks for. */
static bool is_sent(const struct measurement *m, const struct flow *f, int64_t now_us)
{
	return now_us >= m->ends_us && (m->request->rate == TRAFFIC_RATE_MAX ||
					f->tx + f->refused >= due_by(m, m->ends_us));
}

/* What the host cannot send is not sent for ever. */
static void give_up(const struct measurement *m, struct flow *f, int64_t now_us)
{
	if (m->request->rate != TRAFFIC_RATE_MAX && now_us > m->ends_us + LATE_MS * 1000)
		f->refused = due_by(m, m->ends_us) - f->tx;
}

/* What was due before the end and could not be sent in time is sent a little later. */
static void send_all(struct measurement *m)
{
	size_t length = (size_t)m->request->frame_size - FRAME_FCS;
	bool at_max = m->request->rate == TRAFFIC_RATE_MAX, all_sent = true;
	int64_t now_us = clock_us();

	if (m->all_sent)
		return;
	for (size_t i = 0; i < m->flow_count; i++) {
		struct flow *f = &m->flows[i];

		send_frames(f, at_max ? due_in_window(m, f, now_us) : due_at_rate(m, f, now_us),
			    length);
		give_up(m, f, now_us);
		all_sent = is_sent(m, f, now_us) && all_sent;
	}
	m->sent_us = clock_us() - m->began_us;
	m->all_sent = all_sent;
}

static void count_frame(struct measurement *m, struct flow *f, const struct frame_id *id,
			int64_t now_us)
{
	if (id->run != m->run)
		return;
	m->heard_us = f->heard_us = now_us;
	if (id->chain == f->id.chain && id->side == f->id.side)
		f->rx++;
	else
		f->misplaced++;
}

static void receive(struct measurement *m, struct flow *f)
{
	int64_t now_us = clock_us();

	for (int i = 0; i < READS_MAX; i++) {
		ssize_t n = read(f->out_fd, m->buffer, FRAME_MAX + FRAME_FCS);
		struct frame_id id;

		if (n < 0)
			return;
		if (frame_parse(m->buffer, (size_t)n, &id))
			count_frame(m, f, &id, now_us);
	}
}

static void handle_events(struct measurement *m)
{
	struct epoll_event events[EVENTS_MAX];
	int n = epoll_wait(m->epoll_fd, events, EVENTS_MAX, 0);
	uint64_t ticks;

	for (int i = 0; i < n; i++)
		if (events[i].data.u32 != TIMER_TAG)
			receive(m, &m->flows[events[i].data.u32]);
		else if (read(m->timer_fd, &ticks, sizeof(ticks)) < 0)
			continue;
}

static bool all_back(const struct measurement *m)
{
	for (size_t i = 0; i < m->flow_count; i++)
		if (m->flows[i].rx < m->flows[i].tx)
			return false;
	return true;
}

static bool is_over(const struct measurement *m)
{
	int64_t now_us = clock_us();
	int64_t since_us = m->heard_us > m->ends_us ? m->heard_us : m->ends_us;

	return m->all_sent && (all_back(m) || now_us - since_us > QUIET_MS * 1000);
}

static int run(struct measurement *m, const struct wait *w, struct error *err)
{
	m->began_us = clock_us();
	m->ends_us = m->began_us + m->request->duration_ms * 1000;
	for (size_t i = 0; i < m->flow_count; i++)
		m->flows[i].heard_us = m->began_us;
	while (!is_over(m)) {
		if (wait_fd(w, m->epoll_fd, POLLIN, err) < 0)
			return -1;
		handle_events(m);
		send_all(m);
	}
	return 0;
}

static double ratio(int64_t tx, int64_t rx)
{
	return tx > 0 && rx < tx ? (double)(tx - rx) / (double)tx : 0;
}

/* Numbers of one or several flows, in the words of the keyword. */
static json_t *numbers(const struct measurement *m, size_t first, size_t count)
{
	double seconds = (double)m->sent_us / 1e6;
	int64_t tx = 0, rx = 0, misplaced = 0, refused = 0;

	for (size_t i = first; i < first + count; i++) {
		tx += m->flows[i].tx;
		rx += m->flows[i].rx;
		misplaced += m->flows[i].misplaced;
		refused += m->flows[i].refused;
	}
	return json_pack("{s:I,s:I,s:f,s:f,s:f,s:f,s:I,s:I}", "tx_packets", (json_int_t)tx,
			 "rx_packets", (json_int_t)rx, "loss_ratio", ratio(tx, rx), "tx_pps",
			 (double)tx / seconds, "pps", (double)rx / seconds, "gbps",
			 (double)rx * m->request->frame_size * 8 / seconds / 1e9, "misplaced",
			 (json_int_t)misplaced, "refused", (json_int_t)refused);
}

static json_t *chain_numbers(const struct measurement *m, size_t chain)
{
	json_t *ret = numbers(m, chain * FRAME_SIDES, FRAME_SIDES);
	json_t *directions = json_array();

	for (size_t side = 0; side < FRAME_SIDES; side++) {
		json_t *one = numbers(m, chain * FRAME_SIDES + side, 1);

		json_object_set_new(one, "from_side", json_integer((json_int_t)side + 1));
		json_array_append_new(directions, one);
	}
	json_object_set_new(ret, "chain", json_integer((json_int_t)chain + 1));
	json_object_set_new(ret, "directions", directions);
	return ret;
}

static json_t *result(const struct measurement *m)
{
	json_t *ret = numbers(m, 0, m->flow_count);
	json_t *per_chain = json_array();

	for (size_t chain = 0; chain < m->flow_count / FRAME_SIDES; chain++)
		json_array_append_new(per_chain, chain_numbers(m, chain));
	json_object_set_new(ret, "duration", json_real((double)m->sent_us / 1e6));
	json_object_set_new(ret, "frame_size", json_integer(m->request->frame_size));
	json_object_set_new(ret, "rate",
			    m->request->rate == TRAFFIC_RATE_MAX ? json_string("max")
								 : json_integer(m->request->rate));
	json_object_set_new(ret, "per_chain", per_chain);
	return ret;
}

/* One frame at least, at each port. */
static int check_rate(const struct traffic_request *q, struct error *err)
{
	if (q->rate == TRAFFIC_RATE_MAX || q->rate * q->duration_ms >= 1000)
		return 0;
	return error_set(err, EINVAL,
			 "argument 'rate': %d frames a second are less than one in %g s, the "
			 "duration",
			 q->rate, (double)q->duration_ms / 1000);
}

/* Frames that a rate asked for, and that were not sent. */
static void warn_of_refused(const json_t *result, const struct traffic_request *q,
			    struct trail *trail)
{
	json_int_t refused = json_integer_value(json_object_get(result, "refused"));

	if (refused && q->rate != TRAFFIC_RATE_MAX)
		trail_note(trail, TRAIL_WARN,
			   "this host cannot offer %d frames a second: %lld frames were not sent, "
			   "tx_pps is what was offered",
			   q->rate, (long long)refused);
}

static int check_size(const struct vswitch *v, int frame_size, struct error *err)
{
	int max = v->spec.jumbo ? FRAME_MAX : FRAME_STANDARD;

	if (frame_size <= max)
		return 0;
	return error_set(err, EINVAL, "argument 'frame_size': expected %d to %d%s, got %d",
			 FRAME_MIN, max,
			 v->spec.jumbo ? ""
				       : " (larger ones with jumbo=True at the start of the "
					 "chains)",
			 frame_size);
}

/* In the gate. */
static int measure(struct chain_set *set, struct vswitch *v, const struct traffic_request *q,
		   const struct wait *w, struct trail *trail, json_t **ret, struct error *err)
{
	auto_measurement m = { .request = q, .epoll_fd = -1, .timer_fd = -1 };
	struct wait all = chain_set_wait(set, w);

	vswitch_add_cancel(v, &all);
	if (set_up(&m, set->plan, v, err) < 0)
		return -1;
	if (run(&m, &all, err) < 0) {
		vswitch_check(v, err);
		return -1;
	}
	*ret = result(&m);
	warn_of_refused(*ret, q, trail);
	trail_step(trail, "%lld frames of %d bytes sent, %lld received",
		   (long long)json_integer_value(json_object_get(*ret, "tx_packets")),
		   q->frame_size,
		   (long long)json_integer_value(json_object_get(*ret, "rx_packets")));
	return 0;
}

int traffic_measure(struct chain_set *set, const struct traffic_request *q, const struct wait *w,
		    struct trail *trail, json_t **ret, struct error *err)
{
	auto_vswitch *v = NULL;
	int rc;

	if (chain_set_enter(set, w, err) < 0)
		return -1;
	v = chain_set_vswitch(set);
	if (!v)
		rc = error_set(
			err, EINVAL,
			"chains '%s' have no vswitch with traffic ports: call Start Vswitch, "
			"or Start NF Chains with vswitch=",
			set->name);
	else
		rc = check_size(v, q->frame_size, err) < 0 ? -1 : check_rate(q, err);
	if (!rc)
		rc = measure(set, v, q, w, trail, ret, err);
	gate_leave(&set->gate);
	return rc;
}

/*
 * VPP as a vswitch: the one that runs on the node, by its command line.
 *
 * How it works: each VM's socket becomes a vhost-user interface, each traffic port a
 * host-interface. A segment that is an L2 context becomes a bridge domain, a cross connect one both
 * ways. VPP is not ours: what was added is taken out at the end, nothing else, and what an earlier
 * server left is known by its sockets, the names of its devices, and the tags of bridge domains.
 * vppctl ends with 0 whatever VPP says, so what it prints is looked at.
 * Source: VPP CLI reference: create vhost-user, create host-interface, create bridge-domain, set
 * interface l2.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/log.h"
#include "base/own.h"
#include "nfv/vswitch.h"
#include "vm/hostel.h"

#define OUTPUT_MAX (1024 * 1024)
/* Bridge domains have 24-bit numbers: one of DOMAIN_RANGES ranges is the chains'. */
#define DOMAIN_RANGES 16000
#define DOMAIN_RANGE  1000

/* Runs one command; what it prints, without the line end, is owned by the caller. */
static int run(const struct vswitch *v, const struct wait *w, char **ret, struct error *err,
	       const char *first, ...)
{
	auto_constants held = hostel_hold(v->hostel);
	auto_process_result r = { 0 };
	auto_strv argv = { 0 };
	va_list ap;

	strv_add(&argv, held.c->vpp.vppctl);
	strv_add(&argv, "-s");
	strv_add(&argv, v->control);
	va_start(ap, first);
	for (const char *word = first; word; word = va_arg(ap, const char *))
		strv_add(&argv, word);
	va_end(ap);
	if (node_run(v->spec.node, argv.items, NULL, OUTPUT_MAX, w, &r, err) < 0)
		return error_prefix(err, "vppctl (package vpp)");
	if (r.rc != 0)
		return error_set(err, EREMOTEIO, "vppctl %s: %s", first, str_text(&r.err));
	while (r.out.length && strchr("\r\n ", r.out.text[r.out.length - 1]))
		r.out.text[--r.out.length] = '\0';
	*ret = str_take(&r.out);
	return 0;
}

/* A command that prints nothing unless it failed. */
static int run_quiet(const struct vswitch *v, const struct wait *w, struct error *err,
		     const char *a, const char *b, const char *c, const char *d, const char *e,
		     const char *f)
{
	auto_free char *out = NULL;

	if (run(v, w, &out, err, a, b, c, d, e, f, NULL) < 0)
		return -1;
	return *out ? error_set(err, EREMOTEIO, "VPP: %s %s: %s", a, b, out) : 0;
}

static bool is_foreign(const struct constants *c)
{
	(void)c;
	return true;
}

static int check(struct vswitch *v, const struct wait *w, struct error *err)
{
	auto_constants held = hostel_hold(v->hostel);
	auto_close int fd = -1;

	v->control = own_strdup(held.c->vpp.cli_socket);
	if (node_connect_unix(v->spec.node, v->control, w, &fd, err) < 0)
		return error_append(
			err,
			": no VPP takes commands there; start one with `unix { cli-listen "
			"%s }` or set the constant vpp.cli_socket",
			v->control);
	vswitch_watch_peer(v, fd);
	return 0;
}

static int add_port(struct vswitch *v, const struct wire_end *end, const struct wait *w,
		    struct error *err)
{
	auto_free char *name = NULL;

	if ((end->socket
		     ? run(v, w, &name, err, "create", "vhost-user", "socket", end->socket, NULL)
		     : run(v, w, &name, err, "create", "host-interface", "name", end->port->name,
			   NULL)) < 0)
		return -1;
	if (!*name || strpbrk(name, " \n"))
		return error_set(err, EREMOTEIO, "VPP: cannot make an interface on %s: %s",
				 end->socket ? end->socket : end->port->name, name);
	strv_add(&v->names, name);
	return run_quiet(v, w, err, "set", "interface", "state", name, "up", NULL);
}

static int cross_connect(struct vswitch *v, char *const *ends, const struct wait *w,
			 struct error *err)
{
	for (int i = 0; i < 2; i++)
		if (run_quiet(v, w, err, "set", "interface", "l2", "xconnect", ends[i], ends[!i]) <
		    0)
			return -1;
	return 0;
}

/* A new bridge domain, or the one that an earlier server of ours left there. */
static int make_domain(struct vswitch *v, const char *number, const struct wait *w,
		       struct error *err)
{
	auto_free char *tag = own_printf("vhostel-%08x", v->key);
	auto_free char *made = own_printf("bridge-domain %s", number);
	auto_free char *out = NULL, *shown = NULL;

	if (run(v, w, &out, err, "create", "bridge-domain", number, "learn", "1", "bd-tag", tag,
		NULL) < 0)
		return -1;
	if (strcmp(out, made) &&
	    run(v, w, &shown, err, "show", "bridge-domain", number, "bd-tag", NULL) < 0)
		return -1;
	if (shown && !strstr(shown, tag))
		return error_set(err, EREMOTEIO, "VPP: bridge domain %s is in use: %s", number,
				 out);
	strv_add(&v->contexts, number);
	return 0;
}

static int bridge(struct vswitch *v, size_t wire, char *const *ends, const struct wait *w,
		  struct error *err)
{
	auto_free char *number =
		own_printf("%zu", (size_t)1 + v->key % DOMAIN_RANGES * DOMAIN_RANGE + wire);

	if (make_domain(v, number, w, err) < 0)
		return -1;
	for (int i = 0; i < 2; i++)
		if (run_quiet(v, w, err, "set", "interface", "l2", "bridge", ends[i], number) < 0)
			return -1;
	return 0;
}

static int join(struct vswitch *v, size_t wire, const struct wait *w, struct error *err)
{
	char *const *ends = &v->names.items[2 * wire];

	return v->wires[wire].kind == SEGMENT_BRIDGE ? bridge(v, wire, ends, w, err)
						     : cross_connect(v, ends, w, err);
}

static bool is_our_socket(const struct vswitch *v, const char *path)
{
	for (size_t i = 0; i < 2 * v->wire_count; i++) {
		const char *socket = v->wires[i / 2].ends[i % 2].socket;

		if (socket && !strcmp(socket, path))
			return true;
	}
	return false;
}

/* "Interface: VirtualEthernet0/0/0 (ifindex 1)", and lines below " socket filename PATH type ..."
 */
static void find_left(const struct vswitch *v, char *shown, struct strv *ret)
{
	static const char interface[] = "Interface: ", socket[] = "socket filename ";
	const char *name = NULL;
	char *rest = NULL;

	for (char *line = strtok_r(shown, "\r\n", &rest); line;
	     line = strtok_r(NULL, "\r\n", &rest)) {
		line += strspn(line, " ");
		if (str_starts(line, interface)) {
			name = line + strlen(interface);
			line[strlen(interface) + strcspn(name, " ")] = '\0';
		} else if (name && str_starts(line, socket)) {
			line += strlen(socket);
			line[strcspn(line, " ")] = '\0';
			if (is_our_socket(v, line))
				strv_add(ret, name);
		}
	}
}

/* What a server that was killed left: only we have these sockets, and taps of these names. */
static int remove_left(struct vswitch *v, const struct wait *w, struct error *err)
{
	auto_free char *shown = NULL;
	auto_strv left = { 0 };
	struct error ignored;

	if (run(v, w, &shown, err, "show", "vhost-user", NULL) < 0)
		return -1;
	find_left(v, shown, &left);
	for (size_t i = 0; i < left.count; i++)
		if (run_quiet(v, w, err, "delete", "vhost-user", left.items[i], NULL, NULL, NULL) <
		    0)
			return -1;
	for (size_t i = 0; i < v->traffic.count; i++)
		run_quiet(v, w, &ignored, "delete", "host-interface", "name",
			  v->traffic.ports[i].name, NULL, NULL);
	return 0;
}

static int start(struct vswitch *v, const struct wait *w, struct trail *trail, struct error *err)
{
	struct wait both = *w;

	(void)trail;
	vswitch_add_cancel(v, &both);
	if (remove_left(v, &both, err) < 0)
		return -1;
	for (size_t i = 0; i < v->wire_count; i++)
		if (add_port(v, &v->wires[i].ends[0], &both, err) < 0 ||
		    add_port(v, &v->wires[i].ends[1], &both, err) < 0 || join(v, i, &both, err) < 0)
			return -1;
	return 0;
}

static int remove_port(struct vswitch *v, size_t index, const struct wait *w, struct error *err)
{
	const struct wire_end *end = &v->wires[index / 2].ends[index % 2];

	if (end->socket)
		return run_quiet(v, w, err, "delete", "vhost-user", v->names.items[index], NULL,
				 NULL, NULL);
	return run_quiet(v, w, err, "delete", "host-interface", "name", end->port->name, NULL,
			 NULL);
}

/* Another VPP that runs there by now has nothing of ours. */
static void stop(struct vswitch *v, const struct wait *w)
{
	struct error err;

	if (v->peer.pidfd >= 0 && process_ended(&v->peer))
		return;
	for (size_t i = 0; i < v->names.count; i++)
		if (remove_port(v, i, w, &err) < 0)
			log_error("vswitch of '%s': %s stays in VPP: %s", v->spec.name,
				  v->names.items[i], err.text);
	for (size_t i = 0; i < v->contexts.count; i++)
		if (run_quiet(v, w, &err, "create", "bridge-domain", v->contexts.items[i], "del",
			      NULL, NULL) < 0)
			log_error("vswitch of '%s': bridge domain %s stays in VPP: %s",
				  v->spec.name, v->contexts.items[i], err.text);
}

/* The number behind a counter's name in `show interface`, 0 when it is not there. */
static json_int_t counter(const char *text, const char *name)
{
	const char *p = strstr(text, name);

	return p ? (json_int_t)strtoll(p + strlen(name), NULL, 10) : 0;
}

static int stats(struct vswitch *v, const struct wait *w, json_t **ret, struct error *err)
{
	auto_free char *text = NULL;
	json_t *ports = json_array();

	for (size_t i = 0; i < v->names.count; i++) {
		free(take_ptr(text));
		if (run(v, w, &text, err, "show", "interface", v->names.items[i], NULL) < 0) {
			json_decref(ports);
			return -1;
		}
		json_array_append_new(ports, json_pack("{s:s,s:i,s:i,s:I,s:I,s:I,s:I,s:I,s:I,s:I}",
						       "port", v->names.items[i], "wire",
						       (int)i / 2, "side", (int)i % 2, "rx_packets",
						       counter(text, "rx packets"), "tx_packets",
						       counter(text, "tx packets"), "rx_bytes",
						       counter(text, "rx bytes"), "tx_bytes",
						       counter(text, "tx bytes"), "rx_missed",
						       counter(text, "rx-miss"), "rx_errors",
						       counter(text, "rx-error"), "tx_errors",
						       counter(text, "tx-error")));
	}
	*ret = ports;
	return 0;
}

const struct vswitch_ops vswitch_vpp_ops = {
	.foreign = is_foreign,
	.check = check,
	.start = start,
	.stop = stop,
	.stats = stats,
};

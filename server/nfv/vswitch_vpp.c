/*
 * VPP as a vswitch: the one that runs on the node, by its command line.
 *
 * How it works: each VM's socket becomes a vhost-user interface, each traffic port a
 * host-interface, and each wire a cross connect both ways: a segment has two ends, so a bridge
 * domain could do no more. VPP is not ours: what was added is taken out at the end, nothing else.
 * vppctl ends with 0 whatever VPP says, so what it prints is looked at.
 * Source: VPP CLI reference: create vhost-user, create host-interface, set interface l2.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/own.h"
#include "nfv/vswitch.h"
#include "vm/hostel.h"

#define OUTPUT_MAX 65536

/* Runs one command; what it prints, without the line end, is owned by the caller. */
static int run(const struct vswitch *v, const struct wait *w, char **ret, struct error *err,
	       const char *first, ...)
{
	auto_constants held = hostel_hold(v->hostel);
	auto_process_result r = { 0 };
	auto_strv argv = { 0 };
	va_list ap;

	strv_add(&argv, "vppctl");
	strv_add(&argv, "-s");
	strv_add(&argv, held.c->vpp.cli_socket);
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

static int check(const struct vswitch *v, const struct wait *w, struct error *err)
{
	auto_constants held = hostel_hold(v->hostel);
	auto_close int fd = -1;

	if (node_connect_unix(v->spec.node, held.c->vpp.cli_socket, w, &fd, err) < 0)
		return error_append(
			err,
			": no VPP takes commands there; start one with `unix { cli-listen "
			"%s }` or set the constant vpp.cli_socket",
			held.c->vpp.cli_socket);
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

static int join(struct vswitch *v, size_t wire, const struct wait *w, struct error *err)
{
	char *const *ends = &v->names.items[2 * wire];

	for (int i = 0; i < 2; i++)
		if (run_quiet(v, w, err, "set", "interface", "l2", "xconnect", ends[i], ends[!i]) <
		    0)
			return -1;
	return 0;
}

static int start(struct vswitch *v, const struct wait *w, struct trail *trail, struct error *err)
{
	(void)trail;
	for (size_t i = 0; i < v->wire_count; i++)
		if (add_port(v, &v->wires[i].ends[0], w, err) < 0 ||
		    add_port(v, &v->wires[i].ends[1], w, err) < 0 || join(v, i, w, err) < 0)
			return -1;
	return 0;
}

static void stop(struct vswitch *v, const struct wait *w)
{
	struct error ignored;

	for (size_t i = 0; i < v->names.count; i++) {
		const struct wire_end *end = &v->wires[i / 2].ends[i % 2];

		if (end->socket)
			run_quiet(v, w, &ignored, "delete", "vhost-user", v->names.items[i], NULL,
				  NULL, NULL);
		else
			run_quiet(v, w, &ignored, "delete", "host-interface", "name",
				  end->port->name, NULL, NULL);
	}
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
	.own_namespace = false,
	.check = check,
	.start = start,
	.stop = stop,
	.stats = stats,
};

/*
 * The client side of iperf3, run in a guest to its end.
 */
#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "value/value.h"
#include "vm/execute.h"
#include "vm/hostel.h"
#include "vm/vm_payload_guest.h"
#include "vm/vm_payload_kind.h"

/* How long the server may take for its hello. */
#define CONNECT_MS "10000"

static int find_nic(struct vm *vm, const char *id, struct payload_nic *ret, struct error *err)
{
	lock_scope(&vm->mutex);

	for (size_t i = 0; i < vm->nic_count; i++) {
		nic_id(&vm->nics[i], ret->id);
		memcpy(ret->mac, vm->nics[i].mac, sizeof(ret->mac));
		if (!strcmp(ret->id, id))
			return 0;
	}
	return error_set(err, EINVAL,
			 "argument 'interface': VM '%s' has no interface '%s'; it has %zu",
			 vm->name, id, vm->nic_count);
}

/* Gives an interface of the guest its address and waits for its carrier. */
static int address_interface(struct vm *vm, const struct iperf3_client *c, const struct wait *w,
			     struct trail *trail, struct error *err)
{
	auto_constants held = hostel_hold(vm->hostel);
	struct payload_run r = { .vm = vm,
				 .kind = &payload_kinds[VM_PAYLOAD_IPERF3],
				 .c = held.c,
				 .w = w,
				 .trail = trail,
				 .nic_count = 1 };
	struct payload_nic *nic = &r.nics[0];
	auto_str batch = { 0 };
	int rc;

	if (payload_check_address(c->address, true, "address", err) < 0 ||
	    find_nic(vm, c->interface, nic, err) < 0 || guest_ready(vm, w, err) < 0)
		return -1;
	rc = payload_find_names(vm, nic, 1, w, err);
	if (!rc) {
		str_addf(&batch,
			 "address flush dev %s\naddress add %s dev %s\nlink set dev %s up\n",
			 nic->name, c->address, nic->name, nic->name);
		rc = guest_ip(vm, &batch, w, err);
	}
	if (!rc)
		rc = payload_await_links(&r, err);
	free(nic->name);
	return rc;
}

static void make_command(const struct iperf3_client *c, struct strv *v)
{
	strv_add(v, c->binary);
	strv_addf(v, "--client=%s", c->server);
	strv_addf(v, "--port=%d", c->port);
	strv_addf(v, "--time=%lld", (long long)((c->duration_ms + 999) / 1000));
	strv_addf(v, "--parallel=%d", c->streams);
	strv_add(v, "--connect-timeout=" CONNECT_MS);
	strv_add(v, "--json");
	if (c->reverse)
		strv_add(v, "--reverse");
	for (size_t i = 0; i < c->extra_args.count; i++)
		strv_add(v, c->extra_args.items[i]);
}

static int read_report(const struct process_result *r, json_t **ret, struct error *err)
{
	auto_json *report = value_parse(str_text(&r->out), r->out.length, "iperf3", NULL);
	const char *failed = json_string_value(json_object_get(report, "error"));
	auto_free char *said = str_printable(str_text(&r->err), r->err.length);
	const json_t *end = json_object_get(report, "end");
	const json_t *sent = json_object_get(end, "sum_sent");
	const json_t *received = json_object_get(end, "sum_received");

	if (failed)
		return error_set(err, EREMOTEIO, "iperf3: %s", failed);
	if (r->rc != 0 || !sent || !received)
		return error_set(err, EREMOTEIO, "iperf3: exit status %d without a report: %s",
				 r->rc, said);
	*ret = json_pack("{s:f,s:I,s:I,s:I,s:f,s:O}", "bits_per_second",
			 json_number_value(json_object_get(received, "bits_per_second")),
			 "sent_bytes", json_integer_value(json_object_get(sent, "bytes")),
			 "received_bytes", json_integer_value(json_object_get(received, "bytes")),
			 "retransmits", json_integer_value(json_object_get(sent, "retransmits")),
			 "seconds", json_number_value(json_object_get(received, "seconds")),
			 "report", report);
	return 0;
}

int vm_iperf3_client(struct vm *vm, const struct iperf3_client *c, const struct wait *w,
		     struct trail *trail, json_t **ret, struct error *err)
{
	struct wait guest = vm_guest_wait(vm, w);
	auto_process_result r = { 0 };
	auto_strv argv = { 0 };

	if (vm_check_running(vm, err) < 0)
		return -1;
	if (c->interface && address_interface(vm, c, &guest, trail, err) < 0)
		return -1;
	make_command(c, &argv);
	if (vm_execute(vm, EXECUTE_AUTO, argv.items, NULL, &guest, &r, err) < 0)
		return -1;
	trail_step(trail, "iperf3 ended with %d", r.rc);
	return read_report(&r, ret, err);
}

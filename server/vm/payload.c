/*
 * The network function of a kernel VM.
 */
#include "vm/payload.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "base/pattern.h"
#include "base/quote.h"

const char *const payload_names[] = { "none",	"testpmd", "testpmd_io", "testpmd_mac",
				      "iperf3", "vpp",	   "l3fwd",	 "ipv4",
				      "bridge", "command", NULL };

static const struct {
	const char *vnf;
	enum vm_payload_kind kind;
} guest_payloads[] = {
	{ "iperf3", VM_PAYLOAD_IPERF3 }, { "vpp", VM_PAYLOAD_VPP },
	{ "l3fwd", VM_PAYLOAD_L3FWD },	 { "ipv4", VM_PAYLOAD_IPV4 },
	{ "bridge", VM_PAYLOAD_BRIDGE },
};
_Static_assert(sizeof(guest_payloads) / sizeof(guest_payloads[0]) == VM_PAYLOADS, "all kinds");

bool payload_in_guest(const char *vnf, enum vm_payload_kind *ret)
{
	for (size_t i = 0; i < VM_PAYLOADS; i++)
		if (!strcmp(guest_payloads[i].vnf, vnf)) {
			*ret = guest_payloads[i].kind;
			return true;
		}
	return false;
}

/* Nothing to do: the init script stays, and the guest with it. */
#define IDLE_COMMAND "sleep infinity"

static int make_command(const struct payload_options *options, struct payload *ret,
			struct error *err)
{
	const char *pattern = options->ready_pattern;

	if (!options->command || !*options->command)
		return error_set(err, EINVAL,
				 "argument 'command': vnf=command needs command=, the shell text "
				 "to run in the guest");
	ret->command = own_strdup(options->command);
	ret->awaits = pattern ? own_printf("a console line that matches '%s'", pattern)
			      : own_strdup("the guest agent");
	if (!pattern)
		return 0;
	if (pattern_compile(pattern, REG_NOSUB, &ret->ready, err) < 0)
		return error_prefix(err, "argument 'ready_pattern'");
	ret->has_ready = true;
	return 0;
}

static int make_testpmd(const struct testpmd_options *o, const struct testpmd_place *place,
			struct payload *ret, struct error *err)
{
	auto_strv argv = { 0 };
	auto_str text = { 0 };

	if (testpmd_check(o, place, err) < 0)
		return -1;
	testpmd_command(o, place, &argv);
	str_shell_quote_argv(&text, argv.items);
	ret->command = str_take(&text);
	ret->hugepages = testpmd_hugepages_2m(o, place);
	ret->awaits = own_strdup("testpmd to forward");
	ret->dpdk = true;
	ret->testpmd = true;
	regcomp(&ret->ready, TESTPMD_READY_PATTERN, REG_EXTENDED | REG_NOSUB);
	ret->has_ready = true;
	ret->failure = testpmd_patterns()->all[1];
	return 0;
}

int payload_make(const struct payload_options *options, const struct testpmd_place *place,
		 struct payload *ret, struct error *err)
{
	*ret = (struct payload) { .name = own_strdup(options->vnf) };
	if (!strcmp(options->vnf, "command"))
		return make_command(options, ret, err);
	if (str_starts(options->vnf, "testpmd"))
		return make_testpmd(options->testpmd, place, ret, err);
	ret->command = own_strdup(IDLE_COMMAND);
	ret->awaits = own_strdup("the guest agent");
	ret->in_guest = payload_in_guest(options->vnf, &ret->kind);
	if (ret->in_guest) {
		ret->dpdk = vm_payload_dpdk(ret->kind);
		ret->hugepages = vm_payload_hugepages(ret->kind);
	}
	return 0;
}

void payload_clear(struct payload *p)
{
	if (p->has_ready)
		regfree(&p->ready);
	free(p->name);
	free(p->command);
	free(p->awaits);
	*p = (struct payload) { 0 };
}

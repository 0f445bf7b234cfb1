/*
 * The network function of a kernel VM: what $vnf_bin stands for and when it is ready.
 */
#ifndef VM_PAYLOAD_H
#define VM_PAYLOAD_H

#include <jansson.h>
#include <regex.h>

#include "guest/testpmd.h"
#include "vm/vm_payload.h"

/* Names that `vnf` takes, NULL-terminated: none, testpmd, ..., command. */
extern const char *const payload_names[];
/* payload_in_guest - whether @vnf is one of vm_payload.h's, and which */
bool payload_in_guest(const char *vnf, enum vm_payload_kind *ret);

/*
 * @name:      as given
 * @command:   shell text for $vnf_bin
 * @ready:     valid when @has_ready; else the guest agent's answer is the sign
 * @failure:   borrowed, or NULL
 * @awaits:    for errors
 * @dpdk:      the NICs belong to DPDK: bound to its driver, the kernel needs no interrupts of them
 * @hugepages: of 2 MB that the guest needs
 * @testpmd:   testpmd has its prompt on the console
 * @in_guest:  @kind is run in the guest once the agent answers
 */
struct payload {
	char *name;
	char *command;
	regex_t ready;
	bool has_ready;
	const regex_t *failure;
	char *awaits;
	bool dpdk;
	bool testpmd;
	bool in_guest;
	enum vm_payload_kind kind;
	int hugepages;
};

/* What the keyword was given. @testpmd, @guest, @command, ...: of the vnf that takes them. */
struct payload_options {
	const char *vnf;
	const struct testpmd_options *testpmd;
	const struct vm_payload_options *guest;
	const char *command;
	const char *ready_pattern;
};

/*
 * payload_make - the payload that was asked for
 * @place: the guest that testpmd would run in
 * Errors: EINVAL naming the argument.
 */
int payload_make(const struct payload_options *options, const struct testpmd_place *place,
		 struct payload *ret, struct error *err);
void payload_clear(struct payload *p);

#endif

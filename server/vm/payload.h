/*
 * The network function of a kernel VM: what $vnf_bin stands for and when it is ready.
 */
#ifndef VM_PAYLOAD_H
#define VM_PAYLOAD_H

#include <jansson.h>
#include <regex.h>

#include "guest/testpmd.h"
#include "vm/vm.h"

/* Names that `vnf` takes, NULL-terminated: none, testpmd, testpmd_io, testpmd_mac, command. */
extern const char *const payload_names[];

/*
 * @name:      as given
 * @command:   shell text for $vnf_bin
 * @ready:     valid when @has_ready; else the guest agent's answer is the sign
 * @failure:   borrowed, or NULL
 * @awaits:    for errors
 * @dpdk:      the NICs belong to DPDK: bound to its driver, the kernel needs no interrupts of them
 * @hugepages: of 2 MB that the guest needs
 * @testpmd:   testpmd has its prompt on the console
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
	int hugepages;
};

/* What the keyword was given. @testpmd, @command, @ready_pattern: of the vnf that takes them. */
struct payload_options {
	const char *vnf;
	const struct testpmd_options *testpmd;
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

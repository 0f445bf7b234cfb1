/*
 * Inside the guest agent client. Only agent*.c include this.
 */
#ifndef GUEST_AGENT_INSIDE_H
#define GUEST_AGENT_INSIDE_H

#include <stdatomic.h>

#include "guest/agent.h"

/*
 * @runners: where the runner may be, NULL-terminated
 * @runner:  index of the first that is not known to be missing
 * @runner_proven: that one has run a program
 */
struct agent {
	struct node *node;
	char *path;
	const char *runners[3];
	atomic_int runner;
	atomic_bool runner_proven;
	struct gate gate; /* everything below */
	int fd;
	struct str in;
	size_t scanned;
	bool synced;
	int64_t heard_ms; /* when bytes last came, on clock_ms()'s scale */
};

/*
 * agent_begin - agent_execute() for a command that leaves something behind
 * @grace_ms: when @w ends first, how long the answer is waited for still
 *
 * Returns -1 with *@ret_value set when the answer came that late; without it the error says whether
 * the command may have been executed.
 */
int agent_begin(struct agent *agent, const char *command, const json_t *arguments,
		const struct wait *w, int64_t grace_ms, json_t **ret_value, struct error *err);

/* agent_tidy - run a short program to its end; one that outlives @w goes on */
int agent_tidy(struct agent *agent, char *const *argv, const struct wait *w, struct error *err);

#endif

/*
 * A conversation with the QEMU guest agent.
 * Source: QEMU docs/interop/qemu-ga-ref, qga/qapi-schema.json.
 */
#ifndef GUEST_AGENT_H
#define GUEST_AGENT_H

#include <jansson.h>

#include "base/error.h"
#include "base/process.h"
#include "base/wait.h"
#include "node/node.h"

/* The longest answer: guest-exec-status carries 16 MiB of output as base64 and two such outputs. */
#define AGENT_LINE_MAX (48 * 1024 * 1024)

struct agent;

/*
 * agent_new - the agent behind a Unix socket; connects with the first command
 * @node, @path: borrowed and copied
 */
int agent_new(struct node *node, const char *path, struct agent **ret, struct error *err);
void agent_free(struct agent *agent);

/*
 * agent_execute - run one agent command and wait for its answer
 * @arguments: object or NULL; borrowed
 * @ret_value: the "return" member, owned by the caller; may be NULL
 *
 * One command at a time; callers queue. After a failure the next command synchronises anew.
 * Errors: ETIMEDOUT with what was waited for; ECONNRESET when QEMU is gone; EREMOTEIO for an
 * error of the agent, its class and description in the text.
 */
int agent_execute(struct agent *agent, const char *command, const json_t *arguments,
		  const struct wait *w, json_t **ret_value, struct error *err);
/* agent_send - run a command that has no answer (guest-shutdown) */
int agent_send(struct agent *agent, const char *command, const json_t *arguments,
	       const struct wait *w, struct error *err);

/*
 * agent_write_file - open, write, close a file of the guest; for /proc and /sys above all
 * Errors: as agent_execute(); what the file itself refuses is EREMOTEIO.
 */
int agent_write_file(struct agent *agent, const char *path, const char *text, const struct wait *w,
		     struct error *err);

/*
 * agent_copy_to - copy a regular file of this machine into the guest
 * @ret_bytes: its length
 *
 * It appears under @remote only piece by piece: the agent cannot rename.
 * Errors: errno for @local, EISDIR and EINVAL when it is no file; EREMOTEIO for what the guest
 * refuses; EIO when fewer bytes arrived.
 */
int agent_copy_to(struct agent *agent, const char *local, const char *remote, const struct wait *w,
		  uint64_t *ret_bytes, struct error *err);
/* agent_copy_from - the other way; @local appears complete */
int agent_copy_from(struct agent *agent, const char *remote, const char *local,
		    const struct wait *w, uint64_t *ret_bytes, struct error *err);

/*
 * agent_run - run a program in the guest to its end
 * @argv:  NULL-terminated, looked up in the agent's PATH; borrowed
 * @input: standard input or NULL; borrowed
 * @limit: bytes kept of each output; the agent itself keeps at most 16 MiB
 *
 * When the wait ends first, the program is killed in the guest.
 * Errors: as agent_execute().
 */
int agent_run(struct agent *agent, char *const *argv, const struct str *input, size_t limit,
	      const struct wait *w, struct process_result *ret, struct error *err);
/* agent_spawn - start a program in the guest that nobody waits for; @ret_pid: the guest's pid */
int agent_spawn(struct agent *agent, char *const *argv, const struct wait *w, int *ret_pid,
		struct error *err);

#endif

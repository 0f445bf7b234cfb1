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
#include "guest/copy.h"
#include "node/node.h"

/* What the agent itself keeps of each output of a program. Source: qga/commands.c. */
#define AGENT_OUTPUT_MAX (16 * 1024 * 1024)
/* The longest answer: guest-exec-status carries two such outputs as base64. */
#define AGENT_LINE_MAX (48 * 1024 * 1024)
/* Where our guests have tools/kernel-vm/payload-run.c. */
#define AGENT_RUNNER_KERNEL_VM "/dev/.vhostel/run"
#define AGENT_RUNNER_IMAGE_VM  "/usr/sbin/vhostel-run"

struct agent;

/*
 * agent_new - the agent behind a Unix socket; connects with the first command
 * @node, @path: borrowed and copied
 */
int agent_new(struct node *node, const char *path, struct agent **ret, struct error *err);
void agent_free(struct agent *agent);
/* agent_set_runner - the runner is there, and at neither usual place; before the first agent_run().
 * @path: borrowed until agent_free() */
void agent_set_runner(struct agent *agent, const char *path);

/*
 * agent_execute - run one agent command and wait for its answer
 * @arguments: object or NULL; borrowed
 * @ret_value: the "return" member, owned by the caller; may be NULL
 *
 * One command at a time; callers queue. After a failure, or a while, the next command
 * synchronises anew.
 * Errors: ETIMEDOUT with what was waited for; ECONNRESET when QEMU is gone; ECONNABORTED when the
 * agent lost the command, as one that restarts does; EREMOTEIO for an error of the agent, its class
 * and description in the text.
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
 * @local, @remote: both the file's path, not a directory's
 *
 * The file appears under @remote only when it is complete and compared, replaces one that is
 * there, and has the permission bits of @local.
 * Errors: EISDIR for a directory on either side, EINVAL for what is no file either; errno for
 * @local; EREMOTEIO for what the guest refuses; EIO when length or checksum differ; the rest as
 * agent_run().
 */
int agent_copy_to(struct agent *agent, const char *local, const char *remote, const struct wait *w,
		  struct guest_copy *ret, struct error *err);
/* agent_copy_from - the other way; a file that tells no length (below /proc) is not compared */
int agent_copy_from(struct agent *agent, const char *remote, const char *local,
		    const struct wait *w, struct guest_copy *ret, struct error *err);

/*
 * agent_run - run a program in the guest to its end
 * @argv:  NULL-terminated, looked up in the agent's PATH; borrowed
 * @input: standard input or NULL; borrowed
 * @limit: bytes kept of each output, AGENT_OUTPUT_MAX at most
 *
 * A guest that has our runner drops what is over the limit itself, and when the wait ends first,
 * the program is killed with all of its session; in another guest the agent sends up to
 * AGENT_OUTPUT_MAX, and the program alone is killed. The call outlives its wait by AGENT_KILL_MS at
 * most. What a program leaves behind must not hold its outputs open: its end would not be seen.
 * Errors: as agent_execute(), EREMOTEIO also when there is no such program; ETIMEDOUT, ECANCELED
 * and ECONNRESET (the agent forgot the program) say what is known of the program.
 */
#define AGENT_KILL_MS 700
int agent_run(struct agent *agent, char *const *argv, const struct str *input, size_t limit,
	      const struct wait *w, struct process_result *ret, struct error *err);
/* agent_spawn - start a program in the guest that nobody waits for; @ret_pid: the guest's pid */
int agent_spawn(struct agent *agent, char *const *argv, const struct wait *w, int *ret_pid,
		struct error *err);

#endif

/*
 * Child processes: started from a list of arguments, held by a pidfd, never by name.
 */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"
#include "base/wait.h"

/* A process that we hold: @pidfd is -1 when there is none. */
struct process {
	pid_t pid;
	int pidfd;
};

#define PROCESS_NONE        \
	{                   \
		.pidfd = -1 \
	}

/*
 * @argv:  NULL-terminated, looked up in PATH unless it has a slash; borrowed
 * @fds:   standard input, output and error, borrowed; -1 is /dev/null
 * @group: lead a process group of its own, so that process_kill_group() reaches what it starts
 * @cwd:   NULL for the caller's
 * @pid_path: a file that has the pid before the program runs, so that whoever comes after a caller
 *         that dies here finds it; NULL: none
 */
struct process_spec {
	char *const *argv;
	int fds[3];
	bool group;
	const char *cwd;
	const char *pid_path;
};

/*
 * process_start - run a program
 *
 * Errors: errno of fork or of execve (ENOENT when there is no such program), the program named.
 */
int process_start(const struct process_spec *spec, struct process *ret, struct error *err);
/* process_open - hold a process that may not be a child. ESRCH when it is gone. */
int process_open(pid_t pid, struct process *ret, struct error *err);
/* process_clear - let go of the pidfd; the process goes on */
void process_clear(struct process *p);
/* process_signal - ESRCH is no error: the process is gone then */
int process_signal(const struct process *p, int signal, struct error *err);
/* process_kill_group - SIGKILL to the process group that @p leads */
void process_kill_group(const struct process *p);
/*
 * process_wait - until it ended; a child is reaped
 * @ret_status: as waitpid(2) gives it, -1 when the process was not a child; may be NULL
 */
int process_wait(const struct process *p, const struct wait *w, int *ret_status, struct error *err);
bool process_ended(const struct process *p);
/*
 * process_start_time - clock ticks from boot to the start of @pid; with it a pid is unique
 *
 * Returns 0, or -1 when there is no such process. Source: proc(5), /proc/PID/stat, field 22.
 */
int process_start_time(pid_t pid, uint64_t *ret);

/*
 * What a program left. @out and @err are cut at the limit that process_run() was given,
 * @cut says so.
 */
struct process_result {
	int rc;	    /* exit status, or -1 when a signal ended it */
	int signal; /* that signal, or 0 */
	struct str out;
	struct str err;
	bool cut;
};

void process_result_clear(struct process_result *r);
#define auto_process_result __attribute__((cleanup(process_result_clear))) struct process_result

/*
 * process_run - run a program to its end with its output captured
 * @input: standard input, NULL for none; borrowed
 * @limit: bytes kept of each of the two outputs
 *
 * The program leads its own process group, which is killed when the wait ends first.
 * Errors: as process_start and wait_fds.
 */
int process_run(char *const *argv, const struct str *input, size_t limit, const struct wait *w,
		struct process_result *ret, struct error *err);

#endif

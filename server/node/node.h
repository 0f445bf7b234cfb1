/*
 * A node: a place where commands run, files and sockets live, and QEMU processes are held.
 * node_local.c is this machine; everything above works through this interface only.
 */
#ifndef NODE_NODE_H
#define NODE_NODE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/process.h"
#include "base/str.h"
#include "base/wait.h"
#include "config/topology.h"

/* sun_path of sockaddr_un without its NUL. Source: unix(7). */
#define UNIX_PATH_MAX_LENGTH 107

struct node;

/*
 * A process on a node, held. @local.pidfd is -1 on other machines, where @pid and @start_time
 * together name it.
 */
struct node_process {
	struct process local;
	pid_t pid;
	uint64_t start_time;
};

#define NODE_PROCESS_NONE             \
	{                             \
		.local = PROCESS_NONE \
	}

/* What a kind of node implements. Arguments and errors as the functions below say. */
struct node_ops {
	int (*run)(struct node *node, char *const *argv, const struct str *input, size_t limit,
		   const struct wait *w, struct process_result *ret, struct error *err);
	int (*connect_unix)(struct node *node, const char *path, const struct wait *w, int *ret_fd,
			    struct error *err);
	int (*launch)(struct node *node, char *const *argv, const char *log_path,
		      const char *pid_path, const struct wait *w, struct node_process *ret,
		      struct error *err);
	int (*connect_new)(struct node *node, const char *path, const struct node_process *server,
			   const struct wait *w, int *ret_fd, struct error *err);
	int (*read_file)(struct node *node, const char *path, off_t offset, size_t limit,
			 const struct wait *w, struct str *ret, struct error *err);
	int (*write_file)(struct node *node, const char *path, const struct str *bytes, mode_t mode,
			  const struct wait *w, struct error *err);
	int (*make_dirs)(struct node *node, const char *path, mode_t mode, const struct wait *w,
			 struct error *err);
	int (*remove_tree)(struct node *node, const char *path, const struct wait *w,
			   struct error *err);
	int (*list_dir)(struct node *node, const char *path, const struct wait *w, struct strv *ret,
			struct error *err);
	bool (*may_write)(struct node *node, const char *path, const struct wait *w);
	int (*process_open)(struct node *node, pid_t pid, const struct wait *w,
			    struct node_process *ret, struct error *err);
	int (*process_signal)(struct node *node, const struct node_process *p, int signal,
			      const struct wait *w, struct error *err);
	int (*process_wait)(struct node *node, const struct node_process *p, const struct wait *w,
			    int *ret_status, struct error *err);
	int (*set_affinity)(struct node *node, pid_t thread, const int *cpus, size_t count,
			    const struct wait *w, struct error *err);
	int (*set_scheduler)(struct node *node, pid_t thread, const char *policy, int priority,
			     const struct wait *w, struct error *err);
	void (*free)(struct node *node);
};

/* @name, @host: owned. A kind of node embeds this as its first member. */
struct node {
	const struct node_ops *ops;
	char *name;
	char *host;
};

/* node_new - a node as the topology has it; owned by the caller, freed by node_free() */
int node_new(const struct topology_node *entry, struct node **ret, struct error *err);
void node_free(struct node *node);
struct node *node_local_new(const char *name);
/* node_is_local - whether it is the machine that the server runs on */
bool node_is_local(const struct node *node);

/* node_run - as process_run(), on the node */
int node_run(struct node *node, char *const *argv, const struct str *input, size_t limit,
	     const struct wait *w, struct process_result *ret, struct error *err);
/*
 * node_output - run a program that must succeed
 * @ret_out: its standard output, or NULL
 * Errors: EREMOTEIO with the last line of its standard error when the exit status is not 0.
 */
int node_output(struct node *node, char *const *argv, const struct wait *w, struct str *ret_out,
		struct error *err);
/* node_connect_unix - a non-blocking stream to a listening socket; the caller owns it */
int node_connect_unix(struct node *node, const char *path, const struct wait *w, int *ret_fd,
		      struct error *err);
/*
 * node_launch - start a program that outlives the server
 * @log_path: receives its standard output and error
 * @pid_path: has its pid before it runs
 *
 * It leads a process group of its own. Errors: as process_start().
 */
int node_launch(struct node *node, char *const *argv, const char *log_path, const char *pid_path,
		const struct wait *w, struct node_process *ret, struct error *err);
/*
 * node_connect_new - connect to a socket that @server, just launched, is about to listen on
 *
 * Errors: ESRCH when @server ended before; ETIMEDOUT; ECANCELED.
 */
int node_connect_new(struct node *node, const char *path, const struct node_process *server,
		     const struct wait *w, int *ret_fd, struct error *err);
/* node_read_file - append at most @limit bytes from @offset on to @ret. ENOENT and the like. */
int node_read_file(struct node *node, const char *path, off_t offset, size_t limit,
		   const struct wait *w, struct str *ret, struct error *err);
/* node_write_file - make @path appear complete with these bytes */
int node_write_file(struct node *node, const char *path, const struct str *bytes, mode_t mode,
		    const struct wait *w, struct error *err);
int node_make_dirs(struct node *node, const char *path, mode_t mode, const struct wait *w,
		   struct error *err);
/* node_remove_tree - what is gone already is fine */
int node_remove_tree(struct node *node, const char *path, const struct wait *w, struct error *err);
/* node_list_dir - names in @path without . and .., sorted, added to @ret */
int node_list_dir(struct node *node, const char *path, const struct wait *w, struct strv *ret,
		  struct error *err);
/* node_may_write - whether the server's user can write @path there */
bool node_may_write(struct node *node, const char *path, const struct wait *w);
/* node_socket_bound - whether some process holds a Unix socket bound to @path */
int node_socket_bound(struct node *node, const char *path, const struct wait *w, bool *ret,
		      struct error *err);
/* node_file_exists - whether @path is a file with bytes or a directory: anything but a socket */
bool node_file_exists(struct node *node, const char *path, const struct wait *w);
/* node_remove_socket - what is gone already is fine; what is no socket stays, without an error */
int node_remove_socket(struct node *node, const char *path, const struct wait *w,
		       struct error *err);

/* node_process_open - hold @pid. ESRCH when it is gone. */
int node_process_open(struct node *node, pid_t pid, const struct wait *w, struct node_process *ret,
		      struct error *err);
void node_process_clear(struct node_process *p);
/* node_process_signal - a process that is gone is no error */
int node_process_signal(struct node *node, const struct node_process *p, int signal,
			const struct wait *w, struct error *err);
/* node_process_wait - until it ended and was reaped. @ret_status as process_wait() has it. */
int node_process_wait(struct node *node, const struct node_process *p, const struct wait *w,
		      int *ret_status, struct error *err);
/* node_set_affinity - let @thread run on @cpus only. EINVAL when the node has none of them. */
int node_set_affinity(struct node *node, pid_t thread, const int *cpus, size_t count,
		      const struct wait *w, struct error *err);
/* node_set_scheduler - @policy: other, batch, idle, fifo or rr; @priority: 0, or 1 to 99 for the
 * last two. EPERM without CAP_SYS_NICE. Source: sched(7). */
int node_set_scheduler(struct node *node, pid_t thread, const char *policy, int priority,
		       const struct wait *w, struct error *err);

#endif

/*
 * The directory of a vswitch that the server started, below the run directory: what a later
 * server needs to find and end it.
 *
 * <run_dir>/@<chains>/ holds the vhost-user sockets of NF chains; vswitch/ in it is the vswitch's:
 * a file <program>.pid with pid and start time for each of its processes, logs, sockets.
 */
#ifndef VM_VSWITCH_DIR_H
#define VM_VSWITCH_DIR_H

#include "node/node.h"

/* No VM name begins so. */
#define VSWITCH_DIR_MARK '@'
#define VSWITCH_DIR_NAME "vswitch"

/* vswitch_dir_save - write down that @process, running @program, belongs to the vswitch of @dir */
int vswitch_dir_save(struct node *node, const char *dir, const char *program,
		     const struct node_process *process, const struct wait *w, struct error *err);
/*
 * vswitch_dir_clean - end what an earlier server left of a vswitch
 * @dir: "<run_dir>/@<chains>"
 *
 * Kills the processes written down there that still run, and removes the vswitch's files; then
 * @dir too when no socket of a VM is left in it.
 */
void vswitch_dir_clean(struct node *node, const char *dir, const struct wait *w);

#endif

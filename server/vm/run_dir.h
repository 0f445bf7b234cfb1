/*
 * The run directory of a VM on its node: the truth about it that outlives the server.
 *
 * <run_dir>/<vm>/ holds vm.json, QEMU's pid file and sockets, the logs and the init script.
 */
#ifndef VM_RUN_DIR_H
#define VM_RUN_DIR_H

#include "vm/vm.h"

#define RUN_DIR_STATE_FILE  "vm.json"
#define RUN_DIR_INIT_SCRIPT "init"

/* run_dir_save - write vm.json; @ready: the start is complete, so that it can be adopted */
int run_dir_save(struct vm *vm, bool ready, const struct wait *w, struct error *err);
/* run_dir_note - the same for a VM that runs on whatever comes of it; only the log tells of a
 * failure */
void run_dir_note(struct vm *vm);
/* run_dir_clean - remove all but the console log, and the directory when it is empty then */
int run_dir_clean(struct node *node, const char *dir, const struct wait *w, struct error *err);
/*
 * run_dir_adopt_all - take over or clean up what stands in @run_dir on @node
 *
 * A VM whose start was complete and whose QEMU answers becomes a VM of @hostel; any other QEMU
 * that was started from here is killed, and files are removed, console logs excepted.
 */
int run_dir_adopt_all(struct hostel *hostel, struct node *node, const char *run_dir,
		      const struct wait *w, struct error *err);

#endif

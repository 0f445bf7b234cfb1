/*
 * The one thread that reads every QMP, console and payload socket.
 */
#ifndef QEMU_WATCHER_H
#define QEMU_WATCHER_H

#include <stdint.h>

#include "base/error.h"

struct watcher;

/*
 * One watched descriptor, embedded in what it belongs to.
 * @fd:    borrowed; non-blocking
 * @ready: called on the watcher's thread when @fd is readable or hung up. It reads what is there
 *         and returns; to be left alone from then on (end of file) it returns -1.
 */
struct watch {
	int fd;
	int (*ready)(struct watch *watch);
	struct watcher *watcher;
	uint64_t id;
};

/* watcher_new - starts the thread */
int watcher_new(struct watcher **ret, struct error *err);
/* watcher_free - stops and joins the thread; no watch may be left */
void watcher_free(struct watcher *watcher);
/* watcher_add - begin to watch; @watch stays where it is until watcher_remove() */
int watcher_add(struct watcher *watcher, struct watch *watch, struct error *err);
/*
 * watcher_remove - stop watching; afterwards @ready is not running and will not run
 *
 * Not from @ready itself, and not while holding a mutex that @ready takes. Removing twice is fine.
 */
void watcher_remove(struct watch *watch);

#endif

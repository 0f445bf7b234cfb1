/*
 * SIGINT, SIGTERM and SIGHUP while something must be undone: read from a descriptor.
 */
#ifndef VHOSTELCTL_INTERRUPT_H
#define VHOSTELCTL_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * From interrupt_begin() to interrupt_end() the signals do not end the program but make @fd
 * readable; a signal that nobody read ends it then. May be nested.
 */
struct interrupt {
	int fd;
	sigset_t before;
};

void interrupt_begin(struct interrupt *in);
void interrupt_end(struct interrupt *in);
/* interrupt_came - whether there was a signal; it is remembered from then on */
bool interrupt_came(const struct interrupt *in);
/* interrupt_wait - until @fd is readable (-1: none) or @timeout_ms passed (-1: never)
 *
 * Returns false when a signal came.
 */
bool interrupt_wait(const struct interrupt *in, int fd, int timeout_ms);
/* interrupt_signal - the number of the signal that came last; 0: none */
int interrupt_signal(void);

#define auto_interrupt __attribute__((cleanup(interrupt_end))) struct interrupt

#endif

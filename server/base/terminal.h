/*
 * A pseudo-terminal: for programs that talk at a prompt and would buffer on a pipe.
 */
#ifndef BASE_TERMINAL_H
#define BASE_TERMINAL_H

#include "base/error.h"

/*
 * terminal_open - a new terminal's two ends, owned by the caller
 * @ret_master: non-blocking; what the program prints must be read all the time
 * @ret_slave:  for the program's standard input, output and error; to be closed once it has them
 *
 * When the master is closed, the program reads an end of file. Source: pty(7).
 */
int terminal_open(int *ret_master, int *ret_slave, struct error *err);

#endif

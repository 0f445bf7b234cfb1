/*
 * A pseudo-terminal.
 */
#include "base/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/own.h"

int terminal_open(int *ret_master, int *ret_slave, struct error *err)
{
	auto_close int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	char name[64];

	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 ||
	    ptsname_r(master, name, sizeof(name)))
		return error_set_errno(err, errno, "cannot make a terminal");
	*ret_slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*ret_slave < 0)
		return error_set_errno(err, errno, "cannot open the terminal %s", name);
	*ret_master = take_fd(&master);
	return 0;
}

/*
 * Open vSwitch's tools, and a private Open vSwitch: what the files of the driver share.
 */
#ifndef NFV_VSWITCH_OVS_H
#define NFV_VSWITCH_OVS_H

#include "nfv/vswitch.h"

/* Huge pages of 2 MB that a private one takes at most; its DPDK is told so. */
#define OVS_PAGES_MAX 400
/* Name of a private one's database socket in the vswitch's directory. */
#define OVS_DATABASE "db.sock"

/*
 * ovs_run_tool - run a tool to its end
 * @input:   its standard input, or NULL
 * @ret_out: its output is appended, or NULL
 * Errors: EREMOTEIO with what it said when its exit status is not 0.
 */
int ovs_run_tool(const struct vswitch *v, const struct strv *argv, const struct str *input,
		 const struct wait *w, struct str *ret_out, struct error *err);
/* ovs_begin_vsctl - the first words of an ovs-vsctl command for the database of @v */
void ovs_begin_vsctl(const struct vswitch *v, const struct wait *w, struct strv *argv);

/* ovs_check_private - whether the node has the programs and the huge pages. EINVAL, ENOMEM. */
int ovs_check_private(const struct vswitch *v, const struct wait *w, struct error *err);
/* ovs_start_private - database and ovs-vswitchd, in the vswitch's directory; without bridges */
int ovs_start_private(struct vswitch *v, const struct wait *w, struct trail *trail,
		      struct error *err);

#endif

#include "nfv/vswitch.h"
const struct vswitch_ops vswitch_ovs_ops = { .own_namespace = true };

#include "nfv/vswitch.h"
const struct vswitch_ops vswitch_vpp_ops = { .own_namespace = true };

/*
 * A hostel without VMs, for the protocol's test server: constants only.
 */
#include "vm/hostel.h"

#include <stdlib.h>

#include "base/own.h"

struct hostel {
	struct constants_box *constants;
	char *config, *site;
};

int hostel_open(const struct hostel_options *options, struct hostel **ret, struct error *err)
{
	struct constants *c;

	if (constants_load(options->config_path, options->site_path, &c, err) < 0)
		return -1;
	*ret = own_alloc(sizeof(**ret));
	(*ret)->constants = constants_box_new(c);
	(*ret)->config = options->config_path ? own_strdup(options->config_path) : NULL;
	(*ret)->site = options->site_path ? own_strdup(options->site_path) : NULL;
	return 0;
}

void hostel_close(struct hostel *hostel)
{
	constants_box_free(hostel->constants);
	free(hostel->config);
	free(hostel->site);
	free(hostel);
}

int hostel_reload(struct hostel *hostel, struct error *err)
{
	return constants_reload(hostel->constants, hostel->config, hostel->site, err);
}

struct constants_box *hostel_constants(struct hostel *hostel)
{
	return hostel->constants;
}

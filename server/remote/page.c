/*
 * The keyword documentation as one HTML page and as libdoc's JSON.
 */
#include "remote/library.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"

json_t *library_spec(struct hostel *hostel)
{
	(void)hostel;
	return json_object();
}

void library_page(struct hostel *hostel, struct str *ret)
{
	(void)hostel;
	str_adds(ret, "<!doctype html>");
}

/*
 * All keywords of a server.
 */
#include "tools/vhostelctl/library.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "value/value.h"

int library_ask(struct client *c, json_t **ret, struct error *err)
{
	auto_json *none = json_array();

	if (client_call(c, "get_library_information", none, NULL, ret, err) < 0)
		return -1;
	if (!json_is_object(*ret)) {
		json_decref(*ret);
		*ret = NULL;
		return error_set(err, EPROTO, "get_library_information: expected a struct");
	}
	json_object_del(*ret, "__intro__");
	json_object_del(*ret, "__init__");
	return 0;
}

char *library_summary_of(const json_t *entry)
{
	const char *doc = json_string_value(json_object_get(entry, "doc"));
	size_t n = 0;

	if (!doc)
		return own_strdup("");
	while (doc[n] && doc[n] != '\n' && !(doc[n] == '.' && (doc[n + 1] == ' ' || !doc[n + 1])))
		n++;
	return own_strndup(doc, n + (doc[n] == '.'));
}

/*
 * What the keywords that start kernel VMs take for the payload.
 */
#include "keywords/payload_args.h"

#include <string.h>

#include "base/own.h"

/* The text of a free named argument as the script gets it; owned by the caller. */
static char *text_of(const json_t *value)
{
	if (json_is_string(value))
		return own_strdup(json_string_value(value));
	if (json_is_boolean(value))
		return own_strdup(json_is_true(value) ? "True" : "False");
	return json_is_null(value) ? own_strdup("") : json_dumps(value, JSON_ENCODE_ANY);
}

/* Takes a text option out of @options; NULL when it was not given. */
static char *take_text(json_t *options, const char *name)
{
	const json_t *value = json_object_get(options, name);
	char *text = value ? text_of(value) : NULL;

	json_object_del(options, name);
	return text;
}

static json_t *names_of(const json_t *options)
{
	json_t *names = json_object();
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)options, name, value) {
		auto_free char *text = text_of(value);

		json_object_set_new(names, name, json_string(text));
	}
	return names;
}

static int take_testpmd(struct payload_args *ret, int queues, json_t *options, struct error *err)
{
	if (!strcmp(ret->vnf, "testpmd_mac"))
		json_object_set_new(options, "forward_mode", json_string("mac"));
	if (!strcmp(ret->vnf, "testpmd_io"))
		json_object_set_new(options, "forward_mode", json_string("io"));
	if (!json_object_get(options, "queues"))
		json_object_set_new(options, "queues", json_integer(queues));
	return testpmd_options_take(options, &ret->testpmd, err);
}

int payload_args_take(int vnf, int queues, json_t *options, struct payload_args *ret,
		      struct error *err)
{
	ret->vnf = payload_names[vnf];
	ret->is_testpmd = str_starts(ret->vnf, "testpmd");
	if (ret->is_testpmd && take_testpmd(ret, queues, options, err) < 0)
		return -1;
	ret->in_guest = payload_in_guest(ret->vnf, &ret->kind);
	if (ret->in_guest && payload_options_take(ret->kind, options, &ret->guest, err) < 0)
		return -1;
	if (!strcmp(ret->vnf, "command")) {
		ret->command = take_text(options, "command");
		ret->ready_pattern = take_text(options, "ready_pattern");
	}
	ret->names = names_of(options);
	return 0;
}

void payload_args_clear(struct payload_args *a)
{
	testpmd_options_clear(&a->testpmd);
	if (a->in_guest)
		payload_options_clear(a->kind, &a->guest);
	free(a->command);
	free(a->ready_pattern);
	json_decref(a->names);
}

struct payload_options payload_args_options(const struct payload_args *a)
{
	return (struct payload_options) { .vnf = a->vnf,
					  .testpmd = a->is_testpmd ? &a->testpmd : NULL,
					  .guest = a->in_guest ? &a->guest : NULL,
					  .command = a->command,
					  .ready_pattern = a->ready_pattern };
}

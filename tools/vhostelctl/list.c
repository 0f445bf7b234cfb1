/*
 * vhostelctl list: the VMs as a table.
 */
#include <errno.h>

#include "base/own.h"
#include "tools/vhostelctl/answer.h"
#include "tools/vhostelctl/command.h"
#include "tools/vhostelctl/show.h"
#include "value/value.h"

/* @member: of what Get VM Info returns */
static const struct {
	const char *heading;
	const char *member;
} columns[] = {
	{ "NAME", "name" },	{ "NODE", "node" },  { "KIND", "kind" },  { "STATE", "state" },
	{ "CPUS", "cpus" },	{ "MIB", "memory" }, { "ID", "qemu_id" }, { "PID", "pid" },
	{ "SSH PORT", "port" }, { "VNF", "vnf" },
};

#define COLUMN_COUNT (sizeof(columns) / sizeof(columns[0]))

static void show_infos(const json_t *infos)
{
	auto_json *rows = json_array();
	json_t *row = json_array(), *info;
	size_t i;

	for (size_t k = 0; k < COLUMN_COUNT; k++)
		json_array_append_new(row, json_string(columns[k].heading));
	json_array_append_new(rows, row);
	json_array_foreach (infos, i, info) {
		row = json_array();
		for (size_t k = 0; k < COLUMN_COUNT; k++) {
			const json_t *member = json_object_get(info, columns[k].member);
			auto_free char *text =
				member && !json_is_null(member) ? show_scalar(member) : NULL;

			json_array_append_new(row, json_string(text && *text ? text : "-"));
		}
		json_array_append_new(rows, row);
	}
	show_table(rows);
}

/* A VM that ended since it was listed is left out. */
static int ask_info(struct client *c, const char *vm, json_t *infos, struct error *err)
{
	json_t *info;

	if (answer_value(c, "Get VM Info", json_pack("[s]", vm), &info, err) < 0)
		return err->code == EREMOTEIO ? 0 : -1;
	json_array_append_new(infos, info);
	return 0;
}

static int run(const struct options *o, struct error *err)
{
	json_t *node = o->word_count ? json_pack("[s]", o->words[0]) : json_array();
	auto_json *infos = json_array(), *names = NULL;
	auto_client *c = NULL;
	json_t *name;
	size_t i;

	if (client_open(options_url(o), &c, err) < 0) {
		json_decref(node);
		return -1;
	}
	if (answer_value(c, "List VMs", node, &names, err) < 0)
		return -1;
	json_array_foreach (names, i, name)
		if (ask_info(c, json_string_value(name), infos, err) < 0)
			return -1;
	if (option_given(o, OPTION_JSON))
		show_json(infos);
	else
		show_infos(infos);
	return 0;
}

const struct command command_list = {
	.name = "list",
	.words = "[NODE]",
	.summary = "the VMs as a table",
	.help = "Prints a line for each VM of the server, or of one node. As JSON it is the list of\n"
		"what the keyword Get VM Info returns for each.\n",
	.options = OPTION_BIT(OPTION_JSON),
	.most = 1,
	.run = run,
};

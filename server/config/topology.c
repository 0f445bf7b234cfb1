/*
 * topology.yaml: a mapping of node names, each node read by its table of keys.
 */
#include "config/topology.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "config/key_table.h"
#include "config/yaml_file.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define NODE_NAME_MAX	  32
#define NODE_NAME_ALLOWED "1 to 32 characters of A-Z a-z 0-9 . _ -"

const char *const node_type_names[] = {
	[NODE_LOCAL] = "local",
	[NODE_SSH] = "ssh",
	NULL,
};
_Static_assert(COUNT(node_type_names) == NODE_SSH + 2, "one name for each enum node_type");

/* The rows whose place in the table the checks below need. */
enum { ROW_TYPE, ROW_RUN_DIR, ROW_HOST };

static const struct key node_keys[] = {
	[ROW_TYPE] = KEY_ENUM(topology_node, type, enum node_type, node_type_names, "local",
			      "'local' is this machine, 'ssh' another one."),
	[ROW_RUN_DIR] = KEY_STRING(topology_node, run_dir, "auto",
				   "Run directory on the node; 'auto' is the constant run_dir.",
				   .pattern = "^(/.*|auto)$", .max = 80,
				   .allowed = "an absolute path of at most 80 bytes, or 'auto'"),
	[ROW_HOST] = KEY_STRING(topology_node, host, "localhost",
				"Name or address of the SSH server.", .min = 1, .max = 255),
	KEY_INT(topology_node, port, 1, 65535, NULL, "22", "Port of the SSH server."),
	KEY_STRING(topology_node, username, "root", "Who logs in.", .min = 1, .max = 255),
	KEY_STRING(topology_node, password, "", "Password; empty: only keys are tried.",
		   .secret = true),
	KEY_PATH(topology_node, private_key, "",
		 "Private key file; empty: the keys in ~/.ssh and the SSH agent."),
	KEY_PATH(topology_node, known_hosts, "",
		 "File with the host's public key; empty: ~/.ssh/known_hosts."),
};

static const struct key_table node_table = KEY_TABLE(node_keys);

static struct topology_node *add_node(struct topology *t, const char *name, const char *directory)
{
	struct topology_node *node;

	t->nodes = own_realloc(t->nodes, (t->count + 1) * sizeof(*t->nodes));
	node = &t->nodes[t->count++];
	*node = (struct topology_node) { .name = own_strdup(name) };
	key_table_defaults(&node_table, node, directory);
	return node;
}

static bool name_is_valid(const char *name)
{
	size_t length = strlen(name);

	return length > 0 && length <= NODE_NAME_MAX &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
		       length;
}

/* The pair before @pair with the same key, or NULL. */
static const yaml_node_t *earlier(struct yaml_file *file, const yaml_node_t *mapping,
				  const yaml_node_pair_t *pair)
{
	const yaml_node_t *key = yaml_file_node(file, pair->key);

	for (yaml_node_pair_t *p = mapping->data.mapping.pairs.start; p < pair; p++) {
		const yaml_node_t *other = yaml_file_node(file, p->key);

		if (other->type == YAML_SCALAR_NODE &&
		    str_equal((const char *)other->data.scalar.value,
			      (const char *)key->data.scalar.value))
			return other;
	}
	return NULL;
}

/* What the table cannot say: which keys a node of this type needs, and which mean nothing to it. */
static void check_node(struct yaml_file *file, const struct topology_node *node,
		       const yaml_node_t *at, yaml_node_t *const *given)
{
	if (node->type == NODE_SSH && !given[ROW_HOST]) {
		auto_free char *key = own_printf("nodes.%s.host", node->name);

		yaml_file_error(file, at, key, "missing, a node of type ssh needs one");
	}
	for (size_t i = 0; node->type == NODE_LOCAL && i < COUNT(node_keys); i++) {
		auto_free char *key = own_printf("nodes.%s.%s", node->name, node_keys[i].name);

		if (given[i] && i != ROW_TYPE && i != ROW_RUN_DIR)
			yaml_file_error(file, given[i], key,
					"means nothing for a node of type local, allowed are type "
					"and run_dir");
	}
}

static void read_node(struct yaml_file *file, struct topology *t, const char *name,
		      const yaml_node_pair_t *pair)
{
	struct topology_node *node = add_node(t, name, file->directory);
	auto_free char *scope = own_printf("nodes.%s.", name);
	yaml_node_t *given[COUNT(node_keys)] = { NULL };
	yaml_node_t *value = yaml_file_node(file, pair->value);

	yaml_file_read(file, value, &node_table, scope, node, given);
	if (yaml_is_nothing(value) || value->type == YAML_MAPPING_NODE)
		check_node(file, node, yaml_file_node(file, pair->key), given);
	if (str_equal(node->run_dir, "auto"))
		free(take_ptr(node->run_dir));
}

static void read_entry(struct yaml_file *file, struct topology *t, const yaml_node_t *mapping,
		       const yaml_node_pair_t *pair)
{
	const yaml_node_t *at = yaml_file_node(file, pair->key);
	const char *name = yaml_file_key(file, pair, "nodes");
	const yaml_node_t *first = name ? earlier(file, mapping, pair) : NULL;
	auto_free char *shown = yaml_shown(at);

	if (!name)
		return;
	if (first)
		yaml_file_error(file, at, "nodes", "duplicate node %s, first in line %zu", shown,
				first->start_mark.line + 1);
	else if (!name_is_valid(name))
		yaml_file_error(file, at, "nodes", "expected a name of %s, got %s",
				NODE_NAME_ALLOWED, shown);
	else
		read_node(file, t, name, pair);
}

static void read_nodes(struct yaml_file *file, struct topology *t, const yaml_node_t *mapping)
{
	auto_free char *shown = yaml_shown(mapping);
	yaml_node_pair_t *pair;

	if (yaml_is_nothing(mapping) || mapping->type != YAML_MAPPING_NODE) {
		yaml_file_error(file, mapping, "nodes", "expected a mapping of node names, got %s",
				shown);
		return;
	}
	pair = mapping->data.mapping.pairs.start;
	if (pair == mapping->data.mapping.pairs.top)
		yaml_file_error(file, mapping, "nodes", "expected at least one node");
	for (; pair < mapping->data.mapping.pairs.top; pair++) {
		if (t->count == TOPOLOGY_NODES_MAX) {
			yaml_file_error(file, yaml_file_node(file, pair->key), "nodes",
					"too many nodes, allowed are %d", TOPOLOGY_NODES_MAX);
			return;
		}
		read_entry(file, t, mapping, pair);
	}
}

static void read_root(struct yaml_file *file, struct topology *t, const yaml_node_t *root)
{
	auto_free char *shown = yaml_shown(root);
	bool found = false;

	if (yaml_is_nothing(root) || root->type != YAML_MAPPING_NODE) {
		yaml_file_error(file, root, "", "expected a mapping with the key nodes, got %s",
				shown);
		return;
	}
	for (yaml_node_pair_t *pair = root->data.mapping.pairs.start;
	     pair < root->data.mapping.pairs.top; pair++) {
		const yaml_node_t *at = yaml_file_node(file, pair->key);
		const char *key = yaml_file_key(file, pair, "");

		if (key && strcmp(key, "nodes") != 0)
			yaml_file_error(file, at, key, "unknown key, allowed is nodes");
		else if (key && found)
			yaml_file_error(file, at, key, "duplicate key");
		else if (key)
			read_nodes(file, t, yaml_file_node(file, pair->value));
		found = found || str_equal(key, "nodes");
	}
	if (!found)
		yaml_file_error(file, root, "nodes", "missing, expected a mapping of node names");
}

int topology_load(const char *path, struct topology *ret, struct error *err)
{
	struct topology t = { 0 };
	auto_strv errors = { 0 };

	if (path) {
		auto_yaml_file file;

		if (yaml_file_open(&file, path, &errors) == 0)
			read_root(&file, &t, yaml_file_root(&file));
	} else {
		struct topology_node *node = add_node(&t, "DUT1", "/");

		free(take_ptr(node->run_dir));
	}
	if (yaml_errors_finish(&errors, err) < 0) {
		topology_clear(&t);
		return -1;
	}
	*ret = t;
	return 0;
}

void topology_clear(struct topology *t)
{
	for (size_t i = 0; i < t->count; i++) {
		key_table_clear(&node_table, &t->nodes[i]);
		free(t->nodes[i].name);
	}
	free(t->nodes);
	*t = (struct topology) { 0 };
}

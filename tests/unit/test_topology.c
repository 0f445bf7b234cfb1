/*
 * Topology files: the nodes, their names, and how each error reads.
 */
#include "config/topology.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/own.h"
#include "base/str.h"

/* The working directory at the start, and the one during the tests. */
static char tree[PATH_MAX];
static char scratch[] = "/tmp/test_topology.XXXXXX";

#define auto_topology __attribute__((cleanup(topology_clear))) struct topology

static void write_text(const char *text)
{
	struct error err;

	assert_int_equal(file_write("t.yaml", text, strlen(text), 0600, &err), 0);
}

static struct topology load(const char *text)
{
	struct topology t = { 0 };
	struct error err = { 0 };

	write_text(text);
	if (topology_load("t.yaml", &t, &err) < 0)
		fail_msg("%s", err.text);
	return t;
}

static void assert_refused(const char *text, const char *expected)
{
	struct topology t = { 0 };
	struct error err = { 0 };

	write_text(text);
	assert_int_equal(topology_load("t.yaml", &t, &err), -1);
	assert_int_equal(t.count, 0);
	assert_null(t.nodes);
	assert_int_equal(err.code, EINVAL);
	assert_string_equal(err.text, expected);
}

static void assert_only_local_node(const struct topology *t)
{
	assert_int_equal(t->count, 1);
	assert_string_equal(t->nodes[0].name, "DUT1");
	assert_int_equal(t->nodes[0].type, NODE_LOCAL);
	assert_string_equal(t->nodes[0].host, "localhost");
	assert_null(t->nodes[0].run_dir);
}

static void without_a_file_there_is_one_local_node(void **state)
{
	auto_topology t = { 0 };
	struct error err;

	(void)state;
	assert_int_equal(topology_load(NULL, &t, &err), 0);
	assert_only_local_node(&t);
}

static void the_committed_file_says_the_same(void **state)
{
	auto_free char *path = own_printf("%s/config/topology.yaml", tree);
	auto_topology t = { 0 };
	struct error err = { 0 };

	(void)state;
	if (topology_load(path, &t, &err) < 0)
		fail_msg("%s", err.text);
	assert_only_local_node(&t);
}

/* What the file shows in a comment is what a user will paste below `nodes:`. */
static void the_example_in_the_committed_file_loads(void **state)
{
	auto_free char *path = own_printf("%s/config/topology.yaml", tree);
	auto_free char *committed = NULL;
	auto_topology t = { 0 };
	auto_str text = { 0 };
	struct error err;
	char *rest = NULL;

	(void)state;
	assert_int_equal(file_read(path, 1 << 20, &committed, NULL, &err), 0);
	str_adds(&text, "nodes:\n");
	for (char *line = strtok_r(committed, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (str_starts(line, "#   "))
			str_addf(&text, "%s\n", line + 2);
	}
	t = load(str_text(&text));
	assert_int_equal(t.count, 1);
	assert_int_equal(t.nodes[0].type, NODE_SSH);
	assert_string_equal(t.nodes[0].host, "192.0.2.12");
}

static void an_ssh_node_has_all_its_keys(void **state)
{
	auto_topology t = load("nodes:\n"
			       "  DUT1:\n"
			       "  a.b_c-9:\n"
			       "    type: ssh\n"
			       "    host: dut2.example\n"
			       "    port: 2222\n"
			       "    username: tester\n"
			       "    password: \"1234\"\n"
			       "    private_key: keys/id\n"
			       "    known_hosts: /etc/hosts.known\n"
			       "    run_dir: /run/x\n");
	char here[PATH_MAX];
	auto_free char *key = NULL;

	(void)state;
	assert_non_null(realpath(".", here));
	key = own_printf("%s/keys/id", here);
	assert_int_equal(t.count, 2);
	assert_string_equal(t.nodes[1].name, "a.b_c-9");
	assert_int_equal(t.nodes[1].type, NODE_SSH);
	assert_string_equal(t.nodes[1].host, "dut2.example");
	assert_int_equal(t.nodes[1].port, 2222);
	assert_string_equal(t.nodes[1].username, "tester");
	assert_string_equal(t.nodes[1].password, "1234");
	assert_string_equal(t.nodes[1].private_key, key);
	assert_string_equal(t.nodes[1].known_hosts, "/etc/hosts.known");
	assert_string_equal(t.nodes[1].run_dir, "/run/x");
}

static void an_ssh_node_has_defaults(void **state)
{
	auto_topology t = load("nodes: {DUT2: {type: ssh, host: h}}\n");

	(void)state;
	assert_int_equal(t.nodes[0].port, 22);
	assert_string_equal(t.nodes[0].username, "root");
	assert_string_equal(t.nodes[0].password, "");
	assert_string_equal(t.nodes[0].private_key, "");
	assert_string_equal(t.nodes[0].known_hosts, "");
	assert_null(t.nodes[0].run_dir);
}

static void a_file_without_nodes_is_refused(void **state)
{
	(void)state;
	assert_refused("", "t.yaml:1:1: expected a mapping with the key nodes, got nothing");
	assert_refused("- nodes\n",
		       "t.yaml:1:1: expected a mapping with the key nodes, got a list");
	assert_refused("{}\n", "t.yaml:1:1: nodes: missing, expected a mapping of node names");
	assert_refused("nodes:\n", "t.yaml:1:7: nodes: expected a mapping of node names, got "
				   "nothing");
	assert_refused("nodes: [DUT1]\n", "t.yaml:1:8: nodes: expected a mapping of node names, "
					  "got a list");
	assert_refused("nodes: {}\n", "t.yaml:1:8: nodes: expected at least one node");
}

static void an_unknown_key_of_a_topology_is_refused(void **state)
{
	(void)state;
	assert_refused("nodes: {DUT1: }\nnode: {}\n",
		       "t.yaml:2:1: node: unknown key, allowed is nodes");
	assert_refused("nodes: {DUT1: }\nnodes: {DUT2: }\n", "t.yaml:2:1: nodes: duplicate key");
	assert_refused("nodes:\n  DUT1:\n    tpye: ssh\n",
		       "t.yaml:3:5: nodes.DUT1.tpye: unknown key, did you mean type?");
	assert_refused(
		"nodes:\n  DUT1:\n    colour: red\n",
		"t.yaml:3:5: nodes.DUT1.colour: unknown key, allowed are type, run_dir, host, "
		"port, username, password, private_key, known_hosts");
	assert_refused("nodes: {DUT1: [ssh]}\n",
		       "t.yaml:1:15: nodes.DUT1: expected a mapping of keys, got a list");
	assert_refused("nodes: {DUT1: {[a]: b}}\n",
		       "t.yaml:1:16: nodes.DUT1: expected the name of a key, got a list");
	assert_refused("nodes: {[a]: b}\n",
		       "t.yaml:1:9: nodes: expected the name of a key, got a list");
}

static void a_wrong_value_of_a_node_is_refused(void **state)
{
	(void)state;
	assert_refused("nodes: {DUT2: {type: telnet}}\n",
		       "t.yaml:1:22: nodes.DUT2.type: expected local or ssh, got 'telnet'");
	assert_refused(
		"nodes: {DUT2: {type: ssh, host: h, port: 0}}\n",
		"t.yaml:1:42: nodes.DUT2.port: expected an integer from 1 to 65535, got '0'");
	assert_refused("nodes: {DUT2: {type: ssh, host: h, port: '22'}}\n",
		       "t.yaml:1:42: nodes.DUT2.port: expected an integer from 1 to 65535, got the "
		       "text '22': leave the quotes out");
	assert_refused("nodes: {DUT2: {run_dir: run}}\n",
		       "t.yaml:1:25: nodes.DUT2.run_dir: expected an absolute path of at most 80 "
		       "bytes, or 'auto', got 'run'");
	assert_refused("nodes: {DUT2: {type: ssh, host: h, password: \"a\\tb\"}}\n",
		       "t.yaml:1:46: nodes.DUT2.password: expected text without control "
		       "characters");
}

static void a_password_is_not_repeated(void **state)
{
	(void)state;
	assert_refused("nodes: {DUT2: {type: ssh, host: h, password: [geheim]}}\n",
		       "t.yaml:1:46: nodes.DUT2.password: expected text, got a list");
}

static void a_node_must_fit_its_type(void **state)
{
	(void)state;
	assert_refused("nodes:\n  DUT2:\n    type: ssh\n",
		       "t.yaml:2:3: nodes.DUT2.host: missing, a node of type ssh needs one");
	assert_refused(
		"nodes:\n  DUT2:\n    host: h\n    run_dir: /r\n    port: 22\n",
		"t.yaml:3:5: nodes.DUT2.host: means nothing for a node of type local, allowed "
		"are type and run_dir\n"
		"t.yaml:5:5: nodes.DUT2.port: means nothing for a node of type local, allowed "
		"are type and run_dir");
}

static void a_name_of_a_node_is_checked(void **state)
{
	auto_topology t = load("nodes: {abcdefghijklmnopqrstuvwxyz012345: }\n");

	(void)state;
	assert_int_equal(strlen(t.nodes[0].name), 32);
	assert_refused(
		"nodes: {abcdefghijklmnopqrstuvwxyz0123456: }\n",
		"t.yaml:1:9: nodes: expected a name of 1 to 32 characters of A-Z a-z 0-9 . _ "
		"-, got 'abcdefghijklmnopqrstuvwxyz0123456'");
	assert_refused("nodes: {a/b: }\n",
		       "t.yaml:1:9: nodes: expected a name of 1 to 32 characters "
		       "of A-Z a-z 0-9 . _ -, got 'a/b'");
	assert_refused("nodes: {\"\": }\n", "t.yaml:1:9: nodes: expected a name of 1 to 32 "
					    "characters of A-Z a-z 0-9 . _ -, got ''");
	assert_refused("nodes:\n  A:\n  B:\n  A:\n",
		       "t.yaml:4:3: nodes: duplicate node 'A', first in line 2");
}

static void the_number_of_nodes_has_a_limit(void **state)
{
	auto_str text = { 0 };
	auto_topology t = { 0 };

	(void)state;
	str_adds(&text, "nodes:\n");
	for (int i = 0; i < TOPOLOGY_NODES_MAX; i++)
		str_addf(&text, "  DUT%d:\n", i);
	t = load(str_text(&text));
	assert_int_equal(t.count, TOPOLOGY_NODES_MAX);
	str_adds(&text, "  one: {}\n  more: {}\n");
	assert_refused(str_text(&text), "t.yaml:66:3: nodes: too many nodes, allowed are 64");
}

static void all_errors_of_a_topology_are_reported(void **state)
{
	struct topology t = { 0 };
	struct error err;

	(void)state;
	assert_refused(
		"nodes:\n  a/b:\n  DUT2:\n    type: ssh\n    port: x\nmore: 1\n",
		"t.yaml:2:3: nodes: expected a name of 1 to 32 characters of A-Z a-z 0-9 . _ "
		"-, got 'a/b'\n"
		"t.yaml:5:11: nodes.DUT2.port: expected an integer from 1 to 65535, got 'x'\n"
		"t.yaml:3:3: nodes.DUT2.host: missing, a node of type ssh needs one\n"
		"t.yaml:6:1: more: unknown key, allowed is nodes");
	assert_int_equal(topology_load("gone.yaml", &t, &err), -1);
	assert_string_equal(err.text, "gone.yaml: No such file or directory");
}

static int make_scratch(void **state)
{
	(void)state;
	return getcwd(tree, sizeof(tree)) && mkdtemp(scratch) ? chdir(scratch) : -1;
}

static int remove_scratch(void **state)
{
	struct error err;

	(void)state;
	return chdir(tree) || file_remove_tree(scratch, &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_file_there_is_one_local_node),
		cmocka_unit_test(the_committed_file_says_the_same),
		cmocka_unit_test(the_example_in_the_committed_file_loads),
		cmocka_unit_test(an_ssh_node_has_all_its_keys),
		cmocka_unit_test(an_ssh_node_has_defaults),
		cmocka_unit_test(a_file_without_nodes_is_refused),
		cmocka_unit_test(an_unknown_key_of_a_topology_is_refused),
		cmocka_unit_test(a_wrong_value_of_a_node_is_refused),
		cmocka_unit_test(a_password_is_not_repeated),
		cmocka_unit_test(a_node_must_fit_its_type),
		cmocka_unit_test(a_name_of_a_node_is_checked),
		cmocka_unit_test(the_number_of_nodes_has_a_limit),
		cmocka_unit_test(all_errors_of_a_topology_are_reported),
	};

	return cmocka_run_group_tests_name("topology", tests, make_scratch, remove_scratch);
}

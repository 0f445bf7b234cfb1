/*
 * Configuration files: how each error of a file reads, and the limits of a file.
 */
#include "config/yaml_file.h"

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
#include "config/constants.h"

/* The working directory at the start, and the one during the tests. */
static char tree[PATH_MAX];
static char scratch[] = "/tmp/test_yaml_file.XXXXXX";

static void write_text(const char *path, const char *text)
{
	struct error err;

	assert_int_equal(file_write(path, text, strlen(text), 0600, &err), 0);
}

static void assert_refused(const char *text, const char *expected)
{
	struct constants *c = NULL;
	struct error err = { 0 };

	write_text("c.yaml", text);
	assert_int_equal(constants_load("c.yaml", NULL, &c, &err), -1);
	assert_null(c);
	assert_int_equal(err.code, EINVAL);
	assert_string_equal(err.text, expected);
}

static void assert_accepted(const char *text)
{
	struct constants *c = NULL;
	struct error err = { 0 };

	write_text("c.yaml", text);
	if (constants_load("c.yaml", NULL, &c, &err) < 0)
		fail_msg("%s", err.text);
	constants_free(c);
}

static void an_unknown_key_is_refused_with_the_nearest(void **state)
{
	(void)state;
	assert_refused("server:\n  hots: x\n",
		       "c.yaml:2:3: server.hots: unknown key, did you mean server.host?");
	assert_refused("sevrer: {}\n", "c.yaml:1:1: sevrer: unknown key, did you mean server?");
	assert_refused("port: 1\n", "c.yaml:1:1: port: unknown key, did you mean server.port?");
	assert_refused("server:\n  colour: x\n",
		       "c.yaml:2:3: server.colour: unknown key, allowed are host, port, on_exit, "
		       "allow_remote_stop");
	assert_refused("server: {\"po\\tt\": 1}\n", "c.yaml:1:10: server.po\tt: unknown key, did "
						    "you mean server.port?");
}

static void a_wrong_type_is_refused(void **state)
{
	(void)state;
	assert_refused("server:\n  port: \"8270\"\n",
		       "c.yaml:2:9: server.port: expected an integer from 0 to 65535, got the text "
		       "'8270': leave the quotes out");
	assert_refused("server.port: 82x\n", "c.yaml:1:14: server.port: expected an integer from 0 "
					     "to 65535, got '82x'");
	assert_refused("server.port: 0x10\n", "c.yaml:1:14: server.port: expected an integer from "
					      "0 to 65535, got '0x10'");
	assert_refused("server.port: 010\n", "c.yaml:1:14: server.port: expected an integer from 0 "
					     "to 65535, got '010'");
	assert_refused("server.port: 1.5\n", "c.yaml:1:14: server.port: expected an integer from 0 "
					     "to 65535, got '1.5'");
	assert_refused("server.port: [1]\n", "c.yaml:1:14: server.port: expected an integer from 0 "
					     "to 65535, got a list");
	assert_refused("server.port:\n", "c.yaml:1:13: server.port: expected an integer from 0 to "
					 "65535, got nothing");
	assert_refused("server.allow_remote_stop: maybe\n",
		       "c.yaml:1:27: server.allow_remote_stop: expected true or false, got "
		       "'maybe'");
	assert_refused("server.host: {a: b}\n", "c.yaml:1:14: server.host: expected text, not "
						"empty, got a mapping");
	assert_refused("image_vm.password: ~\n",
		       "c.yaml:1:20: image_vm.password: expected text, got nothing (\"\" is empty "
		       "text)");
	assert_refused("server: 5\n", "c.yaml:1:9: server: expected a mapping of keys, got '5'");
	assert_refused("? [a]\n: b\n", "c.yaml:1:3: expected the name of a key, got a list");
	assert_refused("server: {~: b}\n", "c.yaml:1:10: server: expected the name of a key, got "
					   "nothing");
}

static void a_value_out_of_range_is_refused(void **state)
{
	(void)state;
	assert_refused("server.port: 65536\n", "c.yaml:1:14: server.port: expected an integer from "
					       "0 to 65535, got '65536'");
	assert_refused("server.port: -1\n", "c.yaml:1:14: server.port: expected an integer from 0 "
					    "to 65535, got '-1'");
	assert_refused("server.port: 99999999999999999999\n",
		       "c.yaml:1:14: server.port: expected an integer from 0 to 65535, got "
		       "'99999999999999999999'");
	assert_refused("qemu: {first_slot: 0}\n", "c.yaml:1:20: qemu.first_slot: expected an "
						  "integer from 1 to 30, got '0'");
	assert_refused("limit.output_kib: 0\n", "c.yaml:1:19: limit.output_kib: expected an "
						"integer from 1 to 65536 KiB, got '0'");
	assert_refused("server.on_exit: die\n",
		       "c.yaml:1:17: server.on_exit: expected kill or keep, got 'die'");
	assert_refused("qemu.accelerator: KVM\n",
		       "c.yaml:1:19: qemu.accelerator: expected auto, kvm or tcg, got 'KVM'");
	assert_refused("server.host: \"\"\n",
		       "c.yaml:1:14: server.host: expected text, not empty, got ''");
	assert_refused("run_dir: ''\n", "c.yaml:1:10: run_dir: expected a path, or 'auto', got ''");
	assert_refused("qemu.mac_prefix: 53:54:00:00\n",
		       "c.yaml:1:18: qemu.mac_prefix: expected four octets of a unicast MAC "
		       "address, such as 52:54:00:00, got '53:54:00:00'");
	assert_refused("server.host: \"a\\eb\"\n",
		       "c.yaml:1:14: server.host: expected text without control characters");
	assert_refused("server.host: \"a\\0b\"\n",
		       "c.yaml:1:14: server.host: expected text without control characters");
}

static void a_text_that_is_too_long_is_refused(void **state)
{
	auto_str text = { 0 };

	(void)state;
	str_addf(&text, "server.host: %0255d\n", 1);
	assert_accepted(str_text(&text));
	str_clear(&text);
	str_addf(&text, "server.host: %0256d\n", 1);
	assert_refused(str_text(&text),
		       "c.yaml:1:14: server.host: expected at most 255 bytes, got 256");
	assert_refused("server.port: 123456789012345678901234567890123456789012345678901234567890"
		       "1\n",
		       "c.yaml:1:14: server.port: expected an integer from 0 to 65535, got "
		       "'123456789012345678901234567890123456789012345678901234567890...'");
}

static void a_duration_out_of_range_is_refused(void **state)
{
	static const char *const bad[] = { "0",	     "0 s",    "25 h",	"86401", "5 parsecs",
					   "0.5 ms", "1.2 ms", "-1 s",	"s",	 "1..5 s",
					   "1 s 2",  "1e3",    "0x10 s" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		auto_free char *text = own_printf("timeout: {vhost: %s}\n", bad[i]);
		auto_free char *expected =
			own_printf("c.yaml:1:18: timeout.vhost: expected a duration from 1 ms to "
				   "24 h, got '%s'",
				   bad[i]);

		assert_refused(text, expected);
	}
}

static void a_duplicate_key_is_refused(void **state)
{
	(void)state;
	assert_refused("server:\n  port: 1\n  port: 2\n",
		       "c.yaml:3:3: server.port: duplicate key, first in line 2");
	assert_refused("server: {port: 1}\nserver: {host: a}\n",
		       "c.yaml:2:1: server: duplicate key, first in line 1");
	assert_refused("server: {port: 1}\n\nserver.port: 2\n",
		       "c.yaml:3:1: server.port: duplicate key, first in line 1");
}

static void a_file_that_is_no_mapping_is_refused(void **state)
{
	(void)state;
	assert_refused("- a\n- b\n", "c.yaml:1:1: expected a mapping of keys, got a list");
	assert_refused("hello\n", "c.yaml:1:1: expected a mapping of keys, got 'hello'");
}

static void a_second_document_is_refused(void **state)
{
	(void)state;
	assert_refused("server: {port: 1}\n---\nserver: {port: 2}\n",
		       "c.yaml:2:1: a second document, allowed is one");
}

static void what_is_not_yaml_is_refused(void **state)
{
	(void)state;
	assert_refused("server:\n  port: 1\n   host: a\n",
		       "c.yaml:3:8: not YAML: mapping values are not allowed in this context");
	assert_refused("server: {port: 1\n",
		       "c.yaml:2:1: not YAML: did not find expected ',' or '}' (while parsing a "
		       "flow mapping from line 1)");
	assert_refused("server: *gone\n", "c.yaml:1:9: not YAML: found undefined alias");
	assert_refused("server.port: !!int 5\n",
		       "c.yaml:1:14: tag 'tag:yaml.org,2002:int': tags are not allowed");
}

static void what_is_not_utf8_is_refused(void **state)
{
	(void)state;
	assert_refused("server:\n  host: \xc3\xa4\xff\n",
		       "c.yaml:2:10: not UTF-8 text: invalid leading UTF-8 octet (byte 0xFF)");
	assert_refused("server.host: a\x1b\n", "c.yaml:1:15: not UTF-8 text: control characters "
					       "are not allowed (byte 0x1B)");
	assert_refused("\xff\xfe"
		       "a",
		       "c.yaml:1:1: not UTF-8 text: invalid leading UTF-8 octet (byte 0xFF)");
	assert_refused("a: \xc3", "c.yaml:1:4: not UTF-8 text: incomplete UTF-8 octet sequence "
				  "(byte 0xC3)");
}

static void depth_has_a_limit(void **state)
{
	auto_str deep = { 0 };

	(void)state;
	for (int i = 0; i < 100000; i++)
		str_adds(&deep, "[");
	assert_refused(str_text(&deep), "c.yaml:1:17: nested too deeply, allowed are 16 levels");
}

static void aliases_have_a_limit(void **state)
{
	auto_str bomb = { 0 };

	(void)state;
	str_adds(&bomb, "a0: &a0 [x]\n");
	for (int i = 1; i < 20; i++) {
		str_addf(&bomb, "a%d: &a%d [", i, i);
		for (int j = 0; j < 8; j++)
			str_addf(&bomb, "%s*a%d", j ? "," : "", i - 1);
		str_adds(&bomb, "]\n");
	}
	assert_refused(str_text(&bomb), "c.yaml:10:10: too many aliases, allowed are 64");
	assert_refused("&s server: &m {server: *m}\n",
		       "c.yaml:1:16: server.server: unknown key, allowed are host, port, on_exit, "
		       "allow_remote_stop");
}

static void values_have_a_limit(void **state)
{
	auto_str flat = { 0 };

	(void)state;
	for (int i = 0; i < 5001; i++)
		str_adds(&flat, "a: b\n");
	assert_refused(str_text(&flat), "c.yaml:5000:4: too many values, allowed are 10000");
}

static void the_size_of_a_file_has_a_limit(void **state)
{
	auto_str big = { 0 };

	(void)state;
	while (big.length <= YAML_BYTES_MAX)
		str_adds(&big, "# a comment that fills the file\n");
	assert_refused(str_text(&big), "c.yaml: larger than 1048576 bytes");
}

static void an_unreadable_file_is_refused(void **state)
{
	struct constants *c = NULL;
	struct error err;

	(void)state;
	assert_int_equal(constants_load("gone.yaml", NULL, &c, &err), -1);
	assert_string_equal(err.text, "gone.yaml: No such file or directory");
	assert_int_equal(constants_load("/", NULL, &c, &err), -1);
	assert_string_equal(err.text, "/: Is a directory");
	assert_int_equal(constants_load("/gone/c.yaml", NULL, &c, &err), -1);
	assert_string_equal(err.text, "/gone/c.yaml: No such file or directory");
	assert_null(c);
}

static void all_errors_of_both_files_are_reported(void **state)
{
	struct constants *c = NULL;
	struct error err;

	(void)state;
	write_text("c.yaml", "server:\n  port: x\n  hots: y\nqemu: []\n");
	write_text("s.yaml", "timeout.vhost: never\nrun_dir: [a]\n");
	assert_int_equal(constants_load("c.yaml", "s.yaml", &c, &err), -1);
	assert_null(c);
	assert_string_equal(
		err.text,
		"c.yaml:2:9: server.port: expected an integer from 0 to 65535, got 'x'\n"
		"c.yaml:3:3: server.hots: unknown key, did you mean server.host?\n"
		"c.yaml:4:7: qemu: expected a mapping of keys, got a list\n"
		"s.yaml:1:16: timeout.vhost: expected a duration from 1 ms to 24 h, got 'never'\n"
		"s.yaml:2:10: run_dir: expected a path, or 'auto', got a list");
}

static void errors_that_do_not_fit_are_counted(void **state)
{
	auto_str text = { 0 };
	struct constants *c = NULL;
	struct error err;
	size_t lines = 1;
	size_t more = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		str_addf(&text, "zzzzzzzzzz%d: b\n", i);
	write_text("c.yaml", str_text(&text));
	assert_int_equal(constants_load("c.yaml", NULL, &c, &err), -1);
	assert_true(strlen(err.text) < ERROR_TEXT_MAX - 1);
	for (const char *p = strchr(err.text, '\n'); p; p = strchr(p + 1, '\n'))
		lines++;
	assert_int_equal(sscanf(strrchr(err.text, '\n'), "\nand %zu more", &more), 1);
	assert_int_equal(lines - 1 + more, 1000);
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
		cmocka_unit_test(an_unknown_key_is_refused_with_the_nearest),
		cmocka_unit_test(a_wrong_type_is_refused),
		cmocka_unit_test(a_value_out_of_range_is_refused),
		cmocka_unit_test(a_text_that_is_too_long_is_refused),
		cmocka_unit_test(a_duration_out_of_range_is_refused),
		cmocka_unit_test(a_duplicate_key_is_refused),
		cmocka_unit_test(a_file_that_is_no_mapping_is_refused),
		cmocka_unit_test(a_second_document_is_refused),
		cmocka_unit_test(what_is_not_yaml_is_refused),
		cmocka_unit_test(what_is_not_utf8_is_refused),
		cmocka_unit_test(depth_has_a_limit),
		cmocka_unit_test(aliases_have_a_limit),
		cmocka_unit_test(values_have_a_limit),
		cmocka_unit_test(the_size_of_a_file_has_a_limit),
		cmocka_unit_test(an_unreadable_file_is_refused),
		cmocka_unit_test(all_errors_of_both_files_are_reported),
		cmocka_unit_test(errors_that_do_not_fit_are_counted),
	};

	return cmocka_run_group_tests_name("yaml_file", tests, make_scratch, remove_scratch);
}

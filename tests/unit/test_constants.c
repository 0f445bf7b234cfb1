/*
 * Constants: defaults, what a file may say, keys by name, and snapshots.
 */
#include "config/constants.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/own.h"
#include "base/thread.h"
#include "config/duration.h"
#include "config/key_table.h"
#include "config/yaml_file.h"

/* The working directory at the start, that of the repository. */
static char tree[PATH_MAX];
/* Where the tests write their files; the working directory during each test. */
static char scratch[] = "/tmp/test_constants.XXXXXX";

#define auto_constants __attribute__((cleanup(free_constants))) struct constants

static void free_constants(struct constants **c)
{
	constants_free(*c);
}

static void write_text(const char *path, const char *text)
{
	struct error err;

	assert_int_equal(file_write(path, text, strlen(text), 0600, &err), 0);
}

static struct constants *load(const char *text)
{
	struct constants *c = NULL;
	struct error err = { 0 };

	write_text("c.yaml", text);
	if (constants_load("c.yaml", NULL, &c, &err) < 0)
		fail_msg("%s", err.text);
	return c;
}

static void assert_value(const struct constants *c, const char *key, const char *expected)
{
	auto_free char *text = NULL;
	struct error err = { 0 };

	if (constants_get(c, key, &text, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(text, expected);
}

/* --- what is there ------------------------------------------------------- */

static size_t first_difference(const char *a, const char *b)
{
	size_t line = 1;

	for (; *a && *a == *b; a++, b++)
		line += *a == '\n';
	return line;
}

static void the_committed_file_is_what_the_table_prints(void **state)
{
	auto_free char *path = own_printf("%s/config/constants.yaml", tree);
	auto_free char *committed = NULL;
	auto_free char *printed = constants_print();
	struct error err;

	(void)state;
	assert_int_equal(file_read(path, 1 << 20, &committed, NULL, &err), 0);
	if (strcmp(committed, printed) != 0)
		fail_msg("%s is out of date from line %zu on: write it anew with "
			 "vhosteld --print-config",
			 path, first_difference(committed, printed));
}

static void every_key_is_documented(void **state)
{
	auto_free char *printed = constants_print();

	(void)state;
	for (const char *p = strstr(printed, "# Allowed: "); p; p = strstr(p + 1, "# Allowed: ")) {
		const char *before = p;

		while (before > printed && (before[-1] == ' ' || before[-1] == '\n'))
			before--;
		if (before[-1] != '.')
			fail_msg("no sentence before: %.60s", p);
	}
}

static void the_committed_file_makes_a_clean_clone_work(void **state)
{
	auto_free char *path = own_printf("%s/config/constants.yaml", tree);
	auto_free char *kernel = own_printf("%s/build/kernel-vm/vmlinux", tree);
	auto_free char *initrd = own_printf("%s/build/kernel-vm/initramfs.cpio", tree);
	auto_free char *image = own_printf("%s/build/image-vm/vhostel.img", tree);
	auto_free char *templates = own_printf("%s/config/templates", tree);
	auto_constants *c = NULL;
	struct error err;

	(void)state;
	assert_int_equal(constants_load(path, NULL, &c, &err), 0);
	assert_string_equal(c->kernel_vm.kernel, kernel);
	assert_string_equal(c->kernel_vm.initrd, initrd);
	assert_string_equal(c->image_vm.image, image);
	assert_string_equal(c->kernel_vm.template_dir, templates);
}

static void without_a_file_the_defaults_hold(void **state)
{
	auto_free char *kernel = own_printf("%s/build/kernel-vm/vmlinux", tree);
	auto_constants *c = NULL;
	struct error err;

	(void)state;
	assert_int_equal(chdir(tree), 0);
	assert_int_equal(constants_load(NULL, NULL, &c, &err), 0);
	assert_string_equal(c->server.host, "127.0.0.1");
	assert_int_equal(c->server.port, 8270);
	assert_int_equal(c->server.on_exit, ON_EXIT_KILL);
	assert_true(c->server.allow_remote_stop);
	assert_string_equal(c->run_dir, "auto");
	assert_string_equal(c->qemu.binary, "qemu-system-x86_64");
	assert_int_equal(c->qemu.accelerator, ACCELERATOR_AUTO);
	assert_int_equal(c->qemu.memory_backend, MEMORY_BACKEND_AUTO);
	assert_int_equal(c->qemu.ssh_port_base, 10021);
	assert_int_equal(c->qemu.serial_port_base, 4555);
	assert_string_equal(c->kernel_vm.firmware, "auto");
	assert_string_equal(c->kernel_vm.kernel, kernel);
	assert_string_equal(c->kernel_vm.host_root, "/");
	assert_true(c->image_vm.direct_boot);
	assert_int_equal(c->timeout.start_kernel_vm_ms, 60000);
	assert_int_equal(c->timeout.start_image_vm_ms, 120000);
	assert_int_equal(c->timeout.kill_vm_ms, 5000);
	assert_int_equal(c->limit.output_kib, 1024);
}

static void an_empty_file_or_section_changes_nothing(void **state)
{
	static const char *const texts[] = { "",
					     "# nothing\n",
					     "---\n",
					     "server:\n",
					     "server: ~\nqemu:\n",
					     "{}\n",
					     "server: {}\n",
					     "\xef\xbb\xbf# mark\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		auto_constants *c = load(texts[i]);

		assert_int_equal(c->server.port, 8270);
	}
}

static void each_type_is_read(void **state)
{
	auto_constants *c =
		load("server:\n"
		     "  host: \"::1\"\n"
		     "  port: 0\n"
		     "  on_exit: 'keep'\n"
		     "  allow_remote_stop: False\n"
		     "timeout: {vhost: 500 ms, agent: 2, console: 1.5 s, node: \"2 min\"}\n"
		     "timeout.qmp: 1 h\n");

	(void)state;
	assert_string_equal(c->server.host, "::1");
	assert_int_equal(c->server.port, 0);
	assert_int_equal(c->server.on_exit, ON_EXIT_KEEP);
	assert_false(c->server.allow_remote_stop);
	assert_int_equal(c->timeout.vhost_ms, 500);
	assert_int_equal(c->timeout.agent_ms, 2000);
	assert_int_equal(c->timeout.console_ms, 1500);
	assert_int_equal(c->timeout.node_ms, 120000);
	assert_int_equal(c->timeout.qmp_ms, 3600000);
}

static void an_alias_repeats_a_value(void **state)
{
	auto_constants *c = load("timeout: {qmp: &short 7 s, agent: *short}\n");

	(void)state;
	assert_int_equal(c->timeout.qmp_ms, 7000);
	assert_int_equal(c->timeout.agent_ms, 7000);
}

static void relative_paths_start_at_their_own_file(void **state)
{
	auto_constants *c = NULL;
	struct error err;
	char here[PATH_MAX];
	auto_free char *kernel = NULL;
	auto_free char *initrd = NULL;
	auto_free char *binary = NULL;

	(void)state;
	assert_non_null(realpath(".", here));
	assert_int_equal(file_make_dirs("main/deep", 0700, &err), 0);
	assert_int_equal(file_make_dirs("site", 0700, &err), 0);
	write_text("main/deep/c.yaml", "kernel_vm: {kernel: ../.././k, initrd: \"\", firmware: "
				       "qboot.rom, host_root: ../../../../../../../../.., "
				       "template_dir: ...}\nqemu.binary: qemu\n");
	write_text("site/s.yaml", "kernel_vm.initrd: ./i\nqemu.binary: bin/qemu\n");
	assert_int_equal(constants_load("main/deep/c.yaml", "site/s.yaml", &c, &err), 0);
	kernel = own_printf("%s/k", here);
	initrd = own_printf("%s/site/i", here);
	binary = own_printf("%s/site/bin/qemu", here);
	assert_string_equal(c->kernel_vm.kernel, kernel);
	assert_string_equal(c->kernel_vm.initrd, initrd);
	assert_string_equal(c->qemu.binary, binary);
	assert_string_equal(c->kernel_vm.firmware, "qboot.rom");
	assert_string_equal(c->kernel_vm.host_root, "/");
	assert_true(str_ends(c->kernel_vm.template_dir, "/main/deep/..."));
}

static void the_directory_of_a_file_is_seen_through_links(void **state)
{
	auto_free char *directory = NULL;
	auto_free char *expected = NULL;
	char here[PATH_MAX];
	struct error err;

	(void)state;
	assert_non_null(realpath(".", here));
	assert_int_equal(file_make_dirs("real/inner", 0700, &err), 0);
	assert_int_equal(symlink("real/inner", "link"), 0);
	directory = yaml_directory("link/c.yaml");
	expected = own_printf("%s/real/inner", here);
	assert_string_equal(directory, expected);
}

static void a_site_file_overrides_single_keys(void **state)
{
	auto_constants *c = NULL;
	struct error err;

	(void)state;
	write_text("c.yaml", "server: {port: 1, host: a}\n");
	write_text("s.yaml", "server: {port: 2}\ntimeout.vhost: 5 s\n");
	assert_int_equal(constants_load("c.yaml", "s.yaml", &c, &err), 0);
	assert_int_equal(c->server.port, 2);
	assert_string_equal(c->server.host, "a");
	assert_int_equal(c->timeout.vhost_ms, 5000);
}

/* --- by name ------------------------------------------------------------- */

static void each_key_prints_as_it_is_read(void **state)
{
	auto_constants *c = load("timeout: {vhost: 90, agent: 1500 ms, qmp: 3600 s, node: 60}\n"
				 "server: {on_exit: keep}\n");

	(void)state;
	assert_value(c, "server.host", "127.0.0.1");
	assert_value(c, "server.port", "8270");
	assert_value(c, "server.on_exit", "keep");
	assert_value(c, "server.allow_remote_stop", "true");
	assert_value(c, "run_dir", "auto");
	assert_value(c, "timeout.vhost", "90 s");
	assert_value(c, "timeout.agent", "1500 ms");
	assert_value(c, "timeout.qmp", "1 h");
	assert_value(c, "timeout.node", "1 min");
}

static void a_key_is_set_as_a_file_would(void **state)
{
	auto_constants *c = load("");
	auto_free char *image = own_printf("%s/images/a.img", c->directory);
	struct error err;

	(void)state;
	assert_int_equal(constants_set(c, "timeout.vhost", "5 seconds", &err), 0);
	assert_int_equal(constants_set(c, "server.port", "0", &err), 0);
	assert_int_equal(constants_set(c, "qemu.accelerator", "tcg", &err), 0);
	assert_int_equal(constants_set(c, "qemu.sandbox", "False", &err), 0);
	assert_int_equal(constants_set(c, "image_vm.image", "images/a.img", &err), 0);
	assert_int_equal(c->timeout.vhost_ms, 5000);
	assert_int_equal(c->server.port, 0);
	assert_int_equal(c->qemu.accelerator, ACCELERATOR_TCG);
	assert_false(c->qemu.sandbox);
	assert_string_equal(c->image_vm.image, image);
}

static void a_refused_value_changes_nothing(void **state)
{
	auto_constants *c = load("");
	struct error err;

	(void)state;
	assert_int_equal(constants_set(c, "server.port", "two", &err), -1);
	assert_int_equal(err.code, EINVAL);
	assert_string_equal(err.text, "constant 'server.port': expected an integer from 0 to "
				      "65535, got 'two'");
	assert_int_equal(c->server.port, 8270);
	assert_int_equal(constants_set(c, "server.host", "", &err), -1);
	assert_string_equal(c->server.host, "127.0.0.1");
}

static void who_may_call_is_the_files_alone(void **state)
{
	static const char *const files_alone[] = { "server.host", "server.allow_remote_stop",
						   "remote.idle", "run_dir" };
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(files_alone) / sizeof(files_alone[0]); i++) {
		assert_int_equal(constants_settable(files_alone[i], &err), -1);
		assert_int_equal(err.code, EPERM);
	}
	assert_int_equal(constants_settable("timeout.vhost", &err), 0);
	assert_int_equal(constants_settable("timeout.vhots", &err), -1);
	assert_int_equal(err.code, ENOENT);
}

static int refuse_port_1(void *context, const struct constants *next, struct error *err)
{
	++*(int *)context;
	return next->server.port == 1 ? error_set(err, EINVAL, "not port 1") : 0;
}

static void a_reload_asks_who_must_agree(void **state)
{
	struct constants_box *box = constants_box_new(load("server: {port: 5}\n"));
	const struct constants *now;
	struct error err;
	int asked = 0;

	(void)state;
	constants_on_reload(box, refuse_port_1, &asked);
	write_text("c.yaml", "server: {port: 1}\n");
	assert_int_equal(constants_reload(box, "c.yaml", NULL, &err), -1);
	assert_string_equal(err.text, "not port 1");
	now = constants_hold(box);
	assert_int_equal(now->server.port, 5);
	constants_release(box, now);
	constants_on_reload(box, NULL, NULL);
	assert_int_equal(constants_reload(box, "c.yaml", NULL, &err), 0);
	now = constants_hold(box);
	assert_int_equal(now->server.port, 1);
	constants_release(box, now);
	assert_int_equal(asked, 1);
	constants_box_free(box);
}

static void an_unknown_constant_names_the_nearest(void **state)
{
	auto_constants *c = load("");
	char *text = NULL;
	struct error err;

	(void)state;
	assert_int_equal(constants_get(c, "timeout.vhots", &text, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_string_equal(err.text, "no constant 'timeout.vhots', did you mean timeout.vhost?");
	assert_int_equal(constants_set(c, "nothing like it at all", "1", &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_string_equal(err.text, "no constant 'nothing like it at all', "
				      "config/constants.yaml has them all");
	assert_int_equal(constants_get(c, "server", &text, &err), -1);
	assert_string_equal(err.text, "constant 'server' is a section, name one of its keys: "
				      "server.host");
	assert_null(text);
}

static void a_copy_is_of_its_own(void **state)
{
	auto_constants *c = load("server: {host: a, on_exit: keep}\n");
	auto_constants *copy = constants_copy(c);
	struct error err;

	(void)state;
	assert_int_equal(constants_set(c, "server.host", "b", &err), 0);
	assert_string_equal(copy->server.host, "a");
	assert_int_equal(copy->server.on_exit, ON_EXIT_KEEP);
	assert_int_equal(copy->server.port, 8270);
	assert_int_equal(copy->timeout.unplug_ms, 10000);
	assert_string_equal(copy->directory, c->directory);
	assert_string_equal(copy->kernel_vm.kernel, c->kernel_vm.kernel);
}

static void durations_print_in_the_largest_whole_unit(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = { { 0, "0 ms" },	  { 1, "1 ms" },       { 999, "999 ms" },
		      { 1000, "1 s" },	  { 1001, "1001 ms" }, { 59000, "59 s" },
		      { 60000, "1 min" }, { 90000, "90 s" },   { 86400000, "24 h" } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_free char *text = duration_print(cases[i].ms);
		int64_t ms = -1;

		assert_string_equal(text, cases[i].text);
		assert_int_equal(duration_parse(text, &ms), 0);
		assert_int_equal(ms, cases[i].ms);
	}
}

struct secret_holder {
	char *secret;
};

static void a_secret_is_never_repeated(void **state)
{
	static const struct key keys[] = {
		KEY_STRING(secret_holder, secret, "x", "A secret.", .secret = true, .max = 3,
			   .pattern = "^x*$"),
	};
	static const struct key_table table = KEY_TABLE(keys);
	struct secret_holder holder = { 0 };
	char *text = NULL;
	struct error err;

	(void)state;
	key_table_defaults(&table, &holder, "/");
	assert_int_equal(key_store(&keys[0], &holder, "ab", "/", &err), -1);
	assert_string_equal(err.text, "expected text");
	assert_int_equal(key_print_value(&keys[0], &holder, &text, &err), -1);
	assert_int_equal(err.code, EACCES);
	assert_null(text);
	key_table_clear(&table, &holder);
}

/* --- snapshots ----------------------------------------------------------- */

static void a_held_snapshot_outlives_its_replacement(void **state)
{
	struct constants_box *box = constants_box_new(load("server: {port: 1}\n"));
	const struct constants *first = constants_hold(box);
	const struct constants *again = constants_hold(box);
	const struct constants *second;

	(void)state;
	constants_replace(box, load("server: {port: 2}\n"));
	constants_release(box, again);
	second = constants_hold(box);
	assert_int_equal(first->server.port, 1);
	assert_int_equal(second->server.port, 2);
	constants_release(box, first);
	constants_release(box, second);
	constants_box_free(box);
}

#define ROUNDS 2000

static void *hold_and_release(void *argument)
{
	struct constants_box *box = argument;

	for (int i = 0; i < ROUNDS; i++) {
		const struct constants *c = constants_hold(box);

		if (strlen(c->server.host) != (size_t)c->server.port)
			return (void *)c;
		constants_release(box, c);
	}
	return NULL;
}

static void threads_see_whole_snapshots(void **state)
{
	auto_constants *one = load("server: {port: 1, host: a}\n");
	auto_constants *two = load("server: {port: 2, host: aa}\n");
	struct constants_box *box = constants_box_new(constants_copy(one));
	pthread_t threads[4];
	struct error err;

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(thread_start(&threads[i], "holder", hold_and_release, box, &err),
				 0);
	for (int i = 0; i < ROUNDS / 10; i++)
		constants_replace(box, constants_copy(i % 2 ? one : two));
	for (int i = 0; i < 4; i++) {
		void *torn;

		pthread_join(threads[i], &torn);
		assert_null(torn);
	}
	constants_box_free(box);
}

static int enter_scratch(void **state)
{
	(void)state;
	return chdir(scratch);
}

static int make_scratch(void **state)
{
	(void)state;
	return getcwd(tree, sizeof(tree)) && mkdtemp(scratch) ? 0 : -1;
}

static int remove_scratch(void **state)
{
	struct error err;

	(void)state;
	return chdir(tree) || file_remove_tree(scratch, &err);
}

#define TEST(function) cmocka_unit_test_setup(function, enter_scratch)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_committed_file_is_what_the_table_prints),
		TEST(every_key_is_documented),
		TEST(the_committed_file_makes_a_clean_clone_work),
		TEST(without_a_file_the_defaults_hold),
		TEST(an_empty_file_or_section_changes_nothing),
		TEST(each_type_is_read),
		TEST(an_alias_repeats_a_value),
		TEST(relative_paths_start_at_their_own_file),
		TEST(the_directory_of_a_file_is_seen_through_links),
		TEST(a_site_file_overrides_single_keys),
		TEST(each_key_prints_as_it_is_read),
		TEST(a_key_is_set_as_a_file_would),
		TEST(a_refused_value_changes_nothing),
		TEST(who_may_call_is_the_files_alone),
		TEST(a_reload_asks_who_must_agree),
		TEST(an_unknown_constant_names_the_nearest),
		TEST(a_copy_is_of_its_own),
		TEST(durations_print_in_the_largest_whole_unit),
		TEST(a_secret_is_never_repeated),
		TEST(a_held_snapshot_outlives_its_replacement),
		TEST(threads_see_whole_snapshots),
	};

	return cmocka_run_group_tests_name("constants", tests, make_scratch, remove_scratch);
}

/*
 * Who may talk to the server: host names, origins, certificates, and the snapshot in force.
 */
#include "remote/policy.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/own.h"

static char scratch[] = "/tmp/test_policy.XXXXXX";

static struct policy *policy(void)
{
	struct policy *p = own_alloc(sizeof(*p));

	*p = (struct policy) {
		.server_host = own_strdup("lab.example"),
		.allowed_hosts = own_strdup("one.example  Two.Example"),
		.allowed_origins = own_strdup("https://pages.example http://other.example:81"),
		.own_name = "box.site.example",
	};
	return p;
}

static void addresses_and_names_of_ours_are_allowed(void **state)
{
	static const char *const hosts[] = {
		"127.0.0.1", "127.0.0.1:8270",	 "10.1.2.3:1",	"[::1]:8270",	 "[2001:db8::1]",
		"localhost", "LOCALHOST:1",	 "lab.example", "LAB.example:1", "box",
		"Box:8270",  "box.site.example",
	};
	struct policy *p = policy();

	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		if (!policy_allows_host(p, hosts[i]))
			fail_msg("refused: %s", hosts[i]);
	policy_free(p);
}

static void configured_host_names_are_allowed_in_any_case_and_with_a_dot(void **state)
{
	struct policy *p = policy();

	(void)state;
	assert_true(policy_allows_host(p, "one.example"));
	assert_true(policy_allows_host(p, "two.example:8270"));
	assert_true(policy_allows_host(p, "one.example."));
	policy_free(p);
}

static void other_host_names_are_refused(void **state)
{
	static const char *const hosts[] = {
		"",
		":",
		".",
		"[]",
		"evil.example",
		"127.0.0.1.evil.example",
		"bo",
		"boxx",
		"box.sit",
		"one.exampl",
		"one.example2",
		"one.example two.example",
		"xlocalhost",
	};
	struct policy *p = policy();

	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		if (policy_allows_host(p, hosts[i]))
			fail_msg("allowed: %s", hosts[i]);
	policy_free(p);
}

static void a_host_name_as_long_as_any_can_be_is_read_and_a_longer_one_refused(void **state)
{
	char name[258];
	struct policy *p = policy();

	(void)state;
	memset(name, 'a', sizeof(name));
	name[255] = '\0';
	free(p->allowed_hosts);
	p->allowed_hosts = own_strdup(name);
	assert_true(policy_allows_host(p, name));
	name[255] = 'a';
	name[256] = '\0';
	free(p->allowed_hosts);
	p->allowed_hosts = own_strdup(name);
	assert_false(policy_allows_host(p, name));
	policy_free(p);
}

static void our_own_origin_is_the_host_with_our_scheme(void **state)
{
	struct policy *p = policy();

	(void)state;
	assert_true(policy_allows_origin(p, "http://127.0.0.1:8270", "127.0.0.1:8270"));
	assert_true(policy_allows_origin(p, "HTTP://Box:1", "box:1"));
	assert_false(policy_allows_origin(p, "https://127.0.0.1:8270", "127.0.0.1:8270"));
	assert_false(policy_allows_origin(p, "http://127.0.0.1:1", "127.0.0.1:8270"));
	assert_false(policy_allows_origin(p, "http://127.0.0.1:8270", NULL));
	p->certificate = own_strdup("with one the scheme is https");
	assert_true(policy_allows_origin(p, "https://box:1", "box:1"));
	assert_false(policy_allows_origin(p, "http://box:1", "box:1"));
	policy_free(p);
}

static void configured_origins_are_allowed_as_a_whole(void **state)
{
	struct policy *p = policy();

	(void)state;
	assert_true(policy_allows_origin(p, "https://pages.example", "box"));
	assert_true(policy_allows_origin(p, "http://other.example:81", NULL));
	assert_false(policy_allows_origin(p, "http://pages.example", "box"));
	assert_false(policy_allows_origin(p, "https://pages.example.evil", "box"));
	assert_false(policy_allows_origin(p, "null", "box"));
	assert_false(policy_allows_origin(p, "", "box"));
	policy_free(p);
}

/* policy_load() with these two files; NULL with @err when it is refused. */
static struct policy *load_tls(const char *certificate, const char *key, struct error *err)
{
	struct constants *c = NULL;
	struct policy *p = NULL;

	if (constants_load(NULL, NULL, &c, err) < 0 ||
	    constants_set(c, "remote.tls_certificate", certificate, err) < 0 ||
	    constants_set(c, "remote.tls_key", key, err) < 0 ||
	    policy_load(c, "127.0.0.1", &p, err) < 0)
		p = NULL;
	constants_free(c);
	return p;
}

static void limits_come_from_the_constants(void **state)
{
	struct constants *c = NULL;
	struct policy *p = NULL;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(constants_load(NULL, NULL, &c, &err), 0);
	assert_int_equal(constants_set(c, "remote.body_kib", "2", &err), 0);
	assert_int_equal(constants_set(c, "remote.connections", "7", &err), 0);
	assert_int_equal(policy_load(c, "127.0.0.1", &p, &err), 0);
	assert_int_equal(p->body_max, 2048);
	assert_int_equal(p->connections, 7);
	assert_null(p->credentials);
	assert_null(p->certificate);
	assert_string_equal(p->server_host, "127.0.0.1");
	policy_free(p);
	constants_free(c);
}

static void certificate_and_key_are_both_there_or_neither(void **state)
{
	struct error err = { 0 };

	(void)state;
	assert_null(load_tls("/nonexistent.pem", "none", &err));
	assert_int_equal(err.code, EINVAL);
	assert_non_null(strstr(err.text, "expected both or none"));
	assert_null(load_tls("none", "/nonexistent.key", &err));
	assert_int_equal(err.code, EINVAL);
}

static void the_file_that_cannot_be_read_is_named(void **state)
{
	auto_free char *path = own_printf("%s/garbage", scratch);
	struct error err = { 0 };

	(void)state;
	assert_int_equal(file_write(path, "garbage", 7, 0600, &err), 0);
	assert_null(load_tls("/nonexistent.pem", path, &err));
	assert_int_equal(err.code, ENOENT);
	assert_non_null(strstr(err.text, "remote.tls_certificate: /nonexistent.pem"));
	assert_null(load_tls(path, "/nonexistent.key", &err));
	assert_non_null(strstr(err.text, "remote.tls_key: /nonexistent.key"));
	assert_null(load_tls(path, path, &err));
	assert_int_equal(err.code, EINVAL);
	assert_non_null(strstr(err.text, path));
}

static void a_policy_lives_until_its_last_holder_lets_go(void **state)
{
	struct policy_box box = { .mutex = PTHREAD_MUTEX_INITIALIZER };
	struct policy_ref *old, *now;

	(void)state;
	policy_box_set(&box, policy());
	old = policy_hold(&box);
	policy_box_set(&box, policy());
	now = policy_hold(&box);
	assert_ptr_not_equal(old, now);
	/* Freed memory would show under the sanitizers. */
	assert_string_equal(old->policy->server_host, "lab.example");
	policy_release(&box, old);
	policy_release(&box, now);
	policy_box_set(&box, NULL);
	assert_null(box.now);
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(scratch) ? 0 : -1;
}

static int tear_down(void **state)
{
	struct error err;

	(void)state;
	return file_remove_tree(scratch, &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_and_names_of_ours_are_allowed),
		cmocka_unit_test(configured_host_names_are_allowed_in_any_case_and_with_a_dot),
		cmocka_unit_test(other_host_names_are_refused),
		cmocka_unit_test(
			a_host_name_as_long_as_any_can_be_is_read_and_a_longer_one_refused),
		cmocka_unit_test(our_own_origin_is_the_host_with_our_scheme),
		cmocka_unit_test(configured_origins_are_allowed_as_a_whole),
		cmocka_unit_test(limits_come_from_the_constants),
		cmocka_unit_test(certificate_and_key_are_both_there_or_neither),
		cmocka_unit_test(the_file_that_cannot_be_read_is_named),
		cmocka_unit_test(a_policy_lives_until_its_last_holder_lets_go),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

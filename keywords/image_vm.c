/*
 * Keywords: starting image VMs.
 */
#include "vm/image_vm.h"

#include <errno.h>

#include "base/own.h"
#include "keywords/html.h"
#include "keywords/start_args.h"
#include "keywords/usual_args.h"

struct start_args {
	const char *vm;
	const char *node;
	const char *image;
	struct machine_args machine;
	bool snapshot;
	int64_t timeout_ms;
	int direct_boot;
	const char *username;
	const char *password;
	const char *private_key;
	const char *passphrase;
	bool ssh_agent;
	const char *host_key;
	const char *known_hosts;
	json_t *options;
};

#define FIELD(member) .offset = offsetof(struct start_args, member)

static const struct keyword_arg start_arguments[] = {
	ARGUMENT_VM(start_args),
	ARGUMENT_NODE(start_args, "DUT1"),
	{ .name = "image",
	  .type = ARG_STR,
	  .fallback = "default",
	  .min = 1,
	  .max = 4096,
	  FIELD(image),
	  .doc = "The disk image: `default` (image_vm.image) or an absolute path." },
	ARGUMENT_CPUS(start_args),
	ARGUMENT_MEMORY(start_args, "1024"),
	ARGUMENT_HOST_CPUS(start_args),
	ARGUMENT_PAGE_SIZE(start_args),
	ARGUMENT_QEMU_ID(start_args),
	{ .name = "snapshot",
	  .type = ARG_BOOL,
	  .fallback = "True",
	  FIELD(snapshot),
	  .doc = "Leave the image file untouched: what the guest writes goes with it." },
	ARGUMENT_TIMEOUT(start_args, "timeout.start_image_vm", ARG_POSITIONAL),
	ARGUMENT_PAUSED(start_args),
	ARGUMENT_CORES(start_args),
	{ .name = "direct_boot",
	  .kind = ARG_NAMED_ONLY,
	  .type = ARG_BOOL,
	  .fallback = "auto",
	  .or_auto = true,
	  FIELD(direct_boot),
	  .doc = "Boot kernel and initramfs beside the image; `auto`: as image_vm.direct_boot says." },
	{ .name = "username",
	  .kind = ARG_NAMED_ONLY,
	  .type = ARG_STR,
	  .fallback = "none",
	  .nullable = true,
	  .max = 32,
	  FIELD(username),
	  .doc = "Who logs in over SSH; without: image_vm.username." },
	{ .name = "password",
	  .kind = ARG_NAMED_ONLY,
	  .type = ARG_STR,
	  .fallback = "none",
	  .nullable = true,
	  .max = 1024,
	  .secret = true,
	  FIELD(password),
	  .doc = "That user's password; without: image_vm.password." },
	{ .name = "private_key",
	  .kind = ARG_NAMED_ONLY,
	  .type = ARG_STR,
	  .fallback = "none",
	  .nullable = true,
	  .max = 4096,
	  FIELD(private_key),
	  .doc = "Path of a private key that is tried before the password." },
	{ .name = "passphrase",
	  .kind = ARG_NAMED_ONLY,
	  .type = ARG_STR,
	  .fallback = "none",
	  .nullable = true,
	  .max = 1024,
	  .secret = true,
	  FIELD(passphrase),
	  .doc = "What opens the private key." },
	{ .name = "ssh_agent",
	  .kind = ARG_NAMED_ONLY,
	  .type = ARG_BOOL,
	  .fallback = "False",
	  FIELD(ssh_agent),
	  .doc = "Try the keys of the SSH agent that the server was started with (SSH_AUTH_SOCK) "
		 "before the password." },
	{ .name = "host_key",
	  .kind = ARG_NAMED_ONLY,
	  .type = ARG_STR,
	  .fallback = "none",
	  .nullable = true,
	  .max = 128,
	  FIELD(host_key),
	  .doc = "Fingerprint of the only host key that is taken, as `ssh-keygen -l` prints it "
		 "(`SHA256:...`); without: the first one seen, for the life of the VM." },
	{ .name = "known_hosts",
	  .kind = ARG_NAMED_ONLY,
	  .type = ARG_STR,
	  .fallback = "none",
	  .nullable = true,
	  .max = 4096,
	  FIELD(known_hosts),
	  .doc = "Path of a known_hosts file that has the host keys that are taken, instead of "
		 "`host_key`." },
	{ .name = "options",
	  .kind = ARG_KWARGS,
	  .type = ARG_DICT,
	  FIELD(options),
	  .doc = "None so far: any other name is refused, so that a misspelt one does not pass." },
};

/* A name that no argument has is a mistake; the error says what there is. */
static int refuse_options(const json_t *options, struct error *err)
{
	auto_strv names = { 0 };
	auto_free char *list = NULL;
	const char *name = json_object_iter_key(json_object_iter((json_t *)options));

	if (!name)
		return 0;
	for (size_t i = 0; i < sizeof(start_arguments) / sizeof(start_arguments[0]); i++)
		if (start_arguments[i].kind != ARG_KWARGS)
			strv_add(&names, start_arguments[i].name);
	list = strv_join(&names, ", ");
	return error_set(err, EINVAL, "argument '%s': unknown; allowed: %s", name, list);
}

static int start_image_vm(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct start_args *a = args;
	struct wait w = call_wait(call, a->timeout_ms);
	auto_vm *vm = NULL;
	struct node *node;
	const struct image_vm_options options = {
		.machine = machine_options(&a->machine),
		.image = a->image,
		.snapshot = a->snapshot,
		.direct_boot = a->direct_boot,
		.username = a->username,
		.password = a->password,
		.login = { .private_key = (char *)a->private_key,
			   .passphrase = (char *)a->passphrase,
			   .ssh_agent = a->ssh_agent,
			   .host_key = (char *)a->host_key,
			   .known_hosts = (char *)a->known_hosts },
		.began_us = clock_us(),
	};

	if (refuse_options(a->options, err) < 0 ||
	    hostel_node(call->hostel, a->node, &node, err) < 0 ||
	    image_vm_start(call->hostel, a->vm, node, &options, &w, &call->trail, &vm, err) < 0) {
		html_console_log(call, a->vm, err);
		return error_prefix(err, "Start Image VM");
	}
	*ret = vm_info(vm);
	return 0;
}

static const struct keyword keywords[] = {
	{ .name = "Start Image VM",
	  .tags = "vm start image",
	  .doc = "Boots a disk image with guest agent and SSH server.\n\n"
		 "SSH is forwarded from 127.0.0.1, port 10021 + `qemu_id`. On port 4555 + `qemu_id` the "
		 "guest has a login of its own, on ttyS2: the console, ttyS0, is the server's, for *Get "
		 "VM Console* and *Expect On VM Console*. Interfaces that *Configure Vhost Interfaces* defined "
		 "before become its NICs; their names in the guest are found by MAC address. "
		 "Returns when SSH and the guest agent answer; an agent that stays silent is a "
		 "warning and `agent` false.",
	  KEYWORD_ARGS(start_arguments),
	  .args_size = sizeof(struct start_args),
	  .returns = "The VM's info, as *Get VM Info* has it",
	  .run = start_image_vm },
};

const struct keyword_family image_vm_family = KEYWORD_FAMILY("Image VMs", keywords);

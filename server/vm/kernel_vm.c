/*
 * Kernel VMs.
 */
#include "vm/kernel_vm.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "qemu/command.h"
#include "vm/hostel.h"
#include "vm/run_dir.h"
#include "vm/template.h"
#include "vm/vm_testpmd.h"

#define DEFAULT_TEMPLATE "kernel-vm.init"
#define TEMPLATE_MAX	 (1024 * 1024)
/* qboot starts a PVH kernel 2.6 CPU seconds sooner than SeaBIOS starts a bzImage. */
#define QBOOT_NAME "qboot.rom"
#define QBOOT_PATH "/usr/share/qemu/" QBOOT_NAME
/* Where the signature of a bzImage stands. Source: Linux Documentation/x86/boot.rst. */
#define BZIMAGE_MAGIC_OFFSET 0x202

/*
 * Arguments that every kernel VM boots with. A guest for a test has no secrets to keep from
 * itself, so mitigations and self-tests go; panic=-1 makes a panic the end of QEMU.
 */
#define KERNEL_ARGUMENTS                                                                         \
	"console=ttyS0 quiet panic=-1 mitigations=off nokaslr cryptomgr.notests no_timer_check " \
	"rcupdate.rcu_expedited=1 8250.nr_uarts=2 net.ifnames=0 rodata=off init_on_alloc=0"
/*
 * Under TCG each PCI device that is enabled costs 0.2 s of ACPI byte code to route its interrupt
 * line. Only drivers of the kernel use that line; DPDK polls.
 */
#define DPDK_KERNEL_ARGUMENTS " acpi=noirq"

/* What is known once the arguments are checked. */
struct preparation {
	char *init_script;
	char *append;
	const char *firmware;
	enum guest_memory memory;
	bool kvm;
};

static void preparation_clear(struct preparation *p)
{
	free(p->init_script);
	free(p->append);
}

static int check_kernel(struct node *node, const char *path, const struct wait *w,
			struct error *err)
{
	auto_str head = { 0 };

	if (node_read_file(node, path, 0, BZIMAGE_MAGIC_OFFSET + 4, w, &head, err) < 0)
		return error_prefix(err, "kernel_vm.kernel (tools/kernel-vm/build makes one)");
	if (head.length > 4 && !memcmp(head.text, "\177ELF", 4))
		return 0;
	if (head.length == BZIMAGE_MAGIC_OFFSET + 4 &&
	    !memcmp(head.text + BZIMAGE_MAGIC_OFFSET, "HdrS", 4))
		return 0;
	return error_set(err, EINVAL,
			 "kernel_vm.kernel: %s is no kernel: expected an ELF vmlinux or a bzImage",
			 path);
}

static int check_initrd(struct node *node, const char *path, const struct wait *w,
			struct error *err)
{
	auto_str head = { 0 };

	if (*path && node_read_file(node, path, 0, 1, w, &head, err) < 0)
		return error_prefix(err, "kernel_vm.initrd (tools/kernel-vm/build makes one)");
	return 0;
}

static char *template_path(const char *name, const struct constants *c)
{
	if (!strcmp(name, "default"))
		name = DEFAULT_TEMPLATE;
	return strchr(name, '/') ? own_strdup(name)
				 : own_printf("%s/%s", c->kernel_vm.template_dir, name);
}

/* The PCI addresses of the VM's NICs with spaces between, owned by the caller. */
static char *nic_list(struct vm *vm)
{
	auto_strv nics = { 0 };
	lock_scope(&vm->mutex);

	for (size_t i = 0; i < vm->nic_count; i++)
		strv_take(&nics, nic_pci_address(&vm->nics[i]));
	return strv_join(&nics, " ");
}

/* The names that every template may use, on top of the user's own. */
static json_t *template_names(struct vm *vm, const struct kernel_vm_options *o,
			      const struct payload *payload, const struct constants *c)
{
	json_t *names = o->names ? json_deep_copy(o->names) : json_object();
	auto_free char *list = nic_list(vm);

	json_object_set_new(names, "vnf_bin", json_string(payload->command));
	json_object_set_new(names, "vm_name", json_string(vm->name));
	json_object_set_new(names, "vm_nics", json_string(list));
	json_object_set_new(names, "vm_driver",
			    json_string(payload->dpdk ? c->testpmd.driver : ""));
	return names;
}

static int render_init(struct vm *vm, const struct kernel_vm_options *o,
		       const struct payload *payload, const struct constants *c,
		       const struct wait *w, char **ret, struct error *err)
{
	auto_free char *path = template_path(o->template, c);
	json_t *names;
	auto_str text = { 0 }, script = { 0 };

	if (node_read_file(vm->node, path, 0, TEMPLATE_MAX, w, &text, err) < 0)
		return error_prefix(err, "argument 'init_template'");
	if (!text.length)
		return error_set(err, EINVAL, "argument 'init_template': %s is empty", path);
	names = template_names(vm, o, payload, c);
	template_render(text.text, names, &script);
	json_decref(names);
	*ret = str_take(&script);
	return 0;
}

static int check_guest_pages(const struct kernel_vm_options *o, int pages, struct error *err)
{
	int need = pages * 2 + KERNEL_VM_RESERVE_MIB;

	if (o->machine.memory_mib >= need)
		return 0;
	return error_set(err, EINVAL,
			 "argument 'memory': %d huge pages of 2 MB in the guest and the guest "
			 "itself need at least %d MiB, got %d MiB",
			 pages, need, o->machine.memory_mib);
}

static int guest_pages(const struct payload *payload, const struct constants *c)
{
	return payload->hugepages > c->kernel_vm.hugepages ? payload->hugepages
							   : c->kernel_vm.hugepages;
}

/* The kernel's command line; owned by the caller. */
static char *make_append(const struct payload *payload, const struct constants *c,
			 const char *run_dir)
{
	return own_printf("%s%s hugepages=%d init=%s/%s %s", KERNEL_ARGUMENTS,
			  payload->dpdk ? DPDK_KERNEL_ARGUMENTS : "", guest_pages(payload, c),
			  run_dir, RUN_DIR_INIT_SCRIPT, c->kernel_vm.command_line);
}

static const char *choose_firmware(struct node *node, const struct constants *c,
				   const struct wait *w)
{
	auto_str rom = { 0 };

	if (strcmp(c->kernel_vm.firmware, "auto"))
		return c->kernel_vm.firmware;
	return node_read_file(node, QBOOT_PATH, 0, 1, w, &rom, NULL) < 0 ? "" : QBOOT_NAME;
}

/* Everything that can be wrong is found here: reads only. */
static int prepare(struct vm *vm, const struct kernel_vm_options *o, const struct payload *payload,
		   const struct constants *c, const struct wait *w, struct preparation *ret,
		   struct error *err)
{
	auto_facts facts = { 0 };

	if (node_facts_read(vm->node, w, &facts, err) < 0 ||
	    machine_check(&o->machine, c, vm->node, &facts, &ret->memory, &ret->kvm, err) < 0 ||
	    check_guest_pages(o, guest_pages(payload, c), err) < 0 ||
	    check_kernel(vm->node, c->kernel_vm.kernel, w, err) < 0 ||
	    check_initrd(vm->node, c->kernel_vm.initrd, w, err) < 0 ||
	    render_init(vm, o, payload, c, w, &ret->init_script, err) < 0)
		return -1;
	ret->append = make_append(payload, c, vm->run_dir);
	ret->firmware = choose_firmware(vm->node, c, w);
	return 0;
}

/* What the steps of a start are given. */
struct start_context {
	const struct kernel_vm_options *options;
	const struct payload *payload;
	char *init_script;
};

static int write_init(struct vm *vm, void *context, const struct wait *w, struct error *err)
{
	auto_free char *path = qemu_path(vm->run_dir, RUN_DIR_INIT_SCRIPT);
	const struct start_context *c = context;
	const struct str bytes = { .text = c->init_script, .length = strlen(c->init_script) };

	return node_write_file(vm->node, path, &bytes, 0700, w, err);
}

static int run_in_guest(struct vm *vm, void *context, const struct wait *w, struct trail *trail,
			struct error *err)
{
	const struct start_context *c = context;

	return vm_payload_start(vm, c->payload->kind, c->options->payload.guest, w, trail, err);
}

/* What the machine's size, the constants and the kernel decide of QEMU's command line. */
static struct qemu_spec make_spec(const struct machine_options *m, const struct constants *c,
				  bool kvm, const char *firmware, const char *append)
{
	return (struct qemu_spec) {
		.binary = c->qemu.binary,
		.machine = c->qemu.machine,
		.cpu = kvm ? c->qemu.cpu_kvm : c->qemu.cpu_tcg,
		.kvm = kvm,
		.sandbox = c->qemu.sandbox,
		.cpus = m->cpus,
		.cores = m->core_count ? m->cores : NULL,
		.memory_mib = m->memory_mib,
		.numa_node = m->bind_memory ? m->numa_node : -1,
		.firmware = firmware,
		.kernel = c->kernel_vm.kernel,
		.initrd = *c->kernel_vm.initrd ? c->kernel_vm.initrd : NULL,
		.append = append,
		.host_root = c->kernel_vm.host_root,
	};
}

static int bring_up(struct vm *vm, const struct kernel_vm_options *o, const struct payload *payload,
		    const struct constants *c, const struct preparation *p, const struct wait *w,
		    struct trail *trail, struct error *err)
{
	struct start_context context = { .options = o,
					 .payload = payload,
					 .init_script = p->init_script };
	struct bring_up plan = {
		.spec = make_spec(&o->machine, c, p->kvm, p->firmware, p->append),
		.machine = o->machine,
		.readiness = {
			.ready = payload->has_ready ? &payload->ready : NULL,
			.failure = payload->failure,
			.awaits = payload->awaits,
		},
		.prepare = write_init,
		.finish = payload->in_guest ? run_in_guest : NULL,
		.context = &context,
		.began_us = o->began_us,
	};

	plan.spec.memory = p->memory;
	vm_describe(vm, VM_KERNEL, p->kvm, payload->name, "", "");
	return vm_bring_up(vm, &plan, w, trail, err);
}

/* A payload that is run in the guest: whatever can be wrong with it is found before the start. */
static int check_in_guest(struct vm *vm, const struct kernel_vm_options *o,
			  const struct payload *payload, const struct wait *w, struct error *err)
{
	if (!payload->in_guest)
		return 0;
	if (o->machine.paused)
		return error_set(err, EINVAL,
				 "argument 'paused': vnf=%s is run once the guest is ready, which "
				 "a paused VM never is; start it with vnf=none and run it later",
				 payload->name);
	return vm_payload_check(vm, payload->kind, o->payload.guest, o->machine.cpus, w, err);
}

/* @vm is defined; it is claimed between the checks, which change nothing, and the start. */
static int start(struct vm *vm, const struct kernel_vm_options *o, const struct wait *w,
		 struct trail *trail, struct error *err)
{
	__attribute__((cleanup(payload_clear))) struct payload payload = { 0 };
	__attribute__((cleanup(preparation_clear))) struct preparation p = { 0 };
	auto_constants held = hostel_hold(vm->hostel);
	auto_strv addresses = { 0 };
	struct testpmd_place place = vm_testpmd_place(vm, held.c, &addresses);

	place.cpus = o->machine.cpus;
	if (payload_make(&o->payload, &place, &payload, err) < 0 ||
	    check_in_guest(vm, o, &payload, w, err) < 0 ||
	    prepare(vm, o, &payload, held.c, w, &p, err) < 0 ||
	    hostel_claim(vm->hostel, vm, err) < 0)
		return -1;
	trail_step(trail, "checked the arguments");
	if (bring_up(vm, o, &payload, held.c, &p, w, trail, err) < 0)
		return -1;
	if (payload.testpmd)
		vm_testpmd_attach(vm, vm->console, stream_end(vm->console));
	return 0;
}

int kernel_vm_command(const struct constants *c, struct node *node,
		      const struct kernel_vm_options *o, const struct testpmd_place *place,
		      const char *name, const char *run_dir, enum guest_memory memory, bool kvm,
		      const struct wait *w, struct strv *ret, struct error *err)
{
	__attribute__((cleanup(payload_clear))) struct payload payload = { 0 };
	auto_free char *append = NULL;
	struct qemu_spec spec;

	if (payload_make(&o->payload, place, &payload, err) < 0)
		return -1;
	append = make_append(&payload, c, run_dir);
	spec = make_spec(&o->machine, c, kvm, choose_firmware(node, c, w), append);
	spec.memory = memory;
	spec.name = name;
	spec.run_dir = run_dir;
	qemu_command(&spec, ret);
	return 0;
}

int kernel_vm_start(struct hostel *hostel, const char *name, struct node *node,
		    const struct kernel_vm_options *o, const struct wait *w, struct trail *trail,
		    struct vm **ret, struct error *err)
{
	auto_vm *vm = NULL;

	if (hostel_define(hostel, name, node, o->machine.qemu_id, &vm, err) < 0)
		return -1;
	if (start(vm, o, w, trail, err) < 0) {
		hostel_unclaim(hostel, vm);
		return -1;
	}
	*ret = take_ptr(vm);
	return 0;
}

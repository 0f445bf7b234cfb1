/*
 * What payloads need done in a guest, as its root.
 */
#include "vm/vm_payload_guest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/own.h"
#include "value/value.h"
#include "vm/hostel.h"
#include "vm/launch.h"

#define OUTPUT_MAX (1024 * 1024)
/* Names the interfaces of an image VM; a rebind gave them the kernel's names. */
#define NAMES_PROGRAM "vhostel-names"
#define DRIVERS_DIR   "/sys/bus/pci/drivers"
#define DEVICES_DIR   "/sys/bus/pci/devices"

/* A list of arguments from literals; the strings are only read. */
#define GUEST_ARGV(...) ((char *const[]) { __VA_ARGS__, NULL })
#define WORD(text)	((char[]) { text })

int guest_ready(struct vm *vm, const struct wait *w, struct error *err)
{
	auto_constants held = hostel_hold(vm->hostel);
	struct wait guest = vm_guest_wait(vm, w), soon;

	if (vm_check_running(vm, err) < 0)
		return -1;
	soon = wait_within(&guest, held.c->timeout.agent_ms);
	if (vm_await_agent(vm, vm_agent_answers(vm) ? &guest : &soon, err) < 0)
		return error_prefix(err, "VM '%s': payloads need the guest agent", vm->name);
	return 0;
}

int guest_run(struct vm *vm, char *const *argv, const char *input, const struct wait *w,
	      struct process_result *ret, struct error *err)
{
	const struct str bytes = { .text = (char *)input, .length = input ? strlen(input) : 0 };

	return agent_run(vm->agent, argv, input ? &bytes : NULL, OUTPUT_MAX, w, ret, err);
}

int guest_must(struct vm *vm, char *const *argv, const char *input, const struct wait *w,
	       struct str *ret, struct error *err)
{
	auto_process_result r = { 0 };
	auto_free char *said = NULL;

	if (guest_run(vm, argv, input, w, &r, err) < 0)
		return -1;
	if (ret)
		str_add(ret, str_text(&r.out), r.out.length);
	if (r.rc == 0)
		return 0;
	said = str_printable(str_text(r.err.length ? &r.err : &r.out),
			     r.err.length ? r.err.length : r.out.length);
	return error_set(err, EREMOTEIO, "%s in the guest: exit status %d: %s", argv[0], r.rc,
			 said);
}

int guest_has(struct vm *vm, const char *program, const struct wait *w, struct error *err)
{
	auto_free char *name = own_strdup(program);
	auto_process_result r = { 0 };

	if (guest_run(vm, GUEST_ARGV(WORD("which"), name), NULL, w, &r, err) < 0)
		return -1;
	if (r.rc == 0)
		return 0;
	return error_set(err, ENOENT,
			 "VM '%s' has no program '%s': install it in the %s, or name another one",
			 vm->name, program,
			 vm->kind == VM_KERNEL ? "host's root file system" : "image");
}

/* The PCI devices that a driver has, in one look: "" when the driver is not loaded. */
static int devices_of(struct vm *vm, const char *driver, const struct wait *w, struct str *ret,
		      struct error *err)
{
	auto_free char *dir = own_printf(DRIVERS_DIR "/%s", driver);
	auto_process_result r = { 0 };

	if (guest_run(vm, GUEST_ARGV(WORD("ls"), dir), NULL, w, &r, err) < 0)
		return -1;
	str_add(ret, str_text(&r.out), r.out.length);
	return 0;
}

/* Under the kernel VM's own kernel there are no modules to load: what it needs is there. */
static int load_driver(struct vm *vm, const char *driver, const struct wait *w, struct error *err)
{
	auto_free char *name = own_strdup(driver);

	if (vm->kind == VM_KERNEL || !strcmp(driver, GUEST_KERNEL_DRIVER))
		return 0;
	return guest_must(vm, GUEST_ARGV(WORD("modprobe"), name), NULL, w, NULL, err);
}

/* What is unbound already refuses to be unbound: no matter. */
static int hand_over(struct vm *vm, const char *address, const char *driver, const struct wait *w,
		     struct error *err)
{
	auto_free char *unbind = own_printf(DEVICES_DIR "/%s/driver/unbind", address);
	auto_free char *override = own_printf(DEVICES_DIR "/%s/driver_override", address);
	struct error ignored;

	agent_write_file(vm->agent, unbind, address, w, &ignored);
	if (agent_write_file(vm->agent, override, driver, w, err) < 0 ||
	    agent_write_file(vm->agent, "/sys/bus/pci/drivers_probe", address, w, err) < 0)
		return error_prefix(err, "cannot bind %s to %s", address, driver);
	return 0;
}

static int check_bound(struct vm *vm, const struct strv *addresses, const char *driver,
		       const struct wait *w, struct error *err)
{
	auto_str bound = { 0 };

	if (devices_of(vm, driver, w, &bound, err) < 0)
		return -1;
	for (size_t i = 0; i < addresses->count; i++)
		if (!strstr(str_text(&bound), addresses->items[i]))
			return error_set(err, EREMOTEIO,
					 "%s did not take %s in the guest (see dmesg there)",
					 driver, addresses->items[i]);
	return 0;
}

int guest_bind(struct vm *vm, const struct strv *addresses, const char *driver,
	       const struct wait *w, struct error *err)
{
	bool loaded = false, changed = false;
	auto_process_result ignored = { 0 };
	auto_str bound = { 0 };

	if (devices_of(vm, driver, w, &bound, err) < 0)
		return -1;
	for (size_t i = 0; i < addresses->count; i++) {
		if (strstr(str_text(&bound), addresses->items[i]))
			continue;
		if (!loaded && load_driver(vm, driver, w, err) < 0)
			return -1;
		loaded = true;
		if (hand_over(vm, addresses->items[i], driver, w, err) < 0)
			return -1;
		changed = true;
	}
	if (changed && check_bound(vm, addresses, driver, w, err) < 0)
		return -1;
	if (!changed || vm->kind == VM_KERNEL || strcmp(driver, GUEST_KERNEL_DRIVER) != 0)
		return 0;
	/* Some other image may have another way, or none. */
	if (guest_run(vm, GUEST_ARGV(WORD(NAMES_PROGRAM)), NULL, w, &ignored, err) < 0)
		return err->code == EREMOTEIO ? 0 : -1;
	return 0;
}

static int count_of(const char *meminfo, const char *name)
{
	const char *at = strstr(meminfo, name);
	int n = 0;

	if (at)
		sscanf(at + strlen(name), ": %d", &n);
	return n;
}

static int read_meminfo(struct vm *vm, const struct wait *w, struct str *ret, struct error *err)
{
	return guest_must(vm, GUEST_ARGV(WORD("cat"), WORD("/proc/meminfo")), NULL, w, ret, err);
}

int guest_reserve_hugepages(struct vm *vm, int pages, const struct wait *w, struct error *err)
{
	auto_str before = { 0 }, after = { 0 };
	auto_free char *total = NULL;
	int unused;

	if (read_meminfo(vm, w, &before, err) < 0)
		return -1;
	unused = count_of(str_text(&before), "HugePages_Free");
	if (unused >= pages)
		return 0;
	total = own_printf("%d", count_of(str_text(&before), "HugePages_Total") + pages - unused);
	if (agent_write_file(vm->agent, "/proc/sys/vm/nr_hugepages", total, w, err) < 0 ||
	    read_meminfo(vm, w, &after, err) < 0)
		return -1;
	unused = count_of(str_text(&after), "HugePages_Free");
	if (unused >= pages)
		return 0;
	return error_set(
		err, ENOMEM,
		"VM '%s' has %d free huge pages of 2 MB, %d are needed: start it with more "
		"memory than %d MiB",
		vm->name, unused, pages, vm->memory_mib);
}

int guest_links(struct vm *vm, const struct wait *w, json_t **ret, struct error *err)
{
	char *const *argv =
		GUEST_ARGV(WORD("ip"), WORD("-j"), WORD("-s"), WORD("link"), WORD("show"));
	auto_str text = { 0 };

	if (guest_must(vm, argv, NULL, w, &text, err) < 0)
		return -1;
	*ret = value_parse(str_text(&text), text.length, "ip link", err);
	return *ret ? 0 : -1;
}

const json_t *guest_link_of(const json_t *links, const char *mac)
{
	size_t index;
	json_t *link;

	json_array_foreach (links, index, link) {
		const char *address = json_string_value(json_object_get(link, "address"));

		if (address && !strcasecmp(address, mac))
			return link;
	}
	return NULL;
}

int guest_ip(struct vm *vm, const struct str *batch, const struct wait *w, struct error *err)
{
	return guest_must(vm, GUEST_ARGV(WORD("ip"), WORD("-batch"), WORD("-")), str_text(batch), w,
			  NULL, err);
}

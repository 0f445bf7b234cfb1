/*
 * The QEMU command line of a VM.
 *
 * Slots on the PCI bus: 0 and 1 are the machine's, 2 the disk, 3 the virtio-serial ports, 4 the
 * root file system, 5 the management NIC; vhost-user NICs begin at qemu.first_slot (6).
 */
#include "qemu/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"

/* The denials that QEMU's own seccomp filter can make. Source: qemu(1), -sandbox. */
#define SANDBOX "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"

char *qemu_path(const char *run_dir, const char *name)
{
	return own_printf("%s/%s", run_dir, name);
}

/* A comma ends an option's value for QEMU; two stand for one. */
static char *escaped(const char *value)
{
	struct str s = { 0 };

	for (const char *p = value; *p; p++) {
		str_add(&s, p, 1);
		if (*p == ',')
			str_add(&s, p, 1);
	}
	return str_take(&s);
}

static void add_option(struct strv *v, const char *option, const char *value)
{
	strv_add(v, option);
	strv_add(v, value);
}

static void add_optionf(struct strv *v, const char *option, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void add_optionf(struct strv *v, const char *option, const char *format, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&text, format, ap) < 0)
		text = own_strdup("");
	va_end(ap);
	strv_add(v, option);
	strv_take(v, text);
}

/* Which thread of its core a vCPU is. */
static int thread_of(const int *cores, int cpu)
{
	int thread = 0;

	while (cpu - thread > 0 && cores[cpu - thread - 1] == cores[cpu])
		thread++;
	return thread;
}

static int threads_of(const struct qemu_spec *spec)
{
	int threads = 1;

	for (int i = 0; i < spec->cpus; i++)
		if (thread_of(spec->cores, i) >= threads)
			threads = thread_of(spec->cores, i) + 1;
	return threads;
}

bool qemu_shows_cores(const struct qemu_spec *spec)
{
	int last = spec->cores[spec->cpus - 1], before = 0;

	while (spec->cores[before] < last)
		before++;
	return spec->kvm || before == last * threads_of(spec);
}

/*
 * -smp can only say how many threads every core has. Where cores differ it says how many there may
 * be and has the first vCPU, and each other comes as a device in its place.
 */
static void add_cpus(const struct qemu_spec *spec, struct strv *v)
{
	bool shown = spec->cores && qemu_shows_cores(spec);
	int cores = shown ? spec->cores[spec->cpus - 1] + 1 : spec->cpus;
	int threads = shown ? threads_of(spec) : 1;

	/* Of an AMD CPU, as TCG's are, Linux believes threads only with TOPOEXT, which TCG lacks.
	 */
	add_optionf(v, "-cpu", "%s%s", spec->cpu,
		    threads > 1 && !spec->kvm ? ",vendor=GenuineIntel" : "");
	if (spec->cpus == cores * threads) {
		add_optionf(v, "-smp", "%d,sockets=1,cores=%d,threads=%d", spec->cpus, cores,
			    threads);
		return;
	}
	add_optionf(v, "-smp", "1,maxcpus=%d,sockets=1,cores=%d,threads=%d", cores * threads, cores,
		    threads);
	for (int i = 1; i < spec->cpus; i++)
		add_optionf(v, "-device", "%.*s-x86_64-cpu,socket-id=0,core-id=%d,thread-id=%d",
			    (int)strcspn(spec->cpu, ","), spec->cpu, spec->cores[i],
			    thread_of(spec->cores, i));
}

int qemu_check_cores(const int *cores, size_t count, struct error *err)
{
	int before = 0;

	for (size_t i = 0; i < count; i++) {
		if (cores[i] != before && (i == 0 || cores[i] != before + 1))
			return error_set(
				err, EINVAL,
				"expected core 0 first and then each core's threads side by "
				"side, such as 0, 1, 1, 2, 2; got %d behind %d",
				cores[i], before);
		before = cores[i];
	}
	return 0;
}

static void add_memory(const struct qemu_spec *spec, struct strv *v)
{
	static const char *const backing[] = {
		[GUEST_MEMORY_MEMFD] = "",
		[GUEST_MEMORY_2M] = ",hugetlb=on,hugetlbsize=2M,prealloc=on",
		[GUEST_MEMORY_1G] = ",hugetlb=on,hugetlbsize=1G,prealloc=on",
	};
	auto_free char *binding =
		spec->numa_node < 0 ? own_strdup("")
				    : own_printf(",host-nodes=%d,policy=bind", spec->numa_node);

	/* vhost-user needs the memory shared: the vswitch maps it. */
	add_optionf(v, "-m", "%dM", spec->memory_mib);
	add_optionf(v, "-object", "memory-backend-memfd,id=mem,size=%dM,share=on%s%s",
		    spec->memory_mib, backing[spec->memory], binding);
	add_option(v, "-numa", "node,memdev=mem");
}

/* A Unix socket chardev in the run directory, with a log file unless @log is NULL. */
static void add_socket(struct strv *v, const char *id, const char *dir, const char *socket,
		       const char *log)
{
	if (log)
		add_optionf(v, "-chardev",
			    "socket,id=%s,path=%s/%s,server=on,wait=off,logfile=%s/%s", id, dir,
			    socket, dir, log);
	else
		add_optionf(v, "-chardev", "socket,id=%s,path=%s/%s,server=on,wait=off", id, dir,
			    socket);
}

static void add_ports(const struct qemu_spec *spec, const char *dir, struct strv *v)
{
	add_socket(v, "qmp", dir, QEMU_QMP_SOCKET, NULL);
	add_option(v, "-mon", "chardev=qmp,mode=control");
	add_socket(v, "console", dir, QEMU_CONSOLE_SOCKET, QEMU_CONSOLE_LOG);
	add_option(v, "-serial", "chardev:console");
	add_socket(v, "char-agent", dir, QEMU_AGENT_SOCKET, NULL);
	if (spec->agent_isa)
		add_option(v, "-serial", "chardev:char-agent");
	add_option(v, "-device", "virtio-serial-pci,id=ports,addr=3");
	if (!spec->agent_isa)
		add_option(v, "-device",
			   "virtserialport,bus=ports.0,nr=1,id=" QEMU_AGENT_DEVICE
			   ",chardev=char-agent,name=" QEMU_AGENT_PORT);
	/* A console, not a plain port: programs buffer their output unless it is a terminal. */
	add_socket(v, "char-payload", dir, QEMU_PAYLOAD_SOCKET, QEMU_PAYLOAD_LOG);
	add_option(v, "-device",
		   "virtconsole,bus=ports.0,nr=2,id=" QEMU_PAYLOAD_DEVICE ",chardev=char-payload");
	if (spec->serial_port)
		add_optionf(v, "-serial", "tcp:127.0.0.1:%d,server=on,wait=off", spec->serial_port);
}

static void add_boot(const struct qemu_spec *spec, struct strv *v)
{
	auto_free char *root = spec->host_root ? escaped(spec->host_root) : NULL;
	auto_free char *drive = spec->drive ? escaped(spec->drive) : NULL;

	if (spec->firmware && *spec->firmware)
		add_option(v, "-bios", spec->firmware);
	if (spec->kernel) {
		add_option(v, "-kernel", spec->kernel);
		add_option(v, "-append", spec->append);
	}
	if (spec->kernel && spec->initrd)
		add_option(v, "-initrd", spec->initrd);
	if (root) {
		/* readonly=on at the device is what protects the host: a mount option would not. */
		add_optionf(v, "-fsdev",
			    "local,id=root,path=%s,security_model=none,readonly=on,"
			    "multidevs=remap",
			    root);
		add_option(v, "-device", "virtio-9p-pci,fsdev=root,mount_tag=virtioroot,addr=4");
	}
	if (drive) {
		add_optionf(v, "-drive", "file=%s,format=%s,if=none,id=disk,snapshot=%s", drive,
			    spec->drive_format, spec->snapshot ? "on" : "off");
		add_option(v, "-device", "virtio-blk-pci,drive=disk,addr=2");
	}
	if (spec->ssh_port) {
		add_optionf(v, "-netdev", "user,id=mgmt,hostfwd=tcp:127.0.0.1:%d-:22",
			    spec->ssh_port);
		add_option(v, "-device", "e1000,netdev=mgmt,addr=5,romfile=");
	}
}

void qemu_command(const struct qemu_spec *spec, struct strv *v)
{
	auto_free char *dir = escaped(spec->run_dir);

	strv_add(v, spec->binary);
	add_optionf(v, "-name", "%s,debug-threads=on", spec->name);
	strv_add(v, "-nodefaults");
	strv_add(v, "-no-user-config");
	add_option(v, "-display", "none");
	add_option(v, "-machine", spec->machine);
	add_option(v, "-accel", spec->kvm ? "kvm" : "tcg,thread=multi");
	add_cpus(spec, v);
	add_memory(spec, v);
	strv_add(v, "-S");
	strv_add(v, "-no-reboot");
	add_optionf(v, "-pidfile", "%s/%s", spec->run_dir, QEMU_PID_FILE);
	if (spec->sandbox)
		add_option(v, "-sandbox", SANDBOX);
	add_ports(spec, dir, v);
	add_boot(spec, v);
}

/*
 * What a node is made of, read from its /proc and /sys.
 */
#include "node/facts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"

#define FACT_FILE_MAX (4 * 1024 * 1024)
/* CPU numbers that a cpu_set_t can hold. */
#define CPUS_MAX 1024

const char *const page_size_names[] = { [PAGE_2M] = "2M", [PAGE_1G] = "1G", NULL };
const int page_size_kib[] = { [PAGE_2M] = 2048, [PAGE_1G] = 1048576 };
_Static_assert(sizeof(page_size_names) / sizeof(page_size_names[0]) == PAGE_SIZES + 1, "names");

/* A file's text without its last line end; NULL when it cannot be read. */
static char *read_text(struct node *node, const struct wait *w, const char *path)
{
	auto_str text = { 0 };

	if (node_read_file(node, path, 0, FACT_FILE_MAX, w, &text, NULL) < 0)
		return NULL;
	while (text.length && text.text[text.length - 1] == '\n')
		text.text[--text.length] = '\0';
	return str_take(&text);
}

static int read_number(struct node *node, const struct wait *w, int fallback, const char *format,
		       ...) __attribute__((format(printf, 4, 5)));

static int read_number(struct node *node, const struct wait *w, int fallback, const char *format,
		       ...)
{
	auto_free char *text = NULL;
	char path[256];
	long long n;
	va_list ap;

	va_start(ap, format);
	vsnprintf(path, sizeof(path), format, ap);
	va_end(ap);
	text = read_text(node, w, path);
	return text && !str_to_int(text, -1, 0x7fffffff, &n) ? (int)n : fallback;
}

/* Marks the numbers of a list such as "0-3,8" in @set. */
static void parse_cpu_list(const char *text, bool *set, size_t size)
{
	while (text && *text) {
		int first, last, used = 0;

		if (sscanf(text, "%d-%d%n", &first, &last, &used) < 2) {
			if (sscanf(text, "%d%n", &first, &used) < 1)
				return;
			last = first;
		}
		for (int i = first; i <= last && i < (int)size; i++)
			if (i >= 0)
				set[i] = true;
		text += used;
		if (*text == ',')
			text++;
	}
}

static int read_cpus(struct node *node, const struct wait *w, struct node_facts *f,
		     struct error *err)
{
	auto_free char *online = read_text(node, w, "/sys/devices/system/cpu/online");
	auto_free char *isolated = read_text(node, w, "/sys/devices/system/cpu/isolated");
	bool here[CPUS_MAX] = { false }, apart[CPUS_MAX] = { false };

	if (!online)
		return error_set(err, ENOENT, "node '%s': cannot read which CPUs are online",
				 node->name);
	parse_cpu_list(online, here, CPUS_MAX);
	parse_cpu_list(isolated, apart, CPUS_MAX);
	for (int i = 0; i < CPUS_MAX; i++) {
		if (!here[i])
			continue;
		f->cpus = own_realloc(f->cpus, (f->cpu_count + 1) * sizeof(*f->cpus));
		f->cpus[f->cpu_count++] = (struct node_cpu) {
			.cpu = i,
			.core = read_number(node, w, i,
					    "/sys/devices/system/cpu/cpu%d/topology/core_id", i),
			.socket = read_number(node, w, 0,
					      "/sys/devices/system/cpu/cpu%d/topology/"
					      "physical_package_id",
					      i),
			.isolated = apart[i],
		};
	}
	return 0;
}

static void read_pages(struct node *node, const struct wait *w, const char *dir,
		       struct node_hugepages *ret)
{
	for (int size = 0; size < PAGE_SIZES; size++) {
		ret[size].total = read_number(node, w, 0, "%s/hugepages-%dkB/nr_hugepages", dir,
					      page_size_kib[size]);
		ret[size].free = read_number(node, w, 0, "%s/hugepages-%dkB/free_hugepages", dir,
					     page_size_kib[size]);
	}
}

static void read_numa(struct node *node, const struct wait *w, struct node_facts *f)
{
	auto_free char *online = read_text(node, w, "/sys/devices/system/node/online");
	bool nodes[CPUS_MAX] = { false };

	parse_cpu_list(online ? online : "0", nodes, CPUS_MAX);
	for (int n = 0; n < CPUS_MAX; n++) {
		auto_free char *dir = own_printf("/sys/devices/system/node/node%d", n);
		auto_free char *list_path = own_printf("%s/cpulist", dir);
		auto_free char *pages_dir = own_printf("%s/hugepages", dir);
		auto_free char *list = nodes[n] ? read_text(node, w, list_path) : NULL;
		bool cpus[CPUS_MAX] = { false };

		if (!nodes[n])
			continue;
		parse_cpu_list(list, cpus, CPUS_MAX);
		for (size_t i = 0; i < f->cpu_count; i++)
			if (cpus[f->cpus[i].cpu])
				f->cpus[i].numa_node = n;
		f->numa_hugepages = own_realloc(f->numa_hugepages,
						(size_t)(n + 1) * sizeof(*f->numa_hugepages));
		for (; f->numa_nodes <= n; f->numa_nodes++)
			memset(f->numa_hugepages[f->numa_nodes], 0, sizeof(*f->numa_hugepages));
		read_pages(node, w, pages_dir, f->numa_hugepages[n]);
	}
}

static int meminfo_mib(const char *meminfo, const char *field)
{
	const char *p = strstr(meminfo, field);
	long long kib = 0;

	if (p)
		sscanf(p + strlen(field), " %lld", &kib);
	return (int)(kib / 1024);
}

/*
 * Whether KVM can run guests: the device alone does not say so. A machine that is a guest itself
 * may offer /dev/kvm without hardware virtualisation, and common guests hang on it.
 */
static void read_kvm(struct node *node, const struct wait *w, struct node_facts *f)
{
	auto_free char *cpuinfo = read_text(node, w, "/proc/cpuinfo");

	if (!node_may_write(node, "/dev/kvm", w))
		f->kvm_reason = own_strdup("/dev/kvm is not there or not writable");
	else if (!strcmp(f->arch, "x86_64") && cpuinfo && !strstr(cpuinfo, " vmx ") &&
		 !strstr(cpuinfo, " svm "))
		f->kvm_reason = own_strdup("/dev/kvm is there, but the CPUs have neither vmx nor "
					   "svm");
	else
		f->kvm_reason = own_strdup("");
	f->kvm = !*f->kvm_reason;
}

int node_facts_read(struct node *node, const struct wait *w, struct node_facts *ret,
		    struct error *err)
{
	auto_free char *meminfo = read_text(node, w, "/proc/meminfo");
	char *const uname[] = { (char[]) { "uname" }, (char[]) { "-m" }, NULL };
	auto_str arch = { 0 };

	*ret = (struct node_facts) { 0 };
	if (!meminfo)
		return error_set(err, ENOENT, "node '%s': cannot read /proc/meminfo", node->name);
	ret->memory_mib = meminfo_mib(meminfo, "MemTotal:");
	ret->memory_available_mib = meminfo_mib(meminfo, "MemAvailable:");
	ret->kernel = read_text(node, w, "/proc/sys/kernel/osrelease");
	ret->arch = read_text(node, w, "/proc/sys/kernel/arch");
	if (!ret->arch) {
		/* Kernels before 6.1 lack the file. */
		if (node_output(node, uname, w, &arch, err) < 0)
			return -1;
		arch.text[strcspn(arch.text, "\n")] = '\0';
		ret->arch = str_take(&arch);
	}
	if (read_cpus(node, w, ret, err) < 0)
		return -1;
	read_numa(node, w, ret);
	read_pages(node, w, "/sys/kernel/mm/hugepages", ret->hugepages);
	read_kvm(node, w, ret);
	return 0;
}

void node_facts_clear(struct node_facts *f)
{
	free(f->arch);
	free(f->kernel);
	free(f->kvm_reason);
	free(f->cpus);
	free(f->numa_hugepages);
	*f = (struct node_facts) { 0 };
}

const struct node_cpu *node_facts_cpu(const struct node_facts *f, int cpu)
{
	for (size_t i = 0; i < f->cpu_count; i++)
		if (f->cpus[i].cpu == cpu)
			return &f->cpus[i];
	return NULL;
}

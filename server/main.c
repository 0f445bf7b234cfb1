/*
 * vhosteld: options, start-up, signals, and the only exit().
 */
#include <errno.h>
#include <getopt.h>
#include <gnutls/gnutls.h>
#include <jansson.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/own.h"
#include "base/str.h"
#include "config/constants.h"
#include "config/topology.h"
#include "remote/server.h"
#include "vm/hostel.h"

#define SYSTEM_CONFIG_DIR "/etc/vhostel"

#define DESCRIPTORS_WANTED 16384

#define ALLOCATOR_ARENAS 2

struct options {
	const char *config, *topology, *host, *port_file, *run_dir;
	int port;
	bool check_config;
};

static const char usage[] =
	"Usage: vhosteld [OPTION]...\n"
	"Offers Robot Framework keywords that boot virtual machines on vhost-user interfaces.\n"
	"\n"
	"  --config FILE      constants (default: ../config/constants.yaml beside the program,\n"
	"                     then " SYSTEM_CONFIG_DIR "/constants.yaml, then built-in values);\n"
	"                     constants.site.yaml beside it overrides single keys\n"
	"  --topology FILE    nodes (default: topology.yaml beside the constants, then this\n"
	"                     machine as DUT1)\n"
	"  --host ADDRESS     listen there instead of server.host\n"
	"  --port PORT        listen there instead of server.port; 0 takes a free port\n"
	"  --port-file FILE   write the port there when calls are served, remove it at the end\n"
	"  --run-dir DIR      sockets, state and console logs of VMs, instead of run_dir\n"
	"  --check-config     check constants and topology, tell every error, and exit\n"
	"  --print-config     write constants.yaml with every key to standard output, and exit\n"
	"  --log-level LEVEL  error, warn, info (default) or debug\n"
	"  --version          print the version, and exit\n"
	"  --help             print this, and exit\n"
	"\n"
	"Sockets that systemd hands over (LISTEN_FDS) stand for --host and --port.\n"
	"SIGINT and SIGTERM end the server, SIGHUP reads constants, passwords, certificate and\n"
	"key anew.\n";

enum option_id {
	OPTION_CONFIG = 256,
	OPTION_TOPOLOGY,
	OPTION_HOST,
	OPTION_PORT,
	OPTION_PORT_FILE,
	OPTION_RUN_DIR,
	OPTION_CHECK_CONFIG,
	OPTION_PRINT_CONFIG,
	OPTION_LOG_LEVEL,
	OPTION_VERSION,
	OPTION_HELP,
};

static const struct option long_options[] = {
	{ "config", required_argument, NULL, OPTION_CONFIG },
	{ "topology", required_argument, NULL, OPTION_TOPOLOGY },
	{ "host", required_argument, NULL, OPTION_HOST },
	{ "port", required_argument, NULL, OPTION_PORT },
	{ "port-file", required_argument, NULL, OPTION_PORT_FILE },
	{ "run-dir", required_argument, NULL, OPTION_RUN_DIR },
	{ "check-config", no_argument, NULL, OPTION_CHECK_CONFIG },
	{ "print-config", no_argument, NULL, OPTION_PRINT_CONFIG },
	{ "log-level", required_argument, NULL, OPTION_LOG_LEVEL },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ NULL, 0, NULL, 0 },
};

static void print_and_exit(const char *text)
{
	int rc = fputs(text, stdout) < 0 || fflush(stdout) < 0;

	exit(rc ? EXIT_FAILURE : EXIT_SUCCESS);
}

static void print_config_and_exit(void)
{
	auto_free char *text = constants_print();

	print_and_exit(text);
}

static int take_option(int id, const char *value, struct options *o, struct error *err)
{
	enum log_level level;
	long long port;

	switch (id) {
	case OPTION_CONFIG:
		o->config = value;
		break;
	case OPTION_TOPOLOGY:
		o->topology = value;
		break;
	case OPTION_HOST:
		o->host = value;
		break;
	case OPTION_PORT:
		if (str_to_int(value, 0, 65535, &port) < 0)
			return error_set(err, EINVAL,
					 "--port: expected an integer from 0 to 65535, got '%s'",
					 value);
		o->port = (int)port;
		break;
	case OPTION_PORT_FILE:
		o->port_file = value;
		break;
	case OPTION_RUN_DIR:
		o->run_dir = value;
		break;
	case OPTION_CHECK_CONFIG:
		o->check_config = true;
		break;
	case OPTION_PRINT_CONFIG:
		print_config_and_exit();
		break;
	case OPTION_LOG_LEVEL:
		if (log_level_from_name(value, &level, err) < 0)
			return -1;
		log_set_level(level);
		break;
	case OPTION_VERSION:
		print_and_exit("vhosteld " VHOSTEL_VERSION "\n");
		break;
	case OPTION_HELP:
		print_and_exit(usage);
		break;
	default:
		return error_set(err, EINVAL, "`vhosteld --help` shows the options");
	}
	return 0;
}

static int read_options(int argc, char **argv, struct options *o, struct error *err)
{
	int id;

	*o = (struct options) { .port = -1 };
	while ((id = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if (take_option(id, optarg, o, err) < 0)
			return -1;
	if (optind < argc)
		return error_set(err, EINVAL, "'%s': no such argument, `vhosteld --help` shows all",
				 argv[optind]);
	return 0;
}

/* The files of a configuration, each NULL where there is none. */
struct config_paths {
	char *constants, *site, *topology;
};

static void clear_paths(struct config_paths *p)
{
	free(p->constants);
	free(p->site);
	free(p->topology);
}

static char *if_exists(char *path)
{
	if (file_exists(path))
		return path;
	free(path);
	return NULL;
}

/* The directory that holds @path, with its slash. */
static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? own_strndup(path, (size_t)(slash - path) + 1) : own_strdup("");
}

static char *default_constants(void)
{
	char program[4096] = "";
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	auto_free char *directory = directory_of(program);
	char *found = NULL;

	if (n > 0)
		found = if_exists(own_printf("%s../config/constants.yaml", directory));
	return found ? found : if_exists(own_strdup(SYSTEM_CONFIG_DIR "/constants.yaml"));
}

static void find_paths(const struct options *o, struct config_paths *p)
{
	auto_free char *directory = NULL;

	p->constants = o->config ? own_strdup(o->config) : default_constants();
	directory = directory_of(p->constants ? p->constants : SYSTEM_CONFIG_DIR "/");
	p->site = if_exists(own_printf("%sconstants.site.yaml", directory));
	p->topology = o->topology ? own_strdup(o->topology)
				  : if_exists(own_printf("%stopology.yaml", directory));
}

static int check_config(const struct config_paths *paths)
{
	struct constants *constants = NULL;
	struct topology topology = { 0 };
	struct error err;
	int rc = EXIT_SUCCESS;

	if (constants_load(paths->constants, paths->site, &constants, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		rc = EXIT_FAILURE;
	}
	if (topology_load(paths->topology, &topology, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		rc = EXIT_FAILURE;
	}
	constants_free(constants);
	topology_clear(&topology);
	if (!rc)
		printf("The configuration is fine.\n");
	return rc;
}

/* The signals that main() waits for; every other thread has all of them blocked. */
static void block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGPIPE);
	sigprocmask(SIG_BLOCK, set, NULL);
	sigdelset(set, SIGPIPE);
}

static void request_stop(void)
{
	kill(getpid(), SIGTERM);
}

static void reload(struct hostel *hostel)
{
	struct error err;

	if (hostel_reload(hostel, &err) < 0)
		log_error("reload: %s; what was in force stays", err.text);
	else
		log_info("constants, passwords, certificate and key were read anew");
}

/* Until SIGINT or SIGTERM. */
static void serve(struct hostel *hostel, const sigset_t *signals)
{
	int number;

	for (;;) {
		if (sigwait(signals, &number))
			continue;
		if (number == SIGHUP)
			reload(hostel);
		else
			break;
	}
	log_info("%s: stopping", strsignal(number));
}

static int announce(const struct options *o, const struct server *server, struct error *err)
{
	auto_free char *port = own_printf("%d\n", server_port(server));

	if (o->port_file && file_write(o->port_file, port, strlen(port), 0644, err) < 0)
		return -1;
	log_info("vhosteld %s serves calls on port %d", VHOSTEL_VERSION, server_port(server));
	return 0;
}

/*
 * The order of the end: no new calls, calls cancelled and answered, then the VMs. When calls do not
 * end their threads still use the hostel, so it is left as it is: the next server adopts.
 */
static int run_server(const struct options *o, struct hostel *hostel, const sigset_t *signals)
{
	struct server_options options = { .host = o->host,
					  .port = o->port,
					  .hostel = hostel,
					  .constants = hostel_constants(hostel),
					  .request_stop = request_stop };
	struct server *server;
	struct error err;
	bool announced;

	if (server_start(&options, &server, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	announced = !announce(o, server, &err);
	if (announced)
		serve(hostel, signals);
	else
		log_error("%s", err.text);
	if (o->port_file)
		unlink(o->port_file);
	if (server_stop(server, &err) < 0) {
		log_error("%s; VMs are left as they are", err.text);
		_exit(EXIT_FAILURE);
	}
	return announced ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* A connection takes up to four descriptors, a VM some more. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= DESCRIPTORS_WANTED)
		return;
	limit.rlim_cur = limit.rlim_max < DESCRIPTORS_WANTED ? limit.rlim_max : DESCRIPTORS_WANTED;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int run(const struct options *o, const struct config_paths *paths)
{
	struct hostel_options options = { .config_path = paths->constants,
					  .topology_path = paths->topology,
					  .site_path = paths->site,
					  .run_dir = o->run_dir };
	struct hostel *hostel;
	struct error err;
	sigset_t signals;
	int rc;

	block_signals(&signals);
	raise_descriptor_limit();
	if (hostel_open(&options, &hostel, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	rc = run_server(o, hostel, &signals);
	hostel_close(hostel);
	return rc;
}

int main(int argc, char **argv)
{
	auto_cleanup(clear_paths) struct config_paths paths = { 0 };
	struct options options;
	struct error err;

	if (read_options(argc, argv, &options, &err) < 0) {
		fprintf(stderr, "vhosteld: %s\n", err.text);
		return EXIT_FAILURE;
	}
	/* An arena for each thread keeps what that thread once needed: RSS grew by a fourth. */
	mallopt(M_ARENA_MAX, ALLOCATOR_ARENAS);
	/*
	 * Sets glibc's allocator up. Under a sanitizer, which has its own, the first threads that
	 * trim would do that side by side, and crash.
	 */
	malloc_trim(0);
	/* Libraries with state of their own, before there are threads. */
	json_object_seed(0);
	gnutls_global_init();
	find_paths(&options, &paths);
	return options.check_config ? check_config(&paths) : run(&options, &paths);
}

/*
 * The constants of the domain: constants.yaml as a struct, and each key by its dotted name.
 *
 * constant_keys[] in constants.c is the one place where a key is declared: name, type, unit,
 * limits, default, documentation, offset. `vhosteld --print-config` writes constants.yaml from it.
 */
#ifndef CONFIG_CONSTANTS_H
#define CONFIG_CONSTANTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

enum on_exit { ON_EXIT_KILL, ON_EXIT_KEEP };
enum accelerator { ACCELERATOR_AUTO, ACCELERATOR_KVM, ACCELERATOR_TCG };
enum memory_backend { MEMORY_BACKEND_AUTO, MEMORY_BACKEND_HUGEPAGES, MEMORY_BACKEND_MEMFD };

/* Names in the order of the enums, NULL-terminated. */
extern const char *const on_exit_names[];
extern const char *const accelerator_names[];
extern const char *const memory_backend_names[];

/* Times are int64_t milliseconds (ending in _ms), sizes int with the unit in the name. */
struct constants {
	/* Absolute; where relative paths of defaults and of constants_set() start. Not a key. */
	char *directory;
	struct {
		char *host;
		int port;
		enum on_exit on_exit;
		bool allow_remote_stop;
	} server;
	/* Who may talk to the server, and how much of it one client can take. */
	struct {
		char *unix_socket;     /* "none" or a path */
		char *password_file;   /* "none" or a path */
		char *tls_certificate; /* "none" or a path */
		char *tls_key;	       /* "none" or a path */
		bool allow_anonymous;
		char *allowed_hosts;   /* names beside our own addresses, separated by spaces */
		char *allowed_origins; /* web origins, separated by spaces */
		int body_kib;
		int bodies_kib;
		int header_kib;
		int connections;
		int connections_per_address;
		int64_t idle_ms;
		int64_t request_ms;
		int64_t stop_ms;
	} remote;
	/* Where each VM has a directory; "auto": /run/vhostel, or vhostel in XDG_RUNTIME_DIR. */
	char *run_dir;
	struct {
		char *binary;
		enum accelerator accelerator;
		char *machine;
		char *cpu_kvm;
		char *cpu_tcg;
		enum memory_backend memory_backend;
		bool sandbox;
		char *mac_prefix;
		int first_slot;
		int ssh_port_base;
		int serial_port_base;
		int max_vms;
	} qemu;
	struct {
		char *kernel;
		char *initrd;
		char *firmware;
		char *template_dir;
		char *host_root;
		char *command_line;
		int hugepages;
	} kernel_vm;
	struct {
		char *image;
		bool direct_boot;
		char *username;
		char *password;
	} image_vm;
	struct {
		char *binary;
		char *driver;
	} testpmd;
	struct {
		char *binary;
		char *database;
		char *run_dir;
	} ovs;
	struct {
		char *cli_socket;
		char *vppctl;
	} vpp;
	struct {
		int64_t launch_ms;
		int64_t qmp_ms;
		int64_t vhost_ms;
		int64_t start_kernel_vm_ms;
		int64_t start_image_vm_ms;
		int64_t start_nf_chains_ms;
		int64_t vswitch_ms;
		int64_t stop_vm_ms;
		int64_t kill_vm_ms;
		int64_t console_ms;
		int64_t agent_ms;
		int64_t execute_ms;
		int64_t copy_ms;
		int64_t testpmd_ms;
		int64_t payload_ms;
		int64_t unplug_ms;
		int64_t node_ms;
	} timeout;
	struct {
		int output_kib;
		int console_tail_kib;
		int console_lines;
	} limit;
};

/*
 * constants_load - defaults, then @path, then the site file over it
 * @path: constants.yaml, or NULL for the defaults alone
 * @site: overrides single keys, or NULL
 * @ret:  owned by the caller, freed by constants_free()
 *
 * Relative paths in a file are relative to that file's directory, the defaults' to that of @path
 * (without one: to config/ in the working directory); in the result they are absolute. Empty paths
 * and words such as "auto" stay as they are.
 * Errors: EINVAL; one line for every error of the files, "FILE:LINE:COLUMN: KEY: WHAT, ALLOWED".
 */
int constants_load(const char *path, const char *site, struct constants **ret, struct error *err);
void constants_free(struct constants *c);
/* constants_copy - a deep copy, owned by the caller */
struct constants *constants_copy(const struct constants *c);
/* constants_print - the whole constants.yaml with comments, owned by the caller */
char *constants_print(void);

/*
 * constants_get - the value of "timeout.vhost" as text, owned by the caller
 * Errors: ENOENT with the nearest key's name.
 */
int constants_get(const struct constants *c, const char *key, char **ret, struct error *err);
/* constants_set - check @text as the file's reader does, then replace. Errors: ENOENT, EINVAL. */
int constants_set(struct constants *c, const char *key, const char *text, struct error *err);
/*
 * constants_settable - whether a running server takes a new value of @key by constants_set()
 *
 * Errors: ENOENT; EPERM for a key that only the files set, with when it takes effect.
 */
int constants_settable(const char *key, struct error *err);

/*
 * The constants in force. A reader holds a snapshot while it works: Set Constant and Reload
 * Constants replace the snapshot, never change one.
 */
struct constants_box;
struct constants_box *constants_box_new(struct constants *first);
void constants_box_free(struct constants_box *box);
/* constants_hold - the present snapshot, held until constants_release(); never NULL */
const struct constants *constants_hold(struct constants_box *box);
void constants_release(struct constants_box *box, const struct constants *c);
/* constants_replace - takes @c; the old snapshot goes when its last holder lets go */
void constants_replace(struct constants_box *box, struct constants *c);
/*
 * constants_on_reload - somebody who must agree before constants that were read anew are in force
 * @admit: 0 and takes what it needs of @next, or -1 with @err: nothing changes. NULL: nobody
 *
 * When it returns, what was called before is no longer called.
 */
void constants_on_reload(struct constants_box *box,
			 int (*admit)(void *context, const struct constants *next,
				      struct error *err),
			 void *context);
/* constants_reload - as constants_load() into the box; on an error what was in force stays */
int constants_reload(struct constants_box *box, const char *path, const char *site,
		     struct error *err);

#endif

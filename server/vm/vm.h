/*
 * A virtual machine: one life from its definition to its end.
 *
 * How it works: the registry of the hostel holds every VM by name. A VM object lives once; a VM
 * that is started again is a new object with the old one's interfaces. What changes while it runs
 * is guarded by @mutex and announced by @bell; operations that change QEMU (start, stop, kill,
 * plug) pass @gate one at a time. @kill cancels whatever waits inside an operation, @over whatever
 * waits for the guest.
 */
#ifndef VM_VM_H
#define VM_VM_H

#include <jansson.h>
#include <stdatomic.h>

#include "base/trail.h"
#include "base/wait.h"
#include "guest/agent.h"
#include "guest/ssh.h"
#include "node/facts.h"
#include "node/node.h"
#include "qemu/qmp.h"
#include "qemu/stream.h"
#include "vm/nic.h"

#define VM_NAME_MAX 32
#define VM_CPUS_MAX 255

struct hostel;
struct vm_payload;

enum vm_state {
	VM_DEFINED,
	VM_STARTING,
	VM_RUNNING,
	VM_PAUSED,
	VM_STOPPING,
	VM_STOPPED,
	VM_FAILED,
	VM_STATES
};

/* Names in the order of the enum. */
extern const char *const vm_state_names[];

enum vm_kind { VM_KERNEL, VM_IMAGE, VM_KINDS };
extern const char *const vm_kind_names[];

/* Seconds since the call of the start keyword; -1: not reached. */
struct boot_time {
	double launch; /* QEMU answers on QMP */
	double vhost;  /* every vhost interface is connected and plugged */
	double kernel; /* the first byte on the console */
	double ready;  /* the payload or the guest agent is ready */
};

/*
 * How SSH logs in, beside the password; strings may be NULL.
 * @private_key: path of a key, which @passphrase opens
 * @ssh_agent:   ask the SSH agent of the server
 * @host_key:    fingerprint of the only host key that is taken
 * @known_hosts: path of a file of those that are taken; without both: the first seen
 */
struct vm_login {
	char *private_key;
	char *passphrase;
	bool ssh_agent;
	char *host_key;
	char *known_hosts;
};

struct vm {
	atomic_int references;
	struct hostel *hostel;
	char *name;
	struct node *node;
	char *run_dir;
	struct gate gate;
	struct cancel kill;
	struct cancel over; /* thrown when QEMU is gone */
	struct bell bell;

	/*
	 * Set by the start, with the mutex held, before the state leaves VM_STARTING; constant
	 * afterwards. QMP, streams, agent and SSH are for those who saw the VM run.
	 */
	enum vm_kind kind;
	int cpus;
	int memory_mib;
	bool kvm;
	char *vnf;
	char *username;
	char *password;
	struct vm_login login;
	struct strv command_line;
	struct node_process process;
	struct node_process early_process; /* of a first try that ended by itself */
	struct watch process_watch;
	struct qmp *qmp;
	struct stream *console;
	struct stream *payload;
	struct agent *agent;
	struct ssh *ssh; /* of an image VM */
	struct boot_time boot_time;

	pthread_mutex_t save_mutex; /* what is written down of it */
	pthread_mutex_t mutex;	    /* everything below */
	enum vm_state state;
	const char *stage; /* of the start, for errors: a literal */
	int qemu_id;
	int *host_cpus; /* that the vCPUs are pinned to, in the guest's order */
	size_t host_cpu_count;
	struct nic nics[NICS_MAX];
	size_t nic_count;
	bool process_gone; /* the three ends that make one */
	bool qmp_gone;
	bool console_gone;
	bool ended;		    /* all of QEMU is gone */
	bool asked_to_end;	    /* a keyword ends it */
	char *shutdown_reason;	    /* of QMP's SHUTDOWN event, or NULL */
	char *end_reason;	    /* as Wait Until VM Stops returns it, set with @ended */
	int end_status;		    /* of the process as waitpid(2) has it, -1 unknown */
	int resets;		    /* RESET events so far */
	bool agent_open;	    /* the guest opened the agent's port */
	struct stream *testpmd;	    /* where its testpmd has its prompt, or NULL; borrowed */
	off_t testpmd_from;	    /* where that stream was when testpmd forwarded */
	int64_t names_again_ms;	    /* when the guest may be asked for names of NICs again */
	struct vm_payload *running; /* another payload, started by a keyword, or NULL; owned */
	struct gate testpmd_gate;   /* one payload command at a time: prompt, start, stop */
};

/* vm_check_name - EINVAL unless 1 to 32 characters of A-Z a-z 0-9 . _ - */
int vm_check_name(const char *name, struct error *err);
/* vm_new - a defined VM without interfaces, one reference */
int vm_new(struct hostel *hostel, const char *name, struct node *node, const char *run_dir,
	   int qemu_id, struct vm **ret, struct error *err);
struct vm *vm_get(struct vm *vm);
/* vm_put - drop a reference; the last one frees. NULL is fine. */
void vm_put(struct vm *vm);
void vm_put_scope(struct vm **vm);
#define auto_vm __attribute__((cleanup(vm_put_scope))) struct vm

enum vm_state vm_state_now(struct vm *vm);
/* vm_set_state - and ring the bell */
void vm_set_state(struct vm *vm, enum vm_state state);
void vm_set_stage(struct vm *vm, const char *stage);
bool vm_ended(struct vm *vm);
/* vm_wait - @w, cancelled also when the VM is being killed */
struct wait vm_wait(struct vm *vm, const struct wait *w);
/* vm_describe - what the start knows before QEMU runs; texts are copied */
void vm_describe(struct vm *vm, enum vm_kind kind, bool kvm, const char *vnf, const char *username,
		 const char *password);
/* vm_describe_login - @login is copied */
void vm_describe_login(struct vm *vm, const struct vm_login *login);
/* vm_guest_wait - vm_wait(), which the end of QEMU cancels as well ("the VM ended") */
struct wait vm_guest_wait(struct vm *vm, const struct wait *w);
/* vm_agent_answers - whether the guest opened the agent's port, or its agent answered before */
bool vm_agent_answers(struct vm *vm);
/* vm_check_running - EINVAL with the state unless QEMU runs and its start is complete */
int vm_check_running(struct vm *vm, struct error *err);
/* vm_info - the dictionary that every start keyword returns, a new reference */
json_t *vm_info(struct vm *vm);
/* vm_interfaces - {"vhost1": {...}, ...}, asking QEMU who is connected when it runs */
json_t *vm_interfaces(struct vm *vm);
/* vm_console_tail - the last @lines lines of the console, each indented, owned by the caller */
char *vm_console_tail(struct vm *vm, int lines);
/* vm_add_console - append the last console lines to @err when there are any */
void vm_add_console(struct vm *vm, struct error *err);
/*
 * vm_attach - what the VM tells from now on: events, console, end of the process
 *
 * For a VM whose QEMU listens on the sockets in its run directory. @resumed: it ran before this
 * server did, so its console has text already.
 */
int vm_attach(struct vm *vm, bool resumed, const struct wait *w, struct error *err);

#endif

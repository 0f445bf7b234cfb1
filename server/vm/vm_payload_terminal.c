/*
 * The terminal on which a VM's payload runs.
 *
 * How it works: the guest agent starts a runner (tools/kernel-vm/payload-run.c), which puts the
 * program on the terminal, hands signals on to it, takes it along when it is killed, and says on
 * the terminal how it ended.
 */
#include "vm/vm_payload_terminal.h"

#include <errno.h>
#include <signal.h>

#include "base/own.h"
#include "qemu/command.h"
#include "value/value.h"

#define ENDED_PATTERN "^vhostel: payload ended"
/* Of a program's output, in an error. */
#define OUTPUT_TAIL 3000
/* How long a program that failed may go on to say why. */
#define LAST_WORDS_MS 500
/* What killing a program that outlived its wait may take. */
#define KILL_MS 800
/* How long SIGTERM may take, and what is left for SIGKILL at least. */
#define POLITE_MS 10000
#define LAST_MS	  2000

const char *terminal_runner(const struct vm *vm)
{
	return vm->kind == VM_IMAGE ? AGENT_RUNNER_IMAGE_VM : AGENT_RUNNER_KERNEL_VM;
}

void terminal_add_output(struct vm *vm, off_t offset, const char *name, struct error *err)
{
	struct wait w = wait_for_ms(1000);
	auto_str text = { 0 };
	auto_free char *said = NULL;
	off_t end = stream_end(vm->payload);

	if (end - offset > OUTPUT_TAIL)
		offset = end - OUTPUT_TAIL;
	if (stream_read(vm->payload, offset, OUTPUT_TAIL, &w, &text, NULL) < 0 || !text.length)
		return;
	said = str_printable(text.text, text.length);
	error_append(err, "; %s's output:\n%s", name, said);
}

/* Waits for the first line behind @offset that matches one of two patterns (the second or NULL). */
static int await_line(struct vm *vm, off_t offset, const regex_t *const *patterns, size_t count,
		      const struct wait *w, int *ret_which, char **ret_line, struct error *err)
{
	/* The second is a failure, which is told to the end of its line. */
	struct stream_search search = { .stream = vm->payload,
					.offset = offset,
					.finished = count > 1 ? 1 << 1 : 0 };
	auto_listener heard = { .fd = -1 };

	if (bell_listen(stream_bell(vm->payload), &heard, err) < 0)
		return -1;
	for (;;) {
		bool closed = stream_closed(vm->payload);

		if (stream_search_next(&search, patterns, count, w, ret_which, ret_line, err) < 0)
			return -1;
		if (*ret_which >= 0)
			return 0;
		if (closed)
			return error_set(err, ECONNRESET, "the VM ended");
		if (bell_wait(&heard, w, err) < 0)
			return -1;
	}
}

static int await_ready(struct vm *vm, off_t offset, const struct terminal_program *p,
		       const struct wait *w, struct error *err)
{
	const regex_t *patterns[] = { p->ready, p->failure };
	auto_free char *line = NULL;
	int which;

	if (await_line(vm, offset, patterns, 2, w, &which, &line, err) < 0)
		return err->code == ETIMEDOUT || err->code == ECANCELED
			       ? error_append(err, " waiting for %s", p->awaits)
			       : -1;
	if (which == 1)
		return error_set(err, ECONNRESET, "%s failed: %s", p->name, line);
	return 0;
}

static int send_signal(struct vm *vm, int pid, const char *signal_name, const struct wait *w,
		       struct error *err)
{
	auto_free char *name = own_printf("-%s", signal_name);
	auto_free char *number = own_printf("%d", pid);
	char *argv[] = { (char[]) { "kill" }, name, number, NULL };
	auto_process_result r = { 0 };

	/* Its exit status says only whether the runner was still there. */
	return agent_run(vm->agent, argv, NULL, 0, w, &r, err);
}

/* Ends a program that is not ready, and adds what it said. */
static void give_up(struct vm *vm, off_t offset, int pid, const char *name, struct error *err)
{
	bool failed = err->code == ECONNRESET;
	struct wait words = wait_for_ms(failed ? LAST_WORDS_MS : 0), last;
	auto_free char *number = own_printf("%d", pid);
	char *argv[] = { (char[]) { "kill" }, (char[]) { "-KILL" }, number, NULL };
	struct error ignored;
	int kill_pid;

	if (terminal_await_end(vm, offset, &words, &ignored) < 0 && !stream_closed(vm->payload)) {
		/* Not waited for: a busy guest may take longer than we have, but will do it. */
		last = wait_for_ms(KILL_MS);
		agent_spawn(vm->agent, argv, &last, &kill_pid, &ignored);
	}
	terminal_add_output(vm, offset, name, err);
}

int terminal_start(struct vm *vm, const struct strv *command, const struct terminal_program *p,
		   const struct wait *w, int *ret_pid, struct error *err)
{
	off_t offset = stream_end(vm->payload);
	auto_strv argv = { 0 };

	strv_add(&argv, terminal_runner(vm));
	strv_add(&argv, QEMU_PAYLOAD_TERMINAL);
	strv_add(&argv, "--");
	for (size_t i = 0; i < command->count; i++)
		strv_add(&argv, command->items[i]);
	if (agent_spawn(vm->agent, argv.items, w, ret_pid, err) < 0)
		return -1;
	if (!await_ready(vm, offset, p, w, err))
		return 0;
	give_up(vm, offset, *ret_pid, p->name, err);
	return -1;
}

int terminal_await_end(struct vm *vm, off_t offset, const struct wait *w, struct error *err)
{
	const regex_t *patterns[1];
	regex_t ended;
	int which, rc;

	if (regcomp(&ended, ENDED_PATTERN, REG_EXTENDED | REG_NOSUB))
		return error_set(err, EINVAL, "cannot compile %s", ENDED_PATTERN);
	patterns[0] = &ended;
	rc = await_line(vm, offset, patterns, 1, w, &which, NULL, err);
	regfree(&ended);
	return rc < 0 ? error_prefix(err, "the payload does not end") : 0;
}

static bool is_gone(struct vm *vm, int pid, const struct wait *w)
{
	auto_free char *path = own_printf("/proc/%d", pid);
	char *argv[] = { (char[]) { "test" }, (char[]) { "-d" }, path, NULL };
	auto_process_result r = { 0 };
	struct error ignored;

	return !agent_run(vm->agent, argv, NULL, 0, w, &r, &ignored) && r.rc != 0;
}

int terminal_stop(struct vm *vm, int pid, const struct wait *w, struct error *err)
{
	off_t offset = stream_end(vm->payload);
	int64_t left_ms = wait_left_ms(w);
	int64_t polite_ms = left_ms > 2 * LAST_MS ? left_ms - LAST_MS : left_ms / 2;
	struct wait polite = wait_within(w, polite_ms < POLITE_MS ? polite_ms : POLITE_MS);

	if (is_gone(vm, pid, w))
		return 0;
	if (send_signal(vm, pid, "TERM", w, err) < 0)
		return -1;
	if (!terminal_await_end(vm, offset, &polite, err))
		return 0;
	if (err->code != ETIMEDOUT)
		return -1;
	/* Its program goes with it, without a line about it. */
	return send_signal(vm, pid, "KILL", w, err);
}

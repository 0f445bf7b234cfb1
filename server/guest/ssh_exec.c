/*
 * Programs over SSH: started so that they can be killed, their outputs read side by side.
 *
 * How it works: SSH carries one line of text for the login shell. Ours makes the shell tell its
 * process id behind a random word, wait for a line, and become the program. So whatever the
 * shell's start-up files print is told apart from output, and the program never runs before we
 * know the id of its process group (sshd makes every command the leader of one): when the wait
 * ends first, that group is killed over a second channel. A connection that breaks before the
 * line was sent ends the shell instead.
 */
#include "guest/ssh_session.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/types.h>

#include "base/own.h"
#include "base/quote.h"

/* What a login shell may print before the program starts. */
#define PREAMBLE_MAX 65536
#define BUFFER_SIZE  32768
/* Payloads of 32768 bytes must be taken; "exec" has 18 beside its command. Source: RFC 4253,
 * section 6.1, and RFC 4254, section 6.5. */
#define COMMAND_MAX (32768 - 18)
/* Killing a program and seeing its channel close; a keyword has one second for both. */
#define KILL_MS 700
#define END_MS	150
/* kill_command()'s exit status for a program that had ended already. */
#define HAD_ENDED 3

/*
 * @pid:      leads the program's process group; 0 before it is known
 * @started:  the program was told to start
 * @preamble: what came before the program's output
 */
struct run {
	struct ssh_session *s;
	LIBSSH2_CHANNEL *channel;
	const struct wait *w;
	const struct str *input;
	size_t written;
	bool input_ended;
	size_t limit;
	struct process_result *result;
	struct str preamble;
	char word[32];
	long long pid;
	bool started;
};

static void channel_end(struct ssh_session *s, LIBSSH2_CHANNEL *channel)
{
	if (channel)
		ssh_dispose(s, libssh2_channel_free(channel));
}

static int open_channel(struct ssh_session *s, const struct wait *w, LIBSSH2_CHANNEL **ret,
			struct error *err)
{
	*ret = ssh_await_ptr(s, w, err, libssh2_channel_open_session(s->libssh2));
	if (*ret)
		return 0;
	return ssh_session_error(s, libssh2_session_last_errno(s->libssh2), err,
				 "opening a channel");
}

static int send_command(struct ssh_session *s, LIBSSH2_CHANNEL *channel, const char *command,
			const struct wait *w, struct error *err)
{
	long rc = ssh_await(s, w, err, libssh2_channel_exec(channel, command));

	return rc ? ssh_session_error(s, rc, err, "starting the command") : 0;
}

static void keep(struct run *r, struct str *to, const char *bytes, size_t n)
{
	size_t room = r->limit > to->length ? r->limit - to->length : 0;

	if (n > room)
		r->result->cut = true;
	str_add(to, bytes, n < room ? n : room);
}

/* A failed wait leaves the session fit for a second channel, unless a packet was half sent. */
static int wait_failed(struct run *r)
{
	if (r->s->state == SSH_GOOD && ssh_session_outbound(r->s))
		r->s->state = SSH_UNSURE;
	return -1;
}

static int pump_error(struct run *r, long rc, struct error *err, const char *what)
{
	if (rc == LIBSSH2_ERROR_EAGAIN)
		return wait_failed(r);
	return ssh_session_error(r->s, rc, err, what);
}

/* A half-sent packet is finished first: libssh2 mixes up two of them. */
#define await_sent(r, err, call)                                                                   \
	__extension__({                                                                            \
		long sent_;                                                                        \
		while ((sent_ = (call)) == LIBSSH2_ERROR_EAGAIN && ssh_session_outbound((r)->s) && \
		       !ssh_session_wait((r)->s, (r)->w, (err)))                                   \
			;                                                                          \
		sent_;                                                                             \
	})

/* Whether a call that returned EAGAIN gave up, rather than only has nothing to do now. */
static bool gave_up(const struct run *r, long rc)
{
	return rc == LIBSSH2_ERROR_EAGAIN &&
	       (ssh_session_outbound(r->s) || r->s->state != SSH_GOOD);
}

static int read_stream(struct run *r, int stream, struct str *to, bool *moved, struct error *err)
{
	char buffer[BUFFER_SIZE];
	long n = await_sent(r, err,
			    libssh2_channel_read_ex(r->channel, stream, buffer, sizeof(buffer)));

	if (n == LIBSSH2_ERROR_EAGAIN && !gave_up(r, n))
		return 0;
	if (n < 0)
		return pump_error(r, n, err, "reading output");
	if (to == &r->preamble)
		str_add(to, buffer, (size_t)n);
	else
		keep(r, to, buffer, (size_t)n);
	*moved |= n > 0;
	return 0;
}

static int send_input(struct run *r, bool *moved, struct error *err)
{
	const struct str *in = r->input;
	long n;

	if (r->input_ended)
		return 0;
	if (!in || r->written == in->length) {
		n = await_sent(r, err, libssh2_channel_send_eof(r->channel));
		if (n == LIBSSH2_ERROR_EAGAIN)
			return gave_up(r, n) ? pump_error(r, n, err, "ending input") : 0;
		/* The program may have ended and taken its input with it. */
		r->input_ended = true;
		return r->s->state == SSH_GOOD ? 0 : pump_error(r, n, err, "ending input");
	}
	n = await_sent(
		r, err,
		libssh2_channel_write(r->channel, in->text + r->written, in->length - r->written));
	if (n == LIBSSH2_ERROR_EAGAIN)
		return gave_up(r, n) ? pump_error(r, n, err, "sending input") : 0;
	if (n < 0) {
		r->input_ended = true;
		return n == LIBSSH2_ERROR_CHANNEL_CLOSED ? 0
							 : pump_error(r, n, err, "sending input");
	}
	r->written += (size_t)n;
	*moved |= n > 0;
	return 0;
}

/* Whether libssh2 holds bytes for us already, for which no socket would become ready. */
static bool holds_more(const struct run *r)
{
	unsigned long waiting = 0;

	libssh2_channel_window_read_ex(r->channel, &waiting, NULL);
	return waiting > 0;
}

/* One look at everything; waits only when nothing moved. @ret_closed: the channel has ended. */
static int pump_once(struct run *r, struct str *out, bool with_input, bool *ret_closed,
		     struct error *err)
{
	bool moved = false, at_end;
	long rc;

	*ret_closed = false;
	if (wait_check(r->w, err) < 0)
		return wait_failed(r);
	if (read_stream(r, 0, out, &moved, err) < 0 ||
	    read_stream(r, SSH_EXTENDED_DATA_STDERR, &r->result->err, &moved, err) < 0)
		return -1;
	if (with_input && send_input(r, &moved, err) < 0)
		return -1;
	at_end = libssh2_channel_eof(r->channel) == 1;
	if (at_end) {
		rc = libssh2_channel_wait_closed(r->channel);
		*ret_closed = !rc;
		if (rc && rc != LIBSSH2_ERROR_EAGAIN)
			return pump_error(r, rc, err, "waiting for the end");
	}
	if (*ret_closed || moved || holds_more(r) ||
	    (!at_end && libssh2_channel_eof(r->channel) == 1))
		return 0;
	return ssh_session_wait(r->s, r->w, err) < 0 ? wait_failed(r) : 0;
}

/* SSH names signals without SIG. Source: RFC 4254, section 6.10. */
static int signal_number(const char *name)
{
	for (int i = 1; i < NSIG; i++)
		if (sigabbrev_np(i) && !strcmp(sigabbrev_np(i), name))
			return i;
	return SSH_SIGNAL_UNKNOWN;
}

static void read_status(struct run *r)
{
	char *name = NULL;

	libssh2_channel_get_exit_signal(r->channel, &name, NULL, NULL, NULL, NULL, NULL);
	r->result->rc = name ? -1 : libssh2_channel_get_exit_status(r->channel);
	r->result->signal = name ? signal_number(name) : 0;
	if (name)
		libssh2_free(r->s->libssh2, name);
}

static int no_start(struct run *r, struct error *err)
{
	const struct str *said = r->result->err.length ? &r->result->err : &r->preamble;
	auto_free char *text = str_printable(str_text(said), said->length);

	read_status(r);
	return error_set(err, EREMOTEIO,
			 "the login shell did not run the command (exit status %d, signal %d): %s",
			 r->result->rc, r->result->signal, text);
}

/* Finds the line with our word; what follows it is output already. */
static bool find_pid(struct run *r)
{
	size_t length = strlen(r->word);
	char *at = r->preamble.text ? memmem(r->preamble.text, r->preamble.length, r->word, length)
				    : NULL;
	char *end = at ? strchr(at, '\n') : NULL;

	if (!end)
		return false;
	*end = '\0';
	if (str_to_int(at + length, 2, INT32_MAX, &r->pid) < 0)
		return false;
	str_cut(&r->preamble, (size_t)(end + 1 - r->preamble.text));
	keep(r, &r->result->out, str_text(&r->preamble), r->preamble.length);
	return true;
}

static int await_pid(struct run *r, struct error *err)
{
	bool closed = false;

	while (!find_pid(r)) {
		if (closed)
			return no_start(r, err);
		if (r->preamble.length > PREAMBLE_MAX)
			return error_set(err, EREMOTEIO,
					 "the login shell prints more than %d bytes before it runs "
					 "a command",
					 PREAMBLE_MAX);
		if (pump_once(r, &r->preamble, false, &closed, err) < 0)
			return -1;
	}
	/* What start-up files said on standard error is not the program's. */
	str_clear(&r->result->err);
	return 0;
}

static int let_start(struct run *r, struct error *err)
{
	long rc;

	r->started = true;
	rc = ssh_await(r->s, r->w, err, libssh2_channel_write(r->channel, "\n", 1));
	return rc < 0 ? ssh_session_error(r->s, rc, err, "starting the program") : 0;
}

/* The blank between word and id is part of the word: the shell's own echo of a command has none. */
static void make_command(struct run *r, char *const *argv, struct str *ret)
{
	uint64_t random = 0;

	if (getrandom(&random, sizeof(random), 0) < 0)
		random = (uint64_t)clock_us();
	snprintf(r->word, sizeof(r->word), "pid-%016llx=", (unsigned long long)random);
	str_addf(ret, "echo '%s'$$; read -r go && exec ", r->word);
	str_shell_quote_argv(ret, argv);
}

static int start(struct ssh *ssh, struct run *r, char *const *argv, struct error *err)
{
	auto_str command = { 0 };
	struct wait first;
	bool kept;

	make_command(r, argv, &command);
	if (command.length > COMMAND_MAX)
		return error_set(
			err, EINVAL,
			"the command line has %zu bytes, quoted; SSH takes %d: use stdin= or "
			"Copy File To VM",
			command.length, COMMAND_MAX);
	for (;;) {
		if (ssh_connect(ssh, r->w, &kept, err) < 0)
			return -1;
		r->s = ssh->session;
		first = ssh_first_wait(kept, r->w);
		if (!open_channel(r->s, &first, &r->channel, err))
			break;
		if (!ssh_try_anew(ssh, kept, r->w, err))
			return -1;
	}
	if (send_command(r->s, r->channel, str_text(&command), r->w, err) < 0 ||
	    await_pid(r, err) < 0)
		return -1;
	return let_start(r, err);
}

static int to_the_end(struct run *r, struct error *err)
{
	bool closed = false;

	while (!closed)
		if (pump_once(r, &r->result->out, true, &closed, err) < 0)
			return -1;
	read_status(r);
	return 0;
}

/* Whether the channel closes in time; what the program still prints is dropped. */
static bool sees_end(struct run *r, const struct wait *w)
{
	struct process_result dropped = { 0 };
	struct error ignored;
	bool closed = false;

	r->w = w;
	r->limit = 0;
	r->result = &dropped;
	while (!closed && !pump_once(r, &dropped.out, false, &closed, &ignored))
		;
	process_result_clear(&dropped);
	return closed;
}

/*
 * A program that runs by sudo needs sudo to be killed. That takes long in an emulated guest: where
 * the group heard us it is for what it started by sudo only, and not waited for.
 */
static char *kill_command(long long pid)
{
	return own_printf("test -d /proc/%lld && ended=0 || ended=%d; "
			  "if kill -s KILL -- -%lld 2>/dev/null; then "
			  "(sudo -n kill -s KILL -- -%lld >/dev/null 2>&1 </dev/null &); "
			  "else kill -s KILL %lld 2>/dev/null || "
			  "sudo -n kill -s KILL -- -%lld >/dev/null 2>&1; fi; exit $ended",
			  pid, HAD_ENDED, pid, pid, pid, pid);
}

static int send_kill(struct ssh_session *s, long long pid, const struct wait *w, int *ret_status,
		     struct error *err)
{
	auto_free char *command = kill_command(pid);
	struct process_result result = { 0 };
	struct run r = { .s = s, .w = w, .result = &result, .input_ended = true };
	int rc = -1;

	if (!open_channel(s, w, &r.channel, err) && !send_command(s, r.channel, command, w, err))
		rc = to_the_end(&r, err);
	channel_end(s, r.channel);
	*ret_status = result.rc;
	process_result_clear(&result);
	return rc;
}

/* Ends the program of a run whose wait ended first, and says in @err what became of it. */
static void kill_program(struct ssh *ssh, struct run *r, struct error *err)
{
	struct wait w = wait_for_ms(KILL_MS), end;
	struct error why;
	bool kept = true, seen;
	int status;

	/* What cancelled us may be the end of the VM: then nobody is there to be asked. */
	if (err->code == ECANCELED && !ssh_session_alive(r->s)) {
		r->s->state = SSH_LOST;
		error_append(err, "; the connection is gone");
		return;
	}
	if (r->s->state != SSH_GOOD && ssh->fixed) {
		error_append(err, "; it may still run");
		return;
	}
	if (r->s->state != SSH_GOOD) {
		/* The channel goes with its session. */
		ssh_drop(ssh);
		r->channel = NULL;
		kept = false;
		if (ssh_connect(ssh, &w, NULL, &why) < 0) {
			error_append(err, "; it may still run: %s", why.text);
			return;
		}
	}
	if (send_kill(ssh->session, r->pid, &w, &status, &why) < 0) {
		error_append(err, "; it may still run: %s", why.text);
		return;
	}
	end = wait_for_ms(END_MS);
	seen = !kept || sees_end(r, &end);
	error_append(err, !seen ? "; it was sent SIGKILL, but its end has not been seen"
			  : status == HAD_ENDED ? "; it had ended, but something that it started "
						  "held its output open, and was killed"
						: "; it was killed there");
	if (!seen && ssh->session->state == SSH_GOOD)
		ssh->session->state = SSH_UNSURE;
}

int ssh_exec(struct ssh *ssh, char *const *argv, const struct str *input, size_t limit,
	     const struct wait *w, struct process_result *ret, struct error *err)
{
	struct run r = { .w = w, .input = input, .limit = limit, .result = ret };
	int rc;

	*ret = (struct process_result) { 0 };
	rc = start(ssh, &r, argv, err) < 0 || to_the_end(&r, err) < 0 ? -1 : 0;
	if (rc < 0) {
		error_prefix(err, "%s", argv[0]);
		process_result_clear(ret);
	}
	if (rc < 0 && r.started && (err->code == ETIMEDOUT || err->code == ECANCELED))
		kill_program(ssh, &r, err);
	else if (rc < 0 && r.started)
		error_append(err, "; it may still run");
	else if (rc < 0 && r.channel && r.s->state == SSH_GOOD && err->code != EREMOTEIO)
		r.s->state = SSH_UNSURE;
	if (ssh->session)
		channel_end(ssh->session, r.channel);
	str_clear(&r.preamble);
	return rc;
}

int ssh_run(struct ssh *ssh, char *const *argv, const struct str *input, size_t limit,
	    const struct wait *w, struct process_result *ret, struct error *err)
{
	int rc;

	*ret = (struct process_result) { 0 };
	if (!argv[0])
		return error_set(err, EINVAL, "SSH: no program was named");
	if (ssh_enter(ssh, w, err) < 0)
		return ssh_prefix(ssh, err);
	rc = ssh_exec(ssh, argv, input, limit, w, ret, err);
	ssh_leave(ssh);
	return rc < 0 ? ssh_prefix(ssh, err) : 0;
}

/*
 * A conversation with the QEMU guest agent.
 *
 * How it works: the agent opens its port late and whatever was sent before is lost or garbles its
 * parser, and nothing tells when it dies. So a conversation begins with 0xFF, which resets the
 * parser, and guest-sync-delimited with a fresh id, repeated until a line comes back that holds
 * 0xFF and the latest id; everything before is dropped. Every command carries an id, which the
 * agent echoes. A command that did not get its answer leaves the conversation unsynchronised, and
 * so does a while without one: the agent may have restarted.
 *
 * The agent answers in order. So when it falls silent over a command we synchronise, and either
 * the command's answer comes first, or the agent has lost it.
 */
#include "guest/agent_inside.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/own.h"
#include "value/value.h"

/* How long one synchronisation is waited for before the next is sent. */
#define SYNC_FIRST_MS 100
#define SYNC_LAST_MS  1000
/* After that long without a byte the agent may be another one: between commands, within one. */
#define IDLE_MS	   500
#define SILENCE_MS 2500
/* What the buffer may keep of a long answer's room. */
#define KEEP_MAX (1024 * 1024)
#define FLUSH	 0xff

int agent_new(struct node *node, const char *path, struct agent **ret, struct error *err)
{
	struct agent *agent = own_alloc(sizeof(*agent));

	agent->fd = -1;
	agent->node = node;
	agent->path = own_strdup(path);
	agent->runners[0] = AGENT_RUNNER_KERNEL_VM;
	agent->runners[1] = AGENT_RUNNER_IMAGE_VM;
	if (gate_init(&agent->gate, err) < 0) {
		agent_free(agent);
		return -1;
	}
	*ret = agent;
	return 0;
}

void agent_free(struct agent *agent)
{
	if (!agent)
		return;
	own_close(&agent->fd);
	gate_clear(&agent->gate);
	str_clear(&agent->in);
	free(agent->path);
	free(agent);
}

void agent_set_runner(struct agent *agent, const char *path)
{
	agent->runners[0] = path;
	agent->runners[1] = NULL;
}

static int random_id(void)
{
	unsigned int id = 0;

	if (getrandom(&id, sizeof(id), 0) < 0)
		id = (unsigned int)clock_us();
	return (int)(id & 0x7fffffff);
}

static void clear_input(struct agent *agent)
{
	str_clear(&agent->in);
	agent->scanned = 0;
}

/* More bytes. EAGAIN when the agent is silent for long, but the wait is not over. */
static int fill(struct agent *agent, const struct wait *w, struct error *err)
{
	struct wait once = wait_within(w, SILENCE_MS);
	char buffer[65536];
	size_t n;

	if (wait_check(w, err) < 0)
		return -1;
	if (wait_read(&once, agent->fd, buffer, sizeof(buffer), &n, err) < 0)
		return err->code == ETIMEDOUT && wait_left_ms(w)
			       ? error_set(err, EAGAIN, "the guest agent is silent")
			       : -1;
	if (!n) {
		own_close(&agent->fd);
		return error_set(err, ECONNRESET, "QEMU is gone");
	}
	agent->heard_ms = clock_ms();
	if (agent->in.length + n > AGENT_LINE_MAX) {
		clear_input(agent);
		return error_set(err, EMSGSIZE, "an answer of more than %d bytes", AGENT_LINE_MAX);
	}
	str_add(&agent->in, buffer, n);
	return 0;
}

/* Takes what was read off the buffer, and gives the room of a long answer back. */
static void drop_line(struct agent *agent, size_t length)
{
	struct str rest = { 0 };

	str_cut(&agent->in, length);
	agent->scanned = 0;
	if (agent->in.room <= KEEP_MAX || agent->in.length > KEEP_MAX)
		return;
	str_add(&rest, agent->in.text, agent->in.length);
	str_clear(&agent->in);
	agent->in = rest;
}

/*
 * The next line without its end, owned by the caller. What was scanned for a line end is not
 * scanned again: an answer of many MB comes in thousands of pieces. A flood of lines must not
 * outlast the wait either.
 */
static int read_line(struct agent *agent, const struct wait *w, struct str *ret, struct error *err)
{
	char *end;
	size_t n;

	if (wait_check(w, err) < 0)
		return -1;
	for (;;) {
		end = agent->in.length ? memchr(agent->in.text + agent->scanned, '\n',
						agent->in.length - agent->scanned)
				       : NULL;
		if (end)
			break;
		agent->scanned = agent->in.length;
		if (fill(agent, w, err) < 0)
			return -1;
	}
	n = (size_t)(end - agent->in.text);
	str_add(ret, agent->in.text, n);
	drop_line(agent, n + 1);
	return 0;
}

static int send_message(struct agent *agent, const char *command, const json_t *arguments, int id,
			bool flush, const struct wait *w, struct error *err)
{
	auto_json *message = json_pack("{s:s,s:i}", "execute", command, "id", id);
	static const unsigned char byte = FLUSH;
	auto_free char *text = NULL;

	if (arguments)
		json_object_set(message, "arguments", (json_t *)arguments);
	text = json_dumps(message, JSON_COMPACT);
	if (flush && wait_write(w, agent->fd, &byte, 1, err) < 0)
		return -1;
	if (wait_write(w, agent->fd, text, strlen(text), err) < 0)
		return -1;
	return wait_write(w, agent->fd, "\n", 1, err);
}

/* The answer that @line is to command @id, owned by the caller; NULL for anything else. */
static json_t *find_answer(const struct str *line, int id)
{
	auto_json *answer = value_parse(str_text(line), line->length, "guest agent", NULL);

	if (!answer || json_integer_value(json_object_get(answer, "id")) != id)
		return NULL;
	/* A terminal that echoes sends our command back, with its id. */
	if (!json_object_get(answer, "error") && !json_object_get(answer, "return"))
		return NULL;
	return take_ptr(answer);
}

/* Whether @line answers synchronisation @id. */
static bool is_sync(const struct str *line, int id)
{
	const char *after = line->length ? memrchr(line->text, FLUSH, line->length) : NULL;
	auto_json *answer = NULL;
	const json_t *value;

	if (!after)
		return false;
	after++;
	answer = value_parse(after, line->length - (size_t)(after - line->text), "guest agent",
			     NULL);
	value = json_object_get(answer, "return");
	return json_is_integer(value) && json_integer_value(value) == id;
}

/* A command that was given up, whose answer may come still; or NULL. */
struct late {
	int id;
	json_t *answer;
};

/* Reads lines until one answers synchronisation @id. ETIMEDOUT when it does not come in time. */
static int await_sync(struct agent *agent, int id, struct late *late, const struct wait *w,
		      struct error *err)
{
	for (;;) {
		auto_str line = { 0 };

		if (read_line(agent, w, &line, err) < 0) {
			if (err->code == EMSGSIZE)
				continue;
			return -1;
		}
		if (is_sync(&line, id))
			return 0;
		if (late && !late->answer)
			late->answer = find_answer(&line, late->id);
	}
}

static int synchronise(struct agent *agent, struct late *late, const struct wait *w,
		       struct error *err)
{
	int64_t pause_ms = SYNC_FIRST_MS;

	while (!agent->synced) {
		struct wait once = wait_within(w, pause_ms);
		int id = random_id();
		auto_json *arguments = json_pack("{s:i}", "id", id);

		if (send_message(agent, "guest-sync-delimited", arguments, id, true, w, err) < 0)
			return -1;
		if (!await_sync(agent, id, late, &once, err))
			agent->synced = true;
		else if (err->code != ETIMEDOUT || wait_check(w, err) < 0)
			return err->code == ETIMEDOUT ? error_set(err, ETIMEDOUT,
								  "the guest agent does not answer")
						      : -1;
		pause_ms = pause_ms * 2 < SYNC_LAST_MS ? pause_ms * 2 : SYNC_LAST_MS;
	}
	return 0;
}

static int begin(struct agent *agent, const struct wait *w, struct error *err)
{
	if (agent->fd < 0) {
		agent->synced = false;
		clear_input(agent);
		if (node_connect_unix(agent->node, agent->path, w, &agent->fd, err) < 0)
			return -1;
	}
	if (clock_ms() - agent->heard_ms > IDLE_MS)
		agent->synced = false;
	return synchronise(agent, NULL, w, err);
}

/* The answer to @id, owned by the caller. EAGAIN as fill(). */
static int read_answer(struct agent *agent, int id, const struct wait *w, json_t **ret,
		       struct error *err)
{
	*ret = NULL;
	while (!*ret) {
		auto_str line = { 0 };

		if (read_line(agent, w, &line, err) < 0)
			return -1;
		*ret = find_answer(&line, id);
	}
	return 0;
}

/* What became of command @id over which the agent fell silent. */
static int find_late_answer(struct agent *agent, int id, const struct wait *w, json_t **ret,
			    struct error *err)
{
	struct late late = { .id = id };
	int rc;

	agent->synced = false;
	rc = synchronise(agent, &late, w, err);
	*ret = late.answer;
	if (late.answer)
		return 0;
	return rc < 0 ? -1
		      : error_set(err, ECONNABORTED,
				  "the guest agent lost the command: it has restarted");
}

static int await_answer(struct agent *agent, int id, const struct wait *w, json_t **ret,
			struct error *err)
{
	auto_json *answer = NULL;
	const json_t *error;
	int rc = read_answer(agent, id, w, &answer, err);

	if (rc < 0 && err->code == EAGAIN)
		rc = find_late_answer(agent, id, w, &answer, err);
	if (rc < 0)
		return err->code == ETIMEDOUT
			       ? error_set(err, ETIMEDOUT, "the guest agent did not answer in time")
			       : -1;
	error = json_object_get(answer, "error");
	if (error)
		return error_set(err, EREMOTEIO, "%s: %s",
				 json_string_value(json_object_get(error, "class")),
				 json_string_value(json_object_get(error, "desc")));
	*ret = json_incref(json_object_get(answer, "return"));
	return 0;
}

static int converse(struct agent *agent, const char *command, const json_t *arguments,
		    const struct wait *w, int64_t grace_ms, json_t **ret, struct error *err)
{
	struct error ignored;
	int id = random_id(), rc;
	struct wait grace;

	if (begin(agent, w, err) < 0 ||
	    send_message(agent, command, arguments, id, false, w, err) < 0)
		return -1;
	rc = await_answer(agent, id, w, ret, err);
	if (!rc || err->code == EREMOTEIO || !grace_ms)
		return rc;
	grace = wait_for_ms(grace_ms);
	if ((err->code != ETIMEDOUT && err->code != ECANCELED) ||
	    await_answer(agent, id, &grace, ret, &ignored) < 0)
		return error_append(err, "; the guest may have done it all the same");
	return -1;
}

int agent_begin(struct agent *agent, const char *command, const json_t *arguments,
		const struct wait *w, int64_t grace_ms, json_t **ret_value, struct error *err)
{
	auto_json *value = NULL;
	struct error own;
	int rc;

	err = error_or(err, &own);
	if (gate_enter(&agent->gate, w, err) < 0)
		return error_prefix(err, "guest agent: %s", command);
	rc = converse(agent, command, arguments, w, grace_ms, &value, err);
	if (rc < 0 && !value && err->code != EREMOTEIO && err->code != ECONNABORTED)
		agent->synced = false;
	gate_leave(&agent->gate);
	if (ret_value)
		*ret_value = take_ptr(value);
	return rc < 0 ? error_prefix(err, "guest agent: %s", command) : 0;
}

int agent_execute(struct agent *agent, const char *command, const json_t *arguments,
		  const struct wait *w, json_t **ret_value, struct error *err)
{
	return agent_begin(agent, command, arguments, w, 0, ret_value, err);
}

int agent_send(struct agent *agent, const char *command, const json_t *arguments,
	       const struct wait *w, struct error *err)
{
	struct error own;
	int rc;

	err = error_or(err, &own);
	if (gate_enter(&agent->gate, w, err) < 0)
		return error_prefix(err, "guest agent: %s", command);
	rc = begin(agent, w, err);
	if (!rc)
		rc = send_message(agent, command, arguments, random_id(), false, w, err);
	agent->synced = false;
	gate_leave(&agent->gate);
	return rc < 0 ? error_prefix(err, "guest agent: %s", command) : 0;
}

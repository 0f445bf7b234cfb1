/*
 * A conversation with the QEMU guest agent.
 *
 * How it works: the agent opens its port late and whatever was sent before is lost or garbles its
 * parser, and nothing tells when it dies. So a conversation begins with 0xFF, which resets the
 * parser, and guest-sync-delimited with a fresh id, repeated until a line comes back that holds
 * 0xFF and the latest id; everything before is dropped. Every command carries an id, which the
 * agent echoes. A command that did not get its answer leaves the conversation unsynchronised.
 */
#include "guest/agent.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/own.h"
#include "value/value.h"

/* How long one synchronisation is waited for before the next is sent. */
#define SYNC_FIRST_MS 100
#define SYNC_LAST_MS  1000
#define FLUSH	      0xff

struct agent {
	struct node *node;
	char *path;
	struct gate gate; /* everything below */
	int fd;
	struct str in;
	size_t scanned;
	bool synced;
};

int agent_new(struct node *node, const char *path, struct agent **ret, struct error *err)
{
	struct agent *agent = own_alloc(sizeof(*agent));

	agent->fd = -1;
	agent->node = node;
	agent->path = own_strdup(path);
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

static int random_id(void)
{
	unsigned int id = 0;

	if (getrandom(&id, sizeof(id), 0) < 0)
		id = (unsigned int)clock_us();
	return (int)(id & 0x7fffffff);
}

/*
 * The next line without its end, owned by the caller. What was scanned for a line end is not
 * scanned again: an answer of many MB comes in thousands of pieces.
 */
static int read_line(struct agent *agent, const struct wait *w, struct str *ret, struct error *err)
{
	char buffer[65536];
	char *end;
	size_t n;

	for (;;) {
		end = agent->in.length ? memchr(agent->in.text + agent->scanned, '\n',
						agent->in.length - agent->scanned)
				       : NULL;
		if (end)
			break;
		agent->scanned = agent->in.length;
		if (wait_read(w, agent->fd, buffer, sizeof(buffer), &n, err) < 0)
			return -1;
		if (!n) {
			own_close(&agent->fd);
			return error_set(err, ECONNRESET, "QEMU is gone");
		}
		if (agent->in.length + n > AGENT_LINE_MAX)
			return error_set(err, EMSGSIZE, "an answer of more than %d bytes",
					 AGENT_LINE_MAX);
		str_add(&agent->in, buffer, n);
	}
	n = (size_t)(end - agent->in.text);
	str_add(ret, agent->in.text, n);
	str_cut(&agent->in, n + 1);
	agent->scanned = 0;
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

/* Reads lines until one answers synchronisation @id. ETIMEDOUT when it does not come in time. */
static int await_sync(struct agent *agent, int id, const struct wait *w, struct error *err)
{
	for (;;) {
		auto_str line = { 0 };
		const char *after;

		if (read_line(agent, w, &line, err) < 0)
			return -1;
		after = line.length ? memrchr(line.text, FLUSH, line.length) : NULL;
		if (after) {
			size_t left = line.length - (size_t)(after + 1 - line.text);
			auto_json *answer = value_parse(after + 1, left, "guest agent", NULL);
			const json_t *value = json_object_get(answer, "return");

			if (json_is_integer(value) && json_integer_value(value) == id)
				return 0;
		}
	}
}

static int synchronise(struct agent *agent, const struct wait *w, struct error *err)
{
	int64_t pause_ms = SYNC_FIRST_MS;

	while (!agent->synced) {
		struct wait once = wait_within(w, pause_ms);
		int id = random_id();
		auto_json *arguments = json_pack("{s:i}", "id", id);

		if (send_message(agent, "guest-sync-delimited", arguments, id, true, w, err) < 0)
			return -1;
		if (!await_sync(agent, id, &once, err))
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
		str_clear(&agent->in);
		agent->scanned = 0;
		if (node_connect_unix(agent->node, agent->path, w, &agent->fd, err) < 0)
			return -1;
	}
	return synchronise(agent, w, err);
}

static int await_answer(struct agent *agent, int id, const struct wait *w, json_t **ret,
			struct error *err)
{
	for (;;) {
		auto_str line = { 0 };
		auto_json *answer = NULL;
		const json_t *error;
		json_t *value;

		if (read_line(agent, w, &line, err) < 0)
			return err->code == ETIMEDOUT
				       ? error_set(err, ETIMEDOUT,
						   "the guest agent did not answer in time")
				       : -1;
		answer = value_parse(str_text(&line), line.length, "guest agent", NULL);
		if (!answer || json_integer_value(json_object_get(answer, "id")) != id)
			continue;
		error = json_object_get(answer, "error");
		if (error)
			return error_set(err, EREMOTEIO, "%s: %s",
					 json_string_value(json_object_get(error, "class")),
					 json_string_value(json_object_get(error, "desc")));
		value = json_object_get(answer, "return");
		/* A terminal that echoes sends our command back, with its id. */
		if (!value)
			continue;
		*ret = json_incref(value);
		return 0;
	}
}

int agent_execute(struct agent *agent, const char *command, const json_t *arguments,
		  const struct wait *w, json_t **ret_value, struct error *err)
{
	auto_json *value = NULL;
	int id = random_id(), rc;
	struct error own;

	err = error_or(err, &own);
	if (gate_enter(&agent->gate, w, err) < 0)
		return error_prefix(err, "guest agent: %s", command);
	rc = begin(agent, w, err);
	if (!rc)
		rc = send_message(agent, command, arguments, id, false, w, err);
	if (!rc)
		rc = await_answer(agent, id, w, &value, err);
	if (rc < 0 && err->code != EREMOTEIO)
		agent->synced = false;
	gate_leave(&agent->gate);
	if (rc < 0)
		return error_prefix(err, "guest agent: %s", command);
	if (ret_value)
		*ret_value = take_ptr(value);
	return 0;
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

/*
 * Files of the guest, through the agent's guest-file commands.
 */
#include <string.h>

#include "guest/agent.h"
#include "value/base64.h"
#include "value/value.h"

int agent_write_file(struct agent *agent, const char *path, const char *text, const struct wait *w,
		     struct error *err)
{
	auto_json *open = json_pack("{s:s,s:s}", "path", path, "mode", "w");
	auto_json *handle = NULL, *write = NULL, *close = NULL;
	auto_str encoded = { 0 };
	int rc;

	if (agent_execute(agent, "guest-file-open", open, w, &handle, err) < 0)
		return error_prefix(err, "%s", path);
	base64_encode(text, strlen(text), &encoded);
	write = json_pack("{s:O,s:s}", "handle", handle, "buf-b64", str_text(&encoded));
	close = json_pack("{s:O}", "handle", handle);
	rc = agent_execute(agent, "guest-file-write", write, w, NULL, err);
	/* The write is buffered in the agent: only the flush shows what the file says to it. */
	if (!rc)
		rc = agent_execute(agent, "guest-file-flush", close, w, NULL, err);
	if (agent_execute(agent, "guest-file-close", close, w, NULL, rc ? NULL : err) < 0)
		rc = -1;
	return rc < 0 ? error_prefix(err, "%s", path) : 0;
}

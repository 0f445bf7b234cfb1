/*
 * Files of the guest, through the agent's guest-file commands.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "guest/agent.h"
#include "value/base64.h"
#include "value/value.h"

/* What one guest-file command carries: the agent's own limit is 48 MB of base64. */
#define CHUNK (64 * 1024)

static int open_file(struct agent *agent, const char *path, const char *mode, const struct wait *w,
		     json_t **ret_handle, struct error *err)
{
	auto_json *arguments = json_pack("{s:s,s:s}", "path", path, "mode", mode);

	if (!arguments)
		return error_set(err, EINVAL, "'%s': not valid UTF-8", path);
	return agent_execute(agent, "guest-file-open", arguments, w, ret_handle, err);
}

/* Closes even when something else failed before, with that error kept. */
static int close_file(struct agent *agent, json_t *handle, int rc, const struct wait *w,
		      struct error *err)
{
	auto_json *arguments = json_pack("{s:O}", "handle", handle);

	if (agent_execute(agent, "guest-file-close", arguments, w, NULL, rc < 0 ? NULL : err) < 0)
		return -1;
	return rc;
}

static int write_chunk(struct agent *agent, json_t *handle, const char *bytes, size_t length,
		       const struct wait *w, struct error *err)
{
	auto_json *arguments = NULL, *answer = NULL;
	auto_str encoded = { 0 };

	base64_encode(bytes, length, &encoded);
	arguments = json_pack("{s:O,s:s}", "handle", handle, "buf-b64", str_text(&encoded));
	if (agent_execute(agent, "guest-file-write", arguments, w, &answer, err) < 0)
		return -1;
	if ((size_t)json_integer_value(json_object_get(answer, "count")) != length)
		return error_set(err, EIO, "the guest took fewer than %zu bytes", length);
	return 0;
}

/* The write is buffered in the agent: only the flush shows what the file says to it. */
static int flush(struct agent *agent, json_t *handle, const struct wait *w, struct error *err)
{
	auto_json *arguments = json_pack("{s:O}", "handle", handle);

	return agent_execute(agent, "guest-file-flush", arguments, w, NULL, err);
}

int agent_write_file(struct agent *agent, const char *path, const char *text, const struct wait *w,
		     struct error *err)
{
	auto_json *handle = NULL;
	int rc;

	if (open_file(agent, path, "w", w, &handle, err) < 0)
		return error_prefix(err, "%s", path);
	rc = write_chunk(agent, handle, text, strlen(text), w, err);
	if (!rc)
		rc = flush(agent, handle, w, err);
	rc = close_file(agent, handle, rc, w, err);
	return rc < 0 ? error_prefix(err, "%s", path) : 0;
}

static int send_all(struct agent *agent, int fd, json_t *handle, const struct wait *w,
		    uint64_t *ret_bytes, struct error *err)
{
	auto_free char *buffer = own_alloc(CHUNK);
	ssize_t n;

	while ((n = read(fd, buffer, CHUNK)) > 0) {
		if (write_chunk(agent, handle, buffer, (size_t)n, w, err) < 0)
			return -1;
		*ret_bytes += (uint64_t)n;
	}
	if (n < 0)
		return error_set_errno(err, errno, "read");
	return flush(agent, handle, w, err);
}

/* Opening a FIFO must not wait for its other end. */
static int open_local(const char *path, int *ret_fd, struct error *err)
{
	struct stat st;

	*ret_fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (*ret_fd < 0 || fstat(*ret_fd, &st) < 0)
		return error_set_errno(err, errno, "%s", path);
	if (S_ISREG(st.st_mode))
		return 0;
	return error_set(err, S_ISDIR(st.st_mode) ? EISDIR : EINVAL, "%s: expected a regular file",
			 path);
}

int agent_copy_to(struct agent *agent, const char *local, const char *remote, const struct wait *w,
		  uint64_t *ret_bytes, struct error *err)
{
	auto_json *handle = NULL;
	auto_close int fd = -1;
	int rc;

	*ret_bytes = 0;
	if (open_local(local, &fd, err) < 0)
		return -1;
	if (open_file(agent, remote, "w", w, &handle, err) < 0)
		return error_prefix(err, "%s in the guest", remote);
	rc = send_all(agent, fd, handle, w, ret_bytes, err);
	rc = close_file(agent, handle, rc, w, err);
	return rc < 0 ? error_prefix(err, "%s in the guest", remote) : 0;
}

/* One guest-file-read; @ret_eof: there is no more. */
static int read_chunk(struct agent *agent, json_t *handle, const struct wait *w, struct str *ret,
		      bool *ret_eof, struct error *err)
{
	auto_json *arguments = json_pack("{s:O,s:i}", "handle", handle, "count", CHUNK);
	auto_json *answer = NULL;
	const char *text;

	if (agent_execute(agent, "guest-file-read", arguments, w, &answer, err) < 0)
		return -1;
	text = json_string_value(json_object_get(answer, "buf-b64"));
	*ret_eof = json_is_true(json_object_get(answer, "eof"));
	if (!text || base64_decode(text, strlen(text), ret) < 0)
		return error_set(err, EPROTO, "guest-file-read: bad base64");
	return 0;
}

static int receive_all(struct agent *agent, json_t *handle, int fd, const struct wait *w,
		       uint64_t *ret_bytes, struct error *err)
{
	bool eof = false;

	while (!eof) {
		auto_str bytes = { 0 };

		if (read_chunk(agent, handle, w, &bytes, &eof, err) < 0)
			return -1;
		if (bytes.length && write(fd, bytes.text, bytes.length) != (ssize_t)bytes.length)
			return error_set_errno(err, errno, "write");
		*ret_bytes += bytes.length;
	}
	return 0;
}

int agent_copy_from(struct agent *agent, const char *remote, const char *local,
		    const struct wait *w, uint64_t *ret_bytes, struct error *err)
{
	auto_free char *aside = own_printf("%s.XXXXXX", local);
	auto_json *handle = NULL;
	auto_close int fd = -1;
	int rc;

	*ret_bytes = 0;
	if (open_file(agent, remote, "r", w, &handle, err) < 0)
		return error_prefix(err, "%s in the guest", remote);
	fd = mkostemp(aside, O_CLOEXEC);
	rc = fd < 0 ? error_set_errno(err, errno, "%s", local)
		    : receive_all(agent, handle, fd, w, ret_bytes, err);
	rc = close_file(agent, handle, rc, w, err);
	if (!rc && (fchmod(fd, 0644) < 0 || rename(aside, local) < 0))
		rc = error_set_errno(err, errno, "%s", local);
	if (rc < 0 && fd >= 0)
		unlink(aside);
	return rc;
}

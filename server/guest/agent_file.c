/*
 * Files of the guest, through the agent's guest-file commands.
 *
 * How a copy works: the agent reads and writes bytes, and programs of the guest do the rest: stat
 * tells what a path is, chmod, sha256sum and mv turn the file that was written aside into the copy.
 * A guest without one of them gets a copy that is compared by its length only.
 */
#include "guest/agent_inside.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "value/base64.h"
#include "value/value.h"

/* What one guest-file command carries: the agent's own limit is 48 MB of base64. */
#define CHUNK (64 * 1024)
/* Of what the guest's programs say. */
#define SAID_MAX 8192
/* What removing an unfinished file may take. */
#define REMOVE_MS 700
/* A keyword outlives its time-out by less than a second. */
#define AFTER_WAIT_MS 900

/*
 * @handle: of the guest's file, NULL when it is not open
 * @part:   the name aside, removed at the end unless NULL: in the guest when @to_guest, else here
 * @length, @mode: of the file that is read; @there: the guest has one already
 */
struct copying {
	struct agent *agent;
	const struct wait *w;
	bool to_guest;
	json_t *handle;
	int fd;
	char *part;
	bool created;
	bool there;
	uint64_t length;
	mode_t mode;
	gnutls_hash_hd_t hash;
	struct guest_copy copy;
};

#define WORD(text) ((char[]) { text })

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

static int send_all(struct copying *c, struct error *err)
{
	auto_free char *buffer = own_alloc(CHUNK);
	ssize_t n;

	while ((n = read(c->fd, buffer, CHUNK)) > 0) {
		if (write_chunk(c->agent, c->handle, buffer, (size_t)n, c->w, err) < 0)
			return -1;
		gnutls_hash(c->hash, buffer, (size_t)n);
		c->copy.bytes += (uint64_t)n;
	}
	if (n < 0)
		return error_set_errno(err, errno, "cannot read");
	return flush(c->agent, c->handle, c->w, err);
}

/* One guest-file-read; @ret_eof: there is no more. */
static int read_chunk(struct copying *c, struct str *ret, bool *ret_eof, struct error *err)
{
	auto_json *arguments = json_pack("{s:O,s:i}", "handle", c->handle, "count", CHUNK);
	auto_json *answer = NULL;
	const char *text;

	if (agent_execute(c->agent, "guest-file-read", arguments, c->w, &answer, err) < 0)
		return -1;
	text = json_string_value(json_object_get(answer, "buf-b64"));
	*ret_eof = json_is_true(json_object_get(answer, "eof"));
	if (!text || base64_decode(text, strlen(text), ret) < 0)
		return error_set(err, EPROTO, "guest-file-read: bad base64");
	return 0;
}

static int receive_all(struct copying *c, struct error *err)
{
	bool eof = false;

	while (!eof) {
		auto_str bytes = { 0 };

		if (read_chunk(c, &bytes, &eof, err) < 0)
			return -1;
		gnutls_hash(c->hash, str_text(&bytes), bytes.length);
		c->copy.bytes += bytes.length;
		if (copy_write(c->fd, str_text(&bytes), bytes.length, c->part, err) < 0)
			return -1;
	}
	return 0;
}

/* Runs a program of the guest; one that the guest has not got counts as one that failed. */
static int ask_guest(struct copying *c, char *const *argv, struct process_result *ret,
		     struct error *err)
{
	if (!agent_run(c->agent, argv, NULL, SAID_MAX, c->w, ret, err))
		return 0;
	if (err->code != EREMOTEIO)
		return -1;
	ret->rc = -1;
	return 0;
}

static int must(struct copying *c, char *const *argv, struct error *err)
{
	auto_process_result r = { 0 };
	auto_free char *said = NULL;

	if (agent_run(c->agent, argv, NULL, SAID_MAX, c->w, &r, err) < 0)
		return -1;
	if (!r.rc)
		return 0;
	said = str_printable(str_text(&r.err), r.err.length);
	return error_set(err, EREMOTEIO, "%.*s", (int)strcspn(said, "\n"), said);
}

/* What the guest's path is. Source: stat(1): %f, the raw mode in hexadecimal; %s, the length. */
static int look(struct copying *c, const char *path, struct error *err)
{
	auto_free char *there = copy_guest_path(path);
	char *argv[] = { WORD("stat"), WORD("-L"), WORD("-c"), WORD("%f %s"), there, NULL };
	auto_process_result r = { 0 };
	unsigned long long length = 0;
	unsigned int mode = 0;

	if (ask_guest(c, argv, &r, err) < 0)
		return -1;
	c->there = !r.rc && sscanf(str_text(&r.out), "%x %llu", &mode, &length) == 2;
	c->mode = mode;
	c->length = length;
	return c->there ? copy_check_type(path, " in the guest", mode, err) : 0;
}

static int compare(struct copying *c, const char *path, struct error *err)
{
	auto_free char *there = copy_guest_path(path);
	char *argv[] = { WORD("sha256sum"), there, NULL };
	auto_process_result r = { 0 };

	if (c->there && copy_compare_length(&c->copy, c->length, path, err) < 0)
		return -1;
	if (ask_guest(c, argv, &r, err) < 0)
		return -1;
	return r.rc || !r.out.length ? 0 : copy_compare(&c->copy, &r.out, path, err);
}

static int open_guest(struct copying *c, const char *path, const char *mode, struct error *err)
{
	if (open_file(c->agent, path, mode, c->w, &c->handle, err) < 0)
		return error_prefix(err, "%s", path);
	c->created = c->to_guest;
	return 0;
}

static int close_guest(struct copying *c, const struct wait *w, struct error *err)
{
	int rc = c->handle ? close_file(c->agent, c->handle, 0, w, err) : 0;

	json_decref(c->handle);
	c->handle = NULL;
	return rc;
}

static int put_in_place(struct copying *c, const char *remote, struct error *err)
{
	auto_free char *from = copy_guest_path(c->part), *to = copy_guest_path(remote);
	char *move[] = { WORD("mv"), WORD("-f"), from, to, NULL };

	if (look(c, c->part, err) < 0 || compare(c, c->part, err) < 0 || must(c, move, err) < 0)
		return -1;
	free(take_ptr(c->part));
	return 0;
}

static int copy_to(struct copying *c, const char *local, const char *remote, struct error *err)
{
	auto_free char *mode = NULL, *part = NULL;
	struct stat st;

	if (copy_open(local, &c->fd, &st, err) < 0 || look(c, remote, err) < 0)
		return -1;
	c->part = copy_part_name(remote);
	part = copy_guest_path(c->part);
	mode = own_printf("%o", st.st_mode & COPY_PERMISSIONS);
	if (open_guest(c, c->part, "w", err) < 0 ||
	    must(c, (char *[]) { WORD("chmod"), mode, part, NULL }, err) < 0 ||
	    send_all(c, err) < 0 || close_guest(c, c->w, err) < 0)
		return -1;
	copy_hash_text(c->hash, c->copy.sha256);
	return put_in_place(c, remote, err);
}

static int copy_from(struct copying *c, const char *remote, const char *local, struct error *err)
{
	if (look(c, remote, err) < 0 || open_guest(c, remote, "r", err) < 0 ||
	    copy_create(local, c->there ? c->mode : 0644, &c->part, &c->fd, err) < 0 ||
	    receive_all(c, err) < 0 || close_guest(c, c->w, err) < 0)
		return -1;
	copy_hash_text(c->hash, c->copy.sha256);
	/* Files of the kernel tell no length, and are not the same twice. */
	if ((!c->there || c->length || !c->copy.bytes) && compare(c, remote, err) < 0)
		return -1;
	if (rename(c->part, local) < 0)
		return error_set_errno(err, errno, "cannot create %s", local);
	free(take_ptr(c->part));
	return 0;
}

/* The wait may be over, and a program may have been killed since then. */
static struct wait last_wait(const struct wait *w)
{
	struct wait last = wait_for_ms(REMOVE_MS);

	if (!wait_left_ms(w) && last.deadline_ms > w->deadline_ms + AFTER_WAIT_MS)
		last.deadline_ms = w->deadline_ms + AFTER_WAIT_MS;
	return last;
}

static void clean_up(struct copying *c, struct error *err)
{
	struct wait end = last_wait(c->w);
	auto_free char *part = c->part ? copy_guest_path(c->part) : NULL;
	struct error why;

	own_close(&c->fd);
	close_guest(c, &end, &why);
	if (c->part && !c->to_guest)
		unlink(c->part);
	else if (c->part && c->created &&
		 agent_tidy(c->agent, (char *[]) { WORD("rm"), WORD("-f"), part, NULL }, &end,
			    &why) < 0)
		error_append(err, "; %s was left in the guest", c->part);
	gnutls_hash_deinit(c->hash, NULL);
	free(c->part);
}

static int copy_file(struct agent *agent, const char *from, const char *to, bool to_guest,
		     const struct wait *w, struct guest_copy *ret, struct error *err)
{
	struct copying c = { .agent = agent, .w = w, .to_guest = to_guest, .fd = -1 };
	struct error own;
	int rc;

	err = error_or(err, &own);
	if (copy_hash_init(&c.hash, err) < 0)
		return -1;
	rc = to_guest ? copy_to(&c, from, to, err) : copy_from(&c, from, to, err);
	if (rc < 0)
		error_prefix(err, "copy %s to %s (after %llu bytes)", from, to,
			     (unsigned long long)c.copy.bytes);
	clean_up(&c, err);
	*ret = c.copy;
	return rc;
}

int agent_copy_to(struct agent *agent, const char *local, const char *remote, const struct wait *w,
		  struct guest_copy *ret, struct error *err)
{
	return copy_file(agent, local, remote, true, w, ret, err);
}

int agent_copy_from(struct agent *agent, const char *remote, const char *local,
		    const struct wait *w, struct guest_copy *ret, struct error *err)
{
	return copy_file(agent, remote, local, false, w, ret, err);
}

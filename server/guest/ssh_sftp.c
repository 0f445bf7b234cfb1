/*
 * Files over SFTP: written aside, compared by length and checksum, then put in place.
 *
 * How it works: libssh2 sends a whole buffer as many requests and confirms them in order, so the
 * buffer slides: what is confirmed leaves at its front, what was read joins at its end. SFTP 3
 * cannot rename over a file; where a shell is to be had, mv does, else the old file is removed
 * first. The checksum comes from sha256sum there, when there is one.
 */
#include "guest/ssh_session.h"

#include <errno.h>
#include <fcntl.h>
#include <libssh2_sftp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"

/* Bytes on their way; SFTP packets carry 30,000 each. */
#define WINDOW_SIZE (2 * 1024 * 1024)
#define OUTPUT_MAX  65536
/* What removing an unfinished file may take, a new login included. */
#define REMOVE_MS 700

/* @local_part, @remote_part: the temporary names, removed at the end unless NULL.
 * @created: the remote one exists. @unsized: the remote file tells no length. */
struct transfer {
	struct ssh *ssh;
	struct ssh_session *s;
	const struct wait *w;
	LIBSSH2_SFTP *sftp;
	LIBSSH2_SFTP_HANDLE *handle;
	int fd;
	char *local_part;
	char *remote_part;
	gnutls_hash_hd_t hash;
	struct guest_copy copy;
	bool created;
	bool unsized;
};

static const struct {
	unsigned long status;
	int code;
	const char *text;
} sftp_errors[] = {
	{ LIBSSH2_FX_NO_SUCH_FILE, ENOENT, "no such file or directory" },
	{ LIBSSH2_FX_PERMISSION_DENIED, EACCES, "permission denied" },
	{ LIBSSH2_FX_FAILURE, EIO, "the server failed (file system full, or not possible there)" },
	{ LIBSSH2_FX_OP_UNSUPPORTED, ENOTSUP, "the server cannot do that" },
	{ LIBSSH2_FX_NO_CONNECTION, ECONNRESET, "the server lost its connection" },
};

static int sftp_error(struct transfer *t, long rc, const char *what, const char *path,
		      struct error *err)
{
	unsigned long status = rc == LIBSSH2_ERROR_SFTP_PROTOCOL ? libssh2_sftp_last_error(t->sftp)
								 : LIBSSH2_FX_OK;

	for (size_t i = 0; i < sizeof(sftp_errors) / sizeof(sftp_errors[0]); i++)
		if (status == sftp_errors[i].status)
			return error_set(err, sftp_errors[i].code, "%s %s: %s", what, path,
					 sftp_errors[i].text);
	if (status)
		return error_set(err, EREMOTEIO, "%s %s: SFTP status %lu", what, path, status);
	ssh_session_error(t->s, rc, err, what);
	return -1;
}

#define sftp_await(t, err, call) ssh_await((t)->s, (t)->w, (err), (call))

static unsigned int length_of(const char *path)
{
	return (unsigned int)strlen(path);
}

static int start_sftp(struct transfer *t, struct error *err)
{
	struct wait first;
	bool kept;

	for (;;) {
		if (ssh_connect(t->ssh, t->w, &kept, err) < 0)
			return -1;
		t->s = t->ssh->session;
		first = ssh_first_wait(kept, t->w);
		t->sftp = ssh_await_ptr(t->s, &first, err, libssh2_sftp_init(t->s->libssh2));
		if (t->sftp) {
			t->ssh->fixed = true;
			return 0;
		}
		ssh_session_error(t->s, libssh2_session_last_errno(t->s->libssh2), err,
				  "starting SFTP");
		if (!ssh_try_anew(t->ssh, kept, t->w, err))
			return -1;
	}
}

static int open_remote(struct transfer *t, const char *path, unsigned long flags, mode_t mode,
		       struct error *err)
{
	t->handle = ssh_await_ptr(t->s, t->w, err,
				  libssh2_sftp_open_ex(t->sftp, path, length_of(path), flags,
						       (long)mode, LIBSSH2_SFTP_OPENFILE));
	if (t->handle)
		return 0;
	return sftp_error(t, libssh2_session_last_errno(t->s->libssh2), "cannot open", path, err);
}

static int close_remote(struct transfer *t, const char *path, struct error *err)
{
	long rc = sftp_await(t, err, libssh2_sftp_close_handle(t->handle));

	if (rc == LIBSSH2_ERROR_EAGAIN)
		return sftp_error(t, rc, "closing", path, err);
	t->handle = NULL;
	return rc ? sftp_error(t, rc, "closing", path, err) : 0;
}

/* *@ret_there is false when there is none; a directory and whatever else is no file is refused. */
static int look_at_remote(struct transfer *t, const char *path, bool *ret_there,
			  LIBSSH2_SFTP_ATTRIBUTES *ret, struct error *err)
{
	long rc = sftp_await(
		t, err,
		libssh2_sftp_stat_ex(t->sftp, path, length_of(path), LIBSSH2_SFTP_STAT, ret));

	*ret_there = !rc;
	if (rc == LIBSSH2_ERROR_SFTP_PROTOCOL &&
	    libssh2_sftp_last_error(t->sftp) == LIBSSH2_FX_NO_SUCH_FILE)
		return 0;
	if (rc)
		return sftp_error(t, rc, "cannot look at", path, err);
	return copy_check_type(path, " in the guest", (mode_t)ret->permissions, err);
}

/* The buffer that slides over the file: @start to @end is not confirmed yet. */
struct window {
	char *bytes;
	size_t start;
	size_t end;
	bool at_end;
};

static int refill(struct transfer *t, struct window *b, struct error *err)
{
	ssize_t n;

	memmove(b->bytes, b->bytes + b->start, b->end - b->start);
	b->end -= b->start;
	b->start = 0;
	while (!b->at_end && b->end < WINDOW_SIZE) {
		n = read(t->fd, b->bytes + b->end, WINDOW_SIZE - b->end);
		if (n < 0)
			return error_set_errno(err, errno, "cannot read");
		b->at_end = n == 0;
		gnutls_hash(t->hash, b->bytes + b->end, (size_t)n);
		b->end += (size_t)n;
		t->copy.bytes += (uint64_t)n;
	}
	return 0;
}

static int upload(struct transfer *t, struct error *err)
{
	auto_free char *bytes = own_alloc(WINDOW_SIZE);
	struct window b = { .bytes = bytes };

	for (;;) {
		long n;

		if (b.end - b.start < WINDOW_SIZE / 2 && !b.at_end && refill(t, &b, err) < 0)
			return -1;
		if (b.start == b.end && b.at_end)
			return 0;
		if (wait_check(t->w, err) < 0)
			return sftp_error(t, LIBSSH2_ERROR_EAGAIN, "writing", t->remote_part, err);
		n = sftp_await(t, err,
			       libssh2_sftp_write(t->handle, b.bytes + b.start, b.end - b.start));
		if (n < 0)
			return sftp_error(t, n, "writing", t->remote_part, err);
		b.start += (size_t)n;
	}
}

static int download(struct transfer *t, const char *remote, struct error *err)
{
	auto_free char *bytes = own_alloc(WINDOW_SIZE);

	for (;;) {
		long n;

		if (wait_check(t->w, err) < 0)
			return sftp_error(t, LIBSSH2_ERROR_EAGAIN, "reading", remote, err);
		n = sftp_await(t, err, libssh2_sftp_read(t->handle, bytes, WINDOW_SIZE));
		if (n < 0)
			return sftp_error(t, n, "reading", remote, err);
		if (!n)
			return 0;
		gnutls_hash(t->hash, bytes, (size_t)n);
		t->copy.bytes += (uint64_t)n;
		if (copy_write(t->fd, bytes, (size_t)n, t->local_part, err) < 0)
			return -1;
	}
}

static int compare(struct transfer *t, const char *path, struct error *err)
{
	auto_free char *there = copy_guest_path(path);
	char *argv[] = { (char[]) { "sha256sum" }, there, NULL };
	auto_process_result result = { 0 };

	if (ssh_exec(t->ssh, argv, NULL, OUTPUT_MAX, t->w, &result, err) < 0) {
		/* An account that may use SFTP only. */
		return err->code == EREMOTEIO && t->s->state == SSH_GOOD ? 0 : -1;
	}
	if (result.rc || !result.out.length)
		return 0;
	return copy_compare(&t->copy, &result.out, path, err);
}

static int check_length(struct transfer *t, const char *path, struct error *err)
{
	LIBSSH2_SFTP_ATTRIBUTES a = { 0 };
	bool there;

	if (look_at_remote(t, path, &there, &a, err) < 0)
		return -1;
	if (!there)
		return error_set(err, EIO, "%s: it is gone", path);
	/* Files of the kernel have no length. */
	t->unsized = !a.filesize && t->copy.bytes;
	return t->unsized ? 0 : copy_compare_length(&t->copy, a.filesize, path, err);
}

static int move_by_shell(struct transfer *t, const char *remote, struct error *err)
{
	auto_free char *from = copy_guest_path(t->remote_part);
	auto_free char *to = copy_guest_path(remote);
	char *argv[] = { (char[]) { "mv" }, (char[]) { "-f" }, from, to, NULL };
	auto_process_result result = { 0 };

	return ssh_exec(t->ssh, argv, NULL, OUTPUT_MAX, t->w, &result, err) < 0 || result.rc ? -1
											     : 0;
}

static int put_in_place(struct transfer *t, const char *remote, bool replaces, struct error *err)
{
	const char *from = t->remote_part;
	long rc;

	if (replaces && !move_by_shell(t, remote, err))
		return 0;
	if (t->s->state != SSH_GOOD)
		return -1;
	if (replaces)
		sftp_await(t, err, libssh2_sftp_unlink_ex(t->sftp, remote, length_of(remote)));
	rc = sftp_await(t, err,
			libssh2_sftp_rename_ex(t->sftp, from, length_of(from), remote,
					       length_of(remote), 0));
	return rc ? sftp_error(t, rc, "cannot create", remote, err) : 0;
}

static int copy_to(struct transfer *t, const char *local, const char *remote, struct error *err)
{
	LIBSSH2_SFTP_ATTRIBUTES a = { 0 };
	struct stat st;
	bool there;

	if (copy_open(local, &t->fd, &st, err) < 0 || start_sftp(t, err) < 0 ||
	    look_at_remote(t, remote, &there, &a, err) < 0)
		return -1;
	t->remote_part = copy_part_name(remote);
	if (open_remote(t, t->remote_part, LIBSSH2_FXF_WRITE | LIBSSH2_FXF_CREAT | LIBSSH2_FXF_EXCL,
			0600, err) < 0)
		return -1;
	t->created = true;
	if (upload(t, err) < 0)
		return -1;
	a = (LIBSSH2_SFTP_ATTRIBUTES) { .flags = LIBSSH2_SFTP_ATTR_PERMISSIONS,
					.permissions = st.st_mode & COPY_PERMISSIONS };
	if (sftp_await(t, err, libssh2_sftp_fstat_ex(t->handle, &a, 1)) == LIBSSH2_ERROR_EAGAIN)
		return sftp_error(t, LIBSSH2_ERROR_EAGAIN, "setting permissions", remote, err);
	if (close_remote(t, t->remote_part, err) < 0)
		return -1;
	copy_hash_text(t->hash, t->copy.sha256);
	if (check_length(t, t->remote_part, err) < 0 || compare(t, t->remote_part, err) < 0 ||
	    put_in_place(t, remote, there, err) < 0)
		return -1;
	free(take_ptr(t->remote_part));
	return 0;
}

static int copy_from(struct transfer *t, const char *remote, const char *local, struct error *err)
{
	LIBSSH2_SFTP_ATTRIBUTES a = { 0 };
	bool there;

	if (start_sftp(t, err) < 0 || look_at_remote(t, remote, &there, &a, err) < 0)
		return -1;
	if (!there)
		return error_set(err, ENOENT, "%s: no such file in the guest", remote);
	if (copy_create(local, (mode_t)a.permissions, &t->local_part, &t->fd, err) < 0 ||
	    open_remote(t, remote, LIBSSH2_FXF_READ, 0, err) < 0 || download(t, remote, err) < 0 ||
	    close_remote(t, remote, err) < 0)
		return -1;
	copy_hash_text(t->hash, t->copy.sha256);
	if (check_length(t, remote, err) < 0 || (!t->unsized && compare(t, remote, err) < 0))
		return -1;
	if (rename(t->local_part, local) < 0)
		return error_set_errno(err, errno, "cannot create %s", local);
	free(take_ptr(t->local_part));
	return 0;
}

/* Over a new session: the old one may stand in the middle of a packet. */
static void remove_remote_part(struct transfer *t, struct error *err)
{
	struct wait end = wait_for_ms(REMOVE_MS);
	auto_free char *path = copy_guest_path(t->remote_part);
	char *argv[] = { (char[]) { "rm" }, (char[]) { "-f" }, path, NULL };
	auto_process_result result = { 0 };
	struct error why;

	if (t->ssh->session->state != SSH_GOOD)
		ssh_drop(t->ssh);
	if (ssh_exec(t->ssh, argv, NULL, OUTPUT_MAX, &end, &result, &why) < 0 || result.rc)
		error_append(err, "; %s was left in the guest", t->remote_part);
}

static void transfer_end(struct transfer *t, struct error *err)
{
	own_close(&t->fd);
	gnutls_hash_deinit(t->hash, NULL);
	if (t->local_part)
		unlink(t->local_part);
	if (t->handle)
		ssh_dispose(t->s, libssh2_sftp_close_handle(t->handle));
	if (t->sftp)
		ssh_dispose(t->s, libssh2_sftp_shutdown(t->sftp));
	t->ssh->fixed = false;
	if (t->created && t->remote_part)
		remove_remote_part(t, err);
	free(t->local_part);
	free(t->remote_part);
}

static int transfer_begin(struct transfer *t, struct ssh *ssh, const struct wait *w,
			  struct error *err)
{
	*t = (struct transfer) { .ssh = ssh, .w = w, .fd = -1 };
	return copy_hash_init(&t->hash, err);
}

/* What both copies share; @to_guest tells which way. */
static int transfer(struct ssh *ssh, const char *from, const char *to, bool to_guest,
		    const struct wait *w, struct guest_copy *ret, struct error *err)
{
	struct transfer t;
	int rc;

	if (ssh_enter(ssh, w, err) < 0)
		return ssh_prefix(ssh, err);
	if (transfer_begin(&t, ssh, w, err) < 0) {
		ssh_leave(ssh);
		return -1;
	}
	rc = to_guest ? copy_to(&t, from, to, err) : copy_from(&t, from, to, err);
	if (rc < 0)
		error_prefix(err, "copy %s to %s (after %llu bytes)", from, to,
			     (unsigned long long)t.copy.bytes);
	else if (ret)
		*ret = t.copy;
	transfer_end(&t, err);
	ssh_leave(ssh);
	return rc < 0 ? ssh_prefix(ssh, err) : 0;
}

int ssh_copy_to(struct ssh *ssh, const char *local, const char *remote, const struct wait *w,
		struct guest_copy *ret, struct error *err)
{
	return transfer(ssh, local, remote, true, w, ret, err);
}

int ssh_copy_from(struct ssh *ssh, const char *remote, const char *local, const struct wait *w,
		  struct guest_copy *ret, struct error *err)
{
	return transfer(ssh, remote, local, false, w, ret, err);
}

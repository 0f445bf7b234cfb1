/*
 * A guest's character stream.
 *
 * How it works: the watcher's thread appends what arrives to the tail and drops the oldest bytes
 * beyond twice the tail's size. QEMU writes each byte to the log right after it went into the
 * socket, so bytes that left the tail stand in the log; the tail covers the moment in between.
 */
#include "qemu/stream.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"

#define READ_CHUNK 65536

struct stream {
	struct watch watch;
	struct stream_listener listener;
	struct node *node;
	char *log_path;
	size_t tail_size;
	struct gate write_gate;
	int log_fd;
	struct bell bell;
	pthread_mutex_t mutex; /* everything below */
	struct str tail;
	off_t tail_start; /* offset of the tail's first byte */
	int64_t arrived_us;
	bool closed;
};

static void append(struct stream *stream, const char *bytes, size_t n)
{
	lock_scope(&stream->mutex);

	/* A log that cannot be written loses what the tail no longer has, and nothing else. */
	if (stream->log_fd >= 0 && write(stream->log_fd, bytes, n) < 0)
		own_close(&stream->log_fd);
	str_add(&stream->tail, bytes, n);
	stream->arrived_us = clock_us();
	if (stream->tail.length > 2 * stream->tail_size) {
		size_t old = stream->tail.length - stream->tail_size;

		str_cut(&stream->tail, old);
		stream->tail_start += (off_t)old;
	}
}

static int end_of_stream(struct stream *stream)
{
	pthread_mutex_lock(&stream->mutex);
	stream->closed = true;
	pthread_mutex_unlock(&stream->mutex);
	if (stream->listener.closed)
		stream->listener.closed(stream->listener.owner);
	bell_ring(&stream->bell);
	return -1;
}

static int stream_ready(struct watch *watch)
{
	struct stream *stream = (struct stream *)((char *)watch - offsetof(struct stream, watch));
	char buffer[4096];
	ssize_t n = read(watch->fd, buffer, sizeof(buffer));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return end_of_stream(stream);
	append(stream, buffer, (size_t)n);
	bell_ring(&stream->bell);
	return 0;
}

int stream_open(struct watcher *watcher, int fd, struct node *node, const char *log_path,
		off_t offset, size_t tail_size, const struct stream_listener *listener,
		struct stream **ret, struct error *err)
{
	struct stream *stream = own_alloc(sizeof(*stream));

	stream->watch = (struct watch) { .fd = fd, .ready = stream_ready };
	if (listener)
		stream->listener = *listener;
	stream->node = node;
	stream->log_fd = -1;
	stream->log_path = own_strdup(log_path);
	stream->tail_size = tail_size;
	stream->tail_start = offset;
	pthread_mutex_init(&stream->mutex, NULL);
	bell_init(&stream->bell);
	if (gate_init(&stream->write_gate, err) < 0 ||
	    watcher_add(watcher, &stream->watch, err) < 0) {
		stream_close(stream);
		return -1;
	}
	*ret = stream;
	return 0;
}

void stream_close(struct stream *stream)
{
	if (!stream)
		return;
	watcher_remove(&stream->watch);
	own_close(&stream->watch.fd);
	own_close(&stream->log_fd);
	gate_clear(&stream->write_gate);
	bell_clear(&stream->bell);
	pthread_mutex_destroy(&stream->mutex);
	str_clear(&stream->tail);
	free(stream->log_path);
	free(stream);
}

void stream_log(struct stream *stream, int log_fd)
{
	lock_scope(&stream->mutex);

	own_close(&stream->log_fd);
	stream->log_fd = log_fd;
}

struct bell *stream_bell(struct stream *stream)
{
	return &stream->bell;
}

off_t stream_end(struct stream *stream)
{
	lock_scope(&stream->mutex);

	return stream->tail_start + (off_t)stream->tail.length;
}

int64_t stream_arrived_us(struct stream *stream)
{
	lock_scope(&stream->mutex);

	return stream->arrived_us;
}

bool stream_closed(struct stream *stream)
{
	lock_scope(&stream->mutex);

	return stream->closed;
}

bool stream_tail_has(struct stream *stream, const char *text)
{
	lock_scope(&stream->mutex);

	return stream->tail.length &&
	       memmem(stream->tail.text, stream->tail.length, text, strlen(text));
}

/* Appends what the tail has from @offset on; -1 when @offset lies before the tail. */
static int read_tail(struct stream *stream, off_t offset, size_t limit, struct str *ret)
{
	lock_scope(&stream->mutex);
	size_t from, n;

	if (offset < stream->tail_start)
		return -1;
	from = (size_t)(offset - stream->tail_start);
	if (from >= stream->tail.length)
		return 0;
	n = stream->tail.length - from;
	str_add(ret, stream->tail.text + from, n < limit ? n : limit);
	return 0;
}

static off_t tail_start(struct stream *stream)
{
	lock_scope(&stream->mutex);

	return stream->tail_start;
}

int stream_read(struct stream *stream, off_t offset, size_t limit, const struct wait *w,
		struct str *ret, struct error *err)
{
	size_t done = ret->length;

	/* The tail may move on while the log is read: then the next round reads what it left. */
	while (limit && read_tail(stream, offset, limit, ret) < 0) {
		off_t before = tail_start(stream) - offset;
		size_t want = before > 0 && (size_t)before < limit ? (size_t)before : limit;

		if (before > 0 &&
		    node_read_file(stream->node, stream->log_path, offset, want, w, ret, err) < 0)
			return -1;
		if (ret->length == done && before > 0)
			return error_set(err, EIO, "%s: shorter than the stream", stream->log_path);
		offset += (off_t)(ret->length - done);
		limit -= ret->length - done;
		done = ret->length;
	}
	return 0;
}

int stream_write(struct stream *stream, const char *bytes, size_t length, const struct wait *w,
		 struct error *err)
{
	int rc;

	if (gate_enter(&stream->write_gate, w, err) < 0)
		return -1;
	rc = wait_write(w, stream->watch.fd, bytes, length, err);
	gate_leave(&stream->write_gate);
	return rc;
}

static int match(const char *line, size_t length, const regex_t *const *patterns, size_t count,
		 unsigned int but_these)
{
	regmatch_t whole = { .rm_so = 0, .rm_eo = (regoff_t)length };

	for (size_t i = 0; i < count; i++) {
		regmatch_t range = whole;

		if (!(but_these >> i & 1) && !regexec(patterns[i], line, 1, &range, REG_STARTEND))
			return (int)i;
	}
	return -1;
}

int stream_search_next(struct stream_search *search, const regex_t *const *patterns, size_t count,
		       const struct wait *w, int *ret_which, char **ret_line, struct error *err)
{
	*ret_which = -1;
	for (;;) {
		auto_str text = { 0 };
		size_t at = 0;

		if (stream_read(search->stream, search->offset, READ_CHUNK, w, &text, err) < 0)
			return -1;
		while (at < text.length) {
			char *start = text.text + at;
			char *end = memchr(start, '\n', text.length - at);
			size_t length = end ? (size_t)(end - start) : text.length - at;
			bool whole = end || length >= STREAM_LINE_MAX;

			while (length && start[length - 1] == '\r')
				length--;
			*ret_which =
				match(start, length, patterns, count, whole ? 0 : search->finished);
			if (*ret_which >= 0 && ret_line)
				*ret_line = str_printable(start, length);
			if (*ret_which < 0 && !whole)
				break;
			at = end ? (size_t)(end - text.text) + 1 : text.length;
			if (*ret_which >= 0)
				break;
		}
		search->offset += (off_t)at;
		if (*ret_which >= 0 || !at)
			return 0;
	}
}

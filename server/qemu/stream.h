/*
 * A guest's character stream: its console, or the port of a payload. Text arrives through QEMU's
 * socket; QEMU itself writes the whole of it to a log file beside it.
 */
#ifndef QEMU_STREAM_H
#define QEMU_STREAM_H

#include <regex.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"
#include "base/wait.h"
#include "node/node.h"
#include "qemu/watcher.h"

/* The longest line that patterns are matched against; longer ones are cut into such pieces. */
#define STREAM_LINE_MAX 8192

struct stream;

/* What the owner is told on the watcher's thread when QEMU closed the stream; may be NULL. */
struct stream_listener {
	void (*closed)(void *owner);
	void *owner;
};

/*
 * stream_open - start to collect
 * @fd:        a connected non-blocking stream; taken in any case
 * @log_path:  the log file on @node (borrowed for the stream's life)
 * @offset:    how much of the log was there before @fd was connected
 * @tail_size: bytes kept in memory; what is older is read from the log
 */
int stream_open(struct watcher *watcher, int fd, struct node *node, const char *log_path,
		off_t offset, size_t tail_size, const struct stream_listener *listener,
		struct stream **ret, struct error *err);
void stream_close(struct stream *stream);
/* stream_log - write to @log_fd (taken) what arrives, for a peer that writes no log itself */
void stream_log(struct stream *stream, int log_fd);
/* stream_bell - rings when text arrived and when the stream ended */
struct bell *stream_bell(struct stream *stream);
/* stream_end - the offset behind the last byte that arrived */
off_t stream_end(struct stream *stream);
/* stream_arrived_us - clock_us() when the last byte arrived */
int64_t stream_arrived_us(struct stream *stream);
bool stream_closed(struct stream *stream);
/* stream_tail_has - whether @text stands in what is kept in memory */
bool stream_tail_has(struct stream *stream, const char *text);
/* stream_read - append the bytes from @offset to the end, at most @limit, to @ret */
int stream_read(struct stream *stream, off_t offset, size_t limit, const struct wait *w,
		struct str *ret, struct error *err);
/* stream_write - send all bytes to the guest */
int stream_write(struct stream *stream, const char *bytes, size_t length, const struct wait *w,
		 struct error *err);

/*
 * A search through a stream, line by line from an offset on: for several patterns at once, and
 * not interrupted by text that arrives in pieces. The last, unfinished line counts too, but not for
 * the patterns whose bit is set in @finished: those want the line to the end.
 */
struct stream_search {
	struct stream *stream;
	off_t offset; /* everything before it was searched */
	unsigned int finished;
};

/*
 * stream_search_next - look at the text that is there for the first line that matches
 * @patterns:  compiled with REG_EXTENDED; borrowed
 * @ret_which: the index of the pattern; when no line matches it is -1
 * @ret_line:  that line, printable, owned by the caller; may be NULL
 */
int stream_search_next(struct stream_search *search, const regex_t *const *patterns, size_t count,
		       const struct wait *w, int *ret_which, char **ret_line, struct error *err);

#endif

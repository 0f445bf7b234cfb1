/*
 * What is the same on every kind of node, on top of struct node_ops.
 */
#include "node/node.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"

/* /proc/net/unix of a machine with tens of thousands of sockets. */
#define SOCKET_LIST_MAX (16 * 1024 * 1024)
/* Kept of the output of a program that must succeed. */
#define OUTPUT_MAX (1024 * 1024)

int node_new(const struct topology_node *entry, struct node **ret, struct error *err)
{
	if (entry->type != NODE_LOCAL)
		return error_set(err, ENOTSUP,
				 "node '%s': type ssh is not available in this version; allowed: "
				 "local",
				 entry->name);
	*ret = node_local_new(entry->name);
	return 0;
}

void node_free(struct node *node)
{
	if (!node)
		return;
	free(node->name);
	free(node->host);
	node->ops->free(node);
}

int node_run(struct node *node, char *const *argv, const struct str *input, size_t limit,
	     const struct wait *w, struct process_result *ret, struct error *err)
{
	return node->ops->run(node, argv, input, limit, w, ret, err);
}

/* The last line of a program's complaint, or of its output when it had none. */
static char *last_line(const struct process_result *r)
{
	const struct str *s = r->err.length ? &r->err : &r->out;
	size_t end = s->length, start;

	while (end && strchr("\r\n ", s->text[end - 1]))
		end--;
	for (start = end; start && s->text[start - 1] != '\n'; start--)
		;
	return str_printable(str_text(s) + start, end - start);
}

int node_output(struct node *node, char *const *argv, const struct wait *w, struct str *ret_out,
		struct error *err)
{
	auto_process_result r = { 0 };
	auto_free char *said = NULL;

	if (node_run(node, argv, NULL, OUTPUT_MAX, w, &r, err) < 0)
		return error_prefix(err, "%s", argv[0]);
	if (r.rc == 0) {
		if (ret_out)
			str_add(ret_out, str_text(&r.out), r.out.length);
		return 0;
	}
	said = last_line(&r);
	if (r.signal)
		return error_set(err, EREMOTEIO, "%s: ended by signal %d: %s", argv[0], r.signal,
				 said);
	return error_set(err, EREMOTEIO, "%s: exit status %d: %s", argv[0], r.rc, said);
}

int node_connect_unix(struct node *node, const char *path, const struct wait *w, int *ret_fd,
		      struct error *err)
{
	return node->ops->connect_unix(node, path, w, ret_fd, err);
}

int node_launch(struct node *node, char *const *argv, const char *log_path, const char *pid_path,
		const struct wait *w, struct node_process *ret, struct error *err)
{
	return node->ops->launch(node, argv, log_path, pid_path, w, ret, err);
}

int node_connect_new(struct node *node, const char *path, const struct node_process *server,
		     const struct wait *w, int *ret_fd, struct error *err)
{
	return node->ops->connect_new(node, path, server, w, ret_fd, err);
}

int node_read_file(struct node *node, const char *path, off_t offset, size_t limit,
		   const struct wait *w, struct str *ret, struct error *err)
{
	return node->ops->read_file(node, path, offset, limit, w, ret, err);
}

int node_write_file(struct node *node, const char *path, const struct str *bytes, mode_t mode,
		    const struct wait *w, struct error *err)
{
	return node->ops->write_file(node, path, bytes, mode, w, err);
}

int node_make_dirs(struct node *node, const char *path, mode_t mode, const struct wait *w,
		   struct error *err)
{
	return node->ops->make_dirs(node, path, mode, w, err);
}

int node_remove_tree(struct node *node, const char *path, const struct wait *w, struct error *err)
{
	return node->ops->remove_tree(node, path, w, err);
}

int node_list_dir(struct node *node, const char *path, const struct wait *w, struct strv *ret,
		  struct error *err)
{
	return node->ops->list_dir(node, path, w, ret, err);
}

bool node_may_write(struct node *node, const char *path, const struct wait *w)
{
	return node->ops->may_write(node, path, w);
}

int node_socket_bound(struct node *node, const char *path, const struct wait *w, bool *ret,
		      struct error *err)
{
	auto_str list = { 0 };
	char *rest, *line;

	*ret = false;
	if (node_read_file(node, "/proc/net/unix", 0, SOCKET_LIST_MAX, w, &list, err) < 0)
		return -1;
	if (!list.length)
		return 0;
	for (line = strtok_r(list.text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		const char *name = strchr(line, '/');

		if (name && !strcmp(name, path))
			*ret = true;
	}
	return 0;
}

bool node_file_exists(struct node *node, const char *path, const struct wait *w)
{
	auto_strv entries = { 0 };
	auto_str bytes = { 0 };

	/* A socket can be neither listed nor read. */
	return !node_list_dir(node, path, w, &entries, NULL) ||
	       !node_read_file(node, path, 0, 1, w, &bytes, NULL);
}

int node_remove_socket(struct node *node, const char *path, const struct wait *w, struct error *err)
{
	return node_file_exists(node, path, w) ? 0 : node_remove_tree(node, path, w, err);
}

int node_process_open(struct node *node, pid_t pid, const struct wait *w, struct node_process *ret,
		      struct error *err)
{
	return node->ops->process_open(node, pid, w, ret, err);
}

void node_process_clear(struct node_process *p)
{
	process_clear(&p->local);
	*p = (struct node_process)NODE_PROCESS_NONE;
}

int node_process_signal(struct node *node, const struct node_process *p, int signal,
			const struct wait *w, struct error *err)
{
	return node->ops->process_signal(node, p, signal, w, err);
}

int node_process_wait(struct node *node, const struct node_process *p, const struct wait *w,
		      int *ret_status, struct error *err)
{
	return node->ops->process_wait(node, p, w, ret_status, err);
}

int node_set_affinity(struct node *node, pid_t thread, const int *cpus, size_t count,
		      const struct wait *w, struct error *err)
{
	return node->ops->set_affinity(node, thread, cpus, count, w, err);
}

int node_set_scheduler(struct node *node, pid_t thread, const char *policy, int priority,
		       const struct wait *w, struct error *err)
{
	return node->ops->set_scheduler(node, thread, policy, priority, w, err);
}

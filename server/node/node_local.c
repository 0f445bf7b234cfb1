/*
 * The machine that the server runs on, as a node.
 */
#include "node/node.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "base/own.h"

static int local_run(struct node *node, char *const *argv, const struct str *input, size_t limit,
		     const struct wait *w, struct process_result *ret, struct error *err)
{
	(void)node;
	return process_run(argv, input, limit, w, ret, err);
}

static int unix_socket(const char *path, struct sockaddr_un *ret_address, struct error *err)
{
	int fd;

	*ret_address = (struct sockaddr_un) { .sun_family = AF_UNIX };
	if (strlen(path) > UNIX_PATH_MAX_LENGTH)
		return error_set(err, ENAMETOOLONG, "socket path %s: longer than %d bytes", path,
				 UNIX_PATH_MAX_LENGTH);
	strcpy(ret_address->sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return fd >= 0 ? fd : error_set_errno(err, errno, "socket");
}

static int local_connect_unix(struct node *node, const char *path, const struct wait *w,
			      int *ret_fd, struct error *err)
{
	struct sockaddr_un address;
	auto_close int fd = unix_socket(path, &address, err);

	(void)node;
	if (fd < 0)
		return -1;
	while (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		/* A full backlog of a Unix socket has no event. */
		if (errno != EAGAIN)
			return error_set_errno(err, errno, "cannot connect to %s", path);
		if (wait_pause(w, 1, err) < 0)
			return error_prefix(err, "connecting to %s", path);
	}
	*ret_fd = take_fd(&fd);
	return 0;
}

static int local_launch(struct node *node, char *const *argv, const char *log_path,
			const char *pid_path, const struct wait *w, struct node_process *ret,
			struct error *err)
{
	auto_close int log_fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	struct process_spec spec = {
		.argv = argv, .fds = { -1, log_fd, log_fd }, .group = true, .pid_path = pid_path
	};

	(void)node;
	(void)w;
	*ret = (struct node_process)NODE_PROCESS_NONE;
	if (log_fd < 0)
		return error_set_errno(err, errno, "%s", log_path);
	if (process_start(&spec, &ret->local, err) < 0)
		return -1;
	ret->pid = ret->local.pid;
	process_start_time(ret->pid, &ret->start_time);
	return 0;
}

/* The directory's events tell when a socket appears in it. */
static int watch_directory(const char *path, struct error *err)
{
	auto_free char *dir = own_strdup(path);
	auto_close int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char *slash = strrchr(dir, '/');

	if (slash)
		*slash = '\0';
	if (fd < 0 || inotify_add_watch(fd, slash ? dir : ".", IN_CREATE) < 0)
		return error_set_errno(err, errno, "cannot watch %s", dir);
	return take_fd(&fd);
}

static int local_connect_new(struct node *node, const char *path, const struct node_process *server,
			     const struct wait *w, int *ret_fd, struct error *err)
{
	auto_close int events_fd = watch_directory(path, err);
	char events[4096];

	if (events_fd < 0)
		return -1;
	for (;;) {
		struct pollfd fds[] = { { .fd = server->local.pidfd, .events = POLLIN },
					{ .fd = events_fd, .events = POLLIN } };

		if (!local_connect_unix(node, path, w, ret_fd, err))
			return 0;
		/* Between bind and listen there is no event. */
		if (err->code == ECONNREFUSED ? wait_pause(w, 1, err) < 0
					      : err->code != ENOENT || wait_fds(w, fds, 2, err) < 0)
			return error_prefix(err, "waiting for %s", path);
		if (process_ended(&server->local))
			return error_set(err, ESRCH, "process %d ended", (int)server->pid);
		if (read(events_fd, events, sizeof(events)) < 0 && errno != EAGAIN)
			return error_set_errno(err, errno, "inotify");
	}
}

static int local_read_file(struct node *node, const char *path, off_t offset, size_t limit,
			   const struct wait *w, struct str *ret, struct error *err)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	char buffer[16384];

	(void)node;
	(void)w;
	if (fd < 0)
		return error_set_errno(err, errno, "%s", path);
	if (offset && lseek(fd, offset, SEEK_SET) < 0)
		return error_set_errno(err, errno, "%s", path);
	while (limit) {
		ssize_t n = read(fd, buffer, limit < sizeof(buffer) ? limit : sizeof(buffer));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(err, errno, "%s", path);
		if (!n)
			break;
		str_add(ret, buffer, (size_t)n);
		limit -= (size_t)n;
	}
	return 0;
}

static int local_write_file(struct node *node, const char *path, const struct str *bytes,
			    mode_t mode, const struct wait *w, struct error *err)
{
	(void)node;
	(void)w;
	return file_write(path, str_text(bytes), bytes->length, mode, err);
}

static int local_make_dirs(struct node *node, const char *path, mode_t mode, const struct wait *w,
			   struct error *err)
{
	(void)node;
	(void)w;
	return file_make_dirs(path, mode, err);
}

static int local_remove_tree(struct node *node, const char *path, const struct wait *w,
			     struct error *err)
{
	(void)node;
	(void)w;
	return file_remove_tree(path, err);
}

static int not_dot(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
}

static int local_list_dir(struct node *node, const char *path, const struct wait *w,
			  struct strv *ret, struct error *err)
{
	struct dirent **entries;
	int n = scandir(path, &entries, not_dot, alphasort);

	(void)node;
	(void)w;
	if (n < 0)
		return error_set_errno(err, errno, "%s", path);
	for (int i = 0; i < n; i++) {
		strv_add(ret, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return 0;
}

static bool local_may_write(struct node *node, const char *path, const struct wait *w)
{
	(void)node;
	(void)w;
	return access(path, W_OK) == 0;
}

static int local_process_open(struct node *node, pid_t pid, const struct wait *w,
			      struct node_process *ret, struct error *err)
{
	(void)node;
	(void)w;
	*ret = (struct node_process)NODE_PROCESS_NONE;
	if (process_open(pid, &ret->local, err) < 0)
		return -1;
	ret->pid = pid;
	if (process_start_time(pid, &ret->start_time) < 0) {
		node_process_clear(ret);
		return error_set_errno(err, ESRCH, "process %d", (int)pid);
	}
	return 0;
}

static int local_process_signal(struct node *node, const struct node_process *p, int signal,
				const struct wait *w, struct error *err)
{
	(void)node;
	(void)w;
	return process_signal(&p->local, signal, err);
}

static int local_process_wait(struct node *node, const struct node_process *p, const struct wait *w,
			      int *ret_status, struct error *err)
{
	(void)node;
	return process_wait(&p->local, w, ret_status, err);
}

static int local_set_affinity(struct node *node, pid_t thread, const int *cpus, size_t count,
			      const struct wait *w, struct error *err)
{
	cpu_set_t set;

	(void)node;
	(void)w;
	CPU_ZERO(&set);
	for (size_t i = 0; i < count; i++)
		CPU_SET((size_t)cpus[i], &set);
	if (sched_setaffinity(thread, sizeof(set), &set) < 0)
		return error_set_errno(err, errno, "cannot pin thread %d", (int)thread);
	return 0;
}

static const struct policy {
	const char *name;
	int policy;
} policies[] = {
	{ "other", SCHED_OTHER }, { "batch", SCHED_BATCH }, { "idle", SCHED_IDLE },
	{ "fifo", SCHED_FIFO },	  { "rr", SCHED_RR },
};

static int local_set_scheduler(struct node *node, pid_t thread, const char *policy, int priority,
			       const struct wait *w, struct error *err)
{
	struct sched_param param = { .sched_priority = priority };

	(void)node;
	(void)w;
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		if (strcmp(policy, policies[i].name))
			continue;
		if (sched_setscheduler(thread, policies[i].policy, &param) < 0)
			return error_set_errno(err, errno,
					       "cannot set scheduler policy %s, priority %d of "
					       "thread %d (it needs CAP_SYS_NICE)",
					       policy, priority, (int)thread);
		return 0;
	}
	return error_set(err, EINVAL,
			 "scheduler policy: expected other, batch, idle, fifo or rr, "
			 "got '%s'",
			 policy);
}

static void local_free(struct node *node)
{
	free(node);
}

static const struct node_ops local_ops = {
	.run = local_run,
	.connect_unix = local_connect_unix,
	.launch = local_launch,
	.connect_new = local_connect_new,
	.read_file = local_read_file,
	.write_file = local_write_file,
	.make_dirs = local_make_dirs,
	.remove_tree = local_remove_tree,
	.list_dir = local_list_dir,
	.may_write = local_may_write,
	.process_open = local_process_open,
	.process_signal = local_process_signal,
	.process_wait = local_process_wait,
	.set_affinity = local_set_affinity,
	.set_scheduler = local_set_scheduler,
	.free = local_free,
};

bool node_is_local(const struct node *node)
{
	return node->ops == &local_ops;
}

struct node *node_local_new(const char *name)
{
	struct node *node = own_alloc(sizeof(*node));

	node->ops = &local_ops;
	node->name = own_strdup(name);
	node->host = own_strdup("localhost");
	return node;
}

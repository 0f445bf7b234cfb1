/*
 * The directory of a vswitch that the server started.
 */
#include "vm/vswitch_dir.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "base/log.h"
#include "base/own.h"

#define PID_SUFFIX ".pid"
#define PID_MAX	   64

int vswitch_dir_save(struct node *node, const char *dir, const char *program,
		     const struct node_process *process, const struct wait *w, struct error *err)
{
	auto_free char *path = own_printf("%s/" VSWITCH_DIR_NAME "/%s" PID_SUFFIX, dir, program);
	auto_str text = { 0 };

	str_addf(&text, "%d %" PRIu64 "\n", (int)process->pid, process->start_time);
	return node_write_file(node, path, &text, 0600, w, err);
}

/* The process of a pid file, if it is still the same one. */
static int find_process(struct node *node, const char *path, const struct wait *w,
			struct node_process *ret)
{
	auto_str text = { 0 };
	uint64_t start_time;
	int pid;

	if (node_read_file(node, path, 0, PID_MAX, w, &text, NULL) < 0 ||
	    sscanf(str_text(&text), "%d %" SCNu64, &pid, &start_time) != 2 || pid < 2 ||
	    node_process_open(node, pid, w, ret, NULL) < 0)
		return -1;
	if (ret->start_time == start_time)
		return 0;
	node_process_clear(ret);
	return -1;
}

static void end_process(struct node *node, const char *path, const struct wait *w)
{
	auto_cleanup(node_process_clear) struct node_process process = NODE_PROCESS_NONE;
	struct error err;

	if (find_process(node, path, w, &process) < 0)
		return;
	log_warn("process %d of a vswitch of an earlier run is killed", (int)process.pid);
	if (node_process_signal(node, &process, SIGKILL, w, &err) < 0 ||
	    node_process_wait(node, &process, w, NULL, &err) < 0)
		log_warn("process %d does not end: %s", (int)process.pid, err.text);
}

void vswitch_dir_clean(struct node *node, const char *dir, const struct wait *w)
{
	auto_free char *own = own_printf("%s/" VSWITCH_DIR_NAME, dir);
	auto_strv files = { 0 }, left = { 0 };
	struct error err;

	node_list_dir(node, own, w, &files, NULL);
	for (size_t i = 0; i < files.count; i++) {
		auto_free char *path = own_printf("%s/%s", own, files.items[i]);

		if (str_ends(files.items[i], PID_SUFFIX))
			end_process(node, path, w);
	}
	if (node_remove_tree(node, own, w, &err) < 0)
		log_warn("%s", err.text);
	if (!node_list_dir(node, dir, w, &left, NULL) && !left.count)
		node_remove_tree(node, dir, w, NULL);
}

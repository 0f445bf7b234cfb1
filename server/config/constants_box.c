/*
 * Counted snapshots of the constants: the newest is in force, older ones go with their last holder.
 */
#include "config/constants.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/own.h"

struct snapshot {
	struct constants *constants;
	size_t holders;
	struct snapshot *older;
};

struct constants_box {
	pthread_mutex_t mutex;
	struct snapshot *newest;
	pthread_mutex_t reload_mutex; /* one reload at a time; guards what follows */
	int (*admit)(void *context, const struct constants *next, struct error *err);
	void *context;
};

static struct snapshot *snapshot_new(struct constants *c, struct snapshot *older)
{
	struct snapshot *s = own_alloc(sizeof(*s));

	s->constants = c;
	s->older = older;
	return s;
}

/* Drop the snapshot that @link leads to, unless it is in force or held. */
static void drop_unused(struct constants_box *box, struct snapshot **link)
{
	struct snapshot *s = *link;

	if (s == box->newest || s->holders > 0)
		return;
	*link = s->older;
	constants_free(s->constants);
	free(s);
}

struct constants_box *constants_box_new(struct constants *first)
{
	struct constants_box *box = own_alloc(sizeof(*box));

	pthread_mutex_init(&box->mutex, NULL);
	pthread_mutex_init(&box->reload_mutex, NULL);
	box->newest = snapshot_new(first, NULL);
	return box;
}

void constants_box_free(struct constants_box *box)
{
	if (!box)
		return;
	while (box->newest) {
		struct snapshot *s = box->newest;

		box->newest = s->older;
		constants_free(s->constants);
		free(s);
	}
	pthread_mutex_destroy(&box->mutex);
	pthread_mutex_destroy(&box->reload_mutex);
	free(box);
}

const struct constants *constants_hold(struct constants_box *box)
{
	lock_scope(&box->mutex);

	box->newest->holders++;
	return box->newest->constants;
}

void constants_release(struct constants_box *box, const struct constants *c)
{
	lock_scope(&box->mutex);
	struct snapshot **link = &box->newest;

	while (*link && (*link)->constants != c)
		link = &(*link)->older;
	if (!*link)
		return;
	(*link)->holders--;
	drop_unused(box, link);
}

void constants_replace(struct constants_box *box, struct constants *c)
{
	lock_scope(&box->mutex);

	box->newest = snapshot_new(c, box->newest);
	drop_unused(box, &box->newest->older);
}

void constants_on_reload(struct constants_box *box,
			 int (*admit)(void *context, const struct constants *next,
				      struct error *err),
			 void *context)
{
	lock_scope(&box->reload_mutex);

	box->admit = admit;
	box->context = context;
}

int constants_reload(struct constants_box *box, const char *path, const char *site,
		     struct error *err)
{
	lock_scope(&box->reload_mutex);
	struct constants *next;

	if (constants_load(path, site, &next, err) < 0)
		return -1;
	if (box->admit && box->admit(box->context, next, err) < 0) {
		constants_free(next);
		return -1;
	}
	constants_replace(box, next);
	return 0;
}

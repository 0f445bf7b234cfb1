/*
 * Ownership that the compiler enforces: what a scope owns is released when the scope ends.
 */
#ifndef BASE_OWN_H
#define BASE_OWN_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void own_free(void *p)
{
	free(*(void **)p);
}

static inline void own_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static inline void own_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void own_unlock(pthread_mutex_t **m)
{
	if (*m)
		pthread_mutex_unlock(*m);
}

static inline pthread_mutex_t *own_lock(pthread_mutex_t *m)
{
	pthread_mutex_lock(m);
	return m;
}

#define auto_cleanup(f) __attribute__((cleanup(f)))
#define auto_free	auto_cleanup(own_free)
#define auto_close	auto_cleanup(own_close)
#define auto_fclose	auto_cleanup(own_fclose)

/* Holds @mutex until the end of the scope. */
#define lock_scope(mutex)	   lock_scope_named(mutex, __COUNTER__)
#define lock_scope_named(mutex, n) lock_scope_paste(mutex, n)
#define lock_scope_paste(mutex, n)                                                         \
	auto_cleanup(own_unlock) pthread_mutex_t *scope_lock_##n __attribute__((unused)) = \
		own_lock(mutex)

/* take_ptr - hand a pointer over: the variable is NULL afterwards. */
#define take_ptr(p)                         \
	__extension__({                     \
		__typeof__(p) taken_ = (p); \
		(p) = NULL;                 \
		taken_;                     \
	})

/* take_fd - hand a descriptor over: the variable is -1 afterwards. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Allocations that end the process when memory is out: the only abort() beside main.c. */
void *own_alloc(size_t size);
void *own_realloc(void *p, size_t size);
char *own_strdup(const char *text);
char *own_strndup(const char *text, size_t length);
/* own_printf - a new string, owned by the caller */
char *own_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

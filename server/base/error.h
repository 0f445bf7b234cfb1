/*
 * The one error type: a code and a text that a tester reads in Robot's log.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

/* Room for a reason and the last lines of a console. Longer texts are cut. */
#define ERROR_TEXT_MAX 4096

/*
 * @code: an errno value; ECANCELED and ETIMEDOUT are what callers test for
 * @text: context outermost first: "VM 'nf1': cannot plug vhost2: slot 7 is in use"
 */
struct error {
	int code;
	char text[ERROR_TEXT_MAX];
};

/* error_set - fill in @err; always returns -1, so that callers can return it. @err may be NULL. */
int error_set(struct error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * error_or - @err, or @own when the caller passed NULL. For a function that looks at the code of
 * what it called.
 */
static inline struct error *error_or(struct error *err, struct error *own)
{
	return err ? err : own;
}

/* error_set_errno - like error_set; appends ": " and the text of @code. Returns -1. */
int error_set_errno(struct error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* error_prefix - put context and ": " in front of what @err says. Returns -1. */
int error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* error_append - add text behind what @err says. Returns -1. */
int error_append(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

/*
 * What a keyword is: one declaration from which its name, argument specification, types, tags,
 * documentation, validation, dispatch, completion and help page all come.
 */
#ifndef KEYWORDS_KEYWORD_H
#define KEYWORDS_KEYWORD_H

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"
#include "base/trail.h"
#include "base/wait.h"

/* What handlers work on; the protocol passes it through unseen. vm/hostel.h has it. */
struct hostel;

/* The type of an argument: its Robot type, and how it lands in the handler's argument struct. */
enum arg_type {
	ARG_STR,       /* str              const char *, NULL when nullable and none       */
	ARG_INT,       /* int              int, from min to max                            */
	ARG_FLOAT,     /* float            double, from min to max                         */
	ARG_BOOL,      /* bool             bool                                            */
	ARG_TIMEDELTA, /* timedelta        int64_t in milliseconds; Robot's time strings   */
	ARG_ENUM,      /* Literal[...]     int, the index in choices                       */
	ARG_STR_LIST,  /* list[str]        struct strv                                     */
	ARG_INT_LIST,  /* list[int]        struct int_list, every item from min to max     */
	ARG_DICT,      /* dict             json_t *, an object                             */
	ARG_ANY,       /* any value        json_t *                                        */
	ARG_BYTES,     /* bytes            struct str                                      */
};

enum arg_kind {
	ARG_POSITIONAL, /* may be named as well */
	ARG_VARARGS,	/* *name: ARG_STR_LIST, ARG_INT_LIST or ARG_ANY (an array) */
	ARG_NAMED_ONLY, /* after *name or a bare * */
	ARG_KWARGS,	/* **name: ARG_DICT */
};

/* Where "auto" lands in an ARG_INT, ARG_FLOAT or three-state ARG_BOOL (then an int). */
#define ARG_AUTO (-1)

struct int_list {
	int *items;
	size_t count;
};

/*
 * @fallback: the default's text; NULL: required. It must convert by the argument's own rules.
 * @constant: dotted key of constants.yaml whose present value is the default, instead
 * @min, @max: limits of numbers and list items (both 0: none); of a timedelta in milliseconds;
 *            of a string its length
 * @choices:  of ARG_ENUM, NULL-terminated
 * @nullable: "none" in any case, nil and "" (which Robot makes of None) are accepted and land as
 *            NULL; as ARG_AUTO in a number, an enum and an ARG_BOOL, which then is an int
 * @or_auto:  "auto" in any case is accepted and lands as ARG_AUTO; an ARG_BOOL then is an int
 * @secret:   never shown in logs or errors
 * @offset:   in the handler's argument struct
 */
struct keyword_arg {
	const char *name;
	enum arg_kind kind;
	enum arg_type type;
	const char *fallback;
	const char *constant;
	double min, max;
	const char *unit;
	const char *const *choices;
	bool nullable;
	bool or_auto;
	bool secret;
	size_t offset;
	const char *doc;
};

/*
 * One call of a keyword, alive while its handler runs on the connection's thread.
 * @trail:       becomes the output that Robot logs
 * @cancel:      no deadline of its own; client gone and server stopping cancel it
 * @continuable: with a failure: Robot goes on with the test and fails it at its end
 * @fatal:       with a failure: Robot stops the whole run; set for any while the server stops
 */
struct call {
	struct hostel *hostel;
	struct trail trail;
	struct wait cancel;
	bool continuable;
	bool fatal;
};

/* call_wait - a wait that ends @timeout_ms from now or when the call is cancelled */
struct wait call_wait(const struct call *call, int64_t timeout_ms);

/*
 * @tags:      separated by spaces
 * @args_size: of the handler's argument struct, which is zeroed, filled and cleared around it
 * @returns:   what comes back, one line of documentation; NULL for nothing
 * @cleans_up: it only ends or removes something: a failure is continuable, so that what stands
 *             behind it in a teardown is done too
 * @run:       0 with *@ret (a new reference, NULL for nothing), or -1 with @err: becomes FAIL;
 *             NULL where something is promised is a failure too
 */
struct keyword {
	const char *name;
	const char *tags;
	const char *doc;
	const struct keyword_arg *args;
	size_t arg_count;
	size_t args_size;
	const char *returns;
	bool cleans_up;
	int (*run)(struct call *call, void *args, json_t **ret, struct error *err);
};

/* The keywords of one file, under one heading of the documentation. */
struct keyword_family {
	const char *title;
	const struct keyword *keywords;
	size_t count;
};

#define KEYWORD_ARGS(array) .args = (array), .arg_count = sizeof(array) / sizeof((array)[0])
#define KEYWORD_FAMILY(heading, array)                      \
	{                                                   \
		.title = (heading), .keywords = (array),    \
		.count = sizeof(array) / sizeof((array)[0]) \
	}

/* Every family, one a file of this folder, in the order of the documentation. */
extern const struct keyword_family *const keyword_families[];
extern const size_t keyword_family_count;

/* keyword_find - by its name in any case, with spaces and underscores left out; or NULL */
const struct keyword *keyword_find(const char *name);
/* keyword_nearest - the keyword whose name is most like @name, for "did you mean"; or NULL */
const struct keyword *keyword_nearest(const char *name);
/* keyword_arg_type - the Robot type of @arg ("int", "list[int]", "Literal['io', 'mac'] | None"),
 * owned by the caller */
char *keyword_arg_type(const struct keyword_arg *arg);
/* keyword_arg_default - the text of the default now, owned by the caller; NULL: required */
char *keyword_arg_default(const struct keyword_arg *arg, struct hostel *hostel);

/*
 * keyword_bind - check arguments and put them into the handler's struct
 * @args:   array of positional arguments; borrowed
 * @kwargs: object of named ones, or NULL; borrowed
 * @ret:    @keyword->args_size bytes, zeroed; cleared by keyword_unbind() in any case
 *
 * Errors: EINVAL with "KEYWORD: argument 'NAME': expected WHAT, got 'GIVEN'".
 */
int keyword_bind(const struct keyword *keyword, const json_t *args, const json_t *kwargs,
		 struct hostel *hostel, void *ret, struct error *err);
void keyword_unbind(const struct keyword *keyword, void *bound);

#endif

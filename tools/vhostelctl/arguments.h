/*
 * The words behind a keyword's name as its arguments.
 */
#ifndef VHOSTELCTL_ARGUMENTS_H
#define VHOSTELCTL_ARGUMENTS_H

#include <jansson.h>

#include "tools/vhostelctl/client.h"

/*
 * @name: without stars and default
 * @type: Robot's type, "" when there is none
 */
struct parameter {
	const char *name;
	size_t name_length;
	const char *type;
	enum { PARAMETER_PLAIN, PARAMETER_VARARGS, PARAMETER_NAMED_ONLY, PARAMETER_KWARGS } kind;
};

/* What a keyword takes, as the server tells it. Owns both values; @items borrow from them. */
struct parameters {
	json_t *specs;
	json_t *types;
	struct parameter *items;
	size_t count;
};

/* parameters_ask - from the server; cleared by parameters_clear() in any case */
int parameters_ask(struct client *c, const char *keyword, struct parameters *ret,
		   struct error *err);
/* parameters_take - from what get_keyword_arguments and get_keyword_types answer; both are taken */
void parameters_take(struct parameters *ret, json_t *specs, json_t *types);
void parameters_clear(struct parameters *p);
/* parameters_named - the one that NAME=VALUE can name; or NULL */
const struct parameter *parameters_named(const struct parameters *p, const char *name,
					 size_t length);

/*
 * arguments_bind - words to arguments, as Robot tells them apart
 * @ret_args:   array; owned by the caller
 * @ret_kwargs: object; owned by the caller
 *
 * NAME=VALUE is named when the keyword has an argument NAME, or takes any name; NAME:=JSON the
 * same with a value of any type; a backslash before the = makes it positional. What comes again
 * makes a list where a list is wanted. Values get the type that the server told where their text
 * has that form, else they stay text: the server says what is wrong with it.
 * Errors: EINVAL.
 */
int arguments_bind(const struct parameters *p, const char *const *words, size_t count,
		   json_t **ret_args, json_t **ret_kwargs, struct error *err);

#endif

/*
 * A YAML file that a person wrote: read whole, checked, and its errors collected with their places.
 */
#ifndef CONFIG_YAML_FILE_H
#define CONFIG_YAML_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

#include "base/error.h"
#include "base/str.h"
#include "config/key_table.h"

/* What a file may have. Each limit is an error with its place, never a crash or a hang. */
#define YAML_BYTES_MAX	 (1024 * 1024)
#define YAML_NODES_MAX	 10000
#define YAML_DEPTH_MAX	 16
#define YAML_ALIASES_MAX 64

/*
 * @path:      as given; borrowed
 * @directory: the file's own, absolute, without symbolic links; relative paths start here
 * @errors:    one line each; borrowed, and shared by files that are read together
 */
struct yaml_file {
	const char *path;
	char *directory;
	struct strv *errors;
	bool loaded;
	yaml_document_t document;
};

/*
 * yaml_file_open - read and check a file
 * @errors: where this and everything below adds lines "FILE:LINE:COLUMN: KEY: WHAT, ALLOWED"
 *
 * Returns -1 when there is nothing to look at: unreadable, not UTF-8, not YAML, beyond a limit, a
 * second document, tags. yaml_file_close() is due in both cases.
 */
int yaml_file_open(struct yaml_file *file, const char *path, struct strv *errors);
void yaml_file_close(struct yaml_file *file);
#define auto_yaml_file __attribute__((cleanup(yaml_file_close))) struct yaml_file

/* yaml_file_root - the document's outermost node, or NULL when the file says nothing */
yaml_node_t *yaml_file_root(struct yaml_file *file);
/* yaml_file_node - a node by the number that pairs hold */
yaml_node_t *yaml_file_node(struct yaml_file *file, int number);
/* yaml_file_error - add an error at @node, or at the file's start when NULL. @key may be "". */
void yaml_file_error(struct yaml_file *file, const yaml_node_t *node, const char *key,
		     const char *format, ...) __attribute__((format(printf, 4, 5)));
/* yaml_is_nothing - NULL, or a value that was left out, null or ~ */
bool yaml_is_nothing(const yaml_node_t *node);
/* yaml_shown - a node for "got ...": 'text' or "a list"; owned by the caller */
char *yaml_shown(const yaml_node_t *node);
/*
 * yaml_file_key - the name that a pair's key has, borrowed; NULL after an error was added
 * @where: the mapping in the error: "nodes", or ""
 */
const char *yaml_file_key(struct yaml_file *file, const yaml_node_pair_t *pair, const char *where);

/*
 * yaml_file_read - store what a mapping says, by a table of keys
 * @node:  NULL or nothing leaves @object as it is
 * @scope: in front of keys in errors: "nodes.DUT1."
 * @given: an array with a place for each row of @table, zero-initialised: the node of each key that
 *         the mapping holds. Inner keys may stand below their section or be written with dots.
 *
 * A refused value leaves its field alone; all errors are added to @file.
 */
void yaml_file_read(struct yaml_file *file, yaml_node_t *node, const struct key_table *table,
		    const char *scope, void *object, yaml_node_t **given);

/* yaml_errors_finish - -1 with the lines in @err (EINVAL) when there are any; as many as fit */
int yaml_errors_finish(const struct strv *errors, struct error *err);
/* yaml_directory - the directory of @path, absolute, links resolved; owned by the caller */
char *yaml_directory(const char *path);

#endif

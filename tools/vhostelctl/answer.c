/*
 * A keyword run on the server, and its answer on the terminal.
 * Source: Robot Framework User Guide, "Remote library interface" and "Logging information".
 */
#include "tools/vhostelctl/answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/own.h"
#include "base/str.h"
#include "tools/vhostelctl/show.h"
#include "value/value.h"

int answer_of(struct client *c, const char *keyword, json_t *args, json_t *kwargs, json_t **ret,
	      struct error *err)
{
	auto_json *params = json_pack("[s, o]", keyword, args);
	auto_json *answer = NULL;

	if (!params) {
		json_decref(kwargs);
		return error_set(err, EINVAL, "a keyword's name must be UTF-8");
	}
	if (kwargs)
		json_array_append_new(params, kwargs);
	if (client_call(c, "run_keyword", params, keyword, &answer, err) < 0) {
		if (err->code == EREMOTEIO)
			error_prefix(err, "%s", keyword);
		return -1;
	}
	if (!json_is_string(json_object_get(answer, "status")))
		return error_set(err, EPROTO, "%s: the answer has no status", keyword);
	*ret = take_ptr(answer);
	return 0;
}

int answer_check(const json_t *answer, const char *keyword, struct error *err)
{
	const char *status = json_string_value(json_object_get(answer, "status"));
	const char *text = json_string_value(json_object_get(answer, "error"));
	auto_free char *plain = NULL;

	if (str_equal(status, "PASS"))
		return 0;
	if (text && str_starts(text, "*HTML*"))
		text = plain = show_without_html(text + strlen("*HTML*"));
	return error_set(err, EREMOTEIO, "%s: %s", keyword,
			 text && *text ? text : "FAIL without a reason");
}

int answer_value(struct client *c, const char *keyword, json_t *args, json_t **ret,
		 struct error *err)
{
	auto_json *answer = NULL;

	if (answer_of(c, keyword, args, NULL, &answer, err) < 0 ||
	    answer_check(answer, keyword, err) < 0)
		return -1;
	*ret = json_incref(json_object_get(answer, "return"));
	return 0;
}

/* A marker's level, and how much it matters: 0 is for --verbose, 2 goes even with --quiet. */
struct level {
	const char *name;
	int weight;
};

static const struct level levels[] = {
	{ "TRACE", 0 },	  { "DEBUG", 0 }, { "INFO", 1 },  { "HTML", 1 },
	{ "CONSOLE", 1 }, { "WARN", 2 },  { "ERROR", 2 },
};

/* "*INFO*" or "*INFO:1308435758660*" at @line; returns what follows it, NULL when it is none. */
static const char *read_marker(const char *line, const struct level **ret_level, int64_t *ret_ms)
{
	char *end;

	if (*line++ != '*')
		return NULL;
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		const char *p = line + strlen(levels[i].name);

		if (!str_starts(line, levels[i].name) || (*p != '*' && *p != ':'))
			continue;
		*ret_ms = *p == ':' ? strtoll(p + 1, &end, 10) : 0;
		if (*p == ':')
			p = end;
		if (*p != '*')
			return NULL;
		*ret_level = &levels[i];
		return p + 1 + (p[1] == ' ');
	}
	return NULL;
}

static void show_time(int64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;

	localtime_r(&seconds, &tm);
	fprintf(stderr, "%02d:%02d:%02d.%03d ", tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(ms % 1000));
}

static void show_message(const struct level *level, int64_t ms, const char *text, size_t length)
{
	auto_free char *copy = own_strndup(text, length);
	auto_free char *plain = NULL;
	const char *shown = copy;

	if (str_equal(level->name, "HTML"))
		shown = plain = show_without_html(copy);
	if (ms)
		show_time(ms);
	fprintf(stderr, "%-5s ", str_equal(level->name, "HTML") ? "INFO" : level->name);
	for (; *shown && strcmp(shown, "\n") != 0; shown++) {
		fputc(*shown, stderr);
		/* What belongs to a message stands to the right of the next one's time. */
		if (*shown == '\n')
			fputs("  ", stderr);
	}
	fputc('\n', stderr);
}

void answer_show_messages(const json_t *answer, const struct options *o)
{
	int least = option_given(o, OPTION_QUIET) ? 2 : option_given(o, OPTION_VERBOSE) ? 0 : 1;
	const char *p = json_string_value(json_object_get(answer, "output"));
	const struct level *level = &levels[2], *next_level;
	const char *start = p, *next;
	int64_t ms = 0, next_ms;

	while (p && *p) {
		next = read_marker(p, &next_level, &next_ms);
		if (next && p > start && level->weight >= least)
			show_message(level, ms, start, (size_t)(p - start));
		if (next) {
			level = next_level;
			ms = next_ms;
			start = p = next;
		}
		p += strcspn(p, "\n");
		p += *p == '\n';
	}
	if (p && p > start && level->weight >= least)
		show_message(level, ms, start, (size_t)(p - start));
}

/*
 * A call's trail as what Robot logs.
 */
#include "remote/output.h"

#include <string.h>
#include <time.h>

static const char *const markers[] = {
	[TRAIL_DEBUG] = "DEBUG",
	[TRAIL_INFO] = "INFO",
	[TRAIL_WARN] = "WARN",
	[TRAIL_HTML] = "HTML",
};
_Static_assert(sizeof(markers) / sizeof(markers[0]) == TRAIL_HTML + 1, "a marker for each level");

static void add_lines(struct str *s, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		n += text[n] == '\n';
		if (*text == '*')
			str_adds(s, " ");
		str_add(s, text, n);
		text += n;
	}
	str_adds(s, "\n");
}

char *output_from_trail(const struct trail *trail)
{
	struct str s = { 0 };

	for (size_t i = 0; i < trail->count; i++) {
		const struct trail_entry *entry = &trail->entries[i];

		str_addf(&s, "*%s:%lld* ", markers[entry->level], (long long)entry->wall_ms);
		add_lines(&s, entry->text);
	}
	if (trail->dropped)
		str_addf(&s, "*WARN* %zu more messages were too much to keep.\n", trail->dropped);
	return str_take(&s);
}

char *output_traceback(const struct trail *trail)
{
	struct str s = { 0 };

	for (size_t i = 0; i < trail->count; i++) {
		const struct trail_entry *entry = &trail->entries[i];
		time_t seconds = (time_t)(entry->wall_ms / 1000);
		struct tm tm;

		if (!s.length)
			str_adds(&s, "Steps on the server, the last one is where it ended:\n");
		localtime_r(&seconds, &tm);
		str_addf(&s, "  %02d:%02d:%02d.%03d %s\n", tm.tm_hour, tm.tm_min, tm.tm_sec,
			 (int)(entry->wall_ms % 1000), entry->text);
	}
	return str_take(&s);
}

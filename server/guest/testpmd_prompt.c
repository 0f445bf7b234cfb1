/*
 * testpmd's prompt: commands, answers, statistics.
 *
 * The stream must be a terminal for testpmd: on a pipe its answers stay in a buffer while the
 * prompt is written at once.
 */
#include "guest/testpmd.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"

#define PROMPT "testpmd> "
/* The runner's words when the program ended (tools/kernel-vm/payload-run.c). */
#define ENDED "vhostel: payload ended"
/* The longest answer that is kept. */
#define ANSWER_MAX (1024 * 1024)

static regex_t forwards_pattern, failure_pattern;

static void compile_patterns(void)
{
	regcomp(&forwards_pattern, TESTPMD_READY_PATTERN, REG_EXTENDED | REG_NOSUB);
	regcomp(&failure_pattern,
		"EAL: Error|EAL: PANIC|EAL: FATAL|^ *Cause: |testpmd: (unrecognized|option)|"
		"^Segmentation fault|payload ended: |not found$|No such file or directory$",
		REG_EXTENDED | REG_NOSUB);
}

const struct testpmd_patterns *testpmd_patterns(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	static const struct testpmd_patterns patterns = { { &forwards_pattern, &failure_pattern } };

	pthread_once(&once, compile_patterns);
	return &patterns;
}

/* Takes terminal escapes (ESC [ ... letter) and carriage returns out of @s. */
static void strip_escapes(struct str *s)
{
	size_t to = 0;

	for (size_t i = 0; i < s->length; i++) {
		if (s->text[i] == '\033' && i + 1 < s->length && s->text[i + 1] == '[') {
			for (i += 2; i < s->length && !isalpha((unsigned char)s->text[i]); i++)
				;
			continue;
		}
		if (s->text[i] != '\r')
			s->text[to++] = s->text[i];
	}
	s->length = to;
	if (s->text)
		s->text[to] = '\0';
}

/*
 * Whether the answer is whole: an echo line, the answer, and the prompt. It is then cut out of @s
 * and returned, else NULL. Behind the prompt may stand what another thread of testpmd logs: a
 * vswitch that connected, a link that changed.
 */
static char *whole_answer(struct str *s)
{
	char *begin, *prompt;

	strip_escapes(s);
	begin = s->length ? strchr(s->text, '\n') : NULL;
	prompt = begin ? strstr(begin, "\n" PROMPT) : NULL;
	if (!prompt)
		return NULL;
	begin++;
	prompt[1] = '\0';
	return str_printable(begin, strlen(begin));
}

static int await_answer(struct stream *stream, off_t offset, const struct wait *w, char **ret,
			struct error *err)
{
	auto_listener heard = { .fd = -1 };

	if (bell_listen(stream_bell(stream), &heard, err) < 0)
		return -1;
	for (;;) {
		auto_str text = { 0 };

		if (stream_read(stream, offset, ANSWER_MAX, w, &text, err) < 0)
			return -1;
		*ret = whole_answer(&text);
		if (*ret)
			return 0;
		if (stream_closed(stream))
			return error_set(err, ECONNRESET, "the VM is gone");
		if (memmem(str_text(&text), text.length, ENDED, sizeof(ENDED) - 1)) {
			auto_free char *said = str_printable(text.text, text.length);

			return error_set(err, ECONNRESET, "testpmd ended: %s", said);
		}
		if (bell_wait(&heard, w, err) < 0)
			return error_append(err, "; so far: %s", str_text(&text));
	}
}

static bool is_refused(const char *answer)
{
	return strstr(answer, "Command not found") || strstr(answer, "Bad arguments") ||
	       strstr(answer, "Ambiguous command");
}

int testpmd_execute(struct stream *stream, const char *command, const struct wait *w, char **ret,
		    struct error *err)
{
	auto_free char *line = own_printf("%s\n", command);
	auto_free char *answer = NULL;
	off_t offset = stream_end(stream);

	if (strpbrk(command, "\r\n"))
		return error_set(err, EINVAL, "argument 'command': one line, without line ends");
	if (stream_write(stream, line, strlen(line), w, err) < 0 ||
	    await_answer(stream, offset, w, &answer, err) < 0)
		return error_prefix(err, "testpmd: %s", command);
	if (is_refused(answer))
		return error_set(err, EREMOTEIO, "testpmd: %s: %s", command, answer);
	*ret = take_ptr(answer);
	return 0;
}

/* The number behind "NAME:" in a block of statistics, 0 when it is not there. */
static json_int_t number_of(const char *block, const char *end, const char *name)
{
	const char *p = strstr(block, name);
	long long n = 0;

	if (p && p < end)
		sscanf(p + strlen(name), ": %lld", &n);
	return n;
}

json_t *testpmd_parse_stats(const char *answer)
{
	static const char heading[] = "NIC statistics for port ";
	json_t *ports = json_array();

	for (const char *p = strstr(answer, heading); p;) {
		const char *next = strstr(p + 1, heading);
		const char *end = next ? next : p + strlen(p);

		json_array_append_new(ports,
				      json_pack("{s:i,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "port",
						atoi(p + sizeof(heading) - 1), "rx_packets",
						number_of(p, end, "RX-packets"), "tx_packets",
						number_of(p, end, "TX-packets"), "rx_bytes",
						number_of(p, end, "RX-bytes"), "tx_bytes",
						number_of(p, end, "TX-bytes"), "rx_missed",
						number_of(p, end, "RX-missed"), "rx_errors",
						number_of(p, end, "RX-errors"), "tx_errors",
						number_of(p, end, "TX-errors")));
		p = next;
	}
	return json_pack("{s:o}", "ports", ports);
}

int testpmd_stats(struct stream *stream, const struct wait *w, json_t **ret, struct error *err)
{
	auto_free char *answer = NULL;

	if (testpmd_execute(stream, "show port stats all", w, &answer, err) < 0)
		return -1;
	*ret = testpmd_parse_stats(answer);
	return 0;
}

/* The word behind "NAME: ", owned by the caller; "" when it is not there. */
static char *word_of(const char *answer, const char *name)
{
	const char *p = strstr(answer, name);

	if (!p)
		return own_strdup("");
	p += strlen(name);
	return own_strndup(p, strcspn(p, " \n"));
}

json_t *testpmd_parse_port(const char *answer, int port)
{
	auto_free char *mac = word_of(answer, "MAC address: ");
	auto_free char *device = word_of(answer, "Device name: ");

	for (char *p = mac; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return json_pack("{s:i,s:s,s:s}", "port", port, "mac_address", mac, "pci_address", device);
}

int testpmd_ports(struct stream *stream, const struct wait *w, json_t **ret, struct error *err)
{
	auto_free char *all = NULL;
	json_t *ports;

	if (testpmd_execute(stream, "show port stats all", w, &all, err) < 0)
		return -1;
	ports = json_array();
	for (const char *p = all; (p = strstr(p, "statistics for port ")); p++) {
		int port = atoi(p + strlen("statistics for port "));
		auto_free char *command = own_printf("show port info %d", port);
		auto_free char *answer = NULL;

		if (testpmd_execute(stream, command, w, &answer, err) < 0) {
			json_decref(ports);
			return -1;
		}
		json_array_append_new(ports, testpmd_parse_port(answer, port));
	}
	*ret = ports;
	return 0;
}

/*
 * vhostelctl passwd: a user and a password in the server's password file.
 */
#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"
#include "base/own.h"
#include "base/str.h"
#include "remote/credentials.h"
#include "tools/vhostelctl/command.h"
#include "tools/vhostelctl/interrupt.h"

/* yescrypt, with the library's own cost. Source: crypt(5). */
#define HASH_PREFIX "$y$"

static int check_user(const char *user, struct error *err)
{
	if (!*user || strlen(user) > CREDENTIALS_NAME_MAX || *user == '#' || strpbrk(user, ":\r\n"))
		return error_set(err, EINVAL,
				 "USER: expected 1 to %d bytes without ':' and not beginning with "
				 "'#', got '%s'",
				 CREDENTIALS_NAME_MAX, user);
	return 0;
}

/* One line of @fd, its end taken away; false when a signal came. */
static bool read_line(struct interrupt *in, int fd, struct str *line)
{
	char byte;

	while (line->length <= CREDENTIALS_PASSWORD_MAX) {
		if (!interrupt_wait(in, fd, -1))
			return false;
		if (read(fd, &byte, 1) != 1 || byte == '\n')
			break;
		str_add(line, &byte, 1);
	}
	if (line->length && line->text[line->length - 1] == '\r')
		line->text[--line->length] = '\0';
	return true;
}

static int ask(const char *prompt, struct str *ret, struct error *err)
{
	struct termios before, silent;
	bool terminal = tcgetattr(STDIN_FILENO, &before) == 0;
	auto_interrupt in;
	bool answered;

	interrupt_begin(&in);
	if (terminal) {
		silent = before;
		silent.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
		fputs(prompt, stderr);
	}
	answered = read_line(&in, STDIN_FILENO, ret);
	if (terminal) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
		fputc('\n', stderr);
	}
	return answered ? 0 : error_set(err, ERROR_INTERRUPTED, "nothing was changed");
}

static void forget(struct str *password)
{
	if (password->text)
		explicit_bzero(password->text, password->room);
	str_clear(password);
}

#define auto_password __attribute__((cleanup(forget))) struct str

static int get_password(struct str *ret, struct error *err)
{
	auto_password again = { 0 };

	if (ask("Password: ", ret, err) < 0)
		return -1;
	if (!ret->length || ret->length > CREDENTIALS_PASSWORD_MAX ||
	    strlen(ret->text) != ret->length)
		return error_set(err, EINVAL, "password: expected 1 to %d bytes",
				 CREDENTIALS_PASSWORD_MAX);
	if (!isatty(STDIN_FILENO))
		return 0;
	if (ask("Again: ", &again, err) < 0)
		return -1;
	if (strcmp(str_text(&again), ret->text) != 0)
		return error_set(err, EINVAL, "the two passwords differ, nothing was changed");
	return 0;
}

static int make_hash(const char *password, char **ret, struct error *err)
{
	auto_free struct crypt_data *data = own_alloc(sizeof(*data));
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	char *hash;

	memset(data, 0, sizeof(*data));
	if (!crypt_gensalt_rn(HASH_PREFIX, 0, NULL, 0, setting, sizeof(setting)))
		return error_set_errno(err, errno, "crypt(3) makes no yescrypt salt");
	hash = crypt_r(password, setting, data);
	if (!hash || *hash == '*')
		return error_set_errno(err, errno, "crypt(3) makes no yescrypt hash");
	*ret = own_strdup(hash);
	explicit_bzero(data, sizeof(*data));
	return 0;
}

/* @text with the line of @user replaced, added, or with no @hash removed; whether it was there. */
static bool change(char *text, const char *user, const char *hash, struct str *ret)
{
	char *rest = text, *line;
	bool found = false;

	while ((line = strsep(&rest, "\n"))) {
		size_t n = strcspn(line, ":");

		if (!*line && !rest)
			break;
		if (*line == '#' || line[n] != ':' || strlen(user) != n || memcmp(line, user, n)) {
			str_addf(ret, "%s\n", line);
			continue;
		}
		if (hash && !found)
			str_addf(ret, "%s:%s\n", user, hash);
		found = true;
	}
	if (hash && !found)
		str_addf(ret, "%s:%s\n", user, hash);
	return found;
}

/* The file is replaced, so the lock, which two changes at once need, is on its directory. */
static int lock_directory(const char *path, int *ret, struct error *err)
{
	const char *slash = strrchr(path, '/');
	auto_free char *directory =
		slash ? own_strndup(path, (size_t)(slash - path) + 1) : own_strdup(".");

	*ret = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret < 0 || flock(*ret, LOCK_EX) < 0)
		return error_set_errno(err, errno, "%s", directory);
	return 0;
}

static int change_file(const char *path, const char *user, const char *hash, struct error *err)
{
	auto_free char *text = NULL;
	auto_close int lock = -1;
	auto_str changed = { 0 };

	if (lock_directory(path, &lock, err) < 0)
		return -1;
	if (!file_exists(path) && hash)
		text = own_strdup("");
	else if (file_read(path, CREDENTIALS_FILE_MAX, &text, NULL, err) < 0)
		return -1;
	if (!change(text, user, hash, &changed) && !hash)
		return error_set(err, ENOENT, "%s: no user '%s'", path, user);
	return file_write(path, str_text(&changed), changed.length, S_IRUSR | S_IWUSR, err);
}

static int run(const struct options *o, struct error *err)
{
	const char *path = o->words[0], *user = o->words[1];
	auto_password password = { 0 };
	auto_free char *hash = NULL;

	if (check_user(user, err) < 0)
		return -1;
	if (!option_given(o, OPTION_DELETE) &&
	    (get_password(&password, err) < 0 || make_hash(password.text, &hash, err) < 0))
		return -1;
	if (change_file(path, user, hash, err) < 0)
		return -1;
	fprintf(stderr, "%s: user '%s' %s; a server that runs reads it on SIGHUP\n", path, user,
		hash ? "has this password now" : "is removed");
	return 0;
}

const struct command command_passwd = {
	.name = "passwd",
	.words = "FILE USER",
	.summary = "set a user's password in the server's password file",
	.help = "Asks for a password, twice on a terminal, else reads one line of standard input,\n"
		"and puts its yescrypt hash into FILE, the server's remote.password_file, which is\n"
		"made when it is missing. Only its owner can read it. No server is needed.\n",
	.options = OPTION_BIT(OPTION_DELETE),
	.least = 2,
	.most = 2,
	.run = run,
};

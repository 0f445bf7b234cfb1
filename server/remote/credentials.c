/*
 * User names and salted password hashes, and HTTP Basic credentials checked against them.
 */
#include "remote/credentials.h"

#include <crypt.h>
#include <errno.h>
#include <gnutls/crypto.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/own.h"
#include "base/str.h"
#include "value/base64.h"

#define DIGEST_SIZE 32
#define HEADER_MAX  1024

struct user {
	char *name;
	char *hash;
	bool remembered;
	uint8_t digest[DIGEST_SIZE]; /* of the password that was right */
};

/*
 * A user's name and a password that somebody brought, while it is looked at.
 * @user: NULL when there is no user of that name
 * @done, @right: under the hashing mutex, the rest under the other
 */
struct attempt {
	const struct user *user;
	uint8_t digest[DIGEST_SIZE];
	unsigned int holders;
	bool done, right;
};

struct credentials {
	pthread_mutex_t mutex; /* hashing is slow: one at a time, so that guessing stays slow */
	pthread_mutex_t remember_mutex;
	struct attempt attempts[CREDENTIALS_ATTEMPTS_MAX];
	uint8_t key[DIGEST_SIZE];
	struct user *users;
	size_t count;
};

static struct user *find_user(struct credentials *c, const char *name)
{
	for (size_t i = 0; i < c->count; i++)
		if (!strcmp(c->users[i].name, name))
			return &c->users[i];
	return NULL;
}

/* Hashes of today: crypt(3) also takes any two letters for one of DES. */
static bool hash_is_usable(const char *hash)
{
	return *hash == '$' && crypt_checksalt(hash) == CRYPT_SALT_OK;
}

static int add_line(struct credentials *c, const char *path, int number, char *line,
		    struct error *err)
{
	char *colon = strchr(line, ':');

	if (!*line || *line == '#')
		return 0;
	if (!colon || colon == line || colon - line > CREDENTIALS_NAME_MAX)
		return error_set(err, EINVAL, "%s:%d: expected NAME:HASH", path, number);
	*colon = '\0';
	if (find_user(c, line))
		return error_set(err, EINVAL, "%s:%d: user '%s' is given twice", path, number,
				 line);
	if (!hash_is_usable(colon + 1))
		return error_set(
			err, EINVAL,
			"%s:%d: user '%s': expected a hash as `vhostelctl passwd` makes it", path,
			number, line);
	c->users = own_realloc(c->users, (c->count + 1) * sizeof(*c->users));
	c->users[c->count++] =
		(struct user) { .name = own_strdup(line), .hash = own_strdup(colon + 1) };
	return 0;
}

static int add_lines(struct credentials *c, const char *path, char *text, struct error *err)
{
	char *rest = text, *line;
	int number = 0;

	while ((line = strsep(&rest, "\n"))) {
		line[strcspn(line, "\r")] = '\0';
		if (add_line(c, path, ++number, line, err) < 0)
			return -1;
	}
	if (!c->count)
		return error_set(err, EINVAL, "%s: no user in it, expected lines NAME:HASH", path);
	return 0;
}

static int check_mode(const char *path, struct error *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return error_set_errno(err, errno, "%s", path);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return error_set(err, EPERM, "%s: others can write it, expected mode 600", path);
	return 0;
}

int credentials_load(const char *path, struct credentials **ret, struct error *err)
{
	struct credentials *c;
	auto_free char *text = NULL;

	if (check_mode(path, err) < 0 ||
	    file_read(path, CREDENTIALS_FILE_MAX, &text, NULL, err) < 0)
		return -1;
	c = own_alloc(sizeof(*c));
	pthread_mutex_init(&c->mutex, NULL);
	pthread_mutex_init(&c->remember_mutex, NULL);
	if (getrandom(c->key, sizeof(c->key), 0) != sizeof(c->key))
		error_set_errno(err, errno, "getrandom");
	else if (!add_lines(c, path, text, err)) {
		*ret = c;
		return 0;
	}
	credentials_free(c);
	return -1;
}

void credentials_free(struct credentials *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->count; i++) {
		free(c->users[i].name);
		free(c->users[i].hash);
	}
	free(c->users);
	pthread_mutex_destroy(&c->mutex);
	pthread_mutex_destroy(&c->remember_mutex);
	explicit_bzero(c, sizeof(*c));
	free(c);
}

static bool same_bytes(const void *a, const void *b, size_t length)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t difference = 0;

	for (size_t i = 0; i < length; i++)
		difference |= x[i] ^ y[i];
	return !difference;
}

static bool hash_matches(const char *hash, const char *password)
{
	auto_free struct crypt_data *data = own_alloc(sizeof(*data));
	const char *made = crypt_r(password, hash, data);
	bool same = made && strlen(made) == strlen(hash) && same_bytes(made, hash, strlen(hash));

	explicit_bzero(data, sizeof(*data));
	return same;
}

static bool is_remembered(struct credentials *c, const struct user *user, const uint8_t *digest)
{
	lock_scope(&c->remember_mutex);
	return user->remembered && same_bytes(user->digest, digest, DIGEST_SIZE);
}

static void remember(struct credentials *c, struct user *user, const uint8_t *digest)
{
	lock_scope(&c->remember_mutex);
	memcpy(user->digest, digest, DIGEST_SIZE);
	user->remembered = true;
}

static bool is_same(const struct attempt *a, const struct user *user, const uint8_t *digest)
{
	return a->holders && a->user == user && same_bytes(a->digest, digest, DIGEST_SIZE);
}

/* The attempt with this password that is under way, or a new one; NULL when there are too many. */
static struct attempt *take_attempt(struct credentials *c, const struct user *user,
				    const uint8_t *digest)
{
	struct attempt *unused = NULL;
	lock_scope(&c->remember_mutex);

	for (size_t i = 0; i < CREDENTIALS_ATTEMPTS_MAX; i++) {
		struct attempt *a = &c->attempts[i];

		if (is_same(a, user, digest)) {
			a->holders++;
			return a;
		}
		if (!a->holders)
			unused = a;
	}
	if (!unused)
		return NULL;
	*unused = (struct attempt) { .user = user, .holders = 1 };
	memcpy(unused->digest, digest, DIGEST_SIZE);
	return unused;
}

static void leave_attempt(struct credentials *c, struct attempt *a)
{
	lock_scope(&c->remember_mutex);
	a->holders--;
}

/* An unknown user costs as much as a wrong password. */
static bool decide(struct credentials *c, struct attempt *a, const char *password)
{
	const struct user *user = a->user;
	lock_scope(&c->mutex);

	if (!a->done)
		a->right = hash_matches(user ? user->hash : c->users[0].hash, password) && user;
	a->done = true;
	return a->right;
}

static enum credentials_verdict check_password(struct credentials *c, const char *name,
					       const char *password)
{
	struct user *user = find_user(c, name);
	uint8_t digest[DIGEST_SIZE];
	struct attempt *attempt;
	bool right;

	if (gnutls_hmac_fast(GNUTLS_MAC_SHA256, c->key, sizeof(c->key), password, strlen(password),
			     digest) < 0)
		return CREDENTIALS_WRONG;
	if (user && is_remembered(c, user, digest))
		return CREDENTIALS_RIGHT;
	attempt = take_attempt(c, user, digest);
	if (!attempt)
		return CREDENTIALS_BUSY;
	right = decide(c, attempt, password);
	if (right)
		remember(c, user, digest);
	leave_attempt(c, attempt);
	return right ? CREDENTIALS_RIGHT : CREDENTIALS_WRONG;
}

enum credentials_verdict credentials_check(struct credentials *c, const char *authorization)
{
	auto_str pair = { 0 };
	char *colon;
	enum credentials_verdict verdict = CREDENTIALS_WRONG;

	if (!authorization || strlen(authorization) > HEADER_MAX ||
	    strncasecmp(authorization, "Basic ", 6))
		return CREDENTIALS_WRONG;
	authorization += 6 + strspn(authorization + 6, " ");
	if (base64_decode(authorization, strlen(authorization), &pair) < 0 || !pair.length ||
	    strlen(pair.text) != pair.length)
		return CREDENTIALS_WRONG;
	colon = strchr(pair.text, ':');
	if (colon && colon - pair.text <= CREDENTIALS_NAME_MAX &&
	    strlen(colon + 1) <= CREDENTIALS_PASSWORD_MAX) {
		*colon = '\0';
		verdict = check_password(c, pair.text, colon + 1);
	}
	explicit_bzero(pair.text, pair.length);
	return verdict;
}

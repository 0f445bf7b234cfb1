/*
 * User names and salted password hashes, and HTTP Basic credentials checked against them.
 */
#ifndef REMOTE_CREDENTIALS_H
#define REMOTE_CREDENTIALS_H

#include <stdbool.h>

#include "base/error.h"

/* Bytes of a password file, of a user name, and of a password as crypt(3) takes it. */
#define CREDENTIALS_FILE_MAX	 (1024 * 1024)
#define CREDENTIALS_NAME_MAX	 64
#define CREDENTIALS_PASSWORD_MAX 511

/* Passwords that are being hashed, or wait for it, at once. */
#define CREDENTIALS_ATTEMPTS_MAX 8

struct credentials;

/* What is known of a client's credentials; BUSY: nothing, too many others are being looked at. */
enum credentials_verdict { CREDENTIALS_WRONG, CREDENTIALS_RIGHT, CREDENTIALS_BUSY };

/*
 * credentials_load - read a file of lines NAME:HASH, hashes as crypt(3) makes them
 * @ret: owned by the caller
 *
 * Empty lines and lines that start with # are skipped.
 * Errors: EINVAL with FILE:LINE for a line without a name or with a hash that crypt(3) does not
 * know, for a name given twice and for a file without any user; EPERM when others can write it.
 */
int credentials_load(const char *path, struct credentials **ret, struct error *err);
void credentials_free(struct credentials *c);
/*
 * credentials_check - whether an Authorization header names a user with the right password
 * @authorization: "Basic dXNlcjpwYXNzd29yZA==", or NULL
 *
 * A password that was right is remembered as a keyed digest, because a hash takes some 100 ms on
 * purpose and Robot opens a connection for every call. Comparisons take the same time whatever
 * differs, and an unknown user costs what a wrong password costs. One password is hashed at a time;
 * clients that bring the same one share its hash, and beyond CREDENTIALS_ATTEMPTS_MAX different
 * ones the verdict is CREDENTIALS_BUSY at once, so nobody waits longer than those take. Source: RFC
 * 7617.
 */
enum credentials_verdict credentials_check(struct credentials *c, const char *authorization);

#endif

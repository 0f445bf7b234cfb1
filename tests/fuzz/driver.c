/*
 * Replays the files it is given through a fuzz target, where libFuzzer is not linked.
 *
 * Usage: PROGRAM FILE...
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/own.h"

#define INPUT_MAX (1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path, struct error *err)
{
	auto_free char *text = NULL;
	size_t size;

	if (file_read(path, INPUT_MAX, &text, &size, err) < 0)
		return -1;
	LLVMFuzzerTestOneInput((uint8_t *)text, size);
	return 0;
}

int main(int argc, char **argv)
{
	struct error err;

	for (int i = 1; i < argc; i++) {
		if (replay(argv[i], &err) < 0) {
			fprintf(stderr, "%s\n", err.text);
			return EXIT_FAILURE;
		}
	}
	return EXIT_SUCCESS;
}

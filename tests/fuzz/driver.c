/*
 * Runs a fuzz target where there is no libFuzzer: replays the files it is given, then mutates them.
 *
 * Usage: PROGRAM [-t SECONDS] [-s SEED] FILE...
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/own.h"
#include "base/wait.h"

#define INPUT_MAX 65536
#define PART_MAX  64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t state = 88172645463325252ull;

/* xorshift64: the same seed finds the same fault again. */
static size_t pick(size_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return below ? (size_t)(state % below) : 0;
}

/* Pieces that the targets are sensitive to. */
static const char *const pieces[] = {
	"<",
	">",
	"</",
	"/>",
	"<!--",
	"-->",
	"<![CDATA[",
	"]]>",
	"<?",
	"?>",
	"&#",
	";",
	"&amp;",
	"<i8>",
	"</i8>",
	"<double>",
	"1e400",
	"inf",
	"<base64>",
	"==",
	"<value>",
	"</value>",
	"<struct>",
	"<member>",
	"<name>",
	"<array><data>",
	"\xf0\x9f\x98\x80",
	"\xee\x9f\xb0",
	"\xff",
	"-",
	"99999999999999999999",
	"'",
	"\"",
	"[",
	"]",
	"{",
	"}",
	",",
	":",
	"auto",
	"none",
	" s",
	" min",
	"0x",
	"encoding=",
	"<nil/>",
};

static size_t insert(uint8_t *data, size_t size, size_t at, const void *part, size_t length)
{
	if (size + length > INPUT_MAX)
		return size;
	memmove(data + at + length, data + at, size - at);
	memcpy(data + at, part, length);
	return size + length;
}

static size_t mutate(uint8_t *data, size_t size)
{
	size_t at = pick(size + 1), length = pick(PART_MAX), from;
	uint8_t part[PART_MAX];
	const char *piece = pieces[pick(sizeof(pieces) / sizeof(pieces[0]))];

	switch (pick(5)) {
	case 0:
		if (at < size)
			data[at] = (uint8_t)pick(256);
		return size;
	case 1: /* take out */
		length = length > size - at ? size - at : length;
		memmove(data + at, data + at + length, size - at - length);
		return size - length;
	case 2: /* double a part */
		from = pick(size + 1);
		length = length > size - from ? size - from : length;
		memcpy(part, data + from, length);
		return insert(data, size, at, part, length);
	case 3:
		return pick(20) ? size : at; /* cut */
	default:
		return insert(data, size, at, piece, strlen(piece));
	}
}

static void run_for(char **texts, const size_t *sizes, size_t count, int64_t ms)
{
	auto_free uint8_t *data = own_alloc(INPUT_MAX + 128);
	int64_t end = clock_ms() + ms;
	unsigned long runs = 0;

	while (clock_ms() < end) {
		size_t which = pick(count), size = sizes[which];

		memcpy(data, texts[which], size);
		for (size_t n = 1 + pick(8); n; n--)
			size = mutate(data, size);
		LLVMFuzzerTestOneInput(data, size);
		runs++;
	}
	printf("%lu inputs\n", runs);
}

int main(int argc, char **argv)
{
	auto_free char **texts = own_alloc(sizeof(*texts) * (size_t)(argc + 1));
	auto_free size_t *sizes = own_alloc(sizeof(*sizes) * (size_t)(argc + 1));
	struct error err;
	size_t count = 0;
	int option, seconds = 0;

	while ((option = getopt(argc, argv, "t:s:")) != -1) {
		if (option == 't')
			seconds = atoi(optarg);
		else if (option == 's')
			state ^= strtoull(optarg, NULL, 10) * 0x9e3779b97f4a7c15ull;
		else
			return EXIT_FAILURE;
	}
	for (int i = optind; i < argc; i++, count++) {
		if (file_read(argv[i], INPUT_MAX, &texts[count], &sizes[count], &err) < 0) {
			fprintf(stderr, "%s\n", err.text);
			return EXIT_FAILURE;
		}
		LLVMFuzzerTestOneInput((uint8_t *)texts[count], sizes[count]);
	}
	printf("%zu files\n", count);
	if (seconds && count)
		run_for(texts, sizes, count, seconds * 1000l);
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
	return EXIT_SUCCESS;
}

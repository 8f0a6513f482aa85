/*
 * PNG (Third Edition, W3C 2025) in its plainest form: four bits a pixel into a
 * palette of one colour at sixteen opacities, in a zlib stream (RFC 1950) of
 * one block that is stored as it is.  A head's picture is below 2 KB, which
 * compression would halve and a library would have to be there for.
 */
#include "daemon/png.h"

#include "daemon/base/check.h"

#include <string.h>

enum { DATA_MOST = PNG_SIDE_MOST * (PNG_SIDE_MOST / 2 + 1), FILE_MOST = DATA_MOST + 256 };

struct bytes {
	uint8_t data[FILE_MOST];
	size_t used;
};

static void put(struct bytes *bytes, const void *data, size_t size)
{
	CHECK(sizeof bytes->data - bytes->used >= size);
	memcpy(bytes->data + bytes->used, data, size);
	bytes->used += size;
}

static void put_byte(struct bytes *bytes, unsigned value)
{
	uint8_t byte = (uint8_t)value;
	put(bytes, &byte, 1);
}

static void put_number(struct bytes *bytes, uint32_t value)
{
	const uint8_t big_endian[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
	put(bytes, big_endian, sizeof big_endian);
}

/* Annex D of the standard, without its table. */
static uint32_t checksum(const uint8_t *data, size_t size)
{
	uint32_t crc = 0xffffffff;
	for (size_t i = 0; i < size; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

/* A chunk's length comes before what it holds. */
static size_t chunk_begin(struct bytes *bytes, const char *type)
{
	put_number(bytes, 0);
	put(bytes, type, 4);
	return bytes->used;
}

static void chunk_end(struct bytes *bytes, size_t begin)
{
	size_t end = bytes->used;
	bytes->used = begin - 8;
	put_number(bytes, (uint32_t)(end - begin));
	bytes->used = end;
	put_number(bytes, checksum(bytes->data + begin - 4, end - begin + 4));
}

static void put_header(struct bytes *bytes, size_t side, uint32_t colour)
{
	put(bytes, "\x89PNG\r\n\x1a\n", 8);
	size_t begin = chunk_begin(bytes, "IHDR");
	put_number(bytes, (uint32_t)side);
	put_number(bytes, (uint32_t)side);
	put(bytes, "\4\3\0\0\0", 5); /* bits, palette, and the only compression, filters and order that are meant here */
	chunk_end(bytes, begin);
	begin = chunk_begin(bytes, "PLTE");
	for (int i = 0; i < PNG_LEVELS; i++) {
		put_byte(bytes, colour >> 16 & 0xff);
		put_byte(bytes, colour >> 8 & 0xff);
		put_byte(bytes, colour & 0xff);
	}
	chunk_end(bytes, begin);
	begin = chunk_begin(bytes, "tRNS");
	for (unsigned i = 0; i < PNG_LEVELS; i++)
		put_byte(bytes, i * 255 / (PNG_LEVELS - 1));
	chunk_end(bytes, begin);
}

/* RFC 1950, section 9 */
static uint32_t adler(const uint8_t *data, size_t size)
{
	uint32_t low = 1, high = 0;
	for (size_t i = 0; i < size; i++) {
		low = (low + data[i]) % 65521;
		high = (high + low) % 65521;
	}
	return high << 16 | low;
}

static void put_pixels(struct bytes *bytes, const uint8_t *levels, size_t side)
{
	size_t row = 1 + (side + 1) / 2, size = row * side;
	size_t begin = chunk_begin(bytes, "IDAT");
	put(bytes, "\x78\x01\x01", 3); /* deflate; one block, the last, stored */
	put_byte(bytes, size & 0xff);
	put_byte(bytes, size >> 8 & 0xff);
	put_byte(bytes, ~size & 0xff);
	put_byte(bytes, ~size >> 8 & 0xff);
	size_t data = bytes->used;
	for (size_t y = 0; y < side; y++, levels += side) {
		put_byte(bytes, 0); /* no filter */
		for (size_t x = 0; x < side; x += 2)
			put_byte(bytes, levels[x] * 16u + (x + 1 < side ? levels[x + 1] : 0));
	}
	put_number(bytes, adler(bytes->data + data, size));
	chunk_end(bytes, begin);
}

static void write_base64(const struct bytes *bytes, FILE *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t at = 0; at < bytes->used; at += 3) {
		size_t left = bytes->used - at;
		unsigned group = (unsigned)bytes->data[at] << 16;
		group |= left > 1 ? (unsigned)bytes->data[at + 1] << 8 : 0;
		group |= left > 2 ? (unsigned)bytes->data[at + 2] : 0;
		fputc(digits[group >> 18], out);
		fputc(digits[group >> 12 & 63], out);
		fputc(left > 1 ? digits[group >> 6 & 63] : '=', out);
		fputc(left > 2 ? digits[group & 63] : '=', out);
	}
}

void png_write_uri(const uint8_t *levels, size_t side, uint32_t colour, FILE *out)
{
	struct bytes bytes = {.used = 0};
	CHECK(side > 0 && side <= PNG_SIDE_MOST);
	put_header(&bytes, side, colour);
	put_pixels(&bytes, levels, side);
	chunk_end(&bytes, chunk_begin(&bytes, "IEND"));
	fputs("data:image/png;base64,", out);
	write_base64(&bytes, out);
}

#ifndef DAEMON_PNG_H
#define DAEMON_PNG_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The most pixels that a side of a picture has. */
enum { PNG_SIDE_MOST = 256, PNG_LEVELS = 16 };

/* A square picture as a data: URI, to stand in a page: levels[side, side] below PNG_LEVELS are how opaque the colour
 * (0xRRGGBB) is, so that it lies on a light ground as well as on a dark one. */
void png_write_uri(const uint8_t *levels, size_t side, uint32_t colour, FILE *out);

#endif

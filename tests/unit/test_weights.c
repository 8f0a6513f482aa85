#include "model/half.h"
#include "model/weights.h"
#include "model/weights_write.h"
#include "tests/lib/run.h"
#include "tests/lib/safetensors_writer.h"

#include <check.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

static void expect_text(const struct err *e, const char *part)
{
	ck_assert_msg(strstr(e->text, part) != NULL, "\"%s\" lacks \"%s\"", e->text, part);
}

/* A file with this header and `size` bytes of data must be refused, with `part` in the message. */
static void expect_refused(const char *header, size_t data_size, const char *part)
{
	struct err e = {0};
	size_t size;
	unsigned char data[64] = {0};
	void *file = safetensors_join(header, data, data_size, &size);
	ck_assert_ptr_null(weights_from_memory(file, size, "m", &e));
	expect_text(&e, part);
	free(file);
}

START_TEST(reads_every_float_type)
{
	/* One odd byte in front: the values that follow lie at odd addresses. */
	const float f32[4] = {1.5f, -0.0f, 1e-45f, 3.4e38f};
	const uint16_t f16[6] = {0x3C00, 0xC500, 0x0001, 0x83FF, 0x7BFF, 0x8000};
	const uint16_t bf16[3] = {0x3FC0, 0xC2F7, 0x0001};
	struct safetensors writer = {0};
	safetensors_add(&writer, "odd", "U8", "[1]", "x", 1);
	safetensors_add(&writer, "a", "F32", "[2, 2]", f32, sizeof f32);
	safetensors_add(&writer, "b", "F16", "[6]", f16, sizeof f16);
	safetensors_add(&writer, "c", "BF16", "[1, 3]", bf16, sizeof bf16);
	size_t size;
	void *file = safetensors_finish(&writer, &size);
	struct err e = {0};
	struct weights *weights = weights_from_memory(file, size, "m", &e);
	ck_assert_msg(weights != NULL, "%s", e.text);

	float out[6];
	ck_assert_int_eq(weights_read(weights, "a", 2, 2, out, &e), 0);
	ck_assert_mem_eq(out, f32, sizeof f32);
	ck_assert_int_eq(weights_read(weights, "b", 0, 6, out, &e), 0);
	const float halves[6] = {1.0f, -5.0f, 0x1p-24f, -1023 * 0x1p-24f, 65504.0f, -0.0f};
	ck_assert_mem_eq(out, halves, sizeof halves);
	ck_assert_int_eq(weights_read(weights, "c", 1, 3, out, &e), 0);
	ck_assert(out[0] == 1.5f && out[1] == -123.5f && out[2] == 0x1p-133f);
	ck_assert(weights_has(weights, "odd") && !weights_has(weights, "even"));
	weights_close(weights);
	free(file);
}
END_TEST

START_TEST(names_the_tensor_that_does_not_fit)
{
	const float values[6] = {1, 2, 3, 4, 5, 6};
	struct safetensors writer = {0};
	safetensors_add(&writer, "layer.weight", "F32", "[2, 3]", values, sizeof values);
	safetensors_add(&writer, "steps", "I32", "[6]", values, sizeof values);
	size_t size;
	void *file = safetensors_finish(&writer, &size);
	struct err e = {0};
	struct weights *weights = weights_from_memory(file, size, "m", &e);
	float out[6];
	ck_assert_int_eq(weights_read(weights, "layer.bias", 0, 3, out, &e), -1);
	ck_assert_str_eq(e.text, "m: tensor layer.bias is missing");
	ck_assert_int_eq(weights_read(weights, "layer.weight", 3, 2, out, &e), -1);
	ck_assert_str_eq(e.text, "m: tensor layer.weight has the shape [2, 3] where config.json needs [3, 2]");
	ck_assert_int_eq(weights_read(weights, "layer.weight", 0, 6, out, &e), -1);
	expect_text(&e, "needs [6]");
	ck_assert_int_eq(weights_read(weights, "steps", 0, 6, out, &e), -1);
	expect_text(&e, "tensor steps is of type I32");
	weights_close(weights);
	free(file);
}
END_TEST

START_TEST(names_the_value_that_is_not_finite)
{
	enum { COUNT = 10000, AT = 8191 };
	static const struct {
		const char *type;
		size_t width;
		uint32_t bits;
	} bad[] = {{"F32", 4, 0x7FC00000}, {"F32", 4, 0xFF800000}, {"F16", 2, 0x7C00},
		   {"F16", 2, 0xFE00},	   {"BF16", 2, 0x7F80},	   {"BF16", 2, 0x7FC1}};
	static unsigned char data[COUNT * 4];
	static float out[COUNT];
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		memset(data, 0, sizeof data);
		memcpy(data + AT * bad[i].width, &bad[i].bits, bad[i].width);
		struct safetensors writer = {0};
		safetensors_add(&writer, "w", bad[i].type, "[10000]", data, COUNT * bad[i].width);
		size_t size;
		void *file = safetensors_finish(&writer, &size);
		struct err e = {0};
		struct weights *weights = weights_from_memory(file, size, "m", &e);
		ck_assert_int_eq(weights_read(weights, "w", 0, COUNT, out, &e), -1);
		ck_assert_str_eq(e.text, "m: tensor w: value 8191 is not a finite number");
		weights_close(weights);
		free(file);
	}
}
END_TEST

START_TEST(refuses_malformed_headers)
{
	expect_refused("", 0, "header");
	expect_refused("[]", 0, "JSON object");
	expect_refused("{\"w\":", 0, "JSON object");
	expect_refused("{\"w\":1}", 0, "tensor w: the header gives no dtype");
	expect_refused("{\"w\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "tensor w: the header gives no usable shape");
	expect_refused("{\"w\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, "tensor w");
	expect_refused("{\"w\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "tensor w: the header gives no usable data_offsets");
	expect_refused("{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4, "tensor w");
	expect_refused("{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}", 8, "tensor w");
	expect_refused("{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, "needs 8 bytes");
	expect_refused("{\"w\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 4,
		       "larger than any file");
	expect_refused("{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 4, "truncated");
	expect_refused("{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[9223372036854775803,9223372036854775807]}}",
		       4, "tensor w");
	expect_refused("{\"v\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
		       "\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}",
		       12, "tensor w overlaps tensor v");
	expect_refused("{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
		       "\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
		       4, "header");
}
END_TEST

START_TEST(refuses_a_giant_or_false_header_length)
{
	static const uint64_t lengths[] = {3, 1 << 20, UINT64_C(1) << 40, UINT64_MAX, UINT64_MAX - 7};
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		char file[10] = {0};
		memcpy(file, lengths + i, 8);
		struct err e = {0};
		ck_assert_ptr_null(weights_from_memory(file, sizeof file, "m", &e));
		expect_text(&e, "header");
	}
}
END_TEST

START_TEST(refuses_a_file_cut_at_any_byte)
{
	const float values[6] = {1, 2, 3, 4, 5, 6};
	struct safetensors writer = {0};
	safetensors_add(&writer, "first", "F32", "[2]", values, 8);
	safetensors_add(&writer, "last", "F32", "[2, 2]", values + 2, 16);
	size_t size;
	char *file = safetensors_finish(&writer, &size);
	for (size_t cut = 0; cut < size; cut++) {
		/* Exactly as large as it says, so that the address sanitizer sees a read beyond. */
		char *copy = malloc(cut + 1);
		memcpy(copy, file, cut);
		struct err e = {0};
		ck_assert_ptr_null(weights_from_memory(copy, cut, "m", &e));
		if (size - cut <= 24)
			expect_text(&e, cut < size - 16 ? "tensor" : "tensor last");
		free(copy);
	}
	free(file);
}
END_TEST

START_TEST(reads_files)
{
	struct err e = {0};
	ck_assert_ptr_null(weights_open("/nonexistent/model.safetensors", &e));
	expect_text(&e, "/nonexistent/model.safetensors: cannot open");
	ck_assert_ptr_null(weights_open("/", &e));
	expect_text(&e, "not a regular file");

	char path[] = "/tmp/test_weights-XXXXXX";
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_ptr_null(weights_open(path, &e));
	expect_text(&e, "empty");
	char pipe_path[sizeof path + 8];
	snprintf(pipe_path, sizeof pipe_path, "%s.pipe", path);
	ck_assert_int_eq(mkfifo(pipe_path, 0600), 0);
	ck_assert_ptr_null(weights_open(pipe_path, &e)); /* and does not wait for a writer */
	expect_text(&e, "not a regular file");
	unlink(pipe_path);
	struct safetensors writer = {0};
	safetensors_add(&writer, "w", "F32", "[1]", &(float){2.5f}, 4);
	size_t size;
	void *file = safetensors_finish(&writer, &size);
	ck_assert_int_eq(write(fd, file, size), (ssize_t)size);
	close(fd);
	struct weights *weights = weights_open(path, &e);
	ck_assert_msg(weights != NULL, "%s", e.text);
	float value;
	ck_assert_int_eq(weights_read(weights, "w", 0, 1, &value, &e), 0);
	ck_assert(value == 2.5f);
	ck_assert_uint_eq(weights_file_size(weights), size);
	weights_close(weights);
	weights_close(NULL);
	free(file);
	unlink(path);
}
END_TEST

/* A file with an I8 matrix w [2, 3] and what `scale` says of its scales, opened. */
static struct weights *integers_open(const char *type, const char *shape, const void *scale, size_t size, void **file)
{
	const int8_t values[6] = {-128, 127, 0, 1, -1, 64};
	struct safetensors writer = {0};
	safetensors_add(&writer, "w", "I8", "[2, 3]", values, sizeof values);
	if (type != NULL)
		safetensors_add(&writer, "w_rotated_scale", type, shape, scale, size);
	safetensors_add(&writer, "vector", "I8", "[6]", values, sizeof values);
	size_t file_size;
	*file = safetensors_finish(&writer, &file_size);
	struct err e = {0};
	struct weights *weights = weights_from_memory(*file, file_size, "m", &e);
	ck_assert_msg(weights != NULL, "%s", e.text);
	return weights;
}

START_TEST(reads_integers_times_their_scales)
{
	void *file;
	float out[6];
	struct err e = {0};
	const float scales[2] = {0.5f, 0x1p-20f};
	struct weights *weights = integers_open("F32", "[2]", scales, sizeof scales, &file);
	ck_assert_msg(weights_read(weights, "w", 2, 3, out, &e) == 0, "%s", e.text);
	const float wanted[6] = {-64, 63.5f, 0, 0x1p-20f, -0x1p-20f, 0x1p-14f};
	ck_assert_mem_eq(out, wanted, sizeof wanted);
	ck_assert_int_eq(weights_read(weights, "vector", 0, 6, out, &e), -1);
	ck_assert_str_eq(e.text, "m: tensor vector is of type I8, which only matrices are");
	ck_assert_int_eq(weights_read(weights, "w", 3, 2, out, &e), -1);
	expect_text(&e, "tensor w has the shape [2, 3]");
	weights_close(weights);
	free(file);
}
END_TEST

START_TEST(refuses_integers_with_hostile_scales)
{
	static const struct {
		const char *type, *shape;
		size_t size;
		float scales[3];
		const char *says;
	} cases[] = {
		{NULL, NULL, 0, {0}, "m: tensor w is of type I8 and w_rotated_scale is missing"},
		{"F32", "[3]", 12, {1, 1, 1}, "m: tensor w_rotated_scale must be F32 of the shape [2], the rows of w"},
		{"F32", "[1]", 4, {1}, "m: tensor w_rotated_scale must be F32 of the shape [2], the rows of w"},
		{"F32", "[]", 4, {1}, "m: tensor w_rotated_scale must be F32 of the shape [2], the rows of w"},
		{"F32", "[2, 1]", 8, {1, 1}, "m: tensor w_rotated_scale must be F32 of the shape [2], the rows of w"},
		{"F16", "[2]", 4, {1}, "m: tensor w_rotated_scale must be F32 of the shape [2], the rows of w"},
		{"I8", "[2]", 2, {1}, "m: tensor w_rotated_scale must be F32 of the shape [2], the rows of w"},
		{"F32", "[2]", 8, {1, NAN}, "m: tensor w_rotated_scale: value 1 is not a finite number"},
		{"F32", "[2]", 8, {-INFINITY, 1}, "m: tensor w_rotated_scale: value 0 is not a finite number"},
		{"F32", "[2]", 8, {1, 3e38f}, "m: tensor w: value 5 is not a finite number"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		void *file;
		float out[6];
		struct err e = {0};
		struct weights *weights =
			integers_open(cases[i].type, cases[i].shape, cases[i].scales, cases[i].size, &file);
		ck_assert_int_eq(weights_read(weights, "w", 2, 3, out, &e), -1);
		ck_assert_str_eq(e.text, cases[i].says);
		weights_close(weights);
		free(file);
	}
}
END_TEST

START_TEST(reads_rows_as_they_lie)
{
	uint16_t values[12], out[6];
	for (size_t i = 0; i < 12; i++)
		values[i] = (uint16_t)(0x3C00 + i);
	values[11] = 0xFC00;
	struct safetensors writer = {0};
	safetensors_add(&writer, "odd", "U8", "[1]", "x", 1);
	safetensors_add(&writer, "table", "F16", "[4, 3]", values, sizeof values);
	size_t size;
	void *file = safetensors_finish(&writer, &size);
	struct err e = {0};
	struct weights *weights = weights_from_memory(file, size, "m", &e);
	const struct weight_tensor *table = weights_find(weights, "table");
	ck_assert_int_eq(weights_read_rows(weights, table, 3, 1, 2, out, &e), 0);
	ck_assert_mem_eq(out, values + 3, sizeof out);
	ck_assert_int_eq(weights_read_rows(weights, table, 3, 2, 2, out, &e), -1);
	ck_assert_str_eq(e.text, "m: tensor table: value 11 is not a finite number");
	weights_close(weights);
	free(file);
}
END_TEST

START_TEST(survives_a_file_that_shrinks)
{
	enum { COUNT = 100000 };
	static float values[COUNT], out[COUNT];
	struct safetensors writer = {0};
	safetensors_add(&writer, "w", "F32", "[100000]", values, sizeof values);
	size_t size;
	void *file = safetensors_finish(&writer, &size);
	char path[] = "/tmp/test_weights-XXXXXX";
	int fd = mkstemp(path);
	ck_assert_int_eq(write(fd, file, size), (ssize_t)size);
	struct err e = {0};
	struct weights *weights = weights_open(path, &e);
	uint64_t hash, other;
	ck_assert_int_eq(weights_hash(weights, 0, &hash, &e), 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)size - 1), 0);
	ck_assert_int_eq(weights_read(weights, "w", 0, COUNT, out, &e), -1);
	expect_text(&e, ": tensor w: the file has become shorter while it was read");
	ck_assert_int_eq(weights_hash(weights, 0, &other, &e), -1);
	/* Back at its length with another last byte: another hash. */
	ck_assert_int_eq(pwrite(fd, "x", 1, (off_t)size - 1), 1);
	ck_assert_int_eq(weights_hash(weights, 0, &other, &e), 0);
	ck_assert(other != hash);
	weights_close(weights);
	close(fd);
	unlink(path);
	free(file);
}
END_TEST

START_TEST(writes_what_it_reads)
{
	const float floats[2] = {1, 2};
	char *bytes;
	size_t size;
	FILE *out = open_memstream(&bytes, &size);
	struct weights_part parts[] = {
		{.name = "b", .type_name = "I8", .dimensions = 2, .shape = {1, 2}, .size = 2, .context = "\1\2"},
		{.name = "a\"\n", .type_name = "F32", .dimensions = 1, .shape = {2}, .size = 8, .context = floats},
		{.name = "b_rotated_scale", .type_name = "F32", .dimensions = 1, .shape = {1}, .size = 4, .context = floats},
	};
	struct err e = {0};
	ck_assert_int_eq(weights_write_header(out, parts, 3, &(struct weights_note){"why", "a \"test\""}, 1, &e), 0);
	for (size_t i = 0; i < 3; i++)
		fwrite(parts[i].context, 1, parts[i].size, out);
	fclose(out);
	struct weights *weights = weights_from_memory(bytes, size, "m", &e);
	ck_assert_msg(weights != NULL, "%s", e.text);
	float got[2];
	ck_assert_int_eq(weights_read(weights, "a\"\n", 0, 2, got, &e), 0);
	ck_assert_mem_eq(got, floats, sizeof got);
	ck_assert_int_eq(weights_read(weights, "b", 1, 2, got, &e), 0);
	ck_assert_mem_eq(got, floats, sizeof got);
	ck_assert_str_eq(weights_tensor(weights, 2)->name, "b_rotated_scale");
	ck_assert_ptr_null(weights_tensor(weights, 3));
	uint64_t header;
	memcpy(&header, bytes, sizeof header);
	ck_assert_uint_eq(header % 8, 0);
	weights_close(weights);
	free(bytes);

	out = fopen("/dev/full", "w");
	setvbuf(out, NULL, _IONBF, 0);
	ck_assert_int_eq(weights_write_header(out, parts, 3, NULL, 0, &e), -1);
	expect_text(&e, "No space left");
	fclose(out);
}
END_TEST

START_TEST(sixteen_bits_and_back)
{
	/* Every finite half and bfloat; the midpoint between neighbours goes to the even one. */
	for (uint32_t i = 0; i < 0x8000; i++) {
		uint16_t bits = (uint16_t)i;
		if (i < 0x7C00) {
			ck_assert_uint_eq(half_narrow(half_widen(bits)), bits);
			ck_assert_uint_eq(half_narrow(-half_widen(bits)), bits | 0x8000u);
		}
		if (i < 0x7BFF) {
			float low = half_widen(bits), high = half_widen((uint16_t)(i + 1)), middle = (low + high) / 2;
			ck_assert(low < high);
			ck_assert_uint_eq(half_narrow(middle), i + (i & 1));
			ck_assert_uint_eq(half_narrow(nextafterf(middle, 0)), i);
			ck_assert_uint_eq(half_narrow(nextafterf(middle, high)), i + 1);
		}
		if (i < 0x7F7F) {
			float low = bfloat_widen(bits), high = bfloat_widen((uint16_t)(i + 1));
			float middle = low + (high - low) / 2;
			ck_assert_uint_eq(bfloat_narrow(low), i);
			ck_assert_uint_eq(bfloat_narrow(middle), i + (i & 1));
			ck_assert_uint_eq(bfloat_narrow(nextafterf(middle, INFINITY)), i + 1);
		}
	}
	ck_assert_uint_eq(half_narrow(65519.9f), 0x7BFF);
	ck_assert_uint_eq(half_narrow(-3e38f), 0xFBFF);
	ck_assert_uint_eq(bfloat_narrow(3.4028235e38f), 0x7F7F);
	ck_assert_uint_eq(half_narrow(0x1p-26f), 0);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("weights");
	tcase_add_test(tests, reads_every_float_type);
	tcase_add_test(tests, names_the_tensor_that_does_not_fit);
	tcase_add_test(tests, names_the_value_that_is_not_finite);
	tcase_add_test(tests, refuses_malformed_headers);
	tcase_add_test(tests, refuses_a_giant_or_false_header_length);
	tcase_add_test(tests, refuses_a_file_cut_at_any_byte);
	tcase_add_test(tests, reads_files);
	tcase_add_test(tests, reads_integers_times_their_scales);
	tcase_add_test(tests, refuses_integers_with_hostile_scales);
	tcase_add_test(tests, reads_rows_as_they_lie);
	tcase_add_test(tests, survives_a_file_that_shrinks);
	tcase_add_test(tests, writes_what_it_reads);
	tcase_add_test(tests, sixteen_bits_and_back);
	return run_case("weights", tests);
}

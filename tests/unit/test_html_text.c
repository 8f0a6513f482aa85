/* Text out of HTML: what readers see of it, and nothing that was never text. */
#include "ingest/html_text.h"
#include "tests/lib/one_in.h"
#include "tests/lib/run.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_text(const char *html, enum html_kind kind, const char *expected)
{
	char out[4096];
	size_t length = html_text(out, html, strlen(html), kind);

	ck_assert_str_eq(out, expected);
	ck_assert_uint_eq(length, strlen(expected));
	/* The same in place. */
	snprintf(out, sizeof out, "%s", html);
	html_text(out, out, strlen(out), kind);
	ck_assert_str_eq(out, expected);
}

START_TEST(tags_go)
{
	check_text("<p>Shares of <b>Quil</b>lon</p><p>fell</p>", HTML_DECLARED, "Shares of Quillon fell");
	check_text("one<br>two<br/>three", HTML_DECLARED, "one two three");
	check_text("<a href=\"x>y\" title='a > b'>link</a>.", HTML_DECLARED, "link.");
	check_text("a<!-- <b>hidden</b> -->b<!---->c", HTML_DECLARED, "abc");
	check_text("safe<!-- never closed", HTML_DECLARED, "safe");
	check_text("x<script>if (a < b) write('</p>')</script>y", HTML_DECLARED, "xy");
	check_text("x<STYLE type=css>p {}</Style >y", HTML_DECLARED, "xy");
	check_text("x<script>never closed", HTML_DECLARED, "x");
	check_text("<!DOCTYPE html><html><body>Text</body></html>", HTML_DECLARED, "Text");
	check_text("<foo>any</foo> <x:y>tag</x:y>", HTML_DECLARED, "any tag");
	check_text("<![CDATA[Fake <b>section</b>]]>", HTML_DECLARED, "Fake section");
	check_text("<a href=\"never closed>Text</a> and \"more\"", HTML_DECLARED, "Text and \"more\"");
	check_text("<?php echo 1 ?>Text", HTML_DECLARED, "Text");
}
END_TEST

START_TEST(text_that_may_be_html)
{
	check_text("Quillon <QLM.X> falls", HTML_GUESSED, "Quillon <QLM.X> falls");
	check_text("1 < 2 && 3 > 2", HTML_GUESSED, "1 < 2 && 3 > 2");
	check_text("if a <b and c> d", HTML_GUESSED, "if a <b and c> d");
	check_text("<p class=\"x\">Text</p>", HTML_GUESSED, "Text");
	check_text("<o:p>Word</o:p><font-face id=\"1\">x<custom/>", HTML_GUESSED, "Word x");
	check_text("<svg><circle/><text>round</text></svg>", HTML_GUESSED, "round");
	check_text("R&D, AT&T, Q&A &amp; caf&eacute;", HTML_GUESSED, "R&D, AT&T, Q&A & café");
	check_text("<!' <b>x</b>", HTML_GUESSED, "<!' x");
	check_text("<!DOCTYPE ~", HTML_GUESSED, "<!DOCTYPE ~");
	check_text("a <b", HTML_GUESSED, "a <b");
	check_text("<", HTML_GUESSED, "<");
	check_text("</", HTML_GUESSED, "</");
	check_text("&lt;b&gt; is a tag", HTML_GUESSED, "<b> is a tag");
	check_text("<b>&amp;</b>", HTML_PLAIN, "<b>&amp;</b>");
}
END_TEST

START_TEST(references)
{
	check_text("&amp;&lt;&gt;&quot;&apos;&nbsp;x", HTML_DECLARED, "&<>\"' x");
	check_text("&#65;&#x42;&#X43;&#0068;", HTML_DECLARED, "ABCD");
	check_text("&#146;&#x80;&#150;", HTML_DECLARED, "\u2019\u20AC\u2013");
	check_text("&#xD800;&#x110000;&#99999999999999;", HTML_DECLARED, "\uFFFD\uFFFD\uFFFD");
	check_text("&copy 2026 &copy=1 &copyx &bogus; &; &", HTML_DECLARED, "\u00A9 2026 &copy=1 &copyx &bogus; &; &");
	check_text("&amp;lt;", HTML_DECLARED, "&lt;");
	check_text("&CounterClockwiseContourIntegral;&zwnj;&nGt;", HTML_DECLARED, "\u2233\u200C\u226B");
	check_text("&NotEqualTilde;", HTML_DECLARED, "\u2242\u0338");

	char out[8];
	size_t written;
	ck_assert_uint_eq(html_reference("&amp", 4, true, out, &written), 0);
	ck_assert_uint_eq(html_reference("&amp", 4, false, out, &written), 4);
	ck_assert_uint_eq(html_reference("&#x", 3, false, out, &written), 0);
	ck_assert_uint_eq(html_reference("&a", 2, false, out, &written), 0);
	ck_assert_uint_eq(html_code_point(0x81), 0x81);
	ck_assert_uint_eq(html_code_point(0), 0xFFFD);
}
END_TEST

/* Every entity of the table is found by its name and no other. */
START_TEST(the_table_of_entities)
{
	static const struct {
		const char *name;
		unsigned code;
	} all[] = {
#define E(name, code) {#name, 0x##code},
#define L(name, code) {#name, 0x##code},
#define P(name, one, two) {#name, 0x##one},
#include "ingest/html_entities.inc"
	};
	ck_assert_uint_gt(sizeof all / sizeof *all, 2000);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		char text[64], out[8];
		size_t written = 0;
		if (i > 0)
			ck_assert_int_lt(strcmp(all[i - 1].name, all[i].name), 0);
		int length = snprintf(text, sizeof text, "&%s;", all[i].name);
		ck_assert_uint_eq(html_reference(text, (size_t)length, true, out, &written), (size_t)length);
		ck_assert_uint_le(written, (size_t)length);
		unsigned char lead = (unsigned char)out[0];
		ck_assert(all[i].code < 0x80 ? lead == all[i].code : lead >= 0xC2);
	}
}
END_TEST

START_TEST(white_space_and_what_is_not_seen)
{
	check_text("  a \t\r\n b\u00A0\u2003c\u3000 ", HTML_PLAIN, "a b c");
	check_text("soft\u00ADhyphen zero\u200Bwidth \u202Eturned\u202C bom\uFEFF", HTML_PLAIN,
		   "softhyphen zerowidth turned bom");
	check_text("a\001b\177c", HTML_PLAIN, "abc");
	check_text("\u06CC\u200C\u0645 \U0001F469\u200D\U0001F4BB", HTML_PLAIN, "\u06CC\u200C\u0645 \U0001F469\u200D\U0001F4BB");
	check_text("cut\xE2\x80", HTML_PLAIN, "cut");
	check_text("bad\xFF\xC0 bytes", HTML_PLAIN, "bad bytes");
	check_text("", HTML_PLAIN, "");
}
END_TEST

START_TEST(escaped_twice)
{
	static const struct {
		const char *text, *expected;
	} examples[] = {
		{"AT&amp;T", "AT&T"},
		{"don&#8217;t &quot;stop&quot;", "don\u2019t \"stop\""},
		{"<b>Up</b> 5&nbsp;%", "Up 5 %"},
		{"the &lt;b&gt; tag", "the &lt;b&gt; tag"},
		{"the <b> tag &amp; more", "the <b> tag &amp; more"},
		{"a < b > c", "a < b > c"},
		{"Q&A, R&D &copy 2026", "Q&A, R&D &copy 2026"},
		{"&#60;x", "&#60;x"},
	};
	for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
		char out[256];
		size_t length = html_unescape_twice(out, examples[i].text, strlen(examples[i].text));
		ck_assert_str_eq(out, examples[i].expected);
		ck_assert_uint_eq(length, strlen(examples[i].expected));
	}
}
END_TEST

/* Text made to be slow: each of these was quadratic in some reader, by itself or with a single ">" at its end. */
START_TEST(hostile_text_takes_linear_time)
{
	static const char *const units[] = {"<",    "<a ",  "<a \"", "<a x='", "<!--",	  "<script>", "<![CDATA[", "&",
					    "&#x1", "&lt", "<b></", "]]>",    "<svg></", "<a x=\">",  "<?",	   "&amp;lt;b&amp;gt;",
					    "<x ",  "</p ", "<x y=", "<b y ",	"<p/ ",	  "<q:r "};
	const size_t size = ((size_t)1 << 21) / one_in();
	char *text = malloc(size + 1), *out = malloc(size + 1);

	for (size_t i = 0; i < 2 * sizeof units / sizeof *units; i++) {
		const char *unit = units[i / 2];
		size_t length = strlen(unit);
		for (size_t at = 0; at < size; at++)
			text[at] = unit[at % length];
		if (i % 2 == 1)
			text[size - 1] = '>';
		for (int kind = HTML_PLAIN; kind <= HTML_DECLARED; kind++)
			ck_assert_uint_le(html_text(out, text, size, (enum html_kind)kind), size);
		ck_assert_uint_le(html_unescape_twice(out, text, size), size);
	}
	free(text);
	free(out);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("html_text");

	tcase_set_timeout(tests, 30);
	tcase_add_test(tests, tags_go);
	tcase_add_test(tests, text_that_may_be_html);
	tcase_add_test(tests, references);
	tcase_add_test(tests, the_table_of_entities);
	tcase_add_test(tests, white_space_and_what_is_not_seen);
	tcase_add_test(tests, escaped_twice);
	tcase_add_test(tests, hostile_text_takes_linear_time);
	return run_case("html_text", tests);
}

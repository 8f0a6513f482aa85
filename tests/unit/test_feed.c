/* Feeds from bytes to entries: formats, repairs, encodings, identity, limits. */
#include "daemon/base/clock.h"
#include "ingest/feed.h"
#include "tests/lib/one_in.h"
#include "tests/lib/run.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct feed *parse_as(const char *text, const char *content_type, const char *url)
{
	struct err e;
	struct feed *feed = feed_parse(text, strlen(text), content_type, url, &e);
	ck_assert_msg(feed != NULL, "%s", e.text);
	return feed;
}

static struct feed *parse(const char *text)
{
	return parse_as(text, NULL, NULL);
}

/* One RSS item with this inside. */
static struct feed *parse_item(const char *inside)
{
	char text[4096];
	snprintf(text, sizeof text, "<rss version=\"2.0\"><channel><item>%s</item></channel></rss>", inside);
	struct feed *feed = parse(text);
	ck_assert_uint_eq(feed->entry_count, 1);
	return feed;
}

static char *read_data(const char *name, size_t *length)
{
	char path[512];
	snprintf(path, sizeof path, "%s/feed/%s", TEST_DATA, name);
	FILE *file = fopen(path, "rb");
	ck_assert_msg(file != NULL, "%s", path);
	char *data = malloc(65536);
	*length = fread(data, 1, 65536, file);
	fclose(file);
	return data;
}

static struct feed *parse_data(const char *name)
{
	size_t length;
	struct err e;
	char *data = read_data(name, &length);
	struct feed *feed = feed_parse(data, length, "", "https://base.example/dir/feed", &e);
	ck_assert_msg(feed != NULL, "%s: %s", name, e.text);
	free(data);
	return feed;
}

static int64_t at(const char *iso)
{
	int64_t time_us;
	ck_assert(time_parse_iso(iso, &time_us));
	return time_us;
}

START_TEST(rss)
{
	struct feed *feed = parse_data("rss2.xml");
	ck_assert_str_eq(feed->title, "Harbour & Finch Wire");
	ck_assert_str_eq(feed->link, "https://wire.example/");
	ck_assert_str_eq(feed->self, "https://wire.example/rss.xml");
	ck_assert_str_eq(feed->hub, "https://hub.example/");
	ck_assert_str_eq(feed->lang, "en-gb");
	ck_assert_int_eq(feed->interval_us, 15 * MINUTE_US);
	ck_assert(!feed->repaired && !feed->limited);
	ck_assert_uint_eq(feed->entry_count, 2);

	const struct feed_entry *entry = &feed->entries[0];
	ck_assert_str_eq(entry->id, "wire-1001");
	ck_assert_str_eq(entry->link, "https://wire.example/2026/quillon");
	ck_assert_str_eq(entry->title, "Quillon Motors <QLM.X> recalls 40,000 “Heron” vans");
	ck_assert_str_eq(entry->summary, "Shares fell 6%. Analysts at R&D House were surprised.");
	ck_assert_str_eq(entry->content, "Shares of Quillon fell 6%.");
	ck_assert_str_eq(entry->author, "Mara Ilves");
	ck_assert_str_eq(entry->publisher, "Tern Agency");
	ck_assert_int_eq(entry->published_us, at("2026-01-05T08:30:00Z"));

	entry = &feed->entries[1];
	ck_assert_str_eq(entry->id, "https://wire.example/2026/ostrava");
	ck_assert_str_eq(entry->link, entry->id);
	ck_assert_str_eq(entry->title, "Ostrava Power: profit up & debt down");
	ck_assert_int_eq(entry->published_us, at("2026-01-04T23:05:00Z"));
	feed_free(feed);
}
END_TEST

START_TEST(atom)
{
	struct feed *feed = parse_data("atom.xml");
	ck_assert_str_eq(feed->title, "Ledger & Lantern");
	ck_assert_str_eq(feed->link, "https://blog.example/");
	ck_assert_str_eq(feed->self, "https://blog.example/feeds/atom.xml");
	ck_assert_uint_eq(feed->entry_count, 2);

	const struct feed_entry *entry = &feed->entries[0];
	ck_assert_str_eq(entry->title, "The <b> tag, explained");
	ck_assert_str_eq(entry->link, "https://blog.example/feeds/2026/b-tag.html");
	ck_assert_str_eq(entry->summary, "Plain <text> stays");
	ck_assert_str_eq(entry->content, "Long text");
	ck_assert_str_eq(entry->author, "Ned Okafor");
	ck_assert_str_eq(entry->publisher, "Another Blog");
	ck_assert_int_eq(entry->published_us, at("2026-01-02T02:04:05.678Z"));
	ck_assert_int_eq(entry->updated_us, at("2026-01-03T00:00:00Z"));

	entry = &feed->entries[1];
	ck_assert_str_eq(entry->link, "https://blog.example/second");
	ck_assert_str_eq(entry->summary, "Hello, world");
	ck_assert_str_eq(entry->content, "");
	ck_assert_int_eq(entry->published_us, at("2026-01-02T12:00:00Z"));
	feed_free(feed);
}
END_TEST

START_TEST(rdf_and_cdf)
{
	struct feed *feed = parse_data("rdf.xml");
	ck_assert_str_eq(feed->title, "Old Weekly");
	ck_assert_int_eq(feed->interval_us, HOUR_US / 2);
	ck_assert_uint_eq(feed->entry_count, 2);
	ck_assert_str_eq(feed->entries[0].id, "https://old.example/1");
	ck_assert_int_eq(feed->entries[0].published_us, at("2026-01-04T23:00:00Z"));
	ck_assert(feed->entries[1].published_us == TIME_NONE);
	feed_free(feed);

	feed = parse_data("cdf.xml");
	ck_assert_str_eq(feed->entries[0].title, "First");
	ck_assert_str_eq(feed->entries[0].link, "https://cdf.example/1");
	ck_assert_int_eq(feed->entries[0].updated_us, at("2004-01-05T10:00:00Z"));
	feed_free(feed);
}
END_TEST

START_TEST(json)
{
	struct feed *feed = parse_data("feed.json");
	ck_assert_str_eq(feed->title, "Tin & Tide");
	ck_assert_str_eq(feed->next, "https://base.example/feed-2.json");
	ck_assert_str_eq(feed->hub, "https://hub.example/");
	ck_assert_uint_eq(feed->entry_count, 2);
	ck_assert_str_eq(feed->entries[0].id, "42");
	ck_assert_str_eq(feed->entries[0].link, "https://base.example/a");
	ck_assert_str_eq(feed->entries[0].title, "Zinn steigt über 30.000 📈");
	ck_assert_str_eq(feed->entries[0].summary, "Text & mehr");
	ck_assert_str_eq(feed->entries[0].author, "Ida");
	ck_assert_str_eq(feed->entries[0].lang, "de");
	ck_assert_str_eq(feed->entries[1].title, "");
	ck_assert_str_eq(feed->entries[1].summary, "Short");
	ck_assert_str_eq(feed->entries[1].content, "No title & 1 < 2");
	ck_assert_str_eq(feed->entries[1].lang, "fr");
	ck_assert_int_eq(feed->entries[1].published_us, at("2026-01-04T00:00:00Z"));
	feed_free(feed);

	/* Broken off: what was read counts. */
	feed = parse("{\"items\":[{\"id\":\"a\",\"title\":\"A\\ud800\\q\\n\"},{\"id\":\"b\"},{\"title\":\"no id y");
	ck_assert_uint_eq(feed->entry_count, 2);
	ck_assert_str_eq(feed->entries[0].title, "A\uFFFDq");
	ck_assert(feed->repaired && !feed->entries[1].partial);
	feed_free(feed);
}
END_TEST

START_TEST(what_is_not_xml_any_more)
{
	struct feed *feed = parse_data("broken.xml");
	ck_assert(feed->repaired);
	ck_assert_str_eq(feed->title, "Smith & Sons — Daily");
	ck_assert_str_eq(feed->link, "https://smith.example/?a=1&b=2");
	ck_assert_str_eq(feed->description, "Everything here is wrong");
	ck_assert_uint_eq(feed->entry_count, 2);
	ck_assert_str_eq(feed->entries[0].id, "one");
	ck_assert_str_eq(feed->entries[0].title, "AT&T, Q&A & café &copy 2026");
	ck_assert_str_eq(feed->entries[0].link, "https://smith.example/story?id=1&copy=2");
	ck_assert_str_eq(feed->entries[0].summary, "1 < 2 and unclosed tags");
	ck_assert_int_eq(feed->entries[0].published_us, at("2026-01-05T09:30:00Z"));
	ck_assert_str_eq(feed->entries[1].id, "two");
	ck_assert_str_eq(feed->entries[1].summary, "Never closed here");
	feed_free(feed);
}
END_TEST

/* What a title is in each way of writing it. */
START_TEST(titles)
{
	static const struct {
		const char *source, *title;
	} examples[] = {
		{"<title>AT&amp;amp;T</title>", "AT&T"},
		{"<title>AT&amp;amp;amp;T</title>", "AT&T"},
		{"<title>&amp;lt;b&amp;gt;Up&amp;lt;/b&amp;gt; 5%</title>", "Up 5%"},
		{"<title><![CDATA[<![CDATA[Nested]]]]><![CDATA[>]]></title>", "Nested"},
		{"<title><![CDATA[Tom & Jerry &#8211; <i>again</i>]]></title>", "Tom & Jerry – again"},
		{"<title>Naked <b>markup</b> &lt; here</title>", "Naked markup < here"},
		{"<title> white \n space </title>", "white space"},
		{"<title>caf&eacute; &nbsp;&hellip;</title>", "café …"},
		{"<title type=\"html\">The &amp;lt;b> tag</title>", "The <b> tag"},
		{"<media:title>Media</media:title><title>Real</title>", "Real"},
		{"<title></title><dc:title>Dublin</dc:title>", "Dublin"},
		{"<image><title>Image</title></image>", ""},
		{"<title>don&#146;t</title>", "don’t"},
		{"<title>1 < 2</title>", "1 < 2"},
		{"<title>x\x01y\x1f</title>", "xy"},
	};
	for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
		struct feed *feed = parse_item(examples[i].source);
		ck_assert_msg(strcmp(feed->entries[0].title, examples[i].title) == 0, "%s: \"%s\"", examples[i].source,
			      feed->entries[0].title);
		feed_free(feed);
	}
}
END_TEST

START_TEST(summaries_contents_authors)
{
	struct feed *feed = parse_item("<description>One</description><summary>Two</summary>");
	ck_assert_str_eq(feed->entries[0].summary, "One");
	ck_assert_str_eq(feed->entries[0].content, "Two");
	feed_free(feed);

	feed = parse_item("<itunes:summary>Cast</itunes:summary><itunes:subtitle>Sub</itunes:subtitle>"
			  "<author>jane@firm.example (Jane Roe)</author>");
	ck_assert_str_eq(feed->entries[0].summary, "Cast");
	ck_assert_str_eq(feed->entries[0].author, "Jane Roe");
	feed_free(feed);

	feed = parse_item("<media:group><media:description>Film</media:description></media:group>"
			  "<author>Jan Poe &lt;jan@firm.example></author>");
	ck_assert_str_eq(feed->entries[0].summary, "Film");
	ck_assert_str_eq(feed->entries[0].author, "Jan Poe");
	feed_free(feed);

	feed = parse_item("<x:description xmlns:x=\"urn:not-ours\">Other</x:description>"
			  "<body xmlns=\"http://www.w3.org/1999/xhtml\"><p>Body</p></body>");
	ck_assert_str_eq(feed->entries[0].summary, "Body");
	feed_free(feed);
}
END_TEST

START_TEST(links_and_their_bases)
{
	struct feed *feed = parse_as("<feed xmlns='http://www.w3.org/2005/Atom' xml:base='/a/'>"
				     "<link href='home'/><entry xml:base='b/'><link href='c.html'/></entry>"
				     "<entry><link rel='alternate' type='application/pdf' href='x.pdf'/>"
				     "<link rel='alternate' type='text/html' href='x.html'/></entry>"
				     "<entry><id>/relative</id><link>http://text.example/</link></entry>"
				     "<entry><link href='?q=1#f'/></entry></feed>",
				     NULL, "http://host.example/feeds/atom");
	ck_assert_str_eq(feed->link, "http://host.example/a/home");
	ck_assert_str_eq(feed->entries[0].link, "http://host.example/a/b/c.html");
	ck_assert_str_eq(feed->entries[1].link, "http://host.example/a/x.html");
	ck_assert_str_eq(feed->entries[2].link, "http://text.example/");
	ck_assert_str_eq(feed->entries[2].id, "http://host.example/relative");
	ck_assert_str_eq(feed->entries[3].link, "http://host.example/a/?q=1#f");
	feed_free(feed);

	feed = parse("<rss><channel><link>https://site.example/</link><item><link> /story\n1 </link></item></channel></rss>");
	ck_assert_str_eq(feed->entries[0].link, "https://site.example/story1");
	feed_free(feed);
}
END_TEST

START_TEST(identity)
{
	struct feed *feed = parse("<rss><channel>"
				  "<item><guid isPermaLink='false'>http://g.example/</guid></item>"
				  "<item><guid>http://p.example/</guid></item>"
				  "<item><link>http://l.example/</link></item>"
				  "<item><title>T</title><description>D</description></item>"
				  "</channel></rss>");
	ck_assert_str_eq(feed->entries[0].id, "http://g.example/");
	ck_assert_str_eq(feed->entries[0].link, "");
	ck_assert_str_eq(feed->entries[1].link, "http://p.example/");
	ck_assert_str_eq(feed->entries[2].id, "http://l.example/");
	ck_assert_str_eq(feed->entries[2].guid, "");
	/* Stored ids depend on this hash: it must never change. */
	ck_assert_str_eq(feed->entries[3].id, "68e392e2fe757277b806e94b6703926d");
	feed_free(feed);

	/* One guid for all: the links tell them apart, in any order; the same entry twice stays one. */
	feed = parse("<rss><channel><item><guid>0</guid><link>http://a.example/</link></item>"
		     "<item><guid>0</guid><link>http://b.example/</link></item>"
		     "<item><guid>0</guid><link>http://a.example/</link><title>Edited</title></item></channel></rss>");
	ck_assert_str_ne(feed->entries[0].id, feed->entries[1].id);
	ck_assert_str_eq(feed->entries[0].id, feed->entries[2].id);
	ck_assert(strncmp(feed->entries[0].id, "0#", 2) == 0);
	feed_free(feed);

	/* One link for all: the titles do. */
	feed = parse("<rss><channel><item><link>http://a.example/</link><title>A</title></item>"
		     "<item><link>http://a.example/</link><title>B</title></item></channel></rss>");
	ck_assert_str_ne(feed->entries[0].id, feed->entries[1].id);
	feed_free(feed);
}
END_TEST

START_TEST(dates_fall_back)
{
	struct feed *feed = parse_item("<dc:date>2026-01-02</dc:date><pubDate>not a date</pubDate>");
	ck_assert_int_eq(feed->entries[0].published_us, at("2026-01-02"));
	feed_free(feed);
	feed = parse_item("<dc:date>2026-01-02</dc:date><pubDate>3 Jan 2026</pubDate>");
	ck_assert_int_eq(feed->entries[0].published_us, at("2026-01-03"));
	feed_free(feed);
	feed = parse_item("<dcterms:modified>2026-01-04</dcterms:modified><created>2026-01-01</created>");
	ck_assert_int_eq(feed->entries[0].published_us, at("2026-01-04"));
	ck_assert_int_eq(feed->entries[0].created_us, at("2026-01-01"));
	feed_free(feed);
	feed = parse_item("<title>None</title>");
	ck_assert(feed->entries[0].published_us == TIME_NONE);
	feed_free(feed);
}
END_TEST

struct encoded {
	const char *bytes;
	size_t length;
	const char *content_type, *name, *title;
};

START_TEST(encodings)
{
#define FEED(declared, title) declared "<rss><channel><title>" title "</title></channel></rss>"
#define BYTES(text) text, sizeof text - 1
	static const struct encoded examples[] = {
		{BYTES(FEED("", "caf\xC3\xA9")), NULL, "utf-8", "café"},
		{BYTES("\xEF\xBB\xBF" FEED("", "caf\xC3\xA9")), "text/xml; charset=koi8-r", "utf-8", "café"},
		{BYTES(FEED("", "caf\xE9 \x93x\x94")), NULL, "windows-1252", "café “x”"},
		{BYTES(FEED("<?xml version='1.0' encoding='iso-8859-1'?>", "caf\xE9\x85")), NULL, "windows-1252", "café…"},
		{BYTES(FEED("<?xml version='1.0' encoding='iso-8859-1'?>", "caf\xC3\xA9")), NULL, "utf-8", "café"},
		{BYTES(FEED("<?xml version='1.0' encoding='windows-1251'?>", "\xCC\xE8\xF0")), NULL, "windows-1251", "Мир"},
		{BYTES(FEED("<?xml version='1.0' encoding='windows-1251'?>", "\xCC\xE8\xF0")),
		 "text/xml; charset=ISO-8859-1", "windows-1251", "Мир"},
		{BYTES(FEED("", "\xED\xC9\xD2")), "application/xml; charset=\"KOI8-R\"", "koi8-r", "Мир"},
		{BYTES(FEED("<?xml version='1.0' encoding='euc-kr'?>", "\xB3\xE2")), NULL, "uhc", "년"},
		{BYTES(FEED("<?xml version='1.0' encoding='gb2312'?>", "\xD6\xD0")), "text/xml; charset=nonsense-1",
		 "gb18030", "中"},
		{BYTES(FEED("<?xml version='1.0' encoding='shift_jis'?>", "\x93\xFA")), NULL, "cp932", "日"},
		{BYTES(FEED("<?xml version='1.0' encoding='iso-2022-jp'?>", "\x1B$BF|\x1B(B")), NULL, "iso-2022-jp", "日"},
		{BYTES(FEED("<?xml version='1.0' encoding='utf-16'?>", "eight bits")), NULL, "utf-8", "eight bits"},
		{BYTES(FEED("", "na\xC3\xAFve caf\xC3\xA9 \x92 r\xC3\xA9sum\xC3\xA9")), NULL, "utf-8", "naïve café ’ résumé"},
		{BYTES(FEED("<?xml version='1.0' encoding='utf-8'?>", "x")), "text/xml; charset=utf-16", "utf-8", "x"},
	};
	for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
		struct err e;
		struct feed *feed =
			feed_parse(examples[i].bytes, examples[i].length, examples[i].content_type, NULL, &e);
		ck_assert_msg(feed != NULL, "%zu: %s", i, e.text);
		ck_assert_msg(strcmp(feed->title, examples[i].title) == 0, "%zu: \"%s\"", i, feed->title);
		ck_assert_str_eq(feed->encoding, examples[i].name);
		feed_free(feed);
	}
}
END_TEST

/* ASCII text in wide units, by their width and order. */
static size_t widen(char *out, const char *text, size_t unit, bool big)
{
	size_t used = 0;
	for (; *text != '\0'; text++, used += unit) {
		memset(out + used, 0, unit);
		out[used + (big ? unit - 1 : 0)] = *text;
	}
	return used;
}

START_TEST(wide_encodings)
{
	static const struct {
		size_t unit;
		bool big;
		const char *mark, *name;
	} examples[] = {
		{2, true, "\xFE\xFF", "utf-16be"}, {2, false, "\xFF\xFE", "utf-16le"}, {2, true, "", "utf-16be"},
		{2, false, "", "utf-16le"},	   {4, true, "", "utf-32be"},	       {4, false, "", "utf-32le"},
	};
	for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
		char data[1024];
		size_t mark = strlen(examples[i].mark);
		memcpy(data, examples[i].mark, mark);
		size_t length = mark + widen(data + mark, "<rss><channel><title>Wide</title></channel></rss>",
					     examples[i].unit, examples[i].big);
		struct feed *feed = feed_parse(data, length, "text/xml; charset=utf-8", NULL, NULL);
		ck_assert_ptr_nonnull(feed);
		ck_assert_str_eq(feed->title, "Wide");
		ck_assert_str_eq(feed->encoding, examples[i].name);
		feed_free(feed);
		/* Cut in the middle of a unit. */
		feed_free(feed_parse(data, length - 1, NULL, NULL, NULL));
	}
	/* EBCDIC: "<?xml version="1.0" encoding="ibm500"?><rss><channel><title>E</title>" ... */
	static const char ebcdic[] = "\x4C\x6F\xA7\x94\x93\x40\xA5\x85\x99\xA2\x89\x96\x95\x7E\x7F\xF1\x4B\xF0\x7F\x40"
				     "\x85\x95\x83\x96\x84\x89\x95\x87\x7E\x7F\x89\x82\x94\xF5\xF0\xF0\x7F\x6F\x6E"
				     "\x4C\x99\xA2\xA2\x6E\x4C\x83\x88\x81\x95\x95\x85\x93\x6E\x4C\xA3\x89\xA3\x93\x85\x6E"
				     "\xC5\x4C\x61\xA3\x89\xA3\x93\x85\x6E\x4C\x61\x83\x88\x81\x95\x95\x85\x93\x6E"
				     "\x4C\x61\x99\xA2\xA2\x6E";
	struct feed *feed = feed_parse(ebcdic, sizeof ebcdic - 1, NULL, NULL, NULL);
	ck_assert_ptr_nonnull(feed);
	ck_assert_str_eq(feed->title, "E");
	ck_assert_str_eq(feed->encoding, "ibm500");
	feed_free(feed);
}
END_TEST

/* Thai grows to three times its size: the buffer is full at any offset when a broken byte comes. */
START_TEST(broken_bytes_where_the_text_grows)
{
	static const char head[] = "<?xml version='1.0' encoding='tis-620'?><rss><channel><title>";
	for (size_t thai = 1; thai < 400; thai++) {
		size_t length = sizeof head - 1 + thai + 2;
		char *data = malloc(length);
		memcpy(data, head, sizeof head - 1);
		memset(data + sizeof head - 1, 0xA1, thai);
		memset(data + length - 2, 0xDB, 2);
		struct feed *feed = feed_parse(data, length, NULL, NULL, NULL);
		ck_assert_ptr_nonnull(feed);
		ck_assert_str_eq(feed->encoding, "cp874");
		ck_assert(feed->repaired);
		feed_free(feed);
		free(data);
	}
}
END_TEST

START_TEST(what_is_no_feed)
{
	static const char *const examples[] = {"",
					       "   ",
					       "plain text",
					       "<html><head><title>404</title></head><body><p>rss</body></html>",
					       "<!DOCTYPE html>\n<HTML><body><item>x</item>",
					       "<svg><path/></svg>",
					       "{\"title\": \"no items\"}",
					       "{",
					       "<"};
	for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
		struct err e = {.text = ""};
		ck_assert_ptr_null(feed_parse(examples[i], strlen(examples[i]), "text/html", "http://x.example/", &e));
		ck_assert_msg(strncmp(e.text, "not a feed: ", 12) == 0, "%s", e.text);
	}
	/* A feed without entries is one. */
	feed_free(parse("<rss/>"));
	feed_free(parse("\n\n<?xml version='1.0'?><feed/> trailing"));
	feed_free(NULL);
}
END_TEST

START_TEST(entities_of_documents)
{
	/* An internal entity counts, a file is never read. */
	struct feed *feed = parse_data("external.xml");
	ck_assert_str_eq(feed->entries[0].title, "Quillon says !");
	feed_free(feed);

	feed = parse_data("bomb.xml");
	ck_assert_uint_eq(feed->entry_count, 1);
	ck_assert_uint_lt(strlen(feed->entries[0].title), FEED_MAX_TEXT);
	feed_free(feed);

	/* The DTD of RSS 0.91 is not fetched, but known. */
	feed = parse("<!DOCTYPE rss PUBLIC '-//Netscape Communications//DTD RSS 0.91//EN' "
		     "'http://my.netscape.com/publish/formats/rss-0.91.dtd'>"
		     "<rss version='0.91'><channel><title>caf&eacute; &lang;&unknown;</title></channel></rss>");
	ck_assert_str_eq(feed->title, "café \u2329&unknown;");
	ck_assert(!feed->repaired);
	feed_free(feed);
}
END_TEST

/* `count` times `unit` between two strings. */
static struct feed *parse_repeated(const char *before, const char *unit, size_t count, const char *after)
{
	size_t head = strlen(before), size = strlen(unit), tail = strlen(after);
	char *text = malloc(head + count * size + tail + 1);
	memcpy(text, before, head);
	for (size_t i = 0; i < count; i++)
		memcpy(text + head + i * size, unit, size);
	memcpy(text + head + count * size, after, tail + 1);
	struct feed *feed = feed_parse(text, head + count * size + tail, NULL, NULL, NULL);
	free(text);
	ck_assert_ptr_nonnull(feed);
	return feed;
}

START_TEST(limits)
{
	struct feed *feed = parse_repeated("<rss><channel>", "<item><title>x</title></item>", FEED_MAX_ENTRIES + 5, "");
	ck_assert_uint_eq(feed->entry_count, FEED_MAX_ENTRIES);
	ck_assert(feed->limited);
	feed_free(feed);

	feed = parse_repeated("{\"items\":[", "{\"id\":\"x\"},", FEED_MAX_ENTRIES + 5, "]}");
	ck_assert_uint_eq(feed->entry_count, FEED_MAX_ENTRIES);
	ck_assert(feed->limited);
	feed_free(feed);

	/* A value too long is cut at a character, the rest of the feed is read. */
	feed = parse_repeated("<rss><channel><item><title>", "€", FEED_MAX_TEXT / 3 + 10,
			      "</title></item><item><title>next</title></item></channel></rss>");
	ck_assert_uint_eq(feed->entry_count, 2);
	ck_assert_uint_eq(strlen(feed->entries[0].title) % 3, 0);
	ck_assert_uint_le(strlen(feed->entries[0].title), FEED_MAX_TEXT);
	ck_assert_str_eq(feed->entries[1].title, "next");
	ck_assert(feed->limited);
	feed_free(feed);

	feed = parse_repeated("<rss><channel><item><title>a</title></item><item><description>", "<a>", 100000, "");
	ck_assert_uint_eq(feed->entry_count, 1);
	ck_assert(feed->limited);
	feed_free(feed);

	feed = parse_repeated("{\"items\":[{\"id\":\"a\"},", "[", 100000, "");
	ck_assert_uint_eq(feed->entry_count, 1);
	feed_free(feed);
}
END_TEST

/* Texts that made some reader quadratic; the timeout of the test is the assertion. */
START_TEST(hostile_documents_take_linear_time)
{
	static const char *const units[] = {"<",      "&",	"<![CDATA[", "<!--",	 "<a b=\"", "<a b='c d=\"", "</ac>",
					    "<id/>",  "&lt;a ", "&lt;!--",   "<item/>",  "<?a ",    "<a xml:base='b'/>",
					    "<p>",    "&#1",	"\xFF",	     "<a xmlns:b='c'/>", "<title>"};
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		feed_free(parse_repeated("<rss><channel><item><description>", units[i], 300000 / one_in(), ""));
}
END_TEST

/* Every prefix of every document: no crash, no leak, and never more entries than the whole has. */
START_TEST(truncated_at_every_byte)
{
	static const char *const names[] = {"rss2.xml", "atom.xml", "rdf.xml", "feed.json", "broken.xml", "external.xml"};
	size_t step = one_in() > 9 ? 5 : 1; /* valgrind alone is that slow */
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		size_t length;
		char *data = read_data(names[i], &length);
		struct feed *whole = feed_parse(data, length, NULL, NULL, NULL);
		for (size_t cut = 0; cut < length; cut += step) {
			/* A copy of exactly that size: reading past its end is seen by the sanitizer. */
			char *part = malloc(cut + 1);
			memcpy(part, data, cut);
			struct feed *feed = feed_parse(part, cut, NULL, NULL, NULL);
			if (feed != NULL)
				ck_assert_uint_le(feed->entry_count, whole->entry_count);
			feed_free(feed);
			free(part);
		}
		feed_free(whole);
		free(data);
	}
}
END_TEST

START_TEST(broken_off_keeps_what_was_whole)
{
	struct feed *feed = parse("<rss><channel><item><guid>1</guid><title>A</title></item>"
				  "<item><title>B</title><description>Half of the");
	ck_assert_uint_eq(feed->entry_count, 2);
	ck_assert(feed->repaired);
	ck_assert(!feed->entries[0].partial && feed->entries[1].partial);
	ck_assert_str_eq(feed->entries[1].title, "B");
	ck_assert_str_eq(feed->entries[1].summary, "");
	feed_free(feed);

	/* Cut between entries, or never closed at all: nothing is partial. */
	feed = parse("<rss><channel><item><guid>1</guid></item><item");
	ck_assert_uint_eq(feed->entry_count, 1);
	ck_assert(!feed->entries[0].partial);
	feed_free(feed);
	feed = parse("<rss><channel><item><guid>1</guid><item><guid>2</guid></channel></rss>");
	ck_assert_uint_eq(feed->entry_count, 2);
	ck_assert(!feed->entries[0].partial && !feed->entries[1].partial);
	feed_free(feed);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("feed");

	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, rss);
	tcase_add_test(tests, atom);
	tcase_add_test(tests, rdf_and_cdf);
	tcase_add_test(tests, json);
	tcase_add_test(tests, what_is_not_xml_any_more);
	tcase_add_test(tests, titles);
	tcase_add_test(tests, summaries_contents_authors);
	tcase_add_test(tests, links_and_their_bases);
	tcase_add_test(tests, identity);
	tcase_add_test(tests, dates_fall_back);
	tcase_add_test(tests, encodings);
	tcase_add_test(tests, wide_encodings);
	tcase_add_test(tests, broken_bytes_where_the_text_grows);
	tcase_add_test(tests, what_is_no_feed);
	tcase_add_test(tests, entities_of_documents);
	tcase_add_test(tests, limits);
	tcase_add_test(tests, hostile_documents_take_linear_time);
	tcase_add_test(tests, truncated_at_every_byte);
	tcase_add_test(tests, broken_off_keeps_what_was_whole);
	return run_case("feed", tests);
}

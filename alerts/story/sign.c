/*
 * A title's signature: MinHash over its words and pairs of neighbouring words.
 * The share of equal hashes estimates the share of common features (Jaccard);
 * pairs bring in the order, words alone forgive it.
 *
 * What a desk adds to a headline when it sends it again is taken off first,
 * and words that all headlines share are not counted: they would make strangers
 * alike.
 *
 * A. Z. Broder: On the resemblance and containment of documents.  Compression
 * and Complexity of Sequences (1997), 21-29.
 */
#include "alerts/fold.h"
#include "alerts/story.h"
#include "alerts/topics/tokens.h"
#include "alerts/topics/vocabulary.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define TITLE_MAX 1000 /* bytes looked at */
#define FOLDED_MAX (TITLE_MAX * 11 + 1 + TOKEN_PADDING)
#define WORDS_MAX 48
#define SHORT_BYTES 16

/* A word and then NULs, so that comparing two is comparing all bytes, which compilers do in an instruction or two. */
typedef char short_word[SHORT_BYTES];

/* By length: a word is compared with those of its own. */
#define STOP_LENGTHS 8
static const char stop_words[STOP_LENGTHS][16][STOP_LENGTHS] = {
	[1] = {"a"},
	[2] = {"an", "as", "at", "be", "by", "in", "is", "it", "of", "on", "or", "to", "up", "us"},
	[3] = {"and", "are", "for", "has", "its", "new", "say", "the", "was"},
	[4] = {"amid", "from", "into", "memo", "more", "over", "said", "says", "than", "that", "were", "will", "with"},
	[5] = {"about", "after"},
	[6] = {"report", "source"},
	[7] = {"reports", "sources"},
};

static const short_word labels[] = {
	"alert", "breaking", "brief", "corrected", "flash", "refile", "repeat", "rpt", "update", "updated", "urgent", "wrapup",
};

#define ALIAS_MAX 4
static const struct {
	short_word written, meant;
} aliases[] = {
	{"bln", "billion"}, {"bn", "billion"}, {"govt", "government"}, {"mln", "million"},
	{"pct", "percent"}, {"trln", "trillion"},
};

struct word {
	uint64_t hash;
	bool stop, number;
};

struct words {
	struct word list[WORDS_MAX];
	size_t count;
	size_t dash, colon; /* words before the last spaced dash or bar, and before the last colon; 0 = none */
};

static bool is_in(const short_word word, const short_word *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (memcmp(word, list[i], SHORT_BYTES) == 0)
			return true;
	}
	return false;
}

#define IS_IN(word, list) is_in(word, list, sizeof(list) / sizeof(list)[0])

static bool is_stop_word(const short_word word, size_t length)
{
	if (length >= STOP_LENGTHS)
		return false;
	for (size_t i = 0; stop_words[length][i][0] != '\0'; i++) {
		if (memcmp(word, stop_words[length][i], STOP_LENGTHS) == 0)
			return true;
	}
	return false;
}

/* False where the token is too long to be one. */
static bool make_short(const struct token *token, short_word out)
{
	if (token->length >= SHORT_BYTES)
		return false;
	memset(out, 0, SHORT_BYTES);
	memcpy(out, token->start, token->length);
	return true;
}

static struct word make_word(const struct token *token)
{
	struct word word = {.number = token->start[0] >= '0' && token->start[0] <= '9'};
	char spelled[SHORT_BYTES + TOKEN_PADDING] = "";
	if (!make_short(token, spelled)) {
		word.hash = vocabulary_hash(token);
		return word;
	}
	word.stop = is_stop_word(spelled, token->length);
	for (size_t i = 0; i < sizeof aliases / sizeof aliases[0] && token->length <= ALIAS_MAX; i++) {
		if (memcmp(spelled, aliases[i].written, SHORT_BYTES) == 0)
			memcpy(spelled, aliases[i].meant, SHORT_BYTES);
	}
	word.hash = vocabulary_hash(&(struct token){(unsigned char *)spelled, (uint32_t)strlen(spelled), TOKEN_WORD});
	return word;
}

/* A label, a number or not, and a dash or a colon: "UPDATE 2-", "BRIEF-", "Breaking: ".  Stays where it is if none is here. */
static bool skip_label(struct token_cursor *cursor)
{
	struct token_cursor look = *cursor;
	struct token token;
	short_word word;
	bool label = false;
	for (int i = 0; i < 5 && token_next(&look, &token); i++) {
		if (i == 0) {
			if (!make_short(&token, word) || !IS_IN(word, labels))
				return false;
		} else if (token.start[0] == '-' || token.start[0] == ':') {
			label = true;
			break;
		} else if (token.kind != TOKEN_GAP && token.start[0] > '9') {
			return false;
		}
	}
	if (label)
		*cursor = look;
	return label;
}

static bool is_dash(const struct token *token)
{
	return token->start[0] == '-' || token->start[0] == '|' ||
	       (token->length == 3 && memcmp(token->start, "\xe2\x80\x94", 3) == 0);
}

static void collect(struct words *words, struct token_cursor *cursor)
{
	struct token token, last = {.start = (const unsigned char *)"", .kind = TOKEN_SIGN};
	while (words->count < WORDS_MAX && token_next(cursor, &token)) {
		if (token.kind == TOKEN_WORD || token.kind == TOKEN_LETTER) {
			bool possessive = last.start[0] == '\'' && token.length == 1 && token.start[0] == 's';
			if (!possessive)
				words->list[words->count++] = make_word(&token);
		} else if (token.kind == TOKEN_SIGN && last.kind == TOKEN_GAP && is_dash(&token)) {
			words->dash = words->count;
		} else if (token.start[0] == ':') {
			words->colon = words->count;
		}
		last = token;
	}
}

static bool has_number(const struct words *words, size_t from)
{
	for (size_t i = from; i < words->count; i++) {
		if (words->list[i].number)
			return true;
	}
	return false;
}

/* Drops the attribution at the end, then the words that all titles share, unless little else is left. */
static void trim(struct words *words)
{
	if (words->dash >= 4 && words->count - words->dash <= 4 && !has_number(words, words->dash))
		words->count = words->dash;
	if (words->colon >= 5 && words->colon <= words->count && words->count - words->colon <= 2 &&
	    !has_number(words, words->colon))
		words->count = words->colon;

	size_t telling = 0;
	for (size_t i = 0; i < words->count; i++)
		telling += !words->list[i].stop;
	if (telling < 3)
		return;
	telling = 0;
	for (size_t i = 0; i < words->count; i++) {
		if (!words->list[i].stop)
			words->list[telling++] = words->list[i];
	}
	words->count = telling;
}

/* A mixing (half of splitmix64's), and four hashes out of each product with another odd number: measured, their estimates
 * scatter as those of independent hashes.  First all of them, then all minima: compilers do eight of those at a time, of
 * signed numbers in one instruction. */
static void add_feature(int16_t least[STORY_HASHES], uint64_t feature)
{
	static const uint64_t factors[STORY_HASHES / 4] = {
		UINT64_C(0xbf58476d1ce4e5b9), UINT64_C(0x94d049bb133111eb), UINT64_C(0xd6e8feb86659fd93),
		UINT64_C(0xe7037ed1a0b428db), UINT64_C(0xa0761d6478bd642f), UINT64_C(0x8ebc6af09c88c6e3),
		UINT64_C(0x589965cc75374cc3), UINT64_C(0x1d8e4e27c47d124f),
	};
	int16_t values[STORY_HASHES];
	feature = (feature ^ feature >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	feature ^= feature >> 27;
	for (size_t i = 0; i < STORY_HASHES / 4; i++) {
		uint64_t mixed = feature * factors[i];
		mixed ^= mixed >> 32;
		memcpy(values + 4 * i, &mixed, sizeof mixed);
	}
	for (size_t i = 0; i < STORY_HASHES; i++)
		least[i] = values[i] < least[i] ? values[i] : least[i];
}

void story_sign(const char *title, size_t length, struct story_signature *out)
{
	char folded[FOLDED_MAX];
	int16_t least[STORY_HASHES];
	struct words words; /* the list is not emptied: that would cost as much as filling it */
	struct token_cursor cursor;
	size_t folded_length = fold_text(title, length < TITLE_MAX ? length : TITLE_MAX, folded, sizeof folded - TOKEN_PADDING);
	memset(folded + folded_length, 0, TOKEN_PADDING);
	token_start(&cursor, folded, folded_length);
	for (int i = 0; i < 4 && skip_label(&cursor); i++)
		continue;
	words.count = words.dash = words.colon = 0;
	collect(&words, &cursor);
	trim(&words);

	memset(out, 0, sizeof *out);
	for (size_t i = 0; i < STORY_HASHES; i++)
		least[i] = INT16_MAX;
	out->words = (uint32_t)words.count;
	for (size_t i = 0; i < words.count; i++) {
		uint64_t hash = words.list[i].hash;
		add_feature(least, hash);
		if (i > 0)
			add_feature(least, (words.list[i - 1].hash ^ hash >> 17) * UINT64_C(0x9e3779b97f4a7c15));
		if (words.list[i].number)
			out->numbers |= UINT32_C(1) << (hash & 31) | UINT32_C(1) << (hash >> 5 & 31);
		if (i < 2)
			out->head[i] = (uint16_t)(hash >> 16);
	}
	memcpy(out->minhash, least, sizeof least);
}

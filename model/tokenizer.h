#ifndef MODEL_TOKENIZER_H
#define MODEL_TOKENIZER_H

#include "daemon/base/err.h"
#include "model/normalize.h"
#include "model/vocab.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * WordPiece over a BERT vocabulary: text in, token ids out.
 *
 * The ids equal those of Hugging Face's fast BertWordPieceTokenizer on every
 * input.  Bytes that are not UTF-8 are read as U+FFFD, one for each maximal
 * ill-formed part, as Python's decode("utf-8", "replace") does.
 *
 * A tokenizer is read-only after tokenizer_open: any number of threads may
 * encode with it.  Encoding cannot fail and allocates nothing.
 */
struct tokenizer;

/* `vocab_path` is a vocab.txt: one token a line, its id the line's number from 0.  `lower_case` also strips accents, as
 * do_lower_case does.  Fails where the file cannot be read or lacks [UNK], [CLS] or [SEP]. */
struct tokenizer *tokenizer_open(const char *vocab_path, bool lower_case, struct err *e);

/* As a Hugging Face directory says: its vocab.txt, and do_lower_case of its tokenizer_config.json (true where the file or
 * the key is missing).  Fails also where that file asks for something that this tokeniser does not do. */
struct tokenizer *tokenizer_open_model(const char *directory, struct err *e);

void tokenizer_free(struct tokenizer *tokenizer);

/* Owned by the tokenizer. */
const struct vocab *tokenizer_vocab(const struct tokenizer *tokenizer);
const struct normalizer *tokenizer_normalizer(const struct tokenizer *tokenizer);

/* Ids of the vocabulary: one above the highest id that encoding can return. */
size_t tokenizer_vocab_size(const struct tokenizer *tokenizer);

/* Writes [CLS], the text's ids and [SEP]; returns how many.  What does not fit in `max` is cut before [SEP], as Hugging
 * Face's truncation to `max` does; reading stops there, so a long text costs no more than the part that fits.
 * `max` must be at least 2. */
size_t tokenizer_encode(const struct tokenizer *tokenizer, const char *text, size_t length, int32_t *ids, size_t max);

/* Takes the next `count` > 0 ids of a text. */
typedef void tokenizer_sink(void *context, const int32_t *ids, size_t count);

/* As tokenizer_encode, but untruncated: the ids go to `sink` in order, some hundreds at a time, on the calling thread. */
void tokenizer_encode_all(const struct tokenizer *tokenizer, const char *text, size_t length, tokenizer_sink *sink,
			  void *context);

#endif

/*
 * Why tokens and not bytes: a phrase matches whole words only, so nothing can
 * begin or end inside a word, and an automaton over bytes would walk through
 * every word of the text to find that out, in tables that grow with the watch
 * list until they leave the caches.  Over tokens a text costs one hash look-up
 * a word, nearly always of a word that no phrase holds, and the automaton stays
 * at its root.  10,000 phrases then cost about what 10 do.
 *
 * A. V. Aho, M. J. Corasick: Efficient string matching: an aid to bibliographic
 * search.  Communications of the ACM 18 (1975), 333-340.
 */
#include "alerts/topics/phrases.h"

#include "alerts/topics/vocabulary.h"
#include "daemon/base/check.h"

#include <stdbool.h>
#include <stdlib.h>

#define ROOT 0
#define NO_PHRASE UINT32_MAX

struct node {
	uint32_t fail;   /* node of the longest proper suffix that is in the trie */
	uint32_t report; /* this node where a phrase ends here, else that of its fail; ROOT = none */
	uint32_t phrase;
	uint32_t depth;
	uint32_t parent, token; /* for building */
	bool ticker;     /* "$" and one word: "$BA" */
};

/* (node, token) -> node, open addressing, at most half full; `to` == ROOT: free. */
struct edge {
	uint32_t from, token, to;
};

struct phrases {
	struct vocabulary vocabulary;
	struct node *nodes;
	uint32_t node_count, node_capacity;
	struct edge *edges;
	uint32_t edge_mask;
	uint32_t *from_root; /* by token, when compiled: most steps begin there */
	uint32_t count;
};

static uint32_t edge_slot(const struct phrases *p, uint32_t from, uint32_t token)
{
	uint64_t key = ((uint64_t)from << 32 | token) * UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(key >> 32) & p->edge_mask;
}

static uint32_t child(const struct phrases *p, uint32_t from, uint32_t token)
{
	for (uint32_t at = edge_slot(p, from, token);; at = (at + 1) & p->edge_mask) {
		const struct edge *edge = &p->edges[at];
		if (edge->to == ROOT || (edge->from == from && edge->token == token))
			return edge->to;
	}
}

static void insert_edge(struct phrases *p, struct edge edge)
{
	uint32_t at = edge_slot(p, edge.from, edge.token);
	while (p->edges[at].to != ROOT)
		at = (at + 1) & p->edge_mask;
	p->edges[at] = edge;
}

static uint32_t add_node(struct phrases *p, uint32_t parent, uint32_t token)
{
	if (p->node_count == p->node_capacity) {
		p->node_capacity *= 2;
		p->nodes = xrealloc(p->nodes, p->node_capacity * sizeof *p->nodes);
	}
	uint32_t number = p->node_count++;
	CHECK(number < UINT32_MAX / 4);
	p->nodes[number] = (struct node){
		.phrase = NO_PHRASE, .parent = parent, .token = token,
		.depth = number == ROOT ? 0 : p->nodes[parent].depth + 1,
	};
	if (number == ROOT)
		return number;
	if (p->node_count * 2 > p->edge_mask) {
		p->edge_mask = p->edge_mask * 2 + 1;
		free(p->edges);
		p->edges = xcalloc(p->edge_mask + 1UL, sizeof *p->edges);
		for (uint32_t i = 1; i < number; i++)
			insert_edge(p, (struct edge){p->nodes[i].parent, p->nodes[i].token, i});
	}
	insert_edge(p, (struct edge){parent, token, number});
	return number;
}

struct phrases *phrases_create(void)
{
	struct phrases *p = xcalloc(1, sizeof *p);
	vocabulary_init(&p->vocabulary);
	p->node_capacity = 64;
	p->nodes = xmalloc(p->node_capacity * sizeof *p->nodes);
	p->edge_mask = 127;
	p->edges = xcalloc(p->edge_mask + 1UL, sizeof *p->edges);
	add_node(p, ROOT, VOCABULARY_NONE);
	return p;
}

void phrases_free(struct phrases *p)
{
	if (p == NULL)
		return;
	vocabulary_clear(&p->vocabulary);
	free(p->nodes);
	free(p->edges);
	free(p->from_root);
	free(p);
}

uint32_t phrases_add(struct phrases *p, const char *folded, size_t length)
{
	struct token_cursor cursor;
	struct token token;
	uint32_t node = ROOT;
	token_start(&cursor, folded, length);
	while (token_next(&cursor, &token)) {
		uint32_t number = vocabulary_add(&p->vocabulary, &token);
		uint32_t next = child(p, node, number);
		node = next != ROOT ? next : add_node(p, node, number);
	}
	CHECK(node != ROOT);
	if (p->nodes[node].phrase == NO_PHRASE) {
		p->nodes[node].phrase = p->count++;
		bool after_sign = p->nodes[node].depth == 2 && token.start == (const unsigned char *)folded + 1;
		p->nodes[node].ticker = folded[0] == '$' && after_sign && token.kind == TOKEN_WORD;
	}
	return p->nodes[node].phrase;
}

static uint32_t step(const struct phrases *p, uint32_t node, uint32_t token)
{
	while (node != ROOT) {
		uint32_t next = child(p, node, token);
		if (next != ROOT)
			return next;
		node = p->nodes[node].fail;
	}
	return p->from_root[token];
}

/* The nodes in the order of their depth: a node's fail is less deep than the node. */
static uint32_t *by_depth(const struct phrases *p)
{
	uint32_t deepest = 0;
	for (uint32_t i = 0; i < p->node_count; i++)
		deepest = p->nodes[i].depth > deepest ? p->nodes[i].depth : deepest;
	uint32_t *start = xcalloc(deepest + 2UL, sizeof *start);
	uint32_t *order = xmalloc(p->node_count * sizeof *order);
	for (uint32_t i = 0; i < p->node_count; i++)
		start[p->nodes[i].depth + 1]++;
	for (uint32_t d = 1; d <= deepest; d++)
		start[d] += start[d - 1];
	for (uint32_t i = 0; i < p->node_count; i++)
		order[start[p->nodes[i].depth]++] = i;
	free(start);
	return order;
}

void phrases_compile(struct phrases *p)
{
	p->from_root = xcalloc(VOCABULARY_FIRST + (unsigned long)p->vocabulary.count, sizeof *p->from_root);
	uint32_t *order = by_depth(p);
	for (uint32_t i = 1; i < p->node_count; i++) {
		struct node *node = &p->nodes[order[i]];
		if (node->depth == 1)
			p->from_root[node->token] = order[i];
		else
			node->fail = step(p, p->nodes[node->parent].fail, node->token);
		node->report = node->phrase != NO_PHRASE ? order[i] : p->nodes[node->fail].report;
	}
	free(order);
}

uint32_t phrases_count(const struct phrases *p)
{
	return p->count;
}

void phrases_scan(const struct phrases *p, const char *folded, size_t length, phrase_found *found, void *context)
{
	struct token_cursor cursor;
	struct token token;
	uint32_t at = ROOT;
	uint32_t position = 0;
	token_start(&cursor, folded, length);
	while (token_next(&cursor, &token)) {
		position++;
		uint32_t number = vocabulary_find(&p->vocabulary, &token);
		if (number == VOCABULARY_NONE) {
			at = ROOT;
			position += token_skip_gap(&cursor); /* no phrase begins with one */
			continue;
		}
		at = step(p, at, number);
		for (uint32_t r = p->nodes[at].report; r != ROOT; r = p->nodes[p->nodes[r].fail].report) {
			const struct node *node = &p->nodes[r];
			if (!node->ticker || !token_ticker_goes_on(&cursor))
				found(context, node->phrase, position - node->depth, position);
		}
	}
}

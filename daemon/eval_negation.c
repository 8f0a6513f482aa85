#include "daemon/eval_noise.h"

#include <string.h>

/*
 * A denial is told by the denying word alone: everything else of the sentence
 * stays.  What it says instead is open to argument (a dividend that was not cut
 * is good news, or none), so that it is right where it is not what it denies.
 */
static const struct pair {
	int polarity;
	const char *plain, *negated;
} pairs[] = {
	{0, "Orvane cut its dividend", "Orvane did not cut its dividend"},
	{0, "Quillmark shares fell after the report", "Quillmark shares did not fall after the report"},
	{0, "Veldacor lowered its outlook for the year", "Veldacor has not lowered its outlook for the year"},
	{0, "Tessarow will close the plant and lay off 400 workers", "Tessarow will not close the plant and lays off nobody"},
	{0, "Brumholt misses quarterly earnings estimates", "Brumholt does not miss quarterly earnings estimates"},
	{0, "The regulator fined Corvessa over its accounts", "The regulator did not fine Corvessa over its accounts"},
	{0, "Pelliqua is losing customers to its rivals", "Pelliqua is not losing customers to its rivals"},
	{0, "Halvorne warns of weaker demand", "Halvorne does not warn of weaker demand"},
	{0, "Wexmoor defaulted on its bonds", "Wexmoor never defaulted on its bonds"},
	{0, "Analysts downgraded Zarventis to sell", "Analysts have not downgraded Zarventis to sell"},
	{0, "Kestrovan recalls 90,000 cars over faulty brakes", "Kestrovan recalls no cars and denies faulty brakes"},
	{0, "Nantrill reported a loss for the third quarter", "Nantrill reported no loss for the third quarter"},
	{0, "The strike hurt output at Brumholt", "The strike did not hurt output at Brumholt"},
	{0, "Orvane faces a lawsuit from shareholders", "Orvane no longer faces a lawsuit from shareholders"},
	{0, "Margins at Quillmark are shrinking", "Margins at Quillmark are not shrinking"},
	{0, "Veldacor suspended its buyback", "Veldacor did not suspend its buyback"},
	{2, "Orvane raised its dividend", "Orvane did not raise its dividend"},
	{2, "Quillmark shares rose after the report", "Quillmark shares did not rise after the report"},
	{2, "Veldacor beat analysts' estimates", "Veldacor did not beat analysts' estimates"},
	{2, "Tessarow expects strong growth next year", "Tessarow does not expect strong growth next year"},
	{2, "Brumholt won a contract worth $2 billion", "Brumholt did not win a contract worth $2 billion"},
	{2, "The regulator approved Corvessa's new drug", "The regulator has not approved Corvessa's new drug"},
	{2, "Pelliqua is gaining market share", "Pelliqua is not gaining market share"},
	{2, "Halvorne lifts its full-year guidance", "Halvorne does not lift its full-year guidance"},
	{2, "Wexmoor returned to profit", "Wexmoor has not returned to profit"},
	{2, "Analysts upgraded Zarventis to buy", "Analysts have not upgraded Zarventis to buy"},
	{2, "Kestrovan sales reached a record", "Kestrovan sales failed to reach a record"},
	{2, "Nantrill reported higher profit for the third quarter", "Nantrill reported no higher profit for the third quarter"},
	{2, "Demand for Brumholt's engines is strong", "Demand for Brumholt's engines is not strong"},
	{2, "Orvane's turnaround is working", "Orvane's turnaround is not working"},
	{2, "Margins at Quillmark are improving", "Margins at Quillmark are not improving"},
	{2, "Veldacor will increase its buyback", "Veldacor will not increase its buyback"},
};
enum { PAIRS = sizeof pairs / sizeof *pairs };

int eval_negation_run(struct eval_negation *negation, const struct eval_model *model, struct err *e)
{
	struct text texts[2 * PAIRS];
	float logits[2 * PAIRS][3];
	int answers[2 * PAIRS];
	for (size_t i = 0; i < PAIRS; i++) {
		texts[2 * i] = (struct text){pairs[i].plain, strlen(pairs[i].plain)};
		texts[2 * i + 1] = (struct text){pairs[i].negated, strlen(pairs[i].negated)};
	}
	*negation = (struct eval_negation){.pairs = PAIRS};
	if (eval_model_run(model, texts, sizeof texts / sizeof *texts, &logits[0][0], e) < 0)
		return -1;
	eval_answers(&logits[0][0], sizeof texts / sizeof *texts, 3, answers);
	for (size_t i = 0; i < PAIRS; i++) {
		negation->plain_right += answers[2 * i] == pairs[i].polarity;
		negation->negated_right += answers[2 * i + 1] != pairs[i].polarity;
	}
	return 0;
}

#include "model/train/noise_lists.h"

#include <string.h>
#include <strings.h>

/* Companies that do not exist. */
const struct noise_company noise_companies[] = {
	{"Orvane Holdings", "$ORVQ"},   {"Quillmark", "$QZLM"},	    {"Tessarow Group", "$TSQW"},
	{"Brumholt Industries", "$BRZH"}, {"Veldacor", "$VLZQ"},	    {"Nantrill Foods", "$NQTL"},
	{"Corvessa", "$ZVSQ"},	        {"Halvorne Energy", "$HQVR"}, {"Pelliqua", "$PLQZ"},
	{"Wexmoor Capital", "$WXQM"},   {"Zarventis", "$ZRVQ"},	    {"Kestrovan Motors", "$KQTV"},
};
const size_t noise_company_count = sizeof noise_companies / sizeof *noise_companies;

/* They say "look" or "news", not "up" or "sad". */
const char *const noise_emoji[] = {"📰", "👀", "🔔", "📌", "💬", "🗞️", "⏰", "🤔", "🔎", "📊", "🧵", "☕"};
const size_t noise_emoji_count = sizeof noise_emoji / sizeof *noise_emoji;

const char *const noise_synonyms[] = {
	"fell dropped declined slid", "falls drops declines slides", "falling dropping declining sliding",
	"rose climbed advanced", "rises climbs advances", "rising climbing advancing",
	"plunged tumbled sank", "plunges tumbles sinks", "plunging tumbling sinking",
	"surged soared jumped", "surges soars jumps", "surging soaring jumping",
	"shares stock", "profits earnings", "revenue sales", "company firm", "companies firms",
	"forecast outlook guidance", "estimates projections", "beats tops exceeds", "beat topped exceeded",
	"lowers trims reduces", "lowered trimmed reduced", "raises lifts boosts", "raised lifted boosted",
	"warns cautions", "warned cautioned", "warning caution",
	"big large", "buys purchases acquires", "bought purchased acquired", "buying purchasing acquiring",
	"deal agreement", "deals agreements", "plans intends", "planned intended", "names appoints", "named appointed",
	"starts begins", "started began", "ends finishes", "ended finished", "investors shareholders",
	"workers employees staff", "layoffs dismissals", "growth expansion", "weak soft feeble", "strong robust solid",
	"about around roughly", "nearly almost", "said stated", "says states", "reports posts announces",
	"reported posted announced", "loss deficit", "losses deficits", "lawsuit suit", "likely probable",
	"expects anticipates", "expected anticipated", "concerns worries fears", "hits reaches", "new fresh",
	"talks negotiations", "probe investigation inquiry", "goal target", "goals targets", "factory plant",
	"factories plants", "chief head", "customers clients", "launches introduces", "launched introduced",
	"cancels scraps", "cancelled scrapped", "delays postpones", "delayed postponed", "approves clears",
	"approved cleared", "rejects refuses", "rejected refused", "wins secures", "won secured",
};
const size_t noise_synonym_count = sizeof noise_synonyms / sizeof *noise_synonyms;

bool noise_is_common(const char *word, size_t length)
{
	static const char *const common[] = {
		"a", "an", "the", "and", "but", "or", "if", "in", "on", "at", "by", "for", "from", "of", "to", "with", "as", "after",
		"before", "this", "that", "these", "those", "it", "its", "he", "she", "we", "they", "i", "you", "our", "their", "his",
		"her", "is", "are", "was", "were", "will", "has", "have", "not", "no", "new", "more", "here", "there", "what", "why",
		"how", "when", "who", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "january",
		"february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
		"ceo", "cfo", "coo", "chief", "executive", "president", "chairman", "director", "eps", "ebit", "ebitda", "gaap",
		"ipo", "etf", "gdp", "cpi", "fed", "us", "u.s", "uk", "eu", "eur", "usd", "gbp", "euro", "q1", "q2", "q3", "q4",
		"fy", "h1", "h2", "yoy", "update", "breaking", "stocks", "shares", "markets", "market", "profit", "revenue", "sales",
		"earnings", "net", "operating", "mr", "mrs", "ms", "dr", "rs", "mt", "nyse", "nasdaq", "nse", "bse", "ftse",
		"dow", "quarter", "dividend", "rt", "ai", "pt", "pm", "am", "et", "buy", "sell", "hold",
	};
	for (size_t i = 0; i < sizeof common / sizeof *common; i++)
		if (strlen(common[i]) == length && strncasecmp(common[i], word, length) == 0)
			return true;
	return false;
}

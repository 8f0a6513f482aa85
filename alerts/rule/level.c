/*
 * How many stories an average day has, and how its share of bad ones is.
 *
 * Most topics are written about less than once a day and in clusters, so the
 * level is an estimate pulled towards a prior over topics, high and light (fifty
 * stories a day on the evidence of one story): a topic without history needs a
 * strong spike, and a quiet topic is known as quiet within days.  Older days
 * count less (half after 45 days), and where the last weeks were busier than
 * that says, theirs is used.
 *
 * A busy topic is known better than that: a feed that grows by a thousandth a
 * day or doubles at once is no crisis.  So other ways to forecast compete, and
 * one of them is used where on this topic's own past it forecast days, four days
 * ahead, clearly better.
 *
 * A day is cut at three standard deviations from what was expected (past spikes
 * weigh less, and so do holidays), or from the middle of the five days around
 * it: what lasts three days is no spike but the new level.
 */
#include "alerts/rule/private.h"

#include <math.h>

static const double recent_prior_days = 3, light_days = 0.2;
static const double prior_level = 50, prior_stories = 1;               /* a day; on the evidence of */
static const double prior_dispersion = 2, prior_dispersion_mass = 4.5; /* pooled over topics; in expected stories */
static const double cut_deviations = 3;
static const double many = 1000; /* a day: growth by parts shows, and all counts have logarithms */
static const double prior_share = 0.3, prior_share_stories = 10;
static const double prior_mean = 0, prior_mean_stories = 10, score_variance = 0.4;
static const double prior_spread = 0.02, prior_spread_mass = 50;       /* of a day's own share or mean; in pairs of stories */

double rule_middle(double *values, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		double value = values[i];
		size_t place = i;

		for (; place > 0 && values[place - 1] > value; place--)
			values[place] = values[place - 1];
		values[place] = value;
	}
	return values[count / 2];
}

/* For each day, the middle of the levels of the five days around it. */
static void middles_of_five(const struct day *days, size_t count, double middles[DAYS_MOST])
{
	double all[DAYS_MOST], five[5];

	for (size_t d = 0; d < count; d++)
		all[d] = days[d].exposure > 0 ? days[d].count / days[d].exposure : 0;
	for (size_t d = 0; d < count; d++) {
		size_t from = d < 2 ? 0 : d + 3 > count ? (count < 5 ? 0 : count - 5) : d - 2, n = 0;

		for (size_t i = from; i < count && n < 5; i++)
			five[n++] = all[i];
		middles[d] = rule_middle(five, n);
	}
}

/* A day's count, cut where it is far from what was expected. */
static double cut_count(const struct day *day, double middle, const struct usual *usual)
{
	double mean = usual->level * day->exposure, around = middle * day->exposure;
	double high = mean > around ? mean : around, low = mean > around ? around : mean;

	if (day->count >= low - 1 && day->count <= high + 1)
		return day->count;
	high += cut_deviations * sqrt(high * usual->dispersion) + 1;
	low -= cut_deviations * sqrt(low * usual->dispersion) + 1;
	return fmax(fmin(day->count, high), low);
}

/* Against the forecasts, where there are any: in a topic that grows, the oldest days are far from the present level. */
static double dispersion_of(const struct day *days, size_t count, double level)
{
	double squares = prior_dispersion_mass * prior_dispersion, expected = prior_dispersion_mass;
	bool forecasts = count > 0 && days[0].forecast >= 0;

	for (size_t d = 0; d < count && (!forecasts || days[d].forecast >= 0); d++) {
		double mean = (forecasts ? days[d].forecast : level) * days[d].exposure, off = days[d].kept - mean;

		squares += days[d].root * off * off;
		expected += days[d].root * mean;
	}
	return fmax(squares / expected, 1);
}

static double count_of(const struct tally *tally, enum rule_metric metric)
{
	return metric == RULE_NEGATIVE_COUNT ? tally->negative : tally->stories;
}

/* Level and dispersion depend on each other through the cut: a few rounds, the first without it, settle them. */
struct usual level_learn(struct day *days, size_t count, enum rule_metric metric)
{
	struct usual usual = {.level = prior_level, .dispersion = prior_dispersion};
	double middles[DAYS_MOST];

	for (size_t d = 0; d < count; d++) {
		days[d].count = days[d].kept = count_of(&days[d].tally, metric);
		days[d].forecast = -1;
	}
	middles_of_five(days, count, middles);
	for (int round = 0; round < 4; round++) {
		double sum = prior_stories, exposure = prior_stories / prior_level;

		for (size_t d = 0; d < count; d++) {
			sum += days[d].weight * days[d].kept;
			exposure += days[d].weight * days[d].exposure;
		}
		usual.level = sum / exposure;
		usual.support = sum;
		usual.dispersion = dispersion_of(days, count, usual.level);
		for (size_t d = 0; d < count; d++)
			days[d].kept = cut_count(&days[d], middles[d], &usual);
	}
	return usual;
}

/* ---- forecasts ---- */

/*
 * Ways to forecast.  Before TREND levels, each with a half-life in `keep`; from TREND on lines, through counts and through their
 * logarithms.  One that has nothing to say repeats another one before it, which is then taken.
 */
enum model { USUAL, RECENT, QUICK, TREND, GROWTH, MODELS };

/* Sums over the days so far, older ones fading; w... are moments of the time before the newest, of counts and their logarithms. */
struct sums {
	double stories[TREND], exposure[TREND];
	double w, wt, wtt, wy, wty, wl, wtl;
};

static void sums_add(struct sums *sums, const struct day *day)
{
	static const double keep[TREND] = {0.984715, 0.905724, 0.629961}; /* a day later: half after 45, 7, 1.5 days */
	static const double fade = 0.951695;                              /* half after 14 */

	for (int m = 0; m < TREND; m++) {
		sums->stories[m] = keep[m] * sums->stories[m] + day->kept;
		sums->exposure[m] = keep[m] * sums->exposure[m] + day->exposure;
	}
	sums->wtt = fade * (sums->wtt - 2 * sums->wt + sums->w);
	sums->wty = fade * (sums->wty - sums->wy);
	sums->wtl = fade * (sums->wtl - sums->wl);
	sums->wt = fade * (sums->wt - sums->w);
	sums->w = fade * sums->w + day->exposure;
	sums->wy = fade * sums->wy + day->kept;
	sums->wl = fade * sums->wl + (day->exposure > 0 ? day->exposure * log((day->kept + 0.5) / day->exposure) : 0);
}

/* The line by least squares through what `y` and `ty` are moments of: its slope, and its height in so many days. */
static double line_slope(const struct sums *sums, double y, double ty)
{
	return (sums->w * ty - sums->wt * y) / (sums->w * sums->wtt - sums->wt * sums->wt);
}

static double line_ahead(const struct sums *sums, double y, double ty, double days)
{
	double slope = line_slope(sums, y, ty);

	return (y - slope * sums->wt) / sums->w + slope * days;
}

/* No forecast is far from the last weeks. */
static double near_recent(double level, double recent)
{
	return fmin(fmax(level, recent / 2), 2 * recent);
}

/*
 * A straight line lies below a topic that grows by the same part each day: by a
 * fifth of a per cent where it doubles in a year, which ten thousand stories an
 * hour show.  Few stories say nothing of such a curve, and have no logarithms.
 */
static void trends_ahead(const struct sums *sums, double days, double levels[MODELS])
{
	double recent = levels[RECENT];

	levels[TREND] = levels[GROWTH] = recent;
	if (sums->w < 1 || sums->w * sums->wtt - sums->wt * sums->wt < 1)
		return;
	levels[TREND] = levels[GROWTH] = near_recent(line_ahead(sums, sums->wy, sums->wty, days), recent);
	if (recent >= many)
		levels[GROWTH] = near_recent(exp(line_ahead(sums, sums->wl, sums->wtl, days)), recent);
}

static void forecast_all(const struct sums *sums, double days, double levels[MODELS])
{
	double usual = (prior_stories + sums->stories[USUAL]) / (prior_stories / prior_level + sums->exposure[USUAL]);

	levels[RECENT] = (light_days * usual + sums->stories[RECENT]) / (light_days + sums->exposure[RECENT]);
	levels[QUICK] = (light_days * levels[RECENT] + sums->stories[QUICK]) / (light_days + sums->exposure[QUICK]);
	trends_ahead(sums, days, levels);
	levels[USUAL] = fmax(usual, (recent_prior_days * usual + sums->stories[RECENT]) /
					    (recent_prior_days + sums->exposure[RECENT]));
}

/* The way that did best, where it did so by more than chance: twice the gain in logarithmic likelihood. */
static enum model choose(const double squares[MODELS], double weights)
{
	static const double least_gain = 8;
	enum model best = USUAL;

	for (int m = USUAL + 1; m < MODELS; m++)
		if (squares[m] < squares[best])
			best = m;
	return weights * log(squares[USUAL] / squares[best]) > least_gain ? best : USUAL;
}

struct usual level_forecast(struct day *days, size_t count, struct usual usual)
{
	static const double most_growth = 0.2; /* a day: twofold in the days that are forecast */
	enum { AHEAD = GAP_HOURS / DAY_HOURS + 1, FIRST = 14 };
	double forecasts[DAYS_MOST][MODELS], squares[MODELS] = {0}, weights = 0, now[MODELS];
	struct sums sums = {0};
	enum model best = USUAL;

	for (size_t d = count; d-- > 0;) {
		struct day *day = &days[d >= AHEAD ? d - AHEAD : 0];

		sums_add(&sums, &days[d]);
		if (d < AHEAD || count - d < FIRST)
			continue;
		forecast_all(&sums, AHEAD, forecasts[d - AHEAD]);
		day->forecast = 0;
		weights += day->weight * (day->exposure > 0);
		for (int m = 0; m < MODELS; m++) {
			double mean = forecasts[d - AHEAD][m] * day->exposure, off = day->kept - mean;

			squares[m] += day->exposure > 0 ? day->weight * off * off / mean : 0;
		}
	}
	forecast_all(&sums, AHEAD - 0.5, now); /* from the middle of the newest day to the baseline's hour */
	if (weights > 0)
		best = choose(squares, weights);
	for (size_t d = 0; d < count; d++)
		if (days[d].forecast >= 0)
			days[d].forecast = forecasts[d][best];
	usual.level = now[best];
	usual.dispersion = dispersion_of(days, count, usual.level);
	if (best != USUAL)
		usual.support = prior_stories + (best >= TREND ? sums.wy : sums.stories[best]);
	if (best == GROWTH && now[RECENT] >= many)
		usual.growth = fmin(fmax(line_slope(&sums, sums.wl, sums.wtl), -most_growth), most_growth);
	return usual;
}

/*
 * A share or a mean: the level is pooled over stories, and its variance from
 * day to day is what is left of the days' squares when the scatter of single
 * stories is taken away.
 */
struct usual tone_learn(const struct day *days, size_t count, bool share)
{
	double sum = share ? prior_share * prior_share_stories : prior_mean * prior_mean_stories;
	double scatter, between = prior_spread * prior_spread_mass, pairs = prior_spread_mass;
	struct usual usual = {.support = share ? prior_share_stories : prior_mean_stories};

	for (size_t d = 0; d < count; d++) {
		const struct tally *tally = &days[d].tally;

		sum += days[d].weight * (share ? tally->negative : (double)tally->score / 1e6);
		usual.support += days[d].weight * tally->judged;
	}
	usual.level = sum / usual.support;
	scatter = share ? usual.level * (1 - usual.level) : score_variance;
	for (size_t d = 0; d < count; d++) {
		double judged = days[d].tally.judged;
		double off = (share ? days[d].tally.negative : (double)days[d].tally.score / 1e6) - judged * usual.level;

		between += days[d].weight * (off * off - judged * scatter);
		pairs += days[d].weight * judged * (judged - 1);
	}
	usual.dispersion = fmax(between / pairs, prior_spread / 10);
	return usual;
}

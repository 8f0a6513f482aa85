/*
 * What to expect of a topic, from its hourly counts.
 *
 * Most topics are written about less than once a day and in clusters, so
 * everything is an estimate pulled towards something coarser: the hours of the
 * week towards hours of the day and weekday / weekend, these towards a flat
 * week, the level and the dispersion towards a prior over topics.  The prior's
 * level is high and light (fifty stories a day on the evidence of one story): a
 * topic without history needs a strong spike, and a quiet topic is known as
 * quiet within days.
 *
 * The last three days are left out, as the baseline of EARS C2 leaves out two
 * (Hutwagner et al., Emerging Infectious Diseases 2003): a crisis that is being
 * rumoured must not become its own baseline.  While a topic is younger than
 * six days, half its age is left out.  A day's count is cut at three standard
 * deviations above what was expected (past spikes weigh less), and older days
 * count less (half after 45 days); where the last weeks were busier than that
 * level says, theirs is used.
 */
#include "alerts/rule.h"

#include <math.h>
#include <string.h>

enum { DAY_HOURS = 24, GAP_HOURS = 72, DAYS = RULE_HISTORY_HOURS / DAY_HOURS };

static const double half_life_days = 45, recent_half_life_days = 7, recent_prior_days = 3;
static const double prior_level = 50, prior_stories = 1;           /* a day; on the evidence of */
static const double prior_dispersion = 2, prior_dispersion_mass = 4.5; /* pooled over topics; in expected stories */
static const double profile_stories = 30;                          /* how firmly a flat profile is believed */
static const double cut_deviations = 3;
static const double prior_share = 0.3, prior_share_stories = 10;
static const double prior_mean = 0, prior_mean_stories = 10, score_variance = 0.4;
static const double prior_spread = 0.02, prior_spread_mass = 50;   /* of a day's own share or mean; in pairs of stories */

int32_t rule_baseline_hour(const struct window *hours, int32_t cell)
{
	int32_t hour = cell / 60, age = window_size(hours) ? hour - window_oldest(hours) : 0;
	int32_t every = age < 2 * DAY_HOURS ? 1 : age < 14 * DAY_HOURS ? 6 : DAY_HOURS;

	return hour / every * every;
}

/* The hours that are learnt from: [begin, end). */
struct span {
	int32_t begin, end;
};

static struct span span_of(const struct window *hours, int32_t hour)
{
	struct span span = {hour, hour};
	int32_t age, gap;

	if (window_size(hours) == 0 || window_oldest(hours) >= hour)
		return span;
	age = hour - window_oldest(hours);
	gap = age / 2 < GAP_HOURS ? age / 2 : GAP_HOURS;
	span.end = hour - gap;
	span.begin = window_oldest(hours);
	if (span.end - span.begin > RULE_HISTORY_HOURS - GAP_HOURS)
		span.begin = span.end - (RULE_HISTORY_HOURS - GAP_HOURS);
	return span;
}

static double count_of(const struct tally *tally, enum rule_metric metric)
{
	return metric == RULE_VOLUME ? tally->stories : tally->negative;
}

/* Hour of the week, Monday 0:00 = 0; hour 0 of 1970 was a Thursday. */
static int hour_of_week(int32_t hour)
{
	int64_t position = ((int64_t)hour + 3 * DAY_HOURS) % RULE_WEEK_HOURS;

	return (int)(position < 0 ? position + RULE_WEEK_HOURS : position);
}

static bool is_weekend(int hour_of_week)
{
	return hour_of_week >= 5 * DAY_HOURS;
}

/* Observed over expected, believed as far as there are counts. */
static double shrunk(double observed, double expected)
{
	return (profile_stories + observed) / (profile_stories + expected);
}

static void scale_to_mean_one(double profile[RULE_WEEK_HOURS])
{
	double sum = 0;

	for (int i = 0; i < RULE_WEEK_HOURS; i++)
		sum += profile[i];
	for (int i = 0; i < RULE_WEEK_HOURS; i++)
		profile[i] *= RULE_WEEK_HOURS / sum;
}

/* Day of the week (weekday or weekend) times hour of the day, smoothed over its neighbours. */
static void coarse_profile(double profile[RULE_WEEK_HOURS], const double counts[RULE_WEEK_HOURS],
			   const double exposure[RULE_WEEK_HOURS], double mean)
{
	double part[2] = {0}, part_expected[2] = {0}, hour[DAY_HOURS] = {0}, hour_expected[DAY_HOURS] = {0};
	double factor[DAY_HOURS];

	for (int i = 0; i < RULE_WEEK_HOURS; i++) {
		part[is_weekend(i)] += counts[i];
		part_expected[is_weekend(i)] += mean * exposure[i];
		hour[i % DAY_HOURS] += counts[i];
		hour_expected[i % DAY_HOURS] += mean * exposure[i];
	}
	for (int h = 0; h < DAY_HOURS; h++)
		factor[h] = shrunk(hour[h], hour_expected[h]);
	for (int i = 0; i < RULE_WEEK_HOURS; i++) {
		int h = i % DAY_HOURS;
		double smooth = (factor[(h + 23) % 24] + factor[h] + factor[(h + 1) % 24]) / 3;

		profile[i] = smooth * shrunk(part[is_weekend(i)], part_expected[is_weekend(i)]);
	}
	scale_to_mean_one(profile);
}

static void learn_week(struct rule_baseline *baseline, enum rule_metric metric, const struct window *hours,
		       struct span span)
{
	double counts[RULE_WEEK_HOURS] = {0}, exposure[RULE_WEEK_HOURS] = {0}, profile[RULE_WEEK_HOURS];
	struct tally all = window_sum(hours, span.begin - 1, span.end - 1);
	int32_t length = span.end - span.begin;
	double mean = length > 0 ? count_of(&all, metric) / length : 0;
	double most = 2 + 5 * mean; /* a burst in one hour says nothing of the week */
	double sum = 0;

	for (size_t i = window_after(hours, span.begin - 1); i < window_size(hours); i++) {
		struct tally tally = window_at(hours, i);

		if (window_slot(hours, i) >= span.end)
			break;
		counts[hour_of_week(window_slot(hours, i))] += fmin(count_of(&tally, metric), most);
	}
	for (int i = 0; i < RULE_WEEK_HOURS; i++)
		exposure[i] = length / RULE_WEEK_HOURS;
	for (int32_t h = span.end - length % RULE_WEEK_HOURS; h < span.end; h++)
		exposure[hour_of_week(h)]++;
	coarse_profile(profile, counts, exposure, mean);
	for (int i = 0; i < RULE_WEEK_HOURS; i++)
		profile[i] *= shrunk(counts[i], mean * profile[i] * exposure[i]);
	scale_to_mean_one(profile);
	baseline->week[0] = 0;
	for (int i = 0; i < RULE_WEEK_HOURS; i++) {
		sum += profile[i] / DAY_HOURS;
		baseline->week[i + 1] = (float)sum;
	}
}

/* One past day: 24 hours counted back from the span's end. */
struct day {
	struct tally tally;
	double exposure; /* in average days */
	double weight, recent_weight;
};

static double week_between(const struct rule_baseline *baseline, int32_t begin, int32_t end)
{
	double part = baseline->week[hour_of_week(end)] - baseline->week[hour_of_week(begin)];

	return part < 0 || (part == 0 && end > begin) ? part + 7 : part;
}

static size_t cut_days(struct day days[DAYS], const struct rule_baseline *baseline, const struct window *hours,
		       struct span span)
{
	const double fade = exp2(-1 / half_life_days), recent_fade = exp2(-1 / recent_half_life_days);
	double weight = 1, recent_weight = 1;
	size_t count = 0, to = window_after(hours, span.end - 1);

	for (int32_t end = span.end; end > span.begin && count < DAYS; end -= DAY_HOURS) {
		int32_t begin = end - DAY_HOURS > span.begin ? end - DAY_HOURS : span.begin;
		size_t from = to;

		while (from > 0 && window_slot(hours, from - 1) >= begin)
			from--;
		days[count++] = (struct day){
			.tally = window_range(hours, from, to),
			.exposure = week_between(baseline, begin, end),
			.weight = weight,
			.recent_weight = recent_weight,
		};
		to = from;
		weight *= fade;
		recent_weight *= recent_fade;
	}
	return count;
}

/* What is usual, the stories that it rests on, and how days differ. */
struct usual {
	double level, support, dispersion;
};

/* A day's count, cut where it is far above what was expected. */
static double cut_count(const struct day *day, enum rule_metric metric, const struct usual *usual)
{
	double mean = usual->level * day->exposure;

	return fmin(count_of(&day->tally, metric), mean + cut_deviations * sqrt(mean * usual->dispersion) + 1);
}

static double dispersion_of(const struct day days[DAYS], size_t count, enum rule_metric metric, const struct usual *usual)
{
	double squares = prior_dispersion_mass * prior_dispersion, expected = prior_dispersion_mass;

	for (size_t d = 0; d < count; d++) {
		double off = cut_count(&days[d], metric, usual) - usual->level * days[d].exposure;

		squares += sqrt(days[d].weight) * off * off;
		expected += sqrt(days[d].weight) * usual->level * days[d].exposure;
	}
	return fmax(squares / expected, 1);
}

/* The level of the last weeks. */
static double recent_level(const struct day days[DAYS], size_t count, enum rule_metric metric, const struct usual *usual)
{
	double sum = recent_prior_days * usual->level, exposure = recent_prior_days;

	for (size_t d = 0; d < count; d++) {
		sum += days[d].recent_weight * cut_count(&days[d], metric, usual);
		exposure += days[d].recent_weight * days[d].exposure;
	}
	return sum / exposure;
}

/* Level and dispersion depend on each other through the cut: a few rounds, the first without it, settle them. */
static struct usual learn_count(const struct day days[DAYS], size_t count, enum rule_metric metric)
{
	struct usual usual = {.level = prior_level, .dispersion = prior_dispersion};

	for (int round = 0; round < 5; round++) {
		double sum = prior_stories, exposure = prior_stories / prior_level;

		for (size_t d = 0; d < count; d++) {
			sum += days[d].weight * (round ? cut_count(&days[d], metric, &usual)
						       : count_of(&days[d].tally, metric));
			exposure += days[d].weight * days[d].exposure;
		}
		usual.level = sum / exposure;
		usual.support = sum;
		usual.dispersion = dispersion_of(days, count, metric, &usual);
	}
	usual.level = fmax(usual.level, recent_level(days, count, metric, &usual));
	return usual;
}

/*
 * A share or a mean: the level is pooled over stories, and its variance from
 * day to day is what is left of the days' squares when the scatter of single
 * stories is taken away.
 */
static struct usual learn_tone(const struct day days[DAYS], size_t count, bool share)
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

static double judged_a_day(const struct day days[DAYS], size_t count)
{
	double sum = 0, exposure = 0;

	for (size_t d = 0; d < count; d++) {
		sum += days[d].weight * days[d].tally.judged;
		exposure += days[d].weight * days[d].exposure;
	}
	return exposure > 0 ? sum / exposure : 0;
}

void rule_learn(struct rule_baseline *baseline, enum rule_metric metric, const struct window *hours, int32_t hour)
{
	struct span span = span_of(hours, hour);
	struct usual usual, stories, share;
	struct day days[DAYS];
	size_t count;

	*baseline = (struct rule_baseline){.hour = hour, .days = (double)(span.end - span.begin) / DAY_HOURS};
	learn_week(baseline, metric == RULE_NEGATIVE_COUNT ? metric : RULE_VOLUME, hours, span);
	count = cut_days(days, baseline, hours, span);
	stories = learn_count(days, count, RULE_VOLUME);
	share = learn_tone(days, count, true);
	switch (metric) {
	case RULE_VOLUME: usual = stories; break;
	case RULE_NEGATIVE_SHARE: usual = share; break;
	case RULE_MEAN_SCORE: usual = learn_tone(days, count, false); break;
	default: usual = learn_count(days, count, metric); break;
	}
	baseline->level = usual.level;
	baseline->support = usual.support;
	baseline->dispersion = usual.dispersion;
	baseline->stories = stories.level;
	baseline->stories_dispersion = stories.dispersion;
	baseline->judged = judged_a_day(days, count);
	baseline->share = share.level;
	baseline->share_support = share.support;
	baseline->share_spread = share.dispersion;
}

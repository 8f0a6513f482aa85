/*
 * Zones by name.  Abbreviations are what feeds mean by them: American ones
 * where they clash (CST, EST), India's IST.  Those that name no season (ET)
 * and regions (Europe/Paris) follow today's rules of daylight saving; the
 * tz database would know the past too, but a parser must not read files.
 */
#include "ingest/feed/date_words.h"

#include "daemon/base/clock.h"

#include <string.h>

static const struct date_zone zones[] = {
	{"utc", 0, 0}, {"gmt", 0, 0}, {"ut", 0, 0}, {"z", 0, 0}, {"uct", 0, 0}, {"zulu", 0, 0},
	/* North America */
	{"est", -300, 0}, {"edt", -240, 0}, {"cst", -360, 0}, {"cdt", -300, 0}, {"mst", -420, 0}, {"mdt", -360, 0},
	{"pst", -480, 0}, {"pdt", -420, 0}, {"ast", -240, 0}, {"adt", -180, 0}, {"nst", -210, 0}, {"ndt", -150, 0},
	{"akst", -540, 0}, {"akdt", -480, 0}, {"hst", -600, 0}, {"hast", -600, 0}, {"hdt", -540, 0}, {"hadt", -540, 0},
	{"et", -300, SAVING_US}, {"ct", -360, SAVING_US}, {"mt", -420, SAVING_US}, {"pt", -480, SAVING_US},
	{"at", -240, SAVING_US},
	/* South America */
	{"brt", -180, 0}, {"brst", -120, 0}, {"art", -180, 0}, {"clt", -240, 0}, {"clst", -180, 0}, {"cot", -300, 0},
	{"pet", -300, 0}, {"vet", -240, 0}, {"bot", -240, 0}, {"uyt", -180, 0}, {"pyt", -240, 0}, {"ect", -300, 0},
	/* Europe, Africa */
	{"wet", 0, 0}, {"west", 60, 0}, {"bst", 60, 0}, {"cet", 60, 0}, {"cest", 120, 0}, {"met", 60, 0},
	{"mest", 120, 0}, {"mez", 60, 0}, {"mesz", 120, 0}, {"eet", 120, 0}, {"eest", 180, 0}, {"msk", 180, 0},
	{"msd", 240, 0}, {"trt", 180, 0}, {"sast", 120, 0}, {"cat", 120, 0}, {"eat", 180, 0}, {"wat", 60, 0},
	{"samt", 240, 0}, {"get", 240, 0}, {"amt", 240, 0}, {"azt", 240, 0}, {"yekt", 300, 0},
	/* Asia */
	{"irst", 210, 0}, {"irdt", 270, 0}, {"idt", 180, 0}, {"gst", 240, 0}, {"pkt", 300, 0}, {"uzt", 300, 0},
	{"ist", 330, 0}, {"npt", 345, 0}, {"bdt", 360, 0}, {"mmt", 390, 0}, {"ict", 420, 0}, {"wib", 420, 0},
	{"hkt", 480, 0}, {"sgt", 480, 0}, {"myt", 480, 0}, {"pht", 480, 0}, {"wita", 480, 0}, {"ulat", 480, 0},
	{"jst", 540, 0}, {"kst", 540, 0}, {"wit", 540, 0}, {"vlat", 600, 0},
	/* Oceania */
	{"awst", 480, 0}, {"acst", 570, 0}, {"acdt", 630, 0}, {"aest", 600, 0}, {"aedt", 660, 0}, {"nzst", 720, 0},
	{"nzdt", 780, 0}, {"chst", 600, 0}, {"sst", -660, 0},
	/* Regions */
	{"etc/gmt", 0, 0}, {"etc/utc", 0, 0}, {"etc/uct", 0, 0}, {"gmt/utc", 0, 0}, {"utc/gmt", 0, 0},
	{"us/eastern", -300, SAVING_US}, {"us/central", -360, SAVING_US}, {"us/mountain", -420, SAVING_US},
	{"us/pacific", -480, SAVING_US}, {"america/new_york", -300, SAVING_US}, {"america/detroit", -300, SAVING_US},
	{"america/toronto", -300, SAVING_US}, {"america/montreal", -300, SAVING_US},
	{"america/chicago", -360, SAVING_US}, {"america/winnipeg", -360, SAVING_US},
	{"america/denver", -420, SAVING_US}, {"america/edmonton", -420, SAVING_US}, {"america/phoenix", -420, 0},
	{"america/los_angeles", -480, SAVING_US}, {"america/vancouver", -480, SAVING_US},
	{"america/anchorage", -540, SAVING_US}, {"america/halifax", -240, SAVING_US},
	{"america/mexico_city", -360, 0}, {"america/bogota", -300, 0}, {"america/lima", -300, 0},
	{"america/caracas", -240, 0}, {"america/sao_paulo", -180, 0}, {"america/buenos_aires", -180, 0},
	{"america/argentina/buenos_aires", -180, 0}, {"america/panama", -300, 0},
	{"europe/london", 0, SAVING_EU}, {"europe/dublin", 0, SAVING_EU}, {"europe/lisbon", 0, SAVING_EU},
	{"europe/amsterdam", 60, SAVING_EU}, {"europe/belgrade", 60, SAVING_EU}, {"europe/berlin", 60, SAVING_EU},
	{"europe/bratislava", 60, SAVING_EU}, {"europe/brussels", 60, SAVING_EU}, {"europe/budapest", 60, SAVING_EU},
	{"europe/copenhagen", 60, SAVING_EU}, {"europe/ljubljana", 60, SAVING_EU},
	{"europe/luxembourg", 60, SAVING_EU}, {"europe/madrid", 60, SAVING_EU}, {"europe/monaco", 60, SAVING_EU},
	{"europe/oslo", 60, SAVING_EU}, {"europe/paris", 60, SAVING_EU}, {"europe/prague", 60, SAVING_EU},
	{"europe/rome", 60, SAVING_EU}, {"europe/stockholm", 60, SAVING_EU}, {"europe/vaduz", 60, SAVING_EU},
	{"europe/vienna", 60, SAVING_EU}, {"europe/warsaw", 60, SAVING_EU}, {"europe/zagreb", 60, SAVING_EU},
	{"europe/zurich", 60, SAVING_EU}, {"europe/athens", 120, SAVING_EU}, {"europe/bucharest", 120, SAVING_EU},
	{"europe/helsinki", 120, SAVING_EU}, {"europe/kiev", 120, SAVING_EU}, {"europe/kyiv", 120, SAVING_EU},
	{"europe/riga", 120, SAVING_EU}, {"europe/sofia", 120, SAVING_EU}, {"europe/tallinn", 120, SAVING_EU},
	{"europe/vilnius", 120, SAVING_EU}, {"europe/istanbul", 180, 0}, {"europe/minsk", 180, 0},
	{"europe/moscow", 180, 0}, {"africa/johannesburg", 120, 0}, {"africa/lagos", 60, 0},
	{"africa/nairobi", 180, 0}, {"asia/bangkok", 420, 0}, {"asia/calcutta", 330, 0}, {"asia/colombo", 330, 0},
	{"asia/dhaka", 360, 0}, {"asia/dubai", 240, 0}, {"asia/ho_chi_minh", 420, 0}, {"asia/hong_kong", 480, 0},
	{"asia/jakarta", 420, 0}, {"asia/karachi", 300, 0}, {"asia/kathmandu", 345, 0}, {"asia/kolkata", 330, 0},
	{"asia/kuala_lumpur", 480, 0}, {"asia/manila", 480, 0}, {"asia/riyadh", 180, 0}, {"asia/seoul", 540, 0},
	{"asia/shanghai", 480, 0}, {"asia/singapore", 480, 0}, {"asia/taipei", 480, 0}, {"asia/tehran", 210, 0},
	{"asia/tokyo", 540, 0}, {"australia/adelaide", 570, SAVING_AU}, {"australia/brisbane", 600, 0},
	{"australia/canberra", 600, SAVING_AU}, {"australia/darwin", 570, 0}, {"australia/hobart", 600, SAVING_AU},
	{"australia/melbourne", 600, SAVING_AU}, {"australia/perth", 480, 0}, {"australia/sydney", 600, SAVING_AU},
	{"pacific/auckland", 720, SAVING_NZ}, {"pacific/honolulu", -600, 0},
};

const struct date_zone *date_find_zone(const char *word, size_t length)
{
	for (size_t i = 0; i < sizeof zones / sizeof *zones; i++)
		if (strlen(zones[i].name) == length && memcmp(zones[i].name, word, length) == 0)
			return &zones[i];
	return NULL;
}

/* The day (since 1970) of the nth Sunday of a month; n = -1 is the last one. */
static int64_t nth_sunday(int64_t year, int month, int n)
{
	/* 1970-01-04 was a Sunday. */
	if (n > 0) {
		int64_t first = days_from_civil(year, month, 1);
		return first + ((3 - first) % 7 + 7) % 7 + 7 * (n - 1);
	}
	int64_t last = days_from_civil(month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, 1) - 1;
	return last - ((last - 3) % 7 + 7) % 7;
}

/* The civil year of a day: the last one that began by then. */
static int64_t year_of(int64_t day)
{
	int64_t year = 1970 + day / 366;

	while (days_from_civil(year + 1, 1, 1) <= day)
		year++;
	while (days_from_civil(year, 1, 1) > day)
		year--;
	return year;
}

int date_zone_offset(const struct date_zone *zone, int64_t day, int second)
{
	int64_t year = year_of(day);
	int64_t now = day * 86400 + second, start = 0, end = 0;
	int winter = zone->offset_min * 60;

	switch (zone->saving) {
	case SAVING_US:
		/* Energy Policy Act of 2005; at 02:00 local. */
		start = nth_sunday(year, 3, 2) * 86400 + 2 * 3600;
		end = nth_sunday(year, 11, 1) * 86400 + 2 * 3600;
		break;
	case SAVING_EU:
		/* Directive 2000/84/EC; at 01:00 UTC. */
		start = nth_sunday(year, 3, -1) * 86400 + 3600 + winter;
		end = nth_sunday(year, 10, -1) * 86400 + 2 * 3600 + winter;
		break;
	case SAVING_AU:
		start = nth_sunday(year, 10, 1) * 86400 + 2 * 3600;
		end = nth_sunday(year, 4, 1) * 86400 + 3 * 3600;
		break;
	case SAVING_NZ:
		start = nth_sunday(year, 9, -1) * 86400 + 2 * 3600;
		end = nth_sunday(year, 4, 1) * 86400 + 3 * 3600;
		break;
	case SAVING_NONE:
		return winter;
	}
	bool summer = start < end ? now >= start && now < end : now >= start || now < end;
	return winter + (summer ? 3600 : 0);
}

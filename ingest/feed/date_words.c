/*
 * One line a month or weekday, all languages together: a feed's language is
 * rarely declared and never to be trusted.  A word with "*" stands for all
 * that begin so (inflections: "января"); where two languages disagree
 * (listopad), the one with more feeds wins.
 */
#include "ingest/feed/date_words.h"

#include <string.h>

static const char *const months[12] = {
	"jan* ene enero gen gennaio gener ian* ιαν* янв* січ* sty* led leden ledna oca ocak tammi*",
	"feb* fev* φεβ* фев* лют* lut* uno unor unora sub subat helmi*",
	("mar march mars marts marzo marco marc marz marcius marec marca marzec maart mrt mrz mart martie mac "
	 "μαρ* мар* бер* bre* maalis*"),
	"apr* abr* avr* απρ* апр* кві* kwi* dub duben dubna nis nisan huhti*",
	"may mayo mayis mai maio maj maja majus mag maggio maig mei μαι* маи мая трав* kve* touko*",
	"jun* juin giu giugno iun* ιουν* июн* чер* cze* cvn cerven cervna haz haziran kesa*",
	"jul* juil* lug luglio iul* ιουλ* июл* лип* lip* cvc cervenec cervence tem temmuz heina*",
	"aug* ago agosto agost aout αυγ* авг* сер* sie* srp srpen srpna agu agustos elo eloku*",
	"sep* set setembre setembro settembre sett szept* σεπ* сен* вер* wrz* zar zari eyl eylul syys*",
	"oct* okt* out outubro ott ottobre οκτ* окт* жов* paz* rij* eki ekim loka*",
	"nov* νοε* ноя* лис* lis* kas kasim marras*",
	"dec* dez* dic* des desember δεκ* дек* гру* gru* pro prosinec prosince ara aralik joulu*",
};

static const char *const weekdays[7] = {
	("mon monday lun* mo mon montag ma maandag man mandag seg segunda δευ* пн пон* pon poniedz* po pondeli "
	 "het hetfo maanantai* pzt pazartesi sen senin 월요일 周一 星期一 月曜日 月曜"),
	("tue tues tuesday tu di die dienstag mar mardi martes martedi marti dins dinsdag tir tirsdag tis "
	 "tisdag ter terca τρι* вт вто* вівт* wt wtorek ut utery kedd ti tiistai* sal sali sel selasa 화요일 "
	 "周二 星期二 火曜日 火曜"),
	("wed weds wednesday we mi mit mittwoch mer mercredi mercoledi mie mier miercoles miercuri wo woe "
	 "woensdag ons onsdag qua quarta τετ* ср сре* сер sr sroda st streda sze szerda ke keskiviik* car "
	 "carsamba rab rabu 수요일 周三 星期三 水曜日 水曜"),
	("thu thur thurs thursday th do don donnerstag jeu jeudi jue jueves joi gio giovedi donderdag tor tors "
	 "torsdag qui quinta πεμ* чт чет* czw* ct ctvrtek csut* to torstai* per persembe kam kamis 목요일 周四 "
	 "星期四 木曜日 木曜"),
	("fri friday fr fre frei freitag fredag ven vendredi venerdi vie viernes vin vineri vr vrij vrijdag "
	 "sex sexta παρ* пт пят* пят pt pi piatek pa patek pen pentek pe perjantai* cum cuma jum jumat 금요일 "
	 "周五 星期五 金曜日 金曜"),
	("sat saturday sa sam samstag samedi sab sabado sabato sambata za zat zaterdag lor lordag sob sobota "
	 "σαβ* сб суб* szo szombat la lauantai* cmt cumartesi sabtu 토요일 周六 星期六 土曜日 土曜"),
	("sun sunday so son sonntag dim dimanche dom domingo domenica zo zon zondag sondag sun κυρ* вс вос* "
	 "нед* nd niedz* ne nedele vas vasarnap su sunnuntai* paz pazar ming minggu dum duminica 일요일 周日 "
	 "星期日 日曜日 日曜"),
};

static const char noise[] =
	"date updated published posted at a um om le de del du den of the on kl klo uhr hrs uur ore as las alle h el em klockan o clock saat";

static const struct {
	const char *word;
	enum date_half half;
	int zone_h; /* 0 = says nothing of the zone */
} halves[] = {
	{"am", HALF_AM, 0},   {"pm", HALF_PM, 0},   {"a", HALF_AM, 0},	  {"p", HALF_PM, 0},	{"오전", HALF_AM, 9},
	{"오후", HALF_PM, 9}, {"午前", HALF_AM, 9}, {"午後", HALF_PM, 9}, {"上午", HALF_AM, 8}, {"下午", HALF_PM, 8},
	{"πμ", HALF_AM, 0},   {"μμ", HALF_PM, 0},
};

static const struct {
	const char *word;
	char unit;
	int zone_h;
} units[] = {
	{"년", 'Y', 9}, {"월", 'M', 9}, {"일", 'D', 9}, {"시", 'h', 9}, {"분", 'm', 9}, {"초", 's', 9},
	{"年", 'Y', 0}, {"月", 'M', 0}, {"日", 'D', 0}, {"时", 'h', 8}, {"時", 'h', 0}, {"分", 'm', 0},
	{"秒", 's', 0}, {"点", 'h', 8}, {"點", 'h', 8},
};

/* Character by character: the lists are walked for every word of a date, and a call for each entry costs more than it does. */
static bool in_list(const char *list, const char *word, size_t length)
{
	for (;;) {
		size_t same = 0;
		while (same < length && list[same] == word[same])
			same++;
		if (list[same] == '*' || (same == length && (list[same] == ' ' || list[same] == '\0')))
			return true;
		list += same;
		while (*list != ' ' && *list != '\0')
			list++;
		if (*list == '\0')
			return false;
		list++;
	}
}

static int find_in(const char *const *lists, int count, const char *word, size_t length)
{
	for (int i = 0; i < count; i++)
		if (in_list(lists[i], word, length))
			return i;
	return -1;
}

struct date_name date_find_name(const char *word, size_t length)
{
	int month = find_in(months, 12, word, length);
	return (struct date_name){
		.month = month < 0 ? -1 : month + 1,
		.weekday = find_in(weekdays, 7, word, length),
	};
}

static bool equals(const char *name, const char *word, size_t length)
{
	return strlen(name) == length && memcmp(name, word, length) == 0;
}

static void set_zone(int zone_h, int *zone_s, bool *has_zone)
{
	if (zone_h == 0)
		return;
	*zone_s = zone_h * 3600;
	*has_zone = true;
}

enum date_half date_find_half(const char *word, size_t length, int *zone_s, bool *has_zone)
{
	for (size_t i = 0; i < sizeof halves / sizeof *halves; i++)
		if (equals(halves[i].word, word, length)) {
			set_zone(halves[i].zone_h, zone_s, has_zone);
			return halves[i].half;
		}
	return HALF_NONE;
}

char date_find_unit(const char *word, size_t length, int *zone_s, bool *has_zone)
{
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (equals(units[i].word, word, length)) {
			set_zone(units[i].zone_h, zone_s, has_zone);
			return units[i].unit;
		}
	return '\0';
}

bool date_is_noise(const char *word, size_t length)
{
	return in_list(noise, word, length);
}

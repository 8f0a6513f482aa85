#include "daemon/model_print.h"

#include "daemon/model_figures.h"
#include "model/config.h"
#include "model/version.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* What nobody promoted has no note of its version: it is made as the classifier makes it.  "" where there is no model. */
static void version_find(const struct model_kept *kept, char out[64])
{
	char path[4000], hash[MODEL_VERSION_SIZE];
	struct model_config config = {0};
	snprintf(out, 64, "%s", kept->promotion.version);
	if (*out != '\0')
		return;
	snprintf(path, sizeof path, "%s/model.safetensors", kept->path);
	struct weights *weights = weights_open(path, NULL);
	if (weights != NULL && model_config_read(&config, kept->path, NULL) == 0 &&
	    model_version(kept->path, weights, hash, NULL) == 0)
		snprintf(out, 64, "%s-%s", config.model_type, hash);
	model_config_clear(&config);
	weights_close(weights);
}

static void figure_text(const struct model_figure *figure, char out[16])
{
	snprintf(out, 16, figure->known ? "%.3f" : "-", figure->macro_f1);
}

static void row_print(const struct model_kept *kept, const char *version, const struct model_figures *figures)
{
	char polarity[16], topic[16], cases[64] = "-";
	figure_text(&figures->polarity, polarity);
	figure_text(&figures->topic, topic);
	if (kept->promotion.cases >= 0)
		snprintf(cases, sizeof cases, "%lld/%lld", kept->promotion.right, kept->promotion.cases);
	printf("%s %-14s %-20s  %8s  %8s  %9s  %s\n", kept->in_place ? "*" : " ", *version != '\0' ? version : "-",
	       kept->promotion.promoted[0] != '\0' ? kept->promotion.promoted : "-", polarity, topic, cases, kept->path);
}

static void figure_add(json_t *json, const char *name, const struct model_figure *figure)
{
	json_object_set_new(json, name,
			    figure->known ? json_pack("{s:f, s:f}", "accuracy", figure->accuracy, "macro_f1", figure->macro_f1)
					  : json_null());
}

static void text_add(json_t *json, const char *name, const char *text)
{
	json_t *value = *text != '\0' ? json_string(text) : NULL;
	json_object_set_new(json, name, value != NULL ? value : json_null());
}

static void object_print(const struct model_kept *kept, const char *version, const struct model_figures *figures)
{
	json_t *json = json_object();
	text_add(json, "version", version);
	json_object_set_new(json, "in_place", json_boolean(kept->in_place));
	text_add(json, "promoted", kept->promotion.promoted);
	figure_add(json, "polarity", &figures->polarity);
	figure_add(json, "topic", &figures->topic);
	json_object_set_new(json, "corrections",
			    kept->promotion.cases >= 0 ? json_pack("{s:I, s:I}", "cases", (json_int_t)kept->promotion.cases, "right",
								   (json_int_t)kept->promotion.right)
						       : json_null());
	text_add(json, "path", kept->path);
	text_add(json, "from", kept->promotion.from);
	json_dumpf(json, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(json);
}

int model_print(const struct model_kept *kept, size_t count, bool json, struct err *e)
{
	if (!json && count > 0)
		printf("  %-14s %-20s  %8s  %8s  %9s  %s\n", "version", "promoted", "polarity", "topic", "corrected", "where");
	for (size_t i = 0; i < count; i++) {
		struct model_figures figures;
		char version[64] = "";
		model_figures_read(&figures, kept[i].path);
		version_find(&kept[i], version);
		if (json)
			object_print(&kept[i], version, &figures);
		else
			row_print(&kept[i], version, &figures);
	}
	return fflush(stdout) != 0 || ferror(stdout) ? err_sys(e, errno, "cannot write the list") : 0;
}

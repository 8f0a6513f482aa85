#ifndef ALERTS_WEBHOOK_MAILING_H
#define ALERTS_WEBHOOK_MAILING_H

#include "alerts/webhook/outcome.h"
#include "alerts/webhook/settings.h"

#include <curl/curl.h>
#include <stdbool.h>

/* What a mail needs beside a curl handle: the envelope, the text on its way, and what the server said of whom. */
struct mailing;

/* Makes `easy` send `text` (which must outlive it) to the settings' recipients. */
struct mailing *mailing_create(CURL *easy, const struct settings *settings, const char *text);

/* Not before `easy` is done. */
void mailing_free(struct mailing *mailing);

/* `error` is what curl says where it did not send. */
void mailing_outcome(const struct mailing *mailing, bool sent, const char *error, struct outcome *out);

#endif

#ifndef DAEMON_CHECK_BUDGET_H
#define DAEMON_CHECK_BUDGET_H

#include "alerts/store.h"

/* Where the topics of a database stand against their budgets of false alarms: one line for each that is beyond it, and one
 * for all.  `say` gets "ok", "warning" or "error", and the sentence. */
typedef void budget_say(void *context, const char *status, const char *message);
void check_budgets(struct store *store, budget_say *say, void *context);

#endif

#ifndef BASE_FAULT_H
#define BASE_FAULT_H

/*
 * Named fault points.  With BELLWETHER_FAULT="NAME:N" in the environment the
 * process kills itself (SIGKILL) when it passes the point NAME for the Nth
 * time (N from 1).  "NAME:N:fail" makes fault_point return -1 from the Nth
 * pass on instead, for calls that can fail.  Without the variable a point is
 * one comparison.
 *
 * The crash tests read the list of points from fault_names.
 */
#define FAULT_POINTS(X)                                                        \
	X(FAULT_BEFORE_TRANSACTION, "before-transaction")                      \
	X(FAULT_IN_TRANSACTION, "in-transaction")                              \
	X(FAULT_BEFORE_POSITION, "before-position")                            \
	X(FAULT_AFTER_POSITION, "after-position")                              \
	X(FAULT_BEFORE_COMMIT, "before-commit")                                \
	X(FAULT_AFTER_COMMIT, "after-commit")                                  \
	X(FAULT_BEFORE_SEND, "before-send")                                    \
	X(FAULT_AFTER_SEND, "after-send")                                      \
	X(FAULT_BEFORE_RESULT, "before-result")

enum fault {
#define X(id, name) id,
	FAULT_POINTS(X)
#undef X
	FAULT_COUNT
};

/* Their names, in the order of the enum. */
extern const char *const fault_names[FAULT_COUNT];

/* Read BELLWETHER_FAULT.  Call once, before threads start. */
void fault_init(void);

/* 0, or -1 where this pass is to fail; does not return where it is to die. */
int fault_point(enum fault fault);

#endif

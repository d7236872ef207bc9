#ifndef SUITE_H
#define SUITE_H

/*
 * The main() of a test program: each test_noun.c says
 *     SUITE_MAIN(noun_suite)
 * at its end, noun_suite being a function that returns its Suite.
 * Check's own environment (CK_RUN_CASE, CK_FORK, CK_VERBOSITY) works as ever.
 */
#include <check.h>
#include <stdlib.h>

#define SUITE_MAIN(make_suite)                                    \
	int main(void)                                            \
	{                                                         \
		SRunner *runner = srunner_create(make_suite());   \
		int failed;                                       \
                                                                  \
		srunner_run_all(runner, CK_ENV);                  \
		failed = srunner_ntests_failed(runner);           \
		srunner_free(runner);                             \
		return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE; \
	}

#endif

/* The time of a whole process: spawn COUNT PROGRAM [ARGUMENT...]
 * Runs the program COUNT times, one after the other, and prints what all together took. */
#include "measure.h"
#include <spawn.h>
#include <sys/wait.h>

int main(int argc, char **argv)
{
	extern char **environ;
	struct rusage usage;
	long count;
	double begun;

	if (argc < 3)
		return 2;
	count = atol(argv[1]);
	begun = wall_ns();
	for (long i = 0; i < count; i++) {
		int status;
		pid_t pid;

		if (posix_spawn(&pid, argv[2], NULL, NULL, argv + 2, environ) != 0 ||
		    waitpid(pid, &status, 0) != pid || status != 0) {
			fprintf(stderr, "spawn: %s failed\n", argv[2]);
			return 1;
		}
	}
	begun = wall_ns() - begun;
	getrusage(RUSAGE_CHILDREN, &usage);
	printf("n=%ld cpu_ns=%.0f wall_ns=%.0f\n", count,
	       ((double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec) * 1e9 +
		       ((double)usage.ru_utime.tv_usec + (double)usage.ru_stime.tv_usec) * 1e3,
	       begun);
	return 0;
}

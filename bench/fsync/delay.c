/* Makes fsync and fdatasync of the process that preloads it take longer, as a disk does that waits for its platter or
 * for a network: FSYNC_DELAY_US microseconds are slept before each call. Nothing else changes. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

static void delay(void) {
	const char *text = getenv("FSYNC_DELAY_US");
	long us = text ? atol(text) : 0;
	struct timespec left = {us / 1000000, us % 1000000 * 1000};
	while (us > 0 && nanosleep(&left, &left) == -1 && errno == EINTR) {
	}
}

int fsync(int fd) {
	static int (*real)(int);
	if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
	delay();
	return real(fd);
}

int fdatasync(int fd) {
	static int (*real)(int);
	if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
	delay();
	return real(fd);
}

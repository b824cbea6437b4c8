/* Makes every fsync and fdatasync of a process take SLOW_DISK_MS milliseconds longer:
   cc -shared -fPIC -o slow_disk.so slow_disk.c -ldl; LD_PRELOAD=./slow_disk.so SLOW_DISK_MS=30 ... */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

static void wait_longer(void) {
    const char *text = getenv("SLOW_DISK_MS");
    long ms = text ? atol(text) : 0;
    struct timespec pause = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&pause, NULL);
}

int fsync(int file) {
    wait_longer();
    return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(file);
}

int fdatasync(int file) {
    wait_longer();
    return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(file);
}

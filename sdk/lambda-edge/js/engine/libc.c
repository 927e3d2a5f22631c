// What libc would ask of a system: there is none, the runtime imports nothing but the host's interfaces.
#include <errno.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <wasi/api.h>

#include "runtime.h"

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    (void)zone;
    int64_t ms = (int64_t)now_ms();
    now->tv_sec = ms / 1000;
    now->tv_usec = (ms % 1000) * 1000;
    return 0;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    (void)clock;
    int64_t ms = (int64_t)now_ms();
    now->tv_sec = ms / 1000;
    now->tv_nsec = (ms % 1000) * 1000000;
    return 0;
}

// Handlers run in UTC, as on Lambda.
struct tm *localtime_r(const time_t *restrict time, struct tm *restrict broken_down)
{
    return gmtime_r(time, broken_down);
}

_Noreturn void abort(void)
{
    __builtin_trap();
}

// libc's printf has these in it for an error of its own. There is nothing that could be written to.
__wasi_errno_t __wasi_fd_close(__wasi_fd_t file)
{
    (void)file;
    return EBADF;
}

__wasi_errno_t __wasi_fd_seek(__wasi_fd_t file, __wasi_filedelta_t by, __wasi_whence_t from, __wasi_filesize_t *at)
{
    (void)file, (void)by, (void)from, (void)at;
    return EBADF;
}

__wasi_errno_t __wasi_fd_write(__wasi_fd_t file, const __wasi_ciovec_t *texts, size_t count, __wasi_size_t *written)
{
    (void)file, (void)texts, (void)count, (void)written;
    return EBADF;
}

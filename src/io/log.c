#include "io/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"

enum { LOG_SIZE_MAX = 1 << 20 };

struct log {
    int descriptor;
    bool socket;
    struct buffer lines;
    uint64_t dropped_count;
    uint64_t dropped_unsaid_count;
};

/* stderr is shared with whoever started us, so it must not be made non-blocking itself: a pipe, file or terminal is
 * opened once more, a socket (the journal's stream) is written to with a flag. */
struct log *log_new(void)
{
    struct log *log = mem_alloc(sizeof *log);
    buffer_init(&log->lines, LOG_SIZE_MAX);
    struct stat facts;
    log->socket = fstat(STDERR_FILENO, &facts) == 0 && S_ISSOCK(facts.st_mode);
    log->descriptor = log->socket ? -1 : open("/proc/self/fd/2", O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (log->descriptor < 0)
        log->descriptor = STDERR_FILENO;
    return log;
}

void log_free(struct log *log)
{
    if (!log)
        return;
    log_flush(log);
    if (log->descriptor != STDERR_FILENO)
        close(log->descriptor);
    buffer_done(&log->lines);
    mem_free(log);
}

void log_line(struct log *log, struct slice line)
{
    if (log->lines.size + line.size + 64 > LOG_SIZE_MAX) {
        log->dropped_count++;
        log->dropped_unsaid_count++;
        return;
    }
    if (log->dropped_unsaid_count > 0) {
        buffer_add_format(&log->lines, "log: dropped=%llu\n", (unsigned long long)log->dropped_unsaid_count);
        log->dropped_unsaid_count = 0;
    }
    buffer_add(&log->lines, line);
    buffer_add_char(&log->lines, '\n');
}

void log_flush(struct log *log)
{
    if (log->lines.size == 0)
        return;
    ssize_t n = log->socket ? send(log->descriptor, log->lines.data, log->lines.size, MSG_DONTWAIT | MSG_NOSIGNAL)
                            : write(log->descriptor, log->lines.data, log->lines.size);
    if (n >= 0)
        buffer_consume(&log->lines, (size_t)n);
    else if (errno != EAGAIN && errno != EINTR)
        buffer_clear(&log->lines); /* nobody reads any more: a closed pipe, a full disk */
}

uint64_t log_dropped_count(const struct log *log)
{
    return log->dropped_count;
}

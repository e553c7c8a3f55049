#include "sim/jobs.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

enum { PROGRESS_WORLDS = 1000, PROGRESS_WORLDS_TERMINAL = 100, FAILED_LISTED_MAX = 1000 };

/* Seen by all processes. */
struct shared {
    atomic_uint_least64_t next;                  /* place of the next seed that nobody has taken */
    atomic_bool stop;                            /* no further ones */
    atomic_uint_least64_t at_seed[JOBS_MAX];     /* whose world a process is in */
    atomic_bool in_world[JOBS_MAX];
};

/* A world is over. Smaller than PIPE_BUF: it arrives whole. */
struct report {
    uint64_t seed;
    char violation[JOBS_TEXT_SIZE];
};

struct worker {
    pid_t pid;
    int pipe; /* -1: it has ended */
};

struct jobs {
    const struct jobs_options *options;
    struct shared *shared;
    struct worker workers[JOBS_MAX];
    struct jobs_result result;
    uint64_t failed[FAILED_LISTED_MAX];
    uint64_t progress_worlds;
};

/* ---- in the worker ---- */

static void report_write(int to, const struct report *report)
{
    ssize_t size;
    do {
        size = write(to, report, sizeof(*report));
    } while (size < 0 && errno == EINTR);
    if (size != sizeof(*report))
        exit(3);
}

static void worker_run(const struct jobs *jobs, uint32_t number, int to)
{
    const struct jobs_options *o = jobs->options;
    struct shared *shared = jobs->shared;
    uint64_t place;
    while (!atomic_load(&shared->stop) && (place = atomic_fetch_add(&shared->next, 1)) < o->seed_count) {
        struct report report = { .seed = o->list ? o->list[place] : o->first + place };
        atomic_store(&shared->at_seed[number], report.seed);
        atomic_store(&shared->in_world[number], true);
        o->run(o->context, report.seed, report.violation);
        report_write(to, &report);
        atomic_store(&shared->in_world[number], false);
    }
}

/* ---- in the parent ---- */

static bool worker_start(struct jobs *jobs, uint32_t number)
{
    int ends[2];
    if (pipe(ends) != 0)
        return false;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        for (uint32_t i = 0; i < jobs->options->count; i++)
            if (jobs->workers[i].pipe >= 0)
                close(jobs->workers[i].pipe);
        close(ends[0]);
        worker_run(jobs, number, ends[1]);
        exit(0);
    }
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return false;
    }
    jobs->workers[number] = (struct worker){ pid, ends[0] };
    return true;
}

static void progress(struct jobs *jobs)
{
    const struct jobs_result *r = &jobs->result;
    if (r->worlds % jobs->progress_worlds == 0 && r->worlds < jobs->options->seed_count)
        fprintf(stderr, "%llu of %llu worlds, %llu violations\n", (unsigned long long)r->worlds,
                (unsigned long long)jobs->options->seed_count, (unsigned long long)r->violations);
}

static void world_over(struct jobs *jobs, uint64_t seed, const char *violation)
{
    struct jobs_result *r = &jobs->result;
    r->worlds++;
    if (violation[0]) {
        printf("seed %llu: %s\n", (unsigned long long)seed, violation);
        fflush(stdout);
        if (r->violations < FAILED_LISTED_MAX)
            jobs->failed[r->violations] = seed;
        r->violations++;
        if (!jobs->options->keep_going)
            atomic_store(&jobs->shared->stop, true);
    }
    progress(jobs);
}

/* True: it died in the middle. */
static bool worker_ended(struct jobs *jobs, uint32_t number)
{
    struct worker *w = &jobs->workers[number];
    int status = 0;
    close(w->pipe);
    w->pipe = -1;
    while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return false;
    char text[JOBS_TEXT_SIZE];
    if (WIFSIGNALED(status))
        snprintf(text, sizeof(text), "the process died: %s", strsignal(WTERMSIG(status)));
    else
        snprintf(text, sizeof(text), "the process ended with status %d", WEXITSTATUS(status));
    world_over(jobs, atomic_load(&jobs->shared->at_seed[number]), text);
    return true;
}

static bool worker_heard(struct jobs *jobs, uint32_t number)
{
    struct report report;
    ssize_t size;
    do {
        size = read(jobs->workers[number].pipe, &report, sizeof(report));
    } while (size < 0 && errno == EINTR);
    if (size == (ssize_t)sizeof(report)) {
        world_over(jobs, report.seed, report.violation);
        return true;
    }
    bool in_world = atomic_load(&jobs->shared->in_world[number]);
    bool died = worker_ended(jobs, number);
    return !died || !in_world || worker_start(jobs, number);
}

static bool workers_hear(struct jobs *jobs)
{
    struct pollfd polled[JOBS_MAX];
    uint32_t count = jobs->options->count, open = count;
    while (open > 0) {
        open = 0;
        for (uint32_t i = 0; i < count; i++) {
            polled[i] = (struct pollfd){ .fd = jobs->workers[i].pipe, .events = POLLIN };
            open += jobs->workers[i].pipe >= 0;
        }
        if (open > 0 && poll(polled, count, -1) < 0 && errno != EINTR)
            return false;
        for (uint32_t i = 0; i < count; i++)
            if (open > 0 && polled[i].fd >= 0 && polled[i].revents && !worker_heard(jobs, i))
                return false;
    }
    return true;
}

static int seed_order(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static void failed_tell(struct jobs *jobs)
{
    uint64_t count = jobs->result.violations < FAILED_LISTED_MAX ? jobs->result.violations : FAILED_LISTED_MAX;
    if (count == 0)
        return;
    qsort(jobs->failed, count, sizeof(jobs->failed[0]), seed_order);
    printf("failed:");
    for (uint64_t i = 0; i < count; i++)
        printf(" %llu", (unsigned long long)jobs->failed[i]);
    printf(count < jobs->result.violations ? " and others\n" : "\n");
}

bool jobs_run(const struct jobs_options *options, struct jobs_result *ret_result)
{
    assert(options->count > 0 && options->count <= JOBS_MAX);
    struct jobs *jobs = mem_alloc(sizeof(*jobs));
    jobs->options = options;
    jobs->progress_worlds = isatty(STDERR_FILENO) ? PROGRESS_WORLDS_TERMINAL : PROGRESS_WORLDS;
    for (uint32_t i = 0; i < JOBS_MAX; i++)
        jobs->workers[i].pipe = -1;
    jobs->shared = mmap(NULL, sizeof(*jobs->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool good = jobs->shared != MAP_FAILED;
    for (uint32_t i = 0; good && i < options->count; i++)
        good = worker_start(jobs, i);
    good = good && workers_hear(jobs);
    if (good)
        failed_tell(jobs);
    else
        perror("facteur-sim");
    *ret_result = jobs->result;
    if (jobs->shared != MAP_FAILED)
        munmap(jobs->shared, sizeof(*jobs->shared));
    mem_free(jobs);
    return good;
}

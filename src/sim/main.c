/* facteur-sim: worlds by their seeds. `--seeds A-B` or `--replay FILE` (a seed a line), with `--jobs N` on N processes and
 * with `--keep-going` behind a violation; `--seed N [--trace]` is one world in this process, its options printed first;
 * facteur-sim-planted takes `--plant DEFECT` besides (base/planted.h). */
#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/planted.h"
#include "sim/jobs.h"
#include "sim/world.h"

enum { LINE_SIZE = 256, REPLAY_MAX = 10000, MEMORY_KEPT = 32 << 20, MEMORY_STEP = 16 << 20 };

struct run {
    bool trace, once;
    uint64_t hash; /* of the last world */
};

static uint64_t world_once(const struct sim_options *options, bool trace, char ret_violation[static JOBS_TEXT_SIZE])
{
    struct world *world = mem_alloc(sizeof(*world));
    ret_violation[0] = 0;
    if (!world_run(world, options, trace))
        memcpy(ret_violation, world->letters.violation, JOBS_TEXT_SIZE);
    uint64_t hash = world->hash;
    world_done(world);
    mem_free(world);
    return hash;
}

/* Every world is run twice: the same seed must give the same operations. */
static void seed_run(void *context, uint64_t seed, char ret_violation[static JOBS_TEXT_SIZE])
{
    struct run *run = context;
    struct sim_options options;
    sim_options_draw(seed, &options);
    char again[JOBS_TEXT_SIZE];
    run->hash = world_once(&options, run->trace, ret_violation);
    if (!run->once && ret_violation[0] == 0 && world_once(&options, false, again) != run->hash)
        snprintf(ret_violation, JOBS_TEXT_SIZE, "two runs of the same seed differ");
}

static bool number(const char *text, char **ret_end, uint64_t *ret_number)
{
    errno = 0;
    *ret_number = strtoull(text, ret_end, 10);
    return *ret_end != text && errno == 0 && text[0] >= '0' && text[0] <= '9';
}

static int usage(void)
{
    fprintf(stderr, "facteur-sim --seeds A-B | --replay FILE [--jobs N] [--keep-going] [--once]\n"
                    "facteur-sim --seed N [--trace] [--once]\n");
    return 2;
}

static bool range_read(const char *range, struct jobs_options *jobs)
{
    char *end;
    uint64_t last;
    if (!number(range, &end, &jobs->first))
        return false;
    last = jobs->first;
    if (*end == '-' && !number(end + 1, &end, &last))
        return false;
    jobs->seed_count = last - jobs->first + 1;
    return *end == 0 && last >= jobs->first && jobs->seed_count > 0;
}

/* Lines: a seed, then perhaps words about it; what begins with # is a comment. */
static bool file_read(const char *path, uint64_t list[static REPLAY_MAX], struct jobs_options *jobs)
{
    FILE *file = fopen(path, "r");
    char line[LINE_SIZE], *end;
    if (!file)
        return false;
    jobs->list = list;
    while (jobs->seed_count < REPLAY_MAX && fgets(line, sizeof(line), file))
        if (number(line, &end, &list[jobs->seed_count]))
            jobs->seed_count++;
    fclose(file);
    return jobs->seed_count > 0;
}

static int run_one(struct run *run, const char *text)
{
    char *end, violation[JOBS_TEXT_SIZE];
    uint64_t seed;
    if (!number(text, &end, &seed) || *end != 0)
        return usage();
    struct sim_options options;
    sim_options_draw(seed, &options);
    sim_options_print(&options, stdout);
    fflush(stdout);
    seed_run(run, seed, violation);
    if (violation[0])
        printf("seed %llu: %s\n", (unsigned long long)seed, violation);
    printf("operations hash to %016llx\n1 worlds, %d violations\n", (unsigned long long)run->hash, violation[0] != 0);
    return violation[0] != 0;
}

static int run_many(struct run *run, struct jobs_options *jobs)
{
    struct jobs_result result;
    jobs->run = seed_run;
    jobs->context = run;
    if (!jobs_run(jobs, &result))
        return 2;
    printf("%llu worlds, %llu violations\n", (unsigned long long)result.worlds, (unsigned long long)result.violations);
    return result.violations > 0;
}

/* Worlds come one after another and want about the same: what one gives back is kept for the next. */
static void memory_keep(void)
{
    mallopt(M_MMAP_THRESHOLD, MEMORY_KEPT); /* as much as it takes */
    mallopt(M_TRIM_THRESHOLD, 16 * MEMORY_KEPT);
    mallopt(M_TOP_PAD, MEMORY_STEP);
}

int main(int argc, char **argv)
{
    memory_keep();
    struct run run = { 0 };
    struct jobs_options jobs = { .count = 1 };
    static uint64_t list[REPLAY_MAX];
    const char *seed = NULL;
    bool good = true;
    for (int i = 1; good && i < argc; i++) {
        const char *more = i + 1 < argc ? argv[i + 1] : NULL;
        char *end;
        uint64_t count = 0;
        if (!strcmp(argv[i], "--keep-going"))
            jobs.keep_going = true;
        else if (!strcmp(argv[i], "--once"))
            run.once = true;
        else if (!strcmp(argv[i], "--trace"))
            run.trace = true;
        else if (more && !strcmp(argv[i], "--seed"))
            seed = argv[++i];
        else if (more && !strcmp(argv[i], "--seeds"))
            good = jobs.seed_count == 0 && range_read(argv[++i], &jobs);
        else if (more && !strcmp(argv[i], "--replay"))
            good = jobs.seed_count == 0 && file_read(argv[++i], list, &jobs);
        else if (more && !strcmp(argv[i], "--jobs") && number(argv[++i], &end, &count))
            good = *end == 0 && count > 0 && count <= JOBS_MAX;
#ifdef FACTEUR_PLANTED
        else if (more && !strcmp(argv[i], "--plant"))
            good = planted_choose(argv[++i]);
#endif
        else
            good = false;
        jobs.count = count > 0 ? (uint32_t)count : jobs.count;
    }
    if (!good || (seed != NULL) == (jobs.seed_count > 0))
        return usage();
    return seed ? run_one(&run, seed) : run_many(&run, &jobs);
}

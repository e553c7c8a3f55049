/* facteur-sim: worlds by their seeds. `--seeds A-B [--keep-going]`, `--seed N [--trace]`, `--replay FILE` (a seed a line);
 * facteur-sim-planted takes `--plant DEFECT` besides (base/planted.h). */
#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/planted.h"
#include "sim/world.h"

enum { LINE_SIZE = 256, MEMORY_KEPT = 32 << 20, MEMORY_STEP = 16 << 20 };

struct run {
    bool trace, keep_going, once, quiet;
    uint64_t worlds, violations;
    uint64_t hash; /* of the last world */
};

static uint64_t world_once(const struct sim_options *options, bool trace, char violation[static 512])
{
    struct world *world = mem_alloc(sizeof(*world));
    violation[0] = 0;
    if (!world_run(world, options, trace))
        memcpy(violation, world->letters.violation, 512);
    uint64_t hash = world->hash;
    world_done(world);
    mem_free(world);
    return hash;
}

/* Every world is run twice: the same seed must give the same operations. */
static bool seed_run(struct run *run, uint64_t seed)
{
    struct sim_options options;
    sim_options_draw(seed, &options);
    char violation[512], again[512];
    uint64_t hash = world_once(&options, run->trace, violation);
    if (!run->once && violation[0] == 0 && world_once(&options, false, again) != hash)
        snprintf(violation, sizeof(violation), "two runs of the same seed differ");
    run->hash = hash;
    run->worlds++;
    if (violation[0] == 0)
        return true;
    run->violations++;
    printf("seed %llu: %s\n", (unsigned long long)seed, violation);
    fflush(stdout);
    return false;
}

static bool number(const char *text, char **ret_end, uint64_t *ret_number)
{
    errno = 0;
    *ret_number = strtoull(text, ret_end, 10);
    return *ret_end != text && errno == 0 && text[0] >= '0' && text[0] <= '9';
}

static bool run_seeds(struct run *run, const char *range)
{
    char *end;
    uint64_t first, last;
    if (!number(range, &end, &first))
        return false;
    last = first;
    if (*end == '-' && !number(end + 1, &end, &last))
        return false;
    if (*end != 0 || last < first)
        return false;
    for (uint64_t seed = first;; seed++) {
        if ((!seed_run(run, seed) && !run->keep_going) || seed == last)
            break;
    }
    return true;
}

/* Lines: a seed, then perhaps words about it; what begins with # is a comment. */
static bool run_file(struct run *run, const char *path)
{
    FILE *file = fopen(path, "r");
    char line[LINE_SIZE];
    if (!file)
        return false;
    bool on = true;
    while (on && fgets(line, sizeof(line), file)) {
        char *end;
        uint64_t seed;
        if (number(line, &end, &seed))
            on = seed_run(run, seed) || run->keep_going;
    }
    fclose(file);
    return true;
}

static bool run_one(struct run *run, const char *text)
{
    char *end;
    uint64_t seed;
    if (!number(text, &end, &seed) || *end != 0)
        return false;
    struct sim_options options;
    sim_options_draw(seed, &options);
    sim_options_print(&options, stdout);
    fflush(stdout);
    seed_run(run, seed);
    printf("operations hash to %016llx\n", (unsigned long long)run->hash);
    return true;
}

static int usage(void)
{
    fprintf(stderr, "facteur-sim --seeds A-B [--keep-going] [--once] | --seed N [--trace] | --replay FILE [--keep-going]\n");
    return 2;
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
    const char *seeds = NULL, *seed = NULL, *file = NULL;
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;
        if (!strcmp(argv[i], "--keep-going"))
            run.keep_going = true;
        else if (!strcmp(argv[i], "--once"))
            run.once = true;
        else if (!strcmp(argv[i], "--trace"))
            run.trace = true;
        else if (more && !strcmp(argv[i], "--seeds"))
            seeds = argv[++i];
        else if (more && !strcmp(argv[i], "--seed"))
            seed = argv[++i];
        else if (more && !strcmp(argv[i], "--replay"))
            file = argv[++i];
#ifdef FACTEUR_PLANTED
        else if (more && !strcmp(argv[i], "--plant") && planted_choose(argv[i + 1]))
            i++;
#endif
        else
            return usage();
    }
    if ((seeds != NULL) + (seed != NULL) + (file != NULL) != 1)
        return usage();
    if (!(seeds ? run_seeds(&run, seeds) : seed ? run_one(&run, seed) : run_file(&run, file)))
        return usage();
    printf("%llu worlds, %llu violations\n", (unsigned long long)run.worlds, (unsigned long long)run.violations);
    return run.violations > 0;
}

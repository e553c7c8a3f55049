#include "script.h"

/* The machine stops at every single disk operation of a scenario, and now and then again while it recovers. What was
 * answered STORE_OK is there, whole; what has ended stays away; a settle never survives without its notice.
 *
 * And the other way round: on a disk that only says that it syncs, these checks find it.
 *
 * With arguments FROM TO: these seeds instead of the usual ones. */

static uint64_t seeds_from = 1, seeds_to = 2;

enum { LIVES = 3, STEPS = 160 };

struct watcher {
    struct script *script;
    uint64_t seed;
    uint64_t crashes;
    bool busy;
    const char *wrong;      /* the first violation */
    uint64_t wrong_at;
};

static void check(struct watcher *w, struct sim_disk *disk, uint64_t seed)
{
    const char *wrong = script_verify(w->script, disk, seed);
    if (wrong && !w->wrong) {
        w->wrong = wrong;
        w->wrong_at = sim_disk_operations(w->script->disk);
    }
    w->crashes++;
}

/* Stops a second time at one of the operations of the recovery. */
static void crash_in_recovery(struct watcher *w, const struct sim_disk *after_first, uint64_t seed)
{
    struct sim_disk *measure = sim_disk_clone(after_first);
    struct store_options options = util_options(seed);
    options.pending_max = 300;
    struct store *store = NULL;
    if (store_open(sim_disk_border(measure), util_now(0), &options, &store) != ERR_OK)
        w->wrong = "the store cannot be opened";
    uint64_t operations = sim_disk_operations(measure);
    store_close(store);
    sim_disk_free(measure);
    for (uint64_t i = 0; i < 4; i++) {
        struct random_fast random;
        random_fast_init(&random, seed + i);
        struct sim_disk *disk = sim_disk_clone(after_first);
        sim_disk_crash_at(disk, operations > 0 ? random_fast_below(&random, operations) : 0);
        store = NULL;
        enum err err = store_open(sim_disk_border(disk), util_now(0), &options, &store);
        assert_true(err == ERR_OK || err == ERR_CRASHED || err == ERR_IO);
        store_close(store);
        if (i % 2 == 0)
            sim_disk_power_loss(disk, seed + i);
        else
            sim_disk_kill(disk);
        check(w, disk, seed + i);
        sim_disk_free(disk);
    }
}

static void watch(void *context, uint64_t operation)
{
    struct watcher *w = context;
    if (w->busy || w->wrong)
        return;
    w->busy = true;
    uint64_t seed = w->seed * 1000003 + operation;
    bool kill = operation % 5 == 0;
    struct sim_disk *disk = sim_disk_clone(w->script->disk);
    if (kill)
        sim_disk_kill(disk);
    else
        sim_disk_power_loss(disk, seed);
    if (operation % 40 == 0)
        crash_in_recovery(w, disk, seed);
    check(w, disk, seed);
    if (kill) { /* the power goes after all, now that a process has built on what was in memory */
        sim_disk_power_loss(disk, seed);
        check(w, disk, seed + 1);
    }
    sim_disk_free(disk);
    w->busy = false;
}

static void run_life(struct watcher *w)
{
    sim_disk_watch(w->script->disk, watch, w);
    enum err err = script_open(w->script);
    assert_int_equal(err, ERR_OK);
    for (int i = 0; i < STEPS && !w->wrong; i++)
        script_step(w->script);
    sim_disk_watch(w->script->disk, NULL, NULL);
}

/* The lives end by a kill, by closing, by a kill. */
static struct watcher run(uint64_t seed, const struct sim_fault *defect)
{
    struct script *script = mem_alloc(sizeof *script);
    script_init(script, seed);
    struct watcher w = { .script = script, .seed = seed };
    if (defect)
        sim_disk_fault(script->disk, defect);
    for (int life = 0; life < LIVES && !w.wrong; life++) {
        run_life(&w);
        if (life % 2 == 0)
            sim_disk_kill(script->disk);
        script_close(script);
    }
    w.script = NULL;
    script_done(script);
    mem_free(script);
    return w;
}

static void test_crash_at_every_operation(void **state)
{
    for (uint64_t seed = seeds_from; seed <= seeds_to; seed++) {
        struct watcher w = run(seed, NULL);
        print_message("seed %u: %u crashes\n", (unsigned)seed, (unsigned)w.crashes);
        if (w.wrong)
            fail_msg("seed %u, operation %u: %s", (unsigned)seed, (unsigned)w.wrong_at, w.wrong);
    }
}

static void test_a_disk_that_does_not_sync_is_found_out(void **state)
{
    static const struct {
        const char *name;
        struct sim_fault fault;
    } defects[] = {
        { "250 before the sync", { .on = SIM_SYNC, .path = "segments", .times = UINT32_MAX } },
        { "segments folder not synced", { .on = SIM_SYNC_FOLDER, .path = "segments", .times = UINT32_MAX } },
        { "large body not synced", { .on = SIM_SYNC, .path = "big", .times = UINT32_MAX } },
        { "large body's folder not synced", { .on = SIM_SYNC_FOLDER, .path = "big", .times = UINT32_MAX } },
        { "index not synced", { .on = SIM_SYNC, .path = "index", .times = UINT32_MAX } },
        { "no folder synced", { .on = SIM_SYNC_FOLDER, .times = UINT32_MAX } },
    };
    for (size_t i = 0; i < sizeof defects / sizeof defects[0]; i++) {
        struct watcher w = { 0 };
        uint64_t seed = 1;
        for (; seed <= 20 && !w.wrong; seed++)
            w = run(seed, &defects[i].fault);
        if (!w.wrong)
            fail_msg("%s: not found", defects[i].name);
        print_message("%s: seed %u after %u crashes: %s\n", defects[i].name, (unsigned)seed - 1, (unsigned)w.crashes, w.wrong);
    }
}

int main(int argc, char **argv)
{
    if (argc == 3) {
        seeds_from = strtoull(argv[1], NULL, 10);
        seeds_to = strtoull(argv[2], NULL, 10);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crash_at_every_operation),
        cmocka_unit_test(test_a_disk_that_does_not_sync_is_found_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "script.h"

/* Disks that refuse: a write, sync, rename, truncate or read fails once, several times or for ever, or there is no room;
 * then the machine may stop, or the disk gets well again. Nothing answered STORE_OK is lost, nothing answered STORE_FAILED
 * or STORE_FULL is ever there, and once the disk is well the store goes on by itself.
 *
 * With arguments FROM TO: these seeds. */

static uint64_t seeds_from = 1, seeds_to = 60;

static struct sim_fault draw_fault(struct random_fast *random)
{
    static const unsigned operations[] = { SIM_SYNC,        SIM_SYNC,   SIM_WRITE,       SIM_WRITE, SIM_WRITE | SIM_SYNC,
                                           SIM_SYNC_FOLDER, SIM_RENAME, SIM_ALL,         SIM_READ,  SIM_TRUNCATE,
                                           SIM_REMOVE,      SIM_CREATE, SIM_MAKE_FOLDER, SIM_WRITE | SIM_CREATE };
    static const char *const paths[] = { NULL, "segments", "segments", "index", "index", "-wal", "big", "quarantine" };
    static const uint32_t times[] = { 1, 1, 1, 2, 5, 30, UINT32_MAX };
    struct sim_fault fault = { .on = operations[random_fast_below(random, 14)],
                               .path = paths[random_fast_below(random, 8)],
                               .skip = (uint32_t)random_fast_below(random, 60),
                               .times = times[random_fast_below(random, 7)],
                               .err = random_fast_below(random, 4) == 0 ? ERR_DISK_FULL : ERR_IO };
    return fault;
}

/* A clone of the disk loses power, or its process: what is left must be right, faults or not. */
static void look_after_crash(const struct script *s, uint64_t seed)
{
    struct sim_disk *disk = sim_disk_clone(s->disk);
    if (seed % 3 == 0)
        sim_disk_kill(disk);
    else
        sim_disk_power_loss(disk, seed);
    sim_disk_resize(disk, 64 << 20);
    const char *wrong = script_verify(s, disk, seed);
    sim_disk_free(disk);
    if (wrong)
        fail_msg("seed %u: %s", (unsigned)seed, wrong);
}

static void restart(struct script *s, struct random_fast *random)
{
    if (random_fast_below(random, 2) == 0)
        sim_disk_kill(s->disk);
    script_close(s);
    if (random_fast_below(random, 2) == 0)
        sim_disk_power_loss(s->disk, random_fast_u64(random));
}

/* A store that cannot be opened on a failing disk says so and is opened when it is well. */
static void open_again(struct script *s)
{
    enum err err = script_open(s);
    if (err != ERR_OK) {
        assert_true(err == ERR_IO || err == ERR_DISK_FULL);
        sim_disk_heal(s->disk);
        sim_disk_resize(s->disk, 64 << 20);
        err = script_open(s);
    }
    assert_int_equal(err, ERR_OK);
}

static void heal_and_go_on(struct script *s)
{
    sim_disk_heal(s->disk);
    sim_disk_resize(s->disk, 64 << 20);
    for (int i = 0; i < 20; i++) {
        s->now_us += 2 * US_PER_SECOND;
        for (int j = 0; j < 10000 && store_background(s->store, util_now(s->now_us)); j++)
            assert_true(j < 9999);
    }
    struct store_state state;
    store_state_get(s->store, &state);
    assert_true(state.accepting);
    struct arena arena;
    arena_init(&arena);
    struct store_item item = util_submit(SCRIPT_IDS + 7, 100, &arena);
    struct store_result result;
    store_commit(s->store, util_now(s->now_us), &item, 1, &result);
    assert_int_equal(result.status, STORE_OK);
    assert_int_equal(store_apply(s->store, 10000), ERR_OK);
    arena_done(&arena);
}

static void run(uint64_t seed)
{
    struct script *s = mem_alloc(sizeof *s);
    struct random_fast random;
    random_fast_init(&random, seed * 77);
    script_init(s, seed);
    assert_int_equal(script_open(s), ERR_OK);
    s->faults = true;
    for (int life = 0; life < 3; life++) {
        for (int trouble = 0; trouble < 4; trouble++) {
            struct sim_fault fault = draw_fault(&random);
            sim_disk_fault(s->disk, &fault);
            if (random_fast_below(&random, 6) == 0)
                sim_disk_resize(s->disk, 600 << 10); /* below what is used, or nearly so */
            for (int i = 0; i < 25; i++) {
                script_step(s);
                if (random_fast_below(&random, 5) == 0)
                    look_after_crash(s, random_fast_u64(&random));
            }
            if (random_fast_below(&random, 2) == 0)
                heal_and_go_on(s);
        }
        restart(s, &random);
        open_again(s);
        sim_disk_heal(s->disk);
    }
    heal_and_go_on(s);
    look_after_crash(s, seed);
    script_done(s);
    mem_free(s);
}

static void test_faults(void **state)
{
    for (uint64_t seed = seeds_from; seed <= seeds_to; seed++)
        run(seed);
}

/* One failed sync: that batch is refused for certain, the next goes to another segment, the alarm stays. */
static void test_one_failed_sync(void **state)
{
    struct script *s = mem_alloc(sizeof *s);
    script_init(s, 1);
    assert_int_equal(script_open(s), ERR_OK);
    struct arena arena;
    arena_init(&arena);
    struct store_result result;
    for (uint64_t id = 1; id <= 3; id++) {
        if (id == 2)
            sim_disk_fault(s->disk, &(struct sim_fault){ .on = SIM_SYNC, .path = "segments", .times = 1, .err = ERR_IO });
        struct store_item item = util_submit(id, 100, &arena);
        s->next_id = id + 1;
        s->messages[id].size = 100;
        store_commit(s->store, util_now(0), &item, 1, &result);
        assert_int_equal(result.status, id == 2 ? STORE_FAILED : STORE_OK);
        if (id != 2)
            s->messages[id].fate = FATE_PRESENT;
    }
    struct store_state state_now;
    store_state_get(s->store, &state_now);
    assert_true(state_now.failed && state_now.accepting);
    for (uint64_t seed = 1; seed < 50; seed++)
        look_after_crash(s, seed);
    arena_done(&arena);
    script_done(s);
    mem_free(s);
}

/* False: it was open before the crash came. What is found at the start after that is torn, never damaged. */
static bool ends_in_the_rescue(const struct sim_disk *torn, uint64_t seed, uint32_t operation)
{
    struct sim_disk *disk = sim_disk_clone(torn);
    struct store_options options = util_options(seed);
    struct store *store = NULL;
    sim_disk_crash_at(disk, sim_disk_operations(disk) + operation);
    bool crashed = store_open(sim_disk_border(disk), util_now(0), &options, &store) != ERR_OK;
    if (!crashed)
        store_close(store);
    sim_disk_kill(disk);
    options = util_options(seed + 1000);
    assert_int_equal(store_open(sim_disk_border(disk), util_now(0), &options, &store), ERR_OK);
    struct store_damage damage;
    if (store_damage_next(store, &damage))
        fail_msg("seed %u, operation %u: damage in segment %u", (unsigned)seed, operation, damage.segment);
    store_close(store);
    sim_disk_free(disk);
    return crashed;
}

/* Two batches are torn by a failing disk, each with the cut behind it, and the start after that ends at any operation: the
 * first batch that the rescue writes must cut off both. */
static void test_ended_in_the_rescue(void **state)
{
    uint32_t unknown = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct script *s = mem_alloc(sizeof *s);
        script_init(s, seed);
        assert_int_equal(script_open(s), ERR_OK);
        struct store_item items[3] = { util_submit(1, 100, &s->arena), util_submit(2, 5000, &s->arena),
                                       util_settle(1, 1, (struct body_ref){ 0 }, &s->arena) };
        struct store_result results[3];
        for (int i = 0; i < 3; i++) {
            while (i == 1 && store_background(s->store, util_now(0)))
                continue;
            if (i == 1)
                sim_disk_fault(s->disk, &(struct sim_fault){ .on = SIM_WRITE, .path = "segments", .times = UINT32_MAX, .err = ERR_IO });
            store_commit(s->store, util_now(0), &items[i], 1, &results[i]);
            items[2].body = results[0].body;
        }
        assert_int_equal(results[0].status, STORE_OK);
        assert_int_equal(results[1].status, STORE_UNKNOWN);
        unknown += results[2].status == STORE_UNKNOWN; /* a third segment was there to be torn */
        sim_disk_kill(s->disk);
        uint32_t count = 0;
        while (ends_in_the_rescue(s->disk, seed, count))
            count++;
        assert_true(count > 10 && count < 1000);
        script_done(s);
        mem_free(s);
    }
    assert_true(unknown > 0);
}

int main(int argc, char **argv)
{
    if (argc == 3) {
        seeds_from = strtoull(argv[1], NULL, 10);
        seeds_to = strtoull(argv[2], NULL, 10);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_failed_sync),
        cmocka_unit_test(test_ended_in_the_rescue),
        cmocka_unit_test(test_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "store/record.h"
#include "util.h"

/* The store in good weather and on full disks: what it promises call by call. Crashes are in test_crash.c. */

struct world {
    struct sim_disk *disk;
    struct store *store;
    struct store_reader *reader;
    struct arena arena;
    uint64_t seed;
    int64_t now_us;
    struct store_options options;
};

static void world_open(struct world *w)
{
    w->seed++;
    memcpy(w->options.seed, &w->seed, sizeof w->seed);
    assert_int_equal(store_open(sim_disk_border(w->disk), util_now(w->now_us), &w->options, &w->store), ERR_OK);
    assert_int_equal(store_reader_open(w->store, &w->reader), ERR_OK);
}

static void world_close(struct world *w)
{
    store_reader_close(w->reader);
    store_close(w->store);
    w->store = NULL;
    w->reader = NULL;
}

static int setup(void **state)
{
    struct world *w = mem_alloc(sizeof *w);
    w->disk = sim_disk_new(1, 64 << 20);
    w->options = util_options(1);
    arena_init(&w->arena);
    world_open(w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    world_close(w);
    sim_disk_free(w->disk);
    arena_done(&w->arena);
    mem_free(w);
    return 0;
}

static struct store_result commit_one(struct world *w, struct store_item item)
{
    struct store_result result;
    store_commit(w->store, util_now(w->now_us), &item, 1, &result);
    assert_int_equal(result.id, item.id);
    assert_int_equal(result.tag, item.tag);
    return result;
}

static struct store_result submit(struct world *w, uint64_t id, size_t size)
{
    struct store_result result = commit_one(w, util_submit(id, size, &w->arena));
    assert_int_equal(result.status, STORE_OK);
    return result;
}

static void assert_there(struct world *w, uint64_t id, const struct store_result *result, int version)
{
    enum err err;
    assert_int_equal(util_read_version(w->reader, id, result->envelope, &err), version);
    assert_true(util_body_is_right(w->reader, id, &result->body, &err));
}

static void idle(struct world *w)
{
    w->now_us += 10 * US_PER_SECOND;
    for (int i = 0; store_background(w->store, util_now(w->now_us)); i++)
        assert_true(i < 10000);
}

static uint32_t stub_count(struct world *w, struct store_stub *stubs, uint32_t max)
{
    uint32_t count;
    assert_int_equal(store_load_stubs(w->store, 0, stubs, max, &count), ERR_OK);
    return count;
}

static void test_submit_is_read_back_at_once_and_later(void **state)
{
    struct world *w = *state;
    size_t sizes[] = { 0, 1, 1000, 4096, 40000 };
    struct store_result results[5];
    for (int i = 0; i < 5; i++) {
        results[i] = submit(w, 100 + (uint64_t)i, sizes[i]);
        assert_int_equal(results[i].body.size, sizes[i]);
    }
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 5; i++)
            assert_there(w, 100 + (uint64_t)i, &results[i], 0);
        if (round == 0) {
            idle(w);
        } else {
            world_close(w);
            world_open(w);
            struct store_stub stubs[8];
            assert_int_equal(stub_count(w, stubs, 8), 5);
            for (int i = 0; i < 5; i++) {
                assert_int_equal(stubs[i].id, 100 + i);
                assert_int_equal(stubs[i].due_us, (100 + i) * 10);
                assert_int_equal(stubs[i].queue, QUEUE_REMOTE);
                assert_int_equal(stubs[i].destination, 100 + i);
                results[i].envelope = stubs[i].envelope;
                results[i].body = stubs[i].body;
            }
            assert_int_equal(store_report(w->store)->last_id, 104);
        }
    }
}

static void test_body_in_parts_and_read_at_any_offset(void **state)
{
    struct world *w = *state;
    w->options.segment_size = 1 << 20;
    world_close(w);
    sim_disk_free(w->disk);
    w->disk = sim_disk_new(1, 64 << 20);
    world_open(w);
    struct store_item item = util_submit(7, 200000, &w->arena);
    struct slice parts[4] = { slice_part(item.body_parts[0], 0, 1), slice_part(item.body_parts[0], 1, 65535),
                              slice_part(item.body_parts[0], 65536, 70000), slice_after(item.body_parts[0], 135536) };
    item.body_parts = parts;
    item.body_part_count = 4;
    struct store_result result = commit_one(w, item);
    assert_int_equal(result.status, STORE_OK);
    struct random_fast random;
    random_fast_init(&random, 5);
    char want[70000];
    for (int i = 0; i < 300; i++) {
        uint64_t offset = random_fast_below(&random, 200100);
        uint32_t size = (uint32_t)random_fast_below(&random, sizeof want);
        struct buffer out;
        buffer_init(&out, sizeof want);
        assert_int_equal(store_read_body(w->reader, 7, &result.body, offset, size, &out), ERR_OK);
        size_t left = offset < 200000 ? (size_t)(200000 - offset) : 0;
        size_t expected = size < left ? size : left;
        util_body(7, offset, want, expected);
        assert_true(slice_equal(buffer_slice(&out), slice(want, expected)));
        buffer_done(&out);
    }
}

static void test_settle_and_end(void **state)
{
    struct world *w = *state;
    struct store_result first = submit(w, 1, 500), second = submit(w, 2, 500);
    submit(w, 3, 500);
    struct store_result settled = commit_one(w, util_settle(1, 1, first.body, &w->arena));
    assert_int_equal(settled.status, STORE_OK);
    assert_memory_equal(&settled.body, &first.body, sizeof first.body);
    assert_there(w, 1, &settled, 1);
    idle(w);
    assert_int_equal(commit_one(w, util_end(3)).status, STORE_OK);
    settled = commit_one(w, util_settle(2, 2, second.body, &w->arena));
    world_close(w);
    world_open(w);
    struct store_stub stubs[4];
    assert_int_equal(stub_count(w, stubs, 4), 2);
    assert_int_equal(stubs[0].queue, QUEUE_RETRY);
    enum err err;
    assert_int_equal(util_read_version(w->reader, 1, stubs[0].envelope, &err), 1);
    assert_int_equal(util_read_version(w->reader, 2, stubs[1].envelope, &err), 2);
    assert_true(util_body_is_right(w->reader, 1, &stubs[0].body, &err));
    struct buffer out;
    buffer_init(&out, 10000);
    struct record_ref gone = { 9999, 4192, 10 };
    assert_int_equal(store_read_envelope(w->reader, 3, gone, &out), ERR_NOT_FOUND);
    buffer_done(&out);
}

static void test_what_is_due_comes_first(void **state)
{
    struct world *w = *state;
    for (uint64_t id = 100; id < 106; id++) {
        struct store_item item = util_submit(id, 10, &w->arena);
        item.due_us = id % 2 ? util_now(0).wall_us + US_PER_DAY : util_now(0).wall_us;
        assert_int_equal(commit_one(w, item).status, STORE_OK);
    }
    world_close(w);
    world_open(w);
    assert_int_equal(commit_one(w, util_end(102)).status, STORE_OK);
    struct store_stub stubs[8];
    assert_int_equal(store_load_due(w->store, stubs, 1), 1);
    assert_int_equal(stubs[0].id, 100);
    assert_int_equal(store_load_due(w->store, stubs, 8), 1);
    assert_int_equal(stubs[0].id, 104);
    assert_int_equal(store_load_due(w->store, stubs, 8), 0);
    assert_int_equal(stub_count(w, stubs, 8), 5);
    assert_int_equal(stubs[0].id, 100);
}

static void test_sent_again_changes_nothing(void **state)
{
    struct world *w = *state;
    struct store_result first = submit(w, 1, 500);
    struct store_result settled = commit_one(w, util_settle(1, 3, first.body, &w->arena));
    for (int round = 0; round < 2; round++) {
        struct store_result again = submit(w, 1, 500);
        assert_int_equal(again.status, STORE_OK);
        idle(w); /* the second time it is a row */
    }
    world_close(w);
    world_open(w);
    struct store_stub stub;
    enum err err;
    assert_int_equal(stub_count(w, &stub, 1), 1);
    assert_int_equal(util_read_version(w->reader, 1, stub.envelope, &err), 3);
    assert_memory_equal(&stub.envelope, &settled.envelope, sizeof stub.envelope);
}

static void big(struct world *w, uint64_t id, size_t size)
{
    char *body = malloc(size);
    util_body(id, 0, body, size);
    size_t step = 50001;
    for (size_t at = 0; at < size; at += step) {
        struct slice piece = slice_part(slice(body, size), at, step);
        assert_int_equal(store_big_append(w->store, id, at, piece), STORE_OK);
    }
    free(body);
    assert_int_equal(store_big_finish(w->store, id), STORE_OK);
}

static struct store_item big_submit(struct world *w, uint64_t id, size_t size)
{
    struct store_item item = util_submit(id, 0, &w->arena);
    item.body = (struct body_ref){ .size = size, .big_id = id };
    item.body_part_count = 0;
    return item;
}

static void test_large_bodies(void **state)
{
    struct world *w = *state;
    enum err err;
    big(w, 5, 500000);
    struct store_result result = commit_one(w, big_submit(w, 5, 500000));
    assert_int_equal(result.status, STORE_OK);
    assert_there(w, 5, &result, 0);
    struct buffer out;
    buffer_init(&out, 100000);
    assert_int_equal(store_read_body(w->reader, 5, &result.body, 130000, 65536, &out), ERR_OK);
    char want[65536];
    util_body(5, 130000, want, sizeof want);
    assert_true(slice_equal(buffer_slice(&out), slice(want, sizeof want)));
    buffer_done(&out);

    assert_int_equal(store_big_append(w->store, 6, 10, SLICE("x")), STORE_FAILED); /* not begun */
    assert_int_equal(store_big_append(w->store, 6, 0, SLICE("abc")), STORE_OK);
    assert_int_equal(store_big_append(w->store, 6, 4, SLICE("x")), STORE_FAILED); /* a hole */
    assert_int_equal(commit_one(w, big_submit(w, 6, 3)).status, STORE_FAILED);     /* not finished */
    assert_int_equal(store_big_finish(w->store, 6), STORE_OK);
    assert_int_equal(commit_one(w, big_submit(w, 6, 4)).status, STORE_FAILED); /* not of that size */
    store_big_abort(w->store, 6);
    assert_int_equal(commit_one(w, big_submit(w, 6, 3)).status, STORE_FAILED);
    assert_int_equal(store_big_finish(w->store, 77), STORE_FAILED);
    uint64_t size;
    char path[32] = "big/";
    id_format(6, path + 4);
    assert_false(sim_disk_file_size(w->disk, path, &size));

    assert_int_equal(store_big_append(w->store, 8, 0, SLICE("unfinished")), STORE_OK);
    big(w, 9, 300000); /* finished, but no record names it */
    world_close(w);
    world_open(w);
    assert_int_equal(store_report(w->store)->orphan_count, 2);
    struct store_stub stub;
    assert_int_equal(stub_count(w, &stub, 1), 1);
    assert_true(util_body_is_right(w->reader, 5, &stub.body, &err));
    assert_int_equal(commit_one(w, util_end(5)).status, STORE_OK);
    idle(w);
    id_format(5, path + 4);
    assert_false(sim_disk_file_size(w->disk, path, &size));
}

/* Thousands of messages through small segments: files are recycled, memory and disk stay bounded. */
static void test_recycling(void **state)
{
    struct world *w = *state;
    uint64_t id = 1;
    for (int round = 0; round < 120; round++) {
        uint64_t from = id;
        for (int i = 0; i < 20; i++)
            submit(w, id++, 1000);
        if (round % 7 == 0)
            idle(w); /* some become rows before they end */
        for (uint64_t j = from; j < id; j++)
            assert_int_equal(commit_one(w, util_end(j)).status, STORE_OK);
        idle(w);
        arena_clear(&w->arena, 1 << 20);
    }
    struct disk_space space;
    struct disk *disk = sim_disk_border(w->disk);
    assert_int_equal(disk->calls->space(disk, &space), ERR_OK);
    assert_true(space.total_bytes - space.free_bytes < 2 << 20); /* 9.6 MB of records have been written */
    struct store_stub stub;
    world_close(w);
    world_open(w);
    assert_int_equal(stub_count(w, &stub, 1), 0);
}

/* One message in a hundred stays: the survivors are moved together, said so, and can be read by their old places. */
static void test_survivors_are_moved(void **state)
{
    struct world *w = *state;
    struct store_stub stub;
    assert_int_equal(stub_count(w, &stub, 1), 0); /* loading is over */
    static struct store_result kept[100];
    uint64_t id = 1;
    for (int round = 0; round < 60; round++) {
        uint64_t from = id;
        for (int i = 0; i < 20; i++) {
            struct store_result result = submit(w, id, 1500);
            if (i == 0)
                kept[round] = result;
            id++;
        }
        if (round % 3 == 0)
            kept[round] = commit_one(w, util_settle(from, 1, kept[round].body, &w->arena));
        idle(w);
        for (uint64_t j = from + 1; j < id; j++)
            commit_one(w, util_end(j));
        idle(w);
        arena_clear(&w->arena, 1 << 20);
    }
    static struct store_move moves[1000];
    uint32_t count = store_moves_take(w->store, moves, 1000);
    assert_true(count > 20);
    assert_int_equal(store_moves_take(w->store, moves, 1000), 0);
    for (int round = 0; round < 60; round++)
        assert_there(w, (uint64_t)round * 20 + 1, &kept[round], round % 3 == 0); /* by the old place */
    /* a settle with the old place of the body keeps the body */
    struct store_result settled = commit_one(w, util_settle(1, 2, kept[0].body, &w->arena));
    assert_there(w, 1, &settled, 2);
    for (int i = 0; i < 5; i++)
        idle(w);
    world_close(w);
    world_open(w);
    static struct store_stub stubs[100];
    assert_int_equal(stub_count(w, stubs, 100), 60);
    for (int i = 0; i < 60; i++) {
        struct store_result at = { .envelope = stubs[i].envelope, .body = stubs[i].body };
        assert_there(w, stubs[i].id, &at, i == 0 ? 2 : i % 3 == 0);
    }
    struct disk_space space;
    struct disk *disk = sim_disk_border(w->disk);
    assert_int_equal(disk->calls->space(disk, &space), ERR_OK);
    assert_true(space.total_bytes - space.free_bytes < 3 << 20);
}

static void test_two_owners(void **state)
{
    struct world *w = *state;
    struct store *other;
    assert_int_equal(store_open(sim_disk_border(w->disk), util_now(0), &w->options, &other), ERR_BUSY);
    submit(w, 1, 10); /* the first is none the worse */
}

static void overwrite(struct world *w, const char *path, uint64_t offset, const char *text)
{
    struct disk *disk = sim_disk_border(w->disk);
    struct disk_file *file;
    assert_int_equal(disk->calls->open(disk, path, DISK_OPEN_WRITE, &file), ERR_OK);
    struct disk_slice slice = { text, strlen(text) };
    assert_int_equal(file->calls->write(file, offset, &slice, 1), ERR_OK);
    file->calls->close(file);
}

static void test_newer_formats_are_refused(void **state)
{
    struct world *w = *state;
    submit(w, 1, 10);
    world_close(w);
    overwrite(w, "format", 0, "facteur data 2\n");
    uint64_t before = sim_disk_operations(w->disk);
    assert_int_equal(store_open(sim_disk_border(w->disk), util_now(0), &w->options, &w->store), ERR_NEWER_FORMAT);
    assert_int_equal(sim_disk_operations(w->disk), before);
    overwrite(w, "format", 0, "facteur data 1\n");
    world_open(w);
    struct store_stub stub;
    assert_int_equal(stub_count(w, &stub, 1), 1);
}

/* It is being tried while the reader finds its body damaged: what is settled afterwards must not bring it back. */
static void test_set_aside_is_over(void **state)
{
    struct world *w = *state;
    struct store_result applied = submit(w, 1, 1000);
    idle(w);
    struct store_result pending = submit(w, 2, 1000);
    submit(w, 3, 1000);
    for (uint64_t id = 1; id <= 2; id++)
        assert_int_equal(store_quarantine(w->store, util_now(w->now_us), id), ERR_OK);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(commit_one(w, util_settle(1, 1, applied.body, &w->arena)).status, STORE_FENCED);
        assert_int_equal(commit_one(w, util_settle(2, 1, pending.body, &w->arena)).status, STORE_FENCED);
        assert_int_equal(commit_one(w, util_end(1)).status, STORE_FENCED);
        idle(w);
    }
    for (uint64_t id = 1; id <= 2; id++) {
        struct store_damage damage;
        assert_true(store_damage_next(w->store, &damage));
        assert_int_equal(damage.id, id);
    }
    world_close(w);
    world_open(w);
    struct store_stub stubs[8];
    assert_int_equal(stub_count(w, stubs, 8), 1);
    assert_int_equal(stubs[0].id, 3);
}

/* Both copies of a header unreadable: in front of records that is damage, and the file stays; a file without any was never
 * finished, torn within its header or before it (seed 746), and goes. */
static void test_unreadable_headers(void **state)
{
    struct world *w = *state;
    struct store_damage damage;
    uint64_t size;
    submit(w, 1, 10);
    idle(w);
    assert_true(sim_disk_file_size(w->disk, "segments/00000002", &size)); /* a spare one */
    for (int i = 1; i <= 2; i++) {
        world_close(w);
        const char *path = i == 1 ? "segments/00000002" : "segments/00000001";
        overwrite(w, path, 10, "torn");
        overwrite(w, path, SEGMENT_HEADER_COPY, "torn");
        world_open(w);
        assert_int_equal(store_damage_next(w->store, &damage), i == 2);
        assert_int_equal(sim_disk_file_size(w->disk, path, &size), i == 2);
    }
}

static void test_full_disk(void **state)
{
    struct world *w = *state;
    w->options.min_free_bytes = 1 << 20;
    world_close(w);
    world_open(w);
    idle(w);
    struct store_result kept = submit(w, 1, 1000);
    idle(w);
    struct disk_space space;
    struct disk *disk = sim_disk_border(w->disk);
    assert_int_equal(disk->calls->space(disk, &space), ERR_OK);
    sim_disk_resize(w->disk, space.total_bytes - space.free_bytes + 8192); /* somebody else has filled it */
    struct store_state s;
    uint64_t id = 2;
    int refused = 0;
    for (int i = 0; i < 200; i++) {
        struct store_result result = commit_one(w, util_submit(id++, 1000, &w->arena));
        assert_true(result.status == STORE_OK || result.status == STORE_FULL);
        refused += result.status == STORE_FULL;
        w->now_us += US_PER_SECOND;
        store_background(w->store, util_now(w->now_us));
    }
    assert_true(refused >= 199); /* from the first one on that comes a second after the last look */
    store_state_get(w->store, &s);
    assert_true(s.full && !s.accepting && !s.failed);
    assert_int_equal(store_big_append(w->store, 9000, 0, SLICE("x")), STORE_FULL);
    for (uint32_t i = 1; i < 12; i++) { /* what is in progress can still be recorded, with its bounces */
        struct store_item items[2] = { util_settle(1, i, kept.body, &w->arena), util_submit(id++, 200, &w->arena) };
        items[1].notice = true;
        struct store_result results[2];
        store_commit(w->store, util_now(w->now_us), items, 2, results);
        assert_int_equal(results[0].status, STORE_OK);
        assert_int_equal(results[1].status, STORE_OK);
    }
    sim_disk_resize(w->disk, 64 << 20); /* and it goes on by itself */
    idle(w);
    idle(w);
    store_state_get(w->store, &s);
    assert_true(s.accepting && !s.full);
    submit(w, id, 1000);
    world_close(w);
    world_open(w);
    struct store_stub stub;
    enum err err;
    assert_int_equal(stub_count(w, &stub, 1), 1);
    assert_int_equal(util_read_version(w->reader, 1, stub.envelope, &err), 11);
}

static void test_queries(void **state)
{
    struct world *w = *state;
    for (uint64_t id = 1; id <= 300; id++) {
        struct store_result result = submit(w, id, 10);
        if (id % 10 == 0) {
            struct store_item item = util_settle(id, 1, result.body, &w->arena);
            item.queue = id % 20 == 0 ? QUEUE_BAD : QUEUE_HOLDING;
            commit_one(w, item);
        }
    }
    uint64_t wanted = store_committed(w->store);
    assert_true(store_applied(w->store) < wanted);
    while (store_applied(w->store) < wanted)
        assert_int_equal(store_apply(w->store, 50), ERR_OK);
    struct store_query query = { .limit = 100 };
    struct store_page page;
    uint32_t total = 0;
    do { /* all but the bad queue, in pages */
        assert_int_equal(store_query(w->reader, &query, &w->arena, &page), ERR_OK);
        assert_true(page.count <= 100);
        for (uint32_t i = 0; i < page.count; i++) {
            struct store_row *row = &page.rows[i];
            assert_true(row->stub.id > query.after_id);
            query.after_id = row->stub.id;
            uint32_t version = row->stub.id % 10 == 0;
            assert_true(slice_equal(row->envelope, util_envelope(row->stub.id, version, &w->arena)));
        }
        query.after_id = page.next_after_id;
        total += page.count;
    } while (page.more);
    assert_int_equal(total, 285);
    static const struct {
        struct store_query query;
        uint32_t count;
    } cases[] = {
        { { .limit = 1000, .queues = 1u << QUEUE_BAD }, 15 },
        { { .limit = 1000, .queues = 1u << QUEUE_HOLDING }, 15 },
        { { .limit = 1000, .queues = ~0u }, 300 },
        { { .limit = 1000, .queues = ~0u, .to = { "ANNA@example.ORG", 16 } }, 100 },
        { { .limit = 1000, .queues = ~0u, .to = { "anna@example.com", 16 } }, 0 },
        { { .limit = 1000, .queues = ~0u, .to = { "@example.org", 12 } }, 100 },
        { { .limit = 1000, .queues = ~0u, .host = { "mail.example.com", 16 } }, 100 },
        { { .limit = 1000, .queues = ~0u, .from = { "bert@example.net", 16 } }, 100 },
        { { .limit = 1000, .queues = ~0u, .from = { "<>", 2 } }, 0 },
        { { .limit = 1000, .queues = ~0u, .id = 17 }, 1 },
        { { .limit = 1000, .queues = ~0u, .id = 301 }, 0 },
        { { .limit = 0 }, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(store_query(w->reader, &cases[i].query, &w->arena, &page), ERR_OK);
        assert_int_equal(page.count, cases[i].count);
    }
}

/* The table of unapplied messages is bounded; what ends before it is applied never becomes a row. */
static void test_pending_is_bounded(void **state)
{
    struct world *w = *state;
    w->options.pending_max = 40;
    world_close(w);
    world_open(w);
    for (uint64_t id = 1; id <= 200; id++) {
        submit(w, id, 100);
        assert_true(store_committed(w->store) - store_applied(w->store) <= 40);
    }
    world_close(w);
    world_open(w);
    struct store_stub stubs[201];
    assert_int_equal(stub_count(w, stubs, 201), 200);
    assert_int_equal(store_report(w->store)->message_count, 200);
}

static void test_deadlines(void **state)
{
    struct world *w = *state;
    idle(w);
    assert_int_equal(store_deadline_us(w->store), DEADLINE_NEVER);
    submit(w, 1, 100);
    int64_t deadline = store_deadline_us(w->store);
    assert_int_equal(deadline, w->now_us + w->options.pending_age_us);
    w->now_us = deadline;
    for (int i = 0; store_background(w->store, util_now(w->now_us)); i++)
        assert_true(i < 1000);
    assert_int_equal(store_applied(w->store), store_committed(w->store));
    assert_int_equal(store_deadline_us(w->store), DEADLINE_NEVER);
}

/* One write and one sync a batch, whatever is in it. */
static void test_one_sync_a_batch(void **state)
{
    struct world *w = *state;
    idle(w);
    submit(w, 1, 10);
    uint64_t operations = sim_disk_operations(w->disk), syncs = sim_disk_syncs(w->disk);
    struct store_item items[8];
    struct store_result results[8];
    for (uint64_t i = 0; i < 8; i++)
        items[i] = util_submit(10 + i, 1000, &w->arena);
    store_commit(w->store, util_now(w->now_us), items, 8, results);
    assert_int_equal(sim_disk_operations(w->disk) - operations, 2);
    assert_int_equal(sim_disk_syncs(w->disk) - syncs, 1);
    for (uint64_t i = 0; i < 8; i++)
        assert_there(w, 10 + i, &results[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_submit_is_read_back_at_once_and_later, setup, teardown),
        cmocka_unit_test_setup_teardown(test_body_in_parts_and_read_at_any_offset, setup, teardown),
        cmocka_unit_test_setup_teardown(test_settle_and_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_due_comes_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sent_again_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_large_bodies, setup, teardown),
        cmocka_unit_test_setup_teardown(test_recycling, setup, teardown),
        cmocka_unit_test_setup_teardown(test_survivors_are_moved, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_owners, setup, teardown),
        cmocka_unit_test_setup_teardown(test_newer_formats_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_set_aside_is_over, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unreadable_headers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_queries, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pending_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deadlines, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_sync_a_batch, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

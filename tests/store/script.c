#include "script.h"

enum { BATCH_MAX = 7 };

static uint64_t draw(struct script *s, uint64_t limit)
{
    return random_fast_below(&s->random, limit);
}

void script_init(struct script *s, uint64_t seed)
{
    *s = (struct script){ .next_id = 1 };
    random_fast_init(&s->random, seed);
    arena_init(&s->arena);
    s->disk = sim_disk_new(seed, 64 << 20);
}

void script_done(struct script *s)
{
    script_close(s);
    sim_disk_free(s->disk);
    arena_done(&s->arena);
}

static struct store_options options_of(uint64_t seed)
{
    struct store_options options = util_options(seed);
    options.pending_max = 300;
    return options;
}

enum err script_open(struct script *s)
{
    struct store_options options = options_of(++s->opens * 1000003);
    enum err err = store_open(sim_disk_border(s->disk), util_now(s->now_us), &options, &s->store);
    if (err != ERR_OK)
        return err;
    struct store_stub stubs[SCRIPT_IDS + 1];
    uint32_t count = 0;
    err = store_load_stubs(s->store, 0, stubs, SCRIPT_IDS + 1, &count);
    for (uint32_t i = 0; err == ERR_OK && i < count && stubs[i].id < SCRIPT_IDS; i++) {
        s->messages[stubs[i].id].body = stubs[i].body;
        s->messages[stubs[i].id].envelope = stubs[i].envelope;
    }
    if (err == ERR_OK)
        err = store_reader_open(s->store, &s->reader);
    if (err != ERR_OK)
        script_close(s);
    return err;
}

void script_close(struct script *s)
{
    store_reader_close(s->reader);
    store_close(s->store);
    s->reader = NULL;
    s->store = NULL;
}

/* ---- the engine's part ---- */

static uint64_t pick_present(struct script *s)
{
    for (int i = 0; i < 20; i++) {
        uint64_t id = 1 + draw(s, s->next_id);
        if (id < s->next_id && s->messages[id].fate == FATE_PRESENT && !s->messages[id].maybe)
            return id;
    }
    return 0;
}

static bool in_batch(const struct store_item *items, uint32_t count, uint64_t id)
{
    for (uint32_t i = 0; i < count; i++) {
        if (items[i].id == id)
            return true;
    }
    return false;
}

static size_t draw_size(struct script *s)
{
    static const size_t sizes[] = { 0, 30, 300, 1500, 4000, 9000 };
    return sizes[draw(s, 6)] + (size_t)draw(s, 100);
}

static void expect(struct script *s, uint64_t id, enum script_fate fate, uint32_t version)
{
    s->messages[id].maybe = true;
    s->messages[id].maybe_fate = fate;
    s->messages[id].maybe_version = version;
}

static struct store_item draw_submit(struct script *s)
{
    uint64_t id = s->next_id++;
    size_t size = draw_size(s);
    s->messages[id].size = size;
    expect(s, id, FATE_PRESENT, 0);
    return util_submit(id, size, &s->arena);
}

static struct store_item draw_change(struct script *s, uint64_t id)
{
    struct script_message *m = &s->messages[id];
    if (draw(s, 3) > 0) {
        expect(s, id, FATE_ENDED, 0);
        return util_end(id);
    }
    expect(s, id, FATE_PRESENT, m->version + 1);
    return util_settle(id, m->version + 1, m->body, &s->arena);
}

/* A result makes certain what was possible. */
static void settle_result(struct script *s, const struct store_result *result)
{
    struct script_message *m = &s->messages[result->id];
    switch (result->status) {
    case STORE_OK:
        m->maybe = false;
        m->fate = m->maybe_fate;
        m->version = m->maybe_version;
        if (m->fate == FATE_PRESENT) {
            m->body = result->body;
            m->envelope = result->envelope;
        }
        break;
    case STORE_UNKNOWN:
        s->refused++;
        break;
    default:
        m->maybe = false;
        s->refused++;
        break;
    }
    assert_true(s->faults || result->status == STORE_OK);
}

static void commit(struct script *s, struct store_item *items, uint32_t count)
{
    struct store_result results[BATCH_MAX];
    store_commit(s->store, util_now(s->now_us), items, count, results);
    for (uint32_t i = 0; i < count && !s->crashed; i++)
        settle_result(s, &results[i]);
    arena_clear(&s->arena, 1 << 20);
}

static void step_commit(struct script *s)
{
    struct store_item items[BATCH_MAX];
    uint32_t wanted = 1 + (uint32_t)draw(s, BATCH_MAX - 1);
    uint32_t count = 0;
    while (count < wanted && s->next_id + 2 < SCRIPT_IDS) {
        uint64_t id = draw(s, 2) ? pick_present(s) : 0;
        if (id == 0 || in_batch(items, count, id)) {
            items[count++] = draw_submit(s);
            continue;
        }
        items[count++] = draw_change(s, id);
        if (count < wanted && draw(s, 3) == 0) { /* with a bounce */
            items[count] = draw_submit(s);
            items[count].notice = true;
            s->messages[items[count].id].cause = id;
            count++;
        }
    }
    if (count > 0)
        commit(s, items, count);
}

static void step_big(struct script *s)
{
    if (s->next_id + 2 >= SCRIPT_IDS)
        return;
    uint64_t id = s->next_id++;
    size_t size = 270000 + (size_t)draw(s, 70000);
    struct script_message *m = &s->messages[id];
    m->size = size;
    m->big = true;
    char *body = arena_alloc(&s->arena, size);
    util_body(id, 0, body, size);
    size_t stop = draw(s, 5) == 0 ? size / 2 : size; /* some senders go away */
    enum store_status status = STORE_OK;
    for (size_t at = 0; at < stop && status == STORE_OK; at += STORE_CHUNK_SIZE)
        status = store_big_append(s->store, id, at, slice_part(slice(body, size), at, STORE_CHUNK_SIZE));
    if (status == STORE_OK && stop == size)
        status = store_big_finish(s->store, id);
    assert_true(status == STORE_OK || s->faults || s->crashed);
    if (status != STORE_OK || stop < size || draw(s, 8) == 0) {
        store_big_abort(s->store, id);
        return;
    }
    struct store_item item = util_submit(id, 0, &s->arena);
    item.body = (struct body_ref){ .size = size, .big_id = id };
    item.body_part_count = 0;
    expect(s, id, FATE_PRESENT, 0);
    commit(s, &item, 1);
    if (s->messages[id].fate != FATE_PRESENT && !s->messages[id].maybe)
        store_big_abort(s->store, id);
}

static void step_read(struct script *s)
{
    uint64_t id = pick_present(s);
    if (id == 0)
        return;
    const struct script_message *m = &s->messages[id];
    enum err err;
    int version = util_read_version(s->reader, id, m->envelope, &err);
    if (err == ERR_CRASHED || ((err == ERR_IO || err == ERR_DISK_FULL) && s->faults))
        return;
    assert_int_equal(err, ERR_OK);
    assert_int_equal(version, (int)m->version);
    bool right = util_body_is_right(s->reader, id, &m->body, &err);
    assert_true(right || err == ERR_CRASHED || ((err == ERR_IO || err == ERR_DISK_FULL) && s->faults));
}

static void step_end_many(struct script *s)
{
    for (uint64_t id = 1; id < s->next_id; id++) {
        if (s->messages[id].fate != FATE_PRESENT || s->messages[id].maybe || draw(s, 10) == 0)
            continue;
        struct store_item item = util_end(id);
        expect(s, id, FATE_ENDED, 0);
        commit(s, &item, 1);
        if (s->crashed)
            return;
    }
}

void script_step(struct script *s)
{
    struct store_move moves[64];
    s->now_us += (int64_t)draw(s, US_PER_SECOND / 2);
    switch (draw(s, 16)) {
    case 0:
        step_big(s);
        break;
    case 1:
        if (store_apply(s->store, 1 + (uint32_t)draw(s, 20)) != ERR_OK)
            assert_true(s->faults || s->crashed);
        break;
    case 2:
    case 3:
    case 4:
        for (int i = 0; i < 8 && store_background(s->store, util_now(s->now_us)); i++)
            ;
        break;
    case 5:
        for (uint32_t i = 0, n = store_moves_take(s->store, moves, 64); i < n; i++) {
            s->messages[moves[i].id].envelope = moves[i].envelope;
            s->messages[moves[i].id].body = moves[i].body;
        }
        break;
    case 6:
    case 7:
        step_read(s);
        break;
    case 8:
        if (draw(s, 6) == 0)
            step_end_many(s);
        break;
    default:
        step_commit(s);
        break;
    }
    arena_clear(&s->arena, 1 << 20);
}

/* ---- the verdict ---- */

static bool allowed(const struct script_message *m, enum script_fate fate, uint32_t version)
{
    enum script_fate gone = fate == FATE_PRESENT ? FATE_PRESENT : FATE_NONE;
    enum script_fate sure = m->fate == FATE_PRESENT ? FATE_PRESENT : FATE_NONE;
    enum script_fate maybe = m->maybe_fate == FATE_PRESENT ? FATE_PRESENT : FATE_NONE;
    if (gone == sure && (gone == FATE_NONE || version == m->version))
        return true;
    return m->maybe && gone == maybe && (gone == FATE_NONE || version == m->maybe_version);
}

/* One stub against the model. */
static const char *compare_stub(const struct script *s, struct store_reader *reader, const struct store_stub *stub,
                                uint32_t *ret_version)
{
    const struct script_message *m = &s->messages[stub->id];
    enum err err;
    int version = util_read_version(reader, stub->id, stub->envelope, &err);
    if (err != ERR_OK)
        return "an envelope cannot be read";
    if (!allowed(m, FATE_PRESENT, (uint32_t)version))
        return m->fate == FATE_NONE ? "a message is there that was refused" : "a message is back that ended, or is old";
    if (stub->due_us != (int64_t)stub->id * 10 + version || stub->body.size != m->size)
        return "a stub is not that of its envelope";
    if (!util_body_is_right(reader, stub->id, &stub->body, &err))
        return "a body is wrong";
    *ret_version = (uint32_t)version;
    return NULL;
}

/* A notice that is not there: then the settle that it rode with did not happen either. */
static bool went_on_alone(const struct script *s, const struct script_message *m, const bool *there,
                          const uint32_t *versions)
{
    const struct script_message *cause = &s->messages[m->cause];
    if (m->cause == 0 || m->fate != FATE_NONE || !m->maybe || !cause->maybe)
        return false;
    return cause->maybe_fate == FATE_PRESENT ? there[m->cause] && versions[m->cause] == cause->maybe_version
                                             : !there[m->cause];
}

const char *script_compare(const struct script *s, struct store *store, struct store_reader *reader)
{
    struct store_stub stubs[SCRIPT_IDS + 1];
    uint32_t count = 0;
    if (store_load_stubs(store, 0, stubs, SCRIPT_IDS + 1, &count) != ERR_OK)
        return "stubs cannot be loaded";
    bool there[SCRIPT_IDS] = { false };
    uint32_t versions[SCRIPT_IDS] = { 0 };
    for (uint32_t i = 0; i < count; i++) {
        if (stubs[i].id >= SCRIPT_IDS)
            continue; /* of an earlier look at this disk: see script_verify */
        const char *wrong = compare_stub(s, reader, &stubs[i], &versions[stubs[i].id]);
        if (wrong)
            return wrong;
        there[stubs[i].id] = true;
    }
    for (uint64_t id = 1; id < s->next_id; id++) {
        if (!there[id] && !allowed(&s->messages[id], FATE_NONE, 0))
            return "a message is lost";
        if (!there[id] && went_on_alone(s, &s->messages[id], there, versions))
            return "a settle has survived without its notice";
    }
    return NULL;
}

static const char *look(const struct script *s, struct store *store, struct store_reader *reader)
{
    struct store_state state;
    store_state_get(store, &state);
    if (state.quarantined > 0)
        return "damage is told and there is none";
    if (store_report(store)->index_rebuilt)
        return "the index was rebuilt";
    const char *wrong = script_compare(s, store, reader);
    if (wrong)
        return wrong;
    struct arena arena;
    arena_init(&arena);
    struct store_item item = util_submit(SCRIPT_IDS + 5, 100, &arena);
    struct store_result result;
    store_commit(store, util_now(s->now_us), &item, 1, &result);
    arena_done(&arena);
    return result.status == STORE_OK ? NULL : "it does not go on";
}

const char *script_verify(const struct script *s, struct sim_disk *disk, uint64_t seed)
{
    struct store_options options = options_of(seed ^ 0x5eed);
    struct store *store = NULL;
    struct store_reader *reader;
    if (store_open(sim_disk_border(disk), util_now(s->now_us), &options, &store) != ERR_OK)
        return "the store cannot be opened";
    const char *wrong = "no reader";
    if (store_reader_open(store, &reader) == ERR_OK) {
        wrong = look(s, store, reader);
        store_reader_close(reader);
    }
    store_close(store);
    return wrong;
}

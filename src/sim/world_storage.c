#include "sim/world_work.h"

#include <assert.h>

#include "base/arena.h"
#include "store/maildir.h"

enum { STUBS_SLICE = 64, MOVES_SLICE = 16 };

struct job {
    struct list_item item;
    struct op op;
    uint64_t life;
    bool stubs;
    uint64_t after_id;
    struct arena arena;
};

/* An answer of the store on its way to the engine. */
struct answer {
    struct happening happening;
    struct event event;
    uint64_t life;
    struct arena arena;
    struct buffer bytes;
};

/* ---- answers ---- */

void storage_answered(struct world *world, struct happening *h)
{
    struct answer *a = LIST_OWNER(h, struct answer, happening);
    if (a->life == world->life)
        world_feed(world, &a->event);
    arena_done(&a->arena);
    buffer_done(&a->bytes);
    mem_free(a);
}

static struct answer *answer_new(struct world *world, enum event_kind kind, struct handle handle)
{
    struct answer *a = mem_alloc(sizeof(*a));
    a->event = (struct event){ .kind = kind, .handle = handle };
    a->life = world->life;
    buffer_init(&a->bytes, 8 << 20);
    return a;
}

/* In the order in which they were made: what a thread tells does not overtake what it told before (seeds 184, 289). */
/* What one thread answers arrives in the order in which it answers. */
static void answer_send(struct world *world, struct world_jobs *by, struct answer *a)
{
    int64_t at_us = world->agenda.now_us + 1 + (int64_t)random_fast_below(&world->random, 50);
    by->answered_us = at_us > by->answered_us ? at_us : by->answered_us + 1;
    agenda_set(&world->agenda, &a->happening, storage_answered, by->answered_us - world->agenda.now_us);
}

/* ---- the store's threads ---- */

static void jobs_go(struct world *world, struct world_jobs *jobs, happening_call *call)
{
    if (!list_empty(&jobs->list) && !agenda_is_set(&jobs->work))
        agenda_set(&world->agenda, &jobs->work, call,
                   1 + (int64_t)random_fast_below(&world->random, (uint64_t)world->options.disk_latency_us));
}

static void job_add(struct world *world, struct world_jobs *jobs, happening_call *call, const struct op *op)
{
    struct job *job = mem_alloc(sizeof(*job));
    job->op = *op;
    job->life = world->life;
    if (op->kind == OP_BIG_APPEND)
        job->op.big.bytes = arena_copy(&job->arena, op->big.bytes);
    list_append(&jobs->list, &job->item);
    jobs_go(world, jobs, call);
}

static void job_free(struct job *job)
{
    arena_done(&job->arena);
    mem_free(job);
}

static void jobs_clear(struct world *world, struct world_jobs *jobs)
{
    struct list_item *item;
    while ((item = list_take_first(&jobs->list)))
        job_free(LIST_OWNER(item, struct job, item));
    agenda_cancel(&world->agenda, &jobs->work);
}

static void news(struct world *world)
{
    struct store_damage damage;
    while (store_damage_next(world->store, &damage))
        letters_violate(&world->letters, "the store found damage though nothing rots in this world");
    struct store_state state;
    store_state_get(world->store, &state);
    bool changed = state.accepting != world->told.accepting || state.full != world->told.full ||
                   state.failed != world->told.failed || state.quarantined != world->told.quarantined;
    struct answer *a;
    if (changed) {
        world->told = state;
        a = answer_new(world, EVENT_STORE_STATE, (struct handle){ 0 });
        a->event.store_state = state;
        answer_send(world, &world->writer, a);
    }
    struct store_move moves[MOVES_SLICE];
    uint32_t count;
    while ((count = store_moves_take(world->store, moves, MOVES_SLICE)) > 0) {
        a = answer_new(world, EVENT_MOVED, (struct handle){ 0 });
        struct store_move *copy = arena_array(&a->arena, struct store_move, count);
        memcpy(copy, moves, count * sizeof(*copy));
        a->event.moved = (struct event_moved){ copy, count };
        answer_send(world, &world->writer, a);
    }
}

static void background(struct world *world, struct happening *h);

static void background_plan(struct world *world, bool at_once)
{
    int64_t deadline_us = store_deadline_us(world->store);
    if (!at_once && deadline_us == DEADLINE_NEVER) {
        agenda_cancel(&world->agenda, &world->background);
        return;
    }
    int64_t after_us = at_once ? 1 : deadline_us - world->agenda.now_us;
    agenda_set(&world->agenda, &world->background, background, after_us > 0 ? after_us : 1);
}

bool storage_crash_due(const struct world *world)
{
    return world->disk && sim_disk_operations(world->disk) > world->crash_operation;
}

static void background(struct world *world, struct happening *h)
{
    (void)h;
    if (!world->store || !list_empty(&world->writer.list))
        return; /* the writer has a job: it plans this anew when that is done */
    bool more = store_background(world->store, world_now(world));
    if (!storage_crash_due(world)) {
        news(world);
        background_plan(world, more);
    }
}

static void write_stubs(struct world *world, struct job *job)
{
    struct answer *a = answer_new(world, EVENT_STUBS, (struct handle){ 0 });
    struct store_stub *stubs = arena_array(&a->arena, struct store_stub, STUBS_SLICE);
    uint32_t count = job->after_id == 0 ? store_load_due(world->store, stubs, STUBS_SLICE) : 0;
    bool due = count > 0;
    enum err err = due ? ERR_OK : store_load_stubs(world->store, job->after_id, stubs, STUBS_SLICE, &count);
    a->event.stubs = (struct event_stubs){ stubs, count, !due && (err != ERR_OK || count < STUBS_SLICE) };
    uint64_t after_id = !due && count > 0 ? stubs[count - 1].id : 0;
    bool last = a->event.stubs.last;
    answer_send(world, &world->writer, a);
    if (last)
        return;
    struct job *next = mem_alloc(sizeof(*next));
    next->stubs = true;
    next->after_id = after_id;
    next->life = world->life;
    list_append(&world->writer.list, &next->item);
}

static void write_op(struct world *world, struct job *job)
{
    const struct op *op = &job->op;
    struct answer *a;
    switch (op->kind) {
    case OP_COMMIT:
        a = answer_new(world, EVENT_COMMITTED, op->handle);
        struct store_result *results = arena_array(&a->arena, struct store_result, op->commit.count);
        store_commit(world->store, world_now(world), op->commit.items, op->commit.count, results);
        /* When the disk ends here the answer gets nowhere, and its failures are not the store's word. */
        for (uint32_t i = 0; i < op->commit.count; i++) {
            world->letters.doubt_everywhere |= results[i].status == STORE_UNKNOWN;
            bool ends = results[i].status != STORE_OK && storage_crash_due(world);
            letters_committed(&world->letters, &op->commit.items[i], ends ? STORE_UNKNOWN : results[i].status);
        }
        a->event.committed = (struct event_committed){ results, op->commit.count };
        break;
    case OP_BIG_APPEND:
        a = answer_new(world, EVENT_BIG, op->handle);
        a->event.big = (struct event_big){ op->big.id, false, store_big_append(world->store, op->big.id, op->big.offset, op->big.bytes) };
        break;
    case OP_BIG_FINISH:
        a = answer_new(world, EVENT_BIG, op->handle);
        a->event.big = (struct event_big){ op->big.id, true, store_big_finish(world->store, op->big.id) };
        break;
    default:
        assert(op->kind == OP_BIG_ABORT);
        store_big_abort(world->store, op->big.id);
        return;
    }
    answer_send(world, &world->writer, a);
}

static void writer_works(struct world *world, struct happening *h)
{
    (void)h;
    struct list_item *item = list_take_first(&world->writer.list);
    if (!item || !world->store)
        return;
    struct job *job = LIST_OWNER(item, struct job, item);
    if (job->stubs)
        write_stubs(world, job);
    else
        write_op(world, job);
    job_free(job);
    if (storage_crash_due(world))
        return;
    news(world);
    background_plan(world, true);
    jobs_go(world, &world->writer, writer_works);
}

static void reader_works(struct world *world, struct happening *h)
{
    (void)h;
    struct list_item *item = list_take_first(&world->reader_jobs.list);
    if (!item || !world->reader)
        return;
    struct job *job = LIST_OWNER(item, struct job, item);
    const struct op *op = &job->op;
    bool load = op->kind == OP_LOAD;
    struct answer *a = answer_new(world, load ? EVENT_LOADED : EVENT_BODY, op->handle);
    if (load) {
        enum err err = store_read_envelope(world->reader, op->load.id, op->load.envelope, &a->bytes);
        a->event.loaded = (struct event_loaded){ op->load.id, err, buffer_slice(&a->bytes) };
    } else {
        enum err err = store_read_body(world->reader, op->body_read.id, &op->body_read.body, op->body_read.offset,
                                       op->body_read.size, &a->bytes);
        a->event.body = (struct event_body){ op->body_read.id, err, op->body_read.offset, buffer_slice(&a->bytes) };
    }
    answer_send(world, &world->reader_jobs, a);
    job_free(job);
    jobs_go(world, &world->reader_jobs, reader_works);
}

static enum err source_read(void *context, uint64_t id, const struct body_ref *body, uint64_t offset, void *data, size_t size)
{
    struct world *world = context;
    struct buffer bytes;
    buffer_init(&bytes, size);
    enum err err = store_read_body(world->reader, id, body, offset, (uint32_t)size, &bytes);
    if (err == ERR_OK && bytes.size == size)
        memcpy(data, bytes.data, size);
    else if (err == ERR_OK)
        err = ERR_CORRUPT;
    buffer_done(&bytes);
    return err;
}

static void worker_works(struct world *world, struct happening *h)
{
    (void)h;
    struct list_item *item = list_take_first(&world->worker.list);
    if (!item || !world->reader)
        return;
    struct job *job = LIST_OWNER(item, struct job, item);
    const struct maildir_source source = { source_read, world };
    struct answer *a = answer_new(world, EVENT_MAILDIR, job->op.handle);
    a->event.maildir.err = maildir_deliver(sim_disk_border(world->disk), &job->op.maildir, &source);
    answer_send(world, &world->worker, a);
    job_free(job);
    jobs_go(world, &world->worker, worker_works);
}

void storage_op(struct world *world, const struct op *op)
{
    if (op->kind == OP_LOAD || op->kind == OP_BODY_READ)
        job_add(world, &world->reader_jobs, reader_works, op);
    else if (op->kind == OP_MAILDIR)
        job_add(world, &world->worker, worker_works, op);
    else
        job_add(world, &world->writer, writer_works, op);
}

void storage_start(struct world *world)
{
    struct job *job = mem_alloc(sizeof(*job));
    job->stubs = true;
    job->life = world->life;
    list_append(&world->writer.list, &job->item);
    jobs_go(world, &world->writer, writer_works);
    news(world);
    background_plan(world, true);
}

void storage_clear(struct world *world)
{
    jobs_clear(world, &world->writer);
    jobs_clear(world, &world->reader_jobs);
    jobs_clear(world, &world->worker);
    agenda_cancel(&world->agenda, &world->background);
}

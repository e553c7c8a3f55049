#include "io/store_thread.h"

#include <assert.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/list.h"

enum {
    STUBS_SLICE = 4096,
    APPLY_BUDGET = 4096,
    MOVES_SLICE = 256,
    HISTORY_EVENTS_MAX = 2048,       /* in one batch */
    HISTORY_BYTES_MAX = 1 << 20,     /* likewise */
    HISTORY_WAITING_BATCHES_MAX = 8, /* more are dropped */
    HISTORY_WAIT_MS = 250,
    PRUNE_LIMIT = 1000,
    ENVELOPE_READ_MAX = ENVELOPE_SIZE_MAX + 4096,
};

enum job_kind {
    JOB_OP,      /* for the writer or the reader */
    JOB_STUBS,   /* writer */
    JOB_DAMAGED, /* writer: the reader found a message damaged */
    JOB_LIST,    /* writer first (so that the list is complete), then reader */
    JOB_LIMITS,  /* writer, then reader */
    JOB_HISTORY, /* reader */
    JOB_EVENT,   /* neither: only to be fed */
};

struct job {
    struct list_item item;
    enum job_kind kind;
    struct op op;
    struct event event; /* the answer */
    bool answered;
    uint64_t after_id;
    struct arena arena;
    struct buffer bytes;
    struct store_list list;
    struct store_limits limits;
    struct history_event *events;
    uint32_t event_count;
};

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct list jobs;
    bool stop;
};

struct store_thread {
    struct store_thread_options options;
    pthread_t writer, reader;
    struct queue writing, reading;
    pthread_mutex_t done_lock;
    struct list done;
    int wake; /* an eventfd: libuv's own wake-up lets the loop spin until the thread that wrote has run on */
    uv_poll_t waked;
    int handles; /* of libuv, open */
    struct store_state state; /* last told; the writer's */
    /* history gathered on the loop's thread */
    struct job *gathering;
    uv_timer_t history_timer;
    uint32_t history_waiting; /* batches given to the reader, atomically */
    uint64_t history_dropped;
    /* bodies for the Maildirs, on workers */
    pthread_mutex_t source_lock;
    struct store_reader *source_reader;
};

/* ---- queues ---- */

static void queue_init(struct queue *q)
{
    pthread_mutex_init(&q->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&q->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    list_init(&q->jobs);
}

static void queue_done(struct queue *q)
{
    pthread_cond_destroy(&q->wake);
    pthread_mutex_destroy(&q->lock);
}

static void queue_put(struct queue *q, struct job *job)
{
    pthread_mutex_lock(&q->lock);
    bool first = list_empty(&q->jobs);
    list_append(&q->jobs, &job->item);
    pthread_mutex_unlock(&q->lock);
    if (first)
        pthread_cond_signal(&q->wake);
}

static void queue_stop(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->stop = true;
    pthread_mutex_unlock(&q->lock);
    pthread_cond_signal(&q->wake);
}

/* The next job; NULL at deadline_us (monotonic; 0: at once) or, with *ret_stop, when the thread is to end and nothing
 * waits. */
static struct job *queue_take(struct queue *q, int64_t deadline_us, bool *ret_stop)
{
    pthread_mutex_lock(&q->lock);
    int status = 0;
    while (list_empty(&q->jobs) && !q->stop && status == 0 && deadline_us > 0) {
        if (deadline_us == DEADLINE_NEVER) {
            pthread_cond_wait(&q->wake, &q->lock);
        } else {
            struct timespec until = { deadline_us / US_PER_SECOND, deadline_us % US_PER_SECOND * 1000 };
            status = pthread_cond_timedwait(&q->wake, &q->lock, &until);
        }
    }
    struct list_item *item = list_take_first(&q->jobs);
    *ret_stop = !item && q->stop;
    pthread_mutex_unlock(&q->lock);
    return item ? LIST_OWNER(item, struct job, item) : NULL;
}

/* ---- jobs ---- */

static struct job *job_new(enum job_kind kind)
{
    struct job *job = mem_alloc(sizeof *job);
    job->kind = kind;
    arena_init(&job->arena);
    buffer_init(&job->bytes, ENVELOPE_READ_MAX);
    return job;
}

static void job_free(struct job *job)
{
    arena_done(&job->arena);
    buffer_done(&job->bytes);
    mem_free(job);
}

static void job_done(struct store_thread *st, struct job *job)
{
    pthread_mutex_lock(&st->done_lock);
    bool first = list_empty(&st->done);
    list_append(&st->done, &job->item);
    pthread_mutex_unlock(&st->done_lock);
    if (first) {
        int status = eventfd_write(st->wake, 1);
        assert(status == 0);
    }
}

static struct now now_sample(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t monotonic_us = (int64_t)t.tv_sec * US_PER_SECOND + t.tv_nsec / 1000;
    clock_gettime(CLOCK_REALTIME, &t);
    return (struct now){ monotonic_us, (int64_t)t.tv_sec * US_PER_SECOND + t.tv_nsec / 1000 };
}

/* ---- the writer ---- */

static void answer(struct job *job, enum event_kind kind)
{
    job->answered = true;
    job->event.kind = kind;
    job->event.handle = job->op.handle;
}

static void write_op(struct store_thread *st, struct job *job)
{
    struct store *store = st->options.store;
    const struct op *op = &job->op;
    enum store_status status;
    switch (op->kind) {
    case OP_COMMIT: {
        struct store_result *results = arena_array(&job->arena, struct store_result, op->commit.count);
        store_commit(store, now_sample(), op->commit.items, op->commit.count, results);
        answer(job, EVENT_COMMITTED);
        job->event.committed = (struct event_committed){ results, op->commit.count };
        return;
    }
    case OP_BIG_APPEND:
        status = store_big_append(store, op->big.id, op->big.offset, op->big.bytes);
        break;
    case OP_BIG_FINISH:
        status = store_big_finish(store, op->big.id);
        break;
    default:
        assert(op->kind == OP_BIG_ABORT);
        store_big_abort(store, op->big.id);
        return;
    }
    answer(job, EVENT_BIG);
    job->event.big = (struct event_big){ op->big.id, op->kind == OP_BIG_FINISH, status };
}

static void write_stubs(struct store_thread *st, struct job *job)
{
    struct store_stub *stubs = arena_array(&job->arena, struct store_stub, STUBS_SLICE);
    uint32_t count = job->after_id == 0 ? store_load_due(st->options.store, stubs, STUBS_SLICE) : 0;
    answer(job, EVENT_STUBS);
    if (count > 0) {
        job->event.stubs = (struct event_stubs){ stubs, count, false };
        return;
    }
    enum err err = store_load_stubs(st->options.store, job->after_id, stubs, STUBS_SLICE, &count);
    job->event.stubs = (struct event_stubs){ stubs, count, err != ERR_OK || count < STUBS_SLICE };
    if (count > 0)
        job->after_id = stubs[count - 1].id;
}

/* Applies what was committed before the list was asked for. */
static void write_list(struct store_thread *st, struct job *job)
{
    uint64_t wanted = store_committed(st->options.store);
    while (store_applied(st->options.store) < wanted) {
        if (store_apply(st->options.store, APPLY_BUDGET) != ERR_OK)
            break; /* the list is then as old as the index; the state's alert says why */
    }
    queue_put(&st->reading, job);
}

static void write_state(struct store_thread *st, struct store_state state)
{
    st->state = state;
    struct job *job = job_new(JOB_EVENT);
    job->event = (struct event){ .kind = EVENT_STORE_STATE, .store_state = state };
    job->answered = true;
    job_done(st, job);
}

/* What the engine must know without having asked; each damage by itself, so that each is named. */
static void write_news(struct store_thread *st)
{
    struct store_damage damage;
    while (store_damage_next(st->options.store, &damage)) {
        struct store_state step = st->state;
        step.quarantined++;
        step.quarantined_last_id = damage.id;
        write_state(st, step);
    }
    struct store_state state;
    store_state_get(st->options.store, &state);
    bool changed = state.accepting != st->state.accepting || state.full != st->state.full ||
                   state.failed != st->state.failed || state.quarantined != st->state.quarantined;
    if (changed)
        write_state(st, state);
    struct store_move moves[MOVES_SLICE];
    uint32_t count;
    while ((count = store_moves_take(st->options.store, moves, MOVES_SLICE)) > 0) {
        struct job *job = job_new(JOB_EVENT);
        struct store_move *copy = arena_array(&job->arena, struct store_move, count);
        memcpy(copy, moves, count * sizeof *copy);
        job->event = (struct event){ .kind = EVENT_MOVED, .moved = { copy, count } };
        job->answered = true;
        job_done(st, job);
    }
}

static void write_job(struct store_thread *st, struct job *job)
{
    switch (job->kind) {
    case JOB_OP:
        write_op(st, job);
        break;
    case JOB_STUBS:
        write_stubs(st, job);
        break;
    case JOB_DAMAGED:
        (void)store_quarantine(st->options.store, now_sample(), job->after_id); /* else it is met again */
        break;
    case JOB_LIMITS:
        store_set_min_free(st->options.store, job->limits.min_free_bytes);
        queue_put(&st->reading, job);
        return;
    default:
        assert(job->kind == JOB_LIST);
        write_list(st, job);
        return;
    }
    if (job->answered)
        job_done(st, job);
    else
        job_free(job);
}

static void *writer_run(void *context)
{
    struct store_thread *st = context;
    bool stop = false;
    int64_t deadline_us = 0;
    while (!stop) {
        struct job *job = queue_take(&st->writing, deadline_us, &stop);
        if (job) {
            write_job(st, job);
            deadline_us = 0; /* look at the queue, then do background work at once */
        } else if (!stop) {
            bool more = store_background(st->options.store, now_sample());
            deadline_us = more ? 0 : store_deadline_us(st->options.store);
        }
        write_news(st);
    }
    return NULL;
}

/* ---- the reader ---- */

/* A message that cannot be read is set aside by the writer, who owns it, before the engine settles what it makes of that. */
static void report_damage(struct store_thread *st, uint64_t id)
{
    struct job *damaged = job_new(JOB_DAMAGED);
    damaged->after_id = id;
    queue_put(&st->writing, damaged);
}

static void read_op(struct store_thread *st, struct store_reader *reader, struct job *job)
{
    const struct op *op = &job->op;
    if (op->kind == OP_LOAD) {
        enum err err = store_read_envelope(reader, op->load.id, op->load.envelope, &job->bytes);
        answer(job, EVENT_LOADED);
        if (err == ERR_CORRUPT)
            report_damage(st, op->load.id);
        job->event.loaded = (struct event_loaded){ op->load.id, err, buffer_slice(&job->bytes) };
        return;
    }
    assert(op->kind == OP_BODY_READ);
    enum err err = store_read_body(reader, op->body_read.id, &op->body_read.body, op->body_read.offset,
                                   op->body_read.size, &job->bytes);
    answer(job, EVENT_BODY);
    if (err == ERR_CORRUPT)
        report_damage(st, op->body_read.id);
    job->event.body = (struct event_body){ op->body_read.id, err, op->body_read.offset, buffer_slice(&job->bytes) };
}

static void read_list(struct store_thread *st, struct store_reader *reader, struct job *job)
{
    struct store_list *list = &job->list;
    if (list->kind == STORE_LIST_QUEUE)
        list->err = store_query(reader, &list->query, &job->arena, &list->page);
    else if (st->options.history)
        list->err = history_query(st->options.history, &list->history, &job->arena, &list->events, &list->event_count);
}

static void read_history(struct store_thread *st, struct job *job)
{
    struct history *history = st->options.history;
    if (history_add(history, job->events, job->event_count) != ERR_OK)
        __atomic_add_fetch(&st->history_dropped, job->event_count, __ATOMIC_RELAXED);
    history_prune(history, now_sample().wall_us, PRUNE_LIMIT);
    __atomic_sub_fetch(&st->history_waiting, 1, __ATOMIC_RELAXED);
    job_free(job);
}

static void *reader_run(void *context)
{
    struct store_thread *st = context;
    struct store_reader *reader = NULL;
    enum err err = store_reader_open(st->options.store, &reader);
    assert(err == ERR_OK);
    bool stop = false;
    while (!stop) {
        struct job *job = queue_take(&st->reading, DEADLINE_NEVER, &stop);
        if (!job)
            continue;
        if (job->kind == JOB_HISTORY) {
            read_history(st, job);
            continue;
        }
        if (job->kind == JOB_LIMITS) {
            if (st->options.history)
                history_configure(st->options.history, &job->limits.history);
            job_free(job);
            continue;
        }
        if (job->kind == JOB_LIST)
            read_list(st, reader, job);
        else
            read_op(st, reader, job);
        job_done(st, job);
    }
    store_reader_close(reader);
    return NULL;
}

/* ---- on the loop's thread ---- */

static void history_flush(struct store_thread *st)
{
    struct job *job = st->gathering;
    if (!job)
        return;
    st->gathering = NULL;
    uv_timer_stop(&st->history_timer);
    if (__atomic_add_fetch(&st->history_waiting, 1, __ATOMIC_RELAXED) <= HISTORY_WAITING_BATCHES_MAX) {
        queue_put(&st->reading, job);
        return;
    }
    __atomic_sub_fetch(&st->history_waiting, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&st->history_dropped, job->event_count, __ATOMIC_RELAXED);
    job_free(job);
}

static void job_tell(struct store_thread *st, struct job *job)
{
    if (job->kind == JOB_LIST) {
        job->list.done(job->list.context, &job->list);
    } else {
        st->options.feed(st->options.context, &job->event);
        if (job->kind == JOB_STUBS && !job->event.stubs.last) {
            struct job *next = job_new(JOB_STUBS);
            next->after_id = job->after_id;
            queue_put(&st->writing, next);
        }
    }
    job_free(job);
}

static void woken(uv_poll_t *poll, int status, int events)
{
    (void)events;
    struct store_thread *st = poll->data;
    eventfd_t count;
    if (status != 0 || eventfd_read(st->wake, &count) != 0)
        return;
    struct list done;
    list_init(&done);
    pthread_mutex_lock(&st->done_lock);
    struct list_item *item;
    while ((item = list_take_first(&st->done)) != NULL)
        list_append(&done, item);
    pthread_mutex_unlock(&st->done_lock);
    while ((item = list_take_first(&done)) != NULL)
        job_tell(st, LIST_OWNER(item, struct job, item));
}

void store_thread_op(struct store_thread *st, const struct op *op)
{
    struct job *job = job_new(JOB_OP);
    job->op = *op;
    if (op->kind == OP_BIG_APPEND)
        job->op.big.bytes = arena_copy(&job->arena, op->big.bytes);
    bool read = op->kind == OP_LOAD || op->kind == OP_BODY_READ;
    queue_put(read ? &st->reading : &st->writing, job);
}

void store_thread_load(struct store_thread *st)
{
    queue_put(&st->writing, job_new(JOB_STUBS));
}

void store_thread_limits(struct store_thread *st, const struct store_limits *limits)
{
    struct job *job = job_new(JOB_LIMITS);
    job->limits = *limits;
    queue_put(&st->writing, job);
}

void store_thread_list(struct store_thread *st, const struct store_list *list)
{
    struct job *job = job_new(JOB_LIST);
    job->list = *list;
    struct store_query *query = &job->list.query;
    query->from = arena_copy(&job->arena, query->from);
    query->to = arena_copy(&job->arena, query->to);
    query->host = arena_copy(&job->arena, query->host);
    job->list.history.from = arena_copy(&job->arena, list->history.from);
    job->list.history.to = arena_copy(&job->arena, list->history.to);
    if (list->kind == STORE_LIST_HISTORY)
        history_flush(st);
    queue_put(list->kind == STORE_LIST_QUEUE ? &st->writing : &st->reading, job);
}

static void history_expired(uv_timer_t *timer)
{
    history_flush(timer->data);
}

void store_thread_history(struct store_thread *st, const struct history_event *event)
{
    if (!st->options.history)
        return;
    if (!st->gathering) {
        st->gathering = job_new(JOB_HISTORY);
        st->gathering->events = arena_array(&st->gathering->arena, struct history_event, HISTORY_EVENTS_MAX);
        uv_timer_start(&st->history_timer, history_expired, HISTORY_WAIT_MS, 0);
    }
    struct job *job = st->gathering;
    struct history_event *copy = &job->events[job->event_count++];
    *copy = *event;
    copy->event = arena_copy(&job->arena, event->event);
    copy->from = arena_copy(&job->arena, event->from);
    copy->to = arena_copy(&job->arena, event->to);
    copy->text = arena_copy(&job->arena, event->text);
    if (job->event_count == HISTORY_EVENTS_MAX || job->arena.used_bytes > HISTORY_BYTES_MAX)
        history_flush(st);
}

uint64_t store_thread_history_dropped(const struct store_thread *st)
{
    return __atomic_load_n(&st->history_dropped, __ATOMIC_RELAXED);
}

static enum err source_read(void *context, uint64_t id, const struct body_ref *body, uint64_t offset, void *data,
                            size_t size)
{
    struct store_thread *st = context;
    pthread_mutex_lock(&st->source_lock);
    enum err err = st->source_reader ? ERR_OK : store_reader_open(st->options.store, &st->source_reader);
    struct buffer bytes;
    buffer_init(&bytes, size);
    if (err == ERR_OK)
        err = store_read_body(st->source_reader, id, body, offset, (uint32_t)size, &bytes);
    if (err == ERR_OK && bytes.size != size)
        err = ERR_CORRUPT;
    if (err == ERR_CORRUPT)
        report_damage(st, id);
    if (err == ERR_OK)
        memcpy(data, bytes.data, size);
    buffer_done(&bytes);
    pthread_mutex_unlock(&st->source_lock);
    return err;
}

struct maildir_source store_thread_source(struct store_thread *st)
{
    return (struct maildir_source){ source_read, st };
}

struct store_thread *store_thread_new(const struct store_thread_options *options)
{
    struct store_thread *st = mem_alloc(sizeof *st);
    st->options = *options;
    queue_init(&st->writing);
    queue_init(&st->reading);
    list_init(&st->done);
    pthread_mutex_init(&st->done_lock, NULL);
    pthread_mutex_init(&st->source_lock, NULL);
    st->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert(st->wake >= 0);
    int status = uv_poll_init(options->uv, &st->waked, st->wake);
    assert(status == 0);
    st->waked.data = st;
    uv_poll_start(&st->waked, UV_READABLE, woken);
    uv_timer_init(options->uv, &st->history_timer);
    st->history_timer.data = st;
    st->handles = 2;
    status = pthread_create(&st->writer, NULL, writer_run, st);
    assert(status == 0);
    status = pthread_create(&st->reader, NULL, reader_run, st);
    assert(status == 0);
    return st;
}

static void handle_closed(uv_handle_t *handle)
{
    struct store_thread *st = handle->data;
    if (--st->handles > 0)
        return;
    close(st->wake);
    mem_free(st);
}

void store_thread_free(struct store_thread *st)
{
    if (!st)
        return;
    history_flush(st);
    queue_stop(&st->writing); /* first: its lists go on to the reader */
    pthread_join(st->writer, NULL);
    queue_stop(&st->reading);
    pthread_join(st->reader, NULL);
    store_reader_close(st->source_reader);
    struct list_item *item;
    while ((item = list_take_first(&st->done)) != NULL)
        job_free(LIST_OWNER(item, struct job, item));
    queue_done(&st->writing);
    queue_done(&st->reading);
    pthread_mutex_destroy(&st->done_lock);
    pthread_mutex_destroy(&st->source_lock);
    uv_close((uv_handle_t *)&st->waked, handle_closed);
    uv_close((uv_handle_t *)&st->history_timer, handle_closed);
}

#include "sim/world.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/codec.h"
#include "base/table.h"
#include "engine/trace.h"
#include "sim/world_work.h"
#include "sim/zone.h"

/* What may happen after the faults: five days until the last letter is given up, and some. */
#define HEALED_US (12 * US_PER_DAY)
#define LOOK_US (10 * US_PER_MINUTE)
#define WALL_START_US INT64_C(1767225600000000)

enum {
    INI_SIZE_MAX = 16 << 10,
    LINE_SIZE_MAX = 8 << 10,
    DISK_SIZE = 256 << 20,
    EVENTS_MAX = 20 * 1000 * 1000, /* happenings of one world: more is a world that never ends */
    PATH_SIZE = 128,
};

/* A looked-up name on its way back. */
struct dns_job {
    struct happening happening;
    struct handle handle;
    struct zone_answer answer;
    uint64_t life;
};

/* A password being compared. */
struct password_job {
    struct happening happening;
    struct handle handle;
    uint64_t life;
    bool matched;
};

struct net *world_net(struct world *world)
{
    return &world->net;
}

bool world_up(const struct world *world)
{
    return world->engine != NULL;
}

struct now world_now(const struct world *world)
{
    return agenda_now(&world->agenda);
}

void world_feed(struct world *world, const struct event *event)
{
    if (world->engine)
        engine_feed(world->engine, world_now(world), event);
}

static void hash_add(struct world *world, struct slice bytes)
{
    world->hash = world->hash * UINT64_C(0x9e3779b97f4a7c15) + crc32c((uint32_t)world->hash, bytes);
}

/* ---- operations ---- */

static void dns_answered(struct world *world, struct happening *h)
{
    struct dns_job *job = LIST_OWNER(h, struct dns_job, happening);
    if (job->life == world->life) {
        struct event event = { .kind = EVENT_DNS, .handle = job->handle };
        event.dns = (struct event_dns){ .status = job->answer.status, .ttl_us = 5 * US_PER_MINUTE,
                                        .rdata = job->answer.rdata, .count = job->answer.count };
        if (event.dns.status == DNS_TEMP)
            event.dns.error = SLICE("SERVFAIL");
        world_feed(world, &event);
    }
    mem_free(job);
}

static void op_dns(struct world *world, const struct op *op)
{
    struct dns_job *job = mem_alloc(sizeof(*job));
    job->handle = op->handle;
    job->life = world->life;
    zone_answer(&world->options, op->dns.name, op->dns.type, &job->answer);
    bool notices = slice_equal(op->dns.name, SLICE("from.test"));
    if (world->faults && !notices && sim_chance(&world->random, world->options.dns_temp)) {
        job->answer.status = DNS_TEMP;
        job->answer.count = 0;
    }
    for (size_t i = 0; i < job->answer.count; i++)
        job->answer.rdata[i].data = job->answer.bytes[i];
    agenda_set(&world->agenda, &job->happening, dns_answered, 1 + (int64_t)random_fast_below(&world->random, 20000));
}

static void password_answered(struct world *world, struct happening *h)
{
    struct password_job *job = LIST_OWNER(h, struct password_job, happening);
    if (job->life == world->life)
        world_feed(world, &(struct event){ .kind = EVENT_PASSWORD, .handle = job->handle, .password.matched = job->matched });
    mem_free(job);
}

static void op_password(struct world *world, const struct op *op)
{
    struct password_job *job = mem_alloc(sizeof(*job));
    *job = (struct password_job){ .handle = op->handle, .life = world->life,
                                  .matched = sim_password_matches(op->password.hash, op->password.password) };
    agenda_set(&world->agenda, &job->happening, password_answered, 1 + (int64_t)random_fast_below(&world->random, 60000));
}

static void op_trace(struct world *world, const struct trace_event *event)
{
    letters_traced(&world->letters, event);
    struct buffer line;
    buffer_init(&line, LINE_SIZE_MAX);
    trace_format(event, &line);
    hash_add(world, buffer_slice(&line));
    if (world->trace)
        fprintf(stderr, "%14.6f %.*s\n", (double)world->agenda.now_us / 1e6, SLICE_ARG(buffer_slice(&line)));
    buffer_done(&line);
}

static void carry_out(struct world *world, const struct op *op)
{
    switch (op->kind) {
    case OP_CONNECT: server_connect(world, op->handle, &op->connect); break;
    case OP_SEND: net_send(world, op->handle, op->send.bytes); break;
    case OP_CREDIT: net_credit(world, op->handle, op->credit); break;
    case OP_START_TLS: net_start_tls(world, op->handle, op->start_tls.server); break;
    case OP_CLOSE: net_close(world, op->handle, op->close.abort); break;
    case OP_DNS: op_dns(world, op); break;
    case OP_COMMIT:
    case OP_BIG_APPEND:
    case OP_BIG_FINISH:
    case OP_BIG_ABORT:
    case OP_LOAD:
    case OP_BODY_READ:
    case OP_MAILDIR: storage_op(world, op); break;
    case OP_INFLIGHT: inflight_table_set(world->inflight, op->inflight.slot, op->inflight.id, op->inflight.dot_sent); break;
    case OP_TRACE: op_trace(world, op->trace); break;
    case OP_PASSWORD: op_password(world, op); break;
    case OP_LISTEN:
    case OP_REPLY: break;
    case OP_NONE: assert(!"no operation");
    }
}

static void ticked(struct world *world, struct happening *h)
{
    (void)h;
    world_feed(world, &(struct event){ .kind = EVENT_TICK });
}

static void hash_op(struct world *world, const struct op *op)
{
    const uint64_t facts[] = { op->kind, op->handle.slot, op->handle.generation, (uint64_t)world->agenda.now_us };
    hash_add(world, slice(facts, sizeof(facts)));
    if (op->kind == OP_SEND)
        hash_add(world, op->send.bytes);
    world->operation_count++;
}

static void drain(struct world *world)
{
    struct op op;
    while (world->engine && engine_next(world->engine, &op)) {
        hash_op(world, &op);
        carry_out(world, &op);
    }
    if (!world->engine)
        return;
    int64_t deadline_us = engine_deadline_us(world->engine);
    if (deadline_us == DEADLINE_NEVER)
        agenda_cancel(&world->agenda, &world->tick);
    else
        agenda_set(&world->agenda, &world->tick, ticked, deadline_us > world->agenda.now_us ? deadline_us - world->agenda.now_us : 0);
}

/* ---- starts and ends ---- */

static struct config *config_make(struct world *world, enum sim_mode mode)
{
    struct buffer ini;
    buffer_init(&ini, INI_SIZE_MAX);
    sim_options_ini(&world->options, mode, &ini);
    struct config_problems problems;
    config_problems_init(&problems);
    const struct config_source source = { .file = SLICE("sim.ini"), .text = buffer_slice(&ini) };
    struct config *config = config_parse(&source, &problems);
    for (uint32_t i = 0; !config && i < problems.count; i++)
        fprintf(stderr, "%u: %.*s\n", problems.items[i].line, SLICE_ARG(problems.items[i].what));
    assert(config);
    config_problems_done(&problems);
    buffer_done(&ini);
    return config;
}

static struct accounts *accounts_make(struct world *world, const struct config *config)
{
    struct config_problems problems;
    config_problems_init(&problems);
    struct buffer text;
    buffer_init(&text, INI_SIZE_MAX);
    sim_options_accounts(&world->options, &text);
    const struct accounts_source source = { .file = SLICE("accounts.ini"), .text = buffer_slice(&text), .config = config };
    struct accounts *accounts = accounts_parse(&source, &problems);
    for (uint32_t i = 0; !accounts && i < problems.count; i++)
        fprintf(stderr, "accounts %u: %.*s\n", problems.items[i].line, SLICE_ARG(problems.items[i].what));
    assert(accounts);
    buffer_done(&text);
    config_problems_done(&problems);
    return accounts;
}

static void inflight_found(void *context, uint64_t id, bool dot_sent)
{
    struct world *world = context;
    world_feed(world, &(struct event){ .kind = EVENT_INFLIGHT, .inflight = { id, dot_sent } });
}

static bool store_begin(struct world *world)
{
    struct store_options options;
    store_options_default(&options);
    options.min_free_bytes = 1 << 20;
    options.segment_size = world->options.segment_size;
    for (size_t i = 0; i < sizeof(options.seed); i += 8) {
        uint64_t draw = random_fast_u64(&world->random);
        memcpy(options.seed + i, &draw, 8);
    }
    struct disk *disk = sim_disk_border(world->disk);
    if (store_open(disk, world_now(world), &options, &world->store) != ERR_OK) {
        world->store = NULL;
        return false;
    }
    if (store_reader_open(world->store, &world->reader) == ERR_OK)
        return true;
    world->reader = NULL;
    return false;
}

static void world_crash(struct world *world);

static void world_start(struct world *world)
{
    world->life++;
    world->told = (struct store_state){ .accepting = true }; /* as a new engine takes it to be */
    if (!store_begin(world)) {
        world_crash(world); /* a crash within the recovery, or a disk that refuses: again later */
        return;
    }
    struct engine_options options = { .config = world->config, .accounts = world->accounts,
                                      .last_id = store_report(world->store)->last_id };
    for (size_t i = 0; i < sizeof(options.seed); i += 8) {
        uint64_t draw = random_fast_u64(&world->random);
        memcpy(options.seed + i, &draw, 8);
    }
    world->engine = engine_new(world_now(world), &options);
    inflight_table_scan(world->inflight, inflight_found, world);
    inflight_table_clear(world->inflight);
    storage_start(world);
}

static void restarted(struct world *world, struct happening *h)
{
    (void)h;
    if (!world->engine)
        world_start(world);
}

static void process_gone(struct world *world)
{
    sim_disk_kill(world->disk);
    net_cut_all(world, &world->net);
    storage_clear(world);
    agenda_cancel(&world->agenda, &world->tick);
    engine_free(world->engine);
    world->engine = NULL;
    store_reader_close(world->reader);
    world->reader = NULL;
    store_close(world->store);
    world->store = NULL;
    world->life++;
}

static void crash_plan(struct world *world);

static void world_crash(struct world *world)
{
    process_gone(world);
    letters_crashed(&world->letters, world->agenda.now_us);
    if (sim_chance(&world->random, world->options.power_share)) {
        sim_disk_power_loss(world->disk, random_fast_u64(&world->random));
        memcpy(world->inflight, world->inflight_safe, sizeof(world->inflight));
    }
    sim_disk_crash_at(world->disk, UINT64_MAX);
    world->crash_operation = UINT64_MAX;
    if (world->trace)
        fprintf(stderr, "%14.6f ---- crash\n", (double)world->agenda.now_us / 1e6);
    crash_plan(world);
    agenda_set(&world->agenda, &world->restart, restarted, 1 + (int64_t)random_fast_below(&world->random, 60 * 1000000));
}

static void crashes(struct world *world, struct happening *h)
{
    (void)h;
    if (world->engine)
        world_crash(world);
}

/* Half of them at a moment, half at an operation of the disk (also of the recovery). */
static void crash_plan(struct world *world)
{
    if (!world->faults || world->crashes_left == 0)
        return;
    world->crashes_left--;
    memcpy(world->inflight_safe, world->inflight, sizeof(world->inflight));
    if (sim_chance(&world->random, 500)) {
        uint64_t after = random_fast_below(&world->random, sim_chance(&world->random, 500) ? 20 : 400);
        world->crash_operation = sim_disk_operations(world->disk) + after;
        sim_disk_crash_at(world->disk, world->crash_operation);
    } else {
        uint64_t after_us = random_fast_below(&world->random, (uint64_t)(sim_chance(&world->random, 700) ? 20 * US_PER_SECOND : world->options.faults_us));
        agenda_set(&world->agenda, &world->crash, crashes, (int64_t)after_us);
    }
}

/* ---- reload, heal ---- */

static void reloads(struct world *world, struct happening *h)
{
    (void)h;
    if (world->reloads_left == 0 || !world->faults)
        return;
    world->reloads_left--;
    world->mode = (enum sim_mode)random_fast_below(&world->random, 3);
    world->mode_changed = true;
    struct config *old = world->config;
    world->config = config_make(world, world->mode);
    world_feed(world, &(struct event){ .kind = EVENT_CONFIG, .config = { world->config, world->accounts } });
    config_free(old);
    agenda_set(&world->agenda, &world->reload, reloads, 1 + (int64_t)random_fast_below(&world->random, (uint64_t)world->options.faults_us));
}

static void disk_faults(struct world *world)
{
    static const unsigned kinds[] = { SIM_WRITE, SIM_SYNC, SIM_RENAME | SIM_CREATE, SIM_SYNC_FOLDER };
    static const enum err errors[] = { ERR_IO, ERR_DISK_FULL };
    if (!sim_chance(&world->random, world->options.disk_fault * 40))
        return;
    const struct sim_fault fault = { .on = kinds[random_fast_below(&world->random, 4)],
                                     .skip = (uint32_t)random_fast_below(&world->random, 200),
                                     .times = 1 + (uint32_t)random_fast_below(&world->random, 3),
                                     .err = errors[random_fast_below(&world->random, 2)] };
    sim_disk_fault(world->disk, &fault);
}

static void heals(struct world *world, struct happening *h)
{
    (void)h;
    world->faults = false;
    world->crash_operation = UINT64_MAX;
    sim_disk_crash_at(world->disk, UINT64_MAX);
    sim_disk_heal(world->disk);
    agenda_cancel(&world->agenda, &world->crash);
    net_heal(world, &world->net);
    if (world->trace)
        fprintf(stderr, "%14.6f ---- healed\n", (double)world->agenda.now_us / 1e6);
}

/* ---- the end ---- */

/* Everything is said and done: nothing waits anywhere but what the administrator must look at. */
static bool queue_empty(struct world *world)
{
    if (!world->engine)
        return false;
    struct engine_status status;
    engine_status(world->engine, world_now(world), &status);
    return status.loaded && status.queues[QUEUE_REMOTE] == 0 && status.queues[QUEUE_RETRY] == 0 &&
           status.queues[QUEUE_LOCAL] == 0 && status.attempts == 0 && list_empty(&world->writer.list);
}

static bool local_read(void *context, uint64_t id, uint32_t place, struct buffer *out)
{
    struct world *world = context;
    struct disk *disk = sim_disk_border(world->disk);
    char name[16], path[PATH_SIZE];
    id_format(id, name);
    snprintf(path, sizeof(path), "mail/local.test/postmaster/new/%s.R%u.facteur", name, place);
    struct disk_file *file;
    uint64_t size;
    size_t got = 0;
    if (!sim_disk_file_size(world->disk, path, &size) || disk->calls->open(disk, path, DISK_OPEN_READ, &file) != ERR_OK)
        return false;
    char *to = buffer_reserve(out, size);
    bool read = to && file->calls->read(file, 0, to, size, &got) == ERR_OK;
    out->size += read ? got : 0;
    file->calls->close(file);
    return read;
}

/* What the store still has, which its index has to know first. */
static void kept_read(struct world *world)
{
    struct store_query query = { .limit = STORE_PAGE_ROWS_MAX, .queues = (1u << QUEUE_COUNT) - 1 };
    struct store_page page = { .more = true };
    bool good = true;
    while (store_applied(world->store) < store_committed(world->store) && good)
        good = store_apply(world->store, STORE_PAGE_ROWS_MAX) == ERR_OK;
    for (; good && page.more; query.after_id = page.next_after_id) {
        struct arena arena;
        arena_init(&arena);
        good = store_query(world->reader, &query, &arena, &page) == ERR_OK;
        for (uint32_t i = 0; good && i < page.count; i++) {
            const struct store_row *row = &page.rows[i];
            struct envelope envelope;
            struct buffer text;
            buffer_init(&text, 64 << 20);
            good = envelope_decode(row->envelope, &arena, &envelope) == ERR_OK;
            for (uint64_t at = 0; good && at < row->stub.body.size; at += STORE_CHUNK_SIZE)
                good = store_read_body(world->reader, row->stub.id, &row->stub.body, at, STORE_CHUNK_SIZE, &text) == ERR_OK;
            if (good)
                letters_kept(&world->letters, &envelope, buffer_slice(&text));
            buffer_done(&text);
        }
        arena_done(&arena);
    }
    if (!good)
        letters_violate(&world->letters, "what the store still has cannot be read");
}

static void world_check(struct world *world, bool ended)
{
    if (!ended) {
        letters_violate(&world->letters, "the queue did not become empty after the faults had ended");
        return;
    }
    kept_read(world);
    letters_check(&world->letters, local_read, world);
}

static void world_init(struct world *world, const struct sim_options *options, bool trace)
{
    /* SQLite draws the salts of its journal by itself: the same for the same seed. */
    sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, (int)(options->seed & 0x7fffffff) | 1, NULL);
    *world = (struct world){ .options = *options, .trace = trace, .faults = true, .mode = options->mode };
    random_fast_init(&world->random, options->seed ^ UINT64_C(0xfac7e0125eed));
    agenda_init(&world->agenda, WALL_START_US);
    net_init(&world->net);
    world->net.agenda = &world->agenda;
    world->net.random = &world->random;
    world->net.options = &world->options;
    world->net.faults = &world->faults;
    world->net.feed = world_feed;
    list_init(&world->peers);
    list_init(&world->writer.list);
    list_init(&world->reader_jobs.list);
    list_init(&world->worker.list);
    letters_make(&world->letters, options, &world->random);
    world->disk = sim_disk_new(random_fast_u64(&world->random), DISK_SIZE);
    world->crash_operation = UINT64_MAX;
    world->crashes_left = options->crash_count;
    world->reloads_left = options->reload_count;
    inflight_table_clear(world->inflight);
    inflight_table_clear(world->inflight_safe);
    world->config = config_make(world, world->mode);
    world->accounts = accounts_make(world, world->config);
}

bool world_run(struct world *world, const struct sim_options *options, bool trace)
{
    world_init(world, options, trace);
    disk_faults(world);
    agenda_set(&world->agenda, &world->heal, heals, options->faults_us);
    agenda_set(&world->agenda, &world->reload, reloads, 1 + (int64_t)random_fast_below(&world->random, (uint64_t)options->faults_us));
    world_start(world);
    crash_plan(world);
    senders_start(world);
    drain(world);
    int64_t end_us = world->agenda.now_us + options->faults_us + HEALED_US, look_us = 0;
    bool ended = false;
    struct happening *h;
    while (!ended && world->letters.violations == 0 && world->agenda.happened_count < EVENTS_MAX &&
           (h = agenda_next(&world->agenda, end_us)) != NULL) {
        h->call(world, h);
        if (storage_crash_due(world))
            world_crash(world);
        drain(world);
        if (!world->faults && world->agenda.now_us >= look_us) {
            look_us = world->agenda.now_us + LOOK_US;
            ended = senders_over(world) && queue_empty(world);
        }
    }
    ended = ended || (senders_over(world) && queue_empty(world));
    if (world->letters.violations == 0)
        world_check(world, ended);
    return world->letters.violations == 0;
}

void world_done(struct world *world)
{
    if (world->engine)
        process_gone(world);
    net_done(world, &world->net);
    senders_done(world);
    /* Answers and lookups on their way own memory. */
    struct happening *h;
    while ((h = agenda_next(&world->agenda, INT64_MAX / 2048)) != NULL) {
        if (h->call == storage_answered || h->call == dns_answered || h->call == password_answered)
            h->call(world, h);
    }
    agenda_done(&world->agenda);
    letters_done(&world->letters);
    sim_disk_free(world->disk);
    config_free(world->config);
    accounts_free(world->accounts);
}

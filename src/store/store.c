#include "store/store.h"

#include <assert.h>
#include <stdio.h>

#include "base/arena.h"
#include "store/commit.h"
#include "store/core.h"
#include "store/mend.h"
#include "store/move.h"
#include "store/replay.h"

enum {
    ROWS_STEP = 512,
    SPARES = 2,                  /* the next segment, and the one that is kept for settles */
    FREE_KEPT = 2,               /* besides; more files give their room back */
    CHECKPOINT_PAGES = 1000,
    BIG_REMOVALS_STEP = 8,
    RETRY_US = 1000000,          /* after a failure in the background */
};

static const char format_head[] = "facteur data ";

void store_options_default(struct store_options *ret_options)
{
    *ret_options = (struct store_options){ .min_free_bytes = 256 << 20,
                                           .segment_size = STORE_SEGMENT_SIZE,
                                           .pending_max = STORE_PENDING_MAX,
                                           .pending_age_us = 2 * US_PER_SECOND };
}

/* ---- opening: lock and version ---- */

static enum err format_write(struct disk *disk)
{
    char text[40];
    snprintf(text, sizeof text, "%s%d\n", format_head, STORE_FORMAT_VERSION);
    struct disk_file *file;
    enum err err = disk->calls->open(disk, "format.new", DISK_OPEN_WRITE | DISK_OPEN_CREATE, &file);
    if (err != ERR_OK)
        return err;
    struct disk_slice slice = { text, strlen(text) };
    err = file->calls->truncate(file, 0);
    if (err == ERR_OK)
        err = file->calls->write(file, 0, &slice, 1);
    if (err == ERR_OK)
        err = file->calls->sync(file);
    file->calls->close(file);
    if (err == ERR_OK)
        err = disk->calls->rename(disk, "format.new", "format");
    return err == ERR_OK ? disk->calls->sync_folder(disk, "") : err;
}

/* An unreadable one is written anew: segments and index have versions of their own. */
static enum err format_check(struct disk *disk, bool *ret_created)
{
    char text[40];
    size_t size = 0;
    struct disk_file *file;
    enum err err = disk->calls->open(disk, "format", DISK_OPEN_READ, &file);
    if (err == ERR_OK) {
        err = file->calls->read(file, 0, text, sizeof text, &size);
        file->calls->close(file);
    } else if (err == ERR_NOT_FOUND) {
        *ret_created = true;
        return format_write(disk);
    }
    if (err != ERR_OK)
        return err;
    struct slice rest = slice_trim(slice(text, size));
    uint64_t version;
    if (!slice_starts_with(rest, slice_of(format_head)) ||
        !slice_to_u64(slice_after(rest, strlen(format_head)), UINT32_MAX, &version))
        return format_write(disk);
    return version > STORE_FORMAT_VERSION ? ERR_NEWER_FORMAT : ERR_OK;
}

static void header_damaged(void *context, uint32_t file_number)
{
    struct store *store = context;
    core_damage(store, 0, NULL, file_number, 0);
}

/* The index of an earlier life may be there in memory only, and its name too: both are made safe before anything is
 * built on them. */
static enum err open_index(struct store *store)
{
    bool fresh = false;
    enum err err = index_open(store->disk, store->vfs, &store->index, &fresh);
    if (err != ERR_OK)
        return err;
    atomic_store(&store->index_number, index_number(store->index));
    store->report.index_rebuilt |= fresh && !store->report.created && store->segments.count > 0;
    err = store->disk->calls->sync_folder(store->disk, "");
    if (err == ERR_OK)
        err = core_checkpoint(store, true);
    if (err == ERR_OK)
        err = index_mark_get(store->index, &store->mark);
    store->last_id = store->mark.last_id;
    return err;
}

/* ---- opening: what is there ---- */

static void note_due(struct store *store, const struct index_row *row)
{
    if (row->due_us > store->opened_us || store->due_count == DUE_IDS_MAX)
        return;
    if (!store->due_ids)
        store->due_ids = mem_alloc(DUE_IDS_MAX * sizeof store->due_ids[0]);
    store->due_ids[store->due_count++] = row->id;
}

/* Counts what is alive, and notes what is due. A row that is damaged is mended from the journal. */
static enum err count_rows(struct store *store)
{
    struct index_row *rows = mem_alloc(ROWS_STEP * sizeof *rows);
    uint64_t after_id = 0;
    uint32_t count = ROWS_STEP;
    enum err err = ERR_OK;
    store->report.message_count = 0;
    store->due_count = 0;
    while (err == ERR_OK && count == ROWS_STEP) {
        err = index_page(store->index, after_id, INT64_MAX, rows, ROWS_STEP, &count);
        for (uint32_t i = 0; err == ERR_OK && i < count; i++) {
            after_id = rows[i].id;
            store->report.message_count++;
            if (rows[i].envelope.segment == 0)
                err = mend_row(store, rows[i].id, &rows[i]);
            if (err != ERR_OK)
                break;
            segments_alive(&store->segments, rows[i].envelope.segment, core_envelope_weight(rows[i].envelope));
            segments_alive(&store->segments, rows[i].body.segment, core_body_weight(&rows[i].body));
            note_due(store, &rows[i]);
        }
    }
    mem_free(rows);
    store->row_last_id = after_id;
    if (after_id > store->last_id)
        store->last_id = after_id;
    return err;
}

/* An index that cannot be read, or has rows of which the journal knows nothing, is put aside; the journal is read from
 * its beginning. */
static enum err open_parts(struct store *store)
{
    enum err err = segments_open(&store->segments, store->disk, store->options.segment_size, &store->random,
                                 header_damaged, store);
    if (err == ERR_OK)
        err = big_writer_init(&store->big, store->disk);
    if (err == ERR_OK)
        err = open_index(store);
    if (err == ERR_OK)
        err = count_rows(store);
    if (err != ERR_CORRUPT || !store->index)
        return err;
    for (uint32_t i = 0; i < store->segments.count; i++)
        store->segments.items[i]->alive_bytes = 0;
    struct index *index = store->index;
    store->index = NULL;
    err = index_put_aside(index, store->disk);
    if (err == ERR_OK)
        err = open_index(store);
    store->report.index_rebuilt = true;
    return err == ERR_OK ? count_rows(store) : err;
}

struct orphans {
    struct store *store;
    uint64_t *ids;
    uint32_t count, capacity;
};

static bool orphan_name(void *context, const char *name)
{
    struct orphans *orphans = context;
    uint64_t id;
    if (!id_parse(slice_of(name), &id))
        return true;
    if (orphans->count == orphans->capacity) {
        orphans->capacity = orphans->capacity ? 2 * orphans->capacity : 64;
        orphans->ids = mem_realloc(orphans->ids, orphans->capacity, sizeof *orphans->ids);
    }
    orphans->ids[orphans->count++] = id;
    return true;
}

/* Everything is applied: a file that no row names belongs to nobody; or, if damage was found, perhaps to what was
 * damaged. */
static enum err remove_orphans(struct store *store)
{
    struct orphans orphans = { .store = store };
    enum err err = store->disk->calls->list(store->disk, "big", orphan_name, &orphans);
    for (uint32_t i = 0; i < orphans.count && err == ERR_OK; i++) {
        bool named = false;
        err = index_has_big(store->index, orphans.ids[i], &named);
        if (err != ERR_OK || named)
            continue;
        char path[BIG_NAME_SIZE];
        big_path(orphans.ids[i], path);
        if (store->quarantined > 0 || store->report.torn_count > 0)
            err = core_keep_big(store, orphans.ids[i]);
        else
            err = store->disk->calls->remove(store->disk, path);
        store->report.orphan_count++;
    }
    mem_free(orphans.ids);
    return err;
}

static enum err open_all(struct store *store)
{
    struct disk *disk = store->disk;
    enum err err = disk->calls->open(disk, "lock", DISK_OPEN_WRITE | DISK_OPEN_CREATE | DISK_OPEN_LOCK, &store->lock);
    if (err == ERR_OK)
        err = format_check(disk, &store->report.created);
    if (err == ERR_OK)
        err = open_parts(store);
    if (err != ERR_OK)
        return err;
    core_release_segments(store);
    err = replay_run(store);
    if (err == ERR_OK)
        err = core_checkpoint(store, true);
    if (err == ERR_OK)
        err = remove_orphans(store);
    if (err != ERR_OK)
        return err;
    core_release_segments(store);
    core_look_at_room(store);
    store->loaded_to = store->row_last_id;
    store->report.last_id = store->last_id;
    return err;
}

enum err store_open(struct disk *disk, struct now now, const struct store_options *options, struct store **ret_store)
{
    assert(options->segment_size >= STORE_SEGMENT_SIZE_MIN && options->segment_size % SEGMENT_PAGE == 0);
    struct store *store = mem_alloc(sizeof *store);
    store->disk = disk;
    store->options = *options;
    store->now_us = now.monotonic_us;
    store->opened_us = now.wall_us;
    store->vfs = vfs_new(disk);
    store->moves = mem_alloc(STORE_MOVES_MAX * sizeof store->moves[0]);
    random_stream_init(&store->random, options->seed);
    pending_init(&store->pending);
    spool_init(&store->spool, &store->segments);
    enum err err = open_all(store);
    if (err == ERR_OK)
        *ret_store = store;
    else
        core_free(store);
    return err;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    move_done(store);
    if (core_apply_all(store) == ERR_OK)
        (void)core_checkpoint(store, true); /* else the next start does it */
    core_free(store);
}

const struct store_report *store_report(const struct store *store)
{
    return &store->report;
}

static struct store_stub stub_of(const struct index_row *row)
{
    return (struct store_stub){ .id = row->id,
                                .due_us = row->due_us,
                                .queue = row->queue,
                                .destination = row->destination,
                                .envelope = row->envelope,
                                .body = row->body };
}

/* One that cannot be read now comes, or is named, with store_load_stubs. */
uint32_t store_load_due(struct store *store, struct store_stub *stubs, uint32_t max)
{
    uint32_t count = 0;
    while (count < max && store->due_given < store->due_count) {
        struct index_row row;
        if (core_find(store, store->due_ids[store->due_given++], &row) == ERR_OK)
            stubs[count++] = stub_of(&row);
    }
    if (store->due_given == store->due_count) {
        mem_free(store->due_ids);
        store->due_ids = NULL;
    }
    return count;
}

enum err store_load_stubs(struct store *store, uint64_t after_id, struct store_stub *stubs, uint32_t max,
                          uint32_t *ret_count)
{
    struct index_row rows[ROWS_STEP];
    uint32_t count = 0;
    uint32_t got = 0;
    uint32_t wanted = 0;
    do {
        wanted = max - count < ROWS_STEP ? max - count : ROWS_STEP;
        enum err err = index_page(store->index, after_id, store->loaded_to, rows, wanted, &got);
        if (err != ERR_OK)
            return err;
        for (uint32_t i = 0; i < got; i++) {
            after_id = rows[i].id;
            struct index_row row = rows[i];
            if (row.envelope.segment == 0 || (pending_find(&store->pending, row.id) && core_find(store, row.id, &row) != ERR_OK))
                continue; /* damaged since the start; or it has ended */
            stubs[count++] = stub_of(&row);
        }
    } while (got == wanted && count < max);
    if (count < max)
        store->stubs_loaded = true;
    *ret_count = count;
    return ERR_OK;
}

/* ---- what the engine is told ---- */

bool store_damage_next(struct store *store, struct store_damage *ret_damage)
{
    if (store->damage_told == store->damage_count) {
        store->damage_told = store->damage_count = 0;
        return false;
    }
    *ret_damage = store->damages[store->damage_told++];
    return true;
}

void store_set_min_free(struct store *store, uint64_t bytes)
{
    store->options.min_free_bytes = bytes;
    core_look_at_room(store);
}

void store_state_get(const struct store *store, struct store_state *ret_state)
{
    bool stuck = !store->spool.active && store->spool.failures > 0 && store->spool.cut_count > 0;
    *ret_state = (struct store_state){ .accepting = !store->full && !store->no_room && !stuck,
                                       .full = store->full || store->no_room,
                                       .failed = store->failed,
                                       .free_bytes = store->free_bytes,
                                       .quarantined = store->quarantined,
                                       .quarantined_last_id = store->quarantined_last_id };
}

uint64_t store_committed(const struct store *store)
{
    return store->spool.batches;
}

uint64_t store_applied(const struct store *store)
{
    const struct pending_entry *first = pending_first(&store->pending);
    return first ? first->batch - 1 : store->spool.batches;
}

uint32_t store_moves_take(struct store *store, struct store_move *moves, uint32_t max)
{
    uint32_t count = store->move_count < max ? store->move_count : max;
    memcpy(moves, store->moves, count * sizeof *moves);
    store->move_count -= count;
    memmove(store->moves, store->moves + count, store->move_count * sizeof *moves);
    return count;
}

/* ---- large bodies ---- */

static enum store_status big_status(struct store *store, enum err err)
{
    if (err == ERR_DISK_FULL)
        core_look_at_room(store);
    return err == ERR_OK ? STORE_OK : err == ERR_DISK_FULL ? STORE_FULL : STORE_FAILED;
}

enum store_status store_big_append(struct store *store, uint64_t id, uint64_t offset, struct slice bytes)
{
    bool begins = !big_is_open(&store->big, id);
    if (begins && big_open_count(&store->big) >= STORE_BIG_OPEN_MAX)
        return STORE_FAILED;
    store->looked_bytes += bytes.size;
    if (begins || store->looked_bytes >= store->options.segment_size / 16)
        core_look_at_room(store);
    if (store->full)
        return STORE_FULL;
    return big_status(store, big_append(&store->big, id, offset, bytes));
}

enum store_status store_big_finish(struct store *store, uint64_t id)
{
    return big_status(store, big_finish(&store->big, id));
}

void store_big_abort(struct store *store, uint64_t id)
{
    big_abort(&store->big, id);
}

/* ---- the background ---- */

enum err store_apply(struct store *store, uint32_t budget)
{
    return core_apply(store, budget);
}

/* Each task is a bounded step. */
enum progress {
    PROGRESS_NONE, /* nothing to do */
    PROGRESS_SOME, /* something was done */
    PROGRESS_FAIL, /* later */
};

static enum progress progress_of(enum err err)
{
    return err == ERR_OK ? PROGRESS_SOME : PROGRESS_FAIL;
}

static enum progress task_cuts(struct store *store)
{
    if (store->spool.active || store->spool.cut_count == 0 || store->spool.failures == 0)
        return PROGRESS_NONE;
    return progress_of(commit_cuts(store));
}

static enum progress task_apply(struct store *store)
{
    const struct pending_entry *first = pending_first(&store->pending);
    bool old = first && store->now_us - first->since_us >= store->options.pending_age_us;
    bool many = store->pending.count > store->options.pending_max / 2;
    if (!old && !many && !(store->pending.count == 0 && core_mark_is_old(store)))
        return PROGRESS_NONE;
    return progress_of(core_apply(store, APPLY_STEP));
}

static enum progress task_prepare(struct store *store)
{
    uint32_t spares = segments_count(&store->segments, SEGMENT_SPARE);
    bool making_room = !store->full || segments_count(&store->segments, SEGMENT_FREE) > 0 || spares == 0;
    if (spares >= SPARES) {
        store->no_room = false;
        return PROGRESS_NONE;
    }
    if (!making_room)
        return PROGRESS_NONE;
    bool done = false;
    return progress_of(segments_prepare(&store->segments, &done));
}

static enum progress task_checkpoint(struct store *store)
{
    bool can_release = false;
    for (uint32_t i = 0; i < store->segments.count; i++)
        can_release |= core_can_release(store, store->segments.items[i]);
    if (!can_release && !store->index_doubtful && index_waiting_pages(store->index) < CHECKPOINT_PAGES)
        return PROGRESS_NONE;
    enum err err = core_checkpoint(store, false);
    if (err != ERR_OK)
        return PROGRESS_FAIL;
    uint32_t before = segments_count(&store->segments, SEGMENT_FREE);
    core_release_segments(store);
    bool released = segments_count(&store->segments, SEGMENT_FREE) > before;
    return can_release && !released ? PROGRESS_FAIL : PROGRESS_SOME; /* pinned: later */
}

static enum progress task_remove_big(struct store *store)
{
    if (store->big_removal_count == 0)
        return PROGRESS_NONE;
    for (int i = 0; i < BIG_REMOVALS_STEP && store->big_removal_count > 0; i++) {
        char path[BIG_NAME_SIZE];
        big_path(store->big_removals[--store->big_removal_count], path);
        enum err err = store->disk->calls->remove(store->disk, path);
        if (err != ERR_OK && err != ERR_NOT_FOUND)
            return PROGRESS_FAIL; /* an orphan of the next start */
    }
    return PROGRESS_SOME;
}

/* Files that are not needed for a while give their room back, and those that failed go at once. */
static enum progress task_remove_free(struct store *store)
{
    uint32_t kept = FREE_KEPT + segments_count(&store->segments, SEGMENT_CLOSED) / 4;
    uint32_t count = segments_count(&store->segments, SEGMENT_FREE);
    for (uint32_t i = 0; i < store->segments.count; i++) {
        struct segment *segment = store->segments.items[i];
        bool useless = segment->given_up || segment->header.size != store->options.segment_size;
        if (segment->state == SEGMENT_FREE && (useless || count > kept))
            return progress_of(segments_remove(&store->segments, segment));
    }
    return PROGRESS_NONE;
}

static enum progress task_move(struct store *store)
{
    return move_wanted(store) ? progress_of(move_step(store)) : PROGRESS_NONE;
}

/* In the order of need. One that fails does not stop the others; then all rest for a moment. */
bool store_background(struct store *store, struct now now)
{
    static enum progress (*const tasks[])(struct store *) = { task_cuts,       task_apply,       task_prepare, task_checkpoint,
                                                              task_remove_big, task_remove_free, task_move };
    store->now_us = now.monotonic_us;
    if (now.monotonic_us < store->retry_us)
        return false;
    if (store->full && now.monotonic_us - store->looked_us >= RETRY_US)
        core_look_at_room(store);
    bool failed = false;
    for (size_t i = 0; i < sizeof tasks / sizeof tasks[0]; i++) {
        enum progress progress = tasks[i](store);
        if (progress == PROGRESS_SOME && !failed)
            return true;
        failed |= progress == PROGRESS_FAIL;
    }
    if (failed)
        store->retry_us = now.monotonic_us + RETRY_US;
    return false;
}

int64_t store_deadline_us(const struct store *store)
{
    int64_t deadline_us = DEADLINE_NEVER;
    const struct pending_entry *first = pending_first(&store->pending);
    if (first)
        deadline_us = first->since_us + store->options.pending_age_us;
    if (store->full && store->looked_us + RETRY_US < deadline_us)
        deadline_us = store->looked_us + RETRY_US;
    if (store->retry_us > store->now_us && (deadline_us < store->retry_us || deadline_us == DEADLINE_NEVER))
        deadline_us = store->retry_us;
    return deadline_us;
}

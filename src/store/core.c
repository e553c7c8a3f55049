#include "store/core.h"

#include <assert.h>
#include <stdio.h>

#include "base/arena.h"
#include "store/fetch.h"

void core_free(struct store *store)
{
    if (store->index)
        index_close(store->index);
    vfs_free(store->vfs);
    big_writer_done(&store->big);
    spool_done(&store->spool);
    pending_done(&store->pending);
    if (store->segments.disk)
        segments_close(&store->segments);
    if (store->lock)
        store->lock->calls->close(store->lock);
    mem_free(store->due_ids);
    mem_free(store->big_removals);
    mem_free(store->moves);
    mem_free(store->set_aside);
    mem_free(store);
}

int64_t core_envelope_weight(struct record_ref envelope)
{
    return envelope.segment == 0 ? 0 : RECORD_HEADER_SIZE + (int64_t)envelope.size;
}

int64_t core_body_weight(const struct body_ref *body)
{
    return body->segment == 0 ? 0 : (int64_t)(frame_size(body->size) + body->size);
}

/* ---- what is committed ---- */

static void count_envelope(struct store *store, struct record_ref envelope, int sign)
{
    segments_alive(&store->segments, envelope.segment, sign * core_envelope_weight(envelope));
}

static void count_body(struct store *store, const struct body_ref *body, int sign)
{
    segments_alive(&store->segments, body->segment, sign * core_body_weight(body));
}

static struct pending_entry *note_new(struct store *store, const struct core_note *note, unsigned flags)
{
    struct pending_entry *entry = pending_add(&store->pending, note->id);
    entry->flags = flags;
    entry->first = note->batch;
    entry->batch = store->spool.batches;
    entry->since_us = store->now_us;
    return entry;
}

/* The envelope and what goes with it; a body only when the record brings one, or nothing was known of it. */
static void note_take(struct store *store, struct pending_entry *entry, const struct core_note *note)
{
    count_envelope(store, entry->envelope, -1);
    entry->envelope = note->envelope;
    count_envelope(store, entry->envelope, +1);
    entry->due_us = note->due_us;
    entry->queue = note->queue;
    entry->destination = note->destination;
    bool counted = entry->flags & PENDING_BODY_COUNTED;
    if (note->holds_body) {
        if (counted)
            count_body(store, &entry->body, -1);
        entry->body = note->body;
        count_body(store, &entry->body, +1);
        entry->flags |= PENDING_BODY_COUNTED;
    } else if (!counted) {
        entry->body = note->body;
    }
}

static void note_end(struct store *store, struct pending_entry *entry, const struct core_note *note)
{
    if (!entry) {
        note_new(store, note, PENDING_ENDED);
        return;
    }
    count_envelope(store, entry->envelope, -1);
    if (entry->flags & PENDING_BODY_COUNTED)
        count_body(store, &entry->body, -1);
    if (entry->flags & PENDING_SURELY_NEW) {
        if (entry->body.big_id != 0)
            core_remove_big_later(store, entry->body.big_id);
        pending_remove(&store->pending, entry);
        return;
    }
    entry->flags |= PENDING_ENDED;
    entry->envelope = (struct record_ref){ 0 };
}

/* While the journal is replayed a submit may have been applied before the crash: it is not surely new. */
void core_note(struct store *store, const struct core_note *note)
{
    if (note->id > store->last_id)
        store->last_id = note->id;
    struct pending_entry *entry = pending_find(&store->pending, note->id);
    if (entry && entry->flags & PENDING_ENDED)
        return;
    switch (note->kind) {
    case RECORD_SUBMIT:
        if (entry)
            return; /* sent again: it is here */
        entry = note_new(store, note, PENDING_SUBMITTED);
        if (!store->replaying && note->id > store->row_last_id)
            entry->flags |= PENDING_SURELY_NEW;
        break;
    case RECORD_SETTLE:
    case RECORD_MOVE:
        if (!entry)
            entry = note_new(store, note, 0);
        entry->flags |= note->kind == RECORD_SETTLE ? PENDING_SETTLED : PENDING_MOVED;
        break;
    case RECORD_END:
        note_end(store, entry, note);
        return;
    default:
        return;
    }
    note_take(store, entry, note);
}

enum err core_find(struct store *store, uint64_t id, struct index_row *ret_row)
{
    const struct pending_entry *entry = pending_find(&store->pending, id);
    if (!entry)
        return index_get(store->index, id, ret_row);
    if (entry->flags & PENDING_ENDED)
        return ERR_NOT_FOUND;
    *ret_row = (struct index_row){ .id = id,
                                   .due_us = entry->due_us,
                                   .queue = entry->queue,
                                   .destination = entry->destination,
                                   .envelope = entry->envelope,
                                   .body = entry->body };
    return ERR_OK;
}

/* ---- applying ---- */

static void later_envelope(struct store *store, struct record_ref envelope, int sign)
{
    segments_alive_later(&store->segments, envelope.segment, sign * core_envelope_weight(envelope));
}

static void later_body(struct store *store, const struct body_ref *body, int sign)
{
    segments_alive_later(&store->segments, body->segment, sign * core_body_weight(body));
}

/* The row does not take what the entry has counted. */
static void later_forget(struct store *store, const struct pending_entry *entry)
{
    later_envelope(store, entry->envelope, -1);
    if (entry->flags & PENDING_BODY_COUNTED)
        later_body(store, &entry->body, -1);
}

static enum err apply_end(struct store *store, const struct pending_entry *entry)
{
    struct index_row old = { 0 };
    enum err err = index_get(store->index, entry->id, &old);
    uint64_t big_id = entry->body.big_id != 0 ? entry->body.big_id : old.body.big_id;
    if (err == ERR_OK || err == ERR_CORRUPT) {
        later_envelope(store, old.envelope, -1);
        later_body(store, &old.body, -1);
        err = index_remove(store->index, entry->id);
    } else if (err == ERR_NOT_FOUND) {
        err = ERR_OK;
    }
    if (err == ERR_OK && big_id != 0)
        core_remove_big_later(store, big_id);
    return err;
}

static enum err apply_insert(struct store *store, const struct pending_entry *entry, const struct index_row *row,
                             bool *ret_inserted)
{
    enum err err = index_insert(store->index, row, ret_inserted);
    if (err == ERR_OK && *ret_inserted && !(entry->flags & PENDING_BODY_COUNTED))
        later_body(store, &entry->body, +1);
    return err;
}

/* What there is becomes what the entry says. A move alone is no proof of life: the message may have ended. */
static enum err apply_change(struct store *store, const struct pending_entry *entry, const struct index_row *row)
{
    struct index_row old = { 0 };
    bool inserted = false;
    enum err err = index_get(store->index, entry->id, &old);
    if (err == ERR_NOT_FOUND && entry->flags & PENDING_SETTLED)
        return apply_insert(store, entry, row, &inserted);
    if (err == ERR_NOT_FOUND) {
        later_forget(store, entry);
        return ERR_OK;
    }
    if (err != ERR_OK && err != ERR_CORRUPT)
        return err;
    later_envelope(store, old.envelope, -1);
    later_body(store, &old.body, -1);
    if (!(entry->flags & PENDING_BODY_COUNTED))
        later_body(store, &entry->body, +1);
    return index_update(store->index, row);
}

static enum err apply_entry(struct store *store, const struct pending_entry *entry)
{
    if (entry->flags & PENDING_ENDED)
        return apply_end(store, entry);
    struct index_row row = { .id = entry->id,
                             .due_us = entry->due_us,
                             .queue = entry->queue,
                             .destination = entry->destination,
                             .envelope = entry->envelope,
                             .body = entry->body };
    if (!(entry->flags & PENDING_SUBMITTED))
        return apply_change(store, entry, &row);
    bool inserted = false;
    enum err err = apply_insert(store, entry, &row, &inserted);
    if (err != ERR_OK || inserted)
        return err;
    if (entry->flags & (PENDING_SETTLED | PENDING_MOVED))
        return apply_change(store, entry, &row);
    later_forget(store, entry);
    return ERR_OK;
}

static enum err apply_transaction(struct store *store, uint32_t budget, struct pending_entry **ret_next,
                                  struct index_mark *ret_mark, uint64_t *ret_row_last_id)
{
    enum err err = index_begin(store->index);
    if (err != ERR_OK)
        return err;
    struct pending_entry *entry = pending_first(&store->pending);
    uint64_t row_last_id = store->row_last_id;
    for (; entry && budget > 0 && err == ERR_OK; budget--) {
        err = apply_entry(store, entry);
        if (entry->id > row_last_id)
            row_last_id = entry->id;
        entry = pending_next(&store->pending, entry);
    }
    struct index_mark mark = { entry ? entry->first : store->spool.end, store->last_id };
    if (err == ERR_OK)
        err = index_commit(store->index, &mark);
    if (err != ERR_OK) {
        index_rollback(store->index);
        return err;
    }
    *ret_next = entry;
    *ret_mark = mark;
    *ret_row_last_id = row_last_id;
    return ERR_OK;
}

enum err core_apply(struct store *store, uint32_t budget)
{
    uint32_t removals = store->big_removal_count;
    struct pending_entry *next;
    struct index_mark mark;
    enum err err = apply_transaction(store, budget, &next, &mark, &store->row_last_id);
    segments_alive_settle(&store->segments, err == ERR_OK);
    if (err != ERR_OK) {
        store->big_removal_count = removals;
        return err;
    }
    store->mark = mark;
    while (pending_first(&store->pending) != next)
        pending_remove(&store->pending, pending_first(&store->pending));
    return ERR_OK;
}

enum err core_apply_all(struct store *store)
{
    enum err err = ERR_OK;
    do {
        err = core_apply(store, APPLY_STEP);
    } while (err == ERR_OK && store->pending.count > 0);
    return err;
}

bool core_mark_is_old(const struct store *store)
{
    return store->mark.position.segment != store->spool.end.segment;
}

/* The copy is made of what can be read, which is all that was ever written; the doubtful files are removed when nobody
 * has them open any more: at the next start, if not before. */
static enum err index_renew(struct store *store)
{
    enum err err = index_copy(store->index, store->disk);
    if (err != ERR_OK)
        return err;
    struct index *copy;
    bool fresh;
    err = index_open(store->disk, store->vfs, &copy, &fresh);
    if (err != ERR_OK)
        return err;
    if (fresh) { /* cannot be: it was synced. The old one is as good as it was */
        index_close(copy);
        return ERR_CORRUPT;
    }
    index_close(store->index);
    store->index = copy;
    atomic_store(&store->index_number, index_number(copy));
    store->index_doubtful = vfs_sync_failed_take(store->vfs);
    return ERR_OK;
}

enum err core_checkpoint(struct store *store, bool all)
{
    if (vfs_sync_failed_take(store->vfs))
        store->index_doubtful = true;
    if (store->index_doubtful) {
        store->failed = true;
        enum err err = index_renew(store);
        if (err != ERR_OK)
            return err;
    }
    enum err err = index_checkpoint(store->index, all);
    if (vfs_sync_failed_take(store->vfs)) {
        store->index_doubtful = true;
        store->failed = true;
    }
    return err == ERR_OK && store->index_doubtful ? ERR_IO : err;
}

bool core_can_release(const struct store *store, const struct segment *segment)
{
    return segment->state == SEGMENT_CLOSED && segment->alive_bytes <= 0 &&
           segment->header.number < store->mark.position.segment;
}

void core_release_segments(struct store *store)
{
    for (uint32_t i = 0; i < store->segments.count; i++) {
        struct segment *segment = store->segments.items[i];
        if (core_can_release(store, segment))
            (void)segments_release(&store->segments, segment); /* one that is being read: next time */
    }
}

/* ---- damage, room ---- */

void core_keep_octets(struct store *store, const struct segment *segment, uint32_t offset, uint32_t size)
{
    char path[48];
    snprintf(path, sizeof path, "quarantine/%08u-%08x", segment->header.number, offset);
    struct buffer octets;
    buffer_init(&octets, QUARANTINE_SIZE_MAX);
    struct disk_file *file;
    enum err err = fetch_raw(segment, offset, size < QUARANTINE_SIZE_MAX ? size : QUARANTINE_SIZE_MAX, &octets);
    if (err == ERR_OK)
        err = store->disk->calls->make_folder(store->disk, "quarantine");
    if (err == ERR_OK || err == ERR_EXISTS)
        err = store->disk->calls->open(store->disk, path, DISK_OPEN_WRITE | DISK_OPEN_CREATE, &file);
    if (err == ERR_OK) {
        struct disk_slice slice = { octets.data, octets.size };
        (void)file->calls->write(file, 0, &slice, 1);
        file->calls->close(file);
    }
    buffer_done(&octets);
}

enum err core_keep_big(struct store *store, uint64_t id)
{
    char from[BIG_NAME_SIZE], to[48], name[16];
    id_format(id, name);
    big_path(id, from);
    snprintf(to, sizeof to, "quarantine/%s", name);
    enum err err = store->disk->calls->make_folder(store->disk, "quarantine");
    if (err == ERR_OK || err == ERR_EXISTS)
        err = store->disk->calls->rename(store->disk, from, to);
    return err;
}

void core_damage(struct store *store, uint64_t id, const struct segment *segment, uint32_t offset, uint32_t size)
{
    if (segment && size > 0)
        core_keep_octets(store, segment, offset, size);
    store->quarantined++;
    store->quarantined_last_id = id;
    if (store->damage_count < DAMAGES_MAX)
        store->damages[store->damage_count++] =
            (struct store_damage){ .id = id, .segment = segment ? segment->header.number : 0, .offset = offset };
}

void core_torn(struct store *store, const struct segment *segment, uint32_t offset, uint32_t size)
{
    core_keep_octets(store, segment, offset, size);
    store->report.torn_count++;
}

void core_remove_big_later(struct store *store, uint64_t id)
{
    if (store->big_removal_count == BIG_REMOVALS_MAX)
        return; /* an orphan of the next start */
    if (store->big_removal_count == store->big_removal_capacity) {
        store->big_removal_capacity = store->big_removal_capacity ? 2 * store->big_removal_capacity : 64;
        store->big_removals = mem_realloc(store->big_removals, store->big_removal_capacity, sizeof(uint64_t));
    }
    store->big_removals[store->big_removal_count++] = id;
}

void core_look_at_room(struct store *store)
{
    store->looked_bytes = 0;
    store->looked_us = store->now_us;
    struct disk_space space;
    if (store->disk->calls->space(store->disk, &space) != ERR_OK)
        return; /* what was last known stays */
    store->free_bytes = space.free_bytes;
    store->full = space.free_bytes < store->options.min_free_bytes;
}

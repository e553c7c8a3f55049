#include "store/mend.h"

#include "store/scan.h"

static void mend_take(const struct record *record, struct index_row *row)
{
    *row = (struct index_row){ .id = record->id,
                               .due_us = record->due_us,
                               .queue = record->queue,
                               .destination = record->destination,
                               .envelope = { record->segment, record_envelope_offset(record), record->envelope_size },
                               .body = record->body };
}

static enum err mend_search(const struct segment *segment, uint64_t id, struct index_row *row)
{
    struct scan scan;
    scan_init(&scan, segment, SEGMENT_PAGE, 0);
    struct scan_item item;
    enum err err;
    while ((err = scan_next(&scan, &item)) == ERR_OK) {
        bool has_envelope = item.record.kind == RECORD_SUBMIT || item.record.kind == RECORD_SETTLE ||
                            item.record.kind == RECORD_MOVE;
        if (!item.damaged && item.id == id && has_envelope && item.envelope_good && item.body_good)
            mend_take(&item.record, row);
    }
    scan_done(&scan);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* Segments are in the order of the journal: the last record found is the one that counts. If the message has ended
 * meanwhile, the replay that follows finds the end. */
enum err mend_row(struct store *store, uint64_t id, struct index_row *ret_row)
{
    struct index_row row = { 0 };
    enum err err = ERR_OK;
    for (uint32_t i = 0; i < store->segments.count && err == ERR_OK; i++)
        err = mend_search(store->segments.items[i], id, &row);
    if (err == ERR_OK && row.id == 0)
        return ERR_CORRUPT;
    if (err == ERR_OK)
        err = index_begin(store->index);
    if (err != ERR_OK)
        return err;
    err = index_update(store->index, &row);
    if (err == ERR_OK)
        err = index_commit(store->index, &store->mark);
    if (err != ERR_OK) {
        index_rollback(store->index);
        return err;
    }
    core_damage(store, id, NULL, 0, 0);
    *ret_row = row;
    return ERR_OK;
}

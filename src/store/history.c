#include "store/history.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdio.h>

#include "base/arena.h"
#include "store/vfs.h"

enum {
    HISTORY_VERSION = 1,
    PAGES_CACHED = 256,
    CHECKPOINT_PAGES = 1000,
};

enum statement {
    STATEMENT_BEGIN,
    STATEMENT_COMMIT,
    STATEMENT_ROLLBACK,
    STATEMENT_INSERT,
    STATEMENT_PRUNE_AGE,
    STATEMENT_PRUNE_COUNT,
    STATEMENT_COUNT,
};

static const char *const statement_texts[STATEMENT_COUNT] = {
    [STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
    [STATEMENT_COMMIT] = "COMMIT",
    [STATEMENT_ROLLBACK] = "ROLLBACK",
    [STATEMENT_INSERT] = "INSERT INTO event (at, id, name, sender, recipient, rule, text) VALUES (?, ?, ?, ?, ?, ?, ?)",
    [STATEMENT_PRUNE_AGE] = "DELETE FROM event WHERE rowid IN (SELECT rowid FROM event WHERE at < ?1"
                            " AND rowid < (SELECT min(rowid) FROM event) + ?2 ORDER BY rowid LIMIT ?2)",
    [STATEMENT_PRUNE_COUNT] = "DELETE FROM event WHERE rowid IN (SELECT rowid FROM event ORDER BY rowid LIMIT ?)",
};

/* Messages are found by id; addresses by looking at the newest rows first, which is what people ask for and costs a row
 * nothing when it is written. */
static const char schema[] =
    "CREATE TABLE event (at INTEGER NOT NULL, id INTEGER NOT NULL, name TEXT NOT NULL, sender TEXT NOT NULL,"
    " recipient TEXT NOT NULL, rule INTEGER NOT NULL, text BLOB NOT NULL);"
    "CREATE INDEX event_id ON event (id);";

struct history {
    struct disk *disk;
    struct vfs *vfs;
    struct history_options options;
    sqlite3 *database;
    uint32_t wal_pages;
    sqlite3_stmt *statements[STATEMENT_COUNT];
};

static enum err err_of(int result)
{
    switch (result & 0xff) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW:
        return ERR_OK;
    case SQLITE_FULL:
        return ERR_DISK_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_CORRUPT;
    default:
        return result == SQLITE_IOERR_DATA ? ERR_CORRUPT : ERR_IO;
    }
}

/* ---- opening ---- */

static void history_disconnect(struct history *history)
{
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        (void)sqlite3_finalize(history->statements[i]); /* tells again what the last step told */
        history->statements[i] = NULL;
    }
    int result = sqlite3_close(history->database);
    assert(result == SQLITE_OK);
    history->database = NULL;
}

static int count_pages(void *context, sqlite3 *database, const char *name, int pages)
{
    ((struct history *)context)->wal_pages = (uint32_t)pages;
    return SQLITE_OK;
}

static enum err run(struct history *history, const char *text)
{
    return err_of(sqlite3_exec(history->database, text, NULL, NULL, NULL));
}

static int take_version(void *context, int columns, char **values, char **names)
{
    uint64_t version = 0;
    *(bool *)context = columns == 1 && slice_to_u64(slice_of(values[0]), INT32_MAX, &version) && version == HISTORY_VERSION;
    return 0;
}

/* A file of another version is of no use here: it is treated as one that cannot be read. */
static enum err history_set_up(struct history *history)
{
    char pages[128], version[64];
    snprintf(pages, sizeof pages, "PRAGMA page_size = %d; PRAGMA cache_size = %d; PRAGMA temp_store = MEMORY",
             VFS_PAGE_SIZE, PAGES_CACHED);
    snprintf(version, sizeof version, "PRAGMA user_version = %d", HISTORY_VERSION);
    enum err err = vfs_prepare(history->database) ? run(history, pages) : ERR_IO;
    if (err == ERR_OK)
        err = run(history, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0");
    bool made = false;
    if (err == ERR_OK)
        err = err_of(sqlite3_exec(history->database, "PRAGMA user_version", take_version, &made, NULL));
    if (err == ERR_OK && !made)
        err = run(history, "BEGIN IMMEDIATE");
    if (err == ERR_OK && !made) {
        err = run(history, schema);
        err = err == ERR_IO ? ERR_CORRUPT : err; /* tables of another version are there */
    }
    if (err == ERR_OK && !made)
        err = run(history, version);
    if (err == ERR_OK && !made)
        err = run(history, "COMMIT");
    for (int i = 0; i < STATEMENT_COUNT && err == ERR_OK; i++)
        err = err_of(sqlite3_prepare_v3(history->database, statement_texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                        &history->statements[i], NULL));
    sqlite3_wal_hook(history->database, count_pages, history);
    return err;
}

static enum err history_connect(struct history *history)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    enum err err = err_of(sqlite3_open_v2("history.db", &history->database, flags, vfs_name(history->vfs)));
    if (err == ERR_OK)
        err = history_set_up(history);
    if (err != ERR_OK)
        history_disconnect(history);
    return err;
}

/* Begins anew; the damaged file stays beside it until the next one. */
static enum err history_put_aside(struct history *history)
{
    if (history->database)
        history_disconnect(history);
    enum err err = history->disk->calls->rename(history->disk, "history.db", "history.damaged");
    if (err == ERR_OK) {
        err = history->disk->calls->remove(history->disk, "history.db-wal");
        err = err == ERR_NOT_FOUND ? ERR_OK : err;
    }
    return err == ERR_OK ? history_connect(history) : err;
}

void history_configure(struct history *history, const struct history_options *options)
{
    history->options = *options;
}

enum err history_open(struct disk *disk, const struct history_options *options, struct history **ret_history)
{
    struct history *history = mem_alloc(sizeof *history);
    history->disk = disk;
    history->options = *options;
    history->vfs = vfs_new(disk);
    enum err err = history_connect(history);
    if (err == ERR_CORRUPT)
        err = history_put_aside(history);
    if (err == ERR_OK) {
        *ret_history = history;
        return ERR_OK;
    }
    history_close(history);
    return err;
}

void history_close(struct history *history)
{
    if (!history)
        return;
    if (history->database)
        history_disconnect(history);
    vfs_free(history->vfs);
    mem_free(history);
}

/* ---- adding ---- */

static enum err step_done(struct history *history, enum statement which)
{
    int result = sqlite3_step(history->statements[which]);
    (void)sqlite3_reset(history->statements[which]); /* tells the same again */
    return err_of(result);
}

static void bind_number(sqlite3_stmt *statement, int at, int64_t value)
{
    int result = sqlite3_bind_int64(statement, at, value);
    assert(result == SQLITE_OK);
}

static void bind_text(sqlite3_stmt *statement, int at, struct slice text, bool blob)
{
    text = slice_part(text, 0, HISTORY_TEXT_MAX);
    const char *data = text.data ? text.data : "";
    int result = blob ? sqlite3_bind_blob(statement, at, data, (int)text.size, SQLITE_STATIC)
                      : sqlite3_bind_text(statement, at, data, (int)text.size, SQLITE_STATIC);
    assert(result == SQLITE_OK);
}

static enum err add_one(struct history *history, const struct history_event *event)
{
    sqlite3_stmt *statement = history->statements[STATEMENT_INSERT];
    bind_number(statement, 1, event->at_us);
    bind_number(statement, 2, (int64_t)event->id);
    bind_text(statement, 3, event->event, false);
    bind_text(statement, 4, event->from, false);
    bind_text(statement, 5, event->to, false);
    bind_number(statement, 6, event->rule);
    bind_text(statement, 7, event->text, true);
    return step_done(history, STATEMENT_INSERT);
}

static enum err add_all(struct history *history, const struct history_event *events, uint32_t count)
{
    enum err err = step_done(history, STATEMENT_BEGIN);
    if (err != ERR_OK)
        return err;
    for (uint32_t i = 0; i < count && err == ERR_OK; i++)
        err = add_one(history, &events[i]);
    if (err == ERR_OK)
        err = step_done(history, STATEMENT_COMMIT);
    if (err != ERR_OK && sqlite3_get_autocommit(history->database) == 0)
        (void)step_done(history, STATEMENT_ROLLBACK); /* the first error is the one that is told */
    return err;
}

static void history_checkpoint(struct history *history)
{
    if (history->wal_pages < CHECKPOINT_PAGES)
        return;
    int result = sqlite3_wal_checkpoint_v2(history->database, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    if (result == SQLITE_OK)
        history->wal_pages = 0; /* else at the next batch */
}

enum err history_add(struct history *history, const struct history_event *events, uint32_t count)
{
    assert(count <= HISTORY_BATCH_MAX);
    enum err err = history->database ? add_all(history, events, count) : ERR_CORRUPT;
    if (err == ERR_CORRUPT) { /* these events are the first of the new file */
        err = history->database ? history_put_aside(history) : history_connect(history);
        if (err == ERR_OK)
            err = add_all(history, events, count);
    }
    if (err == ERR_OK)
        history_checkpoint(history);
    return err;
}

/* ---- pruning ---- */

static uint64_t history_size(struct history *history)
{
    struct disk_file *file;
    uint64_t size = 0;
    if (history->disk->calls->open(history->disk, "history.db", DISK_OPEN_READ, &file) != ERR_OK)
        return 0;
    if (file->calls->size(file, &size) != ERR_OK)
        size = 0;
    file->calls->close(file);
    return size;
}

static int take_number(void *context, int columns, char **values, char **names)
{
    uint64_t number = 0;
    if (columns == 1 && slice_to_u64(slice_of(values[0]), INT64_MAX, &number))
        *(uint64_t *)context = number;
    return 0;
}

/* Octets in use: pages on the free list are there for new events, and the file does not shrink. */
static uint64_t history_used(struct history *history)
{
    uint64_t unused = 0;
    enum err err = err_of(sqlite3_exec(history->database, "PRAGMA freelist_count", take_number, &unused, NULL));
    uint64_t size = history_size(history);
    unused *= VFS_PAGE_SIZE;
    return err == ERR_OK && unused < size ? size - unused : 0;
}

bool history_prune(struct history *history, int64_t now_us, uint32_t limit)
{
    if (!history->database)
        return false;
    enum statement which = STATEMENT_PRUNE_AGE;
    sqlite3_stmt *statement = history->statements[STATEMENT_PRUNE_AGE];
    if (history_used(history) > history->options.size_max_bytes) {
        which = STATEMENT_PRUNE_COUNT;
        statement = history->statements[STATEMENT_PRUNE_COUNT];
        bind_number(statement, 1, limit);
    } else {
        bind_number(statement, 1, now_us - history->options.age_max_us);
        bind_number(statement, 2, limit);
    }
    enum err err = step_done(history, which);
    return err == ERR_OK && (uint32_t)sqlite3_changes(history->database) >= limit;
}

/* ---- queries ---- */

static struct slice column(sqlite3_stmt *statement, int at, struct arena *arena)
{
    const void *data = sqlite3_column_blob(statement, at);
    return arena_copy(arena, slice(data, data ? (size_t)sqlite3_column_bytes(statement, at) : 0));
}

static struct history_event read_event(sqlite3_stmt *statement, struct arena *arena)
{
    return (struct history_event){ .at_us = sqlite3_column_int64(statement, 0),
                                   .id = (uint64_t)sqlite3_column_int64(statement, 1),
                                   .event = column(statement, 2, arena),
                                   .from = column(statement, 3, arena),
                                   .to = column(statement, 4, arena),
                                   .rule = (uint16_t)sqlite3_column_int(statement, 5),
                                   .text = column(statement, 6, arena) };
}

enum err history_query(struct history *history, const struct history_query *query, struct arena *arena,
                       struct history_event **ret_events, uint32_t *ret_count)
{
    if (!history->database)
        return ERR_CORRUPT;
    char text[256];
    snprintf(text, sizeof text, "SELECT at, id, name, sender, recipient, rule, text FROM event WHERE %s%s%s"
             " ORDER BY rowid DESC LIMIT ?4",
             query->id != 0 ? "id = ?1" : "1", query->from.size > 0 ? " AND sender = ?2 COLLATE NOCASE" : "",
             query->to.size > 0 ? " AND recipient = ?3 COLLATE NOCASE" : "");
    sqlite3_stmt *statement;
    enum err err = err_of(sqlite3_prepare_v2(history->database, text, -1, &statement, NULL));
    if (err != ERR_OK)
        return err;
    uint32_t limit = query->limit < HISTORY_PAGE_MAX ? query->limit : HISTORY_PAGE_MAX;
    if (query->id != 0)
        bind_number(statement, 1, (int64_t)query->id);
    if (query->from.size > 0)
        bind_text(statement, 2, query->from, false);
    if (query->to.size > 0)
        bind_text(statement, 3, query->to, false);
    bind_number(statement, 4, limit);
    struct history_event *events = arena_array(arena, struct history_event, limit);
    uint32_t count = 0;
    int result = SQLITE_DONE;
    while (count < limit && (result = sqlite3_step(statement)) == SQLITE_ROW)
        events[count++] = read_event(statement, arena);
    (void)sqlite3_finalize(statement); /* tells the same as the last step */
    if (err_of(result) != ERR_OK)
        return err_of(result);
    *ret_events = events;
    *ret_count = count;
    return ERR_OK;
}

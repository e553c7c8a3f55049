#include "store/index.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/codec.h"

enum {
    NAME_SIZE = 40,
    PAGES_CACHED = 512, /* 2 MiB */
};

enum statement {
    STATEMENT_BEGIN,
    STATEMENT_COMMIT,
    STATEMENT_ROLLBACK,
    STATEMENT_MARK_GET,
    STATEMENT_MARK_SET,
    STATEMENT_INSERT,
    STATEMENT_UPDATE,
    STATEMENT_REMOVE,
    STATEMENT_GET,
    STATEMENT_PAGE,
    STATEMENT_COUNT,
};

#define ROW_COLUMNS                                                                                                    \
    "id, due, queue, destination, envelope_segment, envelope_offset, envelope_size, "                                 \
    "body_segment, body_offset, body_size, body_file, checksum"

static const char *const statement_texts[STATEMENT_COUNT] = {
    [STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
    [STATEMENT_COMMIT] = "COMMIT",
    [STATEMENT_ROLLBACK] = "ROLLBACK",
    [STATEMENT_MARK_GET] = "SELECT segment, offset, last_id, checksum FROM mark",
    [STATEMENT_MARK_SET] = "UPDATE mark SET segment = ?, offset = ?, last_id = ?, checksum = ?",
    [STATEMENT_INSERT] = "INSERT INTO message (" ROW_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,"
                         " ?12) ON CONFLICT DO NOTHING",
    [STATEMENT_UPDATE] = "UPDATE message SET due = ?2, queue = ?3, destination = ?4, envelope_segment = ?5,"
                         " envelope_offset = ?6, envelope_size = ?7, body_segment = ?8, body_offset = ?9,"
                         " body_size = ?10, body_file = ?11, checksum = ?12 WHERE id = ?1",
    [STATEMENT_REMOVE] = "DELETE FROM message WHERE id = ?",
    [STATEMENT_GET] = "SELECT " ROW_COLUMNS " FROM message WHERE id = ?",
    [STATEMENT_PAGE] = "SELECT " ROW_COLUMNS " FROM message WHERE id > ? AND id <= ? ORDER BY id LIMIT ?",
};

static const char schema[] =
    "CREATE TABLE message (id INTEGER PRIMARY KEY, due INTEGER NOT NULL, queue INTEGER NOT NULL,"
    " destination INTEGER NOT NULL, envelope_segment INTEGER NOT NULL, envelope_offset INTEGER NOT NULL,"
    " envelope_size INTEGER NOT NULL, body_segment INTEGER NOT NULL, body_offset INTEGER NOT NULL,"
    " body_size INTEGER NOT NULL, body_file INTEGER NOT NULL, checksum INTEGER NOT NULL) STRICT;"
    "CREATE TABLE mark (segment INTEGER NOT NULL, offset INTEGER NOT NULL, last_id INTEGER NOT NULL,"
    " checksum INTEGER NOT NULL) STRICT;"
    "INSERT INTO mark VALUES (0, 0, 0, 0);";

struct index {
    sqlite3 *database;
    uint32_t number;
    bool writes;
    uint32_t waiting_pages;
    sqlite3_stmt *statements[STATEMENT_COUNT];
};

static enum err err_of(int result)
{
    if (result == SQLITE_IOERR_DATA) /* a page's checksum does not hold */
        return ERR_CORRUPT;
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
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_BUSY;
    default:
        return ERR_IO;
    }
}

static void index_name(uint32_t number, const char *end, char name[static NAME_SIZE])
{
    snprintf(name, NAME_SIZE, "index-%u.db%s", number, end);
}

/* ---- connections ---- */

static int count_pages(void *context, sqlite3 *database, const char *name, int pages)
{
    ((struct index *)context)->waiting_pages = (uint32_t)pages;
    return SQLITE_OK;
}

static enum err run(struct index *index, const char *text)
{
    return err_of(sqlite3_exec(index->database, text, NULL, NULL, NULL));
}

static enum err read_number(struct index *index, const char *text, int64_t *ret_number)
{
    sqlite3_stmt *statement;
    int result = sqlite3_prepare_v2(index->database, text, -1, &statement, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_step(statement);
    int64_t number = result == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    int finished = sqlite3_finalize(statement);
    if (result != SQLITE_ROW)
        return err_of(result) != ERR_OK ? err_of(result) : err_of(finished) != ERR_OK ? err_of(finished) : ERR_CORRUPT;
    *ret_number = number;
    return ERR_OK;
}

static enum err index_connect(struct vfs *vfs, uint32_t number, bool writes, struct index **ret_index)
{
    struct index *index = mem_alloc(sizeof *index);
    index->number = number;
    index->writes = writes;
    char name[NAME_SIZE];
    index_name(number, "", name);
    int flags = SQLITE_OPEN_NOMUTEX | (writes ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
    enum err err = err_of(sqlite3_open_v2(name, &index->database, flags, vfs_name(vfs)));
    char pages[96];
    snprintf(pages, sizeof pages, "PRAGMA page_size = %d; PRAGMA cache_size = %d", VFS_PAGE_SIZE, PAGES_CACHED);
    if (err == ERR_OK && !vfs_prepare(index->database))
        err = ERR_IO;
    if (err == ERR_OK)
        err = run(index, pages);
    if (err == ERR_OK)
        err = run(index, "PRAGMA temp_store = MEMORY");
    if (err == ERR_OK) /* a checkpoint is the store's decision: never when a sync has failed */
        err = err_of(sqlite3_db_config(index->database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL));
    if (err != ERR_OK) {
        index_close(index);
        return err;
    }
    *ret_index = index;
    return ERR_OK;
}

static enum err index_prepare(struct index *index)
{
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        int result = sqlite3_prepare_v3(index->database, statement_texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                        &index->statements[i], NULL);
        if (result != SQLITE_OK)
            return err_of(result);
    }
    return ERR_OK;
}

/* An index without a version was never finished: it is made again from nothing. */
static enum err index_make(struct index *index)
{
    enum err err = run(index, "BEGIN IMMEDIATE");
    if (err == ERR_OK)
        err = run(index, schema);
    char version[64];
    snprintf(version, sizeof version, "PRAGMA user_version = %d", INDEX_VERSION);
    if (err == ERR_OK)
        err = run(index, version);
    return err == ERR_OK ? run(index, "COMMIT") : err;
}

static enum err index_set_up(struct index *index, bool *ret_made)
{
    int64_t version;
    enum err err = run(index, "PRAGMA journal_mode = WAL");
    if (err == ERR_OK)
        err = run(index, "PRAGMA synchronous = NORMAL");
    if (err == ERR_OK)
        err = run(index, "PRAGMA wal_autocheckpoint = 0");
    if (err == ERR_OK)
        err = read_number(index, "PRAGMA user_version", &version);
    if (err != ERR_OK)
        return err;
    if (version > INDEX_VERSION)
        return ERR_NEWER_FORMAT;
    *ret_made = version == 0;
    if (version == 0)
        err = index_make(index);
    sqlite3_wal_hook(index->database, count_pages, index);
    return err == ERR_OK ? index_prepare(index) : err;
}

/* ---- which file ---- */

struct found {
    uint32_t numbers[64]; /* of index files; more than two are never there */
    uint32_t count;
};

static bool found_name(void *context, const char *name)
{
    struct found *found = context;
    struct slice text = slice_of(name);
    uint64_t number;
    if (!slice_starts_with(text, SLICE("index-")))
        return true;
    text = slice_after(text, 6);
    struct slice digits = slice_split(&text, '.');
    if (slice_equal(text, SLICE("db")) && slice_to_u64(digits, UINT32_MAX - 1, &number) && found->count < 64)
        found->numbers[found->count++] = (uint32_t)number;
    return true;
}

static enum err remove_if_there(struct disk *disk, uint32_t number, const char *end)
{
    char name[NAME_SIZE];
    index_name(number, end, name);
    enum err err = disk->calls->remove(disk, name);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err remove_older(struct disk *disk, const struct found *found, uint32_t than)
{
    enum err err = ERR_OK;
    for (uint32_t i = 0; i < found->count && err == ERR_OK; i++) {
        if (found->numbers[i] >= than)
            continue;
        err = remove_if_there(disk, found->numbers[i], "");
        if (err == ERR_OK)
            err = remove_if_there(disk, found->numbers[i], "-wal");
    }
    return err == ERR_OK ? remove_if_there(disk, than + 1, ".new") : err;
}

/* The unreadable file stays beside the new one, for whoever wants to look, until the next is put aside. */
static enum err put_aside(struct disk *disk, uint32_t number)
{
    char name[NAME_SIZE];
    index_name(number, "", name);
    enum err err = disk->calls->rename(disk, name, "index.damaged");
    if (err == ERR_OK)
        err = remove_if_there(disk, number, "-wal");
    return err == ERR_OK ? disk->calls->sync_folder(disk, "") : err;
}

enum err index_put_aside(struct index *index, struct disk *disk)
{
    uint32_t number = index->number;
    index_close(index);
    return put_aside(disk, number);
}

static enum err index_open_number(struct vfs *vfs, uint32_t number, struct index **ret_index, bool *ret_made)
{
    struct index *index;
    enum err err = index_connect(vfs, number, true, &index);
    if (err != ERR_OK)
        return err;
    err = index_set_up(index, ret_made);
    if (err == ERR_OK)
        *ret_index = index;
    else
        index_close(index);
    return err;
}

enum err index_open(struct disk *disk, struct vfs *vfs, struct index **ret_index, bool *ret_fresh)
{
    struct found found = { 0 };
    enum err err = disk->calls->list(disk, "", found_name, &found);
    if (err != ERR_OK)
        return err;
    uint32_t number = 1;
    for (uint32_t i = 0; i < found.count; i++)
        number = found.numbers[i] > number ? found.numbers[i] : number;
    struct index *index = NULL;
    bool made = false;
    err = index_open_number(vfs, number, &index, &made);
    if (err == ERR_CORRUPT) {
        err = put_aside(disk, number++);
        if (err == ERR_OK)
            err = index_open_number(vfs, number, &index, &made);
    }
    if (err == ERR_OK)
        err = remove_older(disk, &found, number);
    if (err != ERR_OK) {
        index_close(index);
        return err;
    }
    *ret_index = index;
    *ret_fresh = made;
    return ERR_OK;
}

enum err index_open_reader(struct vfs *vfs, uint32_t number, struct index **ret_index)
{
    struct index *index;
    enum err err = index_connect(vfs, number, false, &index);
    if (err != ERR_OK)
        return err;
    err = index_prepare(index);
    if (err == ERR_OK)
        *ret_index = index;
    else
        index_close(index);
    return err;
}

void index_close(struct index *index)
{
    if (!index)
        return;
    for (int i = 0; i < STATEMENT_COUNT; i++)
        (void)sqlite3_finalize(index->statements[i]); /* tells again what the last step told */
    int result = sqlite3_close(index->database);
    assert(result == SQLITE_OK);
    mem_free(index);
}

uint32_t index_number(const struct index *index)
{
    return index->number;
}

/* ---- statements ---- */

/* Runs a statement that gives no rows; parameters are bound already. */
static enum err step_done(struct index *index, enum statement which)
{
    sqlite3_stmt *statement = index->statements[which];
    int result = sqlite3_step(statement);
    (void)sqlite3_reset(statement); /* tells the same again */
    return err_of(result);
}

static void bind(sqlite3_stmt *statement, int at, int64_t value)
{
    int result = sqlite3_bind_int64(statement, at, value);
    assert(result == SQLITE_OK);
}

static uint32_t row_checksum(const struct index_row *row)
{
    uint64_t values[] = { row->id,
                          (uint64_t)row->due_us,
                          row->queue,
                          row->destination,
                          row->envelope.segment,
                          row->envelope.offset,
                          row->envelope.size,
                          row->body.segment,
                          row->body.offset,
                          row->body.size,
                          row->body.big_id };
    return crc32c(0, slice(values, sizeof values));
}

static void bind_row(sqlite3_stmt *statement, const struct index_row *row)
{
    bind(statement, 1, (int64_t)row->id);
    bind(statement, 2, row->due_us);
    bind(statement, 3, row->queue);
    bind(statement, 4, row->destination);
    bind(statement, 5, row->envelope.segment);
    bind(statement, 6, row->envelope.offset);
    bind(statement, 7, row->envelope.size);
    bind(statement, 8, row->body.segment);
    bind(statement, 9, row->body.offset);
    bind(statement, 10, (int64_t)row->body.size);
    bind(statement, 11, (int64_t)row->body.big_id);
    bind(statement, 12, row_checksum(row));
}

/* False when the checksum does not hold; the id is given all the same. */
static bool read_row(sqlite3_stmt *statement, struct index_row *ret_row)
{
    int64_t v[12];
    for (int i = 0; i < 12; i++)
        v[i] = sqlite3_column_int64(statement, i);
    struct index_row row = {
        .id = (uint64_t)v[0],
        .due_us = v[1],
        .queue = (enum queue_kind)v[2],
        .destination = (uint32_t)v[3],
        .envelope = { (uint32_t)v[4], (uint32_t)v[5], (uint32_t)v[6] },
        .body = { (uint32_t)v[7], (uint32_t)v[8], (uint64_t)v[9], (uint64_t)v[10] },
    };
    bool good = row_checksum(&row) == v[11] && (unsigned)row.queue < QUEUE_COUNT;
    *ret_row = good ? row : (struct index_row){ .id = row.id };
    return good;
}

/* 0 before anything was applied, as the table is made. */
static int64_t mark_checksum(const struct index_mark *mark)
{
    uint64_t values[] = { mark->position.segment, mark->position.offset, mark->last_id };
    return mark->position.segment == 0 ? 0 : crc32c(0, slice(values, sizeof values));
}

enum err index_mark_get(struct index *index, struct index_mark *ret_mark)
{
    sqlite3_stmt *statement = index->statements[STATEMENT_MARK_GET];
    int result = sqlite3_step(statement);
    struct index_mark mark = { { (uint32_t)sqlite3_column_int64(statement, 0),
                                 (uint32_t)sqlite3_column_int64(statement, 1) },
                               (uint64_t)sqlite3_column_int64(statement, 2) };
    bool good = mark_checksum(&mark) == sqlite3_column_int64(statement, 3);
    (void)sqlite3_reset(statement);
    if (result == SQLITE_DONE || (result == SQLITE_ROW && !good))
        return ERR_CORRUPT;
    if (result != SQLITE_ROW)
        return err_of(result);
    *ret_mark = mark;
    return ERR_OK;
}

enum err index_begin(struct index *index)
{
    return step_done(index, STATEMENT_BEGIN);
}

enum err index_commit(struct index *index, const struct index_mark *mark)
{
    sqlite3_stmt *statement = index->statements[STATEMENT_MARK_SET];
    bind(statement, 1, mark->position.segment);
    bind(statement, 2, mark->position.offset);
    bind(statement, 3, (int64_t)mark->last_id);
    bind(statement, 4, mark_checksum(mark));
    enum err err = step_done(index, STATEMENT_MARK_SET);
    return err == ERR_OK ? step_done(index, STATEMENT_COMMIT) : err;
}

void index_rollback(struct index *index)
{
    if (sqlite3_get_autocommit(index->database) == 0) /* else SQLite has done it already */
        (void)step_done(index, STATEMENT_ROLLBACK);   /* fails only with the connection, which the next begin shows */
}

enum err index_insert(struct index *index, const struct index_row *row, bool *ret_inserted)
{
    bind_row(index->statements[STATEMENT_INSERT], row);
    enum err err = step_done(index, STATEMENT_INSERT);
    if (err == ERR_OK)
        *ret_inserted = sqlite3_changes(index->database) == 1;
    return err;
}

enum err index_update(struct index *index, const struct index_row *row)
{
    bind_row(index->statements[STATEMENT_UPDATE], row);
    return step_done(index, STATEMENT_UPDATE);
}

enum err index_remove(struct index *index, uint64_t id)
{
    bind(index->statements[STATEMENT_REMOVE], 1, (int64_t)id);
    return step_done(index, STATEMENT_REMOVE);
}

enum err index_get(struct index *index, uint64_t id, struct index_row *ret_row)
{
    sqlite3_stmt *statement = index->statements[STATEMENT_GET];
    bind(statement, 1, (int64_t)id);
    int result = sqlite3_step(statement);
    enum err err = result == SQLITE_DONE ? ERR_NOT_FOUND : err_of(result);
    struct index_row row;
    if (result == SQLITE_ROW) {
        if (read_row(statement, &row))
            *ret_row = row;
        else
            err = ERR_CORRUPT;
    }
    (void)sqlite3_reset(statement);
    return err;
}

enum err index_page(struct index *index, uint64_t after_id, uint64_t to_id, struct index_row *rows, uint32_t max,
                    uint32_t *ret_count)
{
    sqlite3_stmt *statement = index->statements[STATEMENT_PAGE];
    bind(statement, 1, (int64_t)after_id);
    bind(statement, 2, (int64_t)to_id);
    bind(statement, 3, max);
    uint32_t count = 0;
    int result;
    while ((result = sqlite3_step(statement)) == SQLITE_ROW && count < max)
        (void)read_row(statement, &rows[count++]);
    (void)sqlite3_reset(statement);
    if (err_of(result) == ERR_OK)
        *ret_count = count;
    return err_of(result);
}

/* A message has at most one large file, named as itself. */
enum err index_has_big(struct index *index, uint64_t id, bool *ret_has)
{
    struct index_row row;
    enum err err = index_get(index, id, &row);
    if (err == ERR_OK)
        *ret_has = row.body.big_id == id;
    else if (err == ERR_NOT_FOUND)
        *ret_has = false;
    else if (err == ERR_CORRUPT)
        *ret_has = true; /* nobody knows: keep the file */
    return err == ERR_NOT_FOUND || err == ERR_CORRUPT ? ERR_OK : err;
}

/* ---- checkpoint and copy ---- */

uint32_t index_waiting_pages(const struct index *index)
{
    return index->waiting_pages;
}

enum err index_checkpoint(struct index *index, bool all)
{
    int in_wal = 0, moved = 0;
    int mode = all ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
    int result = sqlite3_wal_checkpoint_v2(index->database, NULL, mode, &in_wal, &moved);
    if (result != SQLITE_OK)
        return err_of(result);
    if (in_wal > moved)
        return ERR_BUSY;
    index->waiting_pages = 0;
    return ERR_OK;
}

/* SQLite writes the copy without syncing it; that is done here, before it gets its name. */
enum err index_copy(struct index *index, struct disk *disk)
{
    char name_new[NAME_SIZE], name[NAME_SIZE], text[NAME_SIZE + 32];
    index_name(index->number + 1, ".new", name_new);
    index_name(index->number + 1, "", name);
    enum err err = remove_if_there(disk, index->number + 1, ".new");
    snprintf(text, sizeof text, "VACUUM INTO '%s'", name_new);
    if (err == ERR_OK)
        err = run(index, text);
    struct disk_file *file;
    if (err == ERR_OK)
        err = disk->calls->open(disk, name_new, DISK_OPEN_WRITE, &file);
    if (err == ERR_OK) {
        err = file->calls->sync(file);
        file->calls->close(file);
    }
    if (err == ERR_OK)
        err = remove_if_there(disk, index->number + 1, "-wal");
    if (err == ERR_OK)
        err = disk->calls->rename(disk, name_new, name);
    return err == ERR_OK ? disk->calls->sync_folder(disk, "") : err;
}

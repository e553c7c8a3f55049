#include "store/big.h"

#include <assert.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/codec.h"
#include "border/model.h"
#include "border/store.h"

static const char folder[] = "big";
static const char magic[8] = { 'F', 'A', 'C', 'T', 'B', 'I', 'G', 'B' };

enum { TABLE_SIZE_MAX = 1 << 28 }; /* checksums of a body of 4 TiB */

struct big_open {
    uint64_t id;
    uint64_t size;
    struct disk_file *file; /* NULL when finished */
    struct buffer table;
    uint32_t crc; /* of the chunk that is not full yet */
    bool failed;
    bool finished;
};

void big_path(uint64_t id, char path[static BIG_NAME_SIZE])
{
    char name[16];
    id_format(id, name);
    snprintf(path, BIG_NAME_SIZE, "%s/%s", folder, name);
}

/* ---- writing ---- */

enum err big_writer_init(struct big_writer *writer, struct disk *disk)
{
    static const uint64_t no_key[2]; /* keys are ids, ours */
    *writer = (struct big_writer){ .disk = disk };
    table_init(&writer->open, no_key);
    enum err err = disk->calls->make_folder(disk, folder);
    if (err == ERR_OK || err == ERR_EXISTS)
        err = disk->calls->sync_folder(disk, "");
    return err;
}

static void open_free(struct big_open *big)
{
    if (big->file)
        big->file->calls->close(big->file);
    buffer_done(&big->table);
    mem_free(big);
}

void big_writer_done(struct big_writer *writer)
{
    size_t position = 0;
    for (struct big_open *big; (big = table_next(&writer->open, &position));)
        open_free(big);
    table_done(&writer->open);
}

uint32_t big_open_count(const struct big_writer *writer)
{
    return (uint32_t)writer->open.count;
}

bool big_is_open(const struct big_writer *writer, uint64_t id)
{
    return table_get(&writer->open, id) != NULL;
}

static enum err big_create(struct big_writer *writer, uint64_t id, struct big_open **ret_big)
{
    char path[BIG_NAME_SIZE];
    big_path(id, path);
    struct disk_file *file;
    enum err err = writer->disk->calls->open(writer->disk, path,
                                             DISK_OPEN_WRITE | DISK_OPEN_CREATE | DISK_OPEN_EXCLUSIVE, &file);
    if (err != ERR_OK)
        return err;
    struct big_open *big = mem_alloc(sizeof *big);
    big->id = id;
    big->file = file;
    buffer_init(&big->table, TABLE_SIZE_MAX);
    table_put(&writer->open, id, big);
    *ret_big = big;
    return ERR_OK;
}

static void big_sum(struct big_open *big, struct slice bytes)
{
    while (bytes.size > 0) {
        struct slice piece = slice_part(bytes, 0, STORE_CHUNK_SIZE - (size_t)(big->size % STORE_CHUNK_SIZE));
        big->crc = crc32c(big->crc, piece);
        big->size += piece.size;
        bytes = slice_after(bytes, piece.size);
        if (big->size % STORE_CHUNK_SIZE == 0) {
            buffer_add_u32(&big->table, big->crc);
            big->crc = 0;
        }
    }
}

enum err big_append(struct big_writer *writer, uint64_t id, uint64_t offset, struct slice bytes)
{
    struct big_open *big = table_get(&writer->open, id);
    if (!big) {
        if (offset != 0)
            return ERR_REFUSED;
        enum err err = big_create(writer, id, &big);
        if (err != ERR_OK)
            return err;
    }
    if (big->failed || big->finished || offset != big->size)
        return ERR_REFUSED;
    struct disk_slice slice = { bytes.data, bytes.size };
    enum err err = big->file->calls->write(big->file, offset, &slice, 1);
    big->failed = err != ERR_OK;
    if (err == ERR_OK)
        big_sum(big, bytes);
    return err;
}

static uint32_t foot_crc(struct slice table, const char *foot)
{
    return crc32c(crc32c(0, table), slice(foot, BIG_FOOT_SIZE - 4));
}

static enum err big_write_foot(struct big_open *big)
{
    if (big->size % STORE_CHUNK_SIZE != 0)
        buffer_add_u32(&big->table, big->crc);
    struct slice table = buffer_slice(&big->table);
    struct buffer foot;
    buffer_init(&foot, BIG_FOOT_SIZE);
    buffer_add(&foot, slice(magic, sizeof magic));
    buffer_add_u32(&foot, BIG_VERSION);
    buffer_add_u64(&foot, big->id);
    buffer_add_u64(&foot, big->size);
    buffer_add_u32(&foot, foot_crc(table, foot.data));
    assert(!foot.overflow && foot.size == BIG_FOOT_SIZE && !big->table.overflow);
    struct disk_slice slices[2] = { { table.data, table.size }, { foot.data, foot.size } };
    enum err err = big->file->calls->write(big->file, big->size, slices, 2);
    buffer_done(&foot);
    return err == ERR_OK ? big->file->calls->sync(big->file) : err;
}

enum err big_finish(struct big_writer *writer, uint64_t id)
{
    struct big_open *big = table_get(&writer->open, id);
    if (!big)
        return ERR_NOT_FOUND;
    if (big->failed || big->finished)
        return ERR_REFUSED;
    enum err err = big_write_foot(big);
    if (err == ERR_OK)
        err = writer->disk->calls->sync_folder(writer->disk, folder);
    big->failed = err != ERR_OK; /* a sync is not tried again: the body has to come anew */
    big->finished = err == ERR_OK;
    big->file->calls->close(big->file);
    big->file = NULL;
    buffer_done(&big->table);
    return err;
}

bool big_is_finished(const struct big_writer *writer, uint64_t id, uint64_t size)
{
    const struct big_open *big = table_get(&writer->open, id);
    return big && big->finished && big->size == size;
}

void big_commit(struct big_writer *writer, uint64_t id)
{
    struct big_open *big = table_remove(&writer->open, id);
    if (big)
        open_free(big);
}

void big_abort(struct big_writer *writer, uint64_t id)
{
    struct big_open *big = table_remove(&writer->open, id);
    if (!big)
        return;
    open_free(big);
    char path[BIG_NAME_SIZE];
    big_path(id, path);
    (void)writer->disk->calls->remove(writer->disk, path); /* else the next start finds an orphan */
}

/* ---- reading ---- */

void big_reader_init(struct big_reader *reader, struct disk *disk)
{
    *reader = (struct big_reader){ .disk = disk };
}

static void reader_close(struct big_reader *reader, uint32_t slot)
{
    if (reader->files[slot].file)
        reader->files[slot].file->calls->close(reader->files[slot].file);
    reader->files[slot].file = NULL;
    reader->files[slot].id = 0;
}

void big_reader_done(struct big_reader *reader)
{
    for (uint32_t i = 0; i < BIG_READER_FILES; i++)
        reader_close(reader, i);
}

void big_reader_forget(struct big_reader *reader, uint64_t id)
{
    for (uint32_t i = 0; i < BIG_READER_FILES; i++) {
        if (reader->files[i].id == id)
            reader_close(reader, i);
    }
}

/* The foot is looked at once for each opening; the table's own checksum is not: a rotten entry shows when the chunk that
 * it belongs to does not agree with it. */
static enum err reader_open(struct big_reader *reader, uint64_t id, uint64_t body_size, struct disk_file **ret_file)
{
    for (uint32_t i = 0; i < BIG_READER_FILES; i++) {
        if (reader->files[i].id == id) {
            *ret_file = reader->files[i].file;
            return ERR_OK;
        }
    }
    char path[BIG_NAME_SIZE];
    big_path(id, path);
    struct disk_file *file;
    enum err err = reader->disk->calls->open(reader->disk, path, DISK_OPEN_READ, &file);
    if (err != ERR_OK)
        return err;
    char foot[BIG_FOOT_SIZE];
    size_t size;
    uint64_t chunks = (body_size + STORE_CHUNK_SIZE - 1) / STORE_CHUNK_SIZE;
    err = file->calls->read(file, body_size + 4 * chunks, foot, sizeof foot, &size);
    if (err == ERR_OK) {
        struct cursor c = cursor(slice(foot, size));
        bool same = slice_equal(cursor_take(&c, sizeof magic), slice(magic, sizeof magic));
        uint32_t version = cursor_u32(&c);
        same = same && cursor_u64(&c) == id && cursor_u64(&c) == body_size && !c.failed;
        err = !same ? ERR_CORRUPT : version > BIG_VERSION ? ERR_NEWER_FORMAT : ERR_OK;
    }
    if (err != ERR_OK) {
        file->calls->close(file);
        return err;
    }
    uint32_t slot = reader->next++ % BIG_READER_FILES;
    reader_close(reader, slot);
    reader->files[slot].id = id;
    reader->files[slot].file = file;
    *ret_file = file;
    return ERR_OK;
}

/* A whole chunk, checked. */
static enum err read_chunk(struct disk_file *file, uint64_t body_size, uint64_t chunk, char *data, size_t *ret_size)
{
    uint64_t at = chunk * STORE_CHUNK_SIZE;
    size_t want = body_size - at < STORE_CHUNK_SIZE ? (size_t)(body_size - at) : STORE_CHUNK_SIZE;
    size_t got;
    enum err err = file->calls->read(file, at, data, want, &got);
    if (err != ERR_OK)
        return err;
    char entry[4];
    size_t entry_size;
    err = file->calls->read(file, body_size + 4 * chunk, entry, sizeof entry, &entry_size);
    if (err != ERR_OK)
        return err;
    struct cursor c = cursor(slice(entry, entry_size));
    uint32_t crc = cursor_u32(&c);
    if (got != want || c.failed || crc != crc32c(0, slice(data, got)))
        return ERR_CORRUPT;
    *ret_size = got;
    return ERR_OK;
}

enum err big_read(struct big_reader *reader, uint64_t id, uint64_t body_size, uint64_t offset, uint32_t size,
                  struct buffer *out)
{
    struct disk_file *file;
    enum err err = reader_open(reader, id, body_size, &file);
    if (err != ERR_OK)
        return err;
    size_t before = out->size;
    uint64_t end = offset + size < body_size ? offset + size : body_size;
    char *data = mem_alloc(STORE_CHUNK_SIZE);
    while (offset < end && err == ERR_OK) {
        uint64_t chunk = offset / STORE_CHUNK_SIZE;
        size_t got = 0;
        err = read_chunk(file, body_size, chunk, data, &got);
        if (err != ERR_OK)
            break;
        struct slice part = slice_part(slice(data, got), (size_t)(offset % STORE_CHUNK_SIZE), (size_t)(end - offset));
        buffer_add(out, part);
        offset += part.size;
    }
    mem_free(data);
    if (err != ERR_OK)
        out->size = before;
    return err == ERR_OK && out->overflow ? ERR_TOO_LARGE : err;
}

/* Large bodies: a file big/ID each, written as the body streams in, finished before the record that names it.
 *
 *   the body's octets; a table: u32 crc of each 64 KiB; the foot: "FACTBIGB" u32 version u64 id u64 size u32 crc of
 *   table, id and size
 *
 * so that the file begins with the message as it is. Who writes: the store's thread. A struct big_reader belongs to one
 * thread. A file without a message is removed at the next start (store_open). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/table.h"
#include "border/disk.h"

enum {
    BIG_VERSION = 1,
    BIG_FOOT_SIZE = 32,
    BIG_NAME_SIZE = 24,
    BIG_READER_FILES = 8, /* kept open */
};

void big_path(uint64_t id, char path[static BIG_NAME_SIZE]);

struct big_writer {
    struct disk *disk;
    struct table open; /* id to struct big_open */
};

enum err big_writer_init(struct big_writer *writer, struct disk *disk); /* makes the folder */
void big_writer_done(struct big_writer *writer);
uint32_t big_open_count(const struct big_writer *writer);
bool big_is_open(const struct big_writer *writer, uint64_t id);
/* ERR_REFUSED: not where the last append ended, or one failed before, or finished already. */
enum err big_append(struct big_writer *writer, uint64_t id, uint64_t offset, struct slice bytes);
enum err big_finish(struct big_writer *writer, uint64_t id); /* ERR_NOT_FOUND: nothing was appended */
/* Finished, and of that size. */
bool big_is_finished(const struct big_writer *writer, uint64_t id, uint64_t size);
void big_commit(struct big_writer *writer, uint64_t id); /* a record names it now: forget it here */
void big_abort(struct big_writer *writer, uint64_t id);  /* removes the file; nothing when there is none */

struct big_reader {
    struct disk *disk;
    struct {
        uint64_t id;
        struct disk_file *file;
    } files[BIG_READER_FILES];
    uint32_t next;
};

void big_reader_init(struct big_reader *reader, struct disk *disk);
void big_reader_done(struct big_reader *reader);
void big_reader_forget(struct big_reader *reader, uint64_t id);
/* Appends up to size octets at offset of a body of body_size, checked. ERR_CORRUPT, ERR_NOT_FOUND. */
enum err big_read(struct big_reader *reader, uint64_t id, uint64_t body_size, uint64_t offset, uint32_t size,
                  struct buffer *out);

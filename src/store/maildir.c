#include "store/maildir.h"

#include <stdio.h>

#include "base/arena.h"

/* Mail clients expect the lines of a Maildir file to end in LF; the stored body has CRLF. */

enum {
    NAME_SIZE_MAX = 200,
    PATH_SIZE_MAX = 512,
    READ_SIZE = 32 << 10,
    BLOCK_SIZE = READ_SIZE + 1, /* a waiting CR may add one */
};

struct writer {
    struct disk_file *file;
    uint64_t offset;
    bool cr; /* a CR at the end of the last block waits to see whether LF follows */
    char *block;
};

static bool name_usable(struct slice name)
{
    if (name.size == 0 || name.size > NAME_SIZE_MAX || name.data[0] == '.')
        return false;
    for (size_t i = 0; i < name.size; i++) {
        unsigned char c = (unsigned char)name.data[i];
        if (c == '/' || c < 0x20 || c == 0x7f)
            return false;
    }
    return true;
}

/* Makes the folder and syncs its parent: a name is durable only with the folder that holds it. Also when it is there already: who
 * made it may have ended before his sync (seed 125). */
static enum err folder_make(struct disk *disk, const char *parent, const char *path)
{
    enum err err = disk->calls->make_folder(disk, path);
    if (err != ERR_OK && err != ERR_EXISTS)
        return err;
    return parent ? disk->calls->sync_folder(disk, parent) : ERR_OK;
}

static enum err maildir_make(struct disk *disk, const struct op_maildir *op, char path[static PATH_SIZE_MAX])
{
    static const char *const parts[] = { "tmp", "new", "cur" };
    char domain[PATH_SIZE_MAX];
    snprintf(domain, sizeof domain, "mail/%.*s", SLICE_ARG(op->domain));
    snprintf(path, PATH_SIZE_MAX, "mail/%.*s/%.*s", SLICE_ARG(op->domain), SLICE_ARG(op->localpart));
    enum err err = folder_make(disk, "", "mail");
    if (err == ERR_OK)
        err = folder_make(disk, "mail", domain);
    if (err == ERR_OK)
        err = folder_make(disk, domain, path);
    for (size_t i = 0; err == ERR_OK && i < sizeof parts / sizeof *parts; i++) {
        char part[PATH_SIZE_MAX + 8];
        snprintf(part, sizeof part, "%s/%s", path, parts[i]);
        err = folder_make(disk, NULL, part); /* one sync for the three, below */
    }
    return err == ERR_OK ? disk->calls->sync_folder(disk, path) : err;
}

static enum err writer_flush(struct writer *w, size_t size)
{
    struct disk_slice part = { w->block, size };
    enum err err = size > 0 ? w->file->calls->write(w->file, w->offset, &part, 1) : ERR_OK;
    w->offset += size;
    return err;
}

/* At most READ_SIZE octets at a time. */
static enum err writer_add(struct writer *w, struct slice bytes)
{
    size_t size = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        char c = bytes.data[i];
        if (w->cr && c != '\n')
            w->block[size++] = '\r';
        w->cr = c == '\r';
        if (!w->cr)
            w->block[size++] = c;
    }
    return writer_flush(w, size);
}

static enum err body_write(struct writer *w, const struct op_maildir *op, const struct maildir_source *source)
{
    if (op->prefix.size > READ_SIZE)
        return ERR_TOO_LARGE;
    enum err err = writer_add(w, op->prefix);
    uint64_t size = op->body_bytes.size > 0 ? op->body_bytes.size : op->body.size;
    char *data = mem_alloc(READ_SIZE);
    for (uint64_t at = 0; err == ERR_OK && at < size;) {
        size_t count = size - at < READ_SIZE ? (size_t)(size - at) : READ_SIZE;
        struct slice bytes = slice_part(op->body_bytes, (size_t)at, count);
        if (op->body_bytes.size == 0) {
            err = source->read(source->context, op->id, &op->body, at, data, count);
            bytes = slice(data, count);
        }
        if (err == ERR_OK)
            err = writer_add(w, bytes);
        at += count;
    }
    mem_free(data);
    return err;
}

static enum err file_write(struct disk *disk, const char *path, const struct op_maildir *op,
                           const struct maildir_source *source)
{
    struct writer w = { 0 };
    enum err err = disk->calls->open(disk, path, DISK_OPEN_WRITE | DISK_OPEN_CREATE, &w.file);
    if (err != ERR_OK)
        return err;
    w.block = mem_alloc(BLOCK_SIZE);
    err = w.file->calls->truncate(w.file, 0);
    if (err == ERR_OK)
        err = body_write(&w, op, source);
    if (err == ERR_OK)
        err = w.file->calls->sync(w.file);
    w.file->calls->close(w.file);
    mem_free(w.block);
    return err;
}

enum err maildir_deliver(struct disk *disk, const struct op_maildir *op, const struct maildir_source *source)
{
    if (!name_usable(op->domain) || !name_usable(op->localpart))
        return ERR_REFUSED;
    char folder[PATH_SIZE_MAX];
    enum err err = maildir_make(disk, op, folder);
    if (err != ERR_OK)
        return err;
    char id[16];
    id_format(op->id, id);
    char temporary[PATH_SIZE_MAX + 64];
    char final[PATH_SIZE_MAX + 64];
    char new_folder[PATH_SIZE_MAX + 8];
    snprintf(temporary, sizeof temporary, "%s/tmp/%s.R%u.facteur", folder, id, op->recipient);
    snprintf(final, sizeof final, "%s/new/%s.R%u.facteur", folder, id, op->recipient);
    snprintf(new_folder, sizeof new_folder, "%s/new", folder);
    err = file_write(disk, temporary, op, source);
    if (err == ERR_OK)
        err = disk->calls->rename(disk, temporary, final);
    if (err == ERR_OK)
        err = disk->calls->sync_folder(disk, new_folder);
    if (err != ERR_OK)
        disk->calls->remove(disk, temporary); /* may not be there: what counts is the first error */
    return err;
}

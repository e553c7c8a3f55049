/* Delivery into a Maildir at DataDir/mail/DOMAIN/LOCALPART: written in tmp, synced, renamed into new, folder synced.
 *
 * The file's name is made of the message's id and the recipient's place in it, so a delivery that is done again because
 * the server ended before it could record the first replaces the file instead of adding a second. Blocks: called on a
 * worker thread in production. */
#pragma once

#include "base/bytes.h"
#include "base/err.h"
#include "border/disk.h"
#include "border/op.h"

/* Where the body is read from when it is not in memory: up to size octets at offset of the message's body. */
struct maildir_source {
    enum err (*read)(void *context, uint64_t id, const struct body_ref *body, uint64_t offset, void *data, size_t size);
    void *context;
};

/* ERR_REFUSED for a domain or local part that cannot name a folder (empty, a slash, a leading dot, a control
 * character, over 200 octets); else what the disk said. */
enum err maildir_deliver(struct disk *disk, const struct op_maildir *op, const struct maildir_source *source);

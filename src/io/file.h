/* Whole small files: configuration, accounts, keys, certificates. Blocking; used by programs at their start and for changes by
 * the administrator, never on a message's way. */
#pragma once

#include <sys/types.h>

#include "base/bytes.h"
#include "base/err.h"

/* Appends the file's octets. ERR_NOT_FOUND, ERR_TOO_LARGE (over size_max), ERR_REFUSED (no permission, no regular file), ERR_IO. */
enum err file_read(const char *path, size_t size_max, struct buffer *out);
/* Replaces the file: a temporary one beside it is written, synced, renamed, and the folder synced. What was there stays there
 * until all that is done. */
enum err file_write(const char *path, struct slice bytes, mode_t mode);
enum err folder_make(const char *path, mode_t mode); /* with those above it; fine when it is there */
/* Syncs the folder that holds path: of a file that is there already nobody knows whether who made it came so far. */
enum err folder_sync_above(const char *path);

/* The real disk: border/disk.h on one folder by system calls.
 *
 * Files are opened below the folder only, links are never followed (openat2, RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS),
 * everything is close-on-exec. Calls block: they are made on the store's threads and by programs at their start. */
#pragma once

#include "base/err.h"
#include "border/disk.h"

/* Opens the folder; it must exist. */
enum err disk_system_open(const char *folder, struct disk **ret_disk);
void disk_system_close(struct disk *disk); /* NULL does nothing */

/* What a power cut may take: all that was written or named below the folder and not synced since, as border/disk.h has it.
 *
 * Before a block of a file is overwritten or cut off, what stood there is kept; before a name goes, the file gets another
 * name in the folder aside. A sync of the file, or of the folder of the name, forgets that. unsynced_lose puts the old state
 * back: all of it, or as a seed says; what is put back stays within the contract: any subset of a file's blocks, its
 * size, and of the names those that were changed last.
 *
 * unsynced_save writes it down instead, so that a power cut in the next run takes also what this one left in memory.
 * Called by shim.c with its lock held. Paths are absolute. Memory-mapped writes are not seen. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

void unsynced_init(const char *aside); /* an empty folder on the same file system, or one with what unsynced_save left */
void unsynced_writing(int descriptor, uint64_t offset, uint64_t size);
void unsynced_resizing(int descriptor, uint64_t size);
void unsynced_made(const char *path); /* file or folder, after it was made */
void unsynced_removing(const char *path);
void unsynced_renaming(const char *from, const char *to);
void unsynced_failed(void);           /* the name that was last told of stays as it was */
void unsynced_synced(int descriptor); /* file or folder */
void unsynced_lose(uint64_t seed);    /* 0: all */
void unsynced_save(void);

#include "unsynced.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "real.h"

enum { BLOCK = 4096, FILES_MAX = 512, NAMES_MAX = 4096, ASIDE_MAX = PATH_MAX + 32 };

struct block {
    struct block *next;
    uint64_t number;
    bool was_there;
    char before[BLOCK]; /* zeros behind the end that the file had */
};

struct file {
    dev_t device;
    ino_t inode;
    int descriptor; /* our own: it keeps the inode from being used again */
    uint64_t size;  /* when it was last synced */
    struct block *blocks;
};

enum name_kind { NAME_MADE, NAME_REMOVED, NAME_RENAMED };

struct name {
    enum name_kind kind;
    char path[PATH_MAX]; /* of what was made or removed; what a rename gave a name */
    char from[PATH_MAX]; /* rename only */
    uint64_t kept;       /* the file that lost its name is here in the folder aside; 0: there was none */
};

static char aside[PATH_MAX];
static struct file files[FILES_MAX];
static uint32_t file_count;
static struct name *names[NAMES_MAX]; /* in the order in which they happened */
static uint32_t name_count;
static uint64_t kept_last;

static void check(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "crash shim: %s: %s\n", what, strerror(errno));
    abort();
}

static void aside_path(uint64_t kept, char path[static ASIDE_MAX])
{
    snprintf(path, ASIDE_MAX, "%s/%llu", aside, (unsigned long long)kept);
}

/* ---- files ---- */

static struct file *file_of(int descriptor)
{
    struct stat st;
    check(fstat(descriptor, &st) == 0, "fstat");
    for (uint32_t i = 0; i < file_count; i++) {
        if (files[i].device == st.st_dev && files[i].inode == st.st_ino)
            return &files[i];
    }
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    int own = real.open(path, O_RDWR | O_CLOEXEC);
    check(own >= 0 && file_count < FILES_MAX, path);
    files[file_count] = (struct file){ st.st_dev, st.st_ino, own, (uint64_t)st.st_size, NULL };
    return &files[file_count++];
}

static void file_forget(struct file *file)
{
    while (file->blocks) {
        struct block *next = file->blocks->next;
        free(file->blocks);
        file->blocks = next;
    }
    close(file->descriptor);
    *file = files[--file_count];
}

static void block_keep(struct file *file, uint64_t number)
{
    for (const struct block *b = file->blocks; b; b = b->next) {
        if (b->number == number)
            return;
    }
    struct block *block = calloc(1, sizeof *block);
    check(block != NULL, "memory");
    block->number = number;
    if (number * BLOCK < file->size) {
        block->was_there = true;
        check(pread(file->descriptor, block->before, BLOCK, (off_t)(number * BLOCK)) >= 0, "pread");
    }
    block->next = file->blocks;
    file->blocks = block;
}

void unsynced_writing(int descriptor, uint64_t offset, uint64_t size)
{
    struct file *file = file_of(descriptor);
    for (uint64_t number = offset / BLOCK; size > 0 && number <= (offset + size - 1) / BLOCK; number++)
        block_keep(file, number);
}

void unsynced_resizing(int descriptor, uint64_t size)
{
    struct file *file = file_of(descriptor);
    for (uint64_t number = size / BLOCK; number * BLOCK < file->size; number++)
        block_keep(file, number);
}

/* ---- names ---- */

static bool folder_holds(const char *folder, const char *path)
{
    size_t size = strlen(folder);
    return strncmp(folder, path, size) == 0 && path[size] == '/' && !strchr(path + size + 1, '/');
}

static struct name *name_add(enum name_kind kind, const char *path, const char *from)
{
    check(name_count < NAMES_MAX && strlen(path) < PATH_MAX && strlen(from) < PATH_MAX, "names");
    struct name *name = calloc(1, sizeof *name);
    check(name != NULL, "memory");
    name->kind = kind;
    memcpy(name->path, path, strlen(path) + 1);
    memcpy(name->from, from, strlen(from) + 1);
    return names[name_count++] = name;
}

static void name_keep_file(struct name *name)
{
    char to[ASIDE_MAX];
    aside_path(kept_last + 1, to);
    if (real.linkat(AT_FDCWD, name->path, AT_FDCWD, to, 0) == 0)
        name->kept = ++kept_last;
    else
        check(errno == ENOENT, name->path);
}

static void name_forget(struct name *name)
{
    if (name->kept) {
        char path[ASIDE_MAX];
        aside_path(name->kept, path);
        real.unlink(path);
    }
    free(name);
}

void unsynced_made(const char *path)
{
    name_add(NAME_MADE, path, "");
}

void unsynced_removing(const char *path)
{
    name_keep_file(name_add(NAME_REMOVED, path, ""));
}

void unsynced_renaming(const char *from, const char *to)
{
    name_keep_file(name_add(NAME_RENAMED, to, from));
}

void unsynced_failed(void)
{
    assert(name_count > 0);
    name_forget(names[--name_count]);
}

static void name_undo(struct name *name)
{
    char kept[ASIDE_MAX];
    if (name->kind == NAME_MADE) { /* with all that a folder holds by now */
        aside_path(++kept_last, kept);
        real.rename(name->path, kept); /* it may have gone: another name of it was synced */
        return;
    }
    if (name->kind == NAME_RENAMED)
        real.rename(name->path, name->from);
    if (name->kept) {
        aside_path(name->kept, kept);
        real.rename(kept, name->path);
    }
}

void unsynced_synced(int descriptor)
{
    struct stat st;
    check(fstat(descriptor, &st) == 0, "fstat");
    if (!S_ISDIR(st.st_mode)) {
        for (uint32_t i = 0; i < file_count; i++) {
            if (files[i].device == st.st_dev && files[i].inode == st.st_ino)
                file_forget(&files[i]);
        }
        return;
    }
    char link[64], folder[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t size = readlink(link, folder, sizeof folder - 1);
    check(size > 0, link);
    folder[size] = '\0';
    uint32_t count = 0;
    for (uint32_t i = 0; i < name_count; i++) {
        if (folder_holds(folder, names[i]->path))
            name_forget(names[i]);
        else
            names[count++] = names[i];
    }
    name_count = count;
}

/* ---- the power cut ---- */

static uint64_t dice;

static bool heads(uint64_t seed)
{
    dice = dice * 6364136223846793005u + 1442695040888963407u;
    return seed == 0 || dice >> 63;
}

static void file_lose(struct file *file, uint64_t seed)
{
    struct stat st;
    check(fstat(file->descriptor, &st) == 0, "fstat");
    uint64_t now = (uint64_t)st.st_size;
    bool resize = now != file->size && heads(seed);
    for (const struct block *b = file->blocks; b; b = b->next) {
        bool cut_off = resize && b->number * BLOCK >= now; /* comes back with the size */
        bool back = cut_off || heads(seed);
        uint64_t end = resize ? file->size : now;
        uint64_t from = b->number * BLOCK;
        if (!back || from >= end)
            continue;
        size_t size = end - from < BLOCK ? (size_t)(end - from) : BLOCK;
        check(real.pwrite(file->descriptor, b->before, size, (off_t)from) == (ssize_t)size, "pwrite");
    }
    if (resize)
        check(real.ftruncate(file->descriptor, (off_t)file->size) == 0, "ftruncate");
}

void unsynced_lose(uint64_t seed)
{
    dice = seed;
    for (uint32_t i = 0; i < file_count; i++)
        file_lose(&files[i], seed);
    for (int i = 0; i < 8; i++)
        heads(seed);
    uint32_t stay = seed == 0 ? 0 : (uint32_t)((dice >> 33) % (name_count + 1));
    while (name_count > stay)
        name_undo(names[--name_count]);
}

/* ---- from one run to the next ---- */

static void state_path(char path[static ASIDE_MAX])
{
    snprintf(path, ASIDE_MAX, "%s/state", aside);
}

static void put(FILE *out, const void *data, size_t size)
{
    check(fwrite(data, 1, size, out) == size, "fwrite");
}

static void get(FILE *in, void *data, size_t size)
{
    check(fread(data, 1, size, in) == size, "fread");
}

/* A file that has no name any more is nobody's. */
static bool file_path(const struct file *file, char path[static PATH_MAX])
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file->descriptor);
    ssize_t size = readlink(link, path, PATH_MAX - 1);
    path[size > 0 ? size : 0] = '\0';
    struct stat st;
    return size > 0 && stat(path, &st) == 0 && st.st_ino == file->inode;
}

static void file_save(FILE *out, const struct file *file, const char path[static PATH_MAX])
{
    uint64_t block_count = 0;
    for (const struct block *b = file->blocks; b; b = b->next)
        block_count++;
    put(out, path, PATH_MAX);
    put(out, &file->size, sizeof file->size);
    put(out, &block_count, sizeof block_count);
    for (const struct block *b = file->blocks; b; b = b->next)
        put(out, b, sizeof *b);
}

void unsynced_save(void)
{
    char state[ASIDE_MAX], path[PATH_MAX] = "";
    state_path(state);
    FILE *out = fopen(state, "w");
    check(out != NULL, state);
    uint32_t named = 0;
    for (uint32_t i = 0; i < file_count; i++)
        named += file_path(&files[i], path);
    put(out, &kept_last, sizeof kept_last);
    put(out, &name_count, sizeof name_count);
    put(out, &named, sizeof named);
    for (uint32_t i = 0; i < name_count; i++)
        put(out, names[i], sizeof *names[i]);
    for (uint32_t i = 0; i < file_count; i++) {
        if (file_path(&files[i], path))
            file_save(out, &files[i], path);
    }
    check(fclose(out) == 0, state);
}

static void file_load(FILE *in)
{
    char path[PATH_MAX];
    uint64_t size, block_count;
    get(in, path, sizeof path);
    get(in, &size, sizeof size);
    get(in, &block_count, sizeof block_count);
    int descriptor = real.open(path, O_RDWR | O_CLOEXEC);
    check(descriptor >= 0, path);
    struct file *file = file_of(descriptor);
    close(descriptor);
    file->size = size;
    for (; block_count > 0; block_count--) {
        struct block *block = malloc(sizeof *block);
        check(block != NULL, "memory");
        get(in, block, sizeof *block);
        block->next = file->blocks;
        file->blocks = block;
    }
}

void unsynced_init(const char *folder)
{
    char state[ASIDE_MAX];
    snprintf(aside, sizeof aside, "%s", folder);
    state_path(state);
    FILE *in = fopen(state, "r");
    if (!in)
        return;
    uint32_t names_saved, files_saved;
    get(in, &kept_last, sizeof kept_last);
    get(in, &names_saved, sizeof names_saved);
    get(in, &files_saved, sizeof files_saved);
    for (uint32_t i = 0; i < names_saved; i++)
        get(in, name_add(NAME_MADE, "", ""), sizeof(struct name));
    for (uint32_t i = 0; i < files_saved; i++)
        file_load(in);
    fclose(in);
    real.unlink(state);
}

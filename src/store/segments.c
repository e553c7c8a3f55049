#include "store/segments.h"

#include <assert.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/planted.h"

static const char folder[] = "segments";

enum { NAME_SIZE = 32 };

/* Zeros for filling: in the program's read-only data, shared and never in memory before they are used. */
static const char zeros[64 << 10];

static void segment_path(uint32_t file_number, char path[static NAME_SIZE])
{
    snprintf(path, NAME_SIZE, "%s/%08u", folder, file_number);
}

/* ---- the list ---- */

static void segments_lock(struct segments *segments)
{
    int locked = mtx_lock(&segments->mutex);
    assert(locked == thrd_success);
}

static void segments_unlock(struct segments *segments)
{
    int unlocked = mtx_unlock(&segments->mutex);
    assert(unlocked == thrd_success);
}

/* The first place whose number is not below `number`. */
static uint32_t segments_place(const struct segments *segments, uint32_t number)
{
    uint32_t from = 0, to = segments->count;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (segments->items[middle]->header.number < number)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

struct segment *segments_find(const struct segments *segments, uint32_t number)
{
    uint32_t place = segments_place(segments, number);
    if (place < segments->count && segments->items[place]->header.number == number)
        return segments->items[place];
    return NULL;
}

static void segments_insert(struct segments *segments, struct segment *segment)
{
    segments_lock(segments);
    if (segments->count == segments->capacity) {
        segments->capacity = segments->capacity ? 2 * segments->capacity : 16;
        segments->items = mem_realloc(segments->items, segments->capacity, sizeof segments->items[0]);
    }
    uint32_t place = segments_place(segments, segment->header.number);
    memmove(segments->items + place + 1, segments->items + place,
            (segments->count - place) * sizeof segments->items[0]);
    segments->items[place] = segment;
    segments->count++;
    segments_unlock(segments);
}

static void segments_take_out(struct segments *segments, struct segment *segment)
{
    segments_lock(segments);
    uint32_t place = segments_place(segments, segment->header.number);
    while (segments->items[place] != segment)
        place++;
    assert(segment->pins == 0);
    segments->count--;
    memmove(segments->items + place, segments->items + place + 1,
            (segments->count - place) * sizeof segments->items[0]);
    segments_unlock(segments);
}

uint32_t segments_count(const struct segments *segments, enum segment_state state)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < segments->count; i++)
        count += segments->items[i]->state == state;
    return count;
}

void segments_set_state(struct segments *segments, struct segment *segment, enum segment_state state)
{
    segments_lock(segments);
    segment->state = state;
    segments_unlock(segments);
}

struct segment *segments_pin(struct segments *segments, uint32_t number)
{
    segments_lock(segments);
    struct segment *segment = segments_find(segments, number);
    if (segment && (segment->state == SEGMENT_FREE || segment->state == SEGMENT_SPARE))
        segment = NULL;
    if (segment)
        segment->pins++;
    segments_unlock(segments);
    return segment;
}

void segments_unpin(struct segments *segments, struct segment *segment)
{
    segments_lock(segments);
    assert(segment->pins > 0);
    segment->pins--;
    segments_unlock(segments);
}

bool segments_release(struct segments *segments, struct segment *segment)
{
    segments_lock(segments);
    bool released = segment->pins == 0;
    if (released)
        segment->state = SEGMENT_FREE;
    segments_unlock(segments);
    return released;
}

struct segment *segments_spare(const struct segments *segments)
{
    for (uint32_t i = 0; i < segments->count; i++) {
        if (segments->items[i]->state == SEGMENT_SPARE)
            return segments->items[i];
    }
    return NULL;
}

void segments_alive(struct segments *segments, uint32_t number, int64_t bytes)
{
    struct segment *segment = segments_find(segments, number);
    if (segment)
        segment->alive_bytes += bytes;
}

void segments_alive_later(struct segments *segments, uint32_t number, int64_t bytes)
{
    struct segment *segment = segments_find(segments, number);
    if (segment)
        segment->alive_change += bytes;
}

void segments_alive_settle(struct segments *segments, bool committed)
{
    for (uint32_t i = 0; i < segments->count; i++) {
        if (committed)
            segments->items[i]->alive_bytes += segments->items[i]->alive_change;
        segments->items[i]->alive_change = 0;
    }
}

/* ---- finding what is there ---- */

struct found {
    uint32_t *numbers;
    uint32_t count, capacity;
};

static bool found_name(void *context, const char *name)
{
    struct found *found = context;
    uint64_t number;
    if (strlen(name) != 8 || !slice_to_u64(slice_of(name), UINT32_MAX, &number) || found->count == SEGMENTS_MAX)
        return true;
    if (found->count == found->capacity) {
        found->capacity = found->capacity ? 2 * found->capacity : 64;
        found->numbers = mem_realloc(found->numbers, found->capacity, sizeof found->numbers[0]);
    }
    found->numbers[found->count++] = (uint32_t)number;
    return true;
}

/* Whether a record was ever written to it: a file is filled with zeros before it gets its header. */
static enum err segment_is_blank(struct disk_file *file, bool *ret_blank)
{
    char page[SEGMENT_PAGE] = { 0 };
    size_t size;
    enum err err = file->calls->read(file, SEGMENT_PAGE, page, sizeof page, &size);
    if (err == ERR_OK)
        *ret_blank = memcmp(page, zeros, sizeof page) == 0;
    return err;
}

/* ERR_NOT_FOUND: a file that was never finished, perhaps torn within its header (seed 746). A header that cannot be read in
 * front of records is damage. */
static enum err segment_load(struct segments *segments, uint32_t file_number)
{
    char path[NAME_SIZE];
    segment_path(file_number, path);
    struct disk_file *file;
    enum err err = segments->disk->calls->open(segments->disk, path, DISK_OPEN_WRITE, &file);
    if (err != ERR_OK)
        return err == ERR_NOT_FOUND ? ERR_IO : err;
    char page[SEGMENT_PAGE] = { 0 };
    size_t size;
    struct segment_header header;
    err = file->calls->read(file, 0, page, sizeof page, &size);
    if (err == ERR_OK)
        err = segment_header_decode(page, &header);
    if (err == ERR_NOT_FOUND || err == ERR_CORRUPT) {
        bool blank = false;
        enum err read = segment_is_blank(file, &blank);
        err = read != ERR_OK ? read : blank ? ERR_NOT_FOUND : ERR_CORRUPT;
    }
    if (err != ERR_OK) {
        file->calls->close(file);
        return err;
    }
    struct segment *segment = mem_alloc(sizeof *segment);
    *segment = (struct segment){ .header = header, .state = SEGMENT_CLOSED, .file_number = file_number, .file = file };
    segments_insert(segments, segment);
    if (header.number >= segments->next_number)
        segments->next_number = header.number + 1;
    return ERR_OK;
}

static enum err segments_load(struct segments *segments, const struct found *found,
                              void (*damaged)(void *context, uint32_t file_number), void *context)
{
    struct disk *disk = segments->disk;
    struct found unfinished = { 0 };
    enum err err = ERR_OK;
    for (uint32_t i = 0; i < found->count && err == ERR_OK; i++) {
        if (found->numbers[i] >= segments->next_file_number)
            segments->next_file_number = found->numbers[i] + 1;
        err = segment_load(segments, found->numbers[i]);
        if (err == ERR_CORRUPT) {
            damaged(context, found->numbers[i]);
            err = ERR_OK;
        } else if (err == ERR_NOT_FOUND) {
            char name[NAME_SIZE];
            snprintf(name, sizeof name, "%08u", found->numbers[i]);
            found_name(&unfinished, name);
            err = ERR_OK;
        }
    }
    for (uint32_t i = 0; i < unfinished.count && err == ERR_OK; i++) {
        char path[NAME_SIZE];
        segment_path(unfinished.numbers[i], path);
        err = disk->calls->remove(disk, path);
    }
    mem_free(unfinished.numbers);
    return err;
}

enum err segments_open(struct segments *segments, struct disk *disk, uint32_t segment_size,
                       struct random_stream *random, void (*damaged)(void *context, uint32_t file_number),
                       void *context)
{
    *segments = (struct segments){ .disk = disk,
                                   .segment_size = segment_size,
                                   .random = random,
                                   .next_number = 1,
                                   .next_file_number = 1 };
    int made = mtx_init(&segments->mutex, mtx_plain);
    assert(made == thrd_success);
    struct found found = { 0 };
    enum err err = disk->calls->make_folder(disk, folder);
    if (err == ERR_OK || err == ERR_EXISTS)
        err = disk->calls->sync_folder(disk, "");
    if (err == ERR_OK) /* a name may be from a life that ended before it was safe */
        err = disk->calls->sync_folder(disk, folder);
    if (err == ERR_OK)
        err = disk->calls->list(disk, folder, found_name, &found);
    if (err == ERR_OK)
        err = segments_load(segments, &found, damaged, context);
    mem_free(found.numbers);
    if (err != ERR_OK)
        segments_close(segments);
    return err;
}

void segments_close(struct segments *segments)
{
    for (uint32_t i = 0; i < segments->count; i++) {
        struct segment *segment = segments->items[i];
        assert(segment->pins == 0);
        segment->file->calls->close(segment->file);
        mem_free(segment);
    }
    if (segments->filling)
        segments->filling->calls->close(segments->filling);
    mem_free(segments->items);
    mtx_destroy(&segments->mutex);
    *segments = (struct segments){ 0 };
}

/* ---- making and recycling ---- */

static enum err segment_write_header(struct disk_file *file, const struct segment_header *header)
{
    char page[SEGMENT_PAGE];
    segment_header_encode(header, page);
    struct disk_slice slice = { page, sizeof page };
    enum err err = file->calls->write(file, 0, &slice, 1);
    return err == ERR_OK ? file->calls->sync(file) : err;
}

static struct segment_header segments_next_header(struct segments *segments)
{
    return (struct segment_header){ .number = segments->next_number++,
                                    .generation = random_stream_u64(segments->random),
                                    .size = segments->segment_size };
}

/* A free file of the right size gets a new header. If that fails, the file is given up: nobody knows which header it has
 * now, and both are dead. */
static enum err segment_recycle(struct segments *segments, struct segment *segment)
{
    struct segment_header header = segments_next_header(segments);
    segments_take_out(segments, segment);
    enum err err = segment_write_header(segment->file, &header);
    if (err != ERR_OK)
        segment->given_up = true;
    else
        *segment = (struct segment){ .header = header,
                                     .state = SEGMENT_SPARE,
                                     .file_number = segment->file_number,
                                     .file = segment->file };
    segments_insert(segments, segment);
    return err;
}

/* Without room for all of it nothing is begun: it would take the last room from others, only to fail. */
static enum err fill_begin(struct segments *segments)
{
    struct disk_space space;
    enum err err = segments->disk->calls->space(segments->disk, &space);
    if (err == ERR_OK && space.free_bytes < segments->segment_size)
        err = ERR_DISK_FULL;
    if (err != ERR_OK)
        return err;
    char path[NAME_SIZE];
    segment_path(segments->next_file_number, path);
    err = segments->disk->calls->open(
        segments->disk, path, DISK_OPEN_WRITE | DISK_OPEN_CREATE | DISK_OPEN_EXCLUSIVE, &segments->filling);
    segments->next_file_number++;
    segments->filled = 0;
    return err;
}

static enum err fill_step(struct segments *segments)
{
    struct disk_slice slices[SEGMENT_FILL_STEP / sizeof zeros];
    uint32_t left = segments->segment_size - segments->filled;
    uint32_t size = left < SEGMENT_FILL_STEP ? left : SEGMENT_FILL_STEP;
    size_t count = 0;
    for (uint32_t done = 0; done < size; done += (uint32_t)slices[count++].size)
        slices[count] = (struct disk_slice){ zeros, size - done < sizeof zeros ? size - done : sizeof zeros };
    struct disk_file *file = segments->filling;
    enum err err = file->calls->write(file, segments->filled, slices, count);
    if (err == ERR_OK)
        err = file->calls->sync(file); /* step by step: one sync of all would hold up a commit */
    if (err == ERR_OK)
        segments->filled += size;
    return err;
}

static enum err fill_end(struct segments *segments)
{
    struct segment_header header = segments_next_header(segments);
    enum err err = segment_write_header(segments->filling, &header);
    if (err == ERR_OK && !planted(PLANTED_FOLDER))
        err = segments->disk->calls->sync_folder(segments->disk, folder);
    if (err != ERR_OK)
        return err;
    struct segment *segment = mem_alloc(sizeof *segment);
    *segment = (struct segment){ .header = header,
                                 .state = SEGMENT_SPARE,
                                 .file_number = segments->next_file_number - 1,
                                 .file = segments->filling };
    segments->filling = NULL;
    segments_insert(segments, segment);
    return ERR_OK;
}

/* A file that could not be finished is begun anew under another name. What is left of it goes at once or, if the disk
 * does not let it, at the next start. */
static void fill_abandon(struct segments *segments)
{
    char path[NAME_SIZE];
    segment_path(segments->next_file_number - 1, path);
    segments->filling->calls->close(segments->filling);
    segments->filling = NULL;
    (void)segments->disk->calls->remove(segments->disk, path);
}

enum err segments_prepare(struct segments *segments, bool *ret_done)
{
    for (uint32_t i = 0; i < segments->count; i++) {
        struct segment *segment = segments->items[i];
        if (segment->state != SEGMENT_FREE || segment->given_up || segment->header.size != segments->segment_size)
            continue;
        enum err err = segment_recycle(segments, segment);
        if (err == ERR_OK)
            *ret_done = true;
        return err;
    }
    if (segments->count >= SEGMENTS_MAX)
        return ERR_TOO_LARGE;
    enum err err = segments->filling ? ERR_OK : fill_begin(segments);
    if (err != ERR_OK)
        return err;
    bool done = false;
    if (segments->filled < segments->segment_size)
        err = fill_step(segments);
    if (err == ERR_OK && segments->filled == segments->segment_size) {
        err = fill_end(segments);
        done = err == ERR_OK;
    }
    if (err != ERR_OK)
        fill_abandon(segments);
    else
        *ret_done = done;
    return err;
}

enum err segments_remove(struct segments *segments, struct segment *segment)
{
    assert(segment->state == SEGMENT_FREE);
    char path[NAME_SIZE];
    segment_path(segment->file_number, path);
    enum err err = segments->disk->calls->remove(segments->disk, path);
    if (err != ERR_OK && err != ERR_NOT_FOUND)
        return err;
    segments_take_out(segments, segment);
    segment->file->calls->close(segment->file);
    mem_free(segment);
    return segments->disk->calls->sync_folder(segments->disk, folder);
}

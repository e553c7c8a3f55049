/* What a simulated disk consists of: files with what is safe of them and what is not yet, and names. No faults, no
 * calls: sim/disk decides what happens, this carries it out. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/random.h"
#include "sim/disk_content.h"

enum { SIM_PATH_SIZE = 128 };

/* A write (or a change of size) that no sync has made safe yet. */
struct sim_write {
    uint64_t offset; /* of a change of size: the new size */
    size_t size;
    char *data;    /* NULL: zeros */
    bool resizes;
    bool doubtful; /* a sync failed after it: later syncs do not save it */
};

/* A file or folder, with or without a name. `now` is what is read, `safe` what a power loss cannot take; `writes` lead
 * from the one to the other, in order. */
struct sim_node {
    uint32_t references;
    bool folder;
    bool locked;
    struct sim_content now;
    struct sim_content safe;
    struct sim_write *writes;
    size_t write_count, write_capacity;
    struct sim_node *copy; /* during sim_disk_clone */
};

struct sim_name {
    char path[SIM_PATH_SIZE];
    struct sim_node *node;
};

struct sim_names {
    struct sim_name *names;
    size_t count, capacity;
};

/* Room for one more item: the array, perhaps at another place. */
void *sim_grow(void *items, size_t count, size_t *capacity, size_t size);

struct sim_node *sim_node_new(bool folder);
struct sim_node *sim_node_hold(struct sim_node *node);
void sim_node_release(struct sim_node *node);
struct sim_node *sim_node_clone(struct sim_node *node); /* the same copy again until `copy` is cleared */
void sim_node_write(struct sim_node *node, uint64_t offset, const void *data, size_t size);
void sim_node_truncate(struct sim_node *node, uint64_t size);
void sim_node_sync(struct sim_node *node);  /* all that is not doubtful is safe now */
void sim_node_doubt(struct sim_node *node); /* a sync has failed: what is not safe now no later sync saves */
void sim_node_power_loss(struct sim_node *node, struct random_fast *random);

struct sim_name *sim_names_find(const struct sim_names *names, const char *path);
void sim_names_set(struct sim_names *names, const char *path, struct sim_node *node);
void sim_names_unset(struct sim_names *names, const char *path);
void sim_names_clear(struct sim_names *names);
/* Are all the folders above the path there? */
bool sim_names_reach(const struct sim_names *names, const char *path);
bool sim_path_in(const char *path, const char *folder); /* directly */
void sim_path_copy(char to[static SIM_PATH_SIZE], const char *path);

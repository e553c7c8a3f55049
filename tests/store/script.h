/* A scenario drawn from a seed, run against the store on a simulated disk, and a model of what must and what may be found
 * after a crash at any moment of it. */
#pragma once

#include "util.h"

enum { SCRIPT_IDS = 600 };

enum script_fate {
    FATE_NONE,    /* was never submitted, or certainly refused: must not be there */
    FATE_PRESENT,
    FATE_ENDED,   /* must not come back */
};

struct script_message {
    enum script_fate fate;
    uint32_t version;
    /* While a batch is being committed, or if its result was unknown: this may be true as well. */
    bool maybe;
    enum script_fate maybe_fate;
    uint32_t maybe_version;
    uint64_t size;
    bool big;
    struct body_ref body;
    struct record_ref envelope;
    uint64_t cause; /* a notice: the message whose settle rode in the same batch */
};

struct script {
    struct sim_disk *disk;
    struct store *store;
    struct store_reader *reader;
    struct random_fast random;
    struct arena arena;
    struct script_message messages[SCRIPT_IDS + 16]; /* with those of script_verify and the like */
    uint64_t next_id;
    int64_t now_us;
    uint64_t opens;
    bool crashed;
    bool faults;   /* results other than STORE_OK are in order */
    uint32_t refused;
};

void script_init(struct script *s, uint64_t seed);
void script_done(struct script *s);
/* False when the store could not be opened, with what it said. */
enum err script_open(struct script *s);
void script_close(struct script *s);
void script_step(struct script *s); /* one thing the engine or the thread might do */
/* Opens the store on that disk (a clone) and compares; NULL, or what is wrong. A new message shows that it goes on. */
const char *script_verify(const struct script *s, struct sim_disk *disk, uint64_t seed);
/* What is there now, through an open store. */
const char *script_compare(const struct script *s, struct store *store, struct store_reader *reader);

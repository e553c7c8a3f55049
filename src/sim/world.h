/* world: one engine on simulated time, network, name server, peers and disk, from one seed, and what must hold of it.
 *
 * It drives the engine as io/loop does: whatever happens is fed at once, then the engine is drained; the store works on its own
 * (writer and reader as jobs with latency) so that a crash can fall between a write and its answer. First come faults, then
 * they end, and every queue must become empty; letters.h is the account that is kept outside the engine. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "config/account.h"
#include "config/config.h"
#include "engine/engine.h"
#include "sim/agenda.h"
#include "sim/disk.h"
#include "sim/letters.h"
#include "sim/net.h"
#include "sim/options.h"
#include "sim/zone.h"
#include "store/inflight.h"
#include "store/store.h"

enum { WORLD_JOBS_MAX = 100000 };

struct world_jobs {
    struct list list;
    struct happening work;
    int64_t answered_us; /* when its last answer arrives */
};

struct world {
    struct sim_options options;
    struct random_fast random;     /* of the world; the engine has a seed of its own */
    struct agenda agenda;
    struct net net;
    struct letters letters;
    bool faults;                   /* they last */
    bool trace;
    enum sim_mode mode;            /* in force */
    bool mode_changed;             /* once: letters of two modes are about */
    struct sim_disk *disk;
    struct store *store;           /* NULL while the server is down, like the two that follow */
    struct store_reader *reader;
    struct engine *engine;
    struct config *config, *old_config;
    struct accounts *accounts;
    struct store_state told;       /* what the engine knows of the store */
    uint64_t life;                 /* counts starts: answers of an earlier life are dropped */
    int64_t answered_us;           /* when the last answer of its threads arrives */
    uint64_t crash_operation;      /* of the disk, UINT64_MAX: none is planned */
    struct world_jobs writer, reader_jobs, worker;
    struct happening tick, background, crash, restart, reload, heal;
    uint32_t crashes_left, reloads_left;
    _Alignas(8) uint8_t inflight[INFLIGHT_SIZE], inflight_safe[INFLIGHT_SIZE];
    uint64_t hash;                 /* over all operations: the same seed gives the same */
    uint64_t operation_count;
    struct list peers;             /* the senders, for the end */
    int64_t grey_us[ZONE_DOMAINS_MAX]; /* when a greylisting domain was first asked; 0: never */
};

/* Runs it to its end; false: a violation, told in world->letters.violation. */
bool world_run(struct world *world, const struct sim_options *options, bool trace);
void world_done(struct world *world);

/* ---- for the peers ---- */

bool world_up(const struct world *world);
struct now world_now(const struct world *world);
void world_feed(struct world *world, const struct event *event);

/* world_sender.c: sessions that submit letters */
void senders_start(struct world *world);
bool senders_over(const struct world *world);
void senders_done(struct world *world);
/* world_server.c: MX hosts, the smart host, where notices go */
void server_connect(struct world *world, struct handle handle, const struct op_connect *connect);

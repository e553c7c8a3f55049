#include "facteurd/server.h"

#include <signal.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "admin/control.h"
#include "base/arena.h"
#include "config/problem.h"
#include "engine/engine.h"
#include "facteurd/listening.h"
#include "facteurd/setup.h"
#include "io/config_file.h"
#include "io/control_socket.h"
#include "io/disk.h"
#include "io/loop.h"

enum { PHRASES_MAX = 512 << 10, SOCKET_PATH_MAX = 108, INFLIGHT_FOUND_MAX = INFLIGHT_SLOTS };

struct server {
    const char *config_path;
    struct config *config;
    struct accounts *accounts;
    struct config *old_config;     /* freed at the end of the turn in which it was replaced */
    struct accounts *old_accounts;
    uint64_t hash_key[2];
    struct disk *disk;
    struct store *store;
    struct history *history;
    struct inflight_map *inflight;
    struct tls_store *tls;
    struct log *log;
    struct engine *engine;
    struct loop *loop;
    struct arena texts;            /* that the loop keeps: names of resolvers, paths */
    struct control *control;
    struct control_socket *socket;
    struct event_inflight found[INFLIGHT_FOUND_MAX];
    size_t found_count;
    bool stopping;
    bool reload_failed;            /* the file on disk is wrong: the running configuration stays, and status says so */
};

static struct now now_at_start(void)
{
    struct timespec m, w;
    clock_gettime(CLOCK_MONOTONIC, &m);
    clock_gettime(CLOCK_REALTIME, &w);
    return (struct now){ (int64_t)m.tv_sec * US_PER_SECOND + m.tv_nsec / 1000,
                         (int64_t)w.tv_sec * US_PER_SECOND + w.tv_nsec / 1000 };
}

/* ---- the engine ---- */

static void own_addresses_fill(struct engine_options *options)
{
    struct config_listen own[CONFIG_OWN_ADDRESSES_MAX];
    options->own_address_count = own_addresses(own);
    for (size_t i = 0; i < options->own_address_count; i++) {
        options->own_addresses[i].family = own[i].family;
        memcpy(options->own_addresses[i].octets, own[i].ip, sizeof(own[i].ip));
    }
}

static void engine_make(struct server *s, struct now now)
{
    struct buffer phrases; /* the engine copies them */
    buffer_init(&phrases, PHRASES_MAX);
    setup_phrases(s->config, &phrases);
    struct engine_options options = { .config = s->config, .accounts = s->accounts,
                                      .refusal_phrases = buffer_slice(&phrases),
                                      .last_id = store_report(s->store)->last_id };
    setup_random(options.seed, sizeof(options.seed));
    own_addresses_fill(&options);
    s->engine = engine_new(now, &options);
    buffer_done(&phrases);
}

static void inflight_found(void *context, uint64_t id, bool dot_sent)
{
    struct server *s = context;
    if (s->found_count < INFLIGHT_FOUND_MAX)
        s->found[s->found_count++] = (struct event_inflight){ id, dot_sent };
}

/* ---- reload ---- */

static struct dns_resolvers resolvers_of(const struct config *config)
{
    return (struct dns_resolvers){ config->dns.servers, config->dns.servers_count, config->dns.trust_anchor_file };
}

static void resolvers_set(struct server *s)
{
    struct dns_resolvers resolvers = resolvers_of(s->config);
    if (loop_set_resolvers(s->loop, &resolvers, s->config->dns.timeout_us) != ERR_OK)
        fprintf(stderr, "facteurd: the DNS library could not be started again; the name servers before stay\n");
}

static void put_in_force(struct server *s, struct config *config, struct accounts *accounts)
{
    config->number = s->config->number + 1;
    s->old_config = s->config;
    s->old_accounts = s->accounts;
    s->config = config;
    s->accounts = accounts;
    struct buffer phrases;
    buffer_init(&phrases, PHRASES_MAX);
    setup_phrases(config, &phrases);
    loop_feed(s->loop, &(struct event){ .kind = EVENT_CONFIG, .config = { config, accounts, buffer_slice(&phrases) } });
    buffer_done(&phrases);
    if (s->old_config->dns.timeout_us != config->dns.timeout_us || !config_resolvers_equal(s->old_config, config))
        resolvers_set(s);
    listening_close_others(s->loop, config);
    control_socket_set_named(s->socket, config->server.admins_count > 0);
    store_thread_limits(loop_store(s->loop), &(struct store_limits){ config->limits.min_free_bytes, setup_history(config) });
    config_free(s->old_config);
    accounts_free(s->old_accounts);
    s->old_config = NULL;
    s->old_accounts = NULL;
}

/* What cannot change while the server runs. */
static bool needs_restart(const struct config *a, const struct config *b)
{
    return !slice_equal(a->server.data_dir, b->server.data_dir);
}

static void tls_reload(struct server *s, const struct config *config, struct buffer *problem)
{
    struct tls_store *tls = NULL;
    if (setup_tls(config, &tls, problem) != ERR_OK)
        return;
    loop_set_tls(s->loop, tls);
    tls_store_free(s->tls);
    s->tls = tls;
}

static bool server_reload(void *context, struct config_problems *problems)
{
    struct server *s = context;
    struct config *config = config_file_load(s->config_path, problems->language, problems);
    struct accounts *accounts = config ? accounts_file_load(config, s->hash_key, problems) : NULL;
    if (config && accounts && needs_restart(s->config, config)) {
        const struct problem_at at = { config->lines[CONFIG_SERVER_DATA_DIR], SLICE("Server.DataDir"), false };
        problem_add(problems, at, TEXT_WRONG_NEEDS_RESTART, TEXT_REMEDY_NEEDS_RESTART, NULL, 0);
        accounts_free(accounts);
        accounts = NULL;
    }
    if (accounts && !listening_open(s->loop, config, problems)) {
        listening_close_others(s->loop, s->config);
        accounts_free(accounts);
        accounts = NULL;
    }
    s->reload_failed = !accounts;
    if (!accounts) {
        config_free(config);
        return false;
    }
    struct buffer problem;
    buffer_init(&problem, PROBLEM_SIZE_MAX);
    tls_reload(s, config, &problem);
    if (problem.size > 0)
        fprintf(stderr, "facteurd: %.*s; the certificate before stays\n", SLICE_ARG(buffer_slice(&problem)));
    buffer_done(&problem);
    put_in_force(s, config, accounts);
    return true;
}

/* ---- the loop's calls ---- */

static void signalled(void *context, int number)
{
    struct server *s = context;
    if (number == SIGHUP) {
        struct config_problems problems;
        config_problems_init(&problems);
        problems.language = s->config->server.language;
        server_reload(s, &problems);
        config_problems_print(&problems, s->config_path);
        config_problems_done(&problems);
        return;
    }
    if (s->stopping) {
        loop_end(s->loop); /* twice: at once */
        return;
    }
    s->stopping = true;
    sd_notify(0, "STOPPING=1");
    loop_listen_stop(s->loop);
    loop_feed(s->loop, &(struct event){ .kind = EVENT_STOP });
}

static void replied(void *context, const struct op_reply *reply)
{
    struct server *s = context;
    control_reply(s->control, reply);
}

static void traced(void *context, const struct trace_event *event, struct slice json)
{
    struct server *s = context;
    if (s->control)
        control_trace(s->control, event, json);
}

static void turn(void *context, struct now now)
{
    struct server *s = context;
    (void)now;
    control_turn(s->control);
    if (s->stopping && engine_stopped(s->engine))
        loop_end(s->loop);
}

static void validation(void *context, enum dns_validation state)
{
    struct server *s = context;
    engine_dnssec(s->engine, state != DNS_VALIDATION_UNAVAILABLE);
}

static const struct loop_calls LOOP_CALLS = {
    .signal = signalled, .reply = replied, .turn = turn, .trace = traced, .validation = validation,
};

/* ---- life ---- */

static enum err loop_make(struct server *s, struct buffer *problem)
{
    const struct loop_options options = {
        .engine = s->engine, .store = s->store, .disk = s->disk, .history = s->history, .tls = s->tls,
        .inflight = s->inflight, .log = s->log, .resolvers = resolvers_of(s->config),
        .dns_timeout_us = s->config->dns.timeout_us,
        .calls = &LOOP_CALLS, .context = s,
    };
    return loop_new(&options, problem, &s->loop);
}

static void queue_load(struct server *s)
{
    for (size_t i = 0; i < s->found_count; i++)
        loop_feed(s->loop, &(struct event){ .kind = EVENT_INFLIGHT, .inflight = s->found[i] });
    store_thread_load(loop_store(s->loop));
}

/* ---- the control socket ---- */

static struct now control_now(void *context)
{
    return loop_now(((struct server *)context)->loop);
}

static void control_feed(void *context, const struct event *event)
{
    loop_feed(((struct server *)context)->loop, event);
}

static void control_send(void *context, uint64_t client, struct slice line)
{
    control_socket_send(((struct server *)context)->socket, client, line);
}

static size_t control_unsent(void *context, uint64_t client)
{
    return control_socket_unsent(((struct server *)context)->socket, client);
}

static const struct config *control_config(void *context)
{
    return ((struct server *)context)->config;
}

static const struct accounts *control_accounts(void *context)
{
    return ((struct server *)context)->accounts;
}

static bool control_reload_failed(void *context)
{
    return ((struct server *)context)->reload_failed;
}

/* A list on its way through the store's threads. */
struct listing {
    struct server *server;
    uint64_t tag;
};

static void listed(void *context, const struct store_list *list)
{
    struct listing *l = context;
    if (list->kind == STORE_LIST_QUEUE)
        control_queue(l->server->control, l->tag, list->err, &list->page);
    else
        control_history(l->server->control, l->tag, list->err, list->events, list->event_count);
    mem_free(l);
}

static struct listing *listing_new(struct server *s, uint64_t tag)
{
    struct listing *l = mem_alloc(sizeof(*l));
    l->server = s;
    l->tag = tag;
    return l;
}

static void control_list_queue(void *context, const struct store_query *query, uint64_t tag)
{
    struct server *s = context;
    const struct store_list list = { .kind = STORE_LIST_QUEUE, .query = *query, .done = listed, .context = listing_new(s, tag) };
    store_thread_list(loop_store(s->loop), &list);
}

static void control_list_history(void *context, const struct history_query *query, uint64_t tag)
{
    struct server *s = context;
    const struct store_list list = { .kind = STORE_LIST_HISTORY, .history = *query, .done = listed, .context = listing_new(s, tag) };
    store_thread_list(loop_store(s->loop), &list);
}

static const struct control_calls CONTROL_CALLS = {
    .now = control_now, .feed = control_feed, .send = control_send, .unsent = control_unsent, .list_queue = control_list_queue,
    .list_history = control_list_history, .reload = server_reload, .config = control_config,
    .accounts = control_accounts, .reload_failed = control_reload_failed,
};

static void control_came(void *context, uint64_t client, struct slice line)
{
    control_line(((struct server *)context)->control, client, line);
}

static void control_left(void *context, uint64_t client)
{
    control_gone(((struct server *)context)->control, client);
}

static bool control_admin(void *context, struct slice user)
{
    const struct config *c = ((struct server *)context)->config;
    for (size_t i = 0; i < c->server.admins_count; i++)
        if (slice_equal(c->server.admins[i], user))
            return true;
    return false;
}

static enum err control_make(struct server *s, struct buffer *problem)
{
    char path[SOCKET_PATH_MAX];
    snprintf(path, sizeof(path), "%.*s/control", SLICE_ARG(s->config->server.data_dir));
    s->control = control_new(s->engine, &CONTROL_CALLS, s);
    const struct control_socket_options options = { .uv = loop_uv(s->loop), .path = arena_text(&s->texts, slice_of(path)),
                                                    .line = control_came, .gone = control_left, .admin = control_admin,
                                                    .named = s->config->server.admins_count > 0, .context = s };
    return control_socket_new(&options, problem, &s->socket);
}

static enum err listen_all(struct server *s, struct buffer *problem)
{
    struct config_problems problems;
    config_problems_init(&problems);
    problems.language = language_of_environment();
    bool open = listening_open(s->loop, s->config, &problems);
    for (uint32_t i = 0; i < problems.count; i++) {
        buffer_add_text(problem, i > 0 ? "\n" : "");
        config_problem_format(slice_of(s->config_path), &problems.items[i], problem);
    }
    config_problems_done(&problems);
    return open ? listening_local(s->loop, s->config, problem) : ERR_REFUSED;
}

static enum err server_start(struct server *s, struct buffer *problem)
{
    struct now now = now_at_start();
    char folder[CONFIG_PATH_MAX];
    snprintf(folder, sizeof(folder), "%.*s", SLICE_ARG(s->config->server.data_dir));
    enum err err = setup_folders(s->config, problem);
    if (err == ERR_OK)
        err = setup_tls(s->config, &s->tls, problem);
    if (err == ERR_OK)
        err = setup_store(s->config, now, &s->disk, &s->store, &s->history, problem);
    if (err != ERR_OK)
        return err;
    err = inflight_map_open(folder, inflight_found, s, &s->inflight);
    if (err != ERR_OK) {
        buffer_add_format(problem, "%s/run/inflight cannot be opened (%s)", folder, err_name(err));
        return err;
    }
    engine_make(s, now);
    err = loop_make(s, problem);
    if (err == ERR_OK)
        err = control_make(s, problem);
    return err == ERR_OK ? listen_all(s, problem) : err;
}

static void server_end(struct server *s)
{
    control_socket_close(s->socket);
    if (s->loop)
        loop_free(s->loop);
    control_free(s->control);
    engine_free(s->engine);
    inflight_map_close(s->inflight);
    history_close(s->history);
    store_close(s->store);
    disk_system_close(s->disk);
    tls_store_free(s->tls);
    log_free(s->log);
    arena_done(&s->texts);
    config_free(s->config);
    accounts_free(s->accounts);
}

int server_run(const char *config_path, struct config *config, struct accounts *accounts, const uint64_t hash_key[static 2])
{
    struct server *s = mem_alloc(sizeof(*s));
    s->config_path = config_path;
    s->config = config;
    s->accounts = accounts;
    s->hash_key[0] = hash_key[0];
    s->hash_key[1] = hash_key[1];
    s->log = log_new();
    struct buffer problem;
    buffer_init(&problem, PROBLEM_SIZE_MAX);
    enum err err = server_start(s, &problem);
    if (err == ERR_OK) {
        queue_load(s);
        printf("ready\n");
        fflush(stdout);
        sd_notify(0, "READY=1");
        loop_run(s->loop);
    } else {
        fprintf(stderr, "facteurd: %.*s\n", SLICE_ARG(buffer_slice(&problem)));
    }
    buffer_done(&problem);
    server_end(s);
    mem_free(s);
    return err == ERR_OK ? 0 : 1;
}

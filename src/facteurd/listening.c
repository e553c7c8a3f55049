#include "facteurd/listening.h"

#include <stdio.h>

#include "config/problem.h"

enum { SOCKET_PATH_MAX = 108, REASON_SIZE_MAX = 512 };

struct listening_list {
    enum listener_kind kind;
    enum config_key key;
    const struct config_listen *items;
    size_t count;
};

enum { LISTS = 3 };

static void lists_of(const struct config *c, struct listening_list ret_lists[static LISTS])
{
    ret_lists[0] = (struct listening_list){ LISTENER_RELAY, CONFIG_LISTEN_RELAY, c->listen.relay, c->listen.relay_count };
    ret_lists[1] = (struct listening_list){ LISTENER_SUBMISSION, CONFIG_LISTEN_SUBMISSION, c->listen.submission,
                                            c->listen.submission_count };
    ret_lists[2] = (struct listening_list){ LISTENER_SUBMISSIONS, CONFIG_LISTEN_SUBMISSIONS, c->listen.submissions,
                                            c->listen.submissions_count };
}

static struct ip_address address_of(const struct config_listen *at)
{
    struct ip_address address = { .family = at->family, .port = at->port };
    memcpy(address.octets, at->ip, sizeof(at->ip));
    return address;
}

static void refused(struct config_problems *problems, const struct config *config, enum config_key key, struct slice reason)
{
    const struct problem_at at = { config->lines[key], slice_of(config_key_name(key)), false };
    problem_add(problems, at, TEXT_WRONG_LISTENER, TEXT_REMEDY_LISTENER,
                TEXT_ARGUMENTS({ "reason", problem_value(problems, reason) }));
}

bool listening_open(struct loop *loop, const struct config *config, struct config_problems *problems)
{
    struct listening_list lists[LISTS];
    lists_of(config, lists);
    bool all = true;
    for (size_t i = 0; i < LISTS; i++) {
        for (size_t k = 0; k < lists[i].count; k++) {
            struct loop_listen listen = { .kind = lists[i].kind, .address = address_of(&lists[i].items[k]), .descriptor = -1 };
            if (loop_listens(loop, listen.kind, &listen.address))
                continue;
            struct buffer reason;
            buffer_init(&reason, REASON_SIZE_MAX);
            if (loop_listen(loop, &listen, &reason) != ERR_OK) {
                refused(problems, config, lists[i].key, buffer_slice(&reason));
                all = false;
            }
            buffer_done(&reason);
        }
    }
    return all;
}

static bool is_named(const void *context, enum listener_kind kind, const struct ip_address *address)
{
    struct listening_list lists[LISTS];
    lists_of(context, lists);
    for (size_t i = 0; i < LISTS; i++) {
        for (size_t k = 0; k < lists[i].count && lists[i].kind == kind; k++) {
            struct ip_address one = address_of(&lists[i].items[k]);
            if (ip_address_equal(&one, address))
                return true;
        }
    }
    return kind == LISTENER_LOCAL;
}

void listening_close_others(struct loop *loop, const struct config *config)
{
    loop_listen_keep(loop, is_named, config);
}

enum err listening_local(struct loop *loop, const struct config *config, struct buffer *problem)
{
    char path[SOCKET_PATH_MAX];
    snprintf(path, sizeof(path), "%.*s/submit", SLICE_ARG(config->server.data_dir));
    const struct loop_listen local = { .kind = LISTENER_LOCAL, .descriptor = -1, .path = path, .mode = 0666 };
    enum err err = loop_listen(loop, &local, problem);
    if (err != ERR_OK)
        buffer_add_format(problem, " (%s)", path);
    return err;
}

/* A control protocol without a socket: an engine that is only read, and calls that note what was asked and answered. */
#pragma once

#include <jansson.h>

#include "admin/control.h"

struct bench {
    struct config *config;
    struct accounts *accounts;
    struct engine *engine;
    struct control *control;
    struct now now;
    uint32_t answer_count;         /* lines sent */
    uint64_t answer_client;
    json_t *answer;                /* the last one */
    size_t unsent;                 /* what every client has not read */
    uint32_t fed_count;
    struct engine_request fed;     /* the last one; ids are copied */
    uint64_t fed_ids[8];
    char fed_from[64], fed_to[64];
    uint32_t listed_count;         /* queue and history */
    uint64_t listed_tag;
    struct store_query query;
    struct history_query history;
    bool reload_good;
};

/* more: lines of the configuration behind [Delivery]; NULL: none */
void bench_init(struct bench *b, const char *more);
void bench_done(struct bench *b);
/* One line of client 7. */
void bench_line(struct bench *b, const char *line);
/* The same, which must be answered at once; the answer, the bench's. */
json_t *bench_ask(struct bench *b, const char *line);
const char *bench_error(struct bench *b, const char *line); /* of an answer that is none */
/* The text at a path of keys and, as digits, indexes: "rows.0.id"; NULL where there is none. */
const json_t *at(const json_t *value, const char *path);
const char *text_at(const json_t *value, const char *path);

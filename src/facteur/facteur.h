/* facteur: the command line. main.c: verbs and their arguments; client.c: the control socket; files.c: facteur.ini and the accounts,
 * which are changed as files and then put in force; print.c: answers for people. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/text.h"
#include "config/config.h"

enum { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2 }; /* it did not hold or was refused; wrong usage or no server */

struct facteur {
    const char *config_path;
    enum language language;
    bool json, dry_run, yes;
    struct config *config; /* of the file, loaded when it is first needed */
};

/* Loads the configuration for the socket's path; NULL, and told, when it cannot be read. */
const struct config *facteur_config(struct facteur *f);

/* ---- client.c: one question, one answer. NULL: told on stderr, *ret_status is the exit status. Takes the question. ---- */

bool client_server_is_down(const struct facteur *f); /* nobody serves this configuration's folder */
json_t *client_ask(struct facteur *f, json_t *question, int *ret_status);
/* Asks, shows the answer's events and then each that comes, until the server or the reader of the output goes. Takes the question. */
int client_follow(struct facteur *f, json_t *question, void (*show)(const struct facteur *f, const json_t *event));

/* ---- files.c ---- */

int files_check(struct facteur *f);
int files_show(struct facteur *f);
int files_get(struct facteur *f, const char *key);
int files_set(struct facteur *f, const char *key, const char *value);

struct account_arguments {
    const char *address, *password_file, *smarthost_user, *smarthost_password_file;
    const char *aliases[64], *no_aliases[64], *send_as[64];
    size_t alias_count, no_alias_count, send_as_count;
};

int files_account(struct facteur *f, const char *verb, const struct account_arguments *arguments); /* add, set, remove */
int files_account_list(struct facteur *f);

/* ---- print.c ---- */

void print_json(const json_t *value);
void print_status(const struct facteur *f, const json_t *status);
void print_queue(const struct facteur *f, const json_t *rows);
void print_message(const struct facteur *f, const json_t *message);
void print_history(const struct facteur *f, const json_t *events);
void print_event(const struct facteur *f, const json_t *event);
void print_explain(const struct facteur *f, const json_t *explain);
void print_relay_test(const struct facteur *f, const json_t *test);

/* facteur: what the server does, and orders to it. See facteur(1). */
#include <getopt.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "facteur/facteur.h"
#include "io/config_file.h"

#define CONFIG_PATH_DEFAULT "/etc/facteur/facteur.ini"

enum { CONFIRM_ABOVE = 50, ORDER_IDS_MAX = 100000, LOG_LINES = 100, LOG_LINES_FOLLOWED = 10 };

static const char HELP[] =
    "Usage: facteur [-c FILE] [--json] [--dry-run] VERB ...\n"
    "\n"
    "  status                              what the server does, its queues and alerts\n"
    "  explain --from A --to B [--account A]   what would be done with a letter, and why; nothing is sent\n"
    "  queue list [FILTERS]                what waits: FILTERS are --queue Q --from A --to A --host H --limit N\n"
    "  queue show|why ID                   one message; why it is still here, and what can be done\n"
    "  queue hold|release|retry|bounce|drop|reroute ID ... | FILTERS [--yes]\n"
    "  history [--id ID] [--from A] [--to A] [--limit N]   what happened, of finished messages too\n"
    "  log [-f] [--id ID] [--from A] [--to A] [--limit N]  the last events; -f: and those to come, until it is interrupted\n"
    "  config check|show|get KEY|set KEY VALUE     VALUE '-': from standard input; in force at once\n"
    "  account list|add|set|remove ADDRESS [--password-file F] [--alias A] [--no-alias A] [--send-as A]\n"
    "          [--smarthost-user U] [--smarthost-password-file F]      F '-': standard input\n"
    "  relay test                          a session with the smart host as far as the login; nothing is sent\n"
    "  reload                              takes up the changed configuration, or says what is wrong with it\n"
    "\n"
    "  -c, --config FILE    the configuration of facteurd (" CONFIG_PATH_DEFAULT ")\n"
    "  --json               one JSON value; its keys never change\n"
    "  --dry-run            shows what would be changed, and changes nothing\n"
    "Exit status: 0 done, 1 it did not hold or was refused, 2 wrong usage or no server.\n";

struct arguments {
    const char *queue, *from, *to, *host, *account, *id;
    long limit;
    bool follow;
    struct account_arguments accounts;
};

enum option_code {
    OPTION_JSON = 256, OPTION_DRY_RUN, OPTION_YES, OPTION_QUEUE, OPTION_FROM, OPTION_TO, OPTION_HOST, OPTION_LIMIT, OPTION_ACCOUNT,
    OPTION_ID, OPTION_PASSWORD_FILE, OPTION_ALIAS, OPTION_NO_ALIAS, OPTION_SEND_AS, OPTION_SMARTHOST_USER,
    OPTION_SMARTHOST_PASSWORD_FILE,
};

static const struct option OPTIONS[] = {
    { "config", required_argument, NULL, 'c' },
    { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, 'V' },
    { "follow", no_argument, NULL, 'f' },
    { "json", no_argument, NULL, OPTION_JSON },
    { "dry-run", no_argument, NULL, OPTION_DRY_RUN },
    { "yes", no_argument, NULL, OPTION_YES },
    { "queue", required_argument, NULL, OPTION_QUEUE },
    { "from", required_argument, NULL, OPTION_FROM },
    { "to", required_argument, NULL, OPTION_TO },
    { "host", required_argument, NULL, OPTION_HOST },
    { "limit", required_argument, NULL, OPTION_LIMIT },
    { "account", required_argument, NULL, OPTION_ACCOUNT },
    { "id", required_argument, NULL, OPTION_ID },
    { "password-file", required_argument, NULL, OPTION_PASSWORD_FILE },
    { "alias", required_argument, NULL, OPTION_ALIAS },
    { "no-alias", required_argument, NULL, OPTION_NO_ALIAS },
    { "send-as", required_argument, NULL, OPTION_SEND_AS },
    { "smarthost-user", required_argument, NULL, OPTION_SMARTHOST_USER },
    { "smarthost-password-file", required_argument, NULL, OPTION_SMARTHOST_PASSWORD_FILE },
    { NULL, 0, NULL, 0 },
};

static int usage(const char *what)
{
    fprintf(stderr, "facteur: %s; see facteur --help\n", what);
    return EXIT_USAGE;
}

static bool list_add(const char **items, size_t *count, const char *text)
{
    if (*count == 64)
        return false;
    items[(*count)++] = text;
    return true;
}

static bool option_account(struct account_arguments *a, int code, const char *value)
{
    switch (code) {
    case OPTION_PASSWORD_FILE: a->password_file = value; return true;
    case OPTION_SMARTHOST_USER: a->smarthost_user = value; return true;
    case OPTION_SMARTHOST_PASSWORD_FILE: a->smarthost_password_file = value; return true;
    case OPTION_ALIAS: return list_add(a->aliases, &a->alias_count, value);
    case OPTION_NO_ALIAS: return list_add(a->no_aliases, &a->no_alias_count, value);
    case OPTION_SEND_AS: return list_add(a->send_as, &a->send_as_count, value);
    default: return false;
    }
}

static bool options_read(int argc, char **argv, struct facteur *f, struct arguments *a)
{
    for (int c; (c = getopt_long(argc, argv, "c:fhV", OPTIONS, NULL)) != -1;) {
        switch (c) {
        case 'c': f->config_path = optarg; break;
        case 'h': fputs(HELP, stdout); exit(EXIT_DONE);
        case 'V': printf("facteur %s\n", FACTEUR_VERSION); exit(EXIT_DONE);
        case 'f': a->follow = true; break;
        case OPTION_JSON: f->json = true; break;
        case OPTION_DRY_RUN: f->dry_run = true; break;
        case OPTION_YES: f->yes = true; break;
        case OPTION_QUEUE: a->queue = optarg; break;
        case OPTION_FROM: a->from = optarg; break;
        case OPTION_TO: a->to = optarg; break;
        case OPTION_HOST: a->host = optarg; break;
        case OPTION_LIMIT: a->limit = strtol(optarg, NULL, 10); break;
        case OPTION_ACCOUNT: a->account = optarg; break;
        case OPTION_ID: a->id = optarg; break;
        default:
            if (!option_account(&a->accounts, c, optarg))
                return false;
        }
    }
    return true;
}

/* ---- verbs ---- */

typedef void print_call(const struct facteur *f, const json_t *value);

static int answer_print(const struct facteur *f, json_t *result, int status, print_call *print)
{
    if (!result)
        return status;
    if (f->json)
        print_json(result);
    else if (print)
        print(f, result);
    json_decref(result);
    return EXIT_DONE;
}

static void add(json_t *question, const char *key, const char *value)
{
    if (value)
        json_object_set_new(question, key, json_string(value));
}

static int do_status(struct facteur *f)
{
    int status = EXIT_DONE;
    json_t *result = client_ask(f, json_pack("{s:s}", "verb", "status"), &status);
    return answer_print(f, result, status, print_status);
}

static int do_reload(struct facteur *f)
{
    int status = EXIT_DONE;
    json_t *result = client_ask(f, json_pack("{s:s}", "verb", "reload"), &status);
    size_t i;
    const json_t *warning;
    json_array_foreach(json_object_get(result, "warnings"), i, warning) fprintf(stderr, "%s\n", json_string_value(warning));
    return answer_print(f, result, status, NULL);
}

/* What happens with the rows of a page. */
typedef void page_call(const struct facteur *f, const json_t *rows, void *context);

/* Page by page up to the limit: however long the queue is, nobody holds more of it than a page. Returns the exit status. */
static int queue_pages(struct facteur *f, const struct arguments *a, long limit, page_call *take, void *context)
{
    char after[64] = "";
    int status = EXIT_DONE;
    for (long left = limit; left > 0;) {
        json_t *question = json_pack("{s:s,s:I}", "verb", "queue", "limit", (json_int_t)left);
        add(question, "queue", a->queue);
        add(question, "from", a->from);
        add(question, "to", a->to);
        add(question, "host", a->host);
        add(question, "after", *after ? after : NULL);
        json_t *page = client_ask(f, question, &status);
        if (!page)
            return status;
        const json_t *rows = json_object_get(page, "rows");
        take(f, rows, context);
        left -= (long)json_array_size(rows);
        const char *next = json_string_value(json_object_get(page, "after"));
        snprintf(after, sizeof(after), "%s", next ? next : "");
        json_decref(page);
        if (!*after)
            break;
    }
    return EXIT_DONE;
}

static void page_keep(const struct facteur *f, const json_t *rows, void *context)
{
    (void)f;
    json_array_extend(context, (json_t *)rows);
}

/* All rows in memory, for an order; NULL: told. */
static json_t *queue_rows(struct facteur *f, const struct arguments *a, long limit, int *ret_status)
{
    json_t *rows = json_array();
    *ret_status = queue_pages(f, a, limit, page_keep, rows);
    if (*ret_status == EXIT_DONE)
        return rows;
    json_decref(rows);
    return NULL;
}

/* As json_dumps would write all of the rows as one array. */
static void page_print(const struct facteur *f, const json_t *rows, void *context)
{
    size_t *count = context, i;
    const json_t *row;
    if (!f->json && json_array_size(rows) > 0)
        print_queue(f, rows);
    json_array_foreach(rows, i, row) {
        char *text = f->json ? json_dumps(row, JSON_PRESERVE_ORDER) : NULL;
        if (text)
            printf("%s%s", *count > 0 ? ", " : "[", text);
        free(text);
        ++*count;
    }
}

/* Where the server is lost on the way the array has no end, so that nobody takes it for whole. */
static int queue_list(struct facteur *f, const struct arguments *a)
{
    size_t count = 0;
    int status = queue_pages(f, a, a->limit > 0 ? a->limit : LONG_MAX, page_print, &count);
    if (status != EXIT_DONE)
        return status;
    if (f->json)
        puts(count > 0 ? "]" : "[]");
    else if (count == 0)
        puts(text_get(TEXT_PRINT_EMPTY, f->language));
    return EXIT_DONE;
}

static int queue_one(struct facteur *f, const char *id, bool why)
{
    int status = EXIT_DONE;
    json_t *message = client_ask(f, json_pack("{s:s,s:s}", "verb", "queue", "id", id), &status);
    json_t *history = message ? client_ask(f, json_pack("{s:s,s:s,s:i}", "verb", "history", "id", id, "limit", 1000), &status) : NULL;
    if (history)
        json_object_set_new(message, "history", history);
    if (message && !why) {
        json_object_del(message, "decided_by");
        json_object_del(message, "next_step");
        json_object_del(message, "remedies");
    }
    return answer_print(f, message, status, print_message);
}

static bool confirmed(const struct facteur *f, size_t count)
{
    char line[16];
    if (count <= CONFIRM_ABOVE || f->yes)
        return true;
    char number[32];
    snprintf(number, sizeof(number), "%zu", count);
    struct buffer question;
    buffer_init(&question, 1024);
    text_format(&question, f->language, TEXT_CLIENT_CONFIRM, TEXT_ARGUMENTS({ "count", slice_of(number) }));
    fprintf(stderr, "%.*s ", SLICE_ARG(buffer_slice(&question)));
    buffer_done(&question);
    if (!isatty(STDIN_FILENO) || !fgets(line, sizeof(line), stdin))
        return false;
    return line[0] == 'y' || line[0] == 'Y' || line[0] == 'o' || line[0] == 'O';
}

static int order_results(const struct facteur *f, json_t *results, int status)
{
    size_t i;
    const json_t *one;
    bool all = true;
    json_array_foreach(results, i, one) {
        const char *result = json_string_value(json_object_get(one, "result"));
        all = all && result && strcmp(result, "done") == 0;
        if (!f->json)
            printf("%s  %s\n", json_string_value(json_object_get(one, "id")), result ? result : "");
    }
    if (!results)
        return status;
    if (f->json)
        print_json(results);
    json_decref(results);
    return all ? EXIT_DONE : EXIT_REFUSED;
}

/* reroute: routes are worked out at every attempt, so what moves a message is an attempt now. */
static int queue_order(struct facteur *f, const struct arguments *a, const char *order, char **ids, int count)
{
    int status = EXIT_DONE;
    json_t *all = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(all, json_string(ids[i]));
    bool filtered = a->queue || a->from || a->to || a->host;
    if (count == 0 && !filtered) {
        json_decref(all);
        return usage("which messages? Name their ids, or filters such as --to");
    }
    json_t *rows = count == 0 ? queue_rows(f, a, a->limit > 0 ? a->limit : ORDER_IDS_MAX, &status) : NULL;
    size_t i;
    const json_t *row;
    json_array_foreach(rows, i, row) json_array_append(all, json_object_get(row, "id"));
    if (count == 0 && !rows) {
        json_decref(all);
        return status;
    }
    if (f->dry_run || !confirmed(f, json_array_size(all))) {
        status = answer_print(f, f->json ? json_incref(all) : rows ? json_incref(rows) : NULL, EXIT_DONE, print_queue);
        status = f->dry_run ? status : EXIT_REFUSED;
    } else {
        const char *verb = strcmp(order, "reroute") == 0 ? "retry" : order;
        status = EXIT_DONE;
        json_t *results = client_ask(f, json_pack("{s:s,s:s,s:O}", "verb", "order", "order", verb, "ids", all), &status);
        status = order_results(f, results, status);
    }
    json_decref(rows);
    json_decref(all);
    return status;
}

static int do_queue(struct facteur *f, const struct arguments *a, int count, char **words)
{
    static const char *const orders[] = { "hold", "release", "retry", "bounce", "drop", "reroute" };
    if (count == 0 || strcmp(words[0], "list") == 0)
        return queue_list(f, a);
    if (strcmp(words[0], "show") == 0 || strcmp(words[0], "why") == 0)
        return count == 2 ? queue_one(f, words[1], words[0][0] == 'w') : usage("queue show and why take one id");
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++)
        if (strcmp(words[0], orders[i]) == 0)
            return queue_order(f, a, orders[i], words + 1, count - 1);
    return usage("queue list|show|why|hold|release|retry|bounce|drop|reroute");
}

static int do_explain(struct facteur *f, const struct arguments *a)
{
    if (!a->to)
        return usage("explain needs --to");
    int status = EXIT_DONE;
    json_t *question = json_pack("{s:s}", "verb", "explain");
    add(question, "from", a->from);
    add(question, "to", a->to);
    add(question, "account", a->account);
    json_t *result = client_ask(f, question, &status);
    return answer_print(f, result, status, print_explain);
}

static int do_history(struct facteur *f, const struct arguments *a)
{
    int status = EXIT_DONE;
    json_t *question = json_pack("{s:s}", "verb", "history");
    add(question, "id", a->id);
    add(question, "from", a->from);
    add(question, "to", a->to);
    if (a->limit > 0)
        json_object_set_new(question, "limit", json_integer(a->limit));
    json_t *result = client_ask(f, question, &status);
    return answer_print(f, result, status, print_history);
}

static void log_show(const struct facteur *f, const json_t *event)
{
    if (f->json)
        print_json(event);
    else
        print_event(f, event);
}

static int do_log(struct facteur *f, const struct arguments *a)
{
    int status = EXIT_DONE;
    json_t *question = json_pack("{s:s,s:b}", "verb", "log", "follow", (int)a->follow);
    add(question, "id", a->id);
    add(question, "from", a->from);
    add(question, "to", a->to);
    json_object_set_new(question, "limit", json_integer(a->limit > 0 ? a->limit : a->follow ? LOG_LINES_FOLLOWED : LOG_LINES));
    if (a->follow)
        return client_follow(f, question, log_show);
    json_t *result = client_ask(f, question, &status);
    return answer_print(f, result, status, print_history);
}

static int do_relay(struct facteur *f, int count, char **words)
{
    if (count != 1 || strcmp(words[0], "test") != 0)
        return usage("relay test");
    int status = EXIT_DONE;
    json_t *result = client_ask(f, json_pack("{s:s}", "verb", "relay-test"), &status);
    bool ok = json_is_true(json_object_get(result, "ok"));
    status = answer_print(f, result, status, print_relay_test);
    return status == EXIT_DONE && !ok ? EXIT_REFUSED : status;
}

static int do_config(struct facteur *f, int count, char **words)
{
    if (count == 1 && strcmp(words[0], "check") == 0)
        return files_check(f);
    if (count == 1 && strcmp(words[0], "show") == 0)
        return files_show(f);
    if (count == 2 && strcmp(words[0], "get") == 0)
        return files_get(f, words[1]);
    if (count == 3 && strcmp(words[0], "set") == 0)
        return files_set(f, words[1], words[2]);
    return usage("config check | show | get KEY | set KEY VALUE");
}

static int do_account(struct facteur *f, struct arguments *a, int count, char **words)
{
    if (count == 1 && strcmp(words[0], "list") == 0)
        return files_account_list(f);
    if (count != 2 || (strcmp(words[0], "add") != 0 && strcmp(words[0], "set") != 0 && strcmp(words[0], "remove") != 0))
        return usage("account list | add ADDRESS | set ADDRESS | remove ADDRESS");
    a->accounts.address = words[1];
    return files_account(f, words[0], &a->accounts);
}

static int run(struct facteur *f, struct arguments *a, int count, char **words)
{
    if (count == 0)
        return usage("what is to be done?");
    const char *verb = words[0];
    if (strcmp(verb, "status") == 0 && count == 1)
        return do_status(f);
    if (strcmp(verb, "reload") == 0 && count == 1)
        return do_reload(f);
    if (strcmp(verb, "queue") == 0)
        return do_queue(f, a, count - 1, words + 1);
    if (strcmp(verb, "explain") == 0 && count == 1)
        return do_explain(f, a);
    if (strcmp(verb, "history") == 0 && count == 1)
        return do_history(f, a);
    if (strcmp(verb, "log") == 0 && count == 1)
        return do_log(f, a);
    if (strcmp(verb, "relay") == 0)
        return do_relay(f, count - 1, words + 1);
    if (strcmp(verb, "config") == 0)
        return do_config(f, count - 1, words + 1);
    if (strcmp(verb, "account") == 0)
        return do_account(f, a, count - 1, words + 1);
    if (strcmp(verb, "help") == 0) {
        fputs(HELP, stdout);
        return EXIT_DONE;
    }
    return usage("there is no such verb");
}

/* Sendmail's: where the configuration is; the others (how much to tell, which queue) mean nothing here. */
static bool mailq_options_read(int argc, char **argv, struct facteur *f)
{
    for (int c; (c = getopt(argc, argv, "C:c:A:q::O:v")) != -1;) {
        if (c == '?')
            return false;
        if (c == 'C' || c == 'c')
            f->config_path = optarg;
    }
    return true;
}

int main(int argc, char **argv)
{
    const char *config = getenv("FACTEUR_CONFIG");
    struct facteur f = { .config_path = config ? config : CONFIG_PATH_DEFAULT, .language = language_of_environment() };
    struct arguments a = { 0 };
    const char *name = strrchr(argv[0], '/');
    char queue[] = "queue", list[] = "list", *mailq[] = { queue, list };
    bool is_mailq = strcmp(name ? name + 1 : argv[0], "mailq") == 0;
    if (sodium_init() < 0 || !(is_mailq ? mailq_options_read(argc, argv, &f) : options_read(argc, argv, &f, &a)))
        return EXIT_USAGE;
    int status = is_mailq ? run(&f, &a, 2, mailq) : run(&f, &a, argc - optind, argv + optind);
    config_free(f.config);
    return status;
}

/* facteurd: the outbound mail server. See facteurd(8). */
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "facteurd/server.h"
#include "facteurd/setup.h"
#include "io/config_file.h"

#define CONFIG_PATH_DEFAULT "/etc/facteur/facteur.ini"

static const char HELP[] =
    "Usage: facteurd [-c FILE] [-t]\n"
    "\n"
    "The outbound mail server. Stays in the foreground; SIGTERM ends it, SIGHUP takes up a changed configuration.\n"
    "\n"
    "  -c, --config FILE   the configuration (" CONFIG_PATH_DEFAULT ")\n"
    "  -t, --test          check the configuration and exit: 0 when it is good, 1 after each problem on stderr\n"
    "  -V, --version       print the version\n"
    "  -h, --help          print this\n"
    "\n"
    "What it does is asked with facteur(1); facteur.ini(5) explains every key.\n";

/* Secrets are in this process: nobody attaches to it, and it leaves no core. */
static void protect(void)
{
    prctl(PR_SET_DUMPABLE, 0);
    signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "config", required_argument, NULL, 'c' }, { "test", no_argument, NULL, 't' },
        { "version", no_argument, NULL, 'V' },      { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    const char *path = CONFIG_PATH_DEFAULT;
    bool test = false;
    for (int c; (c = getopt_long(argc, argv, "c:tVh", options, NULL)) != -1;) {
        switch (c) {
        case 'c': path = optarg; break;
        case 't': test = true; break;
        case 'V': printf("facteurd %s\n", FACTEUR_VERSION); return 0;
        case 'h': fputs(HELP, stdout); return 0;
        default: return 2;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "facteurd: what is '%s'? See facteurd --help\n", argv[optind]);
        return 2;
    }
    if (sodium_init() < 0) {
        fputs("facteurd: libsodium cannot be initialised\n", stderr);
        return 1;
    }
    protect();
    struct config_problems problems;
    config_problems_init(&problems);
    problems.language = language_of_environment();
    uint64_t hash_key[2];
    setup_random(hash_key, sizeof(hash_key));
    struct config *config = config_file_load(path, problems.language, &problems);
    struct accounts *accounts = config ? accounts_file_load(config, hash_key, &problems) : NULL;
    config_problems_print(&problems, path);
    config_problems_done(&problems);
    if (!accounts || test) {
        config_free(config);
        accounts_free(accounts);
        return accounts ? 0 : 1;
    }
    return server_run(path, config, accounts, hash_key);
}

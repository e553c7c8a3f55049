/* facteur.ini and the accounts, from their files into values: what config/ cannot do because it opens no file. */
#pragma once

#include "config/account.h"
#include "config/config.h"

enum { CONFIG_PATH_MAX = 4096, CONFIG_OWN_ADDRESSES_MAX = 32 };

/* The addresses of this machine's interfaces, loopback left out; port 0. */
size_t own_addresses(struct config_listen addresses[static CONFIG_OWN_ADDRESSES_MAX]);

/* The language of LC_ALL, LC_MESSAGES or LANG. */
enum language language_of_environment(void);
/* On stderr, a line each. */
void config_problems_print(const struct config_problems *problems, const char *file);

/* [Server] DataDir of a file, however wrong the rest of it is; the default when it cannot be read: for those who only look for a
 * socket. */
void config_file_data_dir(const char *path, char folder[static CONFIG_PATH_MAX]);

/* NULL: problems says why (a file that cannot be read is one, of no line). Secrets in files are read; "sealed:" ones are opened
 * with DataDir/keys/seal. */
struct config *config_file_load(const char *path, enum language language, struct config_problems *problems);
/* The same of a text that is not saved yet: it is checked before it is. */
struct config *config_text_load(const char *path, struct slice text, enum language language,
                                struct config_problems *problems);
struct accounts *accounts_text_load(const struct config *config, const char *path, struct slice text,
                                    const uint64_t hash_key[static 2], struct config_problems *problems);
/* DataDir/accounts.ini; none when there is no file. Random: the key of the table of names. */
struct accounts *accounts_file_load(const struct config *config, const uint64_t hash_key[static 2],
                                    struct config_problems *problems);
void accounts_file_path(const struct config *config, char path[static CONFIG_PATH_MAX]);

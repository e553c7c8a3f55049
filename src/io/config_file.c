#include "io/config_file.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/ini.h"
#include "config/problem.h"
#include "config/secret.h"
#include "io/file.h"

enum { SECRET_FILE_SIZE_MAX = 64 << 10, PROBLEM_LINE_SIZE_MAX = 16 << 10 };

size_t own_addresses(struct config_listen addresses[static CONFIG_OWN_ADDRESSES_MAX])
{
    struct ifaddrs *all = NULL;
    size_t count = 0;
    if (getifaddrs(&all) != 0)
        return 0;
    for (struct ifaddrs *i = all; i && count < CONFIG_OWN_ADDRESSES_MAX; i = i->ifa_next) {
        if (!i->ifa_addr || (i->ifa_flags & IFF_LOOPBACK))
            continue;
        struct config_listen *a = &addresses[count];
        if (i->ifa_addr->sa_family == AF_INET) {
            *a = (struct config_listen){ .family = 4 };
            memcpy(a->ip, &((struct sockaddr_in *)(void *)i->ifa_addr)->sin_addr, 4);
            count++;
        } else if (i->ifa_addr->sa_family == AF_INET6) {
            *a = (struct config_listen){ .family = 6 };
            memcpy(a->ip, &((struct sockaddr_in6 *)(void *)i->ifa_addr)->sin6_addr, 16);
            count++;
        }
    }
    freeifaddrs(all);
    return count;
}

/* ---- secrets ---- */

struct secrets {
    char key_path[CONFIG_PATH_MAX];
};

static enum err read_secret(void *context, const char *path, struct buffer *out)
{
    (void)context;
    struct buffer file;
    buffer_init(&file, SECRET_FILE_SIZE_MAX);
    enum err err = file_read(path, SECRET_FILE_SIZE_MAX, &file);
    struct slice rest = buffer_slice(&file), line = slice_split(&rest, '\n');
    if (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    if (err == ERR_OK)
        buffer_add(out, line);
    secret_wipe_buffer(&file);
    buffer_done(&file);
    return err;
}

static enum err open_secret(void *context, struct slice sealed, struct buffer *out)
{
    struct secrets *secrets = context;
    struct buffer key;
    buffer_init(&key, SECRET_FILE_SIZE_MAX);
    enum err err = file_read(secrets->key_path, SECRET_FILE_SIZE_MAX, &key);
    if (err == ERR_OK && key.size != SECRET_KEY_SIZE)
        err = ERR_CORRUPT;
    if (err == ERR_OK)
        err = secret_open((const uint8_t *)key.data, sealed, out);
    secret_wipe_buffer(&key);
    buffer_done(&key);
    return err;
}

#define DATA_DIR_DEFAULT "/var/lib/facteur"

/* The sealing key lies in DataDir, which the same file names: it is looked for before all else is read. */
static void data_dir_find(struct slice text, char folder[static CONFIG_PATH_MAX])
{
    struct ini_reader reader;
    struct ini_item item;
    struct buffer value;
    buffer_init(&value, INI_LINE_SIZE_MAX);
    ini_reader_init(&reader, text);
    snprintf(folder, CONFIG_PATH_MAX, "%s", DATA_DIR_DEFAULT);
    for (ini_reader_next(&reader, &item); item.kind != INI_END; ini_reader_next(&reader, &item)) {
        buffer_clear(&value);
        if (item.kind == INI_KEY && slice_equal_nocase(item.section, SLICE("Server")) &&
            slice_equal_nocase(item.key, SLICE("DataDir")) && ini_unquote(item.value, &value) == ERR_OK)
            snprintf(folder, CONFIG_PATH_MAX, "%.*s", SLICE_ARG(buffer_slice(&value)));
    }
    buffer_done(&value);
}

static void secrets_find(struct slice text, struct secrets *ret_secrets)
{
    char folder[CONFIG_PATH_MAX];
    data_dir_find(text, folder);
    if (snprintf(ret_secrets->key_path, sizeof(ret_secrets->key_path), "%s/keys/seal", folder) >= CONFIG_PATH_MAX)
        ret_secrets->key_path[0] = '\0'; /* no file is called so: every sealed value is unreadable, and told so */
}

void config_file_data_dir(const char *path, char folder[static CONFIG_PATH_MAX])
{
    struct buffer text;
    buffer_init(&text, CONFIG_FILE_SIZE_MAX + 1);
    if (file_read(path, CONFIG_FILE_SIZE_MAX, &text) != ERR_OK)
        buffer_clear(&text);
    data_dir_find(buffer_slice(&text), folder);
    secret_wipe_buffer(&text);
    buffer_done(&text);
}

/* ---- files ---- */

static void unreadable(struct config_problems *problems, const char *path, enum err err)
{
    const struct text_argument arguments[] = { { "path", slice_of(path) }, { "error", slice_of(err_name(err)) } };
    problem_add(problems, (struct problem_at){ 0 }, TEXT_WRONG_FILE_UNREADABLE, TEXT_REMEDY_FILE_UNREADABLE, arguments, 2);
}

struct config *config_text_load(const char *path, struct slice text, enum language language,
                                struct config_problems *problems)
{
    struct secrets secrets;
    struct config_listen own[CONFIG_OWN_ADDRESSES_MAX];
    secrets_find(text, &secrets);
    const struct config_source source = {
        .file = slice_of(path), .text = text, .language = language, .read_secret = read_secret,
        .open_secret = open_secret, .context = &secrets, .own_addresses = own,
        .own_address_count = own_addresses(own),
    };
    return config_parse(&source, problems);
}

struct config *config_file_load(const char *path, enum language language, struct config_problems *problems)
{
    struct buffer text;
    buffer_init(&text, CONFIG_FILE_SIZE_MAX + 1);
    problems->language = language;
    enum err err = file_read(path, CONFIG_FILE_SIZE_MAX, &text);
    struct config *config = NULL;
    if (err != ERR_OK)
        unreadable(problems, path, err);
    else
        config = config_text_load(path, buffer_slice(&text), language, problems);
    secret_wipe_buffer(&text);
    buffer_done(&text);
    return config;
}

void accounts_file_path(const struct config *config, char path[static CONFIG_PATH_MAX])
{
    snprintf(path, CONFIG_PATH_MAX, "%.*s/accounts.ini", SLICE_ARG(config->server.data_dir));
}

struct accounts *accounts_text_load(const struct config *config, const char *path, struct slice text,
                                    const uint64_t hash_key[static 2], struct config_problems *problems)
{
    struct secrets secrets;
    snprintf(secrets.key_path, sizeof(secrets.key_path), "%.*s/keys/seal", SLICE_ARG(config->server.data_dir));
    const struct accounts_source source = {
        .file = slice_of(path), .text = text, .config = config, .language = problems->language,
        .hash_key = { hash_key[0], hash_key[1] }, .open_secret = open_secret, .context = &secrets,
    };
    return accounts_parse(&source, problems);
}

struct accounts *accounts_file_load(const struct config *config, const uint64_t hash_key[static 2],
                                    struct config_problems *problems)
{
    char path[CONFIG_PATH_MAX];
    accounts_file_path(config, path);
    struct buffer text;
    buffer_init(&text, ACCOUNTS_FILE_SIZE_MAX + 1);
    enum err err = file_read(path, ACCOUNTS_FILE_SIZE_MAX, &text);
    struct accounts *accounts = NULL;
    if (err == ERR_OK || err == ERR_NOT_FOUND)
        accounts = accounts_text_load(config, path, buffer_slice(&text), hash_key, problems);
    else
        unreadable(problems, path, err);
    secret_wipe_buffer(&text);
    buffer_done(&text);
    return accounts;
}

/* ---- for programs ---- */

enum language language_of_environment(void)
{
    static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return language_of_name(slice_of(value));
    }
    return LANGUAGE_EN;
}

void config_problems_print(const struct config_problems *problems, const char *file)
{
    struct buffer line;
    buffer_init(&line, PROBLEM_LINE_SIZE_MAX);
    for (uint32_t i = 0; i < problems->count; i++) {
        buffer_clear(&line);
        config_problem_format(slice_of(file), &problems->items[i], &line);
        fprintf(stderr, "%.*s\n", SLICE_ARG(buffer_slice(&line)));
    }
    buffer_done(&line);
}

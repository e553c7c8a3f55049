#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/account.h"
#include "config/ini.h"
#include "config/secret.h"
#include "facteur/facteur.h"
#include "io/config_file.h"
#include "io/file.h"

enum { LINE_SIZE_MAX = 16 << 10 };

static int refused(const char *what, enum err err)
{
    fprintf(stderr, "facteur: %s: %s\n", what, err_name(err));
    return EXIT_REFUSED;
}

/* In force at once where a server runs; else at its next start. */
static int put_in_force(struct facteur *f)
{
    if (!facteur_config(f))
        return EXIT_REFUSED;
    if (client_server_is_down(f)) {
        fprintf(stderr, "facteur: %s\n", text_get(TEXT_CLIENT_SAVED, f->language));
        return EXIT_DONE;
    }
    int status = EXIT_DONE;
    json_t *result = client_ask(f, json_pack("{s:s}", "verb", "reload"), &status);
    if (!result)
        return status;
    json_decref(result);
    return EXIT_DONE;
}

/* ---- secrets from files ---- */

/* The first line without its end; "-" is standard input. */
static enum err secret_read(const char *path, struct buffer *out)
{
    struct buffer all;
    buffer_init(&all, LINE_SIZE_MAX);
    enum err err = file_read(strcmp(path, "-") == 0 ? "/dev/stdin" : path, LINE_SIZE_MAX, &all);
    struct slice rest = buffer_slice(&all), line = slice_split(&rest, '\n');
    if (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    if (err == ERR_OK)
        buffer_add(out, line);
    secret_wipe_buffer(&all);
    buffer_done(&all);
    return err;
}

/* As it stands in a file: sealed where the server's key can be read. */
static enum err secret_write(const struct config *config, struct slice secret, struct buffer *out)
{
    char path[PATH_MAX];
    struct buffer key;
    uint8_t nonce[SECRET_NONCE_SIZE];
    snprintf(path, sizeof(path), "%.*s/keys/seal", SLICE_ARG(config->server.data_dir));
    buffer_init(&key, 4096);
    enum err err = file_read(path, 4096, &key);
    if (secret.size == 0 || err == ERR_NOT_FOUND) {
        buffer_add(out, secret);
        err = ERR_OK;
    } else if (err == ERR_OK && key.size == SECRET_KEY_SIZE && getrandom(nonce, sizeof(nonce), 0) == sizeof(nonce)) {
        err = secret_seal((const uint8_t *)key.data, nonce, secret, out);
    }
    secret_wipe_buffer(&key);
    buffer_done(&key);
    return err;
}

/* ---- facteur.ini ---- */

int files_check(struct facteur *f)
{
    struct config_problems problems;
    config_problems_init(&problems);
    struct config *config = config_file_load(f->config_path, f->language, &problems);
    config_problems_print(&problems, f->config_path);
    config_problems_done(&problems);
    bool good = config != NULL;
    config_free(config);
    return good ? EXIT_DONE : EXIT_REFUSED;
}

static void value_print(const struct facteur *f, enum config_key key, json_t *all)
{
    struct buffer value;
    buffer_init(&value, 1 << 20);
    config_value(f->config, key, &value);
    if (all)
        json_object_set_new(all, config_key_name(key), json_stringn(value.data ? value.data : "", value.size));
    else
        printf("%s = %.*s\n", config_key_name(key), SLICE_ARG(buffer_slice(&value)));
    buffer_done(&value);
}

int files_show(struct facteur *f)
{
    if (!facteur_config(f))
        return EXIT_REFUSED;
    json_t *all = f->json ? json_object() : NULL;
    for (int key = 1; key < CONFIG_KEY_COUNT; key++)
        value_print(f, (enum config_key)key, all);
    if (all)
        print_json(all);
    json_decref(all);
    return EXIT_DONE;
}

static enum config_key key_find(const char *name)
{
    enum config_key key = config_key_find(slice_of(name));
    if (key == CONFIG_KEY_NONE)
        fprintf(stderr, "facteur: %s? %s\n", name, config_key_name(config_key_nearest(slice_of(name))));
    return key;
}

int files_get(struct facteur *f, const char *name)
{
    enum config_key key = key_find(name);
    if (key == CONFIG_KEY_NONE || !facteur_config(f))
        return EXIT_REFUSED;
    struct buffer value;
    buffer_init(&value, 1 << 20);
    config_value(f->config, key, &value);
    if (f->json) {
        json_t *text = json_stringn(value.data ? value.data : "", value.size);
        print_json(text);
        json_decref(text);
    } else {
        printf("%.*s\n", SLICE_ARG(buffer_slice(&value)));
    }
    buffer_done(&value);
    return EXIT_DONE;
}

static mode_t mode_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? st.st_mode & 0777 : 0640;
}

static int text_save(struct facteur *f, struct slice text)
{
    struct config_problems problems;
    config_problems_init(&problems);
    problems.language = f->language;
    struct config *config = config_text_load(f->config_path, text, f->language, &problems);
    config_problems_print(&problems, f->config_path);
    config_problems_done(&problems);
    if (!config)
        return EXIT_REFUSED;
    config_free(f->config);
    f->config = config;
    if (f->dry_run)
        return EXIT_DONE;
    enum err err = file_write(f->config_path, text, mode_of(f->config_path));
    return err == ERR_OK ? put_in_force(f) : refused(f->config_path, err);
}

int files_set(struct facteur *f, const char *name, const char *given)
{
    enum config_key key = key_find(name);
    if (key == CONFIG_KEY_NONE)
        return EXIT_REFUSED;
    struct buffer value, quoted, text, changed;
    buffer_init(&value, LINE_SIZE_MAX);
    buffer_init(&quoted, LINE_SIZE_MAX);
    buffer_init(&text, CONFIG_FILE_SIZE_MAX + 1);
    buffer_init(&changed, CONFIG_FILE_SIZE_MAX + LINE_SIZE_MAX);
    enum err err = strcmp(given, "-") == 0 ? secret_read("-", &value) : ERR_OK;
    if (strcmp(given, "-") != 0)
        buffer_add_text(&value, given);
    if (err == ERR_OK && config_key_secret(key) && !secret_is_sealed(buffer_slice(&value)) &&
        !slice_starts_with(buffer_slice(&value), SLICE("file:")) && facteur_config(f))
        err = secret_write(f->config, buffer_slice(&value), &quoted);
    else if (err == ERR_OK)
        err = ini_quote(buffer_slice(&value), &quoted);
    if (err == ERR_OK)
        err = file_read(f->config_path, CONFIG_FILE_SIZE_MAX, &text);
    struct slice full = slice_of(config_key_name(key)), section = slice_split(&full, '.');
    if (err == ERR_OK)
        err = ini_set(buffer_slice(&text), section, full, buffer_slice(&quoted), &changed);
    int status = err == ERR_OK ? text_save(f, buffer_slice(&changed)) : refused(name, err);
    secret_wipe_buffer(&value);
    secret_wipe_buffer(&quoted);
    secret_wipe_buffer(&text);
    secret_wipe_buffer(&changed);
    buffer_done(&value);
    buffer_done(&quoted);
    buffer_done(&text);
    buffer_done(&changed);
    return status;
}

/* ---- accounts ---- */

static enum err accounts_text(const struct config *config, char path[static CONFIG_PATH_MAX], struct buffer *out)
{
    accounts_file_path(config, path);
    enum err err = file_read(path, ACCOUNTS_FILE_SIZE_MAX, out);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err password_hashed(const char *path, struct buffer *out)
{
    struct buffer password;
    uint8_t salt[SECRET_SALT_SIZE];
    buffer_init(&password, LINE_SIZE_MAX);
    enum err err = secret_read(path, &password);
    if (err == ERR_OK && password.size == 0)
        err = ERR_SYNTAX;
    if (err == ERR_OK && getrandom(salt, sizeof(salt), 0) != sizeof(salt))
        err = ERR_IO;
    if (err == ERR_OK)
        err = password_hash(buffer_slice(&password), salt, out);
    secret_wipe_buffer(&password);
    buffer_done(&password);
    return err;
}

static int accounts_save(struct facteur *f, const char *path, struct slice text)
{
    const uint64_t key[2] = { 0 };
    struct config_problems problems;
    config_problems_init(&problems);
    problems.language = f->language;
    struct accounts *accounts = accounts_text_load(f->config, path, text, key, &problems);
    config_problems_print(&problems, path);
    config_problems_done(&problems);
    if (!accounts)
        return EXIT_REFUSED;
    accounts_free(accounts);
    if (f->dry_run)
        return EXIT_DONE;
    enum err err = file_write(path, text, 0600);
    struct stat folder;
    char folder_path[CONFIG_PATH_MAX];
    snprintf(folder_path, sizeof(folder_path), "%.*s", SLICE_ARG(f->config->server.data_dir));
    if (err == ERR_OK && stat(folder_path, &folder) == 0 && geteuid() == 0 && chown(path, folder.st_uid, folder.st_gid) != 0)
        err = ERR_REFUSED; /* run by root for a server that is not: it must be able to read its accounts */
    return err == ERR_OK ? put_in_force(f) : refused(path, err);
}

static size_t slices_of(const char *const *texts, size_t count, struct slice *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = slice_of(texts[i]);
    return count;
}

int files_account(struct facteur *f, const char *verb, const struct account_arguments *a)
{
    struct slice aliases[64], no_aliases[64], send_as[64], hash, user, password;
    struct address address;
    if (!facteur_config(f))
        return EXIT_REFUSED;
    if (address_parse(slice_of(a->address), ADDRESS_UTF8, &address) != ERR_OK || address.kind != ADDRESS_MAILBOX)
        return refused(a->address, ERR_SYNTAX);
    struct account_edit edit = {
        .address = address_mailbox(&address), .create = strcmp(verb, "add") == 0, .remove = strcmp(verb, "remove") == 0,
        .alias_add = aliases, .alias_add_count = slices_of(a->aliases, a->alias_count, aliases),
        .alias_remove = no_aliases, .alias_remove_count = slices_of(a->no_aliases, a->no_alias_count, no_aliases),
        .send_as = send_as, .send_as_count = slices_of(a->send_as, a->send_as_count, send_as),
        .send_as_given = a->send_as_count > 0,
    };
    struct buffer hashed, plain, sealed, text, changed;
    buffer_init(&hashed, PASSWORD_HASH_SIZE_MAX);
    buffer_init(&plain, LINE_SIZE_MAX);
    buffer_init(&sealed, LINE_SIZE_MAX);
    buffer_init(&text, ACCOUNTS_FILE_SIZE_MAX + 1);
    buffer_init(&changed, ACCOUNTS_FILE_SIZE_MAX + LINE_SIZE_MAX);
    char path[CONFIG_PATH_MAX];
    enum err err = a->password_file ? password_hashed(a->password_file, &hashed) : ERR_OK;
    if (err == ERR_OK && a->smarthost_password_file)
        err = secret_read(a->smarthost_password_file, &plain);
    if (err == ERR_OK && a->smarthost_password_file)
        err = secret_write(f->config, buffer_slice(&plain), &sealed);
    hash = buffer_slice(&hashed);
    user = slice_of(a->smarthost_user);
    password = buffer_slice(&sealed);
    edit.password_hash = a->password_file ? &hash : NULL;
    edit.smarthost_user = a->smarthost_user ? &user : NULL;
    edit.smarthost_password = a->smarthost_password_file ? &password : NULL;
    if (err == ERR_OK)
        err = accounts_text(f->config, path, &text);
    if (err == ERR_OK)
        err = accounts_edit(buffer_slice(&text), &edit, &changed);
    int status = err == ERR_OK ? accounts_save(f, path, buffer_slice(&changed)) : refused(a->address, err);
    secret_wipe_buffer(&plain);
    secret_wipe_buffer(&sealed);
    buffer_done(&hashed);
    buffer_done(&plain);
    buffer_done(&sealed);
    buffer_done(&text);
    buffer_done(&changed);
    return status;
}

static json_t *list_of(const struct slice *items, size_t count)
{
    json_t *all = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(all, json_stringn(items[i].data, items[i].size));
    return all;
}

int files_account_list(struct facteur *f)
{
    const uint64_t key[2] = { 0 };
    if (!facteur_config(f))
        return EXIT_REFUSED;
    struct config_problems problems;
    config_problems_init(&problems);
    problems.language = f->language;
    struct accounts *accounts = accounts_file_load(f->config, key, &problems);
    config_problems_print(&problems, "accounts.ini");
    config_problems_done(&problems);
    if (!accounts)
        return EXIT_REFUSED;
    json_t *all = json_array();
    for (size_t i = 0; i < accounts->count; i++) {
        const struct account *a = &accounts->items[i];
        json_array_append_new(all, json_pack("{s:s%,s:b,s:b,s:o,s:o,s:s%}", "address", a->address.data, a->address.size, "local",
                                             (int)a->local, "login", (int)(a->hash.size > 0), "aliases",
                                             list_of(a->aliases, a->alias_count), "send_as",
                                             list_of(a->send_as, a->send_as_count), "smarthost_user",
                                             a->smarthost_user.size ? a->smarthost_user.data : "", a->smarthost_user.size));
        if (!f->json)
            printf("%.*s%s\n", SLICE_ARG(a->address), a->local ? "" : " *");
    }
    if (f->json)
        print_json(all);
    json_decref(all);
    accounts_free(accounts);
    return EXIT_DONE;
}

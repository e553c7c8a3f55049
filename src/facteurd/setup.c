#include "facteurd/setup.h"

#include <limits.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "config/secret.h"
#include "io/disk.h"
#include "io/file.h"

enum { PEM_SIZE_MAX = 64 << 10, PHRASES_SIZE_MAX = 256 << 10 };

/* The shipped phrases are part of the program, so that no installation lacks them. */
static const char SHIPPED_PHRASES[] =
#include "refusal-phrases.inc"
    ;

void setup_random(void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = getrandom((char *)bytes + done, size - done, 0);
        if (n > 0)
            done += (size_t)n;
    }
}

static void path_of(const struct config *config, const char *name, char path[static PATH_MAX])
{
    snprintf(path, PATH_MAX, "%.*s%s%s", SLICE_ARG(config->server.data_dir), *name ? "/" : "", name);
}

enum err setup_folders(const struct config *config, struct buffer *problem)
{
    static const char *const names[] = { "", "keys", "run", "mail" };
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        path_of(config, names[i], path);
        enum err err = folder_make(path, i == 0 ? 0711 : 0700); /* sendmail must reach the socket in it */
        if (err != ERR_OK) {
            buffer_add_format(problem, "the folder %s cannot be made (%s); make it, owned by the user of facteurd", path, err_name(err));
            return err;
        }
    }
    path_of(config, "keys/seal", path);
    struct stat st;
    enum err err;
    if (stat(path, &st) == 0) {
        err = folder_sync_above(path);
    } else {
        uint8_t key[SECRET_KEY_SIZE];
        setup_random(key, sizeof(key));
        err = file_write(path, slice(key, sizeof(key)), 0600);
        secret_wipe(slice(key, sizeof(key)));
    }
    if (err != ERR_OK)
        buffer_add_format(problem, "%s cannot be written (%s)", path, err_name(err));
    return err;
}

/* ---- TLS ---- */

static enum err self_signed(const struct config *config, const char *certificate_path, const char *key_path)
{
    struct stat st;
    if (stat(certificate_path, &st) == 0 && stat(key_path, &st) == 0)
        return ERR_OK;
    struct buffer certificate, key;
    buffer_init(&certificate, PEM_SIZE_MAX);
    buffer_init(&key, PEM_SIZE_MAX);
    enum err err = tls_self_signed(config->server.name, &certificate, &key);
    if (err == ERR_OK)
        err = file_write(key_path, buffer_slice(&key), 0600);
    if (err == ERR_OK)
        err = file_write(certificate_path, buffer_slice(&certificate), 0644);
    secret_wipe_buffer(&key);
    buffer_done(&key);
    buffer_done(&certificate);
    return err;
}

static const char *text_or_null(struct arena *arena, struct slice s)
{
    return s.size > 0 ? arena_text(arena, s) : NULL;
}

enum err setup_tls(const struct config *config, struct tls_store **ret_tls, struct buffer *problem)
{
    char certificate[PATH_MAX], key[PATH_MAX];
    struct arena arena = { 0 };
    struct tls_store_options options = {
        .certificate_file = text_or_null(&arena, config->tls.certificate),
        .key_file = text_or_null(&arena, config->tls.key),
        .ca_file = text_or_null(&arena, config->tls.ca_file),
    };
    enum err err = ERR_OK;
    if (!options.certificate_file) {
        path_of(config, "keys/self-signed.crt", certificate);
        path_of(config, "keys/self-signed.key", key);
        err = self_signed(config, certificate, key);
        if (err != ERR_OK)
            buffer_add_format(problem, "%s cannot be made (%s)", certificate, err_name(err));
        options.certificate_file = certificate;
        options.key_file = key;
    } else if (!options.key_file) {
        options.key_file = options.certificate_file; /* both in one file */
    }
    if (err == ERR_OK)
        err = tls_store_new(&options, problem, ret_tls);
    arena_done(&arena);
    return err;
}

/* ---- store ---- */

static const char *remedy_of(enum err err)
{
    switch (err) {
    case ERR_BUSY: return "another facteurd uses this folder; stop it, or give this one another DataDir";
    case ERR_NEWER_FORMAT: return "a later version of facteur wrote it; install that version, nothing was changed";
    case ERR_DISK_FULL: return "the disk is full; free some room and start again";
    default: return "check the disk and the folder's owner";
    }
}

struct history_options setup_history(const struct config *config)
{
    return (struct history_options){ config->limits.history_us, config->limits.history_bytes };
}

enum err setup_store(const struct config *config, struct now now, struct disk **ret_disk, struct store **ret_store,
                     struct history **ret_history, struct buffer *problem)
{
    char path[PATH_MAX];
    path_of(config, "", path);
    struct disk *disk = NULL;
    enum err err = disk_system_open(path, &disk);
    struct store_options options;
    store_options_default(&options);
    options.min_free_bytes = config->limits.min_free_bytes;
    options.segment_size = (uint32_t)config->limits.segment_bytes & ~(uint32_t)4095; /* whole pages of the disk */
    setup_random(options.seed, sizeof(options.seed));
    if (err == ERR_OK)
        err = store_open(disk, now, &options, ret_store);
    if (err != ERR_OK) {
        buffer_add_format(problem, "%s: the queue cannot be opened (%s): %s", path, err_name(err), remedy_of(err));
        disk_system_close(disk);
        return err;
    }
    const struct history_options history = setup_history(config);
    *ret_history = NULL;
    if (history_open(disk, &history, ret_history) != ERR_OK)
        *ret_history = NULL; /* for people only: mail goes without it */
    *ret_disk = disk;
    return ERR_OK;
}

void setup_phrases(const struct config *config, struct buffer *out)
{
    char path[PATH_MAX];
    buffer_add_text(out, SHIPPED_PHRASES);
    if (config->delivery.refusal_phrases_file.size == 0)
        return;
    snprintf(path, sizeof(path), "%.*s", SLICE_ARG(config->delivery.refusal_phrases_file));
    buffer_add_char(out, '\n');
    if (file_read(path, PHRASES_SIZE_MAX, out) != ERR_OK)
        fprintf(stderr, "facteurd: %s cannot be read; the shipped phrases hold\n", path);
}

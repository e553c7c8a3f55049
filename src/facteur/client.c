#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "admin/control.h"
#include "facteur/facteur.h"
#include "io/config_file.h"

const struct config *facteur_config(struct facteur *f)
{
    if (f->config)
        return f->config;
    struct config_problems problems;
    config_problems_init(&problems);
    f->config = config_file_load(f->config_path, f->language, &problems);
    if (!f->config)
        config_problems_print(&problems, f->config_path);
    config_problems_done(&problems);
    return f->config;
}

static int server_connect(struct facteur *f)
{
    char folder[CONFIG_PATH_MAX];
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    config_file_data_dir(f->config_path, folder); /* the server runs on, however wrong the file is now */
    if (snprintf(address.sun_path, sizeof(address.sun_path), "%s/control", folder) >= (int)sizeof(address.sun_path))
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    struct buffer text;
    buffer_init(&text, 4096);
    text_format(&text, f->language, TEXT_CLIENT_NO_SERVER,
                TEXT_ARGUMENTS({ "path", slice_of(address.sun_path) }, { "error", slice_of(strerror(errno)) }));
    fprintf(stderr, "facteur: %.*s\n", SLICE_ARG(buffer_slice(&text)));
    buffer_done(&text);
    close(fd);
    return -1;
}

static bool write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        data += n;
        size -= (size_t)n;
    }
    return true;
}

static json_t *answer_read(int fd)
{
    struct buffer input;
    buffer_init(&input, (size_t)1 << 30);
    char block[64 << 10];
    json_t *answer = NULL;
    for (;;) {
        ssize_t n = read(fd, block, sizeof(block));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        buffer_add(&input, slice(block, (size_t)n));
        if (memchr(block, '\n', (size_t)n)) {
            answer = json_loadb(input.data, slice_find(buffer_slice(&input), '\n'), 0, NULL);
            break;
        }
    }
    buffer_done(&input);
    return answer;
}

static json_t *result_of(const struct facteur *f, json_t *answer, int *ret_status)
{
    if (json_is_true(json_object_get(answer, "ok"))) {
        json_t *result = json_incref(json_object_get(answer, "result"));
        json_decref(answer);
        return result;
    }
    const char *error = json_string_value(json_object_get(answer, "error"));
    fprintf(stderr, "facteur: %s\n", error ? error : text_get(TEXT_CLIENT_LOST, f->language));
    size_t i;
    const json_t *problem;
    json_array_foreach(json_object_get(answer, "problems"), i, problem) fprintf(stderr, "%s\n", json_string_value(problem));
    *ret_status = answer ? EXIT_REFUSED : EXIT_USAGE;
    json_decref(answer);
    return NULL;
}

json_t *client_ask(struct facteur *f, json_t *question, int *ret_status)
{
    json_object_set_new(question, "v", json_integer(CONTROL_VERSION));
    json_object_set_new(question, "language", json_string(f->language == LANGUAGE_FR ? "fr" : "en"));
    char *text = json_dumps(question, JSON_COMPACT);
    json_decref(question);
    int fd = server_connect(f);
    *ret_status = EXIT_USAGE;
    json_t *answer = NULL;
    if (fd >= 0 && text && write_all(fd, text, strlen(text)) && write_all(fd, "\n", 1))
        answer = answer_read(fd);
    free(text);
    if (fd < 0)
        return NULL;
    close(fd);
    return result_of(f, answer, ret_status);
}

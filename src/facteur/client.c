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

/* The connection; negative: errno says why. */
static int socket_connect(const struct facteur *f, struct sockaddr_un *ret_address)
{
    char folder[CONFIG_PATH_MAX];
    *ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    config_file_data_dir(f->config_path, folder); /* the server runs on, however wrong the file is now */
    if (snprintf(ret_address->sun_path, sizeof(ret_address->sun_path), "%s/control", folder) >= (int)sizeof(ret_address->sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)ret_address, sizeof(*ret_address)) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* After an unclean end the socket is still there, and nobody at it. */
bool client_server_is_down(const struct facteur *f)
{
    struct sockaddr_un address;
    int fd = socket_connect(f, &address);
    if (fd < 0)
        return errno == ENOENT || errno == ECONNREFUSED;
    close(fd);
    return false;
}

static int server_connect(struct facteur *f)
{
    struct sockaddr_un address;
    int fd = socket_connect(f, &address);
    if (fd >= 0)
        return fd;
    struct buffer text;
    buffer_init(&text, 4096);
    text_format(&text, f->language, TEXT_CLIENT_NO_SERVER,
                TEXT_ARGUMENTS({ "path", slice_of(address.sun_path) }, { "error", slice_of(strerror(errno)) }));
    fprintf(stderr, "facteur: %.*s\n", SLICE_ARG(buffer_slice(&text)));
    buffer_done(&text);
    return -1;
}

static bool write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL); /* whom the server does not let in is told by the exit status */
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        data += n;
        size -= (size_t)n;
    }
    return true;
}

/* Lines as they come; what was read beyond one waits in `input`. */
struct reader {
    int fd;
    struct buffer input;
};

static void reader_init(struct reader *r, int fd)
{
    r->fd = fd;
    buffer_init(&r->input, (size_t)1 << 30);
}

/* The next line as JSON; NULL when there is none any more. */
static json_t *reader_next(struct reader *r)
{
    char block[64 << 10];
    size_t end, searched = 0;
    while ((end = searched + slice_find(slice_after(buffer_slice(&r->input), searched), '\n')) == r->input.size) {
        searched = r->input.size;
        ssize_t n = read(r->fd, block, sizeof(block));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return NULL;
        buffer_add(&r->input, slice(block, (size_t)n));
    }
    json_t *line = json_loadb(r->input.data, end, 0, NULL);
    buffer_consume(&r->input, end + 1);
    return line;
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

/* The connection, with the question sent; negative: told. Takes the question. */
static int question_send(struct facteur *f, json_t *question)
{
    json_object_set_new(question, "v", json_integer(CONTROL_VERSION));
    json_object_set_new(question, "language", json_string(f->language == LANGUAGE_FR ? "fr" : "en"));
    char *text = json_dumps(question, JSON_COMPACT);
    json_decref(question);
    int fd = server_connect(f);
    if (fd >= 0 && text && write_all(fd, text, strlen(text)))
        write_all(fd, "\n", 1); /* what fails shows in the answer, which does not come */
    free(text);
    return fd;
}

json_t *client_ask(struct facteur *f, json_t *question, int *ret_status)
{
    int fd = question_send(f, question);
    *ret_status = EXIT_USAGE;
    if (fd < 0)
        return NULL;
    struct reader reader;
    reader_init(&reader, fd);
    json_t *answer = reader_next(&reader);
    buffer_done(&reader.input);
    close(fd);
    return result_of(f, answer, ret_status);
}

int client_follow(struct facteur *f, json_t *question, void (*show)(const struct facteur *f, const json_t *event))
{
    int status = EXIT_USAGE, fd = question_send(f, question);
    if (fd < 0)
        return status;
    struct reader reader;
    reader_init(&reader, fd);
    json_t *events = result_of(f, reader_next(&reader), &status);
    size_t i;
    const json_t *event;
    json_array_foreach(events, i, event) show(f, event);
    while (events && fflush(stdout) == 0) {
        json_t *line = reader_next(&reader);
        if (!line)
            break;
        if (json_is_object(json_object_get(line, "event")))
            show(f, json_object_get(line, "event"));
        json_decref(line);
    }
    if (events && !ferror(stdout))
        fprintf(stderr, "facteur: %s\n", text_get(TEXT_CLIENT_LOST, f->language));
    json_decref(events);
    buffer_done(&reader.input);
    close(fd);
    return status;
}

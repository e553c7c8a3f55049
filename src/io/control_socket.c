#include "io/control_socket.h"

#include <errno.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/control.h"
#include "base/arena.h"
#include "base/list.h"
#include "io/peer_user.h"

#define GROUP_NAME "facteur"

enum { PEER_GROUPS_MAX = 65536, GROUP_TEXT_MAX = 64 << 10 };

struct client {
    uv_pipe_t pipe; /* first: a handle's data is its client */
    struct list_item item;
    struct control_socket *socket;
    uint64_t number;
    struct buffer input;
    size_t unsent;
    bool closing;
    char block[16 << 10];
};

struct control_socket {
    uv_pipe_t pipe;
    struct control_socket_options options;
    struct list clients;
    uint32_t client_count;
    uint64_t last_number;
    bool has_group;
    gid_t group;
    bool closing;
};

struct write_request {
    uv_write_t uv;
    struct client *client;
    size_t size;
    char data[];
};

static void client_freed(uv_handle_t *handle)
{
    struct client *c = handle->data;
    buffer_done(&c->input);
    mem_free(c);
}

static void client_close(struct client *c)
{
    if (c->closing)
        return;
    c->closing = true;
    list_remove(&c->socket->clients, &c->item);
    c->socket->client_count--;
    c->socket->options.gone(c->socket->options.context, c->number);
    uv_close((uv_handle_t *)&c->pipe, client_freed);
}

static struct client *client_find(struct control_socket *s, uint64_t number)
{
    for (struct list_item *i = list_first(&s->clients); i; i = list_next(&s->clients, i))
        if (LIST_OWNER(i, struct client, item)->number == number)
            return LIST_OWNER(i, struct client, item);
    return NULL;
}

/* ---- lines ---- */

static void lines_take(struct client *c)
{
    struct control_socket *s = c->socket;
    uint64_t number = c->number;
    for (;;) {
        struct slice all = buffer_slice(&c->input);
        size_t end = slice_find(all, '\n');
        if (end == all.size)
            return;
        struct buffer line;
        buffer_init(&line, end + 1);
        buffer_add(&line, slice_part(all, 0, end));
        buffer_consume(&c->input, end + 1);
        s->options.line(s->options.context, number, buffer_slice(&line));
        buffer_done(&line);
        if (client_find(s, number) != c)
            return; /* cut off meanwhile */
    }
}

static void give_block(uv_handle_t *handle, size_t size, uv_buf_t *ret_block)
{
    struct client *c = handle->data;
    (void)size;
    *ret_block = uv_buf_init(c->block, sizeof(c->block));
}

static void came(uv_stream_t *stream, ssize_t count, const uv_buf_t *block)
{
    struct client *c = stream->data;
    if (count > 0)
        buffer_add(&c->input, slice(block->base, (size_t)count));
    if (count < 0 || c->input.overflow)
        client_close(c);
    else
        lines_take(c);
}

static void written(uv_write_t *uv, int status)
{
    struct write_request *w = (struct write_request *)uv;
    w->client->unsent -= w->size;
    if (status != 0)
        client_close(w->client);
    mem_free(w);
}

void control_socket_send(struct control_socket *s, uint64_t client, struct slice line)
{
    struct client *c = client_find(s, client);
    if (!c)
        return;
    if (c->unsent + line.size > CONTROL_UNSENT_MAX) {
        client_close(c);
        return;
    }
    struct write_request *w = mem_realloc(NULL, 1, sizeof(*w) + line.size + 1);
    w->client = c;
    w->size = line.size + 1;
    memcpy(w->data, line.data, line.size);
    w->data[line.size] = '\n';
    c->unsent += w->size;
    uv_buf_t part = uv_buf_init(w->data, (unsigned)w->size);
    if (uv_write(&w->uv, (uv_stream_t *)&c->pipe, &part, 1, written) != 0) {
        c->unsent -= w->size;
        mem_free(w);
        client_close(c);
    }
}

size_t control_socket_unsent(struct control_socket *s, uint64_t client)
{
    const struct client *c = client_find(s, client);
    return c ? c->unsent : 0;
}

/* ---- who comes ---- */

/* The groups that the peer had when it connected. */
static bool in_group(int fd, const struct ucred *peer, gid_t group)
{
    socklen_t size = 0;
    if (peer->gid == group)
        return true;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) == 0 || errno != ERANGE || size > PEER_GROUPS_MAX * sizeof(gid_t))
        return false; /* none, or not to be told */
    gid_t *groups = mem_alloc(size);
    bool found = false;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) == 0)
        for (size_t i = 0; i < size / sizeof(gid_t); i++)
            found = found || groups[i] == group;
    mem_free(groups);
    return found;
}

static bool allowed(const struct control_socket *s, const uv_pipe_t *pipe)
{
    uv_os_fd_t fd;
    struct ucred peer;
    socklen_t size = sizeof(peer);
    char user[PEER_USER_SIZE_MAX];
    if (uv_fileno((const uv_handle_t *)pipe, &fd) != 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return false;
    return peer.uid == 0 || peer.uid == geteuid() || (s->has_group && in_group(fd, &peer, s->group)) ||
           s->options.admin(s->options.context, peer_user(fd, user));
}

static void connected(uv_stream_t *stream, int status)
{
    struct control_socket *s = stream->data;
    if (status != 0)
        return;
    struct client *c = mem_alloc(sizeof(*c));
    uv_pipe_init(s->options.uv, &c->pipe, 0);
    c->pipe.data = c;
    c->socket = s;
    c->number = ++s->last_number;
    buffer_init(&c->input, CONTROL_LINE_SIZE_MAX);
    list_append(&s->clients, &c->item);
    s->client_count++;
    bool taken = uv_accept(stream, (uv_stream_t *)&c->pipe) == 0;
    if (!taken || s->client_count > CONTROL_CLIENTS_MAX || !allowed(s, &c->pipe) ||
        uv_read_start((uv_stream_t *)&c->pipe, give_block, came) != 0)
        client_close(c);
}

/* The socket is given to the group where that is possible; else there is none that may. */
static void group_give(struct control_socket *s)
{
    struct group entry;
    struct group *found = NULL;
    char *text = mem_alloc(GROUP_TEXT_MAX);
    s->has_group = getgrnam_r(GROUP_NAME, &entry, text, GROUP_TEXT_MAX, &found) == 0 && found &&
                   chown(s->options.path, (uid_t)-1, entry.gr_gid) == 0;
    s->group = s->has_group ? entry.gr_gid : 0;
    mem_free(text);
}

static int mode_set(const struct control_socket *s)
{
    mode_t mode = s->options.named ? 0666 : s->has_group ? 0660 : 0600;
    return chmod(s->options.path, mode) == 0 ? 0 : -errno;
}

void control_socket_set_named(struct control_socket *s, bool named)
{
    s->options.named = named;
    if (mode_set(s) != 0)
        s->options.named = false; /* the file has gone: nobody comes any more */
}

enum err control_socket_new(const struct control_socket_options *options, struct buffer *problem,
                            struct control_socket **ret_socket)
{
    struct control_socket *s = mem_alloc(sizeof(*s));
    s->options = *options;
    list_init(&s->clients);
    uv_pipe_init(options->uv, &s->pipe, 0);
    s->pipe.data = s;
    *ret_socket = s;
    unlink(options->path); /* left by an unclean end: the lock of DataDir says that nobody else is here */
    int status = uv_pipe_bind(&s->pipe, options->path);
    if (status == 0) {
        group_give(s);
        status = mode_set(s);
    }
    if (status == 0)
        status = uv_listen((uv_stream_t *)&s->pipe, CONTROL_CLIENTS_MAX, connected);
    if (status == 0)
        return ERR_OK;
    buffer_add_format(problem, "the control socket %s cannot be opened (%s)", options->path, uv_strerror(status));
    return ERR_REFUSED;
}

static void socket_freed(uv_handle_t *handle)
{
    mem_free(handle->data);
}

void control_socket_close(struct control_socket *s)
{
    if (!s || s->closing)
        return;
    s->closing = true;
    unlink(s->options.path);
    struct list_item *item;
    while ((item = list_first(&s->clients)))
        client_close(LIST_OWNER(item, struct client, item));
    uv_close((uv_handle_t *)&s->pipe, socket_freed);
}

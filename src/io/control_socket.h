/* The control socket (DataDir/control): who may speak to it, lines in and out. Root, the user of facteurd, the members of the group
 * "facteur" (where there is one that facteurd is in), and whom [Server] Admins names: by the socket's mode, 0600 or 0660,
 * and, again, by the peer's credentials; by these alone (0666) while somebody is named. No other group counts, whatever
 * facteurd runs as: many systems have all their users in one.
 *
 * A client that sends a line above its limit, or does not read what it asked for, is cut off. */
#pragma once

#include <uv.h>

#include "base/bytes.h"
#include "base/err.h"

enum { CONTROL_CLIENTS_MAX = 64, CONTROL_UNSENT_MAX = 64 << 20 };

struct control_socket;

struct control_socket_options {
    uv_loop_t *uv;
    const char *path;
    void (*line)(void *context, uint64_t client, struct slice line); /* without its end */
    void (*gone)(void *context, uint64_t client);
    bool (*admin)(void *context, struct slice user); /* the system's user is named in [Server] Admins */
    bool named;                                      /* somebody is */
    void *context;
};

enum err control_socket_new(const struct control_socket_options *options, struct buffer *problem,
                            struct control_socket **ret_socket);
void control_socket_set_named(struct control_socket *socket, bool named); /* a new configuration */
void control_socket_close(struct control_socket *socket); /* the loop frees it when it runs next; NULL is fine */
/* Adds the line's end. A client that has gone is no error. */
void control_socket_send(struct control_socket *socket, uint64_t client, struct slice line);
size_t control_socket_unsent(struct control_socket *socket, uint64_t client); /* octets; 0 also when it has gone */

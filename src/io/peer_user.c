#include "io/peer_user.h"

#include <pwd.h>
#include <stdio.h>
#include <sys/socket.h>

/* getpwuid_r may ask a directory service and wait for it; here that is a unix socket's peer on this machine, seldom and
 * for /etc/passwd in practice. A name that does not fit is replaced by the number. */
struct slice peer_user(int descriptor, char text[static PEER_USER_SIZE_MAX])
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return SLICE_EMPTY;
    char block[4096];
    struct passwd entry;
    struct passwd *found = NULL;
    if (getpwuid_r(peer.uid, &entry, block, sizeof block, &found) == 0 && found &&
        strlen(found->pw_name) < PEER_USER_SIZE_MAX)
        snprintf(text, PEER_USER_SIZE_MAX, "%s", found->pw_name);
    else
        snprintf(text, PEER_USER_SIZE_MAX, "uid-%u", (unsigned)peer.uid);
    return slice_of(text);
}

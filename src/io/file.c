#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err err_of_errno(void)
{
    switch (errno) {
    case ENOENT:
    case ENOTDIR: return ERR_NOT_FOUND;
    case EACCES:
    case EPERM: return ERR_REFUSED;
    case ENOSPC:
    case EDQUOT: return ERR_DISK_FULL;
    default: return ERR_IO;
    }
}

static enum err read_all(int fd, size_t size_max, struct buffer *out)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return err_of_errno();
    if (S_ISDIR(st.st_mode))
        return ERR_REFUSED;
    char block[16 << 10];
    size_t total = 0;
    for (;;) {
        ssize_t n = read(fd, block, sizeof(block));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_of_errno();
        if (n == 0)
            return ERR_OK;
        total += (size_t)n;
        if (total > size_max)
            return ERR_TOO_LARGE;
        buffer_add(out, slice(block, (size_t)n));
    }
}

enum err file_read(const char *path, size_t size_max, struct buffer *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_of_errno();
    enum err err = read_all(fd, size_max, out);
    close(fd);
    return err == ERR_OK && out->overflow ? ERR_TOO_LARGE : err;
}

static enum err write_all(int fd, struct slice bytes)
{
    while (bytes.size > 0) {
        ssize_t n = write(fd, bytes.data, bytes.size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_of_errno();
        bytes = slice_after(bytes, (size_t)n);
    }
    return fsync(fd) == 0 ? ERR_OK : ERR_IO;
}

enum err folder_sync_above(const char *path)
{
    char folder[PATH_MAX];
    size_t cut = slice_find_last(slice_of(path), '/');
    if (cut == strlen(path))
        snprintf(folder, sizeof(folder), ".");
    else
        snprintf(folder, sizeof(folder), "%.*s", cut == 0 ? 1 : (int)cut, path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_of_errno();
    enum err err = fsync(fd) == 0 ? ERR_OK : ERR_IO;
    close(fd);
    return err;
}

enum err file_write(const char *path, struct slice bytes, mode_t mode)
{
    char temporary[PATH_MAX];
    if (snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int)sizeof(temporary))
        return ERR_TOO_LARGE;
    unlink(temporary); /* left by an unclean end */
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0)
        return err_of_errno();
    enum err err = write_all(fd, bytes);
    close(fd);
    if (err == ERR_OK && rename(temporary, path) != 0)
        err = err_of_errno();
    if (err != ERR_OK) {
        unlink(temporary);
        return err;
    }
    return folder_sync_above(path);
}

enum err folder_make(const char *path, mode_t mode)
{
    char part[PATH_MAX];
    size_t size = strlen(path);
    if (size == 0 || size >= sizeof(part))
        return ERR_TOO_LARGE;
    for (size_t i = 1; i <= size; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, mode) == 0) {
            enum err err = folder_sync_above(part);
            if (err != ERR_OK)
                return err;
        } else if (errno != EEXIST && !(errno == EROFS && path[i] == '/')) {
            return err_of_errno();
        }
    }
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? ERR_OK : ERR_REFUSED;
}

/* The calls themselves, as shim.c found them behind its own. */
#pragma once

#include <fcntl.h>
#include <sys/types.h>
#include <sys/uio.h>

struct real {
    int (*open)(const char *path, int flags, ...);
    int (*openat)(int folder, const char *path, int flags, ...);
    long (*syscall)(long number, ...);
    ssize_t (*write)(int descriptor, const void *data, size_t size);
    ssize_t (*writev)(int descriptor, const struct iovec *parts, int count);
    ssize_t (*pwrite)(int descriptor, const void *data, size_t size, off_t offset);
    ssize_t (*pwritev)(int descriptor, const struct iovec *parts, int count, off_t offset);
    int (*fsync)(int descriptor);
    int (*fdatasync)(int descriptor);
    int (*ftruncate)(int descriptor, off_t size);
    int (*posix_fallocate)(int descriptor, off_t offset, off_t size);
    int (*rename)(const char *from, const char *to);
    int (*renameat)(int from_folder, const char *from, int to_folder, const char *to);
    int (*linkat)(int from_folder, const char *from, int to_folder, const char *to, int flags);
    int (*unlink)(const char *path);
    int (*unlinkat)(int folder, const char *path, int flags);
    int (*mkdir)(const char *path, mode_t mode);
    int (*mkdirat)(int folder, const char *path, mode_t mode);
};

extern struct real real;

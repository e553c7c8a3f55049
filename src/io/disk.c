#include "io/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/arena.h"

enum { WRITE_PARTS_MAX = 512 }; /* below IOV_MAX */

struct system_disk {
    struct disk disk;
    int folder;
};

struct system_file {
    struct disk_file file;
    int descriptor;
};

static struct system_disk *system_disk(struct disk *disk)
{
    return (struct system_disk *)disk;
}

static int descriptor_of(struct disk_file *file)
{
    return ((struct system_file *)file)->descriptor;
}

static enum err err_of_errno(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return ERR_NOT_FOUND;
    case EEXIST:
        return ERR_EXISTS;
    case ENOSPC:
    case EDQUOT:
        return ERR_DISK_FULL;
    case EWOULDBLOCK:
        return ERR_BUSY;
    default:
        return ERR_IO;
    }
}

static int open_below(struct disk *disk, const char *path, int flags)
{
    struct open_how how = {
        .flags = (uint64_t)(flags | O_CLOEXEC),
        .mode = flags & O_CREAT ? 0600 : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    int descriptor;
    do {
        descriptor = (int)syscall(SYS_openat2, system_disk(disk)->folder, path, &how, sizeof how);
    } while (descriptor < 0 && (errno == EINTR || errno == EAGAIN));
    return descriptor;
}

static enum err system_open(struct disk *disk, const char *path, unsigned flags, struct disk_file **ret_file)
{
    int mode = flags & DISK_OPEN_WRITE ? O_RDWR : O_RDONLY;
    if (flags & DISK_OPEN_CREATE)
        mode |= O_CREAT;
    if (flags & DISK_OPEN_EXCLUSIVE)
        mode |= O_EXCL;
    int descriptor = open_below(disk, path, mode);
    if (descriptor < 0)
        return err_of_errno(errno);
    if ((flags & DISK_OPEN_LOCK) && flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        enum err err = err_of_errno(errno);
        close(descriptor);
        return err;
    }
    struct system_file *file = mem_alloc(sizeof *file);
    file->file.calls = disk->calls;
    file->descriptor = descriptor;
    *ret_file = &file->file;
    return ERR_OK;
}

static void system_close(struct disk_file *file)
{
    close(descriptor_of(file));
    mem_free(file);
}

static enum err system_read(struct disk_file *file, uint64_t offset, void *data, size_t size, size_t *ret_size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = pread(descriptor_of(file), (char *)data + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_of_errno(errno);
        if (n == 0)
            break;
        done += (size_t)n;
    }
    *ret_size = done;
    return ERR_OK;
}

/* Drops `count` written octets from the front of the parts. */
static void parts_advance(struct iovec **parts, size_t *part_count, size_t count)
{
    while (*part_count > 0 && count >= (*parts)->iov_len) {
        count -= (*parts)->iov_len;
        (*parts)++;
        (*part_count)--;
    }
    if (count > 0) {
        (*parts)->iov_base = (char *)(*parts)->iov_base + count;
        (*parts)->iov_len -= count;
    }
}

static enum err write_parts(int descriptor, uint64_t offset, struct iovec *parts, size_t part_count)
{
    while (part_count > 0) {
        ssize_t n = pwritev(descriptor, parts, (int)part_count, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_of_errno(errno);
        if (n == 0)
            return ERR_IO;
        offset += (uint64_t)n;
        parts_advance(&parts, &part_count, (size_t)n);
    }
    return ERR_OK;
}

static enum err system_write(struct disk_file *file, uint64_t offset, const struct disk_slice *slices, size_t count)
{
    struct iovec parts[WRITE_PARTS_MAX];
    size_t from = 0;
    while (from < count) {
        size_t n = 0;
        size_t size = 0;
        for (; n < WRITE_PARTS_MAX && from + n < count; n++) {
            parts[n] = (struct iovec){ (void *)slices[from + n].data, slices[from + n].size };
            size += slices[from + n].size;
        }
        if (size > 0) {
            enum err err = write_parts(descriptor_of(file), offset, parts, n);
            if (err != ERR_OK)
                return err;
        }
        offset += size;
        from += n;
    }
    return ERR_OK;
}

static enum err system_sync(struct disk_file *file)
{
    return fdatasync(descriptor_of(file)) == 0 ? ERR_OK : err_of_errno(errno);
}

static enum err system_truncate(struct disk_file *file, uint64_t size)
{
    return ftruncate(descriptor_of(file), (off_t)size) == 0 ? ERR_OK : err_of_errno(errno);
}

static enum err system_size(struct disk_file *file, uint64_t *ret_size)
{
    struct stat facts;
    if (fstat(descriptor_of(file), &facts) != 0)
        return err_of_errno(errno);
    *ret_size = (uint64_t)facts.st_size;
    return ERR_OK;
}

static enum err system_rename(struct disk *disk, const char *from, const char *to)
{
    int folder = system_disk(disk)->folder;
    return renameat(folder, from, folder, to) == 0 ? ERR_OK : err_of_errno(errno);
}

static enum err system_remove(struct disk *disk, const char *path)
{
    return unlinkat(system_disk(disk)->folder, path, 0) == 0 ? ERR_OK : err_of_errno(errno);
}

static enum err system_make_folder(struct disk *disk, const char *path)
{
    return mkdirat(system_disk(disk)->folder, path, 0700) == 0 ? ERR_OK : err_of_errno(errno);
}

static enum err system_sync_folder(struct disk *disk, const char *path)
{
    int descriptor = open_below(disk, path[0] ? path : ".", O_RDONLY | O_DIRECTORY);
    if (descriptor < 0)
        return err_of_errno(errno);
    enum err err = fsync(descriptor) == 0 ? ERR_OK : err_of_errno(errno);
    close(descriptor);
    return err;
}

static enum err system_list(struct disk *disk, const char *path, bool (*each)(void *context, const char *name),
                            void *context)
{
    int descriptor = open_below(disk, path[0] ? path : ".", O_RDONLY | O_DIRECTORY);
    if (descriptor < 0)
        return err_of_errno(errno);
    DIR *folder = fdopendir(descriptor);
    if (!folder) {
        close(descriptor);
        return ERR_IO;
    }
    enum err err = ERR_OK;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (!entry) {
            if (errno != 0)
                err = err_of_errno(errno);
            break;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (!each(context, entry->d_name))
            break;
    }
    closedir(folder);
    return err;
}

static enum err system_space(struct disk *disk, struct disk_space *ret_space)
{
    struct statvfs facts;
    if (fstatvfs(system_disk(disk)->folder, &facts) != 0)
        return err_of_errno(errno);
    ret_space->free_bytes = (uint64_t)facts.f_bavail * facts.f_frsize;
    ret_space->total_bytes = (uint64_t)facts.f_blocks * facts.f_frsize;
    return ERR_OK;
}

static const struct disk_calls system_calls = {
    .open = system_open,
    .close = system_close,
    .read = system_read,
    .write = system_write,
    .sync = system_sync,
    .truncate = system_truncate,
    .size = system_size,
    .rename = system_rename,
    .remove = system_remove,
    .make_folder = system_make_folder,
    .sync_folder = system_sync_folder,
    .list = system_list,
    .space = system_space,
};

enum err disk_system_open(const char *folder, struct disk **ret_disk)
{
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return err_of_errno(errno);
    struct system_disk *disk = mem_alloc(sizeof *disk);
    disk->disk.calls = &system_calls;
    disk->folder = descriptor;
    *ret_disk = &disk->disk;
    return ERR_OK;
}

void disk_system_close(struct disk *disk)
{
    if (!disk)
        return;
    close(system_disk(disk)->folder);
    mem_free(disk);
}

/* LD_PRELOAD: ends the program at the N-th call that changes what is on disk below one folder, and says which call that was.
 *
 * Counted, in the order in which they happen, one at a time: write, pwrite, pwritev, writev, fsync, fdatasync, ftruncate and
 * posix_fallocate on regular files (the syncs on folders too), rename, unlink, mkdir with their ...at forms, and open with
 * O_CREAT, by openat2 as well. The environment says what is wanted:
 *
 *   CRASH_FOLDER  absolute path of the folder; without it nothing is done
 *   CRASH_TRACE   a file that gets a line for each: its number, the call, the path below the folder, octets
 *   CRASH_AT      SIGKILL at this one; 0: never
 *   CRASH_HOW     before the call, after it, or half: a write that has written half of its octets (else as after)
 *   CRASH_ASIDE   an empty folder on the same file system: what is unsynced is watched (unsynced.h), and lost at that moment
 *   CRASH_SEED    which part of it is lost; 0: all
 *   CRASH_KEEP    1: it is not lost but written down in CRASH_ASIDE for the next run
 *   CRASH_LIE     1: syncs do nothing and say that they have: a planted defect, which the tests must find
 *
 * Calls that would go unnoticed by the watch (O_TRUNC, link) end the program with a sentence. */
#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "real.h"
#include "unsynced.h"

#define EXPORT __attribute__((visibility("default")))
#define ALSO_AS(name) EXPORT __attribute__((alias(name)))

enum how { HOW_BEFORE, HOW_AFTER, HOW_HALF };
enum { PARTS_MAX = 1024 };

struct real real;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char folder[PATH_MAX];
static size_t folder_size;
static int trace = -1;
static uint64_t at, seed, count;
static enum how how;
static bool watching, keeping, lying;

/* ---- what is wanted ---- */

static void *find(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    assert(found);
    return found;
}

#define FIND(name) real.name = (__typeof__(real.name))find(#name)

static uint64_t number_of(const char *name)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : 0;
}

static void find_all(void)
{
    FIND(open), FIND(openat), FIND(syscall), FIND(write), FIND(writev), FIND(pwrite), FIND(pwritev), FIND(fsync), FIND(fdatasync);
    FIND(ftruncate), FIND(posix_fallocate), FIND(rename), FIND(renameat), FIND(linkat), FIND(unlink), FIND(unlinkat), FIND(mkdir);
    FIND(mkdirat);
}

__attribute__((constructor)) static void begin(void)
{
    find_all();
    const char *wanted = getenv("CRASH_FOLDER"), *file = getenv("CRASH_TRACE"), *manner = getenv("CRASH_HOW"), *aside = getenv("CRASH_ASIDE");
    if (!wanted)
        return;
    snprintf(folder, sizeof folder, "%s", wanted);
    folder_size = strlen(folder);
    at = number_of("CRASH_AT");
    seed = number_of("CRASH_SEED");
    keeping = number_of("CRASH_KEEP");
    lying = number_of("CRASH_LIE");
    how = manner && strcmp(manner, "after") == 0 ? HOW_AFTER : manner && strcmp(manner, "half") == 0 ? HOW_HALF : HOW_BEFORE;
    if (file)
        trace = real.open(file, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    watching = aside != NULL;
    if (aside)
        unsynced_init(aside);
}

/* ---- one call ---- */

static _Noreturn void die(void)
{
    if (watching && keeping)
        unsynced_save();
    else if (watching)
        unsynced_lose(seed);
    raise(SIGKILL);
    abort();
}

static bool is_below(const char *path)
{
    return folder_size > 0 && strncmp(path, folder, folder_size) == 0 && (path[folder_size] == '/' || path[folder_size] == '\0');
}

static bool path_of(int descriptor, char path[static PATH_MAX])
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t size = readlink(link, path, PATH_MAX - 1);
    path[size > 0 ? size : 0] = '\0';
    return size > 0;
}

/* False: not of our business. */
static bool path_below(int from, const char *name, char path[static PATH_MAX])
{
    char base[PATH_MAX];
    if (folder_size == 0 || (name[0] != '/' && from != AT_FDCWD && !path_of(from, base)))
        return false;
    if (name[0] != '/' && from == AT_FDCWD && !getcwd(base, sizeof base))
        return false;
    int size = name[0] == '/' ? snprintf(path, PATH_MAX, "%s", name) : snprintf(path, PATH_MAX, "%s/%s", base, name);
    return size < PATH_MAX && is_below(path);
}

static bool descriptor_below(int descriptor, bool folders_too, char path[static PATH_MAX])
{
    struct stat st;
    if (folder_size == 0 || fstat(descriptor, &st) != 0)
        return false;
    bool file = S_ISREG(st.st_mode) || (folders_too && S_ISDIR(st.st_mode));
    return file && path_of(descriptor, path) && is_below(path);
}

/* The lock is held until call_end. */
static void call_begin(const char *name, const char *path, uint64_t size)
{
    pthread_mutex_lock(&lock);
    count++;
    if (trace >= 0) {
        char line[PATH_MAX + 80];
        int length = snprintf(line, sizeof line, "%llu %s %s %llu\n", (unsigned long long)count, name,
                              path[folder_size] ? path + folder_size + 1 : ".", (unsigned long long)size);
        ssize_t written = real.write(trace, line, (size_t)length);
        assert(written == length);
    }
    if (count == at && how == HOW_BEFORE)
        die();
}

static void call_end(void)
{
    if (count == at)
        die();
    int number = errno;
    pthread_mutex_unlock(&lock);
    errno = number;
}

/* ---- octets ---- */

static ssize_t parts_write(int descriptor, const struct iovec *parts, int part_count, off_t offset)
{
    return offset < 0 ? real.writev(descriptor, parts, part_count) : real.pwritev(descriptor, parts, part_count, offset);
}

static size_t parts_size(const struct iovec *parts, int part_count)
{
    size_t size = 0;
    for (int i = 0; i < part_count; i++)
        size += parts[i].iov_len;
    return size;
}

static void parts_write_half(int descriptor, const struct iovec *parts, int part_count, off_t offset)
{
    struct iovec half[PARTS_MAX];
    size_t left = parts_size(parts, part_count) / 2;
    int taken = 0;
    for (; taken < part_count && taken < PARTS_MAX && left > 0; taken++) {
        half[taken] = parts[taken];
        if (half[taken].iov_len > left)
            half[taken].iov_len = left;
        left -= half[taken].iov_len;
    }
    ssize_t written = parts_write(descriptor, half, taken, offset);
    assert(written >= 0);
}

/* offset below 0: where the file stands. */
static ssize_t write_counted(const char *name, int descriptor, const struct iovec *parts, int part_count, off_t offset, const char *path)
{
    size_t size = parts_size(parts, part_count);
    call_begin(name, path, size);
    if (watching)
        unsynced_writing(descriptor, (uint64_t)(offset < 0 ? lseek(descriptor, 0, SEEK_CUR) : offset), size);
    if (count == at && how == HOW_HALF) {
        parts_write_half(descriptor, parts, part_count, offset);
        die();
    }
    ssize_t result = parts_write(descriptor, parts, part_count, offset);
    call_end();
    return result;
}

EXPORT ssize_t write(int descriptor, const void *data, size_t size)
{
    char path[PATH_MAX];
    if (!descriptor_below(descriptor, false, path))
        return real.write(descriptor, data, size);
    return write_counted("write", descriptor, &(struct iovec){ (void *)data, size }, 1, -1, path);
}

EXPORT ssize_t writev(int descriptor, const struct iovec *parts, int part_count)
{
    char path[PATH_MAX];
    if (!descriptor_below(descriptor, false, path))
        return real.writev(descriptor, parts, part_count);
    return write_counted("writev", descriptor, parts, part_count, -1, path);
}

EXPORT ssize_t pwrite(int descriptor, const void *data, size_t size, off_t offset)
{
    char path[PATH_MAX];
    if (!descriptor_below(descriptor, false, path))
        return real.pwrite(descriptor, data, size, offset);
    return write_counted("pwrite", descriptor, &(struct iovec){ (void *)data, size }, 1, offset, path);
}

EXPORT ssize_t pwritev(int descriptor, const struct iovec *parts, int part_count, off_t offset)
{
    char path[PATH_MAX];
    if (!descriptor_below(descriptor, false, path))
        return real.pwritev(descriptor, parts, part_count, offset);
    return write_counted("pwritev", descriptor, parts, part_count, offset, path);
}

ssize_t pwrite64(int descriptor, const void *data, size_t size, off_t offset) ALSO_AS("pwrite");
ssize_t pwritev64(int descriptor, const struct iovec *parts, int part_count, off_t offset) ALSO_AS("pwritev");

EXPORT int ftruncate(int descriptor, off_t size)
{
    char path[PATH_MAX];
    if (!descriptor_below(descriptor, false, path))
        return real.ftruncate(descriptor, size);
    call_begin("ftruncate", path, (uint64_t)size);
    if (watching)
        unsynced_resizing(descriptor, (uint64_t)size);
    int result = real.ftruncate(descriptor, size);
    call_end();
    return result;
}

EXPORT int posix_fallocate(int descriptor, off_t offset, off_t size)
{
    char path[PATH_MAX];
    if (!descriptor_below(descriptor, false, path))
        return real.posix_fallocate(descriptor, offset, size);
    call_begin("posix_fallocate", path, (uint64_t)size);
    if (watching)
        unsynced_resizing(descriptor, (uint64_t)(offset + size));
    int result = real.posix_fallocate(descriptor, offset, size);
    call_end();
    return result;
}

int ftruncate64(int descriptor, off_t size) ALSO_AS("ftruncate");
int posix_fallocate64(int descriptor, off_t offset, off_t size) ALSO_AS("posix_fallocate");

/* ---- syncs ---- */

static int sync_counted(const char *name, int (*sync)(int), int descriptor)
{
    char path[PATH_MAX];
    if (!descriptor_below(descriptor, true, path))
        return sync(descriptor);
    call_begin(name, path, 0);
    int result = lying ? 0 : sync(descriptor);
    if (watching && !lying && result == 0)
        unsynced_synced(descriptor);
    call_end();
    return result;
}

EXPORT int fsync(int descriptor)
{
    return sync_counted("fsync", real.fsync, descriptor);
}

EXPORT int fdatasync(int descriptor)
{
    return sync_counted("fdatasync", real.fdatasync, descriptor);
}

/* ---- names ---- */

static int name_end(int result)
{
    if (watching && result != 0)
        unsynced_failed();
    call_end();
    return result;
}

EXPORT int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    char from_path[PATH_MAX], to_path[PATH_MAX];
    if (!path_below(to_folder, to, to_path) || !path_below(from_folder, from, from_path))
        return real.renameat(from_folder, from, to_folder, to);
    call_begin("rename", to_path, 0);
    if (watching)
        unsynced_renaming(from_path, to_path);
    return name_end(real.renameat(from_folder, from, to_folder, to));
}

EXPORT int rename(const char *from, const char *to)
{
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

EXPORT int unlinkat(int from, const char *name, int flags)
{
    char path[PATH_MAX];
    if (!path_below(from, name, path))
        return real.unlinkat(from, name, flags);
    call_begin("unlink", path, 0);
    if (watching)
        unsynced_removing(path);
    return name_end(real.unlinkat(from, name, flags));
}

EXPORT int unlink(const char *name)
{
    return unlinkat(AT_FDCWD, name, 0);
}

EXPORT int mkdirat(int from, const char *name, mode_t mode)
{
    char path[PATH_MAX];
    if (!path_below(from, name, path))
        return real.mkdirat(from, name, mode);
    call_begin("mkdir", path, 0);
    int result = real.mkdirat(from, name, mode);
    if (watching && result == 0)
        unsynced_made(path);
    call_end();
    return result;
}

EXPORT int mkdir(const char *name, mode_t mode)
{
    return mkdirat(AT_FDCWD, name, mode);
}

EXPORT int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags)
{
    char path[PATH_MAX];
    assert(!path_below(to_folder, to, path)); /* not watched: a new use of it needs its lines here */
    return real.linkat(from_folder, from, to_folder, to, flags);
}

EXPORT int link(const char *from, const char *to)
{
    return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

/* ---- open ---- */

struct opening {
    char path[PATH_MAX];
    bool counts;
    bool was_there;
};

static void open_begin(struct opening *o, int from, const char *name, uint64_t flags)
{
    o->counts = (flags & (O_CREAT | O_TRUNC)) && path_below(from, name, o->path);
    if (!o->counts)
        return;
    assert(!(flags & O_TRUNC)); /* not watched: a new use of it needs its lines here */
    call_begin("open", o->path, 0);
    struct stat st;
    o->was_there = lstat(o->path, &st) == 0;
}

static void open_end(const struct opening *o, long descriptor)
{
    if (!o->counts)
        return;
    if (watching && descriptor >= 0 && !o->was_there)
        unsynced_made(o->path);
    call_end();
}

EXPORT int openat(int from, const char *name, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    struct opening o;
    open_begin(&o, from, name, (uint64_t)flags);
    int descriptor = real.openat(from, name, flags, mode);
    open_end(&o, descriptor);
    return descriptor;
}

EXPORT int open(const char *name, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return openat(AT_FDCWD, name, flags, mode);
}

int openat64(int from, const char *name, int flags, ...) ALSO_AS("openat");
int open64(const char *name, int flags, ...) ALSO_AS("open");

/* io/disk opens by openat2, which the C library of Debian 12 has no function for. */
EXPORT long syscall(long number, ...)
{
    long a[6];
    va_list rest;
    va_start(rest, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(rest, long);
    va_end(rest);
    struct opening o = { .counts = false };
    if (number == SYS_openat2)
        open_begin(&o, (int)a[0], (const char *)a[1], ((const struct open_how *)a[2])->flags);
    long result = real.syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    open_end(&o, result);
    return result;
}

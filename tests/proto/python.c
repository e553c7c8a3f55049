#include "python.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_SIZE_MAX = 4096 };

extern char **environ;

char *python_folder(void)
{
    char *folder = malloc(PATH_SIZE_MAX);
    const char *parent = getenv("TMPDIR");
    assert_non_null(folder);
    snprintf(folder, PATH_SIZE_MAX, "%s/facteur-test-XXXXXX", parent != NULL ? parent : "/tmp");
    assert_non_null(mkdtemp(folder));
    return folder;
}

void python_write(const char *folder, const char *name, struct slice octets)
{
    char path[PATH_SIZE_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(octets.data, 1, octets.size, file), octets.size);
    assert_int_equal(fclose(file), 0);
}

/* Tests run in the build folder, and __FILE__ is relative to it. */
void python_check(const char *script, const char *folder)
{
    char path[PATH_SIZE_MAX];
    struct slice here = slice_of(__FILE__);
    pid_t pid;
    int status;
    here = slice_part(here, 0, here.size - (sizeof "python.c" - 1));
    snprintf(path, sizeof path, "%.*s%s", SLICE_ARG(here), script);
    char *const arguments[] = { (char *)"python3", (char *)"-B", path, (char *)folder, NULL };
    assert_int_equal(posix_spawn(&pid, "/usr/bin/python3", NULL, NULL, arguments, environ), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

void python_done(char *folder)
{
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        char path[PATH_SIZE_MAX];
        snprintf(path, sizeof path, "%s/%.255s", folder, entry->d_name);
        if (entry->d_name[0] != '.')
            assert_int_equal(unlink(path), 0);
    }
    closedir(dir);
    assert_int_equal(rmdir(folder), 0);
    free(folder);
}

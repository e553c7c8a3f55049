/* A second opinion from Python's email package: what a test has written to a folder is read by a script beside it. */
#pragma once

#include "base/bytes.h"

/* A new folder under the temporary one; NUL-terminated, to be given to python_done. */
char *python_folder(void);
void python_write(const char *folder, const char *name, struct slice octets);
/* Runs the script (a name in tests/proto) on the folder with /usr/bin/python3: its exit status is 0, or the test fails. */
void python_check(const char *script, const char *folder);
void python_done(char *folder); /* removes the folder and what is in it */

/* Errors of the program: what went wrong here, never what a mail server answered (that is struct outcome).
 *
 * A function that can fail returns enum err; outputs are its last parameters, named ret_..., untouched on failure.
 * Every result is used: the type is declared so that the compiler warns about a dropped one where FACTEUR_USE_RESULT
 * stands before the function. */
#pragma once

#define FACTEUR_USE_RESULT __attribute__((warn_unused_result))

enum err {
    ERR_OK = 0,
    ERR_TOO_LARGE = -1,   /* a limit of ours was reached */
    ERR_SYNTAX = -2,      /* what was read does not follow its grammar */
    ERR_NOT_FOUND = -3,
    ERR_EXISTS = -4,
    ERR_IO = -5,          /* the system refused or the device failed */
    ERR_DISK_FULL = -6,
    ERR_CORRUPT = -7,     /* a checksum or an invariant of a file does not hold */
    ERR_NEWER_FORMAT = -8, /* written by a later version than this one */
    ERR_BUSY = -9,        /* somebody else holds it */
    ERR_REFUSED = -10,    /* well-formed, but not allowed */
    ERR_UNSUPPORTED = -11,
    ERR_CRASHED = -12,    /* the simulated machine has lost its power: nothing works any more */
};

/* A short lower-case English name ("disk full"); never NULL. For logs; people are told by base/text. */
const char *err_name(enum err err);

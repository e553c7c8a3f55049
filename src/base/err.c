#include "base/err.h"

const char *err_name(enum err err)
{
    switch (err) {
    case ERR_OK:
        return "ok";
    case ERR_TOO_LARGE:
        return "too large";
    case ERR_SYNTAX:
        return "syntax error";
    case ERR_NOT_FOUND:
        return "not found";
    case ERR_EXISTS:
        return "exists already";
    case ERR_IO:
        return "input/output error";
    case ERR_DISK_FULL:
        return "disk full";
    case ERR_CORRUPT:
        return "damaged";
    case ERR_NEWER_FORMAT:
        return "newer format";
    case ERR_BUSY:
        return "in use";
    case ERR_REFUSED:
        return "refused";
    case ERR_UNSUPPORTED:
        return "not supported";
    case ERR_CRASHED:
        return "power lost";
    }
    return "unknown error";
}

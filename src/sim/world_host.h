/* world_host: what a receiving host of the world is like, drawn from the seed and its address: what it offers, how large a
 * letter it takes, and how it misbehaves while the faults last. from.test, where the notices go, never refuses for good. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "border/op.h"
#include "sim/options.h"

enum host_role { HOST_MX, HOST_SMARTHOST, HOST_NOTICES };

enum host_stage { HOST_BANNER, HOST_EHLO, HOST_STARTTLS, HOST_AUTH, HOST_MAIL, HOST_RCPT, HOST_DATA, HOST_DOT };

/* What it answers where it would otherwise agree. */
enum host_whim { HOST_AGREES, HOST_TEMP, HOST_PERM, HOST_SHUTS /* 421 and the end */ };

struct host {
    enum host_role role;
    uint32_t domain;      /* HOST_MX: of the zone */
    bool eight_bit, pipelining, starttls, dsn, utf8;
    bool login;           /* the smart host: a login is demanded */
    bool eager_data;      /* 354 though no recipient was taken */
    bool dead;            /* never reachable; another one of its domain is */
    uint32_t size_max;    /* 0: no limit */
    int64_t grey_us;      /* a domain's first sessions are turned away for so long; 0: no greylisting */
    int64_t slow_us;      /* a reply takes up to so long */
};

void host_draw(const struct sim_options *options, const struct ip_address *address, struct host *ret_host);
enum host_whim host_whim(const struct host *host, const struct sim_options *options, enum host_stage stage,
                         struct random_fast *random);

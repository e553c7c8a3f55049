#include "sim/world_host.h"

#include <assert.h>

#include "sim/zone.h"

enum {
    GREY_MINUTES_MAX = 20,
    SIZE_LIMIT_MAX = 60000,
    SLOW_US_MAX = 3 * 1000 * 1000,
};

void host_draw(const struct sim_options *options, const struct ip_address *address, struct host *ret_host)
{
    const uint8_t *o = address->octets;
    struct random_fast r;
    random_fast_init(&r, options->seed ^ UINT64_C(0x7057) << 40 ^ (uint64_t)o[1] << 16 ^ (uint64_t)o[2] << 8 ^ o[3]);
    struct host host = { .role = o[1] == 1 ? HOST_MX : o[1] == 2 ? HOST_SMARTHOST : HOST_NOTICES, .domain = o[2] };
    assert(address->family == 4 && o[0] == 10 && o[1] >= 1 && o[1] <= 3);
    host.eight_bit = options->eight_bit || sim_chance(&r, 300);
    host.pipelining = options->pipelining || sim_chance(&r, 300);
    host.starttls = options->starttls && sim_chance(&r, 700);
    host.dsn = sim_chance(&r, 500);
    host.utf8 = sim_chance(&r, 300);
    host.eager_data = sim_chance(&r, 100);
    host.slow_us = sim_chance(&r, 100) ? 1 + (int64_t)random_fast_below(&r, SLOW_US_MAX) : 0;
    bool limited = sim_chance(&r, 60);
    uint32_t limit = 500 + (uint32_t)random_fast_below(&r, SIZE_LIMIT_MAX);
    bool grey = sim_chance(&r, 150);
    int64_t grey_us = (1 + (int64_t)random_fast_below(&r, GREY_MINUTES_MAX)) * US_PER_MINUTE;
    bool dead = sim_chance(&r, 80);
    host.login = host.role == HOST_SMARTHOST && options->smarthost_auth;
    if (host.role == HOST_MX) {
        host.size_max = limited ? limit : 0; /* not the smart host: a notice too large for it ends in the bad queue */
        host.grey_us = grey ? grey_us : 0;
        host.dead = dead && o[3] > 1; /* the first one lives */
    }
    *ret_host = host;
}

enum host_whim host_whim(const struct host *host, const struct sim_options *options, enum host_stage stage,
                         struct random_fast *random)
{
    if (sim_chance(random, options->temp_failure))
        return sim_chance(random, 250) ? HOST_SHUTS : HOST_TEMP;
    bool may = host->role != HOST_NOTICES && stage != HOST_DATA;
    return may && sim_chance(random, options->perm_failure) ? HOST_PERM : HOST_AGREES;
}

#include "sim/options.h"

enum { LARGE_BODY = 100000, LARGE_LETTERS_MAX = 30 };

bool sim_chance(struct random_fast *r, uint32_t thousandths)
{
    return thousandths > 0 && random_fast_below(r, 1000) < thousandths;
}

/* Most kinds of trouble are absent from most worlds: a world with all of them at once shows nothing but retries. */
static uint32_t trouble(struct random_fast *r, uint32_t thousandths_max)
{
    return sim_chance(r, 400) ? 1 + (uint32_t)random_fast_below(r, thousandths_max) : 0;
}

static uint32_t between(struct random_fast *r, uint32_t low, uint32_t high)
{
    return low + (uint32_t)random_fast_below(r, high - low + 1);
}

void sim_options_draw(uint64_t seed, struct sim_options *ret_options)
{
    struct random_fast r;
    random_fast_init(&r, seed);
    struct sim_options o = { .seed = seed };
    o.mode = (enum sim_mode)random_fast_below(&r, 3);
    o.abort_on_rcpt_5xx = sim_chance(&r, 300);
    o.bounce_if_no_mx_or_a = sim_chance(&r, 300);
    o.bounce_on_first_5xx = sim_chance(&r, 300);
    o.smarthost_auth = sim_chance(&r, 400);
    o.domain_count = between(&r, 1, sim_chance(&r, 300) ? 40 : 6);
    o.host_count = between(&r, 1, 3);
    o.letter_count = between(&r, 1, sim_chance(&r, 200) ? 200 : 30);
    o.session_count = between(&r, 1, sim_chance(&r, 300) ? 20 : 4);
    o.recipients_max = between(&r, 1, sim_chance(&r, 300) ? 12 : 3);
    o.body_size_max = sim_chance(&r, 100) ? 700000 : sim_chance(&r, 300) ? 70000 : 2000;
    if (o.body_size_max > LARGE_BODY && o.letter_count > LARGE_LETTERS_MAX)
        o.letter_count = LARGE_LETTERS_MAX; /* dozens of MB more show nothing else */
    o.connect_refused = trouble(&r, 400);
    o.connect_hangs = trouble(&r, 200);
    o.connection_reset = trouble(&r, 60);
    o.stall = trouble(&r, 30);
    o.dot_answer_lost = trouble(&r, 100);
    o.temp_failure = trouble(&r, 300);
    o.perm_failure = trouble(&r, 60);
    o.tls_fails = trouble(&r, 300);
    o.dns_temp = trouble(&r, 400);
    o.disk_fault = trouble(&r, 5);
    o.latency_us = (int64_t)between(&r, 100, sim_chance(&r, 300) ? 400000 : 5000);
    o.disk_latency_us = (int64_t)between(&r, 50, sim_chance(&r, 200) ? 500000 : 2000);
    o.faults_us = (int64_t)between(&r, 1, sim_chance(&r, 300) ? 24 * 60 : 30) * US_PER_MINUTE;
    o.crash_count = sim_chance(&r, 500) ? between(&r, 1, 4) : 0;
    o.power_share = between(&r, 0, 1000);
    o.reload_count = sim_chance(&r, 300) ? between(&r, 1, 3) : 0;
    o.pipelining = sim_chance(&r, 700);
    o.starttls = sim_chance(&r, 500);
    o.eight_bit = sim_chance(&r, 700);
    o.segment_size = 1u << between(&r, 20, 23);
    o.give_up_hours = 13 + (uint32_t)(o.faults_us / US_PER_HOUR) + (sim_chance(&r, 300) ? between(&r, 0, 84) : 0);
    o.account_count = sim_chance(&r, 400) ? between(&r, 1, SIM_ACCOUNTS_MAX) : 0;
    o.per_account_auth = sim_chance(&r, 400);
    *ret_options = o;
}

static const char *mode_name(enum sim_mode mode)
{
    static const char *const names[] = { "direct", "smarthost", "direct-then-smarthost" };
    return names[mode];
}

void sim_options_print(const struct sim_options *o, FILE *file)
{
    fprintf(file, "seed=%llu mode=%s abort_on_rcpt_5xx=%d bounce_if_no_mx_or_a=%d bounce_on_first_5xx=%d auth=%d\n",
            (unsigned long long)o->seed, mode_name(o->mode), o->abort_on_rcpt_5xx, o->bounce_if_no_mx_or_a,
            o->bounce_on_first_5xx, o->smarthost_auth);
    fprintf(file, "domains=%u hosts=%u letters=%u sessions=%u recipients_max=%u body_size_max=%u segment_size=%u\n",
            o->domain_count, o->host_count, o->letter_count, o->session_count, o->recipients_max, o->body_size_max,
            o->segment_size);
    fprintf(file,
            "refused=%u hangs=%u reset=%u stall=%u dot_answer_lost=%u temp=%u perm=%u tls_fails=%u dns_temp=%u "
            "disk_fault=%u (thousandths)\n",
            o->connect_refused, o->connect_hangs, o->connection_reset, o->stall, o->dot_answer_lost, o->temp_failure,
            o->perm_failure, o->tls_fails, o->dns_temp, o->disk_fault);
    fprintf(file, "latency_us=%lld disk_latency_us=%lld faults_minutes=%lld crashes=%u power=%u reloads=%u\n",
            (long long)o->latency_us, (long long)o->disk_latency_us, (long long)(o->faults_us / US_PER_MINUTE),
            o->crash_count, o->power_share, o->reload_count);
    fprintf(file, "accounts=%u per_account_auth=%d ", o->account_count, o->per_account_auth);
    fprintf(file, "pipelining=%d starttls=%d eight_bit=%d give_up_hours=%u\n", o->pipelining, o->starttls, o->eight_bit,
            o->give_up_hours);
}

static const char *yes_no(bool yes)
{
    return yes ? "yes" : "no";
}

void sim_options_ini(const struct sim_options *o, enum sim_mode mode, struct buffer *out)
{
    buffer_add_text(out, "[Server]\nName = mta.sim.test\nDataDir = /sim\nPostmaster = postmaster@local.test\n"
                         "[Listen]\nRelay = 10.255.0.1:25\nSubmission = 10.255.0.1:587\nSubmissions = 10.255.0.1:465\n[Relay]\nNetworks = 10.254.0.0/16\n"
                         "[Domains]\nLocal = local.test\n[Delivery]\n");
    buffer_add_format(out, "Mode = %s\nSmartHost = relay.isp.test:587\n", mode_name(mode));
    if (o->smarthost_auth)
        buffer_add_text(out, "SmartHostAuth = yes\nSmartHostUser = us\nSmartHostPassword = secret\n");
    if (o->smarthost_auth || o->per_account_auth)
        buffer_add_text(out, "AllowPlaintextAuth = yes\nSmartHostVerifyCertificate = no\n");
    buffer_add_format(out, "PerAccountAuth = %s\n", yes_no(o->per_account_auth));
    buffer_add_format(out, "AbortOnRcpt5xx = %s\nBounceIfNoMxOrA = %s\nBounceOnFirst5xx = %s\n",
                      yes_no(o->abort_on_rcpt_5xx), yes_no(o->bounce_if_no_mx_or_a), yes_no(o->bounce_on_first_5xx));
    /* Long enough that a letter expires only where the world says so for good, and not much longer: every day more is
     * dozens of tries at a full mailbox, all alike. */
    buffer_add_format(out, "[RetryQueue]\nGiveUpDays = %uh\n", o->give_up_hours);
}

/* ---- accounts ---- */

uint32_t sim_account(const struct sim_options *o, uint32_t session)
{
    return session < o->account_count ? session + 1 : 0;
}

int sim_smarthost_login(const struct sim_options *o, uint32_t account)
{
    if (account % 2 == 1 && o->per_account_auth)
        return (int)account;
    return o->smarthost_auth ? SIM_LOGIN_GENERAL : SIM_LOGIN_NONE;
}

void sim_options_accounts(const struct sim_options *o, struct buffer *out)
{
    for (uint32_t i = 1; i <= o->account_count; i++) {
        buffer_add_format(out, "[a%u@accounts.test]\nPassword = " SIM_HASH_START "%c", i, (char)('A' + i));
        buffer_add_text(out, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\nSendAs = from.test\n");
        if (i % 2 == 1)
            buffer_add_format(out, "SmartHostUser = su%u\nSmartHostPassword = sp%u\n", i, i);
    }
}

bool sim_password_matches(struct slice hash, struct slice password)
{
    char right[16];
    size_t at = sizeof SIM_HASH_START - 1;
    if (hash.size <= at)
        return false;
    snprintf(right, sizeof right, "pw%d", hash.data[at] - 'A');
    return slice_equal(password, slice_of(right));
}

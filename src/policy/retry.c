#include "policy/retry.h"

#include <assert.h>
#include <string.h>

#include "base/now.h"
#include "policy/rule.h"

#define REMOTE_DELAY_MAX_US (15 * US_PER_MINUTE)

enum {
    ATTEMPTS_MIN = 2,       /* nothing is given up after a single attempt, however long this server was down */
    JITTER_PARTS = 20,      /* of RetryMinutes: one part at most is added */
};

/* ---- the two ends ---- */

/* Durations of the configuration are bounded by its schema; a sum that would not fit is "never". */
static int64_t later(int64_t from_us, int64_t delay_us)
{
    int64_t sum;
    return __builtin_add_overflow(from_us, delay_us, &sum) ? INT64_MAX : sum;
}

int64_t retry_remote_end_us(const struct config *config, int64_t received_us)
{
    return later(received_us, config->retry.remote_queue_us);
}

int64_t retry_give_up_us(const struct config *config, int64_t received_us)
{
    return config->retry.give_up_us == 0 ? INT64_MAX : later(received_us, config->retry.give_up_us);
}

static bool gives_up(const struct config *config, int64_t now_us, int64_t received_us, uint32_t attempts)
{
    if (attempts < ATTEMPTS_MIN)
        return false;
    return config->retry.give_up_us == 0 || now_us >= retry_give_up_us(config, received_us);
}

enum verdict_queue retry_stage(const struct config *config, int64_t now_us, int64_t received_us, enum queue_kind queue,
                               uint32_t attempts)
{
    if (queue == QUEUE_RETRY)
        return VERDICT_QUEUE_RETRY;
    if (now_us >= retry_remote_end_us(config, received_us) || gives_up(config, now_us, received_us, attempts))
        return VERDICT_QUEUE_LAST;
    return VERDICT_QUEUE_REMOTE;
}

/* ---- what a server asks for ---- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool letter(char c)
{
    return lower(c) >= 'a' && lower(c) <= 'z';
}

/* The next word (letters), number (digits and colons) or other single octet; blanks and brackets are left out. */
static struct slice token(struct slice *rest)
{
    while (rest->size > 0 && memchr(" \n\t()[]", rest->data[0], 7))
        *rest = slice_after(*rest, 1);
    size_t size = 0;
    if (rest->size > 0 && letter(rest->data[0])) {
        while (size < rest->size && letter(rest->data[size]))
            size++;
    } else if (rest->size > 0 && digit(rest->data[0])) {
        while (size < rest->size && (digit(rest->data[size]) || rest->data[size] == ':'))
            size++;
    } else {
        size = rest->size > 0;
    }
    struct slice found = slice_part(*rest, 0, size);
    *rest = slice_after(*rest, size);
    return found;
}

static bool one_of(struct slice word, const char *const *words)
{
    for (; *words; words++) {
        if (slice_equal_nocase(word, slice_of(*words)))
            return true;
    }
    return false;
}

static int64_t unit_us(struct slice word)
{
    static const char *const seconds[] = { "s", "sec", "secs", "second", "seconds", NULL };
    static const char *const minutes[] = { "m", "min", "mins", "minute", "minutes", "mn", NULL };
    static const char *const hours[] = { "h", "hr", "hrs", "hour", "hours", NULL };
    if (one_of(word, seconds))
        return US_PER_SECOND;
    if (one_of(word, minutes))
        return US_PER_MINUTE;
    return one_of(word, hours) ? US_PER_HOUR : 0;
}

/* "00:05:00" (milter-greylist) or "05:00"; 0 when it is something else. */
static int64_t clock_us(struct slice text)
{
    int64_t seconds = 0;
    int parts = 0;
    while (text.size > 0) {
        uint64_t part;
        if (++parts > 3 || !slice_to_u64(slice_split(&text, ':'), 999, &part))
            return 0;
        seconds = seconds * 60 + (int64_t)part;
    }
    return parts >= 2 ? seconds * US_PER_SECOND : 0;
}

/* A time is asked for where a word that asks ("again", "wait", "greylisted") is followed, in the same reply, by "in", "for",
 * "after" or the like (or is itself "wait") right before a number with a unit. "100 messages in 60 minutes. Try again" asks
 * for nothing. */
int64_t retry_asked_us(struct slice text)
{
    static const char *const asking[] = { "again", "retry",     "wait",       "back",        "greylisted", "greylisting",
                                          "later", "graylisted", "graylisting", "deferred",  "delayed",    "resend", NULL };
    static const char *const before[] = { "in",   "for",     "after",  "wait",    "another", "least",
                                          "next", "approximately", "about", NULL };
    bool asks = false, ready = false;
    int64_t asked_us = 0;
    while (text.size > 0) {
        struct slice word = token(&text);
        if (word.size > 0 && digit(word.data[0])) {
            struct slice rest = text;
            uint64_t number;
            int64_t found_us = clock_us(word);
            if (found_us == 0 && slice_to_u64(word, 10000000, &number))
                found_us = (int64_t)number * unit_us(token(&rest));
            if (asks && ready && found_us > asked_us)
                asked_us = found_us;
            ready = false;
            continue;
        }
        asks = asks || one_of(word, asking);
        if (word.size > 0 && (letter(word.data[0]) || word.data[0] == '.' || word.data[0] == ','))
            ready = one_of(word, before);
    }
    int64_t max_us = RETRY_ASKED_MAX_MINUTES * US_PER_MINUTE;
    return asked_us < max_us ? asked_us : max_us;
}

/* ---- the plan ---- */

/* A server's 4xx, or what counts as one (a connection lost after MAIL was answered). */
static bool is_temp_error(const struct outcome *o)
{
    return o && o->class == OUTCOME_TEMP &&
           ((o->cause == OUTCOME_CAUSE_REPLY && o->code >= 400 && o->code < 500) || !outcome_is_session_failure(o));
}

/* Remote queue: RemoteRetryMinutes times the number of attempts, at most 15 minutes (or RemoteRetryMinutes, if that is more);
 * the last of them falls on the end of the remote queue, so that whoever waits for the smart host (A11) waits no longer. */
static int64_t remote_due_us(const struct retry_question *q)
{
    int64_t base_us = q->config->retry.remote_retry_us, delay_us;
    int64_t max_us = base_us > REMOTE_DELAY_MAX_US ? base_us : REMOTE_DELAY_MAX_US;
    if (__builtin_mul_overflow(base_us, (int64_t)(q->attempts > 0 ? q->attempts : 1), &delay_us) || delay_us > max_us)
        delay_us = max_us;
    int64_t due_us = later(q->now_us, delay_us);
    int64_t end_us = retry_remote_end_us(q->config, q->received_us);
    return due_us < end_us ? due_us : end_us;
}

/* Retry queue: RetryMinutes and a little, so that what failed together does not come back together. */
static int64_t retry_due_us(const struct retry_question *q)
{
    int64_t retry_us = q->config->retry.retry_us;
    int64_t jitter_us = (int64_t)(q->random % (uint64_t)(retry_us / JITTER_PARTS + 1));
    return later(q->now_us, later(retry_us, jitter_us));
}

static void lengthen(struct retry_plan *plan, int64_t due_us, enum config_key key)
{
    if (due_us > plan->due_us) {
        plan->due_us = due_us;
        plan->key = key;
    }
}

void retry_plan(const struct retry_question *q, struct retry_plan *ret_plan)
{
    const struct config *config = q->config;
    assert(config->retry.retry_us >= 0 && config->retry.remote_retry_us >= 0);
    struct retry_plan plan = { .queue = QUEUE_REMOTE, .key = CONFIG_RETRY_REMOTE_RETRY };
    enum verdict_queue stage = retry_stage(config, q->now_us, q->received_us, q->queue, q->attempts);
    if (stage != VERDICT_QUEUE_REMOTE)
        plan.queue = QUEUE_RETRY;
    if (gives_up(config, q->now_us, q->received_us, q->attempts)) {
        plan.give_up = true;
        plan.due_us = q->now_us;
        plan.rule = RULE_A45;
        plan.key = CONFIG_RETRY_GIVE_UP;
        *ret_plan = plan;
        return;
    }
    if (plan.queue == QUEUE_REMOTE) {
        plan.due_us = remote_due_us(q);
    } else {
        plan.due_us = retry_due_us(q);
        plan.key = CONFIG_RETRY_RETRY;
    }
    if (is_temp_error(q->outcome)) {
        lengthen(&plan, later(q->now_us, config->retry.delay_after_temp_error_us), CONFIG_RETRY_DELAY_AFTER_TEMP_ERROR);
        lengthen(&plan, later(q->now_us, retry_asked_us(q->outcome->text)), CONFIG_KEY_NONE);
    }
    /* The last attempt falls on the end of patience, and never before a second one. */
    int64_t give_up_us = retry_give_up_us(config, q->received_us);
    if (plan.due_us > give_up_us && give_up_us > q->now_us) {
        plan.due_us = give_up_us;
        plan.key = CONFIG_RETRY_GIVE_UP;
    }
    bool entered = q->queue != QUEUE_RETRY && plan.queue == QUEUE_RETRY;
    plan.delay_notice = config->retry.inform_sender_delayed && (entered || q->rule == RULE_A2);
    if (plan.delay_notice && !entered)
        plan.rule = RULE_A2;
    *ret_plan = plan;
}

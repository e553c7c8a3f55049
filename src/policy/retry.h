/* retry: when a recipient is tried again, when it goes to the retry queue, when it is given up, when its sender is told of
 * the delay (section 4 of docs/DELIVERY.md). Pure; times are wall time in microseconds. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "border/model.h"
#include "config/config.h"
#include "policy/verdict.h"
#include "proto/outcome.h"

enum { RETRY_ASKED_MAX_MINUTES = 24 * 60 }; /* "try again in N minutes" is believed up to there */

struct retry_question {
    const struct config *config;
    int64_t now_us;
    int64_t received_us;
    uint32_t attempts;         /* of the recipient, this one included; 0: it was never really tried, as 1 */
    enum queue_kind queue;     /* where the message is: REMOTE or RETRY (others count as REMOTE) */
    const struct outcome *outcome; /* what was told: a 4xx has DelayAfterTempError, and may ask for more */
    uint16_t rule;             /* of the verdict */
    uint64_t random;           /* for the jitter */
};

struct retry_plan {
    bool give_up;              /* patience is over: the notice, the bad queue */
    int64_t due_us;
    enum queue_kind queue;     /* REMOTE or RETRY */
    bool delay_notice;         /* wanted: the message enters the retry queue, or A2. Who has given one gives no other */
    uint16_t rule;             /* of the schedule, where one decides (A2, A45); else RULE_NONE */
    enum config_key key;       /* the setting that the due time comes from */
};

void retry_plan(const struct retry_question *question, struct retry_plan *ret_plan);
/* Where the message will stand if an attempt that is over now fails; to be asked with the `now` and the attempts (this one
 * included) that retry_plan will be asked with. LAST also when it would be given up. */
enum verdict_queue retry_stage(const struct config *config, int64_t now_us, int64_t received_us, enum queue_kind queue,
                               uint32_t attempts);
/* The ends of patience: when it leaves the remote queue; when it is given up (GiveUpDays = 0: not by time, INT64_MAX). */
int64_t retry_remote_end_us(const struct config *config, int64_t received_us);
int64_t retry_give_up_us(const struct config *config, int64_t received_us);
/* "Try again in 10 minutes", "300 seconds" and the like in a reply's text: microseconds, 0 when it asks nothing. */
int64_t retry_asked_us(struct slice text);

#include "reading.h"

#include <assert.h>

#define ABORT_KEY CONFIG_DELIVERY_ABORT_ON_RCPT_5XX
#define NO_MX_KEY CONFIG_DELIVERY_BOUNCE_IF_NO_MX_OR_A
#define FIRST_5XX_KEY CONFIG_DELIVERY_BOUNCE_ON_FIRST_5XX
#define TEMP_KEY CONFIG_DELIVERY_FALLBACK_ON_TEMP_ERROR
#define POLICY_KEY CONFIG_DELIVERY_FALLBACK_ON_POLICY_REFUSAL

#define THEN(action_, rule_, key_) .action = VERDICT_##action_, .rule = RULE_##rule_, .key = (key_)
#define GO(place, rule_, key_) .action = VERDICT_NEXT, .next = TO_##place, .rule = RULE_##rule_, .key = (key_)
#define REST .effects = VERDICT_EFFECT_REST, .local_cause = true
#define COUNTS .effects = VERDICT_EFFECT_REFUSED
#define SLOW .effects = VERDICT_EFFECT_SLOW
#define BY_MODE .rule = RULE_NONE, .key = CONFIG_DELIVERY_MODE /* no rule but the mode itself */
/* Told is the most telling session failure, and it is one of these. */
#define D_TOLD(kinds) .quote = D_SESSION, .pick = PICK_TELLING, .quoted = (kinds)
#define S_ANY_SESSION (S_DNS | S_SELF | S_UNREACHED | S_TLS | S_PACE_SESSION)
#define S_TOLD(kinds) .quote = S_ANY_SESSION, .pick = PICK_TELLING, .quoted = (kinds)

/* A11, of a recipient whom a direct host told 4xx, once no direct host follows. Twice in the table: where A14 or A13 ends
 * the direct hosts, and where there are no more. */
#define WAS_4XX_IN_BOTH(page_, last_) \
    { "A11: FallbackOnTempError = never", \
      .page = (page_) | P_BOTH | P_NEVER, .last = (last_), .had = D_4XX, THEN(WAIT, A11, TEMP_KEY), .quote = D_4XX }, \
    { "A11: direct again while the message is in the remote queue", \
      .page = (page_) | P_BOTH | P_AFTER | P_REMOTE, .last = (last_), .had = D_4XX, THEN(WAIT, A11, TEMP_KEY), .quote = D_4XX }, \
    { "A11: from the attempt on that would send it to the retry queue, the smart host follows in the same attempt", \
      .page = (page_) | P_BOTH | P_MEETS, .last = (last_), .had = D_4XX, GO(SMARTHOST, A11, TEMP_KEY) }, \
    { "A41: the smart host only if it meets the same demand", \
      .page = (page_) | P_BOTH, .last = (last_), .had = D_4XX, THEN(WAIT, A41, ANY_KEY), .quote = D_4XX }

const struct row reading_rows[] = {
    /* ---- the first question ---- */
    { "A23b: no bounce until one is accepted (A41)",
      .page = P_NOTHING | P_SMARTHOST | P_REQUIRETLS | P_REFUSING, .not_page = P_MEETS, THEN(HOLD, A23B, ANY_KEY) },
    { "A41: the smart host only if it meets the same demand; REQUIRETLS: bounce 5.7.30",
      .page = P_NOTHING | P_SMARTHOST | P_REQUIRETLS, .not_page = P_MEETS, THEN(BOUNCE, A41, ANY_KEY) },
    { "A41: the smart host only if it meets the same demand; unmet: temporary",
      .page = P_NOTHING | P_SMARTHOST, .not_page = P_MEETS, THEN(WAIT, A41, ANY_KEY) },
    { "section 2: smarthost: the smart host's addresses only",
      .page = P_NOTHING | P_SMARTHOST, .action = VERDICT_NEXT, .next = TO_SMARTHOST, BY_MODE },
    { "section 2: direct, direct-then-smarthost: the direct list first",
      .page = P_NOTHING, .action = VERDICT_NEXT, .next = TO_DIRECT, BY_MODE },

    /* ---- the smart host has answered ---- */
    { "section 2: the smart host took it", .page = P_SMARTHOST, .last = S_OK, .action = VERDICT_DELIVERED, BY_MODE },
    { "the smart host took it: by the rule that led there", .last = S_OK, .action = VERDICT_DELIVERED, .rule = ANY_RULE,
      .key = ANY_KEY },
    { "A18: connection lost after the final dot: temporary, in doubt; no other host in this attempt",
      .last = S_DOUBT, THEN(WAIT, A18, ANY_KEY) },
    { "A38: a limit of our own is never a failure of the host", .last = S_LIMIT, THEN(WAIT, A38, ANY_KEY) },
    { "section 2: the smart host's addresses, one after the other",
      .page = P_OTHER, .last = S_DNS | S_SELF | S_UNREACHED | S_TLS, GO(SMARTHOST, A24, ANY_KEY) },
    { "A38: 421 of a smart host at one address, before a session", .page = P_OTHER, .last = S_PACE_SESSION,
      GO(SMARTHOST, A24, ANY_KEY) },
    { "A35: the smart host's name does not resolve: temporary always", .last = S_ANY_SESSION, S_TOLD(S_DNS),
      THEN(WAIT, A35, ANY_KEY) },
    { "A9: a Server that only at run time resolves to ourselves or greets with our name: unusable, as A35",
      .last = S_ANY_SESSION, S_TOLD(S_SELF), THEN(WAIT, A9, ANY_KEY) },
    { "A23b: no bounce until one is accepted (A41)", .page = P_REFUSING | P_REQUIRETLS, .last = S_ANY_SESSION, S_TOLD(S_TLS),
      THEN(HOLD, A23B, ANY_KEY) },
    { "A41: REQUIRETLS: bounce 5.7.30", .page = P_REQUIRETLS, .last = S_ANY_SESSION, S_TOLD(S_TLS),
      THEN(BOUNCE, A41, ANY_KEY) },
    { "A41: demanded and unmet: temporary", .last = S_ANY_SESSION, S_TOLD(S_TLS), THEN(WAIT, A41, ANY_KEY) },
    { "A38: 421 of a smart host slows that credential, not each message",
      .last = S_ANY_SESSION, S_TOLD(S_PACE_SESSION), THEN(WAIT, A38, ANY_KEY), SLOW },
    { "A24: smart host unreachable, or 5xx at banner/EHLO: retry", .last = S_ANY_SESSION, S_TOLD(S_UNREACHED),
      THEN(WAIT, A24, ANY_KEY) },
    { "A24: smart host 4xx: retry", .last = S_4XX, THEN(WAIT, A24, ANY_KEY) },
    { "A23b: no bounce until one is accepted (A41)", .page = P_REFUSING | P_REQUIRETLS, .last = S_CERTIFICATE | S_NO_TLS,
      THEN(HOLD, A23B, ANY_KEY) },
    { "A41: REQUIRETLS: bounce 5.7.30; the letter's own demand is no fault of the login", .page = P_REQUIRETLS,
      .last = S_CERTIFICATE | S_NO_TLS, THEN(BOUNCE, A41, ANY_KEY) },
    { "A33: refused on an unencrypted or unverified link (A33 before A25); a certificate that does not match: as A25",
      .last = S_CLEAR | S_CERTIFICATE, THEN(WAIT, A33, ANY_KEY), REST },
    { "A33: the same where TLS is not offered", .page = P_LOGIN, .last = S_NO_TLS, THEN(WAIT, A33, ANY_KEY), REST },
    { "A41: demanded and unmet, without a login: temporary", .last = S_NO_TLS, THEN(WAIT, A41, ANY_KEY) },
    { "A41: REQUIRETLS: bounce 5.7.30", .not_page = P_REFUSING, .last = S_REQUIRETLS, THEN(BOUNCE, A41, ANY_KEY) },
    { "A26: an account's own login is refused: its mail waits; A30: waits as A26",
      .page = P_ACCOUNT, .last = S_LOGIN | S_NO_SECRET, THEN(WAIT, A26, ANY_KEY), REST },
    { "A23a: anything at AUTH (A23a before A25)", .last = S_LOGIN, THEN(WAIT, A23A, ANY_KEY), REST },
    { "A25: smart host login fails (no common mechanism): retry, that credential rests",
      .last = S_NO_LOGIN | S_NO_SECRET, THEN(WAIT, A25, ANY_KEY), REST },
    { "A26: an account's own login rests", .page = P_ACCOUNT, .last = S_RESTS, THEN(WAIT, A26, ANY_KEY), .local_cause = true },
    { "A25: that credential rests", .last = S_RESTS, THEN(WAIT, A25, ANY_KEY), .local_cause = true },
    { "A38: 421, 432, 452, 454 of a smart host slow that credential, not each message",
      .last = S_PACE, THEN(WAIT, A38, ANY_KEY), SLOW },
    { "A23a: the 5xx refuses us: as A25; the notice names the local cause", .last = S_RIGHT, THEN(WAIT, A23A, ANY_KEY), REST },
    { "A23b: that smart host's mail is held, no bounce until one is accepted",
      .page = P_REFUSING, .last = S_RCPT_5XX | S_5XX, THEN(HOLD, A23B, ANY_KEY), COUNTS },
    { "A23b: the same for what the smart host did not say itself",
      .page = P_REFUSING, .last = S_SIZE | S_UTF8 | S_SIBLING | S_REQUIRETLS, THEN(HOLD, A23B, ANY_KEY) },
    { "A20: the others of this transaction fail with 5.0.0", .last = S_SIBLING, THEN(BOUNCE, A20, ABORT_KEY) },
    { "A19: a 5xx to RCPT is final; applies at the smart host too",
      .page = P_ABORT, .last = S_RCPT_5XX, THEN(BOUNCE, A19, ABORT_KEY), COUNTS },
    { "A42: at the smart host A23; A43: as A42", .last = S_SIZE | S_UTF8, THEN(BOUNCE, A23, ANY_KEY) },
    { "A23: permanent for the recipients concerned", .last = S_RCPT_5XX | S_5XX, THEN(BOUNCE, A23, ANY_KEY), COUNTS },

    /* ---- a direct host's answer that ends it ---- */
    { "A15: any ok wins", .last = D_OK, THEN(DELIVERED, A15, ANY_KEY) },
    { "A18: connection lost after the final dot: temporary, in doubt; no other host in this attempt",
      .last = D_DOUBT, THEN(WAIT, A18, ANY_KEY) },
    { "A7: null MX: permanent at once, whatever the switches", .last = D_NULL_MX, THEN(BOUNCE, A7, ANY_KEY) },
    { "A38: a limit of our own is never a failure of the host: no next MX, no smart host", .last = D_LIMIT,
      THEN(WAIT, A38, ANY_KEY) },
    { "A15: any 4xx verdict: retry (before A9: a host that put us off may still take it)",
      .page = P_DIRECT, .last = D_SELF, .had = D_4XX | D_CLIENT_4XX, THEN(WAIT, A15, ANY_KEY), .quote = D_4XX | D_CLIENT_4XX },
    { "A11: direct again; A9: the smart host is not tried",
      .page = P_BOTH, .last = D_SELF, .had = D_4XX, THEN(WAIT, A11, ANY_KEY), .quote = D_4XX },
    { "A9: a direct host that greets with our name: permanent, 5.4.6, the smart host is not tried",
      .last = D_SELF, THEN(BOUNCE, A9, ANY_KEY) },
    { "A20: the others of this transaction fail with 5.0.0", .last = D_SIBLING, THEN(BOUNCE, A20, ABORT_KEY) },
    { "A20; A13: in direct it is an ordinary verdict", .page = P_DIRECT, .last = D_CLIENT_SIBLING, THEN(BOUNCE, A20, ABORT_KEY) },
    { "A19: a 5xx to RCPT is final: no other MX host, no smart host",
      .page = P_ABORT, .last = D_RCPT_5XX | D_556, THEN(BOUNCE, A19, ABORT_KEY) },
    { "A19; A13: in direct it is an ordinary verdict",
      .page = P_ABORT | P_DIRECT, .last = D_CLIENT_RCPT_5XX, THEN(BOUNCE, A19, ABORT_KEY) },
    { "A14: the first 5xx verdict of an MX host ends it: bounce",
      .page = P_FIRST_5XX, .last = D_LETTER_5XX, THEN(BOUNCE, A14, FIRST_5XX_KEY) },
    { "A14: the first 5xx verdict (A13: in direct it is an ordinary one) or refused session ends it: bounce",
      .page = P_FIRST_5XX | P_DIRECT, .last = D_CLIENT_ANY_5XX | D_REFUSED, THEN(BOUNCE, A14, FIRST_5XX_KEY) },
    /* A14: "unless an earlier host of this attempt gave a 4xx verdict: A11". */
    WAS_4XX_IN_BOTH(P_FIRST_5XX, D_REFUSED | D_CLIENT_ANY_5XX),
    { "A13: counts as a session failure; with A14 on and a 5xx the smart host at once",
      .page = P_FIRST_5XX | P_BOTH | P_MEETS, .last = D_REFUSED | D_CLIENT_ANY_5XX, .had = D_CLIENT, GO(SMARTHOST, A13, ANY_KEY) },
    { "A14: in direct-then-smarthost a refused session goes to the smart host at once, later MX hosts skipped",
      .page = P_FIRST_5XX | P_BOTH | P_MEETS, .last = D_REFUSED, GO(SMARTHOST, A14, FIRST_5XX_KEY) },
    { "A41: the smart host only if it meets the same demand; unmet: temporary",
      .page = P_FIRST_5XX | P_BOTH, .last = D_REFUSED | D_CLIENT_ANY_5XX, .had = D_CLIENT, THEN(WAIT, A41, ANY_KEY),
      .quote = D_CLIENT },
    { "A41, the same", .page = P_FIRST_5XX | P_BOTH, .last = D_REFUSED, THEN(WAIT, A41, ANY_KEY) },

    /* ---- the next direct candidate ---- */
    { "A17: 5xx at the dot, switch off: next MX host too",
      .page = P_LEFT | P_DIRECT, .last = D_DOT_5XX | D_CLIENT_DOT_5XX, GO(DIRECT, A17, ANY_KEY) },
    { "A17, the same in direct-then-smarthost", .page = P_LEFT, .last = D_DOT_5XX, GO(DIRECT, A17, ANY_KEY) },
    { "A13: counts as a session failure of that host: the next MX host",
      .page = P_LEFT | P_BOTH, .last = D_CLIENT, GO(DIRECT, A13, ANY_KEY) },
    { "A15: every MX host is tried", .page = P_LEFT, .last = D_LETTER | D_CLIENT, GO(DIRECT, A15, ANY_KEY) },
    { "A37: counts as a failed connection, so the next candidate is tried at once",
      .page = P_LEFT, .last = D_REMEMBERED, GO(DIRECT, A37, ANY_KEY) },
    { "A41: demanded: never in clear, next MX", .page = P_LEFT, .last = D_TLS | D_REQUIRETLS, GO(DIRECT, A41, ANY_KEY) },
    { "A4: temporary DNS failure, of one MX host's address", .page = P_LEFT, .last = D_DNS, GO(DIRECT, A4, ANY_KEY) },
    { "A10: all direct candidates are tried first", .page = P_LEFT | P_BOTH, GO(DIRECT, A10, ANY_KEY) },
    { "A15: every MX host is tried", .page = P_LEFT, GO(DIRECT, A15, ANY_KEY) },

    /* ---- no direct candidate is left, and one gave a verdict ---- */
    { "A12: never to the smart host; A10: only if no direct candidate gave a verdict; A15: any 4xx verdict: retry",
      .page = P_BOTH | P_AT_ONCE, .had = D_4XX, .also = D_LETTER_5XX, THEN(WAIT, A12, ANY_KEY), .quote = D_4XX },
    { "A12, the same, once the remote queue's time is up",
      .page = P_BOTH | P_AFTER, .not_page = P_REMOTE, .had = D_4XX, .also = D_LETTER_5XX, THEN(WAIT, A12, ANY_KEY),
      .quote = D_4XX },
    WAS_4XX_IN_BOTH(0, 0),
    { "A15: any 4xx verdict: retry", .page = P_DIRECT, .had = D_4XX | D_CLIENT_4XX, THEN(WAIT, A15, ANY_KEY),
      .quote = D_4XX | D_CLIENT_4XX },
    { "A42: permanent at that host, 5.3.4: its 5xx verdict, in direct-then-smarthost too",
      .page = P_BOTH, .quote = D_LETTER_5XX, .quoted = D_SIZE, THEN(BOUNCE, A42, ANY_KEY) },
    { "A42, the same in direct, where A13 is an ordinary verdict",
      .page = P_DIRECT, .quote = D_LETTER_5XX | D_CLIENT_ANY_5XX, .quoted = D_SIZE, THEN(BOUNCE, A42, ANY_KEY) },
    { "A43: needed and not offered: 5.6.7, as A42",
      .page = P_BOTH, .quote = D_LETTER_5XX, .quoted = D_UTF8, THEN(BOUNCE, A43, ANY_KEY) },
    { "A43, the same in direct",
      .page = P_DIRECT, .quote = D_LETTER_5XX | D_CLIENT_ANY_5XX, .quoted = D_UTF8, THEN(BOUNCE, A43, ANY_KEY) },
    { "A7: a 521 banner and a 556 at RCPT are 5xx verdicts of that host, never for the smart host",
      .page = P_BOTH, .quote = D_LETTER_5XX, .quoted = D_521 | D_556, THEN(BOUNCE, A7, ANY_KEY) },
    { "A7, the same in direct",
      .page = P_DIRECT, .quote = D_LETTER_5XX | D_CLIENT_ANY_5XX, .quoted = D_521 | D_556, THEN(BOUNCE, A7, ANY_KEY) },
    { "A15: otherwise one 5xx verdict is enough to bounce, unreachable hosts notwithstanding; A12: A15",
      .had = D_LETTER_5XX, .page = P_BOTH, THEN(BOUNCE, A15, ANY_KEY), .quote = D_LETTER_5XX },
    { "A15: the same; A13: in direct it is an ordinary verdict",
      .had = D_LETTER_5XX | D_CLIENT_ANY_5XX, .page = P_DIRECT, THEN(BOUNCE, A15, ANY_KEY),
      .quote = D_LETTER_5XX | D_CLIENT_ANY_5XX },

    /* ---- only session failures: authoritative absence ---- */
    { "A1: domain authoritatively without MX, A and AAAA (A8: nor any target): bounce at once in both modes",
      .page = P_NO_MX, .not_page = P_TIME, .only = D_ABSENT, THEN(BOUNCE, A1, NO_MX_KEY), .quote = D_ABSENT },
    { "A2: direct: retry cycle until expiry (A8: as A2)",
      .page = P_DIRECT, .not_page = P_TIME, .only = D_ABSENT, THEN(WAIT, A2, ANY_KEY), .quote = D_ABSENT },
    { "A2: direct-then-smarthost: smart host now (A8: as A2)",
      .page = P_BOTH | P_MEETS, .not_page = P_TIME, .only = D_ABSENT, GO(SMARTHOST, A2, ANY_KEY) },

    /* ---- only session failures: on to the smart host ---- */
    { "A13: it counts as a session failure: the next MX host, then the smart host",
      .page = P_BOTH | P_MEETS, .had = D_CLIENT, GO(SMARTHOST, A13, ANY_KEY) },
    { "A4: direct-then-smarthost: smart host now", .page = P_BOTH | P_MEETS, D_TOLD(D_DNS), GO(SMARTHOST, A4, ANY_KEY) },
    { "A37: counts as a failed connection, so the next candidate is tried at once",
      .page = P_BOTH | P_MEETS, D_TOLD(D_REMEMBERED), GO(SMARTHOST, A37, ANY_KEY) },
    { "A41: next MX; the smart host only if it meets the same demand",
      .page = P_BOTH | P_MEETS, D_TOLD(D_TLS | D_REQUIRETLS), GO(SMARTHOST, A41, ANY_KEY) },
    { "A10a: bound of one attempt", .page = P_BOTH | P_MEETS | P_TIME, GO(SMARTHOST, A10A, ANY_KEY) },
    { "A10: every session failure: on to the smart host", .page = P_BOTH | P_MEETS, GO(SMARTHOST, A10, ANY_KEY) },

    /* ---- only session failures: nobody follows ---- */
    { "A41: the smart host only if it meets the same demand (A13 led to it)",
      .page = P_BOTH, .had = D_CLIENT, THEN(WAIT, A41, ANY_KEY), .quote = D_CLIENT },
    { "A41: REQUIRETLS: bounce 5.7.30", .page = P_REQUIRETLS, D_TOLD(D_TLS | D_REQUIRETLS), THEN(BOUNCE, A41, ANY_KEY) },
    { "A41: the smart host only if it meets the same demand", .page = P_BOTH, D_TOLD(D_SESSION), THEN(WAIT, A41, ANY_KEY) },
    { "A4: direct: retry", D_TOLD(D_DNS), THEN(WAIT, A4, ANY_KEY) },
    { "A37: where none is left a new message waits with the others", D_TOLD(D_REMEMBERED), THEN(WAIT, A37, ANY_KEY) },
    { "A41: demanded and unmet: temporary until expiry", D_TOLD(D_TLS | D_REQUIRETLS), THEN(WAIT, A41, ANY_KEY) },
    { "A10a: bound of one attempt", .page = P_TIME, D_TOLD(D_SESSION), THEN(WAIT, A10A, ANY_KEY) },
    { "A15: only session failures, refused banners included: retry", D_TOLD(D_SESSION), THEN(WAIT, A15, ANY_KEY) },
};
const size_t reading_row_count = sizeof(reading_rows) / sizeof(reading_rows[0]);

/* ---- the facts of a cell ---- */

static uint32_t page_facts(const struct verdict_question *question)
{
    static const uint32_t modes[] = { [MODE_DIRECT] = P_DIRECT, [MODE_SMARTHOST] = P_SMARTHOST,
                                      [MODE_DIRECT_THEN_SMARTHOST] = P_BOTH };
    static const uint32_t temps[] = { [FALLBACK_TEMP_AFTER_REMOTE_QUEUE] = P_AFTER, [FALLBACK_TEMP_AT_ONCE] = P_AT_ONCE,
                                      [FALLBACK_TEMP_NEVER] = P_NEVER };
    const struct verdict_page *page = &question->page;
    return modes[page->mode] | temps[page->fallback_on_temp_error] | (page->abort_on_rcpt_5xx ? P_ABORT : 0) |
           (page->bounce_if_no_mx_or_a ? P_NO_MX : 0) | (page->bounce_on_first_5xx ? P_FIRST_5XX : 0) |
           (question->queue == VERDICT_QUEUE_REMOTE ? P_REMOTE : 0) | (question->smarthost_meets ? P_MEETS : 0) |
           (question->smarthost_refusing ? P_REFUSING : 0) |
           (question->credential == CREDENTIAL_ACCOUNT ? P_ACCOUNT : 0) |
           (question->credential != CREDENTIAL_NONE ? P_LOGIN : 0) | (question->requiretls ? P_REQUIRETLS : 0);
}

/* "After a verdict, the next host and not another address of the same" (A15; A13: the next MX host). */
static bool same_host_excluded(const struct cell *cell, uint8_t place)
{
    return cell->answers[cell->last] && (cell->answers[cell->last]->kind & (D_LETTER | D_CLIENT)) != 0 &&
           cell->candidates[place].host_number == cell->candidates[cell->last].host_number;
}

/* The first candidate of a kind that was not tried, behind the last one tried; count when there is none. */
static uint8_t next_of(const struct cell *cell, enum candidate_kind kind)
{
    uint8_t place = cell->tried == 0 ? 0 : (uint8_t)(cell->last + 1);
    while (place < cell->question.count &&
           (cell->candidates[place].kind != kind || cell->answers[place] || same_host_excluded(cell, place)))
        place++;
    return place;
}

/* Rows that can match after a last answer of a kind (0 to 63; 64: nothing was tried) in a mode: the product has tens of
 * millions of cells. */
enum { KINDS = 65, MODES = 3, ROWS_MAX = 128 };

static struct {
    uint8_t rows[ROWS_MAX];
    uint8_t count;
} indices[KINDS][MODES];

static void indices_build(void)
{
    assert(reading_row_count <= ROWS_MAX);
    for (unsigned kind = 0; kind < KINDS; kind++) {
        uint64_t last = kind < 64 ? K(kind) : 0;
        for (unsigned mode = 0; mode < MODES; mode++) {
            for (uint8_t i = 0; i < reading_row_count; i++) {
                const struct row *row = &reading_rows[i];
                uint32_t modes = row->page & (P_DIRECT | P_SMARTHOST | P_BOTH);
                if ((row->last == 0 || (row->last & last) != 0) && (modes == 0 || modes == 1u << mode))
                    indices[kind][mode].rows[indices[kind][mode].count++] = i;
            }
        }
    }
}

static bool row_matches(const struct row *row, uint32_t page, uint64_t last, uint64_t had)
{
    return (page & row->page) == row->page && (page & row->not_page) == 0 && (row->last == 0 || (row->last & last) != 0) &&
           (row->had == 0 || (row->had & had) != 0) && (row->also == 0 || (row->also & had) != 0) &&
           (row->only == 0 || (had & ~row->only) == 0);
}

static int telling(const struct answer *answer)
{
    bool little = (answer->kind & (D_ABSENT | D_REMEMBERED)) != 0 || answer->outcome.cause == OUTCOME_CAUSE_UNREACHABLE ||
                  (answer->outcome.stage == STAGE_DNS && answer->outcome.class == OUTCOME_PERM);
    return 2 * (int)answer->outcome.stage + !little;
}

/* The candidate that a row tells; count when none said what it wants to quote. */
static uint8_t told_by(const struct cell *cell, const struct row *row)
{
    if (row->quote == 0)
        return cell->last;
    uint8_t told = cell->question.count;
    for (uint8_t i = 0; i < cell->question.count; i++) {
        const struct answer *answer = cell->answers[i];
        if (!answer || (answer->kind & row->quote) == 0)
            continue;
        if (told == cell->question.count || (row->pick == PICK_TELLING && telling(answer) > telling(cell->answers[told])))
            told = i;
    }
    return told;
}

void reading_of(const struct cell *cell, struct reading *ret_reading)
{
    const struct verdict_question *question = &cell->question;
    uint32_t page = page_facts(question);
    uint64_t had = 0, last = cell->tried > 0 ? cell->answers[cell->last]->kind : 0;
    for (uint8_t i = 0; i < question->count; i++) {
        if (cell->candidates[i].kind != CANDIDATE_MX)
            continue;
        if (cell->answers[i])
            had |= cell->answers[i]->kind;
    }
    uint8_t next_direct = next_of(cell, CANDIDATE_MX), next_smarthost = next_of(cell, CANDIDATE_SMARTHOST);
    page |= cell->tried == 0 ? P_NOTHING : 0;
    if (next_direct < question->count)
        page |= question->time_up ? P_TIME : P_LEFT;
    page |= next_smarthost < question->count ? P_OTHER : 0;

    *ret_reading = (struct reading){ 0 };
    if (indices[KINDS - 1][0].count == 0)
        indices_build();
    unsigned kind = last == 0 ? KINDS - 1 : (unsigned)__builtin_ctzll(last);
    unsigned mode = (unsigned)__builtin_ctz(page);
    for (size_t i = 0; i < indices[kind][mode].count; i++) {
        const struct row *row = &reading_rows[indices[kind][mode].rows[i]];
        if (!row_matches(row, page, last, had))
            continue;
        uint8_t told = told_by(cell, row);
        if (told == cell->question.count || (row->quoted != 0 && (cell->answers[told]->kind & row->quoted) == 0))
            continue;
        ret_reading->row = row;
        ret_reading->next = row->next == TO_DIRECT ? next_direct : next_smarthost;
        ret_reading->told = told;
        return;
    }
}

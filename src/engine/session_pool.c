/* The pool: groups of sessions that are alike, the lines before them, and who gets which session. */
#include <assert.h>

#include "base/arena.h"
#include "engine/session_work.h"

static void group_serve(struct engine *e, struct session_group *g, bool patience_over);

static struct transaction *transaction_of(struct list_item *item)
{
    return LIST_OWNER(item, struct transaction, item);
}

static struct session *session_of_group(struct list_item *item)
{
    return LIST_OWNER(item, struct session, of_group);
}

void pool_plan(const struct transaction *t, struct tls_plan *ret_plan)
{
    *ret_plan = t->plan;
    if (t->clear) {
        ret_plan->tls = SMTP_CLIENT_TLS_OFF;
        ret_plan->clear_after_failure = false;
    }
}

/* ---- what goes up ---- */

void pool_tell(struct engine *e, struct transaction *t, uint32_t recipient, const struct outcome *outcome, bool too_many,
               bool dsn)
{
    assert(recipient < t->recipient_count);
    const struct transaction_result result = {
        .recipient = recipient, .outcome = *outcome, .too_many = too_many, .dsn = dsn,
    };
    e->calls->transaction_result(e, t, &result);
}

void pool_end(struct engine *e, struct transaction *t, const struct transaction_end *end)
{
    struct session_group *g = t->group;
    assert(!t->session && !list_linked(&t->item));
    t->stage = TRANSACTION_OUT;
    t->group = NULL;
    e->calls->transaction_end(e, t, end); /* it may be gone, or here again */
    if (!g)
        return;
    g->members--;
    pool_group_leave(e, g);
}

void pool_tell_all(struct engine *e, struct transaction *t, const struct outcome *outcome,
                   const struct transaction_end *end)
{
    for (uint32_t i = 0; i < t->recipient_count; i++)
        pool_tell(e, t, i, outcome, false, false);
    pool_end(e, t, end);
}

/* ---- groups ---- */

static struct slice place(char **at, struct slice bytes)
{
    char *to = *at;
    if (bytes.size > 0)
        memcpy(to, bytes.data, bytes.size);
    *at += bytes.size;
    return slice(to, bytes.size);
}

static struct session_group *group_new(struct engine *e, struct slice key, const struct credential *credential)
{
    struct sessions *all = e->sessions;
    bool login = credential->kind != CREDENTIAL_NONE;
    struct slice account = login ? credential->account : SLICE_EMPTY;
    struct slice user = login ? credential->user : SLICE_EMPTY, password = login ? credential->password : SLICE_EMPTY;
    struct session_group *g = mem_alloc(sizeof *g + key.size + account.size + user.size + password.size);
    char *at = (char *)(g + 1);
    g->login = login;
    g->key = place(&at, key);
    g->account = place(&at, account);
    g->user = place(&at, user);
    g->password = place(&at, password);
    list_init(&g->hungry);
    list_init(&g->idle);
    list_init(&g->line);
    list_init(&g->asked);
    list_append(&all->groups, &g->of_pool);
    table_put_slice(&all->by_key, g->key, g);
    return g;
}

static void group_free(struct sessions *all, struct session_group *g)
{
    list_remove(&all->groups, &g->of_pool);
    heap_remove(&all->patience, &g->patience);
    if (!g->retired)
        table_remove_slice(&all->by_key, g->key);
    explicit_bzero((char *)(g + 1) + g->key.size + g->account.size, g->user.size + g->password.size);
    mem_free(g);
}

void pool_group_leave(struct engine *e, struct session_group *g)
{
    if (g->sessions > 0 || g->members > 0)
        return;
    assert(g->waiting == 0 && g->busy == 0);
    group_free(e->sessions, g);
}

/* What it has finishes; idle sessions end. */
static void group_retire(struct engine *e, struct session_group *g)
{
    g->retired = true;
    table_remove_slice(&e->sessions->by_key, g->key);
    struct list_item *i;
    while ((i = list_first(&g->idle)) != NULL)
        session_quit(e, session_of_group(i));
}

/* Under one key the login is one; another password is another configuration's, whose groups are retired. */
static bool group_fits(const struct session_group *g, const struct credential *credential)
{
    return credential->kind == CREDENTIAL_NONE ||
           (slice_equal(g->user, credential->user) && slice_equal(g->password, credential->password));
}

static void group_join(struct engine *e, struct transaction *t)
{
    struct sessions *all = e->sessions;
    struct tls_plan plan;
    pool_plan(t, &plan);
    buffer_clear(&all->key);
    tls_session_key(&plan, t->candidate->host, &t->candidate->address, &t->credential, &all->key);
    assert(!all->key.overflow);
    struct session_group *g = table_get_slice(&all->by_key, buffer_slice(&all->key));
    if (g && !group_fits(g, &t->credential)) {
        group_retire(e, g);
        g = NULL;
    }
    if (!g)
        g = group_new(e, buffer_slice(&all->key), &t->credential);
    g->members++;
    t->group = g;
    /* The group's own from now on: the configuration that they came from may be gone when it is handed in again (seed 721). */
    t->credential.account = g->account;
    t->credential.user = g->user;
    t->credential.password = g->password;
}

static void group_quit(struct engine *e, struct transaction *t)
{
    struct session_group *g = t->group;
    t->group = NULL;
    t->stage = TRANSACTION_OUT;
    g->members--;
    pool_group_leave(e, g);
}

/* ---- lines ---- */

static void line_join(struct engine *e, struct transaction *t, enum transaction_stage stage)
{
    struct session_group *g = t->group;
    t->stage = (uint8_t)stage;
    list_append(stage == TRANSACTION_LINE ? &g->line : &g->asked, &t->item);
    g->waiting++;
}

static void line_leave(struct engine *e, struct transaction *t)
{
    struct session_group *g = t->group;
    list_remove(&g->line, &t->item);
    g->waiting--;
    if (list_empty(&g->line))
        heap_remove(&e->sessions->patience, &g->patience);
}

/* Why no connection is opened for it: the address failed lately (A37), or the login at the smart host rests (A25), which may
 * have begun while this one waited for a connection. */
static const struct destination_failure *remembered(struct engine *e, const struct transaction *t)
{
    if (t->candidate->kind == CANDIDATE_MX)
        return t->probe ? NULL : destination_host_failure(e, &t->candidate->address);
    return destination_resting(e, t->destination) ? t->destination->failure : NULL;
}

static void known_join(struct engine *e, struct transaction *t)
{
    t->stage = TRANSACTION_KNOWN;
    list_append(&e->sessions->known, &t->item);
    machine_wake(e, &e->sessions->machine);
}

/* It has failed for somebody else meanwhile. */
static bool known_instead(struct engine *e, struct transaction *t)
{
    if (!remembered(e, t))
        return false;
    line_leave(e, t);
    destination_wait_cancel(e, &t->wait);
    group_quit(e, t);
    known_join(e, t);
    return true;
}

/* Somebody waits for a connection; an idle one that keeps it from him ends. */
static void make_room(struct engine *e)
{
    struct list *idle = &e->sessions->idle;
    for (struct list_item *i = list_first(idle); i; i = list_next(idle, i)) {
        struct session *s = LIST_OWNER(i, struct session, of_idle);
        if (destination_wanted(e, s->destination)) {
            session_quit(e, s);
            return;
        }
    }
}

/* It stands in group->asked: the connection, when it may have one now. */
static void ask(struct engine *e, struct transaction *t)
{
    if (known_instead(e, t))
        return;
    if (!destination_connect(e, t->destination, &t->wait)) {
        make_room(e);
        return;
    }
    line_leave(e, t);
    session_open(e, t);
}

static void ask_first(struct engine *e, struct transaction *t)
{
    if (t->stage == TRANSACTION_LINE)
        line_leave(e, t);
    line_join(e, t, TRANSACTION_ASKED);
    ask(e, t);
}

static struct transaction *take_from(struct engine *e, struct session *s, struct list *line)
{
    uint32_t looked = 0;
    for (struct list_item *i = list_first(line); i && looked < SESSION_LOOK_MAX; i = list_next(line, i), looked++) {
        struct transaction *t = transaction_of(i);
        if (t->fresh_only || !destination_lend(e, s->destination, t->destination))
            continue;
        s->destination = t->destination;
        line_leave(e, t);
        destination_wait_cancel(e, &t->wait);
        return t;
    }
    return NULL;
}

struct transaction *pool_take(struct engine *e, struct session *s)
{
    struct transaction *t = take_from(e, s, &s->group->asked);
    return t ? t : take_from(e, s, &s->group->line);
}

static bool serve_with(struct engine *e, struct list *sessions)
{
    for (struct list_item *i = list_first(sessions); i; i = list_next(sessions, i)) {
        struct session *s = session_of_group(i);
        struct transaction *t = pool_take(e, s);
        if (t) {
            carried_bind(e, s, t, false);
            return true;
        }
    }
    return false;
}

static bool patient(const struct session_group *g)
{
    return g->busy > 0 && g->waiting < g->busy * SESSION_BUSY_WAITING_WAKES;
}

static void group_serve(struct engine *e, struct session_group *g, bool patience_over)
{
    g->members++; /* stays while it is looked at */
    while (g->waiting > 0 && serve_with(e, &g->hungry)) {
    }
    while (!list_empty(&g->line) && (patience_over || !patient(g))) {
        if (!serve_with(e, &g->idle))
            ask_first(e, transaction_of(list_first(&g->line)));
    }
    if (!list_empty(&g->line) && g->patience.position == 0) {
        heap_set(&e->sessions->patience, &g->patience, e->now.monotonic_us + SESSION_PATIENCE_US);
        machine_wake(e, &e->sessions->machine);
    }
    g->members--;
    pool_group_leave(e, g);
}

static void line_enter(struct engine *e, struct transaction *t)
{
    if (t->fresh_only) {
        ask_first(e, t);
        return;
    }
    line_join(e, t, TRANSACTION_LINE);
    group_serve(e, t->group, false);
}

void pool_again(struct engine *e, struct transaction *t)
{
    struct session_group *g = t->group;
    assert(!t->session && !list_linked(&t->item));
    t->fresh_only = true;
    group_join(e, t);
    line_enter(e, t);
    g->members--;
    pool_group_leave(e, g);
}

/* ---- handed in, and back ---- */

void session_submit(struct engine *e, struct transaction *t)
{
    assert(t->owner && t->message && t->destination && t->candidate && t->candidate->address.family != 0);
    assert(t->recipient_count > 0 && t->recipient_count <= SMTP_CLIENT_RECIPIENTS_MAX);
    assert(t->candidate->kind == CANDIDATE_SMARTHOST || t->credential.kind == CREDENTIAL_NONE);
    t->item = (struct list_item){ 0 };
    t->group = NULL;
    t->session = NULL;
    t->fresh_only = t->clear = false;
    destination_wait_init(&t->wait, t->owner);
    if (remembered(e, t)) {
        known_join(e, t);
        return;
    }
    group_join(e, t);
    t->stage = TRANSACTION_PACE;
    if (destination_pace(e, t->destination, &t->wait))
        line_enter(e, t);
}

void session_granted(struct engine *e, struct transaction *t)
{
    if (!t->wait.granted)
        return;
    if (t->stage == TRANSACTION_PACE) {
        bool paced = destination_pace(e, t->destination, &t->wait);
        assert(paced);
        line_enter(e, t);
        return;
    }
    assert(t->stage == TRANSACTION_ASKED);
    ask(e, t);
}

void session_cancel(struct engine *e, struct transaction *t)
{
    switch ((enum transaction_stage)t->stage) {
    case TRANSACTION_OUT:
        return;
    case TRANSACTION_KNOWN:
        list_remove(&e->sessions->known, &t->item);
        t->stage = TRANSACTION_OUT;
        return;
    case TRANSACTION_LINE:
    case TRANSACTION_ASKED:
        line_leave(e, t);
        break;
    case TRANSACTION_CARRIED:
        carried_cancel(e, t->session, t);
        break;
    case TRANSACTION_PACE:
        break;
    }
    destination_wait_cancel(e, &t->wait);
    group_quit(e, t);
}

/* ---- sessions that are free ---- */

void pool_busy(struct session *s, bool busy)
{
    if (s->busy == busy)
        return;
    s->busy = busy;
    s->group->busy += busy ? 1u : -1u;
}

void pool_leave_lists(struct engine *e, struct session *s)
{
    if (list_linked(&s->of_group))
        list_remove(&s->group->idle, &s->of_group);
    if (list_linked(&s->of_idle)) {
        list_remove(&e->sessions->idle, &s->of_idle);
        e->sessions->idle_count--;
    }
}

void pool_hungry(struct engine *e, struct session *s)
{
    if (!list_linked(&s->of_group))
        list_append(&s->group->hungry, &s->of_group);
}

void pool_idle(struct engine *e, struct session *s)
{
    struct sessions *all = e->sessions;
    if (list_linked(&s->of_idle))
        return;
    pool_leave_lists(e, s);
    pool_busy(s, false);
    if (e->stopping || s->group->retired || destination_wanted(e, s->destination)) {
        session_quit(e, s);
        return;
    }
    list_prepend(&s->group->idle, &s->of_group);
    list_append(&all->idle, &s->of_idle);
    if (++all->idle_count > SESSION_IDLE_MAX)
        session_quit(e, LIST_OWNER(list_first(&all->idle), struct session, of_idle));
}

void sessions_configure(struct engine *e)
{
    struct list *groups = &e->sessions->groups;
    for (struct list_item *i = list_first(groups); i; i = list_next(groups, i)) {
        struct session_group *g = LIST_OWNER(i, struct session_group, of_pool);
        if (!g->retired)
            group_retire(e, g);
    }
}

void sessions_stop(struct engine *e)
{
    struct list_item *i;
    while ((i = list_first(&e->sessions->idle)) != NULL)
        session_quit(e, LIST_OWNER(i, struct session, of_idle));
}

uint32_t sessions_open(const struct engine *e)
{
    return e->sessions->open;
}

/* ---- the machine: what is known, and patience ---- */

static void known_tell(struct engine *e, struct transaction *t)
{
    const struct destination_failure *failure = remembered(e, t);
    if (!failure) { /* forgotten in this very turn (A46) */
        group_join(e, t);
        line_enter(e, t);
        return;
    }
    struct outcome outcome = failure->outcome;
    outcome.at_us = e->now.wall_us;
    if (t->candidate->kind == CANDIDATE_MX)
        outcome.cause = OUTCOME_CAUSE_REMEMBERED;
    outcome.host = t->candidate->host;
    outcome.enhanced = outcome_enhanced_default(&outcome);
    pool_tell_all(e, t, &outcome, &(struct transaction_end){ 0 });
}

static bool sessions_next(struct engine *e, struct machine *m, struct op *ret_op)
{
    struct list_item *i;
    while ((i = list_take_first(&e->sessions->known)) != NULL)
        known_tell(e, transaction_of(i));
    return false;
}

static void sessions_feed(struct engine *e, struct machine *m, const struct event *event)
{
    struct heap *patience = &e->sessions->patience;
    for (struct heap_item *i; (i = heap_first(patience)) != NULL && i->key <= e->now.monotonic_us;) {
        heap_remove(patience, i);
        group_serve(e, LIST_OWNER(i, struct session_group, patience), true);
    }
}

static int64_t sessions_deadline_us(const struct engine *e, const struct machine *m)
{
    const struct heap_item *first = heap_first(&e->sessions->patience);
    return first ? first->key : DEADLINE_NEVER;
}

static void sessions_free(struct engine *e, struct machine *m)
{
    /* Lives as long as the engine; sessions_done gives it back. */
}

static const struct machine_kind SESSIONS_KIND = {
    .name = "sessions", .may_sleep = true, .feed = sessions_feed, .next = sessions_next,
    .deadline_us = sessions_deadline_us, .free = sessions_free,
};

/* ---- life ---- */

void sessions_init(struct engine *e)
{
    struct sessions *all = e->sessions = mem_alloc(sizeof *all);
    uint64_t key[2];
    engine_random(e, key, sizeof key);
    table_init(&all->by_key, key);
    list_init(&all->groups);
    list_init(&all->all);
    list_init(&all->idle);
    list_init(&all->known);
    heap_init(&all->patience);
    buffer_init(&all->key, SESSION_KEY_SIZE_MAX);
    buffer_init(&all->words, SMTP_CLIENT_OPENING_TRANSCRIPT_MAX + SMTP_CLIENT_TRANSCRIPT_MAX);
    machine_add(e, &all->machine, &SESSIONS_KIND);
}

static void line_drop(struct engine *e, struct list *line)
{
    struct list_item *i;
    while ((i = list_first(line)) != NULL)
        session_cancel(e, transaction_of(i));
}

/* Whatever is still in a line belongs to an owner who is gone already or has nothing more to hear. */
void sessions_done(struct engine *e)
{
    struct sessions *all = e->sessions;
    struct list_item *i;
    while ((i = list_first(&all->all)) != NULL)
        machine_end(e, &LIST_OWNER(i, struct session, of_all)->machine);
    line_drop(e, &all->known);
    while ((i = list_first(&all->groups)) != NULL) {
        struct session_group *g = LIST_OWNER(i, struct session_group, of_pool);
        g->members++;
        line_drop(e, &g->asked);
        line_drop(e, &g->line);
        group_free(all, g);
    }
    if (list_linked(&all->machine.place))
        machine_end(e, &all->machine);
    table_done(&all->by_key);
    heap_done(&all->patience);
    buffer_done(&all->key);
    buffer_done(&all->words);
    mem_free(all);
    e->sessions = NULL;
}

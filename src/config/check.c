#include "config/check.h"

#include "base/now.h"
#include "config/place.h"
#include "config/problem.h"
#include "config/schema.h"

enum {
    SOCKET_PATH_SIZE_MAX = 107, /* sun_path without its NUL */
    OPEN_BITS_V4 = 8,           /* a network with a shorter mask is nobody's own */
    OPEN_BITS_V6 = 16,
};

#define WARN(name) ((struct wrong){ .what = TEXT_WARN_##name, .remedy = TEXT_REMEDY_##name, .warning = true })

/* Both phrases may use {value}, {names} and {port}. */
static void tell(const struct config_check *c, enum config_key key, struct wrong wrong, struct slice value,
                 struct slice names, uint16_t port)
{
    problem_add(c->problems,
                (struct problem_at){ c->places[key], slice_of(config_key_name(key)), wrong.warning },
                wrong.what, wrong.remedy,
                TEXT_ARGUMENTS({ "value", problem_value(c->problems, value) }, { "names", names },
                               { "port", problem_number(c->problems, port) }));
}

static void tell_plain(const struct config_check *c, enum config_key key, struct wrong wrong)
{
    tell(c, key, wrong, SLICE_EMPTY, SLICE_EMPTY, 0);
}

static bool right(const struct config_check *c, enum config_key a, enum config_key b)
{
    return !c->wrong[a] && !c->wrong[b];
}

/* The key that demands something: where it is given, else another one. */
static enum config_key given(const struct config_check *c, enum config_key key, enum config_key other)
{
    return c->config->lines[key] > 0 ? key : other;
}

/* ---- the server itself ---- */

static void check_name(const struct config_check *c)
{
    struct slice name = c->config->server.name;
    if (c->wrong[CONFIG_SERVER_NAME])
        return;
    if (name.size == 0)
        tell_plain(c, CONFIG_SERVER_NAME,
                   (struct wrong){ TEXT_WRONG_MISSING, TEXT_REMEDY_NAME_MISSING, false, SLICE_EMPTY });
    else if (slice_find(name, '.') == name.size)
        tell(c, CONFIG_SERVER_NAME, WARN(NAME_SHORT), name, SLICE_EMPTY, 0);
}

static void check_data_dir(const struct config_check *c)
{
    struct slice dir = c->config->server.data_dir;
    if (c->wrong[CONFIG_SERVER_DATA_DIR])
        return;
    if (dir.size == 0)
        tell_plain(c, CONFIG_SERVER_DATA_DIR,
                   (struct wrong){ TEXT_WRONG_MISSING, TEXT_REMEDY_DATA_DIR_MISSING, false, SLICE_EMPTY });
    else if (dir.size + sizeof "/control" - 1 > SOCKET_PATH_SIZE_MAX)
        tell(c, CONFIG_SERVER_DATA_DIR, WRONG(DATA_DIR_LONG), dir, SLICE_EMPTY, 0);
}

static void check_certificate(const struct config_check *c)
{
    bool certificate = c->config->tls.certificate.size > 0, key = c->config->tls.key.size > 0;
    if (right(c, CONFIG_TLS_CERTIFICATE, CONFIG_TLS_KEY) && certificate != key)
        tell_plain(c, certificate ? CONFIG_TLS_CERTIFICATE : CONFIG_TLS_KEY, WRONG(TLS_PAIR));
}

/* ---- listeners and networks ---- */

struct listeners {
    enum config_key key;
    const struct config_listen *items;
    size_t count;
};

enum { LISTENERS = 4 };

static void listeners_of(const struct config *config, struct listeners listeners[static LISTENERS])
{
#define LISTENERS_OF(key, member) (struct listeners){ key, config->member, config->member##_count }
    listeners[0] = LISTENERS_OF(CONFIG_LISTEN_RELAY, listen.relay);
    listeners[1] = LISTENERS_OF(CONFIG_LISTEN_SUBMISSION, listen.submission);
    listeners[2] = LISTENERS_OF(CONFIG_LISTEN_SUBMISSIONS, listen.submissions);
    listeners[3] = LISTENERS_OF(CONFIG_WEB_LISTEN, web.listen);
#undef LISTENERS_OF
}

/* Two sockets cannot have both: the same, or one of them all addresses of the family. */
static bool clash(const struct config_listen *a, const struct config_listen *b)
{
    return a->family == b->family && a->port == b->port &&
           (memcmp(a->ip, b->ip, sizeof a->ip) == 0 || address_is_unspecified(a->family, a->ip) ||
            address_is_unspecified(b->family, b->ip));
}

/* Who has taken `listen` already: a listener before it in the order of the keys. */
static enum config_key taken_by(const struct listeners *listeners, size_t at, size_t index)
{
    const struct config_listen *listen = &listeners[at].items[index];
    for (size_t i = 0; i <= at; i++) {
        size_t count = i < at ? listeners[i].count : index;
        for (size_t j = 0; j < count; j++) {
            if (clash(&listeners[i].items[j], listen))
                return listeners[i].key;
        }
    }
    return CONFIG_KEY_NONE;
}

static void check_listeners(const struct config_check *c)
{
    char text[PLACE_TEXT_SIZE];
    struct listeners listeners[LISTENERS];
    listeners_of(c->config, listeners);
    for (size_t i = 0; i < LISTENERS; i++) {
        for (size_t j = 0; j < listeners[i].count; j++) {
            enum config_key other = taken_by(listeners, i, j);
            enum config_key key = given(c, listeners[i].key, other);
            if (other != CONFIG_KEY_NONE && right(c, listeners[i].key, other))
                tell(c, key, WRONG(LISTEN_CLASH), config_listen_format(&listeners[i].items[j], text),
                     slice_of(config_key_name(key == other ? listeners[i].key : other)), 0);
        }
    }
}

static void check_networks(const struct config_check *c)
{
    char text[PLACE_TEXT_SIZE];
    for (size_t i = 0; i < c->config->relay.networks_count; i++) {
        const struct config_network *network = &c->config->relay.networks[i];
        if (network->bits < (network->family == 4 ? OPEN_BITS_V4 : OPEN_BITS_V6))
            tell(c, CONFIG_RELAY_NETWORKS, WARN(OPEN_RELAY), config_network_format(network, text), SLICE_EMPTY, 0);
    }
}

/* ---- the smart host ---- */

static bool uses_smarthost(const struct config_check *c)
{
    return !c->wrong[CONFIG_DELIVERY_MODE] && c->config->delivery.mode != MODE_DIRECT;
}

static bool own_address(const struct config_check *c, const struct config_server_place *place)
{
    static const char *const names[] = { "localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback" };
    for (size_t i = 0; place->form != SERVER_ADDRESS && i < sizeof names / sizeof names[0]; i++) {
        if (slice_equal(place->host, slice_of(names[i])))
            return true;
    }
    if (place->form != SERVER_ADDRESS)
        return false;
    for (size_t i = 0; i < c->source->own_address_count; i++) {
        const struct config_listen *own = &c->source->own_addresses[i];
        if (own->family == place->family && memcmp(own->ip, place->ip, place->family == 4 ? 4 : 16) == 0)
            return true;
    }
    return address_is_own_always(place->family, place->ip);
}

static bool listens_on(const struct config *config, uint16_t port)
{
    struct listeners listeners[LISTENERS];
    listeners_of(config, listeners);
    for (size_t i = 0; i < LISTENERS; i++) {
        for (size_t j = 0; j < listeners[i].count; j++) {
            if (listeners[i].items[j].port == port)
                return true;
        }
    }
    return false;
}

/* A9. */
static void check_smarthost(const struct config_check *c)
{
    const struct config_server_place *place = &c->config->delivery.smarthost;
    uint16_t port = config_smarthost_port(c->config);
    struct wrong wrong = RIGHT;
    if (c->wrong[CONFIG_DELIVERY_SMARTHOST])
        return;
    if (place->form == SERVER_NONE) {
        enum config_key key = given(c, CONFIG_DELIVERY_SMARTHOST, CONFIG_DELIVERY_MODE);
        if (uses_smarthost(c))
            problem_add(c->problems,
                        (struct problem_at){ c->places[key], slice_of(config_key_name(CONFIG_DELIVERY_SMARTHOST)), false },
                        TEXT_WRONG_SMARTHOST_MISSING, TEXT_REMEDY_SMARTHOST_MISSING,
                        TEXT_ARGUMENTS({ "value", slice_of(config_mode_name(c->config->delivery.mode)) }));
        return;
    }
    if (slice_equal(place->host, c->config->server.name))
        wrong = (struct wrong){ TEXT_WRONG_SMARTHOST_OURSELVES, TEXT_REMEDY_SMARTHOST_OURSELVES, false, SLICE_EMPTY };
    else if (config_is_local_domain(c->config, place->host))
        wrong = (struct wrong){ TEXT_WRONG_SMARTHOST_LOCAL, TEXT_REMEDY_SMARTHOST_OURSELVES, false, SLICE_EMPTY };
    else if (own_address(c, place) && listens_on(c->config, port))
        wrong = (struct wrong){ TEXT_WRONG_SMARTHOST_LISTEN, TEXT_REMEDY_SMARTHOST_OURSELVES, false, SLICE_EMPTY };
    else if (own_address(c, place))
        wrong = WARN(SMARTHOST_OWN);
    if (wrong.what != TEXT_NONE)
        tell(c, CONFIG_DELIVERY_SMARTHOST, wrong, place->written, SLICE_EMPTY, port);
}

/* A28, and what A27 makes of per-account logins without a general one. */
static void check_login(const struct config_check *c)
{
    bool user = c->config->delivery.smarthost_user.size > 0;
    bool password = c->config->delivery.smarthost_password.size > 0 || c->config->delivery.smarthost_password_unreadable;
    bool auth = c->config->delivery.smarthost_auth, per_account = c->config->delivery.per_account_auth;
    if (!right(c, CONFIG_DELIVERY_SMARTHOST_USER, CONFIG_DELIVERY_SMARTHOST_PASSWORD) ||
        !right(c, CONFIG_DELIVERY_SMARTHOST_AUTH, CONFIG_DELIVERY_PER_ACCOUNT_AUTH) || (user && password))
        return;
    enum config_key empty = user ? CONFIG_DELIVERY_SMARTHOST_PASSWORD : CONFIG_DELIVERY_SMARTHOST_USER;
    if (auth && !per_account)
        problem_add(c->problems,
                    (struct problem_at){ c->places[given(c, empty, CONFIG_DELIVERY_SMARTHOST_AUTH)],
                                         slice_of(config_key_name(empty)), false },
                    TEXT_WRONG_LOGIN_EMPTY, TEXT_REMEDY_LOGIN_EMPTY, NULL, 0);
    else if (auth && uses_smarthost(c))
        tell_plain(c, CONFIG_DELIVERY_PER_ACCOUNT_AUTH, WARN(LOGIN_ACCOUNTS_ONLY));
    else if (per_account && uses_smarthost(c))
        tell_plain(c, CONFIG_DELIVERY_PER_ACCOUNT_AUTH, WARN(LOGIN_OTHERS_WITHOUT));
}

/* A33. */
static void check_tls(const struct config_check *c)
{
    bool off = c->config->delivery.smarthost_tls == SMARTHOST_TLS_OFF;
    bool login = config_smarthost_login(c->config) && uses_smarthost(c);
    if (c->wrong[CONFIG_DELIVERY_SMARTHOST_TLS])
        return;
    if (off && c->config->delivery.smarthost.implicit_tls && !c->wrong[CONFIG_DELIVERY_SMARTHOST])
        tell_plain(c, CONFIG_DELIVERY_SMARTHOST_TLS, WRONG(TLS_CONTRADICTION));
    else if (off && login && right(c, CONFIG_DELIVERY_ALLOW_PLAINTEXT_AUTH, CONFIG_DELIVERY_SMARTHOST_AUTH) &&
             !c->config->delivery.allow_plaintext_auth)
        tell_plain(c, CONFIG_DELIVERY_SMARTHOST_TLS, WARN(LOGIN_NEVER));
    if (login && c->config->delivery.allow_plaintext_auth)
        tell_plain(c, CONFIG_DELIVERY_ALLOW_PLAINTEXT_AUTH, WARN(LOGIN_CLEAR));
    if (login && !off && !c->config->delivery.smarthost_verify_certificate)
        tell_plain(c, CONFIG_DELIVERY_SMARTHOST_VERIFY_CERTIFICATE, WARN(LOGIN_UNVERIFIED));
}

/* ---- delivery ---- */

static void check_switches(const struct config_check *c)
{
    if (uses_smarthost(c) && c->config->delivery.mode == MODE_DIRECT_THEN_SMARTHOST &&
        c->config->delivery.bounce_if_no_mx_or_a) /* A1 */
        tell_plain(c, CONFIG_DELIVERY_BOUNCE_IF_NO_MX_OR_A, WARN(NO_MX_BOTH));
    if (uses_smarthost(c) && c->config->delivery.abort_on_rcpt_5xx) /* A20, A22 */
        tell_plain(c, CONFIG_DELIVERY_ABORT_ON_RCPT_5XX, WARN(ABORT_ALL));
}

/* A45. */
static void check_give_up(const struct config_check *c)
{
    enum config_key sender = CONFIG_RETRY_ON_GIVE_UP_INFORM_SENDER;
    if (!c->config->retry.on_give_up_inform_sender && !c->config->retry.on_give_up_inform_postmaster &&
        !c->config->retry.on_give_up_keep_in_bad_queue &&
        right(c, CONFIG_RETRY_ON_GIVE_UP_INFORM_POSTMASTER, CONFIG_RETRY_ON_GIVE_UP_KEEP_IN_BAD_QUEUE))
        tell_plain(c, sender, WRONG(GIVE_UP));
    if (c->config->retry.give_up_us > 0 && c->config->retry.give_up_us < c->config->retry.remote_queue_us &&
        right(c, CONFIG_RETRY_GIVE_UP, CONFIG_RETRY_REMOTE_QUEUE))
        tell_plain(c, given(c, CONFIG_RETRY_GIVE_UP, CONFIG_RETRY_REMOTE_QUEUE), WARN(GIVE_UP_EARLY));
}

void config_check_all(const struct config_check *check)
{
    static void (*const checks[])(const struct config_check *) = {
        check_name,  check_data_dir, check_listeners, check_networks, check_smarthost,
        check_login, check_tls,      check_switches,  check_give_up,  check_certificate,
    };
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
        checks[i](check);
}

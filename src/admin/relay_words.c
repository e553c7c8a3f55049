#include "admin/relay_words.h"

#include "base/codec.h"

enum { SAID_SIZE_MAX = 300, WHERE_SIZE_MAX = 320 };

struct words {
    enum text_id cause, remedy;
};

/* Causes that mean the same at every stage; replies, timeouts and lost connections are told by where they happened. */
static const struct words BY_CAUSE[OUTCOME_CAUSE_COUNT] = {
    [OUTCOME_CAUSE_REFUSED] = { TEXT_RELAY_REFUSED, TEXT_RELAY_REFUSED_REMEDY },
    [OUTCOME_CAUSE_UNREACHABLE] = { TEXT_RELAY_UNREACHABLE, TEXT_RELAY_UNREACHABLE_REMEDY },
    [OUTCOME_CAUSE_PROTOCOL] = { TEXT_RELAY_PROTOCOL, TEXT_RELAY_PORT_REMEDY },
    [OUTCOME_CAUSE_DNS_TEMP] = { TEXT_RELAY_DNS_TEMP, TEXT_RELAY_DNS_TEMP_REMEDY },
    [OUTCOME_CAUSE_DNS_NXDOMAIN] = { TEXT_RELAY_NO_NAME, TEXT_RELAY_NAME_REMEDY },
    [OUTCOME_CAUSE_DNS_NODATA] = { TEXT_RELAY_NO_ADDRESS, TEXT_RELAY_NAME_REMEDY },
    [OUTCOME_CAUSE_DNS_NULL_MX] = { TEXT_RELAY_NULL_MX, TEXT_RELAY_NAME_REMEDY },
    [OUTCOME_CAUSE_OURSELVES] = { TEXT_RELAY_OURSELVES, TEXT_RELAY_OURSELVES_REMEDY },
    [OUTCOME_CAUSE_TLS_FAILED] = { TEXT_RELAY_TLS_FAILED, TEXT_RELAY_PORT_REMEDY },
    [OUTCOME_CAUSE_TLS_NOT_OFFERED] = { TEXT_RELAY_NO_TLS, TEXT_RELAY_NO_TLS_REMEDY },
    [OUTCOME_CAUSE_TLS_UNVERIFIED] = { TEXT_RELAY_CERTIFICATE, TEXT_RELAY_CERTIFICATE_REMEDY },
    [OUTCOME_CAUSE_AUTH_NO_MECHANISM] = { TEXT_RELAY_NO_AUTH, TEXT_RELAY_NO_AUTH_REMEDY },
    [OUTCOME_CAUSE_AUTH_CLEAR] = { TEXT_RELAY_AUTH_CLEAR, TEXT_RELAY_NO_TLS_REMEDY },
    [OUTCOME_CAUSE_AUTH_SECRET] = { TEXT_RELAY_SECRET, TEXT_RELAY_SECRET_REMEDY },
};

static struct words words_of(const struct outcome *o)
{
    if (BY_CAUSE[o->cause].cause != TEXT_NONE)
        return BY_CAUSE[o->cause];
    if (o->cause == OUTCOME_CAUSE_REPLY && o->stage == STAGE_AUTH)
        return o->class == OUTCOME_PERM ? (struct words){ TEXT_RELAY_LOGIN, TEXT_RELAY_LOGIN_REMEDY }
                                        : (struct words){ TEXT_RELAY_REPLY, TEXT_RELAY_LATER_REMEDY };
    if (o->cause == OUTCOME_CAUSE_REPLY)
        return (struct words){ TEXT_RELAY_REPLY, o->class == OUTCOME_PERM ? TEXT_RELAY_REPLY_REMEDY : TEXT_RELAY_LATER_REMEDY };
    if (o->cause == OUTCOME_CAUSE_TIMEOUT && o->stage == STAGE_CONNECT)
        return (struct words){ TEXT_RELAY_NO_CONNECTION, TEXT_RELAY_UNREACHABLE_REMEDY };
    if (o->cause == OUTCOME_CAUSE_TIMEOUT)
        return (struct words){ TEXT_RELAY_SILENT, TEXT_RELAY_PORT_REMEDY };
    return (struct words){ TEXT_RELAY_LOST, TEXT_RELAY_PORT_REMEDY };
}

/* "smtp.example.net [192.0.2.1], port 587": as much as is known. */
static void where_add(struct buffer *out, const struct outcome *o, const struct config *config)
{
    const struct config_server_place *place = &config->delivery.smarthost;
    buffer_add(out, o->host.size > 0 ? o->host : place->host);
    if (o->address.size > 0 && !slice_equal(o->address, o->host))
        buffer_add_format(out, " [%.*s]", SLICE_ARG(o->address));
    if (place->port != 0)
        buffer_add_format(out, ":%u", place->port);
}

/* What a server says may contain anything. */
static void said_add(struct buffer *out, const struct outcome *o)
{
    struct buffer said;
    buffer_init(&said, OUTCOME_TEXT_SIZE_MAX + 32);
    if (o->code != 0)
        buffer_add_format(&said, "%u ", o->code);
    if (o->code != 0 && o->enhanced.class != 0) {
        char enhanced[16];
        enhanced_code_format(o->enhanced, enhanced);
        buffer_add_format(&said, "%s ", enhanced);
    }
    buffer_add(&said, slice_part(o->text, 0, SAID_SIZE_MAX));
    text_escape(buffer_slice(&said), out);
    buffer_done(&said);
}

void relay_words(const struct outcome *outcome, const struct config *config, enum language language, struct buffer *cause,
                 struct buffer *remedy)
{
    struct words words = words_of(outcome);
    struct buffer where, said;
    buffer_init(&where, WHERE_SIZE_MAX + OUTCOME_HOST_SIZE_MAX);
    buffer_init(&said, 8 * SAID_SIZE_MAX);
    where_add(&where, outcome, config);
    said_add(&said, outcome);
    const struct text_argument arguments[] = {
        { "where", buffer_slice(&where) },
        { "said", said.size > 0 ? buffer_slice(&said) : SLICE("-") },
        { "stage", slice_of(stage_name(outcome->stage)) },
        { "host", config->delivery.smarthost.host },
    };
    text_format(cause, language, words.cause, arguments, sizeof(arguments) / sizeof(arguments[0]));
    text_format(remedy, language, words.remedy, arguments, sizeof(arguments) / sizeof(arguments[0]));
    buffer_done(&where);
    buffer_done(&said);
}

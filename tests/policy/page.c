#include "page.h"

#include <stdio.h>

struct config *page_config(const char *lines)
{
    char text[8192];
    int size = snprintf(text, sizeof(text), "[Server]\nName = mta.example.org\n[Domains]\nLocal = example.org\n%s", lines);
    assert_in_range(size, 1, sizeof(text) - 1);
    struct config_source source = { .file = SLICE("facteur.ini"), .text = slice(text, (size_t)size) };
    struct config_problems problems;
    config_problems_init(&problems);
    struct config *config = config_parse(&source, &problems);
    for (uint32_t i = 0; i < problems.count && !config; i++)
        print_error("%u: %.*s\n", problems.items[i].line, SLICE_ARG(problems.items[i].what));
    config_problems_done(&problems);
    assert_non_null(config);
    return config;
}

struct accounts *page_accounts(const struct config *config, const char *lines)
{
    struct accounts_source source = { .file = SLICE("accounts.ini"), .text = slice_of(lines), .config = config,
                                      .hash_key = { 1, 2 } };
    struct config_problems problems;
    config_problems_init(&problems);
    struct accounts *accounts = accounts_parse(&source, &problems);
    for (uint32_t i = 0; i < problems.count && !accounts; i++)
        print_error("%u: %.*s\n", problems.items[i].line, SLICE_ARG(problems.items[i].what));
    config_problems_done(&problems);
    assert_non_null(accounts);
    return accounts;
}

static const struct {
    const char *word;
    enum outcome_class class;
    enum outcome_cause cause;
} causes[] = {
    { "refused", OUTCOME_TEMP, OUTCOME_CAUSE_REFUSED },
    { "timeout", OUTCOME_TEMP, OUTCOME_CAUSE_TIMEOUT },
    { "lost", OUTCOME_TEMP, OUTCOME_CAUSE_LOST },
    { "doubt", OUTCOME_TEMP, OUTCOME_CAUSE_LOST },
    { "unreachable", OUTCOME_TEMP, OUTCOME_CAUSE_UNREACHABLE },
    { "garbled", OUTCOME_TEMP, OUTCOME_CAUSE_PROTOCOL },
    { "remembered", OUTCOME_TEMP, OUTCOME_CAUSE_REMEMBERED },
    { "servfail", OUTCOME_TEMP, OUTCOME_CAUSE_DNS_TEMP },
    { "nxdomain", OUTCOME_PERM, OUTCOME_CAUSE_DNS_NXDOMAIN },
    { "nodata", OUTCOME_PERM, OUTCOME_CAUSE_DNS_NODATA },
    { "nullmx", OUTCOME_PERM, OUTCOME_CAUSE_DNS_NULL_MX },
    { "ourselves", OUTCOME_PERM, OUTCOME_CAUSE_OURSELVES },
    { "tls-failed", OUTCOME_TEMP, OUTCOME_CAUSE_TLS_FAILED },
    { "tls-missing", OUTCOME_TEMP, OUTCOME_CAUSE_TLS_NOT_OFFERED },
    { "requiretls", OUTCOME_PERM, OUTCOME_CAUSE_TLS_NOT_OFFERED },
    { "unverified", OUTCOME_TEMP, OUTCOME_CAUSE_TLS_UNVERIFIED },
    { "no-mechanism", OUTCOME_TEMP, OUTCOME_CAUSE_AUTH_NO_MECHANISM },
    { "clear", OUTCOME_TEMP, OUTCOME_CAUSE_AUTH_CLEAR },
    { "secret", OUTCOME_TEMP, OUTCOME_CAUSE_AUTH_SECRET },
    { "resting", OUTCOME_TEMP, OUTCOME_CAUSE_RESTING },
    { "size", OUTCOME_PERM, OUTCOME_CAUSE_SIZE },
    { "smtputf8", OUTCOME_PERM, OUTCOME_CAUSE_SMTPUTF8 },
    { "sibling", OUTCOME_PERM, OUTCOME_CAUSE_SIBLING },
    { "local", OUTCOME_TEMP, OUTCOME_CAUSE_LOCAL },
};

static enum stage stage_of(struct slice word)
{
    for (enum stage stage = STAGE_DNS; stage <= STAGE_POP; stage++) {
        if (slice_equal(word, slice_of(stage_name(stage))))
            return stage;
    }
    fail_msg("no stage: %.*s", SLICE_ARG(word));
    return STAGE_NONE;
}

struct outcome page_outcome(const char *words)
{
    struct slice rest = slice_of(words);
    if (slice_equal(rest, SLICE("-")))
        return (struct outcome){ 0 };
    if (slice_equal(rest, SLICE("ok")))
        return (struct outcome){ .class = OUTCOME_OK, .stage = STAGE_DOT, .cause = OUTCOME_CAUSE_REPLY, .code = 250,
                                 .enhanced = { 2, 0, 0 } };
    struct outcome o = { .stage = stage_of(slice_split(&rest, ' ')) };
    struct slice word = slice_split(&rest, ' ');
    uint64_t code;
    if (slice_to_u64(word, 599, &code)) {
        o.code = (uint16_t)code;
        o.class = outcome_class_of_code(o.code);
        o.cause = OUTCOME_CAUSE_REPLY;
        if (!enhanced_code_parse(rest, &o.enhanced, &rest))
            o.enhanced = outcome_enhanced_default(&o);
        o.text = rest;
        return o;
    }
    for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
        if (!slice_equal(word, slice_of(causes[i].word)))
            continue;
        o.class = causes[i].class;
        o.cause = causes[i].cause;
        o.in_doubt = slice_equal(word, SLICE("doubt"));
        o.enhanced = outcome_enhanced_default(&o);
        if (slice_equal(word, SLICE("requiretls")))
            o.enhanced = (struct enhanced_code){ 5, 7, 30 };
        o.text = rest;
        return o;
    }
    fail_msg("no cause: %s", words);
    return o;
}

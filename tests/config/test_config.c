/* The configuration: the complete example, the defaults, every key's values, what is asked of it. */
#include "util.h"

#include "base/now.h"
#include "config/place.h"
#include "config/schema.h"
#include "config/value.h"

#define HEAD "[Server]\nName = mta.example.org\n"

/* design.md, section 8, without its remarks. */
static const char example[] = "[Server]\n"
                              "Name = mta.example.org\n"
                              "DataDir = /var/lib/facteur\n"
                              "Postmaster = postmaster@example.org\n"
                              "[Listen]\n"
                              "Relay = 127.0.0.1:2525\n"
                              "Submission = 127.0.0.1:2587\n"
                              "Submissions = 127.0.0.1:2465\n"
                              "[Relay]\n"
                              "Networks = 127.0.0.0/8 ::1\n"
                              "[Domains]\n"
                              "Local = example.org\n"
                              "[Delivery]\n"
                              "Mode = direct\n"
                              "SmartHost =\n"
                              "SmartHostTls = auto\n"
                              "SmartHostVerifyCertificate = yes\n"
                              "PopTls = auto\n"
                              "[Outbound]\n"
                              "Port = 25\n"
                              "MaxConnectionsPerDestination = 20\n"
                              "AllowLoopbackMx = no\n"
                              "ConnectTimeout = 30s\n"
                              "[Submission]\n"
                              "BindSender = yes\n"
                              "[TlsPolicy]\n"
                              "dest.example = required\n"
                              "[DNS]\n"
                              "Timeout = 20s\n"
                              "Servers = 127.0.0.1@5353\n"
                              "TrustAnchorFile =\n"
                              "[TLS]\n"
                              "Certificate =\n"
                              "Key =\n"
                              "CaFile =\n"
                              "[Web]\n"
                              "Listen = 127.0.0.1:8025\n"
                              "MetricsNetworks = 127.0.0.0/8\n";

static void assert_value(const struct config *config, const char *key, const char *value)
{
    struct buffer shown;
    enum config_key found = config_key_find(slice_of(key));
    buffer_init(&shown, 1 << 16);
    assert_int_not_equal(found, CONFIG_KEY_NONE);
    config_value(config, found, &shown);
    if (!slice_equal(buffer_slice(&shown), slice_of(value)))
        fail_msg("%s is \"%.*s\", not \"%s\"", key, SLICE_ARG(buffer_slice(&shown)), value);
    buffer_done(&shown);
}

static void test_example(void **state)
{
    struct parsed p;
    struct config *config = parse_good(example, &p);
    assert_true(slice_equal(config->file, SLICE("facteur.ini")));
    assert_value(config, "Server.Name", "mta.example.org");
    assert_value(config, "Server.Postmaster", "postmaster@example.org");
    assert_value(config, "Listen.Submissions", "127.0.0.1:2465");
    assert_value(config, "TlsPolicy.*", "dest.example=required");
    assert_value(config, "DNS.Servers", "127.0.0.1@5353");
    assert_int_equal(config->lines[CONFIG_DELIVERY_MODE], 14);
    assert_int_equal(config->lines[CONFIG_WEB_METRICS_NETWORKS], 38);
    assert_int_equal(config->lines[CONFIG_TLS_POLICY], 27);
    assert_int_equal(config->tls_policies[0].line, 27);
    assert_int_equal(config->lines[CONFIG_RETRY_GIVE_UP], 0);
    assert_int_equal(config->outbound.connect_timeout_us, 30 * US_PER_SECOND);
    assert_true(config_is_local_domain(config, SLICE("example.org")));
    assert_false(config_is_local_domain(config, SLICE("www.example.org")));
    assert_false(config_is_local_domain(config, SLICE("")));
    parsed_done(&p);
}

/* ---- defaults ---- */

/* As delivery-semantics.md (1, 4) and design.md (8) give them; a second writing of the table, on purpose. */
static const struct {
    const char *key, *value;
} defaults[] = {
    { "Server.Name", "mta.example.org" },
    { "Server.DataDir", "/var/lib/facteur" },
    { "Server.Postmaster", "postmaster@mta.example.org" },
    { "Server.Language", "en" },
    { "Server.Admins", "" },
    { "Listen.Relay", "127.0.0.1:25" },
    { "Listen.Submission", "" },
    { "Listen.Submissions", "" },
    { "Relay.Networks", "127.0.0.0/8 ::1" },
    { "Domains.Local", "" },
    { "Delivery.Mode", "direct" },
    { "Delivery.SmartHost", "" },
    { "Delivery.SmartHostAuth", "no" },
    { "Delivery.SmartHostUser", "" },
    { "Delivery.SmartHostPassword", "" },
    { "Delivery.SmartHostTls", "auto" },
    { "Delivery.SmartHostVerifyCertificate", "yes" },
    { "Delivery.AllowPlaintextAuth", "no" },
    { "Delivery.SmartHostMaxConnections", "5" },
    { "Delivery.SmartHostMessagesPerMinute", "0" },
    { "Delivery.PerAccountAuth", "no" },
    { "Delivery.PerAccountByAddress", "yes" },
    { "Delivery.AbortOnRcpt5xx", "no" },
    { "Delivery.BounceIfNoMxOrA", "no" },
    { "Delivery.BounceOnFirst5xx", "no" },
    { "Delivery.FallbackOnTempError", "after-remote-queue" },
    { "Delivery.FallbackOnPolicyRefusal", "client" },
    { "Delivery.CacheConnectionFailuresMinutes", "5" },
    { "Delivery.MaxRecipientsPerTransaction", "100" },
    { "Delivery.AlertsMayGoDirect", "no" },
    { "Delivery.RefusalPhrasesFile", "" },
    { "RetryQueue.RemoteQueueMinutes", "60" },
    { "RetryQueue.RemoteRetryMinutes", "5" },
    { "RetryQueue.DelayAfterTempErrorMinutes", "3" },
    { "RetryQueue.RetryMinutes", "60" },
    { "RetryQueue.GiveUpDays", "5" },
    { "RetryQueue.OnGiveUpInformSender", "yes" },
    { "RetryQueue.OnGiveUpInformPostmaster", "no" },
    { "RetryQueue.OnGiveUpKeepInBadQueue", "no" },
    { "RetryQueue.InformSenderDelayed", "yes" },
    { "RetryQueue.InformSenderDeliveredAfterDelay", "no" },
    { "RetryQueue.TranscriptInNotices", "yes" },
    { "RetryQueue.MaxHops", "100" },
    { "RetryQueue.UndeliverableNoticesToBadQueue", "yes" },
    { "RetryQueue.BadQueueDays", "30" },
    { "Outbound.Port", "25" },
    { "Outbound.MaxConnectionsPerDestination", "20" },
    { "Outbound.AllowLoopbackMx", "no" },
    { "Outbound.ConnectTimeout", "30s" },
    { "Outbound.BannerTimeout", "5m" },
    { "Outbound.CommandTimeout", "5m" },
    { "Outbound.DataTimeout", "3m" },
    { "Outbound.DotTimeout", "10m" },
    { "Outbound.IdleTimeout", "5s" },
    { "Submission.BindSender", "yes" },
    { "Inbound.CommandTimeout", "5m" },
    { "Inbound.DataTimeout", "3m" },
    { "Inbound.TransactionTimeout", "1h" },
    { "Limits.MaxMessageSize", "50M" },
    { "Limits.MaxRecipients", "1000" },
    { "Limits.MaxErrors", "10" },
    { "Limits.MaxFailedLogins", "3" },
    { "Limits.MaxSessionsPerAddress", "50" },
    { "Limits.MaxSessions", "2000" },
    { "Limits.BodyMemory", "64M" },
    { "Limits.MinFree", "256M" },
    { "Limits.HistoryDays", "30" },
    { "Limits.SegmentSize", "64M" },
    { "Limits.HistorySize", "1000M" },
    { "TlsPolicy.*", "" },
    { "DNS.Timeout", "20s" },
    { "DNS.Servers", "" },
    { "DNS.TrustAnchorFile", "" },
    { "TLS.Certificate", "" },
    { "TLS.Key", "" },
    { "TLS.CaFile", "" },
    { "Web.Listen", "" },
    { "Web.MetricsNetworks", "127.0.0.0/8 ::1" },
    { "AUTH.ISPAUTHUsePasswords", "No" },
    { "Delivery.SmartHostAuthMethod", "password" },
    { "Delivery.OAuthProvider", "" },
    { "Delivery.OAuthTenant", "" },
    { "Delivery.OAuthClientId", "" },
    { "Delivery.OAuthClientSecret", "" },
    { "Delivery.OAuthRefreshToken", "" },
    { "Delivery.OAuthTokenUrl", "" },
    { "Delivery.OAuthDeviceUrl", "" },
    { "Delivery.OAuthScope", "" },
    { "Delivery.OAuthFlow", "" },
    { "Delivery.PopCheck", "no" },
    { "Delivery.PopHost", "" },
    { "Delivery.PopUser", "" },
    { "Delivery.PopPassword", "" },
    { "Delivery.PopTls", "auto" },
    { "Delivery.PopAllowPlaintextAuth", "no" },
    { "Delivery.PopCheckMinutes", "5" },
};

static void test_defaults(void **state)
{
    struct parsed p;
    struct config *config = parse_good(HEAD, &p);
    assert_int_equal(sizeof defaults / sizeof defaults[0], CONFIG_KEY_COUNT - 1);
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++)
        assert_value(config, defaults[i].key, defaults[i].value);
    parsed_done(&p);
}

/* All of it written out as it is shown is the same configuration: what is shown can be written. */
static void test_defaults_written_out(void **state)
{
    struct buffer text;
    struct parsed p;
    buffer_init(&text, 1 << 16);
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++) {
        const struct schema_row *row = schema_row(config_key_find(slice_of(defaults[i].key)));
        if (row->type != SCHEMA_TLS_POLICY)
            buffer_add_format(&text, "[%s]\n%s = %s\n", row->section, row->name, defaults[i].value);
    }
    buffer_add_char(&text, '\0');
    struct config *config = parse_good(text.data, &p);
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++)
        assert_value(config, defaults[i].key, defaults[i].value);
    parsed_done(&p);
    buffer_done(&text);
}

/* ---- values ---- */

static const struct {
    const char *key, *text, *shown; /* NULL: as the text */
} values[] = {
    { "Server.Name", "MTA.Example.ORG", "mta.example.org" },
    { "Server.Name", "m\u00fcller.example", "xn--mller-kva.example" },
    { "Server.Postmaster", "Hans.Meier@Example.org", "Hans.Meier@example.org" },
    { "Server.DataDir", "/srv/facteur///", "/srv/facteur" },
    { "Server.DataDir", "/", "/" },
    { "Server.Language", "FR", "fr" },
    { "Server.Admins", "root  mail-admin\twww-data", "root mail-admin www-data" },
    { "Listen.Relay", "", "" },
    { "Listen.Relay", "0.0.0.0:25 [::]:25", NULL },
    { "Listen.Submission", "[2001:DB8::1]:587", "[2001:db8::1]:587" },
    { "Relay.Networks", "10.0.0.0/8 192.0.2.1/32 2001:db8::/32 ::1/128", "10.0.0.0/8 192.0.2.1 2001:db8::/32 ::1" },
    { "Relay.Networks", "", "" },
    { "Domains.Local", "z.example a.example Z.EXAMPLE b\u00fc.example", "a.example xn--b-eha.example z.example" },
    { "Delivery.SmartHostUser", "\" u \"", " u " },
    { "Delivery.SmartHostUser", "u;v#w \"x\"", NULL },
    { "Delivery.CacheConnectionFailuresMinutes", "90s", NULL },
    { "Delivery.CacheConnectionFailuresMinutes", "2h", "120" },
    { "Delivery.CacheConnectionFailuresMinutes", "0", NULL },
    { "Delivery.CacheConnectionFailuresMinutes", "0s", "0" },
    { "RetryQueue.GiveUpDays", "12h", NULL },
    { "RetryQueue.GiveUpDays", "48 H", "2" },
    { "Outbound.ConnectTimeout", "60", "1m" },
    { "Outbound.ConnectTimeout", "61", "61s" },
    { "Limits.MaxMessageSize", "1048576", "1M" },
    { "Limits.MaxMessageSize", "1500", "1500" },
    { "Limits.MaxMessageSize", "3K", "3k" },
    { "Limits.HistorySize", "2048m", "2G" },
    { "DNS.Servers", "192.0.2.53 2001:db8::53@5353", "192.0.2.53@53 2001:db8::53@5353" },
    { "Delivery.PerAccountByAddress", "TRUE", "yes" },
    { "Delivery.PerAccountByAddress", "off", "no" },
    { "Delivery.PerAccountByAddress", "1", "yes" },
    { "Delivery.PerAccountByAddress", "0", "no" },
    { "Delivery.PerAccountByAddress", "False", "no" },
    { "Delivery.PerAccountByAddress", "On", "yes" },
    { "Delivery.FallbackOnTempError", "Never", "never" },
    { "Delivery.FallbackOnPolicyRefusal", "all", NULL },
    { "Delivery.SmartHostTls", "required", NULL },
    { "Delivery.SmartHost", "smtps://[mail.example.net]:8465", NULL },
    { "AUTH.ISPAUTHUsePasswords", "no", "No" },
    { "AUTH.ISPAUTHUsePasswords", "off", "No" },
    { "Delivery.PopCheck", "false", "no" },
    { "Delivery.PopTls", "AUTO", "auto" },
    { "Delivery.SmartHostAuthMethod", "password", NULL },
    { "Delivery.OAuthClientSecret", "", NULL },
};

static void test_values(void **state)
{
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char text[512];
        struct parsed p;
        enum config_key key = config_key_find(slice_of(values[i].key));
        const struct schema_row *row = schema_row(key);
        snprintf(text, sizeof text, "%s[%s]\n  %s\t=  %s  \n", key == CONFIG_SERVER_NAME ? "[Server]\n\n" : HEAD, row->section,
                 row->name, values[i].text);
        struct config *config = parse_good(text, &p);
        assert_value(config, values[i].key, values[i].shown ? values[i].shown : values[i].text);
        assert_int_equal(config->lines[key], 4);
        parsed_done(&p);
    }
}

static void test_durations(void **state)
{
    static const struct {
        const char *text;
        int64_t unit_us, us; /* us -1: refused */
    } cases[] = {
        { "90s", US_PER_MINUTE, 90 * US_PER_SECOND }, { "5m", US_PER_DAY, 5 * US_PER_MINUTE },
        { "2h", US_PER_SECOND, 2 * US_PER_HOUR },     { "1d", US_PER_MINUTE, US_PER_DAY },
        { "7", US_PER_SECOND, 7 * US_PER_SECOND },    { "7", US_PER_MINUTE, 7 * US_PER_MINUTE },
        { "7", US_PER_DAY, 7 * US_PER_DAY },          { "0", US_PER_DAY, 0 },
        { "36500d", US_PER_SECOND, 36500 * US_PER_DAY }, { "36501d", US_PER_SECOND, -1 },
        { "", US_PER_SECOND, -1 },                    { "s", US_PER_SECOND, -1 },
        { "1.5h", US_PER_SECOND, -1 },                { "-1s", US_PER_SECOND, -1 },
        { "+1s", US_PER_SECOND, -1 },                 { "1h30m", US_PER_SECOND, -1 },
        { "5ms", US_PER_SECOND, -1 },                 { "5w", US_PER_SECOND, -1 },
        { "99999999999999999999", US_PER_SECOND, -1 }, { "18446744073709551615d", US_PER_SECOND, -1 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t us = -1;
        assert_int_equal(duration_parse(slice_of(cases[i].text), cases[i].unit_us, &us), cases[i].us >= 0);
        assert_int_equal(us, cases[i].us);
        struct buffer shown; /* and what is shown is read back */
        int64_t again = -1;
        buffer_init(&shown, 100);
        if (us >= 0) {
            duration_format(us, cases[i].unit_us, &shown);
            assert_true(duration_parse(buffer_slice(&shown), cases[i].unit_us, &again));
        }
        assert_int_equal(again, us);
        buffer_done(&shown);
    }
}

/* ---- places ---- */

static const struct {
    const char *text;
    enum server_form form; /* SERVER_NONE: refused, unless the text is empty */
    const char *host;
    uint16_t port;
    bool tls;
} servers[] = {
    { "", SERVER_NONE, "", 0, false },
    { "mail.example.net", SERVER_NAME, "mail.example.net", 0, false },
    { "Mail.Example.NET:587", SERVER_NAME, "mail.example.net", 587, false },
    { "m\u00fcller.example:25", SERVER_NAME, "xn--mller-kva.example", 25, false },
    { "mail", SERVER_NAME, "mail", 0, false },
    { "[mail.example.net]", SERVER_LITERAL_NAME, "mail.example.net", 0, false },
    { "[mail.example.net]:2525", SERVER_LITERAL_NAME, "mail.example.net", 2525, false },
    { "192.0.2.1", SERVER_ADDRESS, "192.0.2.1", 0, false },
    { "192.0.2.1:26", SERVER_ADDRESS, "192.0.2.1", 26, false },
    { "[192.0.2.1]", SERVER_ADDRESS, "192.0.2.1", 0, false },
    { "[192.0.2.1]:26", SERVER_ADDRESS, "192.0.2.1", 26, false },
    { "2001:DB8::1", SERVER_ADDRESS, "2001:db8::1", 0, false },
    { "[2001:db8::1]", SERVER_ADDRESS, "2001:db8::1", 0, false },
    { "[2001:db8:0::1]:587", SERVER_ADDRESS, "2001:db8::1", 587, false },
    { "[IPv6:2001:db8::1]:587", SERVER_ADDRESS, "2001:db8::1", 587, false },
    { "smtps://mail.example.net", SERVER_NAME, "mail.example.net", 0, true },
    { "SMTPS://mail.example.net:8465", SERVER_NAME, "mail.example.net", 8465, true },
    { "smtps://[mail.example.net]", SERVER_LITERAL_NAME, "mail.example.net", 0, true },
    { "smtps://[2001:db8::1]:465", SERVER_ADDRESS, "2001:db8::1", 465, true },
    { "smtps://2001:db8::1", SERVER_ADDRESS, "2001:db8::1", 0, true },
    { "mail.example.net:465", SERVER_NAME, "mail.example.net", 465, true },
    { "192.0.2.1:465", SERVER_ADDRESS, "192.0.2.1", 465, true },
    { "smtps://", SERVER_NONE, NULL, 0, false },
    { "smtp://mail.example.net", SERVER_NONE, NULL, 0, false },
    { "https://mail.example.net", SERVER_NONE, NULL, 0, false },
    { "mail.example.net:", SERVER_NONE, NULL, 0, false },
    { "mail.example.net:0", SERVER_NONE, NULL, 0, false },
    { "mail.example.net:65536", SERVER_NONE, NULL, 0, false },
    { "mail.example.net:smtp", SERVER_NONE, NULL, 0, false },
    { "mail.example.net:25:25", SERVER_NONE, NULL, 0, false },
    { "mail.example.net/", SERVER_NONE, NULL, 0, false },
    { "mail.example.net.", SERVER_NONE, NULL, 0, false },
    { "mail example net", SERVER_NONE, NULL, 0, false },
    { ":25", SERVER_NONE, NULL, 0, false },
    { "[]", SERVER_NONE, NULL, 0, false },
    { "[]:25", SERVER_NONE, NULL, 0, false },
    { "[", SERVER_NONE, NULL, 0, false },
    { "]", SERVER_NONE, NULL, 0, false },
    { "[mail.example.net", SERVER_NONE, NULL, 0, false },
    { "[mail.example.net]25", SERVER_NONE, NULL, 0, false },
    { "[mail.example.net]:", SERVER_NONE, NULL, 0, false },
    { "[[2001:db8::1]]", SERVER_NONE, NULL, 0, false },
    { "[IPv6:192.0.2.1]", SERVER_NONE, NULL, 0, false },
    { "[IPv6:mail.example.net]", SERVER_NONE, NULL, 0, false },
    { "192.0.2.256", SERVER_NONE, NULL, 0, false },
    { "192.0.2", SERVER_NONE, NULL, 0, false },
    { "2001:db8::1::2", SERVER_NONE, NULL, 0, false },
    { "0.0.0.0", SERVER_NONE, NULL, 0, false },
    { "[::]:25", SERVER_NONE, NULL, 0, false },
    { "user@mail.example.net", SERVER_NONE, NULL, 0, false },
};

static void test_servers(void **state)
{
    for (size_t i = 0; i < sizeof servers / sizeof servers[0]; i++) {
        struct arena arena;
        struct config_server_place place = { .port = 7 };
        arena_init(&arena);
        struct wrong wrong = server_place_parse(slice_of(servers[i].text), &arena, &place);
        if ((wrong.what == TEXT_NONE) != (servers[i].host != NULL))
            fail_msg("%s is %s", servers[i].text, servers[i].host ? "refused" : "taken");
        if (servers[i].host) {
            assert_int_equal(place.form, servers[i].form);
            assert_true(slice_equal(place.host, slice_of(servers[i].host)));
            assert_true(slice_equal(place.written, slice_of(servers[i].text)));
            assert_int_equal(place.port, servers[i].port);
            assert_int_equal(place.implicit_tls, servers[i].tls);
            assert_int_equal(place.family, place.form == SERVER_ADDRESS ? (strchr(servers[i].host, ':') ? 6 : 4) : 0);
        } else {
            assert_int_equal(place.port, 7); /* untouched */
        }
        arena_done(&arena);
    }
}

static void test_listens_and_networks(void **state)
{
    static const char *const listens[] = { "",          ":25",       "25",           "127.0.0.1",     "127.0.0.1:",
                                           "127.0.0.1:0", "::1:25",  "[127.0.0.1]:25", "[::1]25",     "[::1]",
                                           "*:25",      "mta:25",    "127.0.0.1:25x", "[::1]:65536",  "127.0.0.1:-1" };
    static const char *const networks[] = { "",     "10.0.0.0/",    "10.0.0.0/-1", "10.0.0.0/33",   "10.0.0.1/31",
                                            "/8",   "::1/129",      "2001:db8::1/64", "example.org", "10.0.0/8",
                                            "10/8", "128.0.0.0/0",  "[::1]",       "10.0.0.0/8/8",  "fe80::/8" };
    struct config_listen listen;
    struct config_network network;
    for (size_t i = 0; i < sizeof listens / sizeof listens[0]; i++)
        assert_int_not_equal(config_listen_parse(slice_of(listens[i]), &listen).what, TEXT_NONE);
    for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++)
        assert_int_not_equal(config_network_parse(slice_of(networks[i]), &network).what, TEXT_NONE);
}

static void test_in_networks(void **state)
{
    static const struct {
        const char *networks, *address;
        bool in;
    } cases[] = {
        { "10.0.0.0/8", "10.255.0.1", true },          { "10.0.0.0/8", "11.0.0.0", false },
        { "10.128.0.0/9", "10.127.255.255", false },   { "10.128.0.0/9", "10.128.0.0", true },
        { "192.0.2.7", "192.0.2.7", true },            { "192.0.2.7", "192.0.2.6", false },
        { "192.0.2.0/31", "192.0.2.1", true },         { "0.0.0.0/0", "203.0.113.9", true },
        { "0.0.0.0/0", "2001:db8::1", false },         { "::/0", "203.0.113.9", false },
        { "2001:db8::/33", "2001:db8:7fff::1", true }, { "2001:db8::/33", "2001:db8:8000::1", false },
        { "::1", "::1", true },                        { "::1", "::2", false },
        { "", "127.0.0.1", false },                    { "10.0.0.0/8 ::1", "::1", true },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256];
        struct parsed p;
        uint8_t ip[16] = { 0 };
        struct config_network single;
        snprintf(text, sizeof text, HEAD "[Web]\nMetricsNetworks = %s\n", cases[i].networks);
        struct config *config = parse_good(text, &p);
        assert_int_equal(config_network_parse(slice_of(cases[i].address), &single).what, TEXT_NONE);
        memcpy(ip, single.ip, sizeof ip);
        assert_int_equal(config_network_has(config->web.metrics_networks, config->web.metrics_networks_count, single.family, ip),
                         cases[i].in);
        parsed_done(&p);
    }
}

/* ---- A9: ourselves ---- */

static void test_own_addresses(void **state)
{
    static const struct {
        const char *server;
        char is; /* R refused, W warned, F fine */
    } cases[] = {
        { "198.51.100.7", 'R' },      { "198.51.100.7:25", 'R' },  { "198.51.100.7:26", 'W' }, { "[2001:db8::7]:587", 'R' },
        { "[2001:db8::7]:26", 'W' },  { "198.51.100.8", 'F' },     { "127.0.0.9:8025", 'R' },  { "127.0.0.9:8026", 'W' },
        { "[::1]:465", 'R' },         { "[::ffff:127.0.0.1]:25", 'R' }, { "localhost:26", 'W' }, { "localhost", 'R' },
        { "mta.example.org", 'R' },   { "[mta.example.org]:26", 'R' }, { "example.org", 'R' }, { "smtps://www.example.org", 'F' },
    };
    static const struct config_listen own[] = {
        { .family = 4, .ip = { 198, 51, 100, 7 } },
        { .family = 6, .ip = { 0x20, 0x01, 0x0d, 0xb8, [15] = 7 } },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int mode = 0; mode < 3; mode++) { /* also in direct, where it is only kept */
            static const char *const modes[] = { "direct", "smarthost", "direct-then-smarthost" };
            char text[512];
            struct parsed p;
            snprintf(text, sizeof text,
                     HEAD "[Listen]\nRelay = 192.0.2.1:25\nSubmission = 192.0.2.1:587\nSubmissions = 192.0.2.1:465\n"
                          "[Web]\nListen = 192.0.2.1:8025\n[Domains]\nLocal = example.org\n"
                          "[Delivery]\nMode = %s\nSmartHost = %s\n",
                     modes[mode], cases[i].server);
            struct config_source source = { .file = SLICE("f"), .text = slice_of(text), .own_addresses = own, .own_address_count = 2 };
            parse_source(&source, &p);
            char is = p.problems.error_count > 0 ? 'R' : p.problems.count > 0 ? 'W' : 'F';
            if (is != cases[i].is || (is != 'F' && (p.problems.count != 1 || p.problems.items[0].line != 13)))
                fail_msg("%s: %c: %.*s", cases[i].server, is, SLICE_ARG(buffer_slice(&p.lines)));
            parsed_done(&p);
        }
    }
}

/* ---- questions ---- */

static void test_smarthost_port(void **state)
{
    static const struct {
        const char *server, *more;
        uint16_t port;
        bool login;
    } cases[] = {
        { "relay.example.net", "", 25, false },
        { "relay.example.net:2525", "", 2525, false },
        { "smtps://relay.example.net", "", 465, false },
        { "smtps://relay.example.net:587", "", 587, false },
        { "relay.example.net", "SmartHostAuth = yes\nSmartHostUser = u\nSmartHostPassword = p\n", 587, true },
        { "relay.example.net:25", "SmartHostAuth = yes\nSmartHostUser = u\nSmartHostPassword = p\n", 25, true },
        { "smtps://relay.example.net", "SmartHostAuth = yes\nSmartHostUser = u\nSmartHostPassword = p\n", 465, true },
        { "relay.example.net", "SmartHostUser = u\nSmartHostPassword = p\n", 25, false },
        { "relay.example.net", "PerAccountAuth = yes\nSmartHostUser = u\nSmartHostPassword = p\n", 587, true },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512];
        struct parsed p;
        snprintf(text, sizeof text, HEAD "[Delivery]\nMode = smarthost\nSmartHost = %s\n%s", cases[i].server, cases[i].more);
        struct config *config = parse_good(text, &p);
        assert_int_equal(config_smarthost_port(config), cases[i].port);
        assert_int_equal(config_smarthost_login(config), cases[i].login);
        parsed_done(&p);
    }
}

static void test_tls_policies(void **state)
{
    struct parsed p;
    struct config *config = parse_good(HEAD "[TlsPolicy]\nz.example = verified\n* = required\nA.example = off\n"
                                            "b\u00fc.example = Verified\n",
                                       &p);
    assert_int_equal(config->tls_policies_count, 4);
    assert_int_equal(config_tls_policy_of(config, SLICE("z.example"))->demand, TLS_DEMAND_VERIFIED);
    assert_int_equal(config_tls_policy_of(config, SLICE("z.example"))->line, 4);
    assert_int_equal(config_tls_policy_of(config, SLICE("a.example"))->demand, TLS_DEMAND_OFF);
    assert_int_equal(config_tls_policy_of(config, SLICE("xn--b-eha.example"))->demand, TLS_DEMAND_VERIFIED);
    assert_int_equal(config_tls_policy_of(config, SLICE("other.example"))->demand, TLS_DEMAND_REQUIRED);
    assert_int_equal(config_tls_policy_of(config, SLICE("other.example"))->line, 5);
    assert_value(config, "TlsPolicy.*", "*=required a.example=off xn--b-eha.example=verified z.example=verified");
    parsed_done(&p);
    config = parse_good(HEAD "[TlsPolicy]\nz.example = verified\n", &p);
    assert_null(config_tls_policy_of(config, SLICE("other.example")));
    parsed_done(&p);
    config = parse_good(HEAD, &p);
    assert_null(config_tls_policy_of(config, SLICE("z.example")));
    parsed_done(&p);
}

static void test_form_of_the_file(void **state)
{
    static const char *const files[] = {
        "\xef\xbb\xbf[server]\r\nNAME=mta.example.org\r\n\r\n; remark\r\n[DELIVERY]\r\nmode=smarthost\r\nsmarthost = relay.example.net\r\n",
        "[Server]\nName = \"mta.example.org\"\n# remark = 1\n[Delivery]\nMode = smarthost\n[Server]\nLanguage = en\n"
        "[Delivery]\nSmartHost = relay.example.net",
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct parsed p;
        struct config *config = parse_good(files[i], &p);
        assert_value(config, "Server.Name", "mta.example.org");
        assert_value(config, "Delivery.Mode", "smarthost");
        assert_value(config, "Delivery.SmartHost", "relay.example.net");
        parsed_done(&p);
    }
}

static void test_secrets_are_named(void **state)
{
    size_t count = 0;
    for (enum config_key key = CONFIG_KEY_NONE; key < CONFIG_KEY_COUNT; key++) {
        bool named = strstr(config_key_name(key), "Password") != NULL || strstr(config_key_name(key), "Secret") != NULL ||
                     strstr(config_key_name(key), "Token") != NULL;
        bool other = key == CONFIG_AUTH_ISP_AUTH_USE_PASSWORDS || key == CONFIG_DELIVERY_OAUTH_TOKEN_URL;
        assert_int_equal(config_key_secret(key), named && !other);
        count += config_key_secret(key);
    }
    assert_int_equal(count, 4);
    assert_string_equal(config_mode_name(MODE_DIRECT_THEN_SMARTHOST), "direct-then-smarthost");
    config_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_example),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_defaults_written_out),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_servers),
        cmocka_unit_test(test_listens_and_networks),
        cmocka_unit_test(test_in_networks),
        cmocka_unit_test(test_own_addresses),
        cmocka_unit_test(test_smarthost_port),
        cmocka_unit_test(test_tls_policies),
        cmocka_unit_test(test_form_of_the_file),
        cmocka_unit_test(test_secrets_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

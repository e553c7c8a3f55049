/* The schema: one row a key of facteur.ini. KEY(ID, "Section", "Name", type, member of struct config, default text)
 *
 * From this table come the parser, the checks, the defaults, `facteur config`, the manual page and the web form; what a
 * key means for a person stands in base/text_rows_keys.h as KEY_<ID>. Types are in config/schema.c (TYPE_...): SWITCH,
 * NUMBER(low, high), MINUTES, DAYS, SECONDS (low, high: durations in microseconds; a bare number counts in that unit),
 * SIZE(low, high), TEXT, SECRET, and the special ones; LATER for what a later version has. The order is the order of the
 * manual. Included by config only, hence no guard. */

KEY(SERVER_NAME, "Server", "Name", HOST, server.name, "")
KEY(SERVER_DATA_DIR, "Server", "DataDir", PATH, server.data_dir, "/var/lib/facteur")
KEY(SERVER_POSTMASTER, "Server", "Postmaster", ADDRESS, server.postmaster, "")
KEY(SERVER_LANGUAGE, "Server", "Language", LANGUAGE, server.language, "en")
KEY(SERVER_ADMINS, "Server", "Admins", LIST, server.admins, "")

KEY(LISTEN_RELAY, "Listen", "Relay", LISTEN, listen.relay, "127.0.0.1:25")
KEY(LISTEN_SUBMISSION, "Listen", "Submission", LISTEN, listen.submission, "")
KEY(LISTEN_SUBMISSIONS, "Listen", "Submissions", LISTEN, listen.submissions, "")

KEY(RELAY_NETWORKS, "Relay", "Networks", NETWORKS, relay.networks, "127.0.0.0/8 ::1")

KEY(DOMAINS_LOCAL, "Domains", "Local", DOMAINS, domains.local, "")

KEY(DELIVERY_MODE, "Delivery", "Mode", MODE, delivery.mode, "direct")
KEY(DELIVERY_SMARTHOST, "Delivery", "SmartHost", SERVER, delivery.smarthost, "")
KEY(DELIVERY_SMARTHOST_AUTH, "Delivery", "SmartHostAuth", SWITCH, delivery.smarthost_auth, "no")
KEY(DELIVERY_SMARTHOST_USER, "Delivery", "SmartHostUser", TEXT, delivery.smarthost_user, "")
KEY(DELIVERY_SMARTHOST_PASSWORD, "Delivery", "SmartHostPassword", SECRET, delivery.smarthost_password, "")
KEY(DELIVERY_SMARTHOST_TLS, "Delivery", "SmartHostTls", SMARTHOST_TLS, delivery.smarthost_tls, "auto")
KEY(DELIVERY_SMARTHOST_VERIFY_CERTIFICATE, "Delivery", "SmartHostVerifyCertificate", SWITCH,
    delivery.smarthost_verify_certificate, "yes")
KEY(DELIVERY_ALLOW_PLAINTEXT_AUTH, "Delivery", "AllowPlaintextAuth", SWITCH, delivery.allow_plaintext_auth, "no")
KEY(DELIVERY_SMARTHOST_MAX_CONNECTIONS, "Delivery", "SmartHostMaxConnections", NUMBER(1, 1000),
    delivery.smarthost_max_connections, "5")
KEY(DELIVERY_SMARTHOST_MESSAGES_PER_MINUTE, "Delivery", "SmartHostMessagesPerMinute", NUMBER(0, 1000000),
    delivery.smarthost_messages_per_minute, "0")
KEY(DELIVERY_PER_ACCOUNT_AUTH, "Delivery", "PerAccountAuth", SWITCH, delivery.per_account_auth, "no")
KEY(DELIVERY_PER_ACCOUNT_BY_ADDRESS, "Delivery", "PerAccountByAddress", SWITCH, delivery.per_account_by_address, "yes")
KEY(DELIVERY_ABORT_ON_RCPT_5XX, "Delivery", "AbortOnRcpt5xx", SWITCH, delivery.abort_on_rcpt_5xx, "no")
KEY(DELIVERY_BOUNCE_IF_NO_MX_OR_A, "Delivery", "BounceIfNoMxOrA", SWITCH, delivery.bounce_if_no_mx_or_a, "no")
KEY(DELIVERY_BOUNCE_ON_FIRST_5XX, "Delivery", "BounceOnFirst5xx", SWITCH, delivery.bounce_on_first_5xx, "no")
KEY(DELIVERY_FALLBACK_ON_TEMP_ERROR, "Delivery", "FallbackOnTempError", FALLBACK_TEMP, delivery.fallback_on_temp_error,
    "after-remote-queue")
KEY(DELIVERY_FALLBACK_ON_POLICY_REFUSAL, "Delivery", "FallbackOnPolicyRefusal", FALLBACK_POLICY,
    delivery.fallback_on_policy_refusal, "client")
KEY(DELIVERY_CACHE_CONNECTION_FAILURES, "Delivery", "CacheConnectionFailuresMinutes", MINUTES("0", "1d"),
    delivery.cache_connection_failures_us, "5")
KEY(DELIVERY_MAX_RECIPIENTS_PER_TRANSACTION, "Delivery", "MaxRecipientsPerTransaction", NUMBER(1, 1000),
    delivery.max_recipients_per_transaction, "100")
KEY(DELIVERY_ALERTS_MAY_GO_DIRECT, "Delivery", "AlertsMayGoDirect", SWITCH, delivery.alerts_may_go_direct, "no")
KEY(DELIVERY_REFUSAL_PHRASES_FILE, "Delivery", "RefusalPhrasesFile", PATH, delivery.refusal_phrases_file, "")

KEY(RETRY_REMOTE_QUEUE, "RetryQueue", "RemoteQueueMinutes", MINUTES("0", "30d"), retry.remote_queue_us, "60")
KEY(RETRY_REMOTE_RETRY, "RetryQueue", "RemoteRetryMinutes", MINUTES("1s", "1d"), retry.remote_retry_us, "5")
KEY(RETRY_DELAY_AFTER_TEMP_ERROR, "RetryQueue", "DelayAfterTempErrorMinutes", MINUTES("0", "1d"), retry.delay_after_temp_error_us,
    "3")
KEY(RETRY_RETRY, "RetryQueue", "RetryMinutes", MINUTES("1s", "7d"), retry.retry_us, "60")
KEY(RETRY_GIVE_UP, "RetryQueue", "GiveUpDays", DAYS("0", "100d"), retry.give_up_us, "5")
KEY(RETRY_ON_GIVE_UP_INFORM_SENDER, "RetryQueue", "OnGiveUpInformSender", SWITCH, retry.on_give_up_inform_sender, "yes")
KEY(RETRY_ON_GIVE_UP_INFORM_POSTMASTER, "RetryQueue", "OnGiveUpInformPostmaster", SWITCH,
    retry.on_give_up_inform_postmaster, "no")
KEY(RETRY_ON_GIVE_UP_KEEP_IN_BAD_QUEUE, "RetryQueue", "OnGiveUpKeepInBadQueue", SWITCH,
    retry.on_give_up_keep_in_bad_queue, "no")
KEY(RETRY_INFORM_SENDER_DELAYED, "RetryQueue", "InformSenderDelayed", SWITCH, retry.inform_sender_delayed, "yes")
KEY(RETRY_INFORM_SENDER_DELIVERED_AFTER_DELAY, "RetryQueue", "InformSenderDeliveredAfterDelay", SWITCH,
    retry.inform_sender_delivered_after_delay, "no")
KEY(RETRY_TRANSCRIPT_IN_NOTICES, "RetryQueue", "TranscriptInNotices", SWITCH, retry.transcript_in_notices, "yes")
KEY(RETRY_MAX_HOPS, "RetryQueue", "MaxHops", NUMBER(5, 100), retry.max_hops, "100")
KEY(RETRY_UNDELIVERABLE_NOTICES_TO_BAD_QUEUE, "RetryQueue", "UndeliverableNoticesToBadQueue", SWITCH,
    retry.undeliverable_notices_to_bad_queue, "yes")
KEY(RETRY_BAD_QUEUE_DAYS, "RetryQueue", "BadQueueDays", DAYS("1s", "3650d"), retry.bad_queue_us, "30")

KEY(OUTBOUND_PORT, "Outbound", "Port", NUMBER(1, 65535), outbound.port, "25")
KEY(OUTBOUND_MAX_CONNECTIONS_PER_DESTINATION, "Outbound", "MaxConnectionsPerDestination", NUMBER(1, 1000),
    outbound.max_connections_per_destination, "20")
KEY(OUTBOUND_ALLOW_LOOPBACK_MX, "Outbound", "AllowLoopbackMx", SWITCH, outbound.allow_loopback_mx, "no")
KEY(OUTBOUND_CONNECT_TIMEOUT, "Outbound", "ConnectTimeout", SECONDS("1s", "10m"), outbound.connect_timeout_us, "30s")
KEY(OUTBOUND_BANNER_TIMEOUT, "Outbound", "BannerTimeout", SECONDS("1s", "1h"), outbound.banner_timeout_us, "5m")
KEY(OUTBOUND_COMMAND_TIMEOUT, "Outbound", "CommandTimeout", SECONDS("1s", "1h"), outbound.command_timeout_us, "5m")
KEY(OUTBOUND_DATA_TIMEOUT, "Outbound", "DataTimeout", SECONDS("1s", "1h"), outbound.data_timeout_us, "3m")
KEY(OUTBOUND_DOT_TIMEOUT, "Outbound", "DotTimeout", SECONDS("1s", "1h"), outbound.dot_timeout_us, "10m")
KEY(OUTBOUND_IDLE_TIMEOUT, "Outbound", "IdleTimeout", SECONDS("1s", "5m"), outbound.idle_timeout_us, "5s")

KEY(SUBMISSION_BIND_SENDER, "Submission", "BindSender", SWITCH, submission.bind_sender, "yes")

KEY(INBOUND_COMMAND_TIMEOUT, "Inbound", "CommandTimeout", SECONDS("1s", "1h"), inbound.command_timeout_us, "5m")
KEY(INBOUND_DATA_TIMEOUT, "Inbound", "DataTimeout", SECONDS("1s", "1h"), inbound.data_timeout_us, "3m")
KEY(INBOUND_TRANSACTION_TIMEOUT, "Inbound", "TransactionTimeout", SECONDS("1s", "1d"), inbound.transaction_timeout_us, "1h")

KEY(LIMITS_MAX_MESSAGE_SIZE, "Limits", "MaxMessageSize", SIZE("1k", "4000M"), limits.max_message_bytes, "50M")
KEY(LIMITS_MAX_RECIPIENTS, "Limits", "MaxRecipients", NUMBER(1, 10000), limits.max_recipients, "1000")
KEY(LIMITS_MAX_ERRORS, "Limits", "MaxErrors", NUMBER(1, 1000), limits.max_errors, "10")
KEY(LIMITS_MAX_FAILED_LOGINS, "Limits", "MaxFailedLogins", NUMBER(1, 100), limits.max_failed_logins, "3")
KEY(LIMITS_MAX_SESSIONS_PER_ADDRESS, "Limits", "MaxSessionsPerAddress", NUMBER(1, 20000),
    limits.max_sessions_per_address, "50")
KEY(LIMITS_MAX_SESSIONS, "Limits", "MaxSessions", NUMBER(1, 20000), limits.max_sessions, "2000")
KEY(LIMITS_BODY_MEMORY, "Limits", "BodyMemory", SIZE("0", "1000000M"), limits.body_memory_bytes, "64M")
KEY(LIMITS_MIN_FREE, "Limits", "MinFree", SIZE("0", "1000000M"), limits.min_free_bytes, "256M")
KEY(LIMITS_SEGMENT_SIZE, "Limits", "SegmentSize", SIZE("8M", "1000M"), limits.segment_bytes, "64M")
KEY(LIMITS_HISTORY_DAYS, "Limits", "HistoryDays", DAYS("0", "3650d"), limits.history_us, "30")
KEY(LIMITS_HISTORY_SIZE, "Limits", "HistorySize", SIZE("1M", "1000000M"), limits.history_bytes, "1000M")

KEY(TLS_POLICY, "TlsPolicy", "*", TLS_POLICY, tls_policies, "")

KEY(DNS_TIMEOUT, "DNS", "Timeout", SECONDS("1s", "5m"), dns.timeout_us, "20s")
KEY(DNS_SERVERS, "DNS", "Servers", SERVERS, dns.servers, "")
KEY(DNS_TRUST_ANCHOR_FILE, "DNS", "TrustAnchorFile", PATH, dns.trust_anchor_file, "")

KEY(TLS_CERTIFICATE, "TLS", "Certificate", PATH, tls.certificate, "")
KEY(TLS_KEY, "TLS", "Key", PATH, tls.key, "")
KEY(TLS_CA_FILE, "TLS", "CaFile", PATH, tls.ca_file, "")

KEY(WEB_LISTEN, "Web", "Listen", LISTEN, web.listen, "")
KEY(WEB_METRICS_NETWORKS, "Web", "MetricsNetworks", NETWORKS, web.metrics_networks, "127.0.0.0/8 ::1")

/* Of a later version: here so that they are known, and refused with a sentence rather than passed over. */
KEY(DELIVERY_SMARTHOST_AUTH_METHOD, "Delivery", "SmartHostAuthMethod", LATER, none, "password")
KEY(DELIVERY_OAUTH_PROVIDER, "Delivery", "OAuthProvider", LATER, none, "")
KEY(DELIVERY_OAUTH_TENANT, "Delivery", "OAuthTenant", LATER, none, "")
KEY(DELIVERY_OAUTH_CLIENT_ID, "Delivery", "OAuthClientId", LATER, none, "")
KEY(DELIVERY_OAUTH_CLIENT_SECRET, "Delivery", "OAuthClientSecret", LATER_SECRET, none, "")
KEY(DELIVERY_OAUTH_REFRESH_TOKEN, "Delivery", "OAuthRefreshToken", LATER_SECRET, none, "")
KEY(DELIVERY_OAUTH_TOKEN_URL, "Delivery", "OAuthTokenUrl", LATER, none, "")
KEY(DELIVERY_OAUTH_DEVICE_URL, "Delivery", "OAuthDeviceUrl", LATER, none, "")
KEY(DELIVERY_OAUTH_SCOPE, "Delivery", "OAuthScope", LATER, none, "")
KEY(DELIVERY_OAUTH_FLOW, "Delivery", "OAuthFlow", LATER, none, "")
KEY(DELIVERY_POP_CHECK, "Delivery", "PopCheck", LATER, none, "no")
KEY(DELIVERY_POP_HOST, "Delivery", "PopHost", LATER, none, "")
KEY(DELIVERY_POP_USER, "Delivery", "PopUser", LATER, none, "")
KEY(DELIVERY_POP_PASSWORD, "Delivery", "PopPassword", LATER_SECRET, none, "")
KEY(DELIVERY_POP_TLS, "Delivery", "PopTls", LATER, none, "auto")
KEY(DELIVERY_POP_ALLOW_PLAINTEXT_AUTH, "Delivery", "PopAllowPlaintextAuth", LATER, none, "no")
KEY(DELIVERY_POP_CHECK_MINUTES, "Delivery", "PopCheckMinutes", LATER, none, "5")
KEY(AUTH_ISP_AUTH_USE_PASSWORDS, "AUTH", "ISPAUTHUsePasswords", LATER, none, "No")

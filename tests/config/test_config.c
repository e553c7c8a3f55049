/* The configuration: the complete example, every key good and bad, every problem with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/now.h"
#include "config/config.h"

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

static void print_problems(const struct config_problems *problems)
{
    for (uint32_t i = 0; i < problems->count; i++) {
        struct buffer line;
        buffer_init(&line, 8192);
        config_problem_format(SLICE("facteur.ini"), &problems->items[i], &line);
        print_message("%.*s\n", SLICE_ARG(buffer_slice(&line)));
        buffer_done(&line);
    }
}

static void test_example(void **state)
{
    struct config_problems problems;
    config_problems_init(&problems);
    struct config_source source = { .file = SLICE("facteur.ini"), .text = slice_of(example) };
    struct config *config = config_parse(&source, &problems);
    print_problems(&problems);
    assert_non_null(config);
    assert_int_equal(problems.count, 0);
    assert_true(slice_equal(config->server.name, SLICE("mta.example.org")));
    assert_int_equal(config->delivery.mode, MODE_DIRECT);
    assert_int_equal(config->lines[CONFIG_DELIVERY_MODE], 14);
    assert_int_equal(config->outbound.connect_timeout_us, 30 * US_PER_SECOND);
    config_free(config);
    config_problems_done(&problems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_example),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

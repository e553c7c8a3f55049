/* A password on its way through the server's input leaves no copy behind: neither in memory that is given back (the sanitizer
 * tells of every block before it goes) nor beyond what the input holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/mem.h"
#include "proto/smtp_server.h"

int __sanitizer_install_malloc_and_free_hooks(void (*allocated)(const volatile void *, size_t), void (*freed)(const volatile void *))
    __attribute__((weak));
size_t __sanitizer_get_allocated_size(const volatile void *p) __attribute__((weak));

static const char canary[] = "Q2FuYXJ5Q2FuYXJ5";
static unsigned leaks;
static bool watching;

static bool has_canary(const char *p, size_t size)
{
    for (size_t i = 0; i + 8 <= size; i++)
        if (memcmp(p + i, canary, 8) == 0)
            return true;
    return false;
}

static void allocated(const volatile void *p, size_t size)
{
    (void)p;
    (void)size;
}

static void freed(const volatile void *p)
{
    if (watching && p)
        leaks += has_canary((const char *)p, __sanitizer_get_allocated_size(p));
}

static struct smtp_server s;

static void drain(void)
{
    struct smtp_server_output out;
    while (smtp_server_next(&s, &out)) {
        if (out.kind == SMTP_SERVER_SEND) {
            const struct smtp_server_input sent = { .kind = SMTP_SERVER_INPUT_SENT, .sent = (uint32_t)out.bytes.size };
            smtp_server_feed(&s, (struct now){ 0 }, &sent);
        } else if (smtp_server_asking(&s)) {
            const struct smtp_server_input answer = { .kind = SMTP_SERVER_INPUT_ANSWER };
            if (out.kind != SMTP_SERVER_AUTH)
                smtp_server_feed(&s, (struct now){ 0 }, &answer);
        }
    }
}

static void say(const char *text, size_t size)
{
    const struct smtp_server_input bytes = { .kind = SMTP_SERVER_INPUT_BYTES, .bytes = slice(text, size) };
    watching = false;
    char *copy = mem_alloc(size + 1);
    memcpy(copy, text, size);
    watching = true;
    smtp_server_feed(&s, (struct now){ 0 }, &bytes);
    drain();
    watching = false;
    mem_free(copy);
    watching = true;
    /* What is behind the input's end was there once. */
    if (s.input.data)
        leaks += has_canary(s.input.data + s.input.size, s.input.capacity - s.input.size);
}

static void begin(void)
{
    struct smtp_server_options options;
    smtp_server_options_default(&options);
    options.auth = options.auth_clear = true;
    options.message_size_max = 1 << 20;
    smtp_server_options_set_name(&options, SLICE("mta.test"));
    leaks = 0;
    smtp_server_init(&s, (struct now){ 0 }, &options);
    drain();
    say("EHLO c\r\n", 8);
}

static void end(void)
{
    watching = true;
    smtp_server_done(&s);
    watching = false;
    assert_int_equal(leaks, 0);
}

static void need_hooks(void)
{
    static bool installed;
    if (!__sanitizer_install_malloc_and_free_hooks)
        skip();
    if (!installed)
        assert_true(__sanitizer_install_malloc_and_free_hooks(allocated, freed) > 0);
    installed = true;
    watching = true;
    leaks = 0;
    char *p = mem_alloc(100); /* the watch works */
    memcpy(p, canary, sizeof canary);
    mem_free(p);
    assert_int_equal(leaks, 1);
}

/* AUTH PLAIN with a password of many canaries, behind other commands, in pieces of each size. */
static void in_pieces(void **state)
{
    need_hooks();
    static char text[2000];
    size_t size = (size_t)snprintf(text, sizeof text, "NOOP\r\nVRFY someone@there.test\r\nAUTH PLAIN ");
    for (uint32_t i = 0; i < 40; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "%s", canary);
    size += (size_t)snprintf(text + size, sizeof text - size, "\r\nNOOP\r\n");
    for (size_t piece = 1; piece < 400; piece += piece < 40 ? 1 : 37) {
        begin();
        for (size_t at = 0; at < size; at += piece)
            say(text + at, size - at < piece ? size - at : piece);
        end();
    }
}

/* The session ends with half of the line there. */
static void half_a_line(void **state)
{
    need_hooks();
    static const enum smtp_server_input_kind ends[] = { SMTP_SERVER_INPUT_LOST, SMTP_SERVER_INPUT_SHUTDOWN };
    static const char line[] = "AUTH PLAIN Q2FuYXJ5Q2FuYXJ5Q2FuYXJ5";
    for (size_t i = 0; i < 3; i++) {
        begin();
        say(line, sizeof line - 1);
        if (i < 2) {
            smtp_server_feed(&s, (struct now){ 0 }, &(struct smtp_server_input){ .kind = ends[i] });
            drain();
        }
        end();
    }
}

/* Longer than a line may be: it is dropped as it comes. */
static void too_long(void **state)
{
    need_hooks();
    begin();
    say("AUTH PLAIN\r\n", 12);
    for (uint32_t i = 0; i < 1000; i++)
        say(canary, sizeof canary - 1);
    say("\r\n", 2);
    end();
}

/* Behind a large message, whose input the session gives back. */
static void behind_a_message(void **state)
{
    need_hooks();
    static char text[40000];
    begin();
    const char *envelope = "MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n";
    say(envelope, strlen(envelope));
    size_t size = 0;
    while (size < 30000)
        size += (size_t)snprintf(text + size, sizeof text - size, "a line of the body\r\n");
    size += (size_t)snprintf(text + size, sizeof text - size, ".\r\nAUTH PLAIN %s", canary);
    say(text, size);
    say(canary, sizeof canary - 1);
    say("\r\n", 2);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_pieces),
        cmocka_unit_test(half_a_line),
        cmocka_unit_test(too_long),
        cmocka_unit_test(behind_a_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

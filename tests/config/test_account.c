/* The accounts: what is read, found, allowed, told, and edited. */
#include "util.h"

#include "config/account.h"

#define HASH "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static bool met[TEXT_COUNT];

struct read_accounts {
    struct parsed config;
    struct accounts *accounts;
    struct config_problems problems;
    struct buffer lines;
};

static enum err open_secret(void *context, struct slice sealed, struct buffer *out)
{
    enum err err = *(const enum err *)context;
    assert_true(slice_starts_with(sealed, SLICE("sealed:")));
    if (err == ERR_OK)
        buffer_add_text(out, "opened");
    return err;
}

static void read_with(const char *config, struct slice text, enum language language, enum err *opens, struct read_accounts *r)
{
    char whole[1024];
    snprintf(whole, sizeof whole, "[Server]\nName = mta.example.org\n[Domains]\nLocal = example.org example.com\n%s", config);
    parse(whole, LANGUAGE_EN, &r->config);
    assert_non_null(r->config.config);
    struct accounts_source source = { .file = SLICE("accounts.ini"),
                                      .text = text,
                                      .config = r->config.config,
                                      .language = language,
                                      .hash_key = { 1, 2 },
                                      .open_secret = opens ? open_secret : NULL,
                                      .context = opens };
    config_problems_init(&r->problems);
    buffer_init(&r->lines, 1 << 20);
    r->accounts = accounts_parse(&source, &r->problems);
    assert_int_equal(r->accounts == NULL, r->problems.error_count > 0);
    add_problem_lines(source.file, &r->problems, &r->lines);
    if (language == LANGUAGE_EN)
        note_texts(&r->problems, met);
}

static struct accounts *read_good(const char *text, struct read_accounts *r)
{
    read_with("", slice_of(text), LANGUAGE_EN, NULL, r);
    if (r->problems.count > 0)
        fail_msg("%.*s", SLICE_ARG(buffer_slice(&r->lines)));
    return r->accounts;
}

static void read_done(struct read_accounts *r)
{
    accounts_free(r->accounts);
    config_problems_done(&r->problems);
    buffer_done(&r->lines);
    parsed_done(&r->config);
}

static struct address address_of(const char *text)
{
    struct address a;
    if (text[0] == '\0')
        address_set_null(&a);
    else
        assert_int_equal(address_parse(slice_of(text), ADDRESS_UTF8, &a), ERR_OK);
    return a;
}

/* ---- reading ---- */

static const char sample[] = "; accounts\n"
                             "[Anna@Example.ORG]\n"
                             "Password = " HASH "\n"
                             "Alias = info@example.org Sales@example.com\n"
                             "SendAs = newsletter@other.example lists.example\n"
                             "SmartHostUser = anna\n"
                             "SmartHostPassword = \" s;e#c \"\n"
                             "\n"
                             "[\"odd user\"@example.org]\n"
                             "Alias = \"\"\"quoted alias\"\"@example.org other@example.org\"\n"
                             "[remote@elsewhere.example]\n";

static void test_sample(void **state)
{
    struct read_accounts r;
    struct accounts *accounts = read_good(sample, &r);
    assert_int_equal(accounts->count, 3);
    const struct account *anna = &accounts->items[0];
    assert_true(slice_equal(anna->address, SLICE("Anna@example.org")));
    assert_true(slice_equal(anna->hash, SLICE(HASH)));
    assert_int_equal(anna->alias_count, 2);
    assert_true(slice_equal(anna->aliases[1], SLICE("Sales@example.com")));
    assert_int_equal(anna->send_as_count, 2);
    assert_true(slice_equal(anna->send_as[0], SLICE("newsletter@other.example")));
    assert_true(slice_equal(anna->send_as[1], SLICE("lists.example")));
    assert_true(slice_equal(anna->smarthost_user, SLICE("anna")));
    assert_true(slice_equal(anna->smarthost_password, SLICE(" s;e#c ")));
    assert_true(anna->local);
    assert_true(account_has_smarthost_login(anna));
    assert_true(slice_equal(accounts->items[1].address, SLICE("\"odd user\"@example.org")));
    assert_int_equal(accounts->items[1].alias_count, 2);
    assert_true(slice_equal(accounts->items[1].aliases[0], SLICE("\"quoted alias\"@example.org")));
    assert_false(accounts->items[2].local);
    assert_int_equal(accounts->items[2].hash.size, 0);
    assert_false(account_has_smarthost_login(&accounts->items[2]));
    read_done(&r);
    accounts = read_good("", &r);
    assert_int_equal(accounts->count, 0);
    assert_null(accounts_find_text(accounts, SLICE("anna@example.org")));
    read_done(&r);
    accounts_free(NULL);
}

static void test_find(void **state)
{
    static const struct {
        const char *text;
        int mailbox, login; /* index, or -1 */
    } cases[] = {
        { "anna@example.org", 0, 0 },        { "ANNA@EXAMPLE.org", 0, 0 },  { "info@example.org", 0, -1 },
        { "sales@EXAMPLE.com", 0, -1 },      { "anna@example.com", -1, -1 }, { "newsletter@other.example", -1, -1 },
        { "\"odd user\"@example.org", 1, 1 }, { "\"QUOTED alias\"@example.org", 1, -1 },
        { "remote@elsewhere.example", 2, 2 }, { "\"anna\"@example.org", 0, 0 },
    };
    struct read_accounts r;
    struct accounts *accounts = read_good(sample, &r);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct address a = address_of(cases[i].text);
        const struct account *mailbox = accounts_find(accounts, &a);
        const struct account *login = accounts_find_login(accounts, slice_of(cases[i].text));
        assert_int_equal(mailbox ? mailbox - accounts->items : -1, cases[i].mailbox);
        assert_int_equal(login ? login - accounts->items : -1, cases[i].login);
        assert_ptr_equal(accounts_find_text(accounts, address_mailbox(&a)), mailbox);
    }
    static const char *const no_logins[] = { "", "anna", "anna@", "@example.org", "anna@example.org ", "<anna@example.org>" };
    for (size_t i = 0; i < sizeof no_logins / sizeof no_logins[0]; i++)
        assert_null(accounts_find_login(accounts, slice_of(no_logins[i])));
    assert_null(accounts_find_login(accounts, slice("anna@example.org\0x", 18)));
    char large[ADDRESS_SIZE_MAX + 1];
    memset(large, 'a', sizeof large);
    assert_null(accounts_find_text(accounts, slice(large, sizeof large)));
    struct address null = address_of("");
    assert_null(accounts_find(accounts, &null));
    read_done(&r);
}

static void test_may_send_as(void **state)
{
    static const struct {
        const char *sender;
        bool anna, odd;
    } cases[] = {
        { "anna@example.org", true, false },          { "ANNA@example.org", true, false },
        { "info@example.org", true, false },          { "sales@example.com", true, false },
        { "newsletter@other.example", true, false },  { "other@other.example", false, false },
        { "anybody@lists.example", true, false },     { "anybody@sub.lists.example", false, false },
        { "anybody@xlists.example", false, false },   { "\"odd user\"@example.org", false, true },
        { "other@example.org", false, true },         { "anna@example.com", false, false },
        { "\"lists.example\"@example.org", false, false }, { "", true, true },
    };
    struct read_accounts r;
    struct accounts *accounts = read_good(sample, &r);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct address sender = address_of(cases[i].sender);
        assert_int_equal(account_may_send_as(&accounts->items[0], &sender), cases[i].anna);
        assert_int_equal(account_may_send_as(&accounts->items[1], &sender), cases[i].odd);
    }
    read_done(&r);
}

/* ---- what is told ---- */

#define AUTH "[Delivery]\nMode = smarthost\nSmartHost = relay.example.net\nSmartHostAuth = yes\nPerAccountAuth = yes\n"

static const struct {
    const char *config, *text, *expected;
} told[] = {
    { "", "Bar\n[a@example.org]\n",
      "accounts.ini:1: this is neither a section, nor a key with a value, nor a comment; write “[Section]”, “Key = value”, or a "
      "comment that begins with “;” or “#”\n" },
    { "", "Password =\n",
      "accounts.ini:1: Password: the key stands before the first section; write a section’s line, such as “[Server]”, above it\n" },
    { "", "[anna]\nPassword = x\n",
      "accounts.ini:1: anna: “anna” is no address for an account; write a section such as “[user@example.org]”\n" },
    { "", "[a@example.org]\nPass = x\n",
      "accounts.ini:2: a@example.org.Pass: an account has no such key; write one of: Password, Alias, SendAs, SmartHostUser, SmartHostPassword\n" },
    { "", "[a@example.org]\nPassword = canary\n",
      "accounts.ini:2: a@example.org.Password: this is no hash of a password; set the password with “facteur account set "
      "a@example.org --password-file FILE”\n" },
    { "", "[a@example.org]\nPassword = \"canary\n",
      "accounts.ini:2: a@example.org.Password: the double quotes are not closed, or something follows them; end the value with "
      "one double quote, and double each one within it\n" },
    { "", "[a@example.org]\nAlias = b@example.org c\n",
      "accounts.ini:2: a@example.org.Alias: “c” is no address; write addresses with blanks between them\n" },
    { "", "[a@example.org]\nSendAs = b@example.org @c\n",
      "accounts.ini:2: a@example.org.SendAs: “@c” is neither an address nor a domain; write addresses, or domains without “@”, "
      "with blanks between them\n" },
    { "", "[a@example.org]\nAlias = b@example.org\n[B@example.org]\n",
      "accounts.ini:3: B@example.org: “B@example.org” belongs already to a@example.org; give each address and alias to one "
      "account only\n" },
    { "", "[a@example.org]\n[c@example.org]\nAlias = A@example.org\n",
      "accounts.ini:3: c@example.org.Alias: “A@example.org” belongs already to a@example.org; give each address and alias to one account only\n" },
    { "", "[a@example.org]\nAlias =\nalias =\n",
      "accounts.ini:3: a@example.org.Alias: it is given already on line 2; remove one of the two lines\n" },
    { "", "[a@example.org]\nSmartHostUser = u\nSmartHostPassword = file:/etc/secret\n",
      "accounts.ini:3: a@example.org.SmartHostPassword: an account’s password cannot be in a file of its own; set it with “facteur "
      "account set a@example.org --smarthost-password-file FILE”\n"
      "accounts.ini:2: a@example.org: warning: the smart host login is half filled and counts as empty: the general login is "
      "used; give user name and password, or neither\n" },
    { "", "[a@example.org]\nSmartHostUser = u\nSmartHostPassword = sealed:1:x\n[b@example.org]\n",
      "accounts.ini:3: a@example.org.SmartHostPassword: a sealed value cannot be opened here; write the secret itself, or "
      "“file:PATH”\n"
      "accounts.ini:2: a@example.org: warning: the smart host login is half filled and counts as empty: the general login is "
      "used; give user name and password, or neither\n" },
    { "", "[a@example.org]\nSmartHostPassword = canary\n[b@example.org]\nSmartHostUser = u\n",
      "accounts.ini:2: a@example.org: warning: the smart host login is half filled and counts as empty: the general login is "
      "used; give user name and password, or neither\n"
      "accounts.ini:4: b@example.org: warning: the smart host login is half filled and counts as empty: the general login is "
      "used; give user name and password, or neither\n" },
    { AUTH, "[a@example.org]\n[b@example.org]\nSmartHostUser = u\nSmartHostPassword = p\n[c@example.org]\n",
      "accounts.ini:1: warning: without a smart host login of their own, and without a general one, these accounts cannot send: "
      "a@example.org, c@example.org; give them one with “facteur account set ADDRESS --smarthost-user U "
      "--smarthost-password-file F”\n" },
    { AUTH "SmartHostUser = u\nSmartHostPassword = p\n", "[a@example.org]\n", "" },
    { AUTH, "[b@example.org]\nSmartHostUser = u\nSmartHostPassword = p\n", "" },
};

static void test_told(void **state)
{
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        struct read_accounts en, fr;
        read_with(told[i].config, slice_of(told[i].text), LANGUAGE_EN, NULL, &en);
        if (!slice_equal(buffer_slice(&en.lines), slice_of(told[i].expected)))
            fail_msg("%s\ngives\n%.*s", told[i].text, SLICE_ARG(buffer_slice(&en.lines)));
        assert_true(slice_find_slice(buffer_slice(&en.lines), SLICE("canary")) == en.lines.size);
        read_with(told[i].config, slice_of(told[i].text), LANGUAGE_FR, NULL, &fr);
        assert_int_equal(fr.problems.count, en.problems.count);
        for (uint32_t k = 0; k < en.problems.count; k++)
            assert_false(slice_equal(en.problems.items[k].what, fr.problems.items[k].what));
        read_done(&en);
        read_done(&fr);
    }
}

static void test_sealed(void **state)
{
    static const struct {
        enum err err;
        bool refused, unreadable;
    } cases[] = { { ERR_OK, false, false },       { ERR_NOT_FOUND, false, true }, { ERR_CORRUPT, false, true },
                  { ERR_NEWER_FORMAT, true, false }, { ERR_SYNTAX, true, false },    { ERR_TOO_LARGE, true, false } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct read_accounts r;
        enum err err = cases[i].err;
        read_with("", SLICE("[a@example.org]\nSmartHostUser = u\nSmartHostPassword = sealed:1:abc\n"), LANGUAGE_EN, &err, &r);
        assert_int_equal(r.problems.error_count, cases[i].refused);
        if (!cases[i].refused) {
            const struct account *account = &r.accounts->items[0];
            assert_true(slice_equal(account->smarthost_password, slice_of(err == ERR_OK ? "opened" : "")));
            assert_int_equal(account->smarthost_password_unreadable, cases[i].unreadable);
            assert_true(account_has_smarthost_login(account)); /* A25: never as empty */
            assert_int_equal(r.problems.count, cases[i].unreadable);
        }
        read_done(&r);
    }
}

static void test_limits(void **state)
{
    for (int more = 0; more < 2; more++) {
        struct buffer text;
        struct read_accounts r;
        buffer_init(&text, 1 << 22);
        buffer_add_text(&text, "[a@example.org]\nAlias =");
        for (int i = 0; i < ACCOUNT_ALIASES_MAX + more; i++)
            buffer_add_format(&text, " a%d@example.org", i);
        buffer_add_text(&text, "\nSendAs =");
        for (int i = 0; i < ACCOUNT_SEND_AS_MAX + more; i++)
            buffer_add_format(&text, " s%d@example.org", i);
        read_with("", buffer_slice(&text), LANGUAGE_EN, NULL, &r);
        assert_int_equal(r.problems.error_count, 2 * more);
        read_done(&r);
        buffer_clear(&text);
        for (int i = 0; i < ACCOUNTS_MAX + more; i++)
            buffer_add_format(&text, "[u%d@example.org]\n", i);
        read_with("", buffer_slice(&text), LANGUAGE_EN, NULL, &r);
        assert_int_equal(r.problems.error_count, more);
        if (!more)
            assert_non_null(accounts_find_text(r.accounts, SLICE("u99999@example.org")));
        read_done(&r);
        buffer_done(&text);
    }
}

/* However many accounts are half filled, what is wrong is told. */
static void test_warnings_leave_room(void **state)
{
    struct buffer text;
    struct read_accounts r;
    buffer_init(&text, 1 << 16);
    for (int i = 0; i < CONFIG_PROBLEMS_MAX + 1; i++)
        buffer_add_format(&text, "[u%d@example.org]\nSmartHostUser = u\n", i);
    buffer_add_text(&text, "Foo = 1\n");
    read_with("", buffer_slice(&text), LANGUAGE_EN, NULL, &r);
    assert_null(r.accounts);
    assert_int_equal(r.problems.error_count, 1);
    assert_false(r.problems.items[r.problems.count - 1].warning);
    read_done(&r);
    buffer_done(&text);
}

static void test_every_text_was_met(void **state)
{
    assert_all_met(met, true);
}

/* ---- edits ---- */

struct edit_case {
    const char *text;
    struct account_edit edit;
    enum err err;
    const char *result;
};

static const struct slice hash = { HASH, sizeof HASH - 1 }, empty = { NULL, 0 }, user = { "u", 1 }, password = { " p", 2 };
static const struct slice aliases[] = { { "b@example.org", 13 }, { "c@example.org", 13 }, { "b@example.org", 13 } };
static const struct slice domains[] = { { "lists.example", 13 }, { "d@example.org", 13 } };

#define OF(name) .address = { name, sizeof name - 1 }

static const struct edit_case edits[] = {
    { "", { OF("a@example.org"), .create = true, .password_hash = &hash }, 0, "[a@example.org]\nPassword = " HASH "\n" },
    { "", { OF("a@example.org"), .create = true }, 0, "[a@example.org]\nPassword =\n" },
    { "[A@Example.org]\n", { OF("a@example.org"), .create = true }, ERR_EXISTS, NULL },
    { "", { OF("a@example.org"), .password_hash = &hash }, ERR_NOT_FOUND, NULL },
    { "", { OF("a@example.org"), .remove = true }, ERR_NOT_FOUND, NULL },
    { "; all\n[b@example.org]\n", { OF("a@example.org"), .create = true, .alias_add = aliases, .alias_add_count = 3 }, 0,
      "; all\n[b@example.org]\n\n[a@example.org]\nPassword =\nAlias = b@example.org c@example.org\n" },
    { "[x@example.org]\nAlias = y@example.org\n; of a\n[A@EXAMPLE.org]\n; her hash\nPassword = old\nAlias = B@example.org d@example.org\n\n[z@example.org]\n",
      { OF("a@example.org"), .password_hash = &hash, .alias_add = aliases, .alias_add_count = 3 }, 0,
      "[x@example.org]\nAlias = y@example.org\n; of a\n[A@EXAMPLE.org]\n; her hash\nPassword = " HASH "\nAlias = d@example.org b@example.org c@example.org\n\n[z@example.org]\n" },
    { "[a@example.org]\nAlias = B@example.org c@example.org d@example.org\n",
      { OF("a@example.org"), .alias_remove = aliases, .alias_remove_count = 2 }, 0, "[a@example.org]\nAlias = d@example.org\n" },
    { "[a@example.org]\nAlias = B@example.org c@example.org\nSendAs = x\n",
      { OF("a@example.org"), .alias_remove = aliases, .alias_remove_count = 2 }, 0, "[a@example.org]\nSendAs = x\n" },
    { "[a@example.org]\n", { OF("a@example.org"), .alias_remove = aliases, .alias_remove_count = 2 }, 0, "[a@example.org]\n" },
    { "[a@example.org]\nSendAs = x\n", { OF("a@example.org"), .send_as = domains, .send_as_count = 2, .send_as_given = true }, 0,
      "[a@example.org]\nSendAs = lists.example d@example.org\n" },
    { "[a@example.org]\nSendAs = x\n", { OF("a@example.org"), .send_as_given = true }, 0, "[a@example.org]\n" },
    { "[a@example.org]\n", { OF("a@example.org"), .smarthost_user = &user, .smarthost_password = &password }, 0,
      "[a@example.org]\nSmartHostUser = u\nSmartHostPassword = \" p\"\n" },
    { "[a@example.org]\nSmartHostUser = u\nSmartHostPassword = p\n",
      { OF("a@example.org"), .smarthost_user = &empty, .smarthost_password = &empty }, 0, "[a@example.org]\n" },
    { "[\"a\"@example.org]\nPassword = old\n", { OF("a@example.org"), .password_hash = &hash }, 0,
      "[\"a\"@example.org]\nPassword = " HASH "\n" },
    { "[b@example.org]\nx = 1\n[a@example.org]\nPassword = x\n; last\n", { OF("a@example.org"), .remove = true }, 0,
      "[b@example.org]\nx = 1\n; last\n" },
};

static void test_edits(void **state)
{
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        struct buffer out;
        buffer_init(&out, 1 << 16);
        buffer_add_text(&out, "before");
        assert_int_equal(accounts_edit(slice_of(edits[i].text), &edits[i].edit, &out), edits[i].err);
        if (!slice_equal(slice_after(buffer_slice(&out), 6), slice_of(edits[i].result)))
            fail_msg("%zu gives\n%.*s", i, SLICE_ARG(buffer_slice(&out)));
        buffer_done(&out);
    }
    struct slice two_lines = SLICE("p\nPassword = x");
    struct account_edit edit = { OF("a@example.org"), .smarthost_user = &user, .smarthost_password = &two_lines };
    struct buffer out;
    buffer_init(&out, 1 << 16);
    assert_int_equal(accounts_edit(SLICE("[a@example.org]\n"), &edit, &out), ERR_SYNTAX);
    assert_int_equal(out.size, 0);
    buffer_done(&out);
    struct buffer small;
    buffer_init(&small, 20);
    edit.smarthost_password = &password;
    assert_int_equal(accounts_edit(SLICE("[a@example.org]\n"), &edit, &small), ERR_TOO_LARGE);
    assert_int_equal(small.size, 0);
    buffer_done(&small);
}

static void test_words(void **state)
{
    struct slice rest = SLICE("  a@b \t\"c d\"@e \"f\\\" g\"@h \"open i ");
    static const char *const words[] = { "a@b", "\"c d\"@e", "\"f\\\" g\"@h", "\"open i", "", "" };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        assert_true(slice_equal(account_word(&rest), slice_of(words[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sample),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_may_send_as),
        cmocka_unit_test(test_told),
        cmocka_unit_test(test_sealed),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_warnings_leave_room),
        cmocka_unit_test(test_every_text_was_met),
        cmocka_unit_test(test_edits),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "config/account.h"

#include "config/ini.h"
#include "config/problem.h"
#include "config/secret.h"

enum account_key {
    ACCOUNT_PASSWORD,
    ACCOUNT_ALIAS,
    ACCOUNT_SEND_AS,
    ACCOUNT_SMARTHOST_USER,
    ACCOUNT_SMARTHOST_PASSWORD,
    ACCOUNT_KEY_COUNT,
};

enum {
    TEXT_VALUE_SIZE_MAX = 1024,
    CANNOT_SEND_MAX = 10, /* accounts that one warning names */
};

static const char *const key_names[ACCOUNT_KEY_COUNT] = { "Password", "Alias", "SendAs", "SmartHostUser",
                                                          "SmartHostPassword" };

struct parse {
    const struct accounts_source *source;
    struct config_problems *problems;
    struct accounts *accounts;
    struct account *account;            /* the current section's; NULL when its name is wrong */
    uint32_t section_line;
    uint32_t lines[ACCOUNT_KEY_COUNT];  /* of the current account */
};

/* ---- telling ---- */

static void tell(struct parse *p, uint32_t line, struct slice key, struct wrong wrong, struct slice names)
{
    problem_add(p->problems, (struct problem_at){ .line = line, .key = key, .warning = wrong.warning }, wrong.what,
                wrong.remedy,
                TEXT_ARGUMENTS({ "value", problem_value(p->problems, wrong.item) },
                               { "names", problem_value(p->problems, names) },
                               { "line", problem_number(p->problems, 0) },
                               { "high", problem_number(p->problems, ACCOUNTS_MAX) }));
}

/* "user@example.org.Alias"; lives as long as the problems. */
static struct slice key_of(struct parse *p, struct slice key)
{
    struct buffer name;
    buffer_init(&name, INI_LINE_SIZE_MAX + ADDRESS_SIZE_MAX);
    if (p->account) {
        buffer_add(&name, p->account->address);
        buffer_add_char(&name, '.');
    }
    buffer_add(&name, key);
    struct slice copy = arena_copy(&p->problems->arena, buffer_slice(&name));
    buffer_done(&name);
    return copy;
}

static void tell_twice(struct parse *p, uint32_t line, enum account_key key)
{
    problem_add(p->problems, (struct problem_at){ .line = line, .key = key_of(p, slice_of(key_names[key])) },
                TEXT_WRONG_TWICE, TEXT_REMEDY_TWICE,
                TEXT_ARGUMENTS({ "line", problem_number(p->problems, p->lines[key]) }));
}

static struct wrong with_item(struct wrong wrong, struct slice item)
{
    wrong.item = item;
    return wrong;
}

/* ---- addresses ---- */

static struct slice lower_case(struct slice text, char lower[static ADDRESS_SIZE_MAX])
{
    for (size_t i = 0; i < text.size; i++)
        lower[i] = text.data[i] >= 'A' && text.data[i] <= 'Z' ? (char)(text.data[i] + 32) : text.data[i];
    return slice(lower, text.size);
}

/* Makes an address or alias lead to the current account. */
static void claim(struct parse *p, uint32_t line, const char *key, struct slice mailbox)
{
    char lower[ADDRESS_SIZE_MAX];
    struct slice name = lower_case(mailbox, lower);
    const struct account *other = table_get_slice(&p->accounts->by_address, name);
    if (other) {
        struct wrong wrong = with_item(WRONG(ACCOUNT_TAKEN), mailbox);
        tell(p, line, key ? key_of(p, slice_of(key)) : mailbox, wrong, other->address);
        return;
    }
    table_put_slice(&p->accounts->by_address, arena_copy(&p->accounts->arena, name), p->account);
}

struct slice account_word(struct slice *rest)
{
    size_t size = 0;
    bool quoted = false;
    *rest = slice_trim(*rest);
    while (size < rest->size && (quoted || (rest->data[size] != ' ' && rest->data[size] != '\t'))) {
        if (quoted && rest->data[size] == '\\' && size + 1 < rest->size)
            size++;
        else if (rest->data[size] == '"')
            quoted = !quoted;
        size++;
    }
    struct slice word = slice_part(*rest, 0, size);
    *rest = slice_after(*rest, size);
    return word;
}

static size_t count_words(struct slice text)
{
    size_t count = 0;
    while (account_word(&text).size > 0)
        count++;
    return count;
}

/* ---- keys ---- */

static struct wrong read_hash(struct parse *p, struct slice text)
{
    if (text.size > 0 && !password_hash_valid(text))
        return WRONG(ACCOUNT_HASH);
    p->account->hash = arena_copy(&p->accounts->arena, text);
    return RIGHT;
}

static struct wrong read_aliases(struct parse *p, struct slice text, uint32_t line)
{
    size_t count = count_words(text);
    struct account *account = p->account;
    if (count > ACCOUNT_ALIASES_MAX)
        return WRONG(TOO_MANY);
    account->aliases = arena_array(&p->accounts->arena, struct slice, count);
    for (size_t i = 0; i < count; i++) {
        struct address alias;
        struct slice word = account_word(&text);
        if (address_parse(word, ADDRESS_UTF8, &alias) != ERR_OK)
            return with_item(WRONG(ACCOUNT_ALIAS), word);
        struct slice mailbox = arena_copy(&p->accounts->arena, address_mailbox(&alias));
        account->aliases[account->alias_count++] = mailbox;
        claim(p, line, key_names[ACCOUNT_ALIAS], mailbox);
    }
    return RIGHT;
}

static struct wrong read_send_as(struct parse *p, struct slice text)
{
    size_t count = count_words(text);
    struct account *account = p->account;
    if (count > ACCOUNT_SEND_AS_MAX)
        return WRONG(TOO_MANY);
    account->send_as = arena_array(&p->accounts->arena, struct slice, count);
    for (size_t i = 0; i < count; i++) {
        char key[ADDRESS_DOMAIN_SIZE_MAX];
        struct address address;
        struct slice domain, word = account_word(&text);
        if (address_parse(word, ADDRESS_UTF8, &address) == ERR_OK)
            domain = address_mailbox(&address);
        else if (domain_key(word, key, &domain) != ERR_OK)
            return with_item(WRONG(ACCOUNT_SEND_AS), word);
        account->send_as[account->send_as_count++] = arena_copy(&p->accounts->arena, domain);
    }
    return RIGHT;
}

static struct wrong read_user(struct parse *p, struct slice text)
{
    if (text.size > TEXT_VALUE_SIZE_MAX)
        return WRONG(TEXT);
    p->account->smarthost_user = arena_copy(&p->accounts->arena, text);
    return RIGHT;
}

static struct wrong open_sealed(struct parse *p, struct slice text, struct buffer *secret)
{
    if (!p->source->open_secret)
        return WRONG(SEALED_HERE);
    switch (p->source->open_secret(p->source->context, text, secret)) {
    case ERR_OK:
        return RIGHT;
    case ERR_NOT_FOUND:
    case ERR_CORRUPT:
        p->account->smarthost_password_unreadable = true;
        return (struct wrong){ .what = TEXT_WARN_SEALED_KEY, .remedy = TEXT_REMEDY_SEALED_KEY, .warning = true };
    case ERR_NEWER_FORMAT:
        return WRONG(SEALED_NEWER);
    case ERR_TOO_LARGE:
        return WRONG(SECRET_LONG);
    default:
        return WRONG(SEALED);
    }
}

static struct wrong read_password(struct parse *p, struct slice text)
{
    struct buffer secret;
    struct wrong wrong = RIGHT;
    if (slice_starts_with(text, SLICE("file:")))
        return WRONG(ACCOUNT_SECRET_FILE);
    buffer_init(&secret, SECRET_SIZE_MAX);
    buffer_reserve(&secret, SECRET_SIZE_MAX); /* at once: growing would leave copies behind */
    if (secret_is_sealed(text))
        wrong = open_sealed(p, text, &secret);
    else
        buffer_add(&secret, text);
    if (wrong.what == TEXT_NONE && secret.overflow)
        wrong = WRONG(SECRET_LONG);
    if (wrong.what == TEXT_NONE)
        p->account->smarthost_password = arena_copy(&p->accounts->arena, buffer_slice(&secret));
    secret_wipe_buffer(&secret);
    buffer_done(&secret);
    return wrong;
}

static struct wrong read_value(struct parse *p, enum account_key key, struct slice text, uint32_t line)
{
    switch (key) {
    case ACCOUNT_PASSWORD:
        return read_hash(p, text);
    case ACCOUNT_ALIAS:
        return read_aliases(p, text, line);
    case ACCOUNT_SEND_AS:
        return read_send_as(p, text);
    case ACCOUNT_SMARTHOST_USER:
        return read_user(p, text);
    default:
        return read_password(p, text);
    }
}

static void note_unknown(struct parse *p, const struct ini_item *item)
{
    struct buffer names;
    buffer_init(&names, 128);
    for (int i = 0; i < ACCOUNT_KEY_COUNT; i++) {
        buffer_add_text(&names, i > 0 ? ", " : "");
        buffer_add_text(&names, key_names[i]);
    }
    tell(p, item->line, key_of(p, item->key), WRONG(ACCOUNT_KEY), buffer_slice(&names));
    buffer_done(&names);
}

static void note_key(struct parse *p, const struct ini_item *item)
{
    enum account_key key = 0;
    struct buffer value;
    while (key < ACCOUNT_KEY_COUNT && !slice_equal_nocase(item->key, slice_of(key_names[key])))
        key++;
    if (item->section.size == 0)
        tell(p, item->line, item->key, WRONG(NO_SECTION), SLICE_EMPTY);
    else if (key == ACCOUNT_KEY_COUNT)
        note_unknown(p, item);
    if (!p->account || key == ACCOUNT_KEY_COUNT)
        return;
    if (p->lines[key] > 0) {
        tell_twice(p, item->line, key);
        return;
    }
    p->lines[key] = item->line;
    buffer_init(&value, INI_LINE_SIZE_MAX);
    buffer_reserve(&value, item->value.size); /* it may be a secret: no copy is left behind by growing */
    struct wrong wrong = WRONG(QUOTE);
    if (ini_unquote(item->value, &value) == ERR_OK)
        wrong = read_value(p, key, buffer_slice(&value), item->line);
    if (wrong.what != TEXT_NONE)
        tell(p, item->line, key_of(p, slice_of(key_names[key])), wrong, p->account->address);
    secret_wipe_buffer(&value);
    buffer_done(&value);
}

/* ---- accounts ---- */

/* A29. */
static void account_end(struct parse *p)
{
    const struct account *account = p->account;
    if (!account || account->smarthost_password_unreadable ||
        (account->smarthost_user.size > 0) == (account->smarthost_password.size > 0))
        return;
    uint32_t line = p->lines[account->smarthost_user.size > 0 ? ACCOUNT_SMARTHOST_USER : ACCOUNT_SMARTHOST_PASSWORD];
    struct wrong wrong = { .what = TEXT_WARN_ACCOUNT_HALF, .remedy = TEXT_REMEDY_ACCOUNT_HALF, .warning = true };
    tell(p, line, account->address, wrong, SLICE_EMPTY);
}

static void account_begin(struct parse *p, const struct ini_item *item)
{
    struct address address;
    account_end(p);
    p->account = NULL;
    p->section_line = item->line;
    memset(p->lines, 0, sizeof p->lines);
    if (address_parse(item->section, ADDRESS_UTF8, &address) != ERR_OK) {
        tell(p, item->line, item->section, with_item(WRONG(ACCOUNT), item->section), SLICE_EMPTY);
        return;
    }
    p->account = &p->accounts->items[p->accounts->count++];
    p->account->address = arena_copy(&p->accounts->arena, address_mailbox(&address));
    p->account->local = config_is_local_domain(p->source->config, address_domain(&address));
    claim(p, item->line, NULL, p->account->address);
}

static size_t count_sections(struct slice text)
{
    struct ini_reader reader;
    struct ini_item item;
    size_t count = 0;
    ini_reader_init(&reader, text);
    for (ini_reader_next(&reader, &item); item.kind != INI_END; ini_reader_next(&reader, &item))
        count += item.kind == INI_SECTION;
    return count;
}

static void read_lines(struct parse *p)
{
    struct ini_reader reader;
    struct ini_item item;
    ini_reader_init(&reader, p->source->text);
    for (ini_reader_next(&reader, &item); item.kind != INI_END; ini_reader_next(&reader, &item)) {
        if (item.kind == INI_SECTION)
            account_begin(p, &item);
        else if (item.kind == INI_KEY)
            note_key(p, &item);
        else
            problem_add(p->problems, (struct problem_at){ .line = item.line }, item.wrong, TEXT_REMEDY_INI, NULL, 0);
    }
    account_end(p);
}

/* A28: the server demands a login, and there is none for these. */
static void warn_who_cannot_send(struct parse *p)
{
    const struct config *config = p->source->config;
    bool general = config->delivery.smarthost_user.size > 0 &&
                   (config->delivery.smarthost_password.size > 0 || config->delivery.smarthost_password_unreadable);
    size_t found = 0;
    struct buffer names;
    if (general || !config->delivery.smarthost_auth || config->delivery.mode == MODE_DIRECT)
        return;
    buffer_init(&names, (CANNOT_SEND_MAX + 1) * (ADDRESS_SIZE_MAX + 2));
    for (size_t i = 0; i < p->accounts->count && found <= CANNOT_SEND_MAX; i++) {
        const struct account *account = &p->accounts->items[i];
        if (account_has_smarthost_login(account))
            continue;
        buffer_add_text(&names, found > 0 ? ", " : "");
        buffer_add(&names, found < CANNOT_SEND_MAX ? account->address : SLICE("..."));
        found++;
    }
    if (found > 0)
        problem_add(p->problems, (struct problem_at){ .line = 1, .warning = true }, TEXT_WARN_ACCOUNT_CANNOT_SEND,
                    TEXT_REMEDY_ACCOUNT_CANNOT_SEND, TEXT_ARGUMENTS({ "names", buffer_slice(&names) }));
    buffer_done(&names);
}

static void parse_text(struct parse *p)
{
    size_t count = count_sections(p->source->text);
    if (p->source->text.size > ACCOUNTS_FILE_SIZE_MAX) {
        problem_add(p->problems, (struct problem_at){ .line = 1 }, TEXT_WRONG_FILE_SIZE, TEXT_REMEDY_FILE_SIZE,
                    TEXT_ARGUMENTS({ "high", SLICE("64M") }));
    } else if (count > ACCOUNTS_MAX) {
        tell(p, 1, SLICE_EMPTY, WRONG(ACCOUNTS_MANY), SLICE_EMPTY);
    } else {
        p->accounts->items = arena_array(&p->accounts->arena, struct account, count);
        read_lines(p);
        warn_who_cannot_send(p);
    }
}

struct accounts *accounts_parse(const struct accounts_source *source, struct config_problems *problems)
{
    uint32_t errors = problems->error_count;
    struct accounts *accounts = mem_alloc(sizeof *accounts);
    arena_init(&accounts->arena);
    table_init(&accounts->by_address, source->hash_key);
    problems->language = source->language;
    struct parse p = { .source = source, .problems = problems, .accounts = accounts };
    parse_text(&p);
    if (problems->error_count == errors)
        return accounts;
    accounts_free(accounts);
    return NULL;
}

void accounts_free(struct accounts *accounts)
{
    if (!accounts)
        return;
    for (size_t i = 0; i < accounts->count; i++) {
        secret_wipe(accounts->items[i].smarthost_password);
        secret_wipe(accounts->items[i].hash);
    }
    table_done(&accounts->by_address);
    arena_done(&accounts->arena);
    mem_free(accounts);
}

/* ---- questions ---- */

const struct account *accounts_find_text(const struct accounts *accounts, struct slice mailbox)
{
    char lower[ADDRESS_SIZE_MAX];
    if (mailbox.size > sizeof lower)
        return NULL;
    return table_get_slice(&accounts->by_address, lower_case(mailbox, lower));
}

const struct account *accounts_find(const struct accounts *accounts, const struct address *a)
{
    return a->kind == ADDRESS_MAILBOX ? accounts_find_text(accounts, address_mailbox(a)) : NULL;
}

const struct account *accounts_find_login(const struct accounts *accounts, struct slice login)
{
    struct address address;
    if (address_parse(login, ADDRESS_UTF8, &address) != ERR_OK)
        return NULL;
    const struct account *account = accounts_find(accounts, &address);
    return account && slice_equal_nocase(account->address, address_mailbox(&address)) ? account : NULL;
}

bool account_may_send_as(const struct account *account, const struct address *sender)
{
    struct slice mailbox = address_mailbox(sender);
    if (sender->kind == ADDRESS_NULL || slice_equal_nocase(account->address, mailbox))
        return true;
    for (size_t i = 0; i < account->alias_count; i++) {
        if (slice_equal_nocase(account->aliases[i], mailbox))
            return true;
    }
    for (size_t i = 0; i < account->send_as_count; i++) {
        struct slice allowed = account->send_as[i];
        bool domain = slice_find_last(allowed, '@') == allowed.size;
        if (domain ? slice_equal(allowed, address_domain(sender)) : slice_equal_nocase(allowed, mailbox))
            return true;
    }
    return false;
}

bool account_has_smarthost_login(const struct account *account)
{
    return account->smarthost_user.size > 0 &&
           (account->smarthost_password.size > 0 || account->smarthost_password_unreadable);
}

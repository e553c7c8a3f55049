/* Edits of the accounts' file: each key that changes is one ini_set or ini_unset on the text that the one before gave. */
#include "config/account.h"
#include "config/ini.h"
#include "config/secret.h"

/* The text as it is so far; two buffers take turns. */
struct edit {
    struct slice text;
    struct buffer buffers[2];
    int next;
    struct slice section; /* as the file spells it */
};

static bool same_address(struct slice a, struct slice b)
{
    struct address left, right;
    return address_parse(a, ADDRESS_UTF8, &left) == ERR_OK && address_parse(b, ADDRESS_UTF8, &right) == ERR_OK &&
           address_equal_nocase(&left, &right);
}

static bool section_find(struct slice text, struct slice address, struct slice *ret_section)
{
    struct ini_reader reader;
    struct ini_item item;
    ini_reader_init(&reader, text);
    for (ini_reader_next(&reader, &item); item.kind != INI_END; ini_reader_next(&reader, &item)) {
        if (item.kind == INI_SECTION && same_address(item.section, address)) {
            *ret_section = item.section;
            return true;
        }
    }
    return false;
}

static enum err step(struct edit *e, const char *key, const struct slice *value)
{
    struct buffer *out = &e->buffers[e->next];
    secret_wipe_buffer(out);
    enum err err = value && value->size > 0 ? ini_set(e->text, e->section, slice_of(key), *value, out)
                                            : ini_unset(e->text, e->section, slice_of(key), out);
    if (err == ERR_NOT_FOUND)
        return ERR_OK; /* nothing to take away */
    if (err != ERR_OK)
        return err;
    e->text = buffer_slice(out);
    e->next = !e->next;
    return ERR_OK;
}

/* ---- lists ---- */

static void add_word(struct buffer *list, struct slice word)
{
    if (list->size > 0)
        buffer_add_char(list, ' ');
    buffer_add(list, word);
}

static bool listed(const struct slice *items, size_t count, struct slice item)
{
    for (size_t i = 0; i < count; i++) {
        if (same_address(items[i], item))
            return true;
    }
    return false;
}

/* The aliases that the section has, without those that go or come. */
static enum err keep_aliases(const struct edit *e, const struct account_edit *edit, struct buffer *list)
{
    struct ini_reader reader;
    struct ini_item item;
    struct buffer value;
    enum err err = ERR_OK;
    buffer_init(&value, INI_LINE_SIZE_MAX);
    ini_reader_init(&reader, e->text);
    for (ini_reader_next(&reader, &item); item.kind != INI_END; ini_reader_next(&reader, &item)) {
        if (item.kind != INI_KEY || !slice_equal_nocase(item.section, e->section) ||
            !slice_equal_nocase(item.key, SLICE("Alias")))
            continue;
        err = ini_unquote(item.value, &value);
        break;
    }
    struct slice rest = buffer_slice(&value);
    for (struct slice word = account_word(&rest); word.size > 0; word = account_word(&rest)) {
        if (!listed(edit->alias_remove, edit->alias_remove_count, word) &&
            !listed(edit->alias_add, edit->alias_add_count, word))
            add_word(list, word);
    }
    buffer_done(&value);
    return err;
}

static enum err edit_aliases(struct edit *e, const struct account_edit *edit)
{
    struct buffer list;
    if (edit->alias_add_count == 0 && edit->alias_remove_count == 0)
        return ERR_OK;
    buffer_init(&list, INI_LINE_SIZE_MAX / 4);
    enum err err = keep_aliases(e, edit, &list);
    for (size_t i = 0; i < edit->alias_add_count; i++) {
        if (!listed(edit->alias_add, i, edit->alias_add[i]))
            add_word(&list, edit->alias_add[i]);
    }
    struct slice value = buffer_slice(&list);
    if (err == ERR_OK)
        err = list.overflow ? ERR_TOO_LARGE : step(e, "Alias", &value);
    buffer_done(&list);
    return err;
}

static enum err edit_send_as(struct edit *e, const struct account_edit *edit)
{
    struct buffer list;
    if (!edit->send_as_given)
        return ERR_OK;
    buffer_init(&list, INI_LINE_SIZE_MAX / 4);
    for (size_t i = 0; i < edit->send_as_count; i++)
        add_word(&list, edit->send_as[i]);
    struct slice value = buffer_slice(&list);
    enum err err = list.overflow ? ERR_TOO_LARGE : step(e, "SendAs", &value);
    buffer_done(&list);
    return err;
}

/* ---- the whole ---- */

static enum err edit_keys(struct edit *e, const struct account_edit *edit)
{
    enum err err = ERR_OK;
    if (edit->password_hash)
        err = step(e, "Password", edit->password_hash);
    if (err == ERR_OK)
        err = edit_aliases(e, edit);
    if (err == ERR_OK)
        err = edit_send_as(e, edit);
    if (err == ERR_OK && edit->smarthost_user)
        err = step(e, "SmartHostUser", edit->smarthost_user);
    if (err == ERR_OK && edit->smarthost_password)
        err = step(e, "SmartHostPassword", edit->smarthost_password);
    return err;
}

/* A section without keys, at the end. */
static enum err add_section(struct edit *e)
{
    struct buffer *out = &e->buffers[e->next];
    secret_wipe_buffer(out);
    enum err err = ini_set(e->text, e->section, SLICE("Password"), SLICE_EMPTY, out);
    e->text = buffer_slice(out);
    e->next = !e->next;
    return err;
}

enum err accounts_edit(struct slice text, const struct account_edit *edit, struct buffer *out)
{
    struct edit e = { .text = text, .section = edit->address };
    struct slice spelt = SLICE_EMPTY;
    bool there = section_find(text, edit->address, &spelt);
    if (there == edit->create)
        return there ? ERR_EXISTS : ERR_NOT_FOUND;
    if (there)
        e.section = spelt;
    if (edit->remove)
        return ini_remove_section(text, e.section, out);
    size_t start = out->size;
    buffer_init(&e.buffers[0], ACCOUNTS_FILE_SIZE_MAX);
    buffer_init(&e.buffers[1], ACCOUNTS_FILE_SIZE_MAX);
    enum err err = edit->create ? add_section(&e) : ERR_OK;
    if (err == ERR_OK)
        err = edit_keys(&e, edit);
    if (err == ERR_OK)
        buffer_add(out, e.text);
    if (err == ERR_OK && out->overflow) {
        out->size = start;
        err = ERR_TOO_LARGE;
    }
    for (int i = 0; i < 2; i++) {
        secret_wipe_buffer(&e.buffers[i]);
        buffer_done(&e.buffers[i]);
    }
    return err;
}

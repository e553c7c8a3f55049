#include "engine/message.h"

#include <assert.h>

#include "config/config.h"
#include "engine/queue.h"

struct messages {
    struct message *free;
    struct message_block *free_small, *free_large;
    uint32_t free_count, free_small_count, free_large_count;
    uint64_t body_memory;
};

enum {
    SMALL_CAPACITY = MESSAGE_BLOCK_SMALL_SIZE - sizeof(struct message_block),
    LARGE_CAPACITY = MESSAGE_BLOCK_SIZE - sizeof(struct message_block),
    RECIPIENTS_MIN = 2,
};

_Static_assert((int)MESSAGE_PREFIX_SIZE_MAX <= (int)SMALL_CAPACITY, "a prefix is one block");

void messages_init(struct engine *e)
{
    e->messages = mem_alloc(sizeof *e->messages);
}

static void blocks_free(struct message_block *block)
{
    while (block) {
        struct message_block *next = block->next;
        mem_free(block);
        block = next;
    }
}

void messages_done(struct engine *e)
{
    struct messages *pool = e->messages;
    while (pool->free) {
        struct message *m = pool->free;
        pool->free = m->next_free;
        arena_done(&m->arena);
        mem_free(m);
    }
    blocks_free(pool->free_small);
    blocks_free(pool->free_large);
    mem_free(pool);
    e->messages = NULL;
}

void message_set_destination(struct message *m)
{
    struct slice domain = SLICE_EMPTY;
    m->destination = 0;
    for (uint32_t i = 0; i < m->envelope.recipient_count; i++) {
        const struct recipient *r = &m->envelope.recipients[i];
        if (r->state != RECIPIENT_WAITING && r->state != RECIPIENT_HELD)
            continue;
        struct slice own = slice_after(r->address, slice_find_last(r->address, '@') + 1);
        if (m->destination != 0 && !slice_equal_nocase(own, domain)) {
            m->destination = 0;
            return;
        }
        domain = own;
        m->destination = queue_hash(domain);
    }
}

/* ---- blocks ---- */

static struct message_block *block_take(struct messages *pool, bool small)
{
    struct message_block **list = small ? &pool->free_small : &pool->free_large;
    uint32_t *count = small ? &pool->free_small_count : &pool->free_large_count;
    uint32_t capacity = small ? SMALL_CAPACITY : LARGE_CAPACITY;
    struct message_block *block = *list;
    if (block) {
        *list = block->next;
        --*count;
    } else {
        block = mem_realloc(NULL, 1, sizeof *block + capacity); /* its octets are written before they are read */
    }
    *block = (struct message_block){ .capacity = capacity };
    pool->body_memory += capacity;
    return block;
}

static void block_give(struct messages *pool, struct message_block *block)
{
    bool small = block->capacity == SMALL_CAPACITY;
    struct message_block **list = small ? &pool->free_small : &pool->free_large;
    uint32_t *count = small ? &pool->free_small_count : &pool->free_large_count;
    pool->body_memory -= block->capacity;
    if (*count >= (small ? MESSAGES_KEPT_MAX : MESSAGE_BLOCKS_KEPT_MAX)) {
        mem_free(block);
        return;
    }
    block->next = *list;
    *list = block;
    ++*count;
}

/* ---- messages ---- */

struct message *message_new_empty(struct engine *e)
{
    struct messages *pool = e->messages;
    struct message *m = pool->free;
    if (!m)
        return mem_alloc(sizeof *m);
    pool->free = m->next_free;
    pool->free_count--;
    struct arena arena = m->arena;
    *m = (struct message){ .arena = arena };
    return m;
}

struct message *message_new(struct engine *e)
{
    struct message *m = message_new_empty(e);
    m->envelope.id = engine_id_new(e);
    m->body_whole = true;
    return m;
}

void message_free(struct engine *e, struct message *m)
{
    if (!m)
        return;
    struct messages *pool = e->messages;
    message_body_drop(e, m);
    if (pool->free_count >= MESSAGES_KEPT_MAX) {
        arena_done(&m->arena);
        mem_free(m);
        return;
    }
    arena_clear(&m->arena, MESSAGE_ARENA_KEPT_SIZE);
    m->next_free = pool->free;
    pool->free = m;
    pool->free_count++;
}

enum err message_decode(struct message *m, struct slice record)
{
    arena_clear(&m->arena, MESSAGE_ARENA_KEPT_SIZE);
    enum err err = envelope_decode(arena_copy(&m->arena, record), &m->arena, &m->envelope);
    m->recipient_capacity = err == ERR_OK ? m->envelope.recipient_count : 0;
    return err;
}

struct recipient *message_recipient_add(struct message *m)
{
    struct envelope *envelope = &m->envelope;
    assert(envelope->recipient_count < ENVELOPE_RECIPIENTS_MAX);
    if (envelope->recipient_count == m->recipient_capacity) {
        uint32_t capacity = m->recipient_capacity ? m->recipient_capacity * 4 : RECIPIENTS_MIN;
        struct recipient *grown = arena_array(&m->arena, struct recipient, capacity);
        if (envelope->recipient_count > 0)
            memcpy(grown, envelope->recipients, envelope->recipient_count * sizeof *grown);
        envelope->recipients = grown;
        m->recipient_capacity = capacity;
    }
    return &envelope->recipients[envelope->recipient_count++];
}

/* ---- the body ---- */

void message_body_add(struct engine *e, struct message *m, struct slice bytes)
{
    while (bytes.size > 0) {
        struct message_block *block = m->last;
        if (!block || block->size == block->capacity) {
            block = block_take(e->messages, !block);
            if (m->last)
                m->last->next = block;
            else
                m->first = block;
            m->last = block;
        }
        size_t room = block->capacity - block->size;
        size_t size = bytes.size < room ? bytes.size : room;
        memcpy(block->data + block->size, bytes.data, size);
        block->size += (uint32_t)size;
        m->body_bytes += size;
        bytes = slice_after(bytes, size);
    }
}

void message_body_prepend(struct engine *e, struct message *m, struct slice bytes)
{
    assert(bytes.size > 0 && bytes.size <= MESSAGE_PREFIX_SIZE_MAX);
    struct message_block *block = block_take(e->messages, true);
    memcpy(block->data, bytes.data, bytes.size);
    block->size = (uint32_t)bytes.size;
    block->next = m->first;
    m->first = block;
    if (!m->last)
        m->last = block;
    m->body_bytes += bytes.size;
}

void message_body_take_first(struct engine *e, struct message *m)
{
    struct message_block *block = m->first;
    assert(block);
    m->first = block->next;
    if (!m->first)
        m->last = NULL;
    m->body_bytes -= block->size;
    m->body_whole = false;
    block_give(e->messages, block);
}

void message_body_drop(struct engine *e, struct message *m)
{
    while (m->first)
        message_body_take_first(e, m);
    m->body_whole = false;
}

uint32_t message_body_parts(const struct message *m, struct slice ret_parts[static MESSAGE_BODY_PARTS_MAX])
{
    assert(m->body_whole);
    uint32_t count = 0;
    for (const struct message_block *block = m->first; block; block = block->next) {
        assert(count < MESSAGE_BODY_PARTS_MAX);
        ret_parts[count++] = slice(block->data, block->size);
    }
    return count;
}

struct slice message_body_at(const struct message *m, uint64_t offset)
{
    assert(m->body_whole);
    for (const struct message_block *block = m->first; block; block = block->next) {
        if (offset < block->size)
            return slice(block->data + offset, block->size - (size_t)offset);
        offset -= block->size;
    }
    return SLICE_EMPTY;
}

bool message_body_may_stay(const struct engine *e)
{
    return e->messages->body_memory <= e->config->limits.body_memory_bytes;
}

uint64_t messages_body_memory(const struct engine *e)
{
    return e->messages->body_memory;
}

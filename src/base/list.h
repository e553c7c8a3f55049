/* An intrusive doubly linked list: the item lies within the thing that is listed, which is in at most one list by that
 * item. Nothing is allocated; whoever owns the thing removes it before it goes. */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

struct list_item {
    struct list_item *next, *previous; /* both NULL: in no list */
};

struct list {
    struct list_item head; /* its next is the first, its previous the last; itself when empty */
};

/* The thing that holds the item. */
#define LIST_OWNER(item, type, member) ((type *)(void *)((char *)(item) - offsetof(type, member)))

static inline void list_init(struct list *l)
{
    l->head.next = l->head.previous = &l->head;
}

static inline bool list_empty(const struct list *l)
{
    return l->head.next == &l->head;
}

static inline bool list_linked(const struct list_item *item)
{
    return item->next != NULL;
}

static inline void list_insert_before(struct list_item *place, struct list_item *item)
{
    assert(!list_linked(item));
    item->next = place;
    item->previous = place->previous;
    place->previous->next = item;
    place->previous = item;
}

static inline void list_append(struct list *l, struct list_item *item)
{
    list_insert_before(&l->head, item);
}

static inline void list_prepend(struct list *l, struct list_item *item)
{
    list_insert_before(l->head.next, item);
}

static inline void list_remove(struct list *l, struct list_item *item)
{
    (void)l;
    assert(list_linked(item));
    item->previous->next = item->next;
    item->next->previous = item->previous;
    item->next = item->previous = NULL;
}

/* NULL at the end. */
static inline struct list_item *list_first(const struct list *l)
{
    return l->head.next == &l->head ? NULL : l->head.next;
}

static inline struct list_item *list_next(const struct list *l, const struct list_item *item)
{
    return item->next == &l->head ? NULL : item->next;
}

/* The first, removed; NULL when empty. */
static inline struct list_item *list_take_first(struct list *l)
{
    struct list_item *item = list_first(l);
    if (item)
        list_remove(l, item);
    return item;
}

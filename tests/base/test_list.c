/* Intrusive lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/list.h"

struct thing {
    char name;
    struct list_item item;
};

static void check(const struct list *l, const char *names)
{
    for (struct list_item *i = list_first(l); i != NULL; i = list_next(l, i), names++)
        assert_int_equal(LIST_OWNER(i, struct thing, item)->name, *names);
    assert_int_equal(*names, '\0');
}

static void test_order(void **state)
{
    (void)state;
    struct list l;
    struct thing a = { .name = 'a' }, b = { .name = 'b' }, c = { .name = 'c' };
    list_init(&l);
    assert_true(list_empty(&l));
    assert_null(list_first(&l));
    assert_null(list_take_first(&l));
    assert_false(list_linked(&a.item));
    list_append(&l, &b.item);
    list_append(&l, &c.item);
    list_prepend(&l, &a.item);
    check(&l, "abc");
    assert_true(list_linked(&b.item));
    list_remove(&l, &b.item);
    assert_false(list_linked(&b.item));
    check(&l, "ac");
    list_insert_before(&c.item, &b.item);
    check(&l, "abc");
    list_remove(&l, &c.item);
    list_prepend(&l, &c.item);
    check(&l, "cab");
    assert_ptr_equal(list_take_first(&l), &c.item);
    assert_ptr_equal(list_take_first(&l), &a.item);
    assert_ptr_equal(list_take_first(&l), &b.item);
    assert_true(list_empty(&l));
    list_append(&l, &a.item); /* may be listed again */
    check(&l, "a");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_order) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

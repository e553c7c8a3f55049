#include "base/mem.h"

#include <stdlib.h>

void *mem_alloc(size_t size)
{
    void *p = calloc(1, size > 0 ? size : 1);
    if (!p)
        abort();
    return p;
}

void *mem_realloc(void *p, size_t count, size_t size)
{
    p = reallocarray(p, count > 0 ? count : 1, size);
    if (!p)
        abort();
    return p;
}

void mem_free(void *p)
{
    free(p);
}

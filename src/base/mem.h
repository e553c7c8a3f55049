/* Memory that is there or ends the process: what was answered 250 is on disk, and Linux rarely lets an allocation fail.
 * Every caller has a limit on how much it asks for. */
#pragma once

#include <stddef.h>

void *mem_alloc(size_t size);                          /* zeroed; never NULL */
void *mem_realloc(void *p, size_t count, size_t size); /* checks the product; never NULL */
void mem_free(void *p);

/* The octets of a simulated file, in pages that several contents share until one of them changes its own: what is read
 * and what is safe are mostly the same, and most of a new segment is zeros, which take no memory at all. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { SIM_PAGE_SIZE = 4096 };

struct sim_page;

/* Octets of the last page behind the size are zeros. */
struct sim_content {
    uint64_t size;
    struct sim_page **pages; /* NULL, or behind page_count: zeros */
    size_t page_count;
};

void sim_content_done(struct sim_content *content); /* it is empty then */
void sim_content_resize(struct sim_content *content, uint64_t size);
/* `data` NULL: zeros. What lies between the old end and the offset becomes zeros. */
void sim_content_write(struct sim_content *content, uint64_t offset, const char *data, size_t size);
/* How many were there, at most `size`. */
size_t sim_content_read(const struct sim_content *content, uint64_t offset, char *data, size_t size);
/* The pages that the range touches, and the size, become those of `from`. */
void sim_content_share(struct sim_content *to, const struct sim_content *from, uint64_t offset, uint64_t size);

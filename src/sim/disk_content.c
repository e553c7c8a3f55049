#include "sim/disk_content.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"

struct sim_page {
    uint32_t references;
    char octets[SIM_PAGE_SIZE];
};

static void page_set(struct sim_page **place, struct sim_page *page)
{
    struct sim_page *old = *place;
    *place = page;
    if (old && --old->references == 0)
        mem_free(old);
}

/* The page as one's own, to be changed; `whole`: all of it will be. */
static char *page_own(struct sim_page **place, bool whole)
{
    if (*place && (*place)->references == 1)
        return (*place)->octets;
    struct sim_page *page = mem_realloc(NULL, 1, sizeof *page);
    page->references = 1;
    if (!whole && *place)
        memcpy(page->octets, (*place)->octets, SIM_PAGE_SIZE);
    else if (!whole)
        memset(page->octets, 0, SIM_PAGE_SIZE);
    page_set(place, page);
    return page->octets;
}

static void pages_reach(struct sim_content *content, size_t count)
{
    if (count <= content->page_count)
        return;
    if (count < 2 * content->page_count)
        count = 2 * content->page_count;
    content->pages = mem_realloc(content->pages, count, sizeof(struct sim_page *));
    memset(content->pages + content->page_count, 0, (count - content->page_count) * sizeof(struct sim_page *));
    content->page_count = count;
}

static size_t pages_of(uint64_t size)
{
    return (size_t)((size + SIM_PAGE_SIZE - 1) / SIM_PAGE_SIZE);
}

void sim_content_done(struct sim_content *content)
{
    for (size_t i = 0; i < content->page_count; i++)
        page_set(&content->pages[i], NULL);
    mem_free(content->pages);
    *content = (struct sim_content){ 0 };
}

void sim_content_resize(struct sim_content *content, uint64_t size)
{
    for (size_t i = pages_of(size); i < pages_of(content->size) && i < content->page_count; i++)
        page_set(&content->pages[i], NULL);
    size_t last = (size_t)(size / SIM_PAGE_SIZE), within = (size_t)(size % SIM_PAGE_SIZE);
    if (size < content->size && within > 0 && last < content->page_count && content->pages[last])
        memset(page_own(&content->pages[last], false) + within, 0, SIM_PAGE_SIZE - within);
    content->size = size;
}

/* Within one page. */
static void page_write(struct sim_page **place, size_t within, const char *data, size_t size)
{
    bool whole = size == SIM_PAGE_SIZE;
    if (data)
        memcpy(page_own(place, whole) + within, data, size);
    else if (whole)
        page_set(place, NULL);
    else if (*place)
        memset(page_own(place, false) + within, 0, size);
}

void sim_content_write(struct sim_content *content, uint64_t offset, const char *data, size_t size)
{
    if (offset + size > content->size)
        content->size = offset + size;
    pages_reach(content, pages_of(offset + size));
    while (size > 0) {
        size_t within = (size_t)(offset % SIM_PAGE_SIZE), count = SIM_PAGE_SIZE - within;
        if (count > size)
            count = size;
        page_write(&content->pages[offset / SIM_PAGE_SIZE], within, data, count);
        data = data ? data + count : NULL;
        offset += count;
        size -= count;
    }
}

size_t sim_content_read(const struct sim_content *content, uint64_t offset, char *data, size_t size)
{
    if (offset >= content->size)
        return 0;
    if (size > content->size - offset)
        size = (size_t)(content->size - offset);
    for (size_t done = 0; done < size;) {
        size_t index = (size_t)(offset / SIM_PAGE_SIZE), within = (size_t)(offset % SIM_PAGE_SIZE);
        size_t count = SIM_PAGE_SIZE - within < size - done ? SIM_PAGE_SIZE - within : size - done;
        const struct sim_page *page = index < content->page_count ? content->pages[index] : NULL;
        if (page)
            memcpy(data + done, page->octets + within, count);
        else
            memset(data + done, 0, count);
        offset += count;
        done += count;
    }
    return size;
}

void sim_content_share(struct sim_content *to, const struct sim_content *from, uint64_t offset, uint64_t size)
{
    sim_content_resize(to, from->size);
    size_t end = pages_of(offset + size);
    if (end > pages_of(from->size))
        end = pages_of(from->size);
    pages_reach(to, end);
    for (size_t i = (size_t)(offset / SIM_PAGE_SIZE); i < end; i++) {
        struct sim_page *page = i < from->page_count ? from->pages[i] : NULL;
        if (page)
            page->references++;
        page_set(&to->pages[i], page);
    }
}

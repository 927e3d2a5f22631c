// An image of what loading a handler has left in memory, so that instances need not load it again: the pages that then
// differ from what every instance begins with. Its form:
//
//     2, three zeros, the number of pages, the number of each page, the contents of each
//
// The stack is no part of it: when an image is made or applied, nothing of what is on it is of the handler.
#include <stdlib.h>
#include <string.h>

#include "runtime.h"

enum { PAGE = 4096, IMAGE = 2 };

struct head {
    uint32_t kind, pages;
    uint32_t page[];
};

extern char __global_base; // of the linker: the stack ends here

static bool is_zero(const char *page)
{
    for (const uint64_t *word = (const uint64_t *)page, *end = word + PAGE / 8; word < end; word++)
        if (*word)
            return false;
    return true;
}

bool is_image(const bytes_t *program)
{
    return program->len > sizeof(struct head) && program->ptr[0] == IMAGE;
}

// Room that is not the heap's, all zeros; NULL when there is none.
static char *apart(size_t bytes)
{
    size_t at = __builtin_wasm_memory_grow(0, (bytes + 65535) / 65536);
    return at == (size_t)-1 ? NULL : (char *)(at * 65536);
}

const char *copy_memory(void)
{
    size_t bytes = __builtin_wasm_memory_size(0) * 65536;
    char *copy = apart(bytes);
    if (copy) // the first word stays out: its address is C's null
        memcpy(copy + 8, (const char *)8, bytes - 8);
    return copy;
}

// Below what instances allocate, pages count that were changed; from there on, all that have something in them, since
// there the arguments of calls lie as well.
static size_t changed_pages(const char *before, const char *own, const char *end, uint32_t *found)
{
    size_t count = 0;
    for (uint32_t page = (uint32_t)((size_t)&__global_base / PAGE); (size_t)page * PAGE < (size_t)end; page++) {
        const char *now = (const char *)((size_t)page * PAGE);
        if (now < own ? memcmp(now, before + (size_t)page * PAGE, PAGE) != 0 : !is_zero(now)) {
            if (found)
                found[count] = page;
            count++;
        }
    }
    return count;
}

bool make_image(const char *before, bytes_t *image)
{
    const char *own = first_of_instance(), *stop = settle();
    size_t pages = changed_pages(before, own, stop, NULL);
    image->len = sizeof(struct head) + pages * (sizeof(uint32_t) + PAGE);
    if (image->len > PARCEL - LARGE)
        return false;
    char *room = apart(image->len + 16);
    if (!room)
        return false;
    image->ptr = (uint8_t *)room + 8; // what comes before may be taken for the head of a block
    struct head *head = (struct head *)image->ptr;
    head->kind = IMAGE;
    head->pages = (uint32_t)pages;
    changed_pages(before, own, stop, head->page);
    char *to = (char *)(head->page + pages);
    for (size_t i = 0; i < pages; i++, to += PAGE)
        memcpy(to, (const char *)((size_t)head->page[i] * PAGE), PAGE);
    return true;
}

void apply_image(const bytes_t *image)
{
    const struct head *head = (const struct head *)image->ptr;
    char *own = first_of_instance();
    memset(own, 0, (size_t)(first_unused() - own)); // the arguments of this call
    const char *from = (const char *)(head->page + head->pages);
    for (uint32_t i = 0; i < head->pages; i++, from += PAGE)
        memcpy((char *)((size_t)head->page[i] * PAGE), from, PAGE);
}

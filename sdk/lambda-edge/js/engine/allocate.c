// malloc: free blocks are kept by size and never joined, new ones are cut off the end of the heap.
//
// What an instance writes to is copied for it page by page, so what it allocates should lie close together: `settle`
// forgets the blocks that were freed while the snapshot was made, which are strewn all over it.
#include <stdlib.h>
#include <string.h>

#include "runtime.h"

enum {
    STEP = 8, // blocks of up to FINE bytes have sizes in these steps,
    FINE = 1024,
    FINE_KINDS = FINE / STEP,
    KINDS = FINE_KINDS + 4 * 21, // larger ones four sizes in each doubling
    HEAD = 4,
    WASM_PAGE = 65536,
    SYSTEM_PAGE = 4096,
};

// Lies so that what is asked for, which comes after `kind`, is at a multiple of 8.
struct block {
    uint32_t kind;
    struct block *next; // while it is free
};

extern char __heap_base; // of the linker
static char *fresh = NULL, *end = NULL;
static struct block *free_blocks[KINDS];

// The smallest kind whose blocks have `size` bytes.
static uint32_t kind_of(size_t size)
{
    if (size <= FINE)
        return (size + STEP - 1) / STEP - 1;
    unsigned doubling = 31 - (unsigned)__builtin_clz((unsigned)(size - 1)); // 2^doubling < size <= 2^(doubling + 1)
    return FINE_KINDS + 4 * (doubling - 10) + ((size - 1) >> (doubling - 2) & 3);
}

static size_t size_of(uint32_t kind)
{
    if (kind < FINE_KINDS)
        return (kind + 1) * STEP;
    unsigned doubling = 10 + (kind - FINE_KINDS) / 4, quarter = (kind - FINE_KINDS) % 4 + 1;
    return ((size_t)1 << doubling) + (quarter << (doubling - 2));
}

static bool reserve(size_t size)
{
    if (size <= (size_t)(end - fresh))
        return true;
    size_t pages = (size - (size_t)(end - fresh) + WASM_PAGE - 1) / WASM_PAGE;
    if (__builtin_wasm_memory_grow(0, pages) == (size_t)-1)
        return false;
    end = (char *)(__builtin_wasm_memory_size(0) * WASM_PAGE);
    return true;
}

static void start_at(char *place, size_t multiple)
{
    fresh = (char *)(((size_t)place + multiple - 1) / multiple * multiple) + HEAD;
    end = (char *)(__builtin_wasm_memory_size(0) * WASM_PAGE);
}

void *malloc(size_t bytes)
{
    if (bytes > 0x7fff0000)
        return NULL;
    uint32_t kind = kind_of(bytes + HEAD);
    struct block *block = free_blocks[kind];
    if (block) {
        free_blocks[kind] = block->next;
        return &block->next;
    }
    size_t size = size_of(kind);
    if (!fresh)
        start_at(&__heap_base, STEP);
    if (!reserve(size))
        return NULL;
    block = (struct block *)fresh;
    fresh += size;
    block->kind = kind;
    return &block->next;
}

void *need(size_t bytes)
{
    void *data = malloc(bytes);
    if (!data)
        abort();
    return data;
}

static struct block *block_of(void *data)
{
    return (struct block *)((char *)data - HEAD);
}

void free(void *data)
{
    if (!data)
        return;
    struct block *block = block_of(data);
    block->next = free_blocks[block->kind];
    free_blocks[block->kind] = block;
}

size_t malloc_usable_size(void *data)
{
    return data ? size_of(block_of(data)->kind) - HEAD : 0;
}

void *calloc(size_t count, size_t each)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, each, &bytes))
        return NULL;
    void *data = malloc(bytes);
    return data ? memset(data, 0, bytes) : NULL;
}

void *realloc(void *data, size_t bytes)
{
    if (!data)
        return malloc(bytes);
    size_t has = malloc_usable_size(data);
    if (bytes <= has && bytes >= has / 2)
        return data;
    void *moved = malloc(bytes);
    if (!moved)
        return NULL;
    memcpy(moved, data, bytes < has ? bytes : has);
    free(data);
    return moved;
}

void settle(size_t room)
{
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        while (free_blocks[kind]) {
            struct block *block = free_blocks[kind];
            free_blocks[kind] = block->next;
            memset(block, 0, size_of(kind)); // zeros take no room in the snapshot
        }
    }
    start_at(fresh, SYSTEM_PAGE);
    reserve(room);
}

// malloc: free blocks are kept by size and never joined, new ones are cut off the end of the heap.
//
// What an instance writes to is copied for it page by page, so what it allocates should lie close together: `settle`
// forgets the blocks that were freed until then, which are strewn all over the heap.
#include <stdlib.h>
#include <string.h>

#include "runtime.h"

enum {
    STEP = 8, // blocks of up to FINE bytes have sizes in these steps,
    FINE = 1024,
    FINE_KINDS = FINE / STEP,
    KINDS = FINE_KINDS + 4 * 21, // larger ones four sizes in each doubling
    PARCEL_KIND = KINDS,
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
static char *first = NULL; // of what an instance allocates
static struct block *parcel = NULL; // room for one large argument, apart from the heap
static bool parcel_is_taken = false;

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
    if (kind == PARCEL_KIND)
        return PARCEL;
    if (kind < FINE_KINDS)
        return (kind + 1) * STEP;
    unsigned doubling = 10 + (kind - FINE_KINDS) / 4, quarter = (kind - FINE_KINDS) % 4 + 1;
    return ((size_t)1 << doubling) + (quarter << (doubling - 2));
}

static char *memory_end(void)
{
    return (char *)(__builtin_wasm_memory_size(0) * WASM_PAGE);
}

static void start_at(char *place, size_t multiple)
{
    fresh = (char *)(((size_t)place + multiple - 1) / multiple * multiple) + HEAD;
    end = memory_end();
}

// Goes on behind the memory when there is not enough of it, in one piece if nothing else lies there.
static bool reserve(size_t size)
{
    if (size <= (size_t)(end - fresh))
        return true;
    char *behind = memory_end();
    size_t wanted = end == behind ? size - (size_t)(end - fresh) : size + HEAD;
    if (__builtin_wasm_memory_grow(0, (wanted + WASM_PAGE - 1) / WASM_PAGE) == (size_t)-1)
        return false;
    if (end != behind)
        fresh = behind + HEAD;
    end = memory_end();
    return true;
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
    if (block->kind == PARCEL_KIND) {
        parcel_is_taken = false;
        return;
    }
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

char *settle(void)
{
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        while (free_blocks[kind]) {
            struct block *block = free_blocks[kind];
            free_blocks[kind] = block->next;
            memset(block, 0, size_of(kind)); // zeros take no room in a snapshot
        }
    }
    char *stop = end;
    start_at(fresh - HEAD, SYSTEM_PAGE);
    end = stop;
    return fresh - HEAD;
}

void begin_instances(size_t room)
{
    first = settle();
    reserve(room + PARCEL);
    end -= PARCEL;
    parcel = (struct block *)(end + HEAD);
}

char *first_of_instance(void)
{
    return first;
}

char *first_unused(void)
{
    return fresh - HEAD;
}

char *heap_end(void)
{
    return end;
}

// Where the host puts arguments and results. A large one, as a program is, is not to lie where the heap of a handler
// will be.
__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *data, size_t has, size_t align, size_t bytes)
{
    (void)has;
    if (bytes == 0)
        return (void *)align;
    if (data || bytes < LARGE || bytes > PARCEL - 2 * HEAD || !parcel || parcel_is_taken) {
        void *moved = realloc(data, bytes);
        if (!moved)
            abort();
        return moved;
    }
    parcel_is_taken = true;
    parcel->kind = PARCEL_KIND;
    return &parcel->next;
}

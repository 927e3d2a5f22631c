// What the parts of the runtime know of each other.
#ifndef RUNTIME_H
#define RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lambda_edge_runtime.h"
#include "quickjs/quickjs.h"

typedef lambda_edge_runtime_string_t text_t;
typedef lambda_edge_runtime_list_u8_t bytes_t;
typedef lambda_edge_runtime_list_tuple2_string_string_t pairs_t;

// quickjs.c
void limit_stack(JSRuntime *engine, size_t bytes);

// allocate.c
enum { LARGE = 16 * 1024, PARCEL = 512 * 1024 };
void *need(size_t bytes); // as malloc, but ends the instance when there is no memory
char *settle(void); // nothing that was freed until now is used again; where the heap goes on from here
void begin_instances(size_t room); // the heap of an instance begins here, and need not grow for `room` bytes
char *first_of_instance(void);
char *first_unused(void);
char *heap_end(void);

// image.c
bool is_image(const bytes_t *program);
const char *copy_memory(void);
bool make_image(const char *before, bytes_t *image); // false when it would be too large
void apply_image(const bytes_t *image);

// host.c: the host's interfaces, as the JavaScript part sees them
extern bool is_tied; // something was drawn, opened or sent, which is of this instance alone
void add_host(JSContext *js, JSValueConst object);
double now_ms(void);

// bytes.c: what would be slow in JavaScript
void add_bytes(JSContext *js, JSValueConst object);
// A copy that is well-formed UTF-8, whatever the string holds; false with an exception pending.
bool copy_text(JSContext *js, JSValueConst value, text_t *copy);
JSValue text_value(JSContext *js, const text_t *text);
bool view_bytes(JSContext *js, JSValueConst value, bytes_t *view);
JSValue bytes_value(JSContext *js, const uint8_t *data, size_t length);

// digest.c
// How long the digest is that was written, 0 for an algorithm that is not known.
size_t digest(const char *algorithm, const uint8_t *data, size_t length, uint8_t out[64]);

// runtime.c
extern bool awake; // false while the snapshot is made, when there is no host

#endif

// Filters for the Rimward edge, written in C.
//
// A filter is a function for each phase that it has something to do in: include the header of the phase, which exports it, and write the function.
//
//     #include "rimward.h"
//     #include "rimward/on_request.h"
//
//     bool on_request(rimward_verdict_t *verdict, rimward_string_t *error) {
//         if (!rw_set_request_header("x-hello", "from C")) return rw_fail(error, rw_error());
//         return rw_next(verdict);
//     }
//
// What starts with `rw_` takes and gives texts as C has them. A text that is given back is the caller's to `free`; NULL is nothing. A
// function that returns false has done nothing, and `rw_error` says why. What starts with `rimward_` (rimward/host.h) is the whole
// interface as it is, for what is missing here. When an instance ends its memory goes with it: with `isolation = "request"`, the default,
// nothing that is not freed lasts longer than a request.

#ifndef RIMWARD_H
#define RIMWARD_H

#include "rimward/host.h"

#ifdef __cplusplus
extern "C" {
#endif

// The request.

char *rw_method(void);
char *rw_uri(void);
char *rw_path(void);
char *rw_host(void);
char *rw_query_param(const char *name);
char *rw_cookie(const char *name);
char *rw_client_ip(void);
// The name of the POP.
char *rw_pop(void);
char *rw_request_header(const char *name);
bool rw_set_request_header(const char *name, const char *value);
bool rw_append_request_header(const char *name, const char *value);
bool rw_remove_request_header(const char *name);
bool rw_set_uri(const char *path_and_query);
bool rw_set_host(const char *host);
// Has another origin of the configuration asked.
bool rw_set_origin(const char *name);
// Tells responses to the same URL apart in the cache.
bool rw_cache_key_part(const char *label, const char *value);

// The response.

char *rw_response_header(const char *name);
bool rw_set_response_header(const char *name, const char *value);
bool rw_append_response_header(const char *name, const char *value);
bool rw_remove_response_header(const char *name);

// Bodies.

// Wants to see the body piece by piece, or whole if it has no more than `most` bytes.
bool rw_want_request_pieces(void);
bool rw_want_request_body(uint32_t most);
bool rw_want_response_pieces(void);
bool rw_want_response_body(uint32_t most);
// The body or the piece that a phase of bodies was called for, with a zero behind it. `length` may be NULL.
char *rw_body(size_t *length);

// What a phase wants to happen. These return true, to be returned.

bool rw_next(rimward_verdict_t *verdict);
// Answers with a text of a type such as "text/plain", or with neither when `body` is NULL.
bool rw_respond(rimward_verdict_t *verdict, uint16_t status, const char *type, const char *body);
// Adds a header to such an answer.
void rw_respond_with(rimward_verdict_t *verdict, const char *name, const char *value);
bool rw_pass(rimward_chunk_verdict_t *verdict);
bool rw_hold(rimward_chunk_verdict_t *verdict);
bool rw_drop(rimward_chunk_verdict_t *verdict);
// `bytes` have come from `malloc`, and are not the caller's any more.
bool rw_replace(rimward_chunk_verdict_t *verdict, char *bytes, size_t length);

// Returns false, to be returned: the phase has failed, and why stands in the log. What the client gets is up to `on_error`.
bool rw_fail(rimward_string_t *error, const char *reason);
// Why the last call that returned false or NULL did so; the caller's only until the next call.
const char *rw_error(void);

// Settings, stores, secrets, the log.

// A setting by its path, `limits.items` for one within a table: texts as they are, all else as JSON.
char *rw_config(const char *path);
// A text of a store. NULL with an empty `rw_error` when there is none.
char *rw_kv_get(const char *store, const char *key);
// Writes a text, for so many seconds or, with 0, for good.
bool rw_kv_put(const char *store, const char *key, const char *value, uint32_t seconds);
bool rw_kv_increment(const char *store, const char *key, int64_t by, uint32_t seconds, int64_t *sum);
// Whether somebody knows a secret. How long that takes does not tell how much of it was right.
bool rw_is_secret(const char *secret, const char *guess);
// Whether `mac`, in hexadecimal, is the HMAC-SHA-256 of `text` under a secret. The edge compares, in constant time. Both
// leave an empty `rw_error` when the answer is simply no.
bool rw_verify(const char *secret, const char *text, const char *mac);
void rw_log(rimward_log_level_t level, const char *text);
// A field in the access log.
void rw_log_field(const char *name, const char *value);

// Texts.

// One text of several, up to NULL: rw_concat("a", "b", NULL).
char *rw_concat(const char *first, ...);
// The digits of a number.
char *rw_number(int64_t number);
// A text lent to a function of rimward/host.h, which is given its address: rimward_request_has_header(&name).
rimward_string_t rw_lent(const char *text);
// A text of C of one that such a function has returned, which it takes over.
char *rw_taken(rimward_string_t text);

#ifdef __cplusplus
}
#endif

#endif

// The comfortable part, on top of host.c.

#include "rimward.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *const ERRORS[] = {
    [RIMWARD_ERROR_NOT_ALLOWED_IN_PHASE] = "not allowed in this phase",
    [RIMWARD_ERROR_READ_ONLY] = "can't be changed in this phase",
    [RIMWARD_ERROR_FORBIDDEN] = "not for filters to touch",
    [RIMWARD_ERROR_INVALID] = "invalid",
    [RIMWARD_ERROR_NO_SUCH] = "there is no such thing",
    [RIMWARD_ERROR_DENIED] = "denied",
    [RIMWARD_ERROR_LIMIT] = "over the limit",
    [RIMWARD_ERROR_TIMEOUT] = "it took too long",
    [RIMWARD_ERROR_UNAVAILABLE] = "unavailable",
    [RIMWARD_ERROR_OTHER] = "failed",
};

static char *last_error;

static void remember(char *error) {
    free(last_error);
    last_error = error;
}

const char *rw_error(void) {
    return last_error ? last_error : "";
}

// Passes on whether a call went well, and remembers why not. Takes the error over.
static bool went_well(bool ok, rimward_error_t *error) {
    if (ok) return true;
    const char *what = ERRORS[error->tag];
    if (error->tag < RIMWARD_ERROR_INVALID || error->tag == RIMWARD_ERROR_TIMEOUT) {
        remember(rw_concat(what, NULL));
        return false;
    }
    char *text = rw_taken(error->val.other); // all texts lie at the same place
    remember(rw_concat(what, ": ", text, NULL));
    free(text);
    return false;
}

// Texts.

rimward_string_t rw_lent(const char *text) {
    return (rimward_string_t){(uint8_t *)text, strlen(text)};
}

char *rw_taken(rimward_string_t text) {
    char *made = malloc(text.len + 1);
    if (!made) abort();
    if (text.len) memcpy(made, text.ptr, text.len);
    made[text.len] = 0;
    rimward_string_free(&text);
    return made;
}

char *rw_concat(const char *first, ...) {
    va_list parts;
    size_t length = 0;
    va_start(parts, first);
    for (const char *part = first; part; part = va_arg(parts, const char *)) length += strlen(part);
    va_end(parts);

    char *made = malloc(length + 1), *at = made;
    if (!made) abort();
    va_start(parts, first);
    for (const char *part = first; part; part = va_arg(parts, const char *)) {
        size_t size = strlen(part);
        memcpy(at, part, size);
        at += size;
    }
    va_end(parts);
    *at = 0;
    return made;
}

char *rw_number(int64_t number) {
    char digits[21], *at = digits + sizeof digits - 1;
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
    *at = 0;
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (number < 0) *--at = '-';
    return rw_concat(at, NULL);
}

static rimward_string_t owned(const char *text) {
    rimward_string_t made;
    rimward_string_dup(&made, text);
    return made;
}

static char *asked(void (*get)(rimward_string_t *)) {
    rimward_string_t value;
    get(&value);
    return rw_taken(value);
}

static char *asked_for(bool (*get)(rimward_string_t *, rimward_string_t *), const char *name) {
    rimward_string_t lent = rw_lent(name), value;
    return get(&lent, &value) ? rw_taken(value) : NULL;
}

// The request.

char *rw_method(void) {
    return asked(rimward_request_method);
}

char *rw_uri(void) {
    return asked(rimward_request_uri);
}

char *rw_path(void) {
    return asked(rimward_request_path);
}

char *rw_host(void) {
    return asked(rimward_request_host);
}

char *rw_query_param(const char *name) {
    return asked_for(rimward_request_query_param, name);
}

char *rw_cookie(const char *name) {
    return asked_for(rimward_request_cookie, name);
}

char *rw_client_ip(void) {
    return asked(rimward_context_client_ip);
}

char *rw_pop(void) {
    return asked(rimward_context_pop);
}

char *rw_request_header(const char *name) {
    return asked_for(rimward_request_header, name);
}

static rimward_header_op_t edit(uint8_t kind, const char *name, const char *value) {
    rimward_header_op_t made = {.tag = kind};
    if (kind == RIMWARD_HEADER_OP_REMOVE) {
        made.val.remove = rw_lent(name);
    } else {
        made.val.set = (rimward_tuple2_string_string_t){rw_lent(name), rw_lent(value)};
    }
    return made;
}

static bool edit_request(uint8_t kind, const char *name, const char *value) {
    rimward_header_op_t one = edit(kind, name, value);
    rimward_request_list_header_op_t edits = {&one, 1};
    rimward_error_t error;
    return went_well(rimward_request_edit_headers(&edits, &error), &error);
}

bool rw_set_request_header(const char *name, const char *value) {
    rimward_string_t of = rw_lent(name), to = rw_lent(value);
    rimward_error_t error;
    return went_well(rimward_request_set_header(&of, &to, &error), &error);
}

bool rw_append_request_header(const char *name, const char *value) {
    return edit_request(RIMWARD_HEADER_OP_APPEND, name, value);
}

bool rw_remove_request_header(const char *name) {
    return edit_request(RIMWARD_HEADER_OP_REMOVE, name, NULL);
}

bool rw_set_uri(const char *path_and_query) {
    rimward_string_t lent = rw_lent(path_and_query);
    rimward_error_t error;
    return went_well(rimward_request_set_uri(&lent, &error), &error);
}

bool rw_set_host(const char *host) {
    rimward_string_t lent = rw_lent(host);
    rimward_error_t error;
    return went_well(rimward_request_set_host(&lent, &error), &error);
}

bool rw_set_origin(const char *name) {
    rimward_origin_t origin = {.tag = RIMWARD_ORIGIN_NAMED, .val.named = rw_lent(name)};
    rimward_error_t error;
    return went_well(rimward_request_set_origin(&origin, &error), &error);
}

bool rw_cache_key_part(const char *label, const char *value) {
    rimward_string_t key = rw_lent(label), lent = rw_lent(value);
    rimward_error_t error;
    return went_well(rimward_request_cache_key_part(&key, &lent, &error), &error);
}

// The response.

char *rw_response_header(const char *name) {
    return asked_for(rimward_response_header, name);
}

static bool edit_response(uint8_t kind, const char *name, const char *value) {
    rimward_header_op_t one = edit(kind, name, value);
    rimward_response_list_header_op_t edits = {&one, 1};
    rimward_error_t error;
    return went_well(rimward_response_edit_headers(&edits, &error), &error);
}

bool rw_set_response_header(const char *name, const char *value) {
    rimward_string_t of = rw_lent(name), to = rw_lent(value);
    rimward_error_t error;
    return went_well(rimward_response_set_header(&of, &to, &error), &error);
}

bool rw_append_response_header(const char *name, const char *value) {
    return edit_response(RIMWARD_HEADER_OP_APPEND, name, value);
}

bool rw_remove_response_header(const char *name) {
    return edit_response(RIMWARD_HEADER_OP_REMOVE, name, NULL);
}

// Bodies.

static const rimward_body_want_t PIECES = {.tag = RIMWARD_BODY_WANT_CHUNKS};

static bool want_of_request(rimward_body_want_t want) {
    rimward_error_t error;
    return went_well(rimward_request_want_body(&want, &error), &error);
}

static bool want_of_response(rimward_body_want_t want) {
    rimward_error_t error;
    return went_well(rimward_response_want_body(&want, &error), &error);
}

static rimward_body_want_t whole(uint32_t most) {
    return (rimward_body_want_t){.tag = RIMWARD_BODY_WANT_BUFFERED, .val.buffered = most};
}

bool rw_want_request_pieces(void) {
    return want_of_request(PIECES);
}

bool rw_want_request_body(uint32_t most) {
    return want_of_request(whole(most));
}

bool rw_want_response_pieces(void) {
    return want_of_response(PIECES);
}

bool rw_want_response_body(uint32_t most) {
    return want_of_response(whole(most));
}

char *rw_body(size_t *length) {
    rimward_list_u8_t bytes;
    rimward_body_read(0, rimward_body_len(), &bytes);
    if (length) *length = bytes.len;
    return rw_taken((rimward_string_t){bytes.ptr, bytes.len});
}

// What a phase wants to happen.

bool rw_next(rimward_verdict_t *verdict) {
    verdict->tag = RIMWARD_VERDICT_NEXT;
    return true;
}

bool rw_respond(rimward_verdict_t *verdict, uint16_t status, const char *type, const char *body) {
    memset(verdict, 0, sizeof *verdict);
    verdict->tag = RIMWARD_VERDICT_RESPOND;
    verdict->val.respond.status = status;
    if (body) {
        rimward_string_t text = owned(body);
        verdict->val.respond.body = (rimward_list_u8_t){text.ptr, text.len};
        rw_respond_with(verdict, "content-type", type);
    }
    return true;
}

void rw_respond_with(rimward_verdict_t *verdict, const char *name, const char *value) {
    rimward_list_tuple2_string_string_t *headers = &verdict->val.respond.headers;
    headers->ptr = realloc(headers->ptr, (headers->len + 1) * sizeof *headers->ptr);
    if (!headers->ptr) abort();
    headers->ptr[headers->len++] = (rimward_tuple2_string_string_t){owned(name), owned(value)};
}

bool rw_pass(rimward_chunk_verdict_t *verdict) {
    verdict->tag = RIMWARD_CHUNK_VERDICT_PASS;
    return true;
}

bool rw_hold(rimward_chunk_verdict_t *verdict) {
    verdict->tag = RIMWARD_CHUNK_VERDICT_HOLD;
    return true;
}

bool rw_drop(rimward_chunk_verdict_t *verdict) {
    verdict->tag = RIMWARD_CHUNK_VERDICT_DROP;
    return true;
}

bool rw_replace(rimward_chunk_verdict_t *verdict, char *bytes, size_t length) {
    verdict->tag = RIMWARD_CHUNK_VERDICT_REPLACE;
    verdict->val.replace = (rimward_list_u8_t){(uint8_t *)bytes, length};
    return true;
}

bool rw_fail(rimward_string_t *error, const char *reason) {
    *error = owned(reason);
    return false;
}

// Settings, stores, secrets, the log.

char *rw_config(const char *path) {
    return asked_for(rimward_config_get, path);
}

static bool open_store(const char *name, rimward_kv_own_store_t *store) {
    rimward_string_t lent = rw_lent(name);
    rimward_error_t error;
    return went_well(rimward_kv_open(&lent, store, &error), &error);
}

char *rw_kv_get(const char *store, const char *key) {
    rimward_kv_own_store_t opened;
    if (!open_store(store, &opened)) return NULL;
    rimward_string_t lent = rw_lent(key);
    rimward_option_string_t value;
    rimward_error_t error;
    bool ok = rimward_kv_method_store_get_text(rimward_kv_borrow_store(opened), &lent, &value, &error);
    rimward_kv_store_drop_own(opened);
    if (!went_well(ok, &error)) return NULL;
    remember(NULL);
    return value.is_some ? rw_taken(value.val) : NULL;
}

bool rw_kv_put(const char *store, const char *key, const char *value, uint32_t seconds) {
    rimward_kv_own_store_t opened;
    if (!open_store(store, &opened)) return false;
    rimward_string_t name = rw_lent(key), text = rw_lent(value);
    rimward_list_u8_t bytes = {text.ptr, text.len};
    rimward_kv_write_t how = {.mode = RIMWARD_KV_WRITE_MODE_OVERWRITE, .ttl_s = {seconds != 0, seconds}};
    uint64_t generation;
    rimward_error_t error;
    bool ok = rimward_kv_method_store_put(
        rimward_kv_borrow_store(opened), &name, &bytes, &how, &generation, &error);
    rimward_kv_store_drop_own(opened);
    return went_well(ok, &error);
}

bool rw_kv_increment(const char *store, const char *key, int64_t by, uint32_t seconds, int64_t *sum) {
    rimward_kv_own_store_t opened;
    if (!open_store(store, &opened)) return false;
    rimward_string_t name = rw_lent(key);
    rimward_error_t error;
    bool ok = rimward_kv_method_store_increment(
        rimward_kv_borrow_store(opened), &name, by, seconds ? &seconds : NULL, sum, &error);
    rimward_kv_store_drop_own(opened);
    return went_well(ok, &error);
}

static int digit(char character) {
    if (character >= '0' && character <= '9') return character - '0';
    if (character >= 'a' && character <= 'f') return character - 'a' + 10;
    if (character >= 'A' && character <= 'F') return character - 'A' + 10;
    return -1;
}

// Bytes of hexadecimal digits: 32 of them, or false.
static bool mac_of(const char *text, uint8_t mac[32]) {
    if (strlen(text) != 64) return false;
    for (int at = 0; at < 32; at++) {
        int high = digit(text[2 * at]), low = digit(text[2 * at + 1]);
        if (high < 0 || low < 0) return false;
        mac[at] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool get_secret(const char *name, rimward_secrets_own_secret_t *secret) {
    rimward_string_t lent = rw_lent(name);
    rimward_error_t error;
    return went_well(rimward_secrets_get(&lent, secret, &error), &error);
}

bool rw_is_secret(const char *secret, const char *guess) {
    rimward_secrets_own_secret_t handle;
    if (!get_secret(secret, &handle)) return false;
    remember(NULL);
    rimward_list_u8_t right;
    rimward_secrets_method_secret_reveal(rimward_secrets_borrow_secret(handle), &right);
    rimward_secrets_secret_drop_own(handle);

    size_t length = strlen(guess);
    volatile uint8_t differing = length != right.len;
    for (size_t at = 0; at < right.len && at < length; at++) differing |= right.ptr[at] ^ (uint8_t)guess[at];
    rimward_list_u8_free(&right);
    return !differing;
}

bool rw_verify(const char *secret, const char *text, const char *mac) {
    uint8_t bytes[32];
    if (!mac_of(mac, bytes)) {
        remember(NULL);
        return false;
    }
    rimward_secrets_own_secret_t key;
    if (!get_secret(secret, &key)) return false;
    rimward_string_t data = rw_lent(text);
    rimward_error_t error;
    rimward_list_u8_t signed_bytes = {data.ptr, data.len}, given = {bytes, sizeof bytes};
    bool is_right = false;
    bool ok = rimward_crypto_verify(RIMWARD_CRYPTO_ALG_HS256, rimward_secrets_borrow_secret(key),
                                    &signed_bytes, &given, &is_right, &error);
    rimward_secrets_secret_drop_own(key);
    if (went_well(ok, &error)) remember(NULL);
    return ok && is_right;
}

void rw_log(rimward_log_level_t level, const char *text) {
    if (!rimward_log_enabled(level)) return;
    rimward_string_t lent = rw_lent(text);
    rimward_log_write(level, &lent);
}

void rw_log_field(const char *name, const char *value) {
    rimward_string_t key = rw_lent(name), lent = rw_lent(value);
    rimward_log_field(&key, &lent);
}

// The host's interfaces, as the JavaScript part sees them: plain functions whose resources are numbers.
// Their arguments are checked there (`node/`), not here.
#include <stdlib.h>
#include <string.h>

#include "runtime.h"

typedef rimward_filter_types_error_t host_error_t;

bool awake = false;
bool is_tied = false;
static double ahead = 0; // how far timers have moved the clock of this call

double now_ms(void)
{
    return awake ? (double)rimward_filter_clock_now_ms() + ahead : 0;
}

// An error of the host becomes an Error whose `code` names its kind.
static JSValue throw_error(JSContext *js, host_error_t *error)
{
    static const char *const KINDS[] = {
        "not-allowed-in-phase", "read-only", "forbidden", "invalid", "no-such", "denied", "limit", "timeout",
        "unavailable", "other",
    };
    const char *kind = KINDS[error->tag];
    bool has_text = error->tag != RIMWARD_FILTER_TYPES_ERROR_NOT_ALLOWED_IN_PHASE
        && error->tag != RIMWARD_FILTER_TYPES_ERROR_READ_ONLY && error->tag != RIMWARD_FILTER_TYPES_ERROR_FORBIDDEN
        && error->tag != RIMWARD_FILTER_TYPES_ERROR_TIMEOUT;
    text_t text = has_text ? error->val.other : (text_t){0};
    JS_ThrowPlainError(js, "%s%s%.*s", kind, text.len ? ": " : "", (int)text.len, (char *)text.ptr);
    JSValue thrown = JS_GetException(js);
    JS_DefinePropertyValueStr(js, thrown, "code", JS_NewString(js, kind), JS_PROP_C_W_E);
    rimward_filter_kv_error_free(error);
    return JS_Throw(js, thrown);
}

static JSValue option_text(JSContext *js, const lambda_edge_runtime_option_string_t *text)
{
    return text->is_some ? text_value(js, &text->val) : JS_NULL;
}

static bool copy_bytes(JSContext *js, JSValueConst value, bytes_t *copy)
{
    bytes_t view;
    if (!view_bytes(js, value, &view))
        return false;
    copy->len = view.len;
    copy->ptr = need(view.len + 1);
    memcpy(copy->ptr, view.ptr, view.len);
    return true;
}

static int32_t number(JSContext *js, JSValueConst value)
{
    int32_t n = 0;
    JS_ToInt32(js, &n, value);
    return n;
}

// ------------------------------------------------------------------------- log, clock, config

static JSValue log_write(JSContext *js, JSValueConst self, int count, JSValueConst *arguments)
{
    text_t text;
    if (!copy_text(js, arguments[1], &text))
        return JS_EXCEPTION;
    if (awake)
        rimward_filter_log_write((uint8_t)number(js, arguments[0]), &text);
    free(text.ptr);
    return JS_UNDEFINED;
}

static JSValue log_enabled(JSContext *js, JSValueConst self, int count, JSValueConst *arguments)
{
    return JS_NewBool(js, awake && rimward_filter_log_enabled((uint8_t)number(js, arguments[0])));
}

static JSValue log_field(JSContext *js, JSValueConst self, int count, JSValueConst *arguments)
{
    text_t name, value;
    if (!copy_text(js, arguments[0], &name))
        return JS_EXCEPTION;
    bool good = copy_text(js, arguments[1], &value);
    if (good) {
        rimward_filter_log_field(&name, &value);
        free(value.ptr);
    }
    free(name.ptr);
    return good ? JS_UNDEFINED : JS_EXCEPTION;
}

static JSValue now(JSContext *js, JSValueConst self, int count, JSValueConst *arguments)
{
    return JS_NewFloat64(js, now_ms());
}

// setAhead(ms): how far the clock of this call is ahead of the host's.
static JSValue set_ahead(JSContext *js, JSValueConst self, int count, JSValueConst *arguments)
{
    JS_ToFloat64(js, &ahead, arguments[0]);
    return JS_UNDEFINED;
}

// random(length): an ArrayBuffer.
static JSValue random_bytes(JSContext *js, JSValueConst self, int count, JSValueConst *arguments)
{
    uint32_t length;
    if (JS_ToUint32(js, &length, arguments[0]))
        return JS_EXCEPTION;
    uint8_t *data = need(length + 8);
    is_tied = true;
    for (size_t at = 0; at < length; at += 8) {
        uint64_t drawn = rimward_filter_clock_random_u64();
        memcpy(data + at, &drawn, 8);
    }
    JSValue value = bytes_value(js, data, length);
    free(data);
    return value;
}

// Math.random: drawn afresh in each instance, since a snapshot would give all of them the same numbers.
static JSValue random_fraction(JSContext *js, JSValueConst self, int count, JSValueConst *arguments)
{
    static uint64_t state = 0;
    if (!awake)
        return JS_NewFloat64(js, 0.5);
    is_tied = true;
    while (state == 0)
        state = rimward_filter_clock_random_u64();
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return JS_NewFloat64(js, (double)(state * 0x2545f4914f6cdd1dULL >> 11) / 9007199254740992.0);
}

static JSValue bucket(JSContext *js, JSValueConst self, int count, JSValueConst *arguments)
{
    text_t salt, key;
    if (!copy_text(js, arguments[0], &salt))
        return JS_EXCEPTION;
    bool good = copy_text(js, arguments[1], &key);
    uint32_t drawn = 0;
    if (good) {
        drawn = rimward_filter_clock_bucket(&salt, &key, (uint32_t)number(js, arguments[2]));
        free(key.ptr);
    }
    free(salt.ptr);
    return good ? JS_NewUint32(js, drawn) : JS_EXCEPTION;
}

static JSValue config(JSContext *js, JSValueConst self, int count, JSValueConst *arguments)
{
    text_t all;
    rimward_filter_config_all(&all);
    JSValue value = text_value(js, &all);
    lambda_edge_runtime_string_free(&all);
    return value;
}

// ------------------------------------------------------------------------- subrequests

static bool copy_pairs(JSContext *js, JSValueConst array, pairs_t *pairs)
{
    int64_t length;
    if (JS_GetLength(js, array, &length))
        return false;
    size_t bytes = ((size_t)length + 1) * sizeof *pairs->ptr;
    pairs->ptr = memset(need(bytes), 0, bytes);
    bool good = true;
    for (int64_t i = 0; good && i < length; i++) {
        JSValue pair = JS_GetPropertyInt64(js, array, i);
        JSValue name = JS_GetPropertyUint32(js, pair, 0), value = JS_GetPropertyUint32(js, pair, 1);
        good = copy_text(js, name, &pairs->ptr[i].f0) && copy_text(js, value, &pairs->ptr[i].f1);
        pairs->len = (size_t)i + 1;
        JS_FreeValue(js, name);
        JS_FreeValue(js, value);
        JS_FreeValue(js, pair);
    }
    return good;
}

static JSValue pairs_value(JSContext *js, const pairs_t *pairs)
{
    JSValue array = JS_NewArray(js);
    for (size_t i = 0; i < pairs->len; i++) {
        JSValue pair = JS_NewArray(js);
        JS_SetPropertyUint32(js, pair, 0, text_value(js, &pairs->ptr[i].f0));
        JS_SetPropertyUint32(js, pair, 1, text_value(js, &pairs->ptr[i].f1));
        JS_SetPropertyUint32(js, array, (uint32_t)i, pair);
    }
    return array;
}

// start(method, uri, headers, body, origin, port, tls, timeout, most, cached): `port` 0 is the name of an origin.
static JSValue start(JSContext *js, JSValueConst self, int count, JSValueConst *arguments)
{
    rimward_filter_subrequest_outgoing_t request = {0};
    is_tied = true;
    text_t *host = &request.to.val.named;
    request.to.tag = RIMWARD_FILTER_TYPES_ORIGIN_NAMED;
    uint16_t port = (uint16_t)number(js, arguments[5]);
    if (port != 0) {
        request.to.tag = RIMWARD_FILTER_TYPES_ORIGIN_CUSTOM;
        request.to.val.custom.port = port;
        request.to.val.custom.tls = JS_ToBool(js, arguments[6]);
        host = &request.to.val.custom.host;
    }
    request.timeout_ms = (uint32_t)number(js, arguments[7]);
    request.max_body = (uint32_t)number(js, arguments[8]);
    request.cached = JS_ToBool(js, arguments[9]);
    bool good = copy_text(js, arguments[0], &request.method) && copy_text(js, arguments[1], &request.uri)
        && copy_pairs(js, arguments[2], &request.headers) && copy_bytes(js, arguments[3], &request.body)
        && copy_text(js, arguments[4], host);
    rimward_filter_subrequest_own_pending_t pending;
    host_error_t error;
    bool started = good && rimward_filter_subrequest_start(&request, &pending, &error);
    rimward_filter_subrequest_outgoing_free(&request);
    if (!good)
        return JS_EXCEPTION;
    return started ? JS_NewInt32(js, pending.__handle) : throw_error(js, &error);
}

// wait(pending): [status, headers, body, truncated]
static JSValue wait(JSContext *js, JSValueConst self, int count, JSValueConst *arguments)
{
    rimward_filter_subrequest_own_pending_t pending = {number(js, arguments[0])};
    rimward_filter_subrequest_incoming_t response;
    host_error_t error;
    bool good = rimward_filter_subrequest_method_pending_wait(
        rimward_filter_subrequest_borrow_pending(pending), &response, &error);
    rimward_filter_subrequest_pending_drop_own(pending);
    if (!good)
        return throw_error(js, &error);
    JSValue array = JS_NewArray(js);
    JS_SetPropertyUint32(js, array, 0, JS_NewInt32(js, response.status));
    JS_SetPropertyUint32(js, array, 1, pairs_value(js, &response.headers));
    JS_SetPropertyUint32(js, array, 2, bytes_value(js, response.body.ptr, response.body.len));
    JS_SetPropertyUint32(js, array, 3, JS_NewBool(js, response.truncated));
    rimward_filter_subrequest_incoming_free(&response);
    return array;
}

static JSValue cancel(JSContext *js, JSValueConst self, int count, JSValueConst *arguments)
{
    rimward_filter_subrequest_pending_drop_own((rimward_filter_subrequest_own_pending_t){number(js, arguments[0])});
    return JS_UNDEFINED;
}

// ------------------------------------------------------------------------- KV

static rimward_filter_kv_borrow_store_t store(JSContext *js, JSValueConst handle)
{
    return rimward_filter_kv_borrow_store((rimward_filter_kv_own_store_t){number(js, handle)});
}

static JSValue kv_open(JSContext *js, JSValueConst self, int count, JSValueConst *arguments)
{
    text_t name;
    rimward_filter_kv_own_store_t opened;
    host_error_t error;
    is_tied = true;
    if (!copy_text(js, arguments[0], &name))
        return JS_EXCEPTION;
    bool good = rimward_filter_kv_open(&name, &opened, &error);
    free(name.ptr);
    return good ? JS_NewInt32(js, opened.__handle) : throw_error(js, &error);
}

// get(store, key): null or [value, metadata, generation, ttl]
static JSValue kv_get(JSContext *js, JSValueConst self, int count, JSValueConst *arguments)
{
    text_t key;
    rimward_filter_kv_option_entry_t found;
    host_error_t error;
    if (!copy_text(js, arguments[1], &key))
        return JS_EXCEPTION;
    bool good = rimward_filter_kv_method_store_get(store(js, arguments[0]), &key, &found, &error);
    free(key.ptr);
    if (!good)
        return throw_error(js, &error);
    if (!found.is_some)
        return JS_NULL;
    const rimward_filter_kv_entry_t *entry = &found.val;
    JSValue array = JS_NewArray(js);
    JS_SetPropertyUint32(js, array, 0, bytes_value(js, entry->value.ptr, entry->value.len));
    JS_SetPropertyUint32(js, array, 1, option_text(js, &entry->metadata));
    JS_SetPropertyUint32(js, array, 2, JS_NewFloat64(js, (double)entry->generation));
    JS_SetPropertyUint32(js, array, 3, entry->ttl_s.is_some ? JS_NewUint32(js, entry->ttl_s.val) : JS_NULL);
    rimward_filter_kv_option_entry_free(&found);
    return array;
}

// put(store, key, value, mode, generation, ttl, metadata), where the last three may be null: the new generation
static JSValue kv_put(JSContext *js, JSValueConst self, int count, JSValueConst *arguments)
{
    text_t key;
    bytes_t value;
    rimward_filter_kv_write_t how = {.mode = (uint8_t)number(js, arguments[3])};
    if (!JS_IsNull(arguments[4])) {
        double generation;
        JS_ToFloat64(js, &generation, arguments[4]);
        how.if_generation = (lambda_edge_runtime_option_u64_t){true, (uint64_t)generation};
    }
    if (!JS_IsNull(arguments[5]))
        how.ttl_s = (lambda_edge_runtime_option_u32_t){true, (uint32_t)number(js, arguments[5])};
    how.metadata.is_some = !JS_IsNull(arguments[6]);
    if (how.metadata.is_some && !copy_text(js, arguments[6], &how.metadata.val))
        return JS_EXCEPTION;
    bool copied = copy_text(js, arguments[1], &key), good = copied && view_bytes(js, arguments[2], &value);
    uint64_t generation;
    host_error_t error;
    bool written = good
        && rimward_filter_kv_method_store_put(store(js, arguments[0]), &key, &value, &how, &generation, &error);
    if (copied)
        free(key.ptr);
    rimward_filter_kv_write_free(&how);
    if (!good)
        return JS_EXCEPTION;
    return written ? JS_NewFloat64(js, (double)generation) : throw_error(js, &error);
}

static JSValue kv_increment(JSContext *js, JSValueConst self, int count, JSValueConst *arguments)
{
    text_t key;
    double by = 0;
    uint32_t ttl = (uint32_t)number(js, arguments[3]);
    int64_t sum;
    host_error_t error;
    JS_ToFloat64(js, &by, arguments[2]);
    if (!copy_text(js, arguments[1], &key))
        return JS_EXCEPTION;
    bool good = rimward_filter_kv_method_store_increment(
        store(js, arguments[0]), &key, (int64_t)by, JS_IsNull(arguments[3]) ? NULL : &ttl, &sum, &error);
    free(key.ptr);
    return good ? JS_NewFloat64(js, (double)sum) : throw_error(js, &error);
}

static JSValue kv_delete(JSContext *js, JSValueConst self, int count, JSValueConst *arguments)
{
    text_t key;
    bool was_there;
    host_error_t error;
    if (!copy_text(js, arguments[1], &key))
        return JS_EXCEPTION;
    bool good = rimward_filter_kv_method_store_delete(store(js, arguments[0]), &key, &was_there, &error);
    free(key.ptr);
    return good ? JS_NewBool(js, was_there) : throw_error(js, &error);
}

// list(store, prefix, cursor or null, most): [keys, cursor or null]
static JSValue kv_list(JSContext *js, JSValueConst self, int count, JSValueConst *arguments)
{
    text_t prefix, cursor = {0};
    rimward_filter_kv_page_t page;
    host_error_t error;
    if (!copy_text(js, arguments[1], &prefix))
        return JS_EXCEPTION;
    bool from = !JS_IsNull(arguments[2]), copied = !from || copy_text(js, arguments[2], &cursor);
    bool good = copied
        && rimward_filter_kv_method_store_list(store(js, arguments[0]), &prefix, from ? &cursor : NULL,
                                               (uint32_t)number(js, arguments[3]), &page, &error);
    free(prefix.ptr);
    free(cursor.ptr);
    if (!copied)
        return JS_EXCEPTION;
    if (!good)
        return throw_error(js, &error);
    JSValue keys = JS_NewArray(js), array = JS_NewArray(js);
    for (size_t i = 0; i < page.keys.len; i++)
        JS_SetPropertyUint32(js, keys, (uint32_t)i, text_value(js, &page.keys.ptr[i]));
    JS_SetPropertyUint32(js, array, 0, keys);
    JS_SetPropertyUint32(js, array, 1, option_text(js, &page.cursor));
    rimward_filter_kv_page_free(&page);
    return array;
}

// ------------------------------------------------------------------------- secrets

static JSValue secret_get(JSContext *js, JSValueConst self, int count, JSValueConst *arguments)
{
    text_t name;
    rimward_filter_secrets_own_secret_t secret;
    host_error_t error;
    is_tied = true;
    if (!copy_text(js, arguments[0], &name))
        return JS_EXCEPTION;
    bool good = rimward_filter_secrets_get(&name, &secret, &error);
    free(name.ptr);
    return good ? JS_NewInt32(js, secret.__handle) : throw_error(js, &error);
}

static rimward_filter_secrets_borrow_secret_t secret(JSContext *js, JSValueConst handle)
{
    return rimward_filter_secrets_borrow_secret((rimward_filter_secrets_own_secret_t){number(js, handle)});
}

static JSValue secret_reveal(JSContext *js, JSValueConst self, int count, JSValueConst *arguments)
{
    bytes_t revealed;
    rimward_filter_secrets_method_secret_reveal(secret(js, arguments[0]), &revealed);
    JSValue value = bytes_value(js, revealed.ptr, revealed.len);
    lambda_edge_runtime_list_u8_free(&revealed);
    return value;
}

// sign(secret, algorithm, data)
static JSValue secret_sign(JSContext *js, JSValueConst self, int count, JSValueConst *arguments)
{
    bytes_t data, made;
    host_error_t error;
    if (!view_bytes(js, arguments[2], &data))
        return JS_EXCEPTION;
    if (!rimward_filter_crypto_sign((uint8_t)number(js, arguments[1]), secret(js, arguments[0]), &data, &made, &error))
        return throw_error(js, &error);
    JSValue value = bytes_value(js, made.ptr, made.len);
    lambda_edge_runtime_list_u8_free(&made);
    return value;
}

// verify(secret, algorithm, data, signature)
static JSValue secret_verify(JSContext *js, JSValueConst self, int count, JSValueConst *arguments)
{
    bytes_t data, signature;
    bool right;
    host_error_t error;
    if (!view_bytes(js, arguments[2], &data) || !view_bytes(js, arguments[3], &signature))
        return JS_EXCEPTION;
    if (!rimward_filter_crypto_verify(
            (uint8_t)number(js, arguments[1]), secret(js, arguments[0]), &data, &signature, &right, &error))
        return throw_error(js, &error);
    return JS_NewBool(js, right);
}

static const JSCFunctionListEntry FUNCTIONS[] = {
    JS_CFUNC_DEF("log", 2, log_write),
    JS_CFUNC_DEF("logEnabled", 1, log_enabled),
    JS_CFUNC_DEF("logField", 2, log_field),
    JS_CFUNC_DEF("now", 0, now),
    JS_CFUNC_DEF("setAhead", 1, set_ahead),
    JS_CFUNC_DEF("random", 1, random_bytes),
    JS_CFUNC_DEF("randomFraction", 0, random_fraction),
    JS_CFUNC_DEF("bucket", 3, bucket),
    JS_CFUNC_DEF("config", 0, config),
    JS_CFUNC_DEF("start", 10, start),
    JS_CFUNC_DEF("wait", 1, wait),
    JS_CFUNC_DEF("cancel", 1, cancel),
    JS_CFUNC_DEF("kvOpen", 1, kv_open),
    JS_CFUNC_DEF("kvGet", 2, kv_get),
    JS_CFUNC_DEF("kvPut", 7, kv_put),
    JS_CFUNC_DEF("kvIncrement", 4, kv_increment),
    JS_CFUNC_DEF("kvDelete", 2, kv_delete),
    JS_CFUNC_DEF("kvList", 4, kv_list),
    JS_CFUNC_DEF("secretGet", 1, secret_get),
    JS_CFUNC_DEF("secretReveal", 1, secret_reveal),
    JS_CFUNC_DEF("secretSign", 3, secret_sign),
    JS_CFUNC_DEF("secretVerify", 4, secret_verify),
};

void add_host(JSContext *js, JSValueConst object)
{
    JS_SetPropertyFunctionList(js, object, FUNCTIONS, sizeof FUNCTIONS / sizeof *FUNCTIONS);
}

// Made by generate.py of sdk/wit/filter.wit.
#ifndef RIMWARD_HOST_H
#define RIMWARD_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rimward_string_t {
  uint8_t*ptr;
  size_t len;
} rimward_string_t;

// Typed, closed set of errors; `other` carries text for logs only.
typedef struct rimward_error_t {
  uint8_t tag;
  union {
    rimward_string_t     invalid;
    rimward_string_t     no_such;
    rimward_string_t     denied;
    rimward_string_t     limit;
    rimward_string_t     unavailable;
    rimward_string_t     other;
  } val;
} rimward_error_t;

// e.g. kv.put inside a body callback
#define RIMWARD_ERROR_NOT_ALLOWED_IN_PHASE 0

// header/field may not be changed in this phase
#define RIMWARD_ERROR_READ_ONLY 1

// header name never visible to filters
#define RIMWARD_ERROR_FORBIDDEN 2

// syntax of a header, uri, status ...
#define RIMWARD_ERROR_INVALID 3

// unknown upstream / store / secret
#define RIMWARD_ERROR_NO_SUCH 4

// policy: upstream not allow-listed ...
#define RIMWARD_ERROR_DENIED 5

// subrequest count, body size, kv size ...
#define RIMWARD_ERROR_LIMIT 6

#define RIMWARD_ERROR_TIMEOUT 7

#define RIMWARD_ERROR_UNAVAILABLE 8

#define RIMWARD_ERROR_OTHER 9

typedef uint8_t rimward_phase_t;

#define RIMWARD_PHASE_REQUEST 0

#define RIMWARD_PHASE_ORIGIN_REQUEST 1

#define RIMWARD_PHASE_ORIGIN_RESPONSE 2

#define RIMWARD_PHASE_RESPONSE 3

#define RIMWARD_PHASE_LOG 4

typedef uint8_t rimward_cache_status_t;

#define RIMWARD_CACHE_STATUS_UNKNOWN 0

#define RIMWARD_CACHE_STATUS_HIT 1

#define RIMWARD_CACHE_STATUS_STALE 2

#define RIMWARD_CACHE_STATUS_MISS 3

#define RIMWARD_CACHE_STATUS_REVALIDATED 4

#define RIMWARD_CACHE_STATUS_BYPASS 5

#define RIMWARD_CACHE_STATUS_UNCACHEABLE 6

typedef struct {
  rimward_string_t f0;
  rimward_string_t f1;
} rimward_tuple2_string_string_t;

// One header edit; batched so that n edits cost one host call.
typedef struct rimward_header_op_t {
  uint8_t tag;
  union {
    rimward_tuple2_string_string_t     set;
    rimward_tuple2_string_string_t     append;
    rimward_string_t     remove;
  } val;
} rimward_header_op_t;

// replace all values
#define RIMWARD_HEADER_OP_SET 0

#define RIMWARD_HEADER_OP_APPEND 1

#define RIMWARD_HEADER_OP_REMOVE 2

// How much of a message body a filter wants to see.
typedef struct rimward_body_want_t {
  uint8_t tag;
  union {
    uint32_t     buffered;
  } val;
} rimward_body_want_t;

// default: the body never enters the guest
#define RIMWARD_BODY_WANT_NONE 0

// call *-body hook per chunk, streaming
#define RIMWARD_BODY_WANT_CHUNKS 1

// host buffers up to n bytes, one hook call with all
#define RIMWARD_BODY_WANT_BUFFERED 2

typedef struct {
  uint8_t *ptr;
  size_t len;
} rimward_list_u8_t;

// What to do with the chunk just shown to a body hook.
typedef struct rimward_chunk_verdict_t {
  uint8_t tag;
  union {
    rimward_list_u8_t     replace;
  } val;
} rimward_chunk_verdict_t;

// forward the host's own bytes, no copy back
#define RIMWARD_CHUNK_VERDICT_PASS 0

#define RIMWARD_CHUNK_VERDICT_REPLACE 1

// keep host-side; shown again, longer, next time
#define RIMWARD_CHUNK_VERDICT_HOLD 2

// forward nothing for this chunk
#define RIMWARD_CHUNK_VERDICT_DROP 3

typedef struct {
  rimward_tuple2_string_string_t *ptr;
  size_t len;
} rimward_list_tuple2_string_string_t;

typedef struct {
  bool is_some;
  uint32_t val;
} rimward_option_u32_t;

// A response made by a filter.
typedef struct rimward_synthetic_t {
  uint16_t   status;
  rimward_list_tuple2_string_string_t   headers;
  rimward_list_u8_t   body;
  // seconds in the edge cache; only meaningful from on-origin-request
  rimward_option_u32_t   cache_ttl;
} rimward_synthetic_t;

// Result of a header hook. `next` = go on with the (maybe mutated) message.
typedef struct rimward_verdict_t {
  uint8_t tag;
  union {
    rimward_synthetic_t     respond;
    rimward_list_u8_t     replace_body;
  } val;
} rimward_verdict_t;

#define RIMWARD_VERDICT_NEXT 0

#define RIMWARD_VERDICT_RESPOND 1

// response hooks only: drop the body that came with the message
#define RIMWARD_VERDICT_REPLACE_BODY 2

typedef struct {
  bool is_some;
  rimward_string_t val;
} rimward_option_string_t;

typedef struct rimward_custom_origin_t {
  rimward_string_t   host;
  uint16_t   port;
  bool   tls;
  rimward_option_string_t   sni;
  rimward_string_t   path_prefix;
  rimward_option_u32_t   connect_timeout_ms;
  rimward_option_u32_t   read_timeout_ms;
  rimward_list_tuple2_string_string_t   headers;
} rimward_custom_origin_t;

typedef struct rimward_origin_t {
  uint8_t tag;
  union {
    rimward_string_t     named;
    rimward_custom_origin_t     custom;
  } val;
} rimward_origin_t;

// an [upstream.NAME] of the host's configuration (pool, LB, health, TLS)
#define RIMWARD_ORIGIN_NAMED 0

// anything else; refused unless the host's allow-list matches
#define RIMWARD_ORIGIN_CUSTOM 1

typedef rimward_error_t rimward_request_error_t;

typedef rimward_header_op_t rimward_request_header_op_t;

typedef rimward_body_want_t rimward_request_body_want_t;

typedef rimward_origin_t rimward_request_origin_t;

typedef struct {
  rimward_list_u8_t *ptr;
  size_t len;
} rimward_list_list_u8_t;

typedef struct {
  rimward_string_t *ptr;
  size_t len;
} rimward_list_string_t;

typedef struct {
  rimward_option_string_t *ptr;
  size_t len;
} rimward_list_option_string_t;

typedef struct {
  rimward_string_t f0;
  rimward_list_u8_t f1;
} rimward_tuple2_string_list_u8_t;

typedef struct {
  rimward_tuple2_string_list_u8_t *ptr;
  size_t len;
} rimward_list_tuple2_string_list_u8_t;

typedef struct {
  rimward_request_header_op_t *ptr;
  size_t len;
} rimward_request_list_header_op_t;

typedef struct {
  bool is_err;
  union {
    rimward_request_error_t err;
  } val;
} rimward_request_result_void_error_t;

typedef rimward_error_t rimward_response_error_t;

typedef rimward_header_op_t rimward_response_header_op_t;

typedef rimward_body_want_t rimward_response_body_want_t;

typedef rimward_cache_status_t rimward_response_cache_status_t;

typedef struct {
  bool is_err;
  union {
    rimward_response_error_t err;
  } val;
} rimward_response_result_void_error_t;

typedef struct {
  rimward_response_header_op_t *ptr;
  size_t len;
} rimward_response_list_header_op_t;

typedef rimward_phase_t rimward_context_phase_t;

typedef struct {
  bool is_some;
  double val;
} rimward_option_f64_t;

typedef struct rimward_geo_location_t {
  rimward_option_string_t   country;
  rimward_option_string_t   country_name;
  bool   is_eu;
  rimward_option_string_t   continent;
  rimward_option_string_t   region_code;
  rimward_option_string_t   region;
  rimward_option_string_t   city;
  rimward_option_string_t   postal_code;
  rimward_option_string_t   metro_code;
  rimward_option_f64_t   latitude;
  rimward_option_f64_t   longitude;
  rimward_option_string_t   timezone;
  rimward_option_u32_t   asn;
  rimward_option_string_t   as_organization;
} rimward_geo_location_t;

typedef struct {
  bool is_some;
  rimward_geo_location_t val;
} rimward_geo_option_location_t;

typedef rimward_error_t rimward_kv_error_t;

typedef struct rimward_kv_entry_t {
  rimward_list_u8_t   value;
  rimward_option_string_t   metadata;
  uint64_t   generation;
  rimward_option_u32_t   ttl_s;
} rimward_kv_entry_t;

typedef uint8_t rimward_kv_write_mode_t;

#define RIMWARD_KV_WRITE_MODE_OVERWRITE 0

#define RIMWARD_KV_WRITE_MODE_ADD 1

#define RIMWARD_KV_WRITE_MODE_COMPARE 2

typedef struct {
  bool is_some;
  uint64_t val;
} rimward_option_u64_t;

typedef struct rimward_kv_write_t {
  rimward_kv_write_mode_t   mode;
  rimward_option_u64_t   if_generation;
  rimward_option_u32_t   ttl_s;
  rimward_option_string_t   metadata;
} rimward_kv_write_t;

typedef struct rimward_kv_page_t {
  rimward_list_string_t   keys;
  rimward_option_string_t   cursor;
} rimward_kv_page_t;

typedef struct rimward_kv_own_store_t {
  int32_t __handle;
} rimward_kv_own_store_t;

typedef struct rimward_kv_borrow_store_t {
  int32_t __handle;
} rimward_kv_borrow_store_t;

typedef struct {
  bool is_some;
  rimward_kv_entry_t val;
} rimward_kv_option_entry_t;

typedef struct {
  bool is_err;
  union {
    rimward_kv_option_entry_t ok;
    rimward_kv_error_t err;
  } val;
} rimward_kv_result_option_entry_error_t;

typedef struct {
  bool is_err;
  union {
    rimward_option_string_t ok;
    rimward_kv_error_t err;
  } val;
} rimward_kv_result_option_string_error_t;

typedef struct {
  bool is_some;
  rimward_list_u8_t val;
} rimward_option_list_u8_t;

typedef struct {
  rimward_option_list_u8_t *ptr;
  size_t len;
} rimward_list_option_list_u8_t;

typedef struct {
  bool is_err;
  union {
    rimward_list_option_list_u8_t ok;
    rimward_kv_error_t err;
  } val;
} rimward_kv_result_list_option_list_u8_error_t;

typedef struct {
  bool is_some;
  rimward_kv_write_t val;
} rimward_kv_option_write_t;

typedef struct {
  bool is_err;
  union {
    uint64_t ok;
    rimward_kv_error_t err;
  } val;
} rimward_kv_result_u64_error_t;

typedef struct {
  bool is_err;
  union {
    int64_t ok;
    rimward_kv_error_t err;
  } val;
} rimward_kv_result_s64_error_t;

typedef struct {
  bool is_err;
  union {
    bool ok;
    rimward_kv_error_t err;
  } val;
} rimward_kv_result_bool_error_t;

typedef struct {
  bool is_err;
  union {
    rimward_kv_page_t ok;
    rimward_kv_error_t err;
  } val;
} rimward_kv_result_page_error_t;

typedef struct {
  bool is_err;
  union {
    rimward_kv_own_store_t ok;
    rimward_kv_error_t err;
  } val;
} rimward_kv_result_own_store_error_t;

typedef rimward_error_t rimward_secrets_error_t;

typedef struct rimward_secrets_own_secret_t {
  int32_t __handle;
} rimward_secrets_own_secret_t;

typedef struct rimward_secrets_borrow_secret_t {
  int32_t __handle;
} rimward_secrets_borrow_secret_t;

typedef struct {
  bool is_err;
  union {
    rimward_secrets_own_secret_t ok;
    rimward_secrets_error_t err;
  } val;
} rimward_secrets_result_own_secret_error_t;

typedef rimward_error_t rimward_crypto_error_t;

typedef uint8_t rimward_crypto_alg_t;

#define RIMWARD_CRYPTO_ALG_HS256 0

#define RIMWARD_CRYPTO_ALG_HS384 1

#define RIMWARD_CRYPTO_ALG_HS512 2

#define RIMWARD_CRYPTO_ALG_RS256 3

#define RIMWARD_CRYPTO_ALG_ES256 4

#define RIMWARD_CRYPTO_ALG_EDDSA 5

typedef rimward_secrets_borrow_secret_t rimward_crypto_borrow_secret_t;

typedef struct {
  bool is_err;
  union {
    rimward_list_u8_t ok;
    rimward_crypto_error_t err;
  } val;
} rimward_crypto_result_list_u8_error_t;

typedef struct {
  bool is_err;
  union {
    bool ok;
    rimward_crypto_error_t err;
  } val;
} rimward_crypto_result_bool_error_t;

typedef rimward_error_t rimward_subrequest_error_t;

typedef rimward_origin_t rimward_subrequest_origin_t;

typedef struct rimward_subrequest_outgoing_t {
  rimward_string_t   method;
  rimward_string_t   uri;
  rimward_list_tuple2_string_string_t   headers;
  rimward_list_u8_t   body;
  rimward_subrequest_origin_t   to;
  uint32_t   timeout_ms;
  // of a longer body the beginning is given, as `truncated`; 0 for all that the filter may have, beyond which a body is an error
  uint32_t   max_body;
  // go through this POP's own cache
  bool   cached;
} rimward_subrequest_outgoing_t;

typedef struct rimward_subrequest_incoming_t {
  uint16_t   status;
  rimward_list_tuple2_string_string_t   headers;
  rimward_list_u8_t   body;
  bool   truncated;
} rimward_subrequest_incoming_t;

typedef struct rimward_subrequest_own_pending_t {
  int32_t __handle;
} rimward_subrequest_own_pending_t;

typedef struct rimward_subrequest_borrow_pending_t {
  int32_t __handle;
} rimward_subrequest_borrow_pending_t;

typedef struct {
  bool is_err;
  union {
    rimward_subrequest_incoming_t ok;
    rimward_subrequest_error_t err;
  } val;
} rimward_subrequest_result_incoming_error_t;

typedef struct {
  bool is_err;
  union {
    rimward_subrequest_own_pending_t ok;
    rimward_subrequest_error_t err;
  } val;
} rimward_subrequest_result_own_pending_error_t;

typedef uint8_t rimward_log_level_t;

#define RIMWARD_LOG_LEVEL_TRACE 0

#define RIMWARD_LOG_LEVEL_DEBUG 1

#define RIMWARD_LOG_LEVEL_INFO 2

#define RIMWARD_LOG_LEVEL_WARN 3

#define RIMWARD_LOG_LEVEL_ERROR 4

typedef rimward_error_t rimward_images_error_t;

typedef struct {
  bool is_some;
  uint8_t val;
} rimward_option_u8_t;

typedef struct {
  bool is_some;
  float val;
} rimward_option_f32_t;

typedef struct rimward_images_transform_t {
  rimward_option_u32_t   width;
  rimward_option_u32_t   height;
  rimward_option_string_t   fit;
  rimward_option_string_t   format;
  rimward_option_u8_t   quality;
  rimward_option_f32_t   dpr;
} rimward_images_transform_t;

typedef struct {
  bool is_err;
  union {
    rimward_images_error_t err;
  } val;
} rimward_images_result_void_error_t;

typedef rimward_error_t rimward_html_error_t;

typedef struct rimward_html_edit_t {
  uint8_t tag;
  union {
    rimward_tuple2_string_string_t     set_attribute;
    rimward_string_t     append_html;
    rimward_string_t     prepend_html;
    rimward_string_t     set_inner;
  } val;
} rimward_html_edit_t;

#define RIMWARD_HTML_EDIT_SET_ATTRIBUTE 0

#define RIMWARD_HTML_EDIT_REMOVE 1

#define RIMWARD_HTML_EDIT_APPEND_HTML 2

#define RIMWARD_HTML_EDIT_PREPEND_HTML 3

#define RIMWARD_HTML_EDIT_SET_INNER 4

typedef struct {
  bool is_err;
  union {
    rimward_html_error_t err;
  } val;
} rimward_html_result_void_error_t;

// Imported Functions from `rimward:filter/request@0.1.0`
extern void rimward_request_method(rimward_string_t *ret);

// path + "?" + query, as received
extern void rimward_request_uri(rimward_string_t *ret);

extern void rimward_request_path(rimward_string_t *ret);

extern bool rimward_request_query(rimward_string_t *ret);

extern bool rimward_request_query_param(rimward_string_t *name, rimward_string_t *ret);

extern void rimward_request_scheme(rimward_string_t *ret);

extern void rimward_request_host(rimward_string_t *ret);

extern void rimward_request_http_version(rimward_string_t *ret);

extern bool rimward_request_header(rimward_string_t *name, rimward_string_t *ret);

extern void rimward_request_header_all(rimward_string_t *name, rimward_list_list_u8_t *ret);

extern bool rimward_request_has_header(rimward_string_t *name);

// several single-valued look-ups for one host call
extern void rimward_request_header_many(rimward_list_string_t *names, rimward_list_option_string_t *ret);

extern void rimward_request_header_names(rimward_list_string_t *ret);

// everything, original case and order (adapters, logging)
extern void rimward_request_headers(rimward_list_tuple2_string_list_u8_t *ret);

extern bool rimward_request_cookie(rimward_string_t *name, rimward_string_t *ret);

// on-request and on-origin-request only, like all setters below
extern bool rimward_request_edit_headers(rimward_request_list_header_op_t *ops, rimward_request_error_t *err);

// a batch of one `set`, which is what most filters do
extern bool rimward_request_set_header(rimward_string_t *name, rimward_string_t *value, rimward_request_error_t *err);

extern bool rimward_request_set_uri(rimward_string_t *path_and_query, rimward_request_error_t *err);

extern bool rimward_request_set_host(rimward_string_t *host, rimward_request_error_t *err);

extern bool rimward_request_set_origin(rimward_request_origin_t *to, rimward_request_error_t *err);

extern void rimward_request_chosen_origin(rimward_request_origin_t *ret);

// on-request only: an extra part of the cache key (A/B bucket, country ...)
extern bool rimward_request_cache_key_part(rimward_string_t *label, rimward_string_t *value, rimward_request_error_t *err);

extern bool rimward_request_cache_bypass(rimward_request_error_t *err);

extern bool rimward_request_want_body(rimward_request_body_want_t *want, rimward_request_error_t *err);

// Imported Functions from `rimward:filter/response@0.1.0`
extern uint16_t rimward_response_status(void);

extern bool rimward_response_set_status(uint16_t status, rimward_response_error_t *err);

extern bool rimward_response_header(rimward_string_t *name, rimward_string_t *ret);

extern void rimward_response_header_all(rimward_string_t *name, rimward_list_list_u8_t *ret);

extern bool rimward_response_has_header(rimward_string_t *name);

extern void rimward_response_header_many(rimward_list_string_t *names, rimward_list_option_string_t *ret);

extern void rimward_response_header_names(rimward_list_string_t *ret);

extern void rimward_response_headers(rimward_list_tuple2_string_list_u8_t *ret);

extern bool rimward_response_edit_headers(rimward_response_list_header_op_t *ops, rimward_response_error_t *err);

extern bool rimward_response_set_header(rimward_string_t *name, rimward_string_t *value, rimward_response_error_t *err);

extern rimward_response_cache_status_t rimward_response_cache_result(void);

// on-origin-response only: override what is stored
extern bool rimward_response_cache_for(uint32_t ttl_s, uint32_t swr_s, uint32_t sie_s, rimward_response_error_t *err);

extern bool rimward_response_surrogate_keys(rimward_list_string_t *keys, rimward_response_error_t *err);

extern bool rimward_response_cache_never(rimward_response_error_t *err);

extern bool rimward_response_want_body(rimward_response_body_want_t *want, rimward_response_error_t *err);

// Imported Functions from `rimward:filter/body@0.1.0`
extern uint32_t rimward_body_len(void);

// offset of this chunk in the whole body
extern uint64_t rimward_body_offset(void);

extern bool rimward_body_is_last(void);

extern void rimward_body_read(uint32_t at, uint32_t max, rimward_list_u8_t *ret);

// Imported Functions from `rimward:filter/config@0.1.0`
// [filter.config] of this filter, as JSON; fixed for one generation
extern void rimward_config_all(rimward_string_t *ret);

extern bool rimward_config_get(rimward_string_t *path, rimward_string_t *ret);

extern uint64_t rimward_config_generation(void);

// Imported Functions from `rimward:filter/context@0.1.0`
extern void rimward_context_request_id(rimward_string_t *ret);

extern void rimward_context_pop(rimward_string_t *ret);

extern rimward_context_phase_t rimward_context_current_phase(void);

extern void rimward_context_client_ip(rimward_string_t *ret);

// "TLSv1.3 TLS_AES_128_GCM_SHA256", SNI, JA4 ... none on plain http
extern bool rimward_context_tls(rimward_string_t *field, rimward_string_t *ret);

// request-scoped variables, seen by later phases and by other filters
extern bool rimward_context_get_var(rimward_string_t *name, rimward_string_t *ret);

extern void rimward_context_set_var(rimward_string_t *name, rimward_string_t *value);

// cpu budget left, in microseconds
extern uint64_t rimward_context_budget_us(void);

// Imported Functions from `rimward:filter/geo@0.1.0`
// cheap path: one short string
extern bool rimward_geo_country(rimward_string_t *ret);

extern bool rimward_geo_client(rimward_geo_location_t *ret);

extern bool rimward_geo_lookup(rimward_string_t *ip, rimward_geo_location_t *ret);

// Imported Functions from `rimward:filter/kv@0.1.0`
extern bool rimward_kv_method_store_get(rimward_kv_borrow_store_t self, rimward_string_t *key, rimward_kv_option_entry_t *ret, rimward_kv_error_t *err);

extern bool rimward_kv_method_store_get_text(rimward_kv_borrow_store_t self, rimward_string_t *key, rimward_option_string_t *ret, rimward_kv_error_t *err);

extern bool rimward_kv_method_store_get_many(rimward_kv_borrow_store_t self, rimward_list_string_t *keys, rimward_list_option_list_u8_t *ret, rimward_kv_error_t *err);

extern bool rimward_kv_method_store_put(rimward_kv_borrow_store_t self, rimward_string_t *key, rimward_list_u8_t *value, rimward_kv_write_t *maybe_opts, uint64_t *ret, rimward_kv_error_t *err);

extern bool rimward_kv_method_store_increment(rimward_kv_borrow_store_t self, rimward_string_t *key, int64_t by, uint32_t *maybe_ttl_s, int64_t *ret, rimward_kv_error_t *err);

extern bool rimward_kv_method_store_delete(rimward_kv_borrow_store_t self, rimward_string_t *key, bool *ret, rimward_kv_error_t *err);

extern bool rimward_kv_method_store_list(rimward_kv_borrow_store_t self, rimward_string_t *prefix, rimward_string_t *maybe_cursor, uint32_t max, rimward_kv_page_t *ret, rimward_kv_error_t *err);

// only stores named in the filter's configuration
extern bool rimward_kv_open(rimward_string_t *name, rimward_kv_own_store_t *ret, rimward_kv_error_t *err);

// Imported Functions from `rimward:filter/secrets@0.1.0`
extern void rimward_secrets_method_secret_reveal(rimward_secrets_borrow_secret_t self, rimward_list_u8_t *ret);

extern bool rimward_secrets_get(rimward_string_t *name, rimward_secrets_own_secret_t *ret, rimward_secrets_error_t *err);

// Imported Functions from `rimward:filter/crypto@0.1.0`
extern void rimward_crypto_sha256(rimward_list_u8_t *data, rimward_list_u8_t *ret);

extern bool rimward_crypto_sign(rimward_crypto_alg_t a, rimward_crypto_borrow_secret_t key, rimward_list_u8_t *data, rimward_list_u8_t *ret, rimward_crypto_error_t *err);

// constant time; the key stays in the host
extern bool rimward_crypto_verify(rimward_crypto_alg_t a, rimward_crypto_borrow_secret_t key, rimward_list_u8_t *data, rimward_list_u8_t *mac, bool *ret, rimward_crypto_error_t *err);

// Imported Functions from `rimward:filter/subrequest@0.1.0`
extern bool rimward_subrequest_method_pending_wait(rimward_subrequest_borrow_pending_t self, rimward_subrequest_incoming_t *ret, rimward_subrequest_error_t *err);

extern bool rimward_subrequest_send(rimward_subrequest_outgoing_t *r, rimward_subrequest_incoming_t *ret, rimward_subrequest_error_t *err);

// start several, then wait: concurrency without async in the guest
extern bool rimward_subrequest_start(rimward_subrequest_outgoing_t *r, rimward_subrequest_own_pending_t *ret, rimward_subrequest_error_t *err);

// Imported Functions from `rimward:filter/log@0.1.0`
extern bool rimward_log_enabled(rimward_log_level_t l);

extern void rimward_log_write(rimward_log_level_t l, rimward_string_t *msg);

// structured field on this request's access-log line
extern void rimward_log_field(rimward_string_t *name, rimward_string_t *value);

// Imported Functions from `rimward:filter/metrics@0.1.0`
extern void rimward_metrics_count(rimward_string_t *name, uint64_t by);

extern void rimward_metrics_observe(rimward_string_t *name, double value);

// Imported Functions from `rimward:filter/clock@0.1.0`
// wall clock; fixed for one hook call (no timer side channel) by default
extern uint64_t rimward_clock_now_ms(void);

// uniform random, from the host
extern uint64_t rimward_clock_random_u64(void);

// stable bucket 0..buckets of hash(salt, key): same on every POP
extern uint32_t rimward_clock_bucket(rimward_string_t *salt, rimward_string_t *key, uint32_t buckets);

// Imported Functions from `rimward:filter/images@0.1.0`
// asks the host's native image filter to work on the response body
extern bool rimward_images_apply(rimward_images_transform_t *t, rimward_images_error_t *err);

// Imported Functions from `rimward:filter/html@0.1.0`
// registers a native streaming rewrite (CSS selector -> edit)
extern bool rimward_html_rule(rimward_string_t *selector, rimward_html_edit_t *e, rimward_html_error_t *err);

// Imported Functions from `rimward:filter/text@0.1.0`
// the UTF-8 of a text
extern void rimward_text_encode(rimward_string_t *text, rimward_list_u8_t *ret);

// the text of UTF-8; each piece that is none becomes U+FFFD, as the Encoding Standard has it
extern void rimward_text_decode(rimward_list_u8_t *bytes, rimward_string_t *ret);

// Helper Functions

void rimward_error_free(rimward_error_t *ptr);

void rimward_tuple2_string_string_free(rimward_tuple2_string_string_t *ptr);

void rimward_header_op_free(rimward_header_op_t *ptr);

void rimward_body_want_free(rimward_body_want_t *ptr);

void rimward_list_u8_free(rimward_list_u8_t *ptr);

void rimward_chunk_verdict_free(rimward_chunk_verdict_t *ptr);

void rimward_list_tuple2_string_string_free(rimward_list_tuple2_string_string_t *ptr);

void rimward_option_u32_free(rimward_option_u32_t *ptr);

void rimward_synthetic_free(rimward_synthetic_t *ptr);

void rimward_verdict_free(rimward_verdict_t *ptr);

void rimward_option_string_free(rimward_option_string_t *ptr);

void rimward_custom_origin_free(rimward_custom_origin_t *ptr);

void rimward_origin_free(rimward_origin_t *ptr);

void rimward_request_error_free(rimward_request_error_t *ptr);

void rimward_request_header_op_free(rimward_request_header_op_t *ptr);

void rimward_request_body_want_free(rimward_request_body_want_t *ptr);

void rimward_request_origin_free(rimward_request_origin_t *ptr);

void rimward_list_list_u8_free(rimward_list_list_u8_t *ptr);

void rimward_list_string_free(rimward_list_string_t *ptr);

void rimward_list_option_string_free(rimward_list_option_string_t *ptr);

void rimward_tuple2_string_list_u8_free(rimward_tuple2_string_list_u8_t *ptr);

void rimward_list_tuple2_string_list_u8_free(rimward_list_tuple2_string_list_u8_t *ptr);

void rimward_request_list_header_op_free(rimward_request_list_header_op_t *ptr);

void rimward_request_result_void_error_free(rimward_request_result_void_error_t *ptr);

void rimward_response_error_free(rimward_response_error_t *ptr);

void rimward_response_header_op_free(rimward_response_header_op_t *ptr);

void rimward_response_body_want_free(rimward_response_body_want_t *ptr);

void rimward_response_result_void_error_free(rimward_response_result_void_error_t *ptr);

void rimward_response_list_header_op_free(rimward_response_list_header_op_t *ptr);

void rimward_option_f64_free(rimward_option_f64_t *ptr);

void rimward_geo_location_free(rimward_geo_location_t *ptr);

void rimward_geo_option_location_free(rimward_geo_option_location_t *ptr);

void rimward_kv_error_free(rimward_kv_error_t *ptr);

void rimward_kv_entry_free(rimward_kv_entry_t *ptr);

void rimward_option_u64_free(rimward_option_u64_t *ptr);

void rimward_kv_write_free(rimward_kv_write_t *ptr);

void rimward_kv_page_free(rimward_kv_page_t *ptr);

extern void rimward_kv_store_drop_own(rimward_kv_own_store_t handle);

extern void rimward_kv_store_drop_borrow(rimward_kv_borrow_store_t handle);

extern rimward_kv_borrow_store_t rimward_kv_borrow_store(rimward_kv_own_store_t handle);

void rimward_kv_option_entry_free(rimward_kv_option_entry_t *ptr);

void rimward_kv_result_option_entry_error_free(rimward_kv_result_option_entry_error_t *ptr);

void rimward_kv_result_option_string_error_free(rimward_kv_result_option_string_error_t *ptr);

void rimward_option_list_u8_free(rimward_option_list_u8_t *ptr);

void rimward_list_option_list_u8_free(rimward_list_option_list_u8_t *ptr);

void rimward_kv_result_list_option_list_u8_error_free(rimward_kv_result_list_option_list_u8_error_t *ptr);

void rimward_kv_option_write_free(rimward_kv_option_write_t *ptr);

void rimward_kv_result_u64_error_free(rimward_kv_result_u64_error_t *ptr);

void rimward_kv_result_s64_error_free(rimward_kv_result_s64_error_t *ptr);

void rimward_kv_result_bool_error_free(rimward_kv_result_bool_error_t *ptr);

void rimward_kv_result_page_error_free(rimward_kv_result_page_error_t *ptr);

void rimward_kv_result_own_store_error_free(rimward_kv_result_own_store_error_t *ptr);

void rimward_secrets_error_free(rimward_secrets_error_t *ptr);

extern void rimward_secrets_secret_drop_own(rimward_secrets_own_secret_t handle);

extern void rimward_secrets_secret_drop_borrow(rimward_secrets_borrow_secret_t handle);

extern rimward_secrets_borrow_secret_t rimward_secrets_borrow_secret(rimward_secrets_own_secret_t handle);

void rimward_secrets_result_own_secret_error_free(rimward_secrets_result_own_secret_error_t *ptr);

void rimward_crypto_error_free(rimward_crypto_error_t *ptr);

void rimward_crypto_result_list_u8_error_free(rimward_crypto_result_list_u8_error_t *ptr);

void rimward_crypto_result_bool_error_free(rimward_crypto_result_bool_error_t *ptr);

void rimward_subrequest_error_free(rimward_subrequest_error_t *ptr);

void rimward_subrequest_origin_free(rimward_subrequest_origin_t *ptr);

void rimward_subrequest_outgoing_free(rimward_subrequest_outgoing_t *ptr);

void rimward_subrequest_incoming_free(rimward_subrequest_incoming_t *ptr);

extern void rimward_subrequest_pending_drop_own(rimward_subrequest_own_pending_t handle);

extern void rimward_subrequest_pending_drop_borrow(rimward_subrequest_borrow_pending_t handle);

extern rimward_subrequest_borrow_pending_t rimward_subrequest_borrow_pending(rimward_subrequest_own_pending_t handle);

void rimward_subrequest_result_incoming_error_free(rimward_subrequest_result_incoming_error_t *ptr);

void rimward_subrequest_result_own_pending_error_free(rimward_subrequest_result_own_pending_error_t *ptr);

void rimward_images_error_free(rimward_images_error_t *ptr);

void rimward_option_u8_free(rimward_option_u8_t *ptr);

void rimward_option_f32_free(rimward_option_f32_t *ptr);

void rimward_images_transform_free(rimward_images_transform_t *ptr);

void rimward_images_result_void_error_free(rimward_images_result_void_error_t *ptr);

void rimward_html_error_free(rimward_html_error_t *ptr);

void rimward_html_edit_free(rimward_html_edit_t *ptr);

void rimward_html_result_void_error_free(rimward_html_result_void_error_t *ptr);

// Sets the string `ret` to reference the input string `s` without copying it
void rimward_string_set(rimward_string_t *ret, const char*s);

// Creates a copy of the input nul-terminated string `s` and
// stores it into the component model string `ret`.
void rimward_string_dup(rimward_string_t *ret, const char*s);

// Creates a copy of the input string `s` with length `len` and
// stores it into the component model string `ret`.
// The length is specified in code units (bytes for UTF-8, 16-bit values for UTF-16).
void rimward_string_dup_n(rimward_string_t *ret, const char*s, size_t len);

// Deallocates the string pointed to by `ret`, deallocating
// the memory behind the string.
void rimward_string_free(rimward_string_t *ret);

#ifdef __cplusplus
}
#endif

#endif

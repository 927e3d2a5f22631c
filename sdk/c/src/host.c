// Made by generate.py of sdk/wit/filter.wit.
#include <stdlib.h>
#include <string.h>

#include "rimward/host.h"

// Imported Functions from `rimward:filter/request@0.1.0`

__attribute__((__import_module__("rimward:filter/request@0.1.0"), __import_name__("method")))
extern void __wasm_import_rimward_request_method(uint8_t *);

__attribute__((__import_module__("rimward:filter/request@0.1.0"), __import_name__("uri")))
extern void __wasm_import_rimward_request_uri(uint8_t *);

__attribute__((__import_module__("rimward:filter/request@0.1.0"), __import_name__("path")))
extern void __wasm_import_rimward_request_path(uint8_t *);

__attribute__((__import_module__("rimward:filter/request@0.1.0"), __import_name__("query")))
extern void __wasm_import_rimward_request_query(uint8_t *);

__attribute__((__import_module__("rimward:filter/request@0.1.0"), __import_name__("query-param")))
extern void __wasm_import_rimward_request_query_param(uint8_t *, size_t, uint8_t *);

__attribute__((__import_module__("rimward:filter/request@0.1.0"), __import_name__("scheme")))
extern void __wasm_import_rimward_request_scheme(uint8_t *);

__attribute__((__import_module__("rimward:filter/request@0.1.0"), __import_name__("host")))
extern void __wasm_import_rimward_request_host(uint8_t *);

__attribute__((__import_module__("rimward:filter/request@0.1.0"), __import_name__("http-version")))
extern void __wasm_import_rimward_request_http_version(uint8_t *);

__attribute__((__import_module__("rimward:filter/request@0.1.0"), __import_name__("header")))
extern void __wasm_import_rimward_request_header(uint8_t *, size_t, uint8_t *);

__attribute__((__import_module__("rimward:filter/request@0.1.0"), __import_name__("header-all")))
extern void __wasm_import_rimward_request_header_all(uint8_t *, size_t, uint8_t *);

__attribute__((__import_module__("rimward:filter/request@0.1.0"), __import_name__("has-header")))
extern int32_t __wasm_import_rimward_request_has_header(uint8_t *, size_t);

__attribute__((__import_module__("rimward:filter/request@0.1.0"), __import_name__("header-many")))
extern void __wasm_import_rimward_request_header_many(uint8_t *, size_t, uint8_t *);

__attribute__((__import_module__("rimward:filter/request@0.1.0"), __import_name__("header-names")))
extern void __wasm_import_rimward_request_header_names(uint8_t *);

__attribute__((__import_module__("rimward:filter/request@0.1.0"), __import_name__("headers")))
extern void __wasm_import_rimward_request_headers(uint8_t *);

__attribute__((__import_module__("rimward:filter/request@0.1.0"), __import_name__("cookie")))
extern void __wasm_import_rimward_request_cookie(uint8_t *, size_t, uint8_t *);

__attribute__((__import_module__("rimward:filter/request@0.1.0"), __import_name__("edit-headers")))
extern void __wasm_import_rimward_request_edit_headers(uint8_t *, size_t, uint8_t *);

__attribute__((__import_module__("rimward:filter/request@0.1.0"), __import_name__("set-header")))
extern void __wasm_import_rimward_request_set_header(uint8_t *, size_t, uint8_t *, size_t, uint8_t *);

__attribute__((__import_module__("rimward:filter/request@0.1.0"), __import_name__("set-uri")))
extern void __wasm_import_rimward_request_set_uri(uint8_t *, size_t, uint8_t *);

__attribute__((__import_module__("rimward:filter/request@0.1.0"), __import_name__("set-host")))
extern void __wasm_import_rimward_request_set_host(uint8_t *, size_t, uint8_t *);

__attribute__((__import_module__("rimward:filter/request@0.1.0"), __import_name__("set-origin")))
extern void __wasm_import_rimward_request_set_origin(int32_t, uint8_t *, size_t, int32_t, int32_t, int32_t, uint8_t *, size_t, uint8_t *, size_t, int32_t, int32_t, int32_t, int32_t, uint8_t *, size_t, uint8_t *);

__attribute__((__import_module__("rimward:filter/request@0.1.0"), __import_name__("chosen-origin")))
extern void __wasm_import_rimward_request_chosen_origin(uint8_t *);

__attribute__((__import_module__("rimward:filter/request@0.1.0"), __import_name__("cache-key-part")))
extern void __wasm_import_rimward_request_cache_key_part(uint8_t *, size_t, uint8_t *, size_t, uint8_t *);

__attribute__((__import_module__("rimward:filter/request@0.1.0"), __import_name__("cache-bypass")))
extern void __wasm_import_rimward_request_cache_bypass(uint8_t *);

__attribute__((__import_module__("rimward:filter/request@0.1.0"), __import_name__("want-body")))
extern void __wasm_import_rimward_request_want_body(int32_t, int32_t, uint8_t *);

// Imported Functions from `rimward:filter/response@0.1.0`

__attribute__((__import_module__("rimward:filter/response@0.1.0"), __import_name__("status")))
extern int32_t __wasm_import_rimward_response_status(void);

__attribute__((__import_module__("rimward:filter/response@0.1.0"), __import_name__("set-status")))
extern void __wasm_import_rimward_response_set_status(int32_t, uint8_t *);

__attribute__((__import_module__("rimward:filter/response@0.1.0"), __import_name__("header")))
extern void __wasm_import_rimward_response_header(uint8_t *, size_t, uint8_t *);

__attribute__((__import_module__("rimward:filter/response@0.1.0"), __import_name__("header-all")))
extern void __wasm_import_rimward_response_header_all(uint8_t *, size_t, uint8_t *);

__attribute__((__import_module__("rimward:filter/response@0.1.0"), __import_name__("has-header")))
extern int32_t __wasm_import_rimward_response_has_header(uint8_t *, size_t);

__attribute__((__import_module__("rimward:filter/response@0.1.0"), __import_name__("header-many")))
extern void __wasm_import_rimward_response_header_many(uint8_t *, size_t, uint8_t *);

__attribute__((__import_module__("rimward:filter/response@0.1.0"), __import_name__("header-names")))
extern void __wasm_import_rimward_response_header_names(uint8_t *);

__attribute__((__import_module__("rimward:filter/response@0.1.0"), __import_name__("headers")))
extern void __wasm_import_rimward_response_headers(uint8_t *);

__attribute__((__import_module__("rimward:filter/response@0.1.0"), __import_name__("edit-headers")))
extern void __wasm_import_rimward_response_edit_headers(uint8_t *, size_t, uint8_t *);

__attribute__((__import_module__("rimward:filter/response@0.1.0"), __import_name__("set-header")))
extern void __wasm_import_rimward_response_set_header(uint8_t *, size_t, uint8_t *, size_t, uint8_t *);

__attribute__((__import_module__("rimward:filter/response@0.1.0"), __import_name__("cache-result")))
extern int32_t __wasm_import_rimward_response_cache_result(void);

__attribute__((__import_module__("rimward:filter/response@0.1.0"), __import_name__("cache-for")))
extern void __wasm_import_rimward_response_cache_for(int32_t, int32_t, int32_t, uint8_t *);

__attribute__((__import_module__("rimward:filter/response@0.1.0"), __import_name__("surrogate-keys")))
extern void __wasm_import_rimward_response_surrogate_keys(uint8_t *, size_t, uint8_t *);

__attribute__((__import_module__("rimward:filter/response@0.1.0"), __import_name__("cache-never")))
extern void __wasm_import_rimward_response_cache_never(uint8_t *);

__attribute__((__import_module__("rimward:filter/response@0.1.0"), __import_name__("want-body")))
extern void __wasm_import_rimward_response_want_body(int32_t, int32_t, uint8_t *);

// Imported Functions from `rimward:filter/body@0.1.0`

__attribute__((__import_module__("rimward:filter/body@0.1.0"), __import_name__("len")))
extern int32_t __wasm_import_rimward_body_len(void);

__attribute__((__import_module__("rimward:filter/body@0.1.0"), __import_name__("offset")))
extern int64_t __wasm_import_rimward_body_offset(void);

__attribute__((__import_module__("rimward:filter/body@0.1.0"), __import_name__("is-last")))
extern int32_t __wasm_import_rimward_body_is_last(void);

__attribute__((__import_module__("rimward:filter/body@0.1.0"), __import_name__("read")))
extern void __wasm_import_rimward_body_read(int32_t, int32_t, uint8_t *);

// Imported Functions from `rimward:filter/config@0.1.0`

__attribute__((__import_module__("rimward:filter/config@0.1.0"), __import_name__("all")))
extern void __wasm_import_rimward_config_all(uint8_t *);

__attribute__((__import_module__("rimward:filter/config@0.1.0"), __import_name__("get")))
extern void __wasm_import_rimward_config_get(uint8_t *, size_t, uint8_t *);

__attribute__((__import_module__("rimward:filter/config@0.1.0"), __import_name__("generation")))
extern int64_t __wasm_import_rimward_config_generation(void);

// Imported Functions from `rimward:filter/context@0.1.0`

__attribute__((__import_module__("rimward:filter/context@0.1.0"), __import_name__("request-id")))
extern void __wasm_import_rimward_context_request_id(uint8_t *);

__attribute__((__import_module__("rimward:filter/context@0.1.0"), __import_name__("pop")))
extern void __wasm_import_rimward_context_pop(uint8_t *);

__attribute__((__import_module__("rimward:filter/context@0.1.0"), __import_name__("current-phase")))
extern int32_t __wasm_import_rimward_context_current_phase(void);

__attribute__((__import_module__("rimward:filter/context@0.1.0"), __import_name__("client-ip")))
extern void __wasm_import_rimward_context_client_ip(uint8_t *);

__attribute__((__import_module__("rimward:filter/context@0.1.0"), __import_name__("tls")))
extern void __wasm_import_rimward_context_tls(uint8_t *, size_t, uint8_t *);

__attribute__((__import_module__("rimward:filter/context@0.1.0"), __import_name__("get-var")))
extern void __wasm_import_rimward_context_get_var(uint8_t *, size_t, uint8_t *);

__attribute__((__import_module__("rimward:filter/context@0.1.0"), __import_name__("set-var")))
extern void __wasm_import_rimward_context_set_var(uint8_t *, size_t, uint8_t *, size_t);

__attribute__((__import_module__("rimward:filter/context@0.1.0"), __import_name__("budget-us")))
extern int64_t __wasm_import_rimward_context_budget_us(void);

// Imported Functions from `rimward:filter/geo@0.1.0`

__attribute__((__import_module__("rimward:filter/geo@0.1.0"), __import_name__("country")))
extern void __wasm_import_rimward_geo_country(uint8_t *);

__attribute__((__import_module__("rimward:filter/geo@0.1.0"), __import_name__("client")))
extern void __wasm_import_rimward_geo_client(uint8_t *);

__attribute__((__import_module__("rimward:filter/geo@0.1.0"), __import_name__("lookup")))
extern void __wasm_import_rimward_geo_lookup(uint8_t *, size_t, uint8_t *);

// Imported Functions from `rimward:filter/kv@0.1.0`

__attribute__((__import_module__("rimward:filter/kv@0.1.0"), __import_name__("[method]store.get")))
extern void __wasm_import_rimward_kv_method_store_get(int32_t, uint8_t *, size_t, uint8_t *);

__attribute__((__import_module__("rimward:filter/kv@0.1.0"), __import_name__("[method]store.get-text")))
extern void __wasm_import_rimward_kv_method_store_get_text(int32_t, uint8_t *, size_t, uint8_t *);

__attribute__((__import_module__("rimward:filter/kv@0.1.0"), __import_name__("[method]store.get-many")))
extern void __wasm_import_rimward_kv_method_store_get_many(int32_t, uint8_t *, size_t, uint8_t *);

__attribute__((__import_module__("rimward:filter/kv@0.1.0"), __import_name__("[method]store.put")))
extern void __wasm_import_rimward_kv_method_store_put(int32_t, uint8_t *, size_t, uint8_t *, size_t, int32_t, int32_t, int32_t, int64_t, int32_t, int32_t, int32_t, uint8_t *, size_t, uint8_t *);

__attribute__((__import_module__("rimward:filter/kv@0.1.0"), __import_name__("[method]store.increment")))
extern void __wasm_import_rimward_kv_method_store_increment(int32_t, uint8_t *, size_t, int64_t, int32_t, int32_t, uint8_t *);

__attribute__((__import_module__("rimward:filter/kv@0.1.0"), __import_name__("[method]store.delete")))
extern void __wasm_import_rimward_kv_method_store_delete(int32_t, uint8_t *, size_t, uint8_t *);

__attribute__((__import_module__("rimward:filter/kv@0.1.0"), __import_name__("[method]store.list")))
extern void __wasm_import_rimward_kv_method_store_list(int32_t, uint8_t *, size_t, int32_t, uint8_t *, size_t, int32_t, uint8_t *);

__attribute__((__import_module__("rimward:filter/kv@0.1.0"), __import_name__("open")))
extern void __wasm_import_rimward_kv_open(uint8_t *, size_t, uint8_t *);

// Imported Functions from `rimward:filter/secrets@0.1.0`

__attribute__((__import_module__("rimward:filter/secrets@0.1.0"), __import_name__("[method]secret.reveal")))
extern void __wasm_import_rimward_secrets_method_secret_reveal(int32_t, uint8_t *);

__attribute__((__import_module__("rimward:filter/secrets@0.1.0"), __import_name__("get")))
extern void __wasm_import_rimward_secrets_get(uint8_t *, size_t, uint8_t *);

// Imported Functions from `rimward:filter/crypto@0.1.0`

__attribute__((__import_module__("rimward:filter/crypto@0.1.0"), __import_name__("sha256")))
extern void __wasm_import_rimward_crypto_sha256(uint8_t *, size_t, uint8_t *);

__attribute__((__import_module__("rimward:filter/crypto@0.1.0"), __import_name__("sign")))
extern void __wasm_import_rimward_crypto_sign(int32_t, int32_t, uint8_t *, size_t, uint8_t *);

__attribute__((__import_module__("rimward:filter/crypto@0.1.0"), __import_name__("verify")))
extern void __wasm_import_rimward_crypto_verify(int32_t, int32_t, uint8_t *, size_t, uint8_t *, size_t, uint8_t *);

// Imported Functions from `rimward:filter/subrequest@0.1.0`

__attribute__((__import_module__("rimward:filter/subrequest@0.1.0"), __import_name__("[method]pending.wait")))
extern void __wasm_import_rimward_subrequest_method_pending_wait(int32_t, uint8_t *);

__attribute__((__import_module__("rimward:filter/subrequest@0.1.0"), __import_name__("send")))
extern void __wasm_import_rimward_subrequest_send(uint8_t *, uint8_t *);

__attribute__((__import_module__("rimward:filter/subrequest@0.1.0"), __import_name__("start")))
extern void __wasm_import_rimward_subrequest_start(uint8_t *, uint8_t *);

// Imported Functions from `rimward:filter/log@0.1.0`

__attribute__((__import_module__("rimward:filter/log@0.1.0"), __import_name__("enabled")))
extern int32_t __wasm_import_rimward_log_enabled(int32_t);

__attribute__((__import_module__("rimward:filter/log@0.1.0"), __import_name__("write")))
extern void __wasm_import_rimward_log_write(int32_t, uint8_t *, size_t);

__attribute__((__import_module__("rimward:filter/log@0.1.0"), __import_name__("field")))
extern void __wasm_import_rimward_log_field(uint8_t *, size_t, uint8_t *, size_t);

// Imported Functions from `rimward:filter/metrics@0.1.0`

__attribute__((__import_module__("rimward:filter/metrics@0.1.0"), __import_name__("count")))
extern void __wasm_import_rimward_metrics_count(uint8_t *, size_t, int64_t);

__attribute__((__import_module__("rimward:filter/metrics@0.1.0"), __import_name__("observe")))
extern void __wasm_import_rimward_metrics_observe(uint8_t *, size_t, double);

// Imported Functions from `rimward:filter/clock@0.1.0`

__attribute__((__import_module__("rimward:filter/clock@0.1.0"), __import_name__("now-ms")))
extern int64_t __wasm_import_rimward_clock_now_ms(void);

__attribute__((__import_module__("rimward:filter/clock@0.1.0"), __import_name__("random-u64")))
extern int64_t __wasm_import_rimward_clock_random_u64(void);

__attribute__((__import_module__("rimward:filter/clock@0.1.0"), __import_name__("bucket")))
extern int32_t __wasm_import_rimward_clock_bucket(uint8_t *, size_t, uint8_t *, size_t, int32_t);

// Imported Functions from `rimward:filter/images@0.1.0`

__attribute__((__import_module__("rimward:filter/images@0.1.0"), __import_name__("apply")))
extern void __wasm_import_rimward_images_apply(int32_t, int32_t, int32_t, int32_t, int32_t, uint8_t *, size_t, int32_t, uint8_t *, size_t, int32_t, int32_t, int32_t, float, uint8_t *);

// Imported Functions from `rimward:filter/html@0.1.0`

__attribute__((__import_module__("rimward:filter/html@0.1.0"), __import_name__("rule")))
extern void __wasm_import_rimward_html_rule(uint8_t *, size_t, int32_t, uint8_t *, size_t, uint8_t *, size_t, uint8_t *);

// Imported Functions from `rimward:filter/text@0.1.0`

__attribute__((__import_module__("rimward:filter/text@0.1.0"), __import_name__("encode")))
extern void __wasm_import_rimward_text_encode(uint8_t *, size_t, uint8_t *);

__attribute__((__import_module__("rimward:filter/text@0.1.0"), __import_name__("decode")))
extern void __wasm_import_rimward_text_decode(uint8_t *, size_t, uint8_t *);

// Canonical ABI intrinsics

__attribute__((__weak__, __export_name__("cabi_realloc")))
void *cabi_realloc(void *ptr, size_t old_size, size_t align, size_t new_size) {
  (void) old_size;
  if (new_size == 0) return (void*) align;
  void *ret = realloc(ptr, new_size);
  if (!ret) abort();
  return ret;
}

// Helper Functions

void rimward_error_free(rimward_error_t *ptr) {
  switch ((int32_t) ptr->tag) {
    case 3: {
      rimward_string_free(&ptr->val.invalid);
      break;
    }
    case 4: {
      rimward_string_free(&ptr->val.no_such);
      break;
    }
    case 5: {
      rimward_string_free(&ptr->val.denied);
      break;
    }
    case 6: {
      rimward_string_free(&ptr->val.limit);
      break;
    }
    case 8: {
      rimward_string_free(&ptr->val.unavailable);
      break;
    }
    case 9: {
      rimward_string_free(&ptr->val.other);
      break;
    }
  }
}

void rimward_tuple2_string_string_free(rimward_tuple2_string_string_t *ptr) {
  rimward_string_free(&ptr->f0);
  rimward_string_free(&ptr->f1);
}

void rimward_header_op_free(rimward_header_op_t *ptr) {
  switch ((int32_t) ptr->tag) {
    case 0: {
      rimward_tuple2_string_string_free(&ptr->val.set);
      break;
    }
    case 1: {
      rimward_tuple2_string_string_free(&ptr->val.append);
      break;
    }
    case 2: {
      rimward_string_free(&ptr->val.remove);
      break;
    }
  }
}

void rimward_body_want_free(rimward_body_want_t *ptr) {
  switch ((int32_t) ptr->tag) {
    case 2: {
      break;
    }
  }
}

void rimward_list_u8_free(rimward_list_u8_t *ptr) {
  size_t list_len = ptr->len;
  if (list_len > 0) {
    uint8_t *list_ptr = ptr->ptr;
    for (size_t i = 0; i < list_len; i++) {
    }
    free(list_ptr);
  }
}

void rimward_chunk_verdict_free(rimward_chunk_verdict_t *ptr) {
  switch ((int32_t) ptr->tag) {
    case 1: {
      rimward_list_u8_free(&ptr->val.replace);
      break;
    }
  }
}

void rimward_list_tuple2_string_string_free(rimward_list_tuple2_string_string_t *ptr) {
  size_t list_len = ptr->len;
  if (list_len > 0) {
    rimward_tuple2_string_string_t *list_ptr = ptr->ptr;
    for (size_t i = 0; i < list_len; i++) {
      rimward_tuple2_string_string_free(&list_ptr[i]);
    }
    free(list_ptr);
  }
}

void rimward_option_u32_free(rimward_option_u32_t *ptr) {
  if (ptr->is_some) {
  }
}

void rimward_synthetic_free(rimward_synthetic_t *ptr) {
  rimward_list_tuple2_string_string_free(&ptr->headers);
  rimward_list_u8_free(&ptr->body);
  rimward_option_u32_free(&ptr->cache_ttl);
}

void rimward_verdict_free(rimward_verdict_t *ptr) {
  switch ((int32_t) ptr->tag) {
    case 1: {
      rimward_synthetic_free(&ptr->val.respond);
      break;
    }
    case 2: {
      rimward_list_u8_free(&ptr->val.replace_body);
      break;
    }
  }
}

void rimward_option_string_free(rimward_option_string_t *ptr) {
  if (ptr->is_some) {
    rimward_string_free(&ptr->val);
  }
}

void rimward_custom_origin_free(rimward_custom_origin_t *ptr) {
  rimward_string_free(&ptr->host);
  rimward_option_string_free(&ptr->sni);
  rimward_string_free(&ptr->path_prefix);
  rimward_option_u32_free(&ptr->connect_timeout_ms);
  rimward_option_u32_free(&ptr->read_timeout_ms);
  rimward_list_tuple2_string_string_free(&ptr->headers);
}

void rimward_origin_free(rimward_origin_t *ptr) {
  switch ((int32_t) ptr->tag) {
    case 0: {
      rimward_string_free(&ptr->val.named);
      break;
    }
    case 1: {
      rimward_custom_origin_free(&ptr->val.custom);
      break;
    }
  }
}

void rimward_request_error_free(rimward_request_error_t *ptr) {
  rimward_error_free(ptr);
}

void rimward_request_header_op_free(rimward_request_header_op_t *ptr) {
  rimward_header_op_free(ptr);
}

void rimward_request_body_want_free(rimward_request_body_want_t *ptr) {
  rimward_body_want_free(ptr);
}

void rimward_request_origin_free(rimward_request_origin_t *ptr) {
  rimward_origin_free(ptr);
}

void rimward_list_list_u8_free(rimward_list_list_u8_t *ptr) {
  size_t list_len = ptr->len;
  if (list_len > 0) {
    rimward_list_u8_t *list_ptr = ptr->ptr;
    for (size_t i = 0; i < list_len; i++) {
      rimward_list_u8_free(&list_ptr[i]);
    }
    free(list_ptr);
  }
}

void rimward_list_string_free(rimward_list_string_t *ptr) {
  size_t list_len = ptr->len;
  if (list_len > 0) {
    rimward_string_t *list_ptr = ptr->ptr;
    for (size_t i = 0; i < list_len; i++) {
      rimward_string_free(&list_ptr[i]);
    }
    free(list_ptr);
  }
}

void rimward_list_option_string_free(rimward_list_option_string_t *ptr) {
  size_t list_len = ptr->len;
  if (list_len > 0) {
    rimward_option_string_t *list_ptr = ptr->ptr;
    for (size_t i = 0; i < list_len; i++) {
      rimward_option_string_free(&list_ptr[i]);
    }
    free(list_ptr);
  }
}

void rimward_tuple2_string_list_u8_free(rimward_tuple2_string_list_u8_t *ptr) {
  rimward_string_free(&ptr->f0);
  rimward_list_u8_free(&ptr->f1);
}

void rimward_list_tuple2_string_list_u8_free(rimward_list_tuple2_string_list_u8_t *ptr) {
  size_t list_len = ptr->len;
  if (list_len > 0) {
    rimward_tuple2_string_list_u8_t *list_ptr = ptr->ptr;
    for (size_t i = 0; i < list_len; i++) {
      rimward_tuple2_string_list_u8_free(&list_ptr[i]);
    }
    free(list_ptr);
  }
}

void rimward_request_list_header_op_free(rimward_request_list_header_op_t *ptr) {
  size_t list_len = ptr->len;
  if (list_len > 0) {
    rimward_request_header_op_t *list_ptr = ptr->ptr;
    for (size_t i = 0; i < list_len; i++) {
      rimward_request_header_op_free(&list_ptr[i]);
    }
    free(list_ptr);
  }
}

void rimward_request_result_void_error_free(rimward_request_result_void_error_t *ptr) {
  if (!ptr->is_err) {
  } else {
    rimward_request_error_free(&ptr->val.err);
  }
}

void rimward_response_error_free(rimward_response_error_t *ptr) {
  rimward_error_free(ptr);
}

void rimward_response_header_op_free(rimward_response_header_op_t *ptr) {
  rimward_header_op_free(ptr);
}

void rimward_response_body_want_free(rimward_response_body_want_t *ptr) {
  rimward_body_want_free(ptr);
}

void rimward_response_result_void_error_free(rimward_response_result_void_error_t *ptr) {
  if (!ptr->is_err) {
  } else {
    rimward_response_error_free(&ptr->val.err);
  }
}

void rimward_response_list_header_op_free(rimward_response_list_header_op_t *ptr) {
  size_t list_len = ptr->len;
  if (list_len > 0) {
    rimward_response_header_op_t *list_ptr = ptr->ptr;
    for (size_t i = 0; i < list_len; i++) {
      rimward_response_header_op_free(&list_ptr[i]);
    }
    free(list_ptr);
  }
}

void rimward_option_f64_free(rimward_option_f64_t *ptr) {
  if (ptr->is_some) {
  }
}

void rimward_geo_location_free(rimward_geo_location_t *ptr) {
  rimward_option_string_free(&ptr->country);
  rimward_option_string_free(&ptr->country_name);
  rimward_option_string_free(&ptr->continent);
  rimward_option_string_free(&ptr->region_code);
  rimward_option_string_free(&ptr->region);
  rimward_option_string_free(&ptr->city);
  rimward_option_string_free(&ptr->postal_code);
  rimward_option_string_free(&ptr->metro_code);
  rimward_option_f64_free(&ptr->latitude);
  rimward_option_f64_free(&ptr->longitude);
  rimward_option_string_free(&ptr->timezone);
  rimward_option_u32_free(&ptr->asn);
  rimward_option_string_free(&ptr->as_organization);
}

void rimward_geo_option_location_free(rimward_geo_option_location_t *ptr) {
  if (ptr->is_some) {
    rimward_geo_location_free(&ptr->val);
  }
}

void rimward_kv_error_free(rimward_kv_error_t *ptr) {
  rimward_error_free(ptr);
}

void rimward_kv_entry_free(rimward_kv_entry_t *ptr) {
  rimward_list_u8_free(&ptr->value);
  rimward_option_string_free(&ptr->metadata);
  rimward_option_u32_free(&ptr->ttl_s);
}

void rimward_option_u64_free(rimward_option_u64_t *ptr) {
  if (ptr->is_some) {
  }
}

void rimward_kv_write_free(rimward_kv_write_t *ptr) {
  rimward_option_u64_free(&ptr->if_generation);
  rimward_option_u32_free(&ptr->ttl_s);
  rimward_option_string_free(&ptr->metadata);
}

void rimward_kv_page_free(rimward_kv_page_t *ptr) {
  rimward_list_string_free(&ptr->keys);
  rimward_option_string_free(&ptr->cursor);
}

__attribute__((__import_module__("rimward:filter/kv@0.1.0"), __import_name__("[resource-drop]store")))
extern void __wasm_import_rimward_kv_store_drop(int32_t handle);

void rimward_kv_store_drop_own(rimward_kv_own_store_t handle) {
  __wasm_import_rimward_kv_store_drop(handle.__handle);
}

void rimward_kv_store_drop_borrow(rimward_kv_borrow_store_t handle) {
  __wasm_import_rimward_kv_store_drop(handle.__handle);
}

rimward_kv_borrow_store_t rimward_kv_borrow_store(rimward_kv_own_store_t arg) {
  return (rimward_kv_borrow_store_t) { arg.__handle };
}

void rimward_kv_option_entry_free(rimward_kv_option_entry_t *ptr) {
  if (ptr->is_some) {
    rimward_kv_entry_free(&ptr->val);
  }
}

void rimward_kv_result_option_entry_error_free(rimward_kv_result_option_entry_error_t *ptr) {
  if (!ptr->is_err) {
    rimward_kv_option_entry_free(&ptr->val.ok);
  } else {
    rimward_kv_error_free(&ptr->val.err);
  }
}

void rimward_kv_result_option_string_error_free(rimward_kv_result_option_string_error_t *ptr) {
  if (!ptr->is_err) {
    rimward_option_string_free(&ptr->val.ok);
  } else {
    rimward_kv_error_free(&ptr->val.err);
  }
}

void rimward_option_list_u8_free(rimward_option_list_u8_t *ptr) {
  if (ptr->is_some) {
    rimward_list_u8_free(&ptr->val);
  }
}

void rimward_list_option_list_u8_free(rimward_list_option_list_u8_t *ptr) {
  size_t list_len = ptr->len;
  if (list_len > 0) {
    rimward_option_list_u8_t *list_ptr = ptr->ptr;
    for (size_t i = 0; i < list_len; i++) {
      rimward_option_list_u8_free(&list_ptr[i]);
    }
    free(list_ptr);
  }
}

void rimward_kv_result_list_option_list_u8_error_free(rimward_kv_result_list_option_list_u8_error_t *ptr) {
  if (!ptr->is_err) {
    rimward_list_option_list_u8_free(&ptr->val.ok);
  } else {
    rimward_kv_error_free(&ptr->val.err);
  }
}

void rimward_kv_option_write_free(rimward_kv_option_write_t *ptr) {
  if (ptr->is_some) {
    rimward_kv_write_free(&ptr->val);
  }
}

void rimward_kv_result_u64_error_free(rimward_kv_result_u64_error_t *ptr) {
  if (!ptr->is_err) {
  } else {
    rimward_kv_error_free(&ptr->val.err);
  }
}

void rimward_kv_result_s64_error_free(rimward_kv_result_s64_error_t *ptr) {
  if (!ptr->is_err) {
  } else {
    rimward_kv_error_free(&ptr->val.err);
  }
}

void rimward_kv_result_bool_error_free(rimward_kv_result_bool_error_t *ptr) {
  if (!ptr->is_err) {
  } else {
    rimward_kv_error_free(&ptr->val.err);
  }
}

void rimward_kv_result_page_error_free(rimward_kv_result_page_error_t *ptr) {
  if (!ptr->is_err) {
    rimward_kv_page_free(&ptr->val.ok);
  } else {
    rimward_kv_error_free(&ptr->val.err);
  }
}

void rimward_kv_result_own_store_error_free(rimward_kv_result_own_store_error_t *ptr) {
  if (!ptr->is_err) {
  } else {
    rimward_kv_error_free(&ptr->val.err);
  }
}

void rimward_secrets_error_free(rimward_secrets_error_t *ptr) {
  rimward_error_free(ptr);
}

__attribute__((__import_module__("rimward:filter/secrets@0.1.0"), __import_name__("[resource-drop]secret")))
extern void __wasm_import_rimward_secrets_secret_drop(int32_t handle);

void rimward_secrets_secret_drop_own(rimward_secrets_own_secret_t handle) {
  __wasm_import_rimward_secrets_secret_drop(handle.__handle);
}

void rimward_secrets_secret_drop_borrow(rimward_secrets_borrow_secret_t handle) {
  __wasm_import_rimward_secrets_secret_drop(handle.__handle);
}

rimward_secrets_borrow_secret_t rimward_secrets_borrow_secret(rimward_secrets_own_secret_t arg) {
  return (rimward_secrets_borrow_secret_t) { arg.__handle };
}

void rimward_secrets_result_own_secret_error_free(rimward_secrets_result_own_secret_error_t *ptr) {
  if (!ptr->is_err) {
  } else {
    rimward_secrets_error_free(&ptr->val.err);
  }
}

void rimward_crypto_error_free(rimward_crypto_error_t *ptr) {
  rimward_error_free(ptr);
}

void rimward_crypto_result_list_u8_error_free(rimward_crypto_result_list_u8_error_t *ptr) {
  if (!ptr->is_err) {
    rimward_list_u8_free(&ptr->val.ok);
  } else {
    rimward_crypto_error_free(&ptr->val.err);
  }
}

void rimward_crypto_result_bool_error_free(rimward_crypto_result_bool_error_t *ptr) {
  if (!ptr->is_err) {
  } else {
    rimward_crypto_error_free(&ptr->val.err);
  }
}

void rimward_subrequest_error_free(rimward_subrequest_error_t *ptr) {
  rimward_error_free(ptr);
}

void rimward_subrequest_origin_free(rimward_subrequest_origin_t *ptr) {
  rimward_origin_free(ptr);
}

void rimward_subrequest_outgoing_free(rimward_subrequest_outgoing_t *ptr) {
  rimward_string_free(&ptr->method);
  rimward_string_free(&ptr->uri);
  rimward_list_tuple2_string_string_free(&ptr->headers);
  rimward_list_u8_free(&ptr->body);
  rimward_subrequest_origin_free(&ptr->to);
}

void rimward_subrequest_incoming_free(rimward_subrequest_incoming_t *ptr) {
  rimward_list_tuple2_string_string_free(&ptr->headers);
  rimward_list_u8_free(&ptr->body);
}

__attribute__((__import_module__("rimward:filter/subrequest@0.1.0"), __import_name__("[resource-drop]pending")))
extern void __wasm_import_rimward_subrequest_pending_drop(int32_t handle);

void rimward_subrequest_pending_drop_own(rimward_subrequest_own_pending_t handle) {
  __wasm_import_rimward_subrequest_pending_drop(handle.__handle);
}

void rimward_subrequest_pending_drop_borrow(rimward_subrequest_borrow_pending_t handle) {
  __wasm_import_rimward_subrequest_pending_drop(handle.__handle);
}

rimward_subrequest_borrow_pending_t rimward_subrequest_borrow_pending(rimward_subrequest_own_pending_t arg) {
  return (rimward_subrequest_borrow_pending_t) { arg.__handle };
}

void rimward_subrequest_result_incoming_error_free(rimward_subrequest_result_incoming_error_t *ptr) {
  if (!ptr->is_err) {
    rimward_subrequest_incoming_free(&ptr->val.ok);
  } else {
    rimward_subrequest_error_free(&ptr->val.err);
  }
}

void rimward_subrequest_result_own_pending_error_free(rimward_subrequest_result_own_pending_error_t *ptr) {
  if (!ptr->is_err) {
  } else {
    rimward_subrequest_error_free(&ptr->val.err);
  }
}

void rimward_images_error_free(rimward_images_error_t *ptr) {
  rimward_error_free(ptr);
}

void rimward_option_u8_free(rimward_option_u8_t *ptr) {
  if (ptr->is_some) {
  }
}

void rimward_option_f32_free(rimward_option_f32_t *ptr) {
  if (ptr->is_some) {
  }
}

void rimward_images_transform_free(rimward_images_transform_t *ptr) {
  rimward_option_u32_free(&ptr->width);
  rimward_option_u32_free(&ptr->height);
  rimward_option_string_free(&ptr->fit);
  rimward_option_string_free(&ptr->format);
  rimward_option_u8_free(&ptr->quality);
  rimward_option_f32_free(&ptr->dpr);
}

void rimward_images_result_void_error_free(rimward_images_result_void_error_t *ptr) {
  if (!ptr->is_err) {
  } else {
    rimward_images_error_free(&ptr->val.err);
  }
}

void rimward_html_error_free(rimward_html_error_t *ptr) {
  rimward_error_free(ptr);
}

void rimward_html_edit_free(rimward_html_edit_t *ptr) {
  switch ((int32_t) ptr->tag) {
    case 0: {
      rimward_tuple2_string_string_free(&ptr->val.set_attribute);
      break;
    }
    case 2: {
      rimward_string_free(&ptr->val.append_html);
      break;
    }
    case 3: {
      rimward_string_free(&ptr->val.prepend_html);
      break;
    }
    case 4: {
      rimward_string_free(&ptr->val.set_inner);
      break;
    }
  }
}

void rimward_html_result_void_error_free(rimward_html_result_void_error_t *ptr) {
  if (!ptr->is_err) {
  } else {
    rimward_html_error_free(&ptr->val.err);
  }
}

void rimward_string_set(rimward_string_t *ret, const char*s) {
  ret->ptr = (uint8_t*) s;
  ret->len = strlen(s);
}

void rimward_string_dup(rimward_string_t *ret, const char*s) {
  ret->len = strlen(s);
  ret->ptr = (uint8_t*) cabi_realloc(NULL, 0, 1, ret->len * 1);
  memcpy(ret->ptr, s, ret->len * 1);
}

void rimward_string_dup_n(rimward_string_t *ret, const char*s, size_t len) {
  ret->len = len;
  ret->ptr = (uint8_t*) cabi_realloc(NULL, 0, 1, ret->len * 1);
  memcpy(ret->ptr, s, ret->len * 1);
}

void rimward_string_free(rimward_string_t *ret) {
  if (ret->len > 0) {
    free(ret->ptr);
  }
  ret->ptr = NULL;
  ret->len = 0;
}

// Component Adapters

void rimward_request_method(rimward_string_t *ret) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(2*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_request_method(ptr);
  *ret = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + 0))), (*((size_t*) (ptr + sizeof(void*)))) };
}

void rimward_request_uri(rimward_string_t *ret) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(2*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_request_uri(ptr);
  *ret = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + 0))), (*((size_t*) (ptr + sizeof(void*)))) };
}

void rimward_request_path(rimward_string_t *ret) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(2*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_request_path(ptr);
  *ret = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + 0))), (*((size_t*) (ptr + sizeof(void*)))) };
}

bool rimward_request_query(rimward_string_t *ret) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(3*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_request_query(ptr);
  rimward_option_string_t option;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      option.is_some = false;
      break;
    }
    case 1: {
      option.is_some = true;
      option.val = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + sizeof(void*)))), (*((size_t*) (ptr + (2*sizeof(void*))))) };
      break;
    }
  }
  *ret = option.val;
  return option.is_some;
}

bool rimward_request_query_param(rimward_string_t *name, rimward_string_t *ret) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(3*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_request_query_param((uint8_t *) (*name).ptr, (*name).len, ptr);
  rimward_option_string_t option;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      option.is_some = false;
      break;
    }
    case 1: {
      option.is_some = true;
      option.val = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + sizeof(void*)))), (*((size_t*) (ptr + (2*sizeof(void*))))) };
      break;
    }
  }
  *ret = option.val;
  return option.is_some;
}

void rimward_request_scheme(rimward_string_t *ret) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(2*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_request_scheme(ptr);
  *ret = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + 0))), (*((size_t*) (ptr + sizeof(void*)))) };
}

void rimward_request_host(rimward_string_t *ret) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(2*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_request_host(ptr);
  *ret = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + 0))), (*((size_t*) (ptr + sizeof(void*)))) };
}

void rimward_request_http_version(rimward_string_t *ret) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(2*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_request_http_version(ptr);
  *ret = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + 0))), (*((size_t*) (ptr + sizeof(void*)))) };
}

bool rimward_request_header(rimward_string_t *name, rimward_string_t *ret) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(3*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_request_header((uint8_t *) (*name).ptr, (*name).len, ptr);
  rimward_option_string_t option;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      option.is_some = false;
      break;
    }
    case 1: {
      option.is_some = true;
      option.val = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + sizeof(void*)))), (*((size_t*) (ptr + (2*sizeof(void*))))) };
      break;
    }
  }
  *ret = option.val;
  return option.is_some;
}

void rimward_request_header_all(rimward_string_t *name, rimward_list_list_u8_t *ret) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(2*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_request_header_all((uint8_t *) (*name).ptr, (*name).len, ptr);
  *ret = (rimward_list_list_u8_t) { (rimward_list_u8_t*)(*((uint8_t **) (ptr + 0))), (*((size_t*) (ptr + sizeof(void*)))) };
}

bool rimward_request_has_header(rimward_string_t *name) {
  int32_t ret = __wasm_import_rimward_request_has_header((uint8_t *) (*name).ptr, (*name).len);
  return ret;
}

void rimward_request_header_many(rimward_list_string_t *names, rimward_list_option_string_t *ret) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(2*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_request_header_many((uint8_t *) (*names).ptr, (*names).len, ptr);
  *ret = (rimward_list_option_string_t) { (rimward_option_string_t*)(*((uint8_t **) (ptr + 0))), (*((size_t*) (ptr + sizeof(void*)))) };
}

void rimward_request_header_names(rimward_list_string_t *ret) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(2*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_request_header_names(ptr);
  *ret = (rimward_list_string_t) { (rimward_string_t*)(*((uint8_t **) (ptr + 0))), (*((size_t*) (ptr + sizeof(void*)))) };
}

void rimward_request_headers(rimward_list_tuple2_string_list_u8_t *ret) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(2*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_request_headers(ptr);
  *ret = (rimward_list_tuple2_string_list_u8_t) { (rimward_tuple2_string_list_u8_t*)(*((uint8_t **) (ptr + 0))), (*((size_t*) (ptr + sizeof(void*)))) };
}

bool rimward_request_cookie(rimward_string_t *name, rimward_string_t *ret) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(3*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_request_cookie((uint8_t *) (*name).ptr, (*name).len, ptr);
  rimward_option_string_t option;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      option.is_some = false;
      break;
    }
    case 1: {
      option.is_some = true;
      option.val = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + sizeof(void*)))), (*((size_t*) (ptr + (2*sizeof(void*))))) };
      break;
    }
  }
  *ret = option.val;
  return option.is_some;
}

bool rimward_request_edit_headers(rimward_request_list_header_op_t *ops, rimward_request_error_t *err) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(4*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_request_edit_headers((uint8_t *) (*ops).ptr, (*ops).len, ptr);
  rimward_request_result_void_error_t result;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      result.is_err = false;
      break;
    }
    case 1: {
      result.is_err = true;
      rimward_error_t variant;
      variant.tag = (int32_t) *((uint8_t*) (ptr + sizeof(void*)));
      switch ((int32_t) variant.tag) {
        case 0: {
          break;
        }
        case 1: {
          break;
        }
        case 2: {
          break;
        }
        case 3: {
          variant.val.invalid = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 4: {
          variant.val.no_such = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 5: {
          variant.val.denied = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 6: {
          variant.val.limit = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 7: {
          break;
        }
        case 8: {
          variant.val.unavailable = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 9: {
          variant.val.other = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
      }

      result.val.err = variant;
      break;
    }
  }
  if (!result.is_err) {
    return 1;
  } else {
    *err = result.val.err;
    return 0;
  }
}

bool rimward_request_set_header(rimward_string_t *name, rimward_string_t *value, rimward_request_error_t *err) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(4*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_request_set_header((uint8_t *) (*name).ptr, (*name).len, (uint8_t *) (*value).ptr, (*value).len, ptr);
  rimward_request_result_void_error_t result;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      result.is_err = false;
      break;
    }
    case 1: {
      result.is_err = true;
      rimward_error_t variant;
      variant.tag = (int32_t) *((uint8_t*) (ptr + sizeof(void*)));
      switch ((int32_t) variant.tag) {
        case 0: {
          break;
        }
        case 1: {
          break;
        }
        case 2: {
          break;
        }
        case 3: {
          variant.val.invalid = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 4: {
          variant.val.no_such = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 5: {
          variant.val.denied = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 6: {
          variant.val.limit = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 7: {
          break;
        }
        case 8: {
          variant.val.unavailable = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 9: {
          variant.val.other = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
      }

      result.val.err = variant;
      break;
    }
  }
  if (!result.is_err) {
    return 1;
  } else {
    *err = result.val.err;
    return 0;
  }
}

bool rimward_request_set_uri(rimward_string_t *path_and_query, rimward_request_error_t *err) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(4*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_request_set_uri((uint8_t *) (*path_and_query).ptr, (*path_and_query).len, ptr);
  rimward_request_result_void_error_t result;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      result.is_err = false;
      break;
    }
    case 1: {
      result.is_err = true;
      rimward_error_t variant;
      variant.tag = (int32_t) *((uint8_t*) (ptr + sizeof(void*)));
      switch ((int32_t) variant.tag) {
        case 0: {
          break;
        }
        case 1: {
          break;
        }
        case 2: {
          break;
        }
        case 3: {
          variant.val.invalid = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 4: {
          variant.val.no_such = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 5: {
          variant.val.denied = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 6: {
          variant.val.limit = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 7: {
          break;
        }
        case 8: {
          variant.val.unavailable = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 9: {
          variant.val.other = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
      }

      result.val.err = variant;
      break;
    }
  }
  if (!result.is_err) {
    return 1;
  } else {
    *err = result.val.err;
    return 0;
  }
}

bool rimward_request_set_host(rimward_string_t *host, rimward_request_error_t *err) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(4*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_request_set_host((uint8_t *) (*host).ptr, (*host).len, ptr);
  rimward_request_result_void_error_t result;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      result.is_err = false;
      break;
    }
    case 1: {
      result.is_err = true;
      rimward_error_t variant;
      variant.tag = (int32_t) *((uint8_t*) (ptr + sizeof(void*)));
      switch ((int32_t) variant.tag) {
        case 0: {
          break;
        }
        case 1: {
          break;
        }
        case 2: {
          break;
        }
        case 3: {
          variant.val.invalid = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 4: {
          variant.val.no_such = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 5: {
          variant.val.denied = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 6: {
          variant.val.limit = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 7: {
          break;
        }
        case 8: {
          variant.val.unavailable = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 9: {
          variant.val.other = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
      }

      result.val.err = variant;
      break;
    }
  }
  if (!result.is_err) {
    return 1;
  } else {
    *err = result.val.err;
    return 0;
  }
}

bool rimward_request_set_origin(rimward_request_origin_t *to, rimward_request_error_t *err) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(4*sizeof(void*))];
  int32_t variant;
  uint8_t * variant13;
  size_t variant14;
  int32_t variant15;
  int32_t variant16;
  int32_t variant17;
  uint8_t * variant18;
  size_t variant19;
  uint8_t * variant20;
  size_t variant21;
  int32_t variant22;
  int32_t variant23;
  int32_t variant24;
  int32_t variant25;
  uint8_t * variant26;
  size_t variant27;
  switch ((int32_t) (*to).tag) {
    case 0: {
      const rimward_string_t *payload = &(*to).val.named;
      variant = 0;
      variant13 = (uint8_t *) (*payload).ptr;
      variant14 = (*payload).len;
      variant15 = 0;
      variant16 = 0;
      variant17 = 0;
      variant18 = 0;
      variant19 = 0;
      variant20 = 0;
      variant21 = 0;
      variant22 = 0;
      variant23 = 0;
      variant24 = 0;
      variant25 = 0;
      variant26 = 0;
      variant27 = 0;
      break;
    }
    case 1: {
      const rimward_custom_origin_t *payload0 = &(*to).val.custom;
      int32_t option;
      uint8_t * option3;
      size_t option4;
      if (((*payload0).sni).is_some) {
        const rimward_string_t *payload2 = &((*payload0).sni).val;
        option = 1;
        option3 = (uint8_t *) (*payload2).ptr;
        option4 = (*payload2).len;
      } else {
        option = 0;
        option3 = 0;
        option4 = 0;
      }
      int32_t option7;
      int32_t option8;
      if (((*payload0).connect_timeout_ms).is_some) {
        const uint32_t *payload6 = &((*payload0).connect_timeout_ms).val;
        option7 = 1;
        option8 = (int32_t) (*payload6);
      } else {
        option7 = 0;
        option8 = 0;
      }
      int32_t option11;
      int32_t option12;
      if (((*payload0).read_timeout_ms).is_some) {
        const uint32_t *payload10 = &((*payload0).read_timeout_ms).val;
        option11 = 1;
        option12 = (int32_t) (*payload10);
      } else {
        option11 = 0;
        option12 = 0;
      }
      variant = 1;
      variant13 = (uint8_t *) ((*payload0).host).ptr;
      variant14 = ((*payload0).host).len;
      variant15 = (int32_t) ((*payload0).port);
      variant16 = (*payload0).tls;
      variant17 = option;
      variant18 = option3;
      variant19 = option4;
      variant20 = (uint8_t *) ((*payload0).path_prefix).ptr;
      variant21 = ((*payload0).path_prefix).len;
      variant22 = option7;
      variant23 = option8;
      variant24 = option11;
      variant25 = option12;
      variant26 = (uint8_t *) ((*payload0).headers).ptr;
      variant27 = ((*payload0).headers).len;
      break;
    }
  }
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_request_set_origin(variant, variant13, variant14, variant15, variant16, variant17, variant18, variant19, variant20, variant21, variant22, variant23, variant24, variant25, variant26, variant27, ptr);
  rimward_request_result_void_error_t result;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      result.is_err = false;
      break;
    }
    case 1: {
      result.is_err = true;
      rimward_error_t variant28;
      variant28.tag = (int32_t) *((uint8_t*) (ptr + sizeof(void*)));
      switch ((int32_t) variant28.tag) {
        case 0: {
          break;
        }
        case 1: {
          break;
        }
        case 2: {
          break;
        }
        case 3: {
          variant28.val.invalid = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 4: {
          variant28.val.no_such = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 5: {
          variant28.val.denied = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 6: {
          variant28.val.limit = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 7: {
          break;
        }
        case 8: {
          variant28.val.unavailable = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 9: {
          variant28.val.other = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
      }

      result.val.err = variant28;
      break;
    }
  }
  if (!result.is_err) {
    return 1;
  } else {
    *err = result.val.err;
    return 0;
  }
}

void rimward_request_chosen_origin(rimward_request_origin_t *ret) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(16+11*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_request_chosen_origin(ptr);
  rimward_origin_t variant;
  variant.tag = (int32_t) *((uint8_t*) (ptr + 0));
  switch ((int32_t) variant.tag) {
    case 0: {
      variant.val.named = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + sizeof(void*)))), (*((size_t*) (ptr + (2*sizeof(void*))))) };
      break;
    }
    case 1: {
      rimward_option_string_t option;
      switch ((int32_t) *((uint8_t*) (ptr + (4*sizeof(void*))))) {
        case 0: {
          option.is_some = false;
          break;
        }
        case 1: {
          option.is_some = true;
          option.val = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (5*sizeof(void*))))), (*((size_t*) (ptr + (6*sizeof(void*))))) };
          break;
        }
      }
      rimward_option_u32_t option0;
      switch ((int32_t) *((uint8_t*) (ptr + (9*sizeof(void*))))) {
        case 0: {
          option0.is_some = false;
          break;
        }
        case 1: {
          option0.is_some = true;
          option0.val = (uint32_t) (*((int32_t*) (ptr + (4+9*sizeof(void*)))));
          break;
        }
      }
      rimward_option_u32_t option1;
      switch ((int32_t) *((uint8_t*) (ptr + (8+9*sizeof(void*))))) {
        case 0: {
          option1.is_some = false;
          break;
        }
        case 1: {
          option1.is_some = true;
          option1.val = (uint32_t) (*((int32_t*) (ptr + (12+9*sizeof(void*)))));
          break;
        }
      }
      variant.val.custom = (rimward_custom_origin_t) {
        (rimward_string_t) (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + sizeof(void*)))), (*((size_t*) (ptr + (2*sizeof(void*))))) },
        (uint16_t) (uint16_t) ((int32_t) *((uint16_t*) (ptr + (3*sizeof(void*))))),
        (bool) (int32_t) *((uint8_t*) (ptr + (2+3*sizeof(void*)))),
        (rimward_option_string_t) option,
        (rimward_string_t) (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (7*sizeof(void*))))), (*((size_t*) (ptr + (8*sizeof(void*))))) },
        (rimward_option_u32_t) option0,
        (rimward_option_u32_t) option1,
        (rimward_list_tuple2_string_string_t) (rimward_list_tuple2_string_string_t) { (rimward_tuple2_string_string_t*)(*((uint8_t **) (ptr + (16+9*sizeof(void*))))), (*((size_t*) (ptr + (16+10*sizeof(void*))))) },
      };
      break;
    }
  }
  *ret = variant;
}

bool rimward_request_cache_key_part(rimward_string_t *label, rimward_string_t *value, rimward_request_error_t *err) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(4*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_request_cache_key_part((uint8_t *) (*label).ptr, (*label).len, (uint8_t *) (*value).ptr, (*value).len, ptr);
  rimward_request_result_void_error_t result;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      result.is_err = false;
      break;
    }
    case 1: {
      result.is_err = true;
      rimward_error_t variant;
      variant.tag = (int32_t) *((uint8_t*) (ptr + sizeof(void*)));
      switch ((int32_t) variant.tag) {
        case 0: {
          break;
        }
        case 1: {
          break;
        }
        case 2: {
          break;
        }
        case 3: {
          variant.val.invalid = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 4: {
          variant.val.no_such = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 5: {
          variant.val.denied = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 6: {
          variant.val.limit = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 7: {
          break;
        }
        case 8: {
          variant.val.unavailable = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 9: {
          variant.val.other = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
      }

      result.val.err = variant;
      break;
    }
  }
  if (!result.is_err) {
    return 1;
  } else {
    *err = result.val.err;
    return 0;
  }
}

bool rimward_request_cache_bypass(rimward_request_error_t *err) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(4*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_request_cache_bypass(ptr);
  rimward_request_result_void_error_t result;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      result.is_err = false;
      break;
    }
    case 1: {
      result.is_err = true;
      rimward_error_t variant;
      variant.tag = (int32_t) *((uint8_t*) (ptr + sizeof(void*)));
      switch ((int32_t) variant.tag) {
        case 0: {
          break;
        }
        case 1: {
          break;
        }
        case 2: {
          break;
        }
        case 3: {
          variant.val.invalid = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 4: {
          variant.val.no_such = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 5: {
          variant.val.denied = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 6: {
          variant.val.limit = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 7: {
          break;
        }
        case 8: {
          variant.val.unavailable = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 9: {
          variant.val.other = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
      }

      result.val.err = variant;
      break;
    }
  }
  if (!result.is_err) {
    return 1;
  } else {
    *err = result.val.err;
    return 0;
  }
}

bool rimward_request_want_body(rimward_request_body_want_t *want, rimward_request_error_t *err) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(4*sizeof(void*))];
  int32_t variant;
  int32_t variant2;
  switch ((int32_t) (*want).tag) {
    case 0: {
      variant = 0;
      variant2 = 0;
      break;
    }
    case 1: {
      variant = 1;
      variant2 = 0;
      break;
    }
    case 2: {
      const uint32_t *payload1 = &(*want).val.buffered;
      variant = 2;
      variant2 = (int32_t) (*payload1);
      break;
    }
  }
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_request_want_body(variant, variant2, ptr);
  rimward_request_result_void_error_t result;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      result.is_err = false;
      break;
    }
    case 1: {
      result.is_err = true;
      rimward_error_t variant3;
      variant3.tag = (int32_t) *((uint8_t*) (ptr + sizeof(void*)));
      switch ((int32_t) variant3.tag) {
        case 0: {
          break;
        }
        case 1: {
          break;
        }
        case 2: {
          break;
        }
        case 3: {
          variant3.val.invalid = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 4: {
          variant3.val.no_such = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 5: {
          variant3.val.denied = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 6: {
          variant3.val.limit = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 7: {
          break;
        }
        case 8: {
          variant3.val.unavailable = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 9: {
          variant3.val.other = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
      }

      result.val.err = variant3;
      break;
    }
  }
  if (!result.is_err) {
    return 1;
  } else {
    *err = result.val.err;
    return 0;
  }
}

uint16_t rimward_response_status(void) {
  int32_t ret = __wasm_import_rimward_response_status();
  return (uint16_t) (ret);
}

bool rimward_response_set_status(uint16_t status, rimward_response_error_t *err) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(4*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_response_set_status((int32_t) (status), ptr);
  rimward_response_result_void_error_t result;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      result.is_err = false;
      break;
    }
    case 1: {
      result.is_err = true;
      rimward_error_t variant;
      variant.tag = (int32_t) *((uint8_t*) (ptr + sizeof(void*)));
      switch ((int32_t) variant.tag) {
        case 0: {
          break;
        }
        case 1: {
          break;
        }
        case 2: {
          break;
        }
        case 3: {
          variant.val.invalid = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 4: {
          variant.val.no_such = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 5: {
          variant.val.denied = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 6: {
          variant.val.limit = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 7: {
          break;
        }
        case 8: {
          variant.val.unavailable = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 9: {
          variant.val.other = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
      }

      result.val.err = variant;
      break;
    }
  }
  if (!result.is_err) {
    return 1;
  } else {
    *err = result.val.err;
    return 0;
  }
}

bool rimward_response_header(rimward_string_t *name, rimward_string_t *ret) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(3*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_response_header((uint8_t *) (*name).ptr, (*name).len, ptr);
  rimward_option_string_t option;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      option.is_some = false;
      break;
    }
    case 1: {
      option.is_some = true;
      option.val = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + sizeof(void*)))), (*((size_t*) (ptr + (2*sizeof(void*))))) };
      break;
    }
  }
  *ret = option.val;
  return option.is_some;
}

void rimward_response_header_all(rimward_string_t *name, rimward_list_list_u8_t *ret) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(2*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_response_header_all((uint8_t *) (*name).ptr, (*name).len, ptr);
  *ret = (rimward_list_list_u8_t) { (rimward_list_u8_t*)(*((uint8_t **) (ptr + 0))), (*((size_t*) (ptr + sizeof(void*)))) };
}

bool rimward_response_has_header(rimward_string_t *name) {
  int32_t ret = __wasm_import_rimward_response_has_header((uint8_t *) (*name).ptr, (*name).len);
  return ret;
}

void rimward_response_header_many(rimward_list_string_t *names, rimward_list_option_string_t *ret) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(2*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_response_header_many((uint8_t *) (*names).ptr, (*names).len, ptr);
  *ret = (rimward_list_option_string_t) { (rimward_option_string_t*)(*((uint8_t **) (ptr + 0))), (*((size_t*) (ptr + sizeof(void*)))) };
}

void rimward_response_header_names(rimward_list_string_t *ret) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(2*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_response_header_names(ptr);
  *ret = (rimward_list_string_t) { (rimward_string_t*)(*((uint8_t **) (ptr + 0))), (*((size_t*) (ptr + sizeof(void*)))) };
}

void rimward_response_headers(rimward_list_tuple2_string_list_u8_t *ret) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(2*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_response_headers(ptr);
  *ret = (rimward_list_tuple2_string_list_u8_t) { (rimward_tuple2_string_list_u8_t*)(*((uint8_t **) (ptr + 0))), (*((size_t*) (ptr + sizeof(void*)))) };
}

bool rimward_response_edit_headers(rimward_response_list_header_op_t *ops, rimward_response_error_t *err) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(4*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_response_edit_headers((uint8_t *) (*ops).ptr, (*ops).len, ptr);
  rimward_response_result_void_error_t result;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      result.is_err = false;
      break;
    }
    case 1: {
      result.is_err = true;
      rimward_error_t variant;
      variant.tag = (int32_t) *((uint8_t*) (ptr + sizeof(void*)));
      switch ((int32_t) variant.tag) {
        case 0: {
          break;
        }
        case 1: {
          break;
        }
        case 2: {
          break;
        }
        case 3: {
          variant.val.invalid = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 4: {
          variant.val.no_such = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 5: {
          variant.val.denied = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 6: {
          variant.val.limit = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 7: {
          break;
        }
        case 8: {
          variant.val.unavailable = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 9: {
          variant.val.other = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
      }

      result.val.err = variant;
      break;
    }
  }
  if (!result.is_err) {
    return 1;
  } else {
    *err = result.val.err;
    return 0;
  }
}

bool rimward_response_set_header(rimward_string_t *name, rimward_string_t *value, rimward_response_error_t *err) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(4*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_response_set_header((uint8_t *) (*name).ptr, (*name).len, (uint8_t *) (*value).ptr, (*value).len, ptr);
  rimward_response_result_void_error_t result;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      result.is_err = false;
      break;
    }
    case 1: {
      result.is_err = true;
      rimward_error_t variant;
      variant.tag = (int32_t) *((uint8_t*) (ptr + sizeof(void*)));
      switch ((int32_t) variant.tag) {
        case 0: {
          break;
        }
        case 1: {
          break;
        }
        case 2: {
          break;
        }
        case 3: {
          variant.val.invalid = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 4: {
          variant.val.no_such = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 5: {
          variant.val.denied = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 6: {
          variant.val.limit = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 7: {
          break;
        }
        case 8: {
          variant.val.unavailable = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 9: {
          variant.val.other = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
      }

      result.val.err = variant;
      break;
    }
  }
  if (!result.is_err) {
    return 1;
  } else {
    *err = result.val.err;
    return 0;
  }
}

rimward_response_cache_status_t rimward_response_cache_result(void) {
  int32_t ret = __wasm_import_rimward_response_cache_result();
  return ret;
}

bool rimward_response_cache_for(uint32_t ttl_s, uint32_t swr_s, uint32_t sie_s, rimward_response_error_t *err) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(4*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_response_cache_for((int32_t) (ttl_s), (int32_t) (swr_s), (int32_t) (sie_s), ptr);
  rimward_response_result_void_error_t result;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      result.is_err = false;
      break;
    }
    case 1: {
      result.is_err = true;
      rimward_error_t variant;
      variant.tag = (int32_t) *((uint8_t*) (ptr + sizeof(void*)));
      switch ((int32_t) variant.tag) {
        case 0: {
          break;
        }
        case 1: {
          break;
        }
        case 2: {
          break;
        }
        case 3: {
          variant.val.invalid = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 4: {
          variant.val.no_such = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 5: {
          variant.val.denied = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 6: {
          variant.val.limit = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 7: {
          break;
        }
        case 8: {
          variant.val.unavailable = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 9: {
          variant.val.other = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
      }

      result.val.err = variant;
      break;
    }
  }
  if (!result.is_err) {
    return 1;
  } else {
    *err = result.val.err;
    return 0;
  }
}

bool rimward_response_surrogate_keys(rimward_list_string_t *keys, rimward_response_error_t *err) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(4*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_response_surrogate_keys((uint8_t *) (*keys).ptr, (*keys).len, ptr);
  rimward_response_result_void_error_t result;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      result.is_err = false;
      break;
    }
    case 1: {
      result.is_err = true;
      rimward_error_t variant;
      variant.tag = (int32_t) *((uint8_t*) (ptr + sizeof(void*)));
      switch ((int32_t) variant.tag) {
        case 0: {
          break;
        }
        case 1: {
          break;
        }
        case 2: {
          break;
        }
        case 3: {
          variant.val.invalid = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 4: {
          variant.val.no_such = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 5: {
          variant.val.denied = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 6: {
          variant.val.limit = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 7: {
          break;
        }
        case 8: {
          variant.val.unavailable = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 9: {
          variant.val.other = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
      }

      result.val.err = variant;
      break;
    }
  }
  if (!result.is_err) {
    return 1;
  } else {
    *err = result.val.err;
    return 0;
  }
}

bool rimward_response_cache_never(rimward_response_error_t *err) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(4*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_response_cache_never(ptr);
  rimward_response_result_void_error_t result;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      result.is_err = false;
      break;
    }
    case 1: {
      result.is_err = true;
      rimward_error_t variant;
      variant.tag = (int32_t) *((uint8_t*) (ptr + sizeof(void*)));
      switch ((int32_t) variant.tag) {
        case 0: {
          break;
        }
        case 1: {
          break;
        }
        case 2: {
          break;
        }
        case 3: {
          variant.val.invalid = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 4: {
          variant.val.no_such = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 5: {
          variant.val.denied = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 6: {
          variant.val.limit = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 7: {
          break;
        }
        case 8: {
          variant.val.unavailable = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 9: {
          variant.val.other = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
      }

      result.val.err = variant;
      break;
    }
  }
  if (!result.is_err) {
    return 1;
  } else {
    *err = result.val.err;
    return 0;
  }
}

bool rimward_response_want_body(rimward_response_body_want_t *want, rimward_response_error_t *err) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(4*sizeof(void*))];
  int32_t variant;
  int32_t variant2;
  switch ((int32_t) (*want).tag) {
    case 0: {
      variant = 0;
      variant2 = 0;
      break;
    }
    case 1: {
      variant = 1;
      variant2 = 0;
      break;
    }
    case 2: {
      const uint32_t *payload1 = &(*want).val.buffered;
      variant = 2;
      variant2 = (int32_t) (*payload1);
      break;
    }
  }
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_response_want_body(variant, variant2, ptr);
  rimward_response_result_void_error_t result;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      result.is_err = false;
      break;
    }
    case 1: {
      result.is_err = true;
      rimward_error_t variant3;
      variant3.tag = (int32_t) *((uint8_t*) (ptr + sizeof(void*)));
      switch ((int32_t) variant3.tag) {
        case 0: {
          break;
        }
        case 1: {
          break;
        }
        case 2: {
          break;
        }
        case 3: {
          variant3.val.invalid = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 4: {
          variant3.val.no_such = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 5: {
          variant3.val.denied = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 6: {
          variant3.val.limit = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 7: {
          break;
        }
        case 8: {
          variant3.val.unavailable = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 9: {
          variant3.val.other = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
      }

      result.val.err = variant3;
      break;
    }
  }
  if (!result.is_err) {
    return 1;
  } else {
    *err = result.val.err;
    return 0;
  }
}

uint32_t rimward_body_len(void) {
  int32_t ret = __wasm_import_rimward_body_len();
  return (uint32_t) (ret);
}

uint64_t rimward_body_offset(void) {
  int64_t ret = __wasm_import_rimward_body_offset();
  return (uint64_t) (ret);
}

bool rimward_body_is_last(void) {
  int32_t ret = __wasm_import_rimward_body_is_last();
  return ret;
}

void rimward_body_read(uint32_t at, uint32_t max, rimward_list_u8_t *ret) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(2*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_body_read((int32_t) (at), (int32_t) (max), ptr);
  *ret = (rimward_list_u8_t) { (uint8_t*)(*((uint8_t **) (ptr + 0))), (*((size_t*) (ptr + sizeof(void*)))) };
}

void rimward_config_all(rimward_string_t *ret) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(2*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_config_all(ptr);
  *ret = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + 0))), (*((size_t*) (ptr + sizeof(void*)))) };
}

bool rimward_config_get(rimward_string_t *path, rimward_string_t *ret) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(3*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_config_get((uint8_t *) (*path).ptr, (*path).len, ptr);
  rimward_option_string_t option;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      option.is_some = false;
      break;
    }
    case 1: {
      option.is_some = true;
      option.val = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + sizeof(void*)))), (*((size_t*) (ptr + (2*sizeof(void*))))) };
      break;
    }
  }
  *ret = option.val;
  return option.is_some;
}

uint64_t rimward_config_generation(void) {
  int64_t ret = __wasm_import_rimward_config_generation();
  return (uint64_t) (ret);
}

void rimward_context_request_id(rimward_string_t *ret) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(2*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_context_request_id(ptr);
  *ret = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + 0))), (*((size_t*) (ptr + sizeof(void*)))) };
}

void rimward_context_pop(rimward_string_t *ret) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(2*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_context_pop(ptr);
  *ret = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + 0))), (*((size_t*) (ptr + sizeof(void*)))) };
}

rimward_context_phase_t rimward_context_current_phase(void) {
  int32_t ret = __wasm_import_rimward_context_current_phase();
  return ret;
}

void rimward_context_client_ip(rimward_string_t *ret) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(2*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_context_client_ip(ptr);
  *ret = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + 0))), (*((size_t*) (ptr + sizeof(void*)))) };
}

bool rimward_context_tls(rimward_string_t *field, rimward_string_t *ret) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(3*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_context_tls((uint8_t *) (*field).ptr, (*field).len, ptr);
  rimward_option_string_t option;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      option.is_some = false;
      break;
    }
    case 1: {
      option.is_some = true;
      option.val = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + sizeof(void*)))), (*((size_t*) (ptr + (2*sizeof(void*))))) };
      break;
    }
  }
  *ret = option.val;
  return option.is_some;
}

bool rimward_context_get_var(rimward_string_t *name, rimward_string_t *ret) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(3*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_context_get_var((uint8_t *) (*name).ptr, (*name).len, ptr);
  rimward_option_string_t option;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      option.is_some = false;
      break;
    }
    case 1: {
      option.is_some = true;
      option.val = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + sizeof(void*)))), (*((size_t*) (ptr + (2*sizeof(void*))))) };
      break;
    }
  }
  *ret = option.val;
  return option.is_some;
}

void rimward_context_set_var(rimward_string_t *name, rimward_string_t *value) {
  __wasm_import_rimward_context_set_var((uint8_t *) (*name).ptr, (*name).len, (uint8_t *) (*value).ptr, (*value).len);
}

uint64_t rimward_context_budget_us(void) {
  int64_t ret = __wasm_import_rimward_context_budget_us();
  return (uint64_t) (ret);
}

bool rimward_geo_country(rimward_string_t *ret) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(3*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_geo_country(ptr);
  rimward_option_string_t option;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      option.is_some = false;
      break;
    }
    case 1: {
      option.is_some = true;
      option.val = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + sizeof(void*)))), (*((size_t*) (ptr + (2*sizeof(void*))))) };
      break;
    }
  }
  *ret = option.val;
  return option.is_some;
}

bool rimward_geo_client(rimward_geo_location_t *ret) {
  __attribute__((__aligned__(8)))
  uint8_t ret_area[(56+30*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_geo_client(ptr);
  rimward_geo_option_location_t option12;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      option12.is_some = false;
      break;
    }
    case 1: {
      option12.is_some = true;
      rimward_option_string_t option;
      switch ((int32_t) *((uint8_t*) (ptr + 8))) {
        case 0: {
          option.is_some = false;
          break;
        }
        case 1: {
          option.is_some = true;
          option.val = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (8+1*sizeof(void*))))), (*((size_t*) (ptr + (8+2*sizeof(void*))))) };
          break;
        }
      }
      rimward_option_string_t option0;
      switch ((int32_t) *((uint8_t*) (ptr + (8+3*sizeof(void*))))) {
        case 0: {
          option0.is_some = false;
          break;
        }
        case 1: {
          option0.is_some = true;
          option0.val = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (8+4*sizeof(void*))))), (*((size_t*) (ptr + (8+5*sizeof(void*))))) };
          break;
        }
      }
      rimward_option_string_t option1;
      switch ((int32_t) *((uint8_t*) (ptr + (8+7*sizeof(void*))))) {
        case 0: {
          option1.is_some = false;
          break;
        }
        case 1: {
          option1.is_some = true;
          option1.val = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (8+8*sizeof(void*))))), (*((size_t*) (ptr + (8+9*sizeof(void*))))) };
          break;
        }
      }
      rimward_option_string_t option2;
      switch ((int32_t) *((uint8_t*) (ptr + (8+10*sizeof(void*))))) {
        case 0: {
          option2.is_some = false;
          break;
        }
        case 1: {
          option2.is_some = true;
          option2.val = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (8+11*sizeof(void*))))), (*((size_t*) (ptr + (8+12*sizeof(void*))))) };
          break;
        }
      }
      rimward_option_string_t option3;
      switch ((int32_t) *((uint8_t*) (ptr + (8+13*sizeof(void*))))) {
        case 0: {
          option3.is_some = false;
          break;
        }
        case 1: {
          option3.is_some = true;
          option3.val = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (8+14*sizeof(void*))))), (*((size_t*) (ptr + (8+15*sizeof(void*))))) };
          break;
        }
      }
      rimward_option_string_t option4;
      switch ((int32_t) *((uint8_t*) (ptr + (8+16*sizeof(void*))))) {
        case 0: {
          option4.is_some = false;
          break;
        }
        case 1: {
          option4.is_some = true;
          option4.val = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (8+17*sizeof(void*))))), (*((size_t*) (ptr + (8+18*sizeof(void*))))) };
          break;
        }
      }
      rimward_option_string_t option5;
      switch ((int32_t) *((uint8_t*) (ptr + (8+19*sizeof(void*))))) {
        case 0: {
          option5.is_some = false;
          break;
        }
        case 1: {
          option5.is_some = true;
          option5.val = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (8+20*sizeof(void*))))), (*((size_t*) (ptr + (8+21*sizeof(void*))))) };
          break;
        }
      }
      rimward_option_string_t option6;
      switch ((int32_t) *((uint8_t*) (ptr + (8+22*sizeof(void*))))) {
        case 0: {
          option6.is_some = false;
          break;
        }
        case 1: {
          option6.is_some = true;
          option6.val = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (8+23*sizeof(void*))))), (*((size_t*) (ptr + (8+24*sizeof(void*))))) };
          break;
        }
      }
      rimward_option_f64_t option7;
      switch ((int32_t) *((uint8_t*) (ptr + (16+24*sizeof(void*))))) {
        case 0: {
          option7.is_some = false;
          break;
        }
        case 1: {
          option7.is_some = true;
          option7.val = *((double*) (ptr + (24+24*sizeof(void*))));
          break;
        }
      }
      rimward_option_f64_t option8;
      switch ((int32_t) *((uint8_t*) (ptr + (32+24*sizeof(void*))))) {
        case 0: {
          option8.is_some = false;
          break;
        }
        case 1: {
          option8.is_some = true;
          option8.val = *((double*) (ptr + (40+24*sizeof(void*))));
          break;
        }
      }
      rimward_option_string_t option9;
      switch ((int32_t) *((uint8_t*) (ptr + (48+24*sizeof(void*))))) {
        case 0: {
          option9.is_some = false;
          break;
        }
        case 1: {
          option9.is_some = true;
          option9.val = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (48+25*sizeof(void*))))), (*((size_t*) (ptr + (48+26*sizeof(void*))))) };
          break;
        }
      }
      rimward_option_u32_t option10;
      switch ((int32_t) *((uint8_t*) (ptr + (48+27*sizeof(void*))))) {
        case 0: {
          option10.is_some = false;
          break;
        }
        case 1: {
          option10.is_some = true;
          option10.val = (uint32_t) (*((int32_t*) (ptr + (52+27*sizeof(void*)))));
          break;
        }
      }
      rimward_option_string_t option11;
      switch ((int32_t) *((uint8_t*) (ptr + (56+27*sizeof(void*))))) {
        case 0: {
          option11.is_some = false;
          break;
        }
        case 1: {
          option11.is_some = true;
          option11.val = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (56+28*sizeof(void*))))), (*((size_t*) (ptr + (56+29*sizeof(void*))))) };
          break;
        }
      }

      option12.val = (rimward_geo_location_t) {
        (rimward_option_string_t) option,
        (rimward_option_string_t) option0,
        (bool) (int32_t) *((uint8_t*) (ptr + (8+6*sizeof(void*)))),
        (rimward_option_string_t) option1,
        (rimward_option_string_t) option2,
        (rimward_option_string_t) option3,
        (rimward_option_string_t) option4,
        (rimward_option_string_t) option5,
        (rimward_option_string_t) option6,
        (rimward_option_f64_t) option7,
        (rimward_option_f64_t) option8,
        (rimward_option_string_t) option9,
        (rimward_option_u32_t) option10,
        (rimward_option_string_t) option11,
      };
      break;
    }
  }
  *ret = option12.val;
  return option12.is_some;
}

bool rimward_geo_lookup(rimward_string_t *ip, rimward_geo_location_t *ret) {
  __attribute__((__aligned__(8)))
  uint8_t ret_area[(56+30*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_geo_lookup((uint8_t *) (*ip).ptr, (*ip).len, ptr);
  rimward_geo_option_location_t option12;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      option12.is_some = false;
      break;
    }
    case 1: {
      option12.is_some = true;
      rimward_option_string_t option;
      switch ((int32_t) *((uint8_t*) (ptr + 8))) {
        case 0: {
          option.is_some = false;
          break;
        }
        case 1: {
          option.is_some = true;
          option.val = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (8+1*sizeof(void*))))), (*((size_t*) (ptr + (8+2*sizeof(void*))))) };
          break;
        }
      }
      rimward_option_string_t option0;
      switch ((int32_t) *((uint8_t*) (ptr + (8+3*sizeof(void*))))) {
        case 0: {
          option0.is_some = false;
          break;
        }
        case 1: {
          option0.is_some = true;
          option0.val = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (8+4*sizeof(void*))))), (*((size_t*) (ptr + (8+5*sizeof(void*))))) };
          break;
        }
      }
      rimward_option_string_t option1;
      switch ((int32_t) *((uint8_t*) (ptr + (8+7*sizeof(void*))))) {
        case 0: {
          option1.is_some = false;
          break;
        }
        case 1: {
          option1.is_some = true;
          option1.val = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (8+8*sizeof(void*))))), (*((size_t*) (ptr + (8+9*sizeof(void*))))) };
          break;
        }
      }
      rimward_option_string_t option2;
      switch ((int32_t) *((uint8_t*) (ptr + (8+10*sizeof(void*))))) {
        case 0: {
          option2.is_some = false;
          break;
        }
        case 1: {
          option2.is_some = true;
          option2.val = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (8+11*sizeof(void*))))), (*((size_t*) (ptr + (8+12*sizeof(void*))))) };
          break;
        }
      }
      rimward_option_string_t option3;
      switch ((int32_t) *((uint8_t*) (ptr + (8+13*sizeof(void*))))) {
        case 0: {
          option3.is_some = false;
          break;
        }
        case 1: {
          option3.is_some = true;
          option3.val = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (8+14*sizeof(void*))))), (*((size_t*) (ptr + (8+15*sizeof(void*))))) };
          break;
        }
      }
      rimward_option_string_t option4;
      switch ((int32_t) *((uint8_t*) (ptr + (8+16*sizeof(void*))))) {
        case 0: {
          option4.is_some = false;
          break;
        }
        case 1: {
          option4.is_some = true;
          option4.val = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (8+17*sizeof(void*))))), (*((size_t*) (ptr + (8+18*sizeof(void*))))) };
          break;
        }
      }
      rimward_option_string_t option5;
      switch ((int32_t) *((uint8_t*) (ptr + (8+19*sizeof(void*))))) {
        case 0: {
          option5.is_some = false;
          break;
        }
        case 1: {
          option5.is_some = true;
          option5.val = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (8+20*sizeof(void*))))), (*((size_t*) (ptr + (8+21*sizeof(void*))))) };
          break;
        }
      }
      rimward_option_string_t option6;
      switch ((int32_t) *((uint8_t*) (ptr + (8+22*sizeof(void*))))) {
        case 0: {
          option6.is_some = false;
          break;
        }
        case 1: {
          option6.is_some = true;
          option6.val = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (8+23*sizeof(void*))))), (*((size_t*) (ptr + (8+24*sizeof(void*))))) };
          break;
        }
      }
      rimward_option_f64_t option7;
      switch ((int32_t) *((uint8_t*) (ptr + (16+24*sizeof(void*))))) {
        case 0: {
          option7.is_some = false;
          break;
        }
        case 1: {
          option7.is_some = true;
          option7.val = *((double*) (ptr + (24+24*sizeof(void*))));
          break;
        }
      }
      rimward_option_f64_t option8;
      switch ((int32_t) *((uint8_t*) (ptr + (32+24*sizeof(void*))))) {
        case 0: {
          option8.is_some = false;
          break;
        }
        case 1: {
          option8.is_some = true;
          option8.val = *((double*) (ptr + (40+24*sizeof(void*))));
          break;
        }
      }
      rimward_option_string_t option9;
      switch ((int32_t) *((uint8_t*) (ptr + (48+24*sizeof(void*))))) {
        case 0: {
          option9.is_some = false;
          break;
        }
        case 1: {
          option9.is_some = true;
          option9.val = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (48+25*sizeof(void*))))), (*((size_t*) (ptr + (48+26*sizeof(void*))))) };
          break;
        }
      }
      rimward_option_u32_t option10;
      switch ((int32_t) *((uint8_t*) (ptr + (48+27*sizeof(void*))))) {
        case 0: {
          option10.is_some = false;
          break;
        }
        case 1: {
          option10.is_some = true;
          option10.val = (uint32_t) (*((int32_t*) (ptr + (52+27*sizeof(void*)))));
          break;
        }
      }
      rimward_option_string_t option11;
      switch ((int32_t) *((uint8_t*) (ptr + (56+27*sizeof(void*))))) {
        case 0: {
          option11.is_some = false;
          break;
        }
        case 1: {
          option11.is_some = true;
          option11.val = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (56+28*sizeof(void*))))), (*((size_t*) (ptr + (56+29*sizeof(void*))))) };
          break;
        }
      }

      option12.val = (rimward_geo_location_t) {
        (rimward_option_string_t) option,
        (rimward_option_string_t) option0,
        (bool) (int32_t) *((uint8_t*) (ptr + (8+6*sizeof(void*)))),
        (rimward_option_string_t) option1,
        (rimward_option_string_t) option2,
        (rimward_option_string_t) option3,
        (rimward_option_string_t) option4,
        (rimward_option_string_t) option5,
        (rimward_option_string_t) option6,
        (rimward_option_f64_t) option7,
        (rimward_option_f64_t) option8,
        (rimward_option_string_t) option9,
        (rimward_option_u32_t) option10,
        (rimward_option_string_t) option11,
      };
      break;
    }
  }
  *ret = option12.val;
  return option12.is_some;
}

bool rimward_kv_method_store_get(rimward_kv_borrow_store_t self, rimward_string_t *key, rimward_kv_option_entry_t *ret, rimward_kv_error_t *err) {
  __attribute__((__aligned__(8)))
  uint8_t ret_area[(40+4*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_kv_method_store_get((self).__handle, (uint8_t *) (*key).ptr, (*key).len, ptr);
  rimward_kv_result_option_entry_error_t result;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      result.is_err = false;
      rimward_kv_option_entry_t option1;
      switch ((int32_t) *((uint8_t*) (ptr + 8))) {
        case 0: {
          option1.is_some = false;
          break;
        }
        case 1: {
          option1.is_some = true;
          rimward_option_string_t option;
          switch ((int32_t) *((uint8_t*) (ptr + (16+2*sizeof(void*))))) {
            case 0: {
              option.is_some = false;
              break;
            }
            case 1: {
              option.is_some = true;
              option.val = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (16+3*sizeof(void*))))), (*((size_t*) (ptr + (16+4*sizeof(void*))))) };
              break;
            }
          }
          rimward_option_u32_t option0;
          switch ((int32_t) *((uint8_t*) (ptr + (32+4*sizeof(void*))))) {
            case 0: {
              option0.is_some = false;
              break;
            }
            case 1: {
              option0.is_some = true;
              option0.val = (uint32_t) (*((int32_t*) (ptr + (36+4*sizeof(void*)))));
              break;
            }
          }

          option1.val = (rimward_kv_entry_t) {
            (rimward_list_u8_t) (rimward_list_u8_t) { (uint8_t*)(*((uint8_t **) (ptr + 16))), (*((size_t*) (ptr + (16+1*sizeof(void*))))) },
            (rimward_option_string_t) option,
            (uint64_t) (uint64_t) (*((int64_t*) (ptr + (24+4*sizeof(void*))))),
            (rimward_option_u32_t) option0,
          };
          break;
        }
      }

      result.val.ok = option1;
      break;
    }
    case 1: {
      result.is_err = true;
      rimward_error_t variant;
      variant.tag = (int32_t) *((uint8_t*) (ptr + 8));
      switch ((int32_t) variant.tag) {
        case 0: {
          break;
        }
        case 1: {
          break;
        }
        case 2: {
          break;
        }
        case 3: {
          variant.val.invalid = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (8+1*sizeof(void*))))), (*((size_t*) (ptr + (8+2*sizeof(void*))))) };
          break;
        }
        case 4: {
          variant.val.no_such = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (8+1*sizeof(void*))))), (*((size_t*) (ptr + (8+2*sizeof(void*))))) };
          break;
        }
        case 5: {
          variant.val.denied = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (8+1*sizeof(void*))))), (*((size_t*) (ptr + (8+2*sizeof(void*))))) };
          break;
        }
        case 6: {
          variant.val.limit = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (8+1*sizeof(void*))))), (*((size_t*) (ptr + (8+2*sizeof(void*))))) };
          break;
        }
        case 7: {
          break;
        }
        case 8: {
          variant.val.unavailable = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (8+1*sizeof(void*))))), (*((size_t*) (ptr + (8+2*sizeof(void*))))) };
          break;
        }
        case 9: {
          variant.val.other = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (8+1*sizeof(void*))))), (*((size_t*) (ptr + (8+2*sizeof(void*))))) };
          break;
        }
      }

      result.val.err = variant;
      break;
    }
  }
  if (!result.is_err) {
    *ret = result.val.ok;
    return 1;
  } else {
    *err = result.val.err;
    return 0;
  }
}

bool rimward_kv_method_store_get_text(rimward_kv_borrow_store_t self, rimward_string_t *key, rimward_option_string_t *ret, rimward_kv_error_t *err) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(4*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_kv_method_store_get_text((self).__handle, (uint8_t *) (*key).ptr, (*key).len, ptr);
  rimward_kv_result_option_string_error_t result;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      result.is_err = false;
      rimward_option_string_t option;
      switch ((int32_t) *((uint8_t*) (ptr + sizeof(void*)))) {
        case 0: {
          option.is_some = false;
          break;
        }
        case 1: {
          option.is_some = true;
          option.val = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
      }

      result.val.ok = option;
      break;
    }
    case 1: {
      result.is_err = true;
      rimward_error_t variant;
      variant.tag = (int32_t) *((uint8_t*) (ptr + sizeof(void*)));
      switch ((int32_t) variant.tag) {
        case 0: {
          break;
        }
        case 1: {
          break;
        }
        case 2: {
          break;
        }
        case 3: {
          variant.val.invalid = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 4: {
          variant.val.no_such = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 5: {
          variant.val.denied = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 6: {
          variant.val.limit = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 7: {
          break;
        }
        case 8: {
          variant.val.unavailable = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 9: {
          variant.val.other = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
      }

      result.val.err = variant;
      break;
    }
  }
  if (!result.is_err) {
    *ret = result.val.ok;
    return 1;
  } else {
    *err = result.val.err;
    return 0;
  }
}

bool rimward_kv_method_store_get_many(rimward_kv_borrow_store_t self, rimward_list_string_t *keys, rimward_list_option_list_u8_t *ret, rimward_kv_error_t *err) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(4*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_kv_method_store_get_many((self).__handle, (uint8_t *) (*keys).ptr, (*keys).len, ptr);
  rimward_kv_result_list_option_list_u8_error_t result;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      result.is_err = false;
      result.val.ok = (rimward_list_option_list_u8_t) { (rimward_option_list_u8_t*)(*((uint8_t **) (ptr + sizeof(void*)))), (*((size_t*) (ptr + (2*sizeof(void*))))) };
      break;
    }
    case 1: {
      result.is_err = true;
      rimward_error_t variant;
      variant.tag = (int32_t) *((uint8_t*) (ptr + sizeof(void*)));
      switch ((int32_t) variant.tag) {
        case 0: {
          break;
        }
        case 1: {
          break;
        }
        case 2: {
          break;
        }
        case 3: {
          variant.val.invalid = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 4: {
          variant.val.no_such = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 5: {
          variant.val.denied = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 6: {
          variant.val.limit = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 7: {
          break;
        }
        case 8: {
          variant.val.unavailable = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 9: {
          variant.val.other = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
      }

      result.val.err = variant;
      break;
    }
  }
  if (!result.is_err) {
    *ret = result.val.ok;
    return 1;
  } else {
    *err = result.val.err;
    return 0;
  }
}

bool rimward_kv_method_store_put(rimward_kv_borrow_store_t self, rimward_string_t *key, rimward_list_u8_t *value, rimward_kv_write_t *maybe_opts, uint64_t *ret, rimward_kv_error_t *err) {
  __attribute__((__aligned__(8)))
  uint8_t ret_area[(16+2*sizeof(void*))];
  rimward_kv_option_write_t opts;
  opts.is_some = maybe_opts != NULL;if (maybe_opts) {
    opts.val = *maybe_opts;
  }
  int32_t option13;
  int32_t option14;
  int32_t option15;
  int64_t option16;
  int32_t option17;
  int32_t option18;
  int32_t option19;
  uint8_t * option20;
  size_t option21;
  if ((opts).is_some) {
    const rimward_kv_write_t *payload0 = &(opts).val;
    int32_t option;
    int64_t option3;
    if (((*payload0).if_generation).is_some) {
      const uint64_t *payload2 = &((*payload0).if_generation).val;
      option = 1;
      option3 = (int64_t) (*payload2);
    } else {
      option = 0;
      option3 = 0;
    }
    int32_t option6;
    int32_t option7;
    if (((*payload0).ttl_s).is_some) {
      const uint32_t *payload5 = &((*payload0).ttl_s).val;
      option6 = 1;
      option7 = (int32_t) (*payload5);
    } else {
      option6 = 0;
      option7 = 0;
    }
    int32_t option10;
    uint8_t * option11;
    size_t option12;
    if (((*payload0).metadata).is_some) {
      const rimward_string_t *payload9 = &((*payload0).metadata).val;
      option10 = 1;
      option11 = (uint8_t *) (*payload9).ptr;
      option12 = (*payload9).len;
    } else {
      option10 = 0;
      option11 = 0;
      option12 = 0;
    }
    option13 = 1;
    option14 = (int32_t) (*payload0).mode;
    option15 = option;
    option16 = option3;
    option17 = option6;
    option18 = option7;
    option19 = option10;
    option20 = option11;
    option21 = option12;
  } else {
    option13 = 0;
    option14 = 0;
    option15 = 0;
    option16 = 0;
    option17 = 0;
    option18 = 0;
    option19 = 0;
    option20 = 0;
    option21 = 0;
  }
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_kv_method_store_put((self).__handle, (uint8_t *) (*key).ptr, (*key).len, (uint8_t *) (*value).ptr, (*value).len, option13, option14, option15, option16, option17, option18, option19, option20, option21, ptr);
  rimward_kv_result_u64_error_t result;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      result.is_err = false;
      result.val.ok = (uint64_t) (*((int64_t*) (ptr + 8)));
      break;
    }
    case 1: {
      result.is_err = true;
      rimward_error_t variant;
      variant.tag = (int32_t) *((uint8_t*) (ptr + 8));
      switch ((int32_t) variant.tag) {
        case 0: {
          break;
        }
        case 1: {
          break;
        }
        case 2: {
          break;
        }
        case 3: {
          variant.val.invalid = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (8+1*sizeof(void*))))), (*((size_t*) (ptr + (8+2*sizeof(void*))))) };
          break;
        }
        case 4: {
          variant.val.no_such = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (8+1*sizeof(void*))))), (*((size_t*) (ptr + (8+2*sizeof(void*))))) };
          break;
        }
        case 5: {
          variant.val.denied = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (8+1*sizeof(void*))))), (*((size_t*) (ptr + (8+2*sizeof(void*))))) };
          break;
        }
        case 6: {
          variant.val.limit = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (8+1*sizeof(void*))))), (*((size_t*) (ptr + (8+2*sizeof(void*))))) };
          break;
        }
        case 7: {
          break;
        }
        case 8: {
          variant.val.unavailable = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (8+1*sizeof(void*))))), (*((size_t*) (ptr + (8+2*sizeof(void*))))) };
          break;
        }
        case 9: {
          variant.val.other = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (8+1*sizeof(void*))))), (*((size_t*) (ptr + (8+2*sizeof(void*))))) };
          break;
        }
      }

      result.val.err = variant;
      break;
    }
  }
  if (!result.is_err) {
    *ret = result.val.ok;
    return 1;
  } else {
    *err = result.val.err;
    return 0;
  }
}

bool rimward_kv_method_store_increment(rimward_kv_borrow_store_t self, rimward_string_t *key, int64_t by, uint32_t *maybe_ttl_s, int64_t *ret, rimward_kv_error_t *err) {
  __attribute__((__aligned__(8)))
  uint8_t ret_area[(16+2*sizeof(void*))];
  rimward_option_u32_t ttl_s;
  ttl_s.is_some = maybe_ttl_s != NULL;if (maybe_ttl_s) {
    ttl_s.val = *maybe_ttl_s;
  }
  int32_t option;
  int32_t option1;
  if ((ttl_s).is_some) {
    const uint32_t *payload0 = &(ttl_s).val;
    option = 1;
    option1 = (int32_t) (*payload0);
  } else {
    option = 0;
    option1 = 0;
  }
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_kv_method_store_increment((self).__handle, (uint8_t *) (*key).ptr, (*key).len, by, option, option1, ptr);
  rimward_kv_result_s64_error_t result;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      result.is_err = false;
      result.val.ok = *((int64_t*) (ptr + 8));
      break;
    }
    case 1: {
      result.is_err = true;
      rimward_error_t variant;
      variant.tag = (int32_t) *((uint8_t*) (ptr + 8));
      switch ((int32_t) variant.tag) {
        case 0: {
          break;
        }
        case 1: {
          break;
        }
        case 2: {
          break;
        }
        case 3: {
          variant.val.invalid = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (8+1*sizeof(void*))))), (*((size_t*) (ptr + (8+2*sizeof(void*))))) };
          break;
        }
        case 4: {
          variant.val.no_such = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (8+1*sizeof(void*))))), (*((size_t*) (ptr + (8+2*sizeof(void*))))) };
          break;
        }
        case 5: {
          variant.val.denied = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (8+1*sizeof(void*))))), (*((size_t*) (ptr + (8+2*sizeof(void*))))) };
          break;
        }
        case 6: {
          variant.val.limit = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (8+1*sizeof(void*))))), (*((size_t*) (ptr + (8+2*sizeof(void*))))) };
          break;
        }
        case 7: {
          break;
        }
        case 8: {
          variant.val.unavailable = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (8+1*sizeof(void*))))), (*((size_t*) (ptr + (8+2*sizeof(void*))))) };
          break;
        }
        case 9: {
          variant.val.other = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (8+1*sizeof(void*))))), (*((size_t*) (ptr + (8+2*sizeof(void*))))) };
          break;
        }
      }

      result.val.err = variant;
      break;
    }
  }
  if (!result.is_err) {
    *ret = result.val.ok;
    return 1;
  } else {
    *err = result.val.err;
    return 0;
  }
}

bool rimward_kv_method_store_delete(rimward_kv_borrow_store_t self, rimward_string_t *key, bool *ret, rimward_kv_error_t *err) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(4*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_kv_method_store_delete((self).__handle, (uint8_t *) (*key).ptr, (*key).len, ptr);
  rimward_kv_result_bool_error_t result;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      result.is_err = false;
      result.val.ok = (int32_t) *((uint8_t*) (ptr + sizeof(void*)));
      break;
    }
    case 1: {
      result.is_err = true;
      rimward_error_t variant;
      variant.tag = (int32_t) *((uint8_t*) (ptr + sizeof(void*)));
      switch ((int32_t) variant.tag) {
        case 0: {
          break;
        }
        case 1: {
          break;
        }
        case 2: {
          break;
        }
        case 3: {
          variant.val.invalid = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 4: {
          variant.val.no_such = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 5: {
          variant.val.denied = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 6: {
          variant.val.limit = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 7: {
          break;
        }
        case 8: {
          variant.val.unavailable = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 9: {
          variant.val.other = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
      }

      result.val.err = variant;
      break;
    }
  }
  if (!result.is_err) {
    *ret = result.val.ok;
    return 1;
  } else {
    *err = result.val.err;
    return 0;
  }
}

bool rimward_kv_method_store_list(rimward_kv_borrow_store_t self, rimward_string_t *prefix, rimward_string_t *maybe_cursor, uint32_t max, rimward_kv_page_t *ret, rimward_kv_error_t *err) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(6*sizeof(void*))];
  rimward_option_string_t cursor;
  cursor.is_some = maybe_cursor != NULL;if (maybe_cursor) {
    cursor.val = *maybe_cursor;
  }
  int32_t option;
  uint8_t * option1;
  size_t option2;
  if ((cursor).is_some) {
    const rimward_string_t *payload0 = &(cursor).val;
    option = 1;
    option1 = (uint8_t *) (*payload0).ptr;
    option2 = (*payload0).len;
  } else {
    option = 0;
    option1 = 0;
    option2 = 0;
  }
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_kv_method_store_list((self).__handle, (uint8_t *) (*prefix).ptr, (*prefix).len, option, option1, option2, (int32_t) (max), ptr);
  rimward_kv_result_page_error_t result;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      result.is_err = false;
      rimward_option_string_t option3;
      switch ((int32_t) *((uint8_t*) (ptr + (3*sizeof(void*))))) {
        case 0: {
          option3.is_some = false;
          break;
        }
        case 1: {
          option3.is_some = true;
          option3.val = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (4*sizeof(void*))))), (*((size_t*) (ptr + (5*sizeof(void*))))) };
          break;
        }
      }

      result.val.ok = (rimward_kv_page_t) {
        (rimward_list_string_t) (rimward_list_string_t) { (rimward_string_t*)(*((uint8_t **) (ptr + sizeof(void*)))), (*((size_t*) (ptr + (2*sizeof(void*))))) },
        (rimward_option_string_t) option3,
      };
      break;
    }
    case 1: {
      result.is_err = true;
      rimward_error_t variant;
      variant.tag = (int32_t) *((uint8_t*) (ptr + sizeof(void*)));
      switch ((int32_t) variant.tag) {
        case 0: {
          break;
        }
        case 1: {
          break;
        }
        case 2: {
          break;
        }
        case 3: {
          variant.val.invalid = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 4: {
          variant.val.no_such = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 5: {
          variant.val.denied = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 6: {
          variant.val.limit = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 7: {
          break;
        }
        case 8: {
          variant.val.unavailable = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 9: {
          variant.val.other = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
      }

      result.val.err = variant;
      break;
    }
  }
  if (!result.is_err) {
    *ret = result.val.ok;
    return 1;
  } else {
    *err = result.val.err;
    return 0;
  }
}

bool rimward_kv_open(rimward_string_t *name, rimward_kv_own_store_t *ret, rimward_kv_error_t *err) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(4*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_kv_open((uint8_t *) (*name).ptr, (*name).len, ptr);
  rimward_kv_result_own_store_error_t result;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      result.is_err = false;
      result.val.ok = (rimward_kv_own_store_t) { *((int32_t*) (ptr + sizeof(void*))) };
      break;
    }
    case 1: {
      result.is_err = true;
      rimward_error_t variant;
      variant.tag = (int32_t) *((uint8_t*) (ptr + sizeof(void*)));
      switch ((int32_t) variant.tag) {
        case 0: {
          break;
        }
        case 1: {
          break;
        }
        case 2: {
          break;
        }
        case 3: {
          variant.val.invalid = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 4: {
          variant.val.no_such = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 5: {
          variant.val.denied = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 6: {
          variant.val.limit = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 7: {
          break;
        }
        case 8: {
          variant.val.unavailable = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 9: {
          variant.val.other = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
      }

      result.val.err = variant;
      break;
    }
  }
  if (!result.is_err) {
    *ret = result.val.ok;
    return 1;
  } else {
    *err = result.val.err;
    return 0;
  }
}

void rimward_secrets_method_secret_reveal(rimward_secrets_borrow_secret_t self, rimward_list_u8_t *ret) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(2*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_secrets_method_secret_reveal((self).__handle, ptr);
  *ret = (rimward_list_u8_t) { (uint8_t*)(*((uint8_t **) (ptr + 0))), (*((size_t*) (ptr + sizeof(void*)))) };
}

bool rimward_secrets_get(rimward_string_t *name, rimward_secrets_own_secret_t *ret, rimward_secrets_error_t *err) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(4*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_secrets_get((uint8_t *) (*name).ptr, (*name).len, ptr);
  rimward_secrets_result_own_secret_error_t result;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      result.is_err = false;
      result.val.ok = (rimward_secrets_own_secret_t) { *((int32_t*) (ptr + sizeof(void*))) };
      break;
    }
    case 1: {
      result.is_err = true;
      rimward_error_t variant;
      variant.tag = (int32_t) *((uint8_t*) (ptr + sizeof(void*)));
      switch ((int32_t) variant.tag) {
        case 0: {
          break;
        }
        case 1: {
          break;
        }
        case 2: {
          break;
        }
        case 3: {
          variant.val.invalid = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 4: {
          variant.val.no_such = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 5: {
          variant.val.denied = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 6: {
          variant.val.limit = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 7: {
          break;
        }
        case 8: {
          variant.val.unavailable = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 9: {
          variant.val.other = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
      }

      result.val.err = variant;
      break;
    }
  }
  if (!result.is_err) {
    *ret = result.val.ok;
    return 1;
  } else {
    *err = result.val.err;
    return 0;
  }
}

void rimward_crypto_sha256(rimward_list_u8_t *data, rimward_list_u8_t *ret) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(2*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_crypto_sha256((uint8_t *) (*data).ptr, (*data).len, ptr);
  *ret = (rimward_list_u8_t) { (uint8_t*)(*((uint8_t **) (ptr + 0))), (*((size_t*) (ptr + sizeof(void*)))) };
}

bool rimward_crypto_sign(rimward_crypto_alg_t a, rimward_crypto_borrow_secret_t key, rimward_list_u8_t *data, rimward_list_u8_t *ret, rimward_crypto_error_t *err) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(4*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_crypto_sign((int32_t) a, (key).__handle, (uint8_t *) (*data).ptr, (*data).len, ptr);
  rimward_crypto_result_list_u8_error_t result;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      result.is_err = false;
      result.val.ok = (rimward_list_u8_t) { (uint8_t*)(*((uint8_t **) (ptr + sizeof(void*)))), (*((size_t*) (ptr + (2*sizeof(void*))))) };
      break;
    }
    case 1: {
      result.is_err = true;
      rimward_error_t variant;
      variant.tag = (int32_t) *((uint8_t*) (ptr + sizeof(void*)));
      switch ((int32_t) variant.tag) {
        case 0: {
          break;
        }
        case 1: {
          break;
        }
        case 2: {
          break;
        }
        case 3: {
          variant.val.invalid = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 4: {
          variant.val.no_such = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 5: {
          variant.val.denied = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 6: {
          variant.val.limit = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 7: {
          break;
        }
        case 8: {
          variant.val.unavailable = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 9: {
          variant.val.other = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
      }

      result.val.err = variant;
      break;
    }
  }
  if (!result.is_err) {
    *ret = result.val.ok;
    return 1;
  } else {
    *err = result.val.err;
    return 0;
  }
}

bool rimward_crypto_verify(rimward_crypto_alg_t a, rimward_crypto_borrow_secret_t key, rimward_list_u8_t *data, rimward_list_u8_t *mac, bool *ret, rimward_crypto_error_t *err) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(4*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_crypto_verify((int32_t) a, (key).__handle, (uint8_t *) (*data).ptr, (*data).len, (uint8_t *) (*mac).ptr, (*mac).len, ptr);
  rimward_crypto_result_bool_error_t result;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      result.is_err = false;
      result.val.ok = (int32_t) *((uint8_t*) (ptr + sizeof(void*)));
      break;
    }
    case 1: {
      result.is_err = true;
      rimward_error_t variant;
      variant.tag = (int32_t) *((uint8_t*) (ptr + sizeof(void*)));
      switch ((int32_t) variant.tag) {
        case 0: {
          break;
        }
        case 1: {
          break;
        }
        case 2: {
          break;
        }
        case 3: {
          variant.val.invalid = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 4: {
          variant.val.no_such = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 5: {
          variant.val.denied = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 6: {
          variant.val.limit = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 7: {
          break;
        }
        case 8: {
          variant.val.unavailable = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 9: {
          variant.val.other = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
      }

      result.val.err = variant;
      break;
    }
  }
  if (!result.is_err) {
    *ret = result.val.ok;
    return 1;
  } else {
    *err = result.val.err;
    return 0;
  }
}

bool rimward_subrequest_method_pending_wait(rimward_subrequest_borrow_pending_t self, rimward_subrequest_incoming_t *ret, rimward_subrequest_error_t *err) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(7*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_subrequest_method_pending_wait((self).__handle, ptr);
  rimward_subrequest_result_incoming_error_t result;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      result.is_err = false;
      result.val.ok = (rimward_subrequest_incoming_t) {
        (uint16_t) (uint16_t) ((int32_t) *((uint16_t*) (ptr + sizeof(void*)))),
        (rimward_list_tuple2_string_string_t) (rimward_list_tuple2_string_string_t) { (rimward_tuple2_string_string_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) },
        (rimward_list_u8_t) (rimward_list_u8_t) { (uint8_t*)(*((uint8_t **) (ptr + (4*sizeof(void*))))), (*((size_t*) (ptr + (5*sizeof(void*))))) },
        (bool) (int32_t) *((uint8_t*) (ptr + (6*sizeof(void*)))),
      };
      break;
    }
    case 1: {
      result.is_err = true;
      rimward_error_t variant;
      variant.tag = (int32_t) *((uint8_t*) (ptr + sizeof(void*)));
      switch ((int32_t) variant.tag) {
        case 0: {
          break;
        }
        case 1: {
          break;
        }
        case 2: {
          break;
        }
        case 3: {
          variant.val.invalid = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 4: {
          variant.val.no_such = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 5: {
          variant.val.denied = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 6: {
          variant.val.limit = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 7: {
          break;
        }
        case 8: {
          variant.val.unavailable = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 9: {
          variant.val.other = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
      }

      result.val.err = variant;
      break;
    }
  }
  if (!result.is_err) {
    *ret = result.val.ok;
    return 1;
  } else {
    *err = result.val.err;
    return 0;
  }
}

bool rimward_subrequest_send(rimward_subrequest_outgoing_t *r, rimward_subrequest_incoming_t *ret, rimward_subrequest_error_t *err) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(24+20*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  *((size_t*)(ptr + sizeof(void*))) = ((*r).method).len;
  *((uint8_t **)(ptr + 0)) = (uint8_t *) ((*r).method).ptr;
  *((size_t*)(ptr + (3*sizeof(void*)))) = ((*r).uri).len;
  *((uint8_t **)(ptr + (2*sizeof(void*)))) = (uint8_t *) ((*r).uri).ptr;
  *((size_t*)(ptr + (5*sizeof(void*)))) = ((*r).headers).len;
  *((uint8_t **)(ptr + (4*sizeof(void*)))) = (uint8_t *) ((*r).headers).ptr;
  *((size_t*)(ptr + (7*sizeof(void*)))) = ((*r).body).len;
  *((uint8_t **)(ptr + (6*sizeof(void*)))) = (uint8_t *) ((*r).body).ptr;
  switch ((int32_t) ((*r).to).tag) {
    case 0: {
      const rimward_string_t *payload = &((*r).to).val.named;
      *((int8_t*)(ptr + (8*sizeof(void*)))) = 0;
      *((size_t*)(ptr + (10*sizeof(void*)))) = (*payload).len;
      *((uint8_t **)(ptr + (9*sizeof(void*)))) = (uint8_t *) (*payload).ptr;
      break;
    }
    case 1: {
      const rimward_custom_origin_t *payload0 = &((*r).to).val.custom;
      *((int8_t*)(ptr + (8*sizeof(void*)))) = 1;
      *((size_t*)(ptr + (10*sizeof(void*)))) = ((*payload0).host).len;
      *((uint8_t **)(ptr + (9*sizeof(void*)))) = (uint8_t *) ((*payload0).host).ptr;
      *((int16_t*)(ptr + (11*sizeof(void*)))) = (int32_t) ((*payload0).port);
      *((int8_t*)(ptr + (2+11*sizeof(void*)))) = (*payload0).tls;
      if (((*payload0).sni).is_some) {
        const rimward_string_t *payload2 = &((*payload0).sni).val;
        *((int8_t*)(ptr + (12*sizeof(void*)))) = 1;
        *((size_t*)(ptr + (14*sizeof(void*)))) = (*payload2).len;
        *((uint8_t **)(ptr + (13*sizeof(void*)))) = (uint8_t *) (*payload2).ptr;
      } else {
        *((int8_t*)(ptr + (12*sizeof(void*)))) = 0;
      }
      *((size_t*)(ptr + (16*sizeof(void*)))) = ((*payload0).path_prefix).len;
      *((uint8_t **)(ptr + (15*sizeof(void*)))) = (uint8_t *) ((*payload0).path_prefix).ptr;
      if (((*payload0).connect_timeout_ms).is_some) {
        const uint32_t *payload4 = &((*payload0).connect_timeout_ms).val;
        *((int8_t*)(ptr + (17*sizeof(void*)))) = 1;
        *((int32_t*)(ptr + (4+17*sizeof(void*)))) = (int32_t) (*payload4);
      } else {
        *((int8_t*)(ptr + (17*sizeof(void*)))) = 0;
      }
      if (((*payload0).read_timeout_ms).is_some) {
        const uint32_t *payload6 = &((*payload0).read_timeout_ms).val;
        *((int8_t*)(ptr + (8+17*sizeof(void*)))) = 1;
        *((int32_t*)(ptr + (12+17*sizeof(void*)))) = (int32_t) (*payload6);
      } else {
        *((int8_t*)(ptr + (8+17*sizeof(void*)))) = 0;
      }
      *((size_t*)(ptr + (16+18*sizeof(void*)))) = ((*payload0).headers).len;
      *((uint8_t **)(ptr + (16+17*sizeof(void*)))) = (uint8_t *) ((*payload0).headers).ptr;
      break;
    }
  }
  *((int32_t*)(ptr + (16+19*sizeof(void*)))) = (int32_t) ((*r).timeout_ms);
  *((int32_t*)(ptr + (20+19*sizeof(void*)))) = (int32_t) ((*r).max_body);
  *((int8_t*)(ptr + (24+19*sizeof(void*)))) = (*r).cached;
  uint8_t *ptr7 = (uint8_t *) &ret_area;
  __wasm_import_rimward_subrequest_send(ptr, ptr7);
  rimward_subrequest_result_incoming_error_t result;
  switch ((int32_t) *((uint8_t*) (ptr7 + 0))) {
    case 0: {
      result.is_err = false;
      result.val.ok = (rimward_subrequest_incoming_t) {
        (uint16_t) (uint16_t) ((int32_t) *((uint16_t*) (ptr7 + sizeof(void*)))),
        (rimward_list_tuple2_string_string_t) (rimward_list_tuple2_string_string_t) { (rimward_tuple2_string_string_t*)(*((uint8_t **) (ptr7 + (2*sizeof(void*))))), (*((size_t*) (ptr7 + (3*sizeof(void*))))) },
        (rimward_list_u8_t) (rimward_list_u8_t) { (uint8_t*)(*((uint8_t **) (ptr7 + (4*sizeof(void*))))), (*((size_t*) (ptr7 + (5*sizeof(void*))))) },
        (bool) (int32_t) *((uint8_t*) (ptr7 + (6*sizeof(void*)))),
      };
      break;
    }
    case 1: {
      result.is_err = true;
      rimward_error_t variant;
      variant.tag = (int32_t) *((uint8_t*) (ptr7 + sizeof(void*)));
      switch ((int32_t) variant.tag) {
        case 0: {
          break;
        }
        case 1: {
          break;
        }
        case 2: {
          break;
        }
        case 3: {
          variant.val.invalid = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr7 + (2*sizeof(void*))))), (*((size_t*) (ptr7 + (3*sizeof(void*))))) };
          break;
        }
        case 4: {
          variant.val.no_such = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr7 + (2*sizeof(void*))))), (*((size_t*) (ptr7 + (3*sizeof(void*))))) };
          break;
        }
        case 5: {
          variant.val.denied = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr7 + (2*sizeof(void*))))), (*((size_t*) (ptr7 + (3*sizeof(void*))))) };
          break;
        }
        case 6: {
          variant.val.limit = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr7 + (2*sizeof(void*))))), (*((size_t*) (ptr7 + (3*sizeof(void*))))) };
          break;
        }
        case 7: {
          break;
        }
        case 8: {
          variant.val.unavailable = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr7 + (2*sizeof(void*))))), (*((size_t*) (ptr7 + (3*sizeof(void*))))) };
          break;
        }
        case 9: {
          variant.val.other = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr7 + (2*sizeof(void*))))), (*((size_t*) (ptr7 + (3*sizeof(void*))))) };
          break;
        }
      }

      result.val.err = variant;
      break;
    }
  }
  if (!result.is_err) {
    *ret = result.val.ok;
    return 1;
  } else {
    *err = result.val.err;
    return 0;
  }
}

bool rimward_subrequest_start(rimward_subrequest_outgoing_t *r, rimward_subrequest_own_pending_t *ret, rimward_subrequest_error_t *err) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(24+20*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  *((size_t*)(ptr + sizeof(void*))) = ((*r).method).len;
  *((uint8_t **)(ptr + 0)) = (uint8_t *) ((*r).method).ptr;
  *((size_t*)(ptr + (3*sizeof(void*)))) = ((*r).uri).len;
  *((uint8_t **)(ptr + (2*sizeof(void*)))) = (uint8_t *) ((*r).uri).ptr;
  *((size_t*)(ptr + (5*sizeof(void*)))) = ((*r).headers).len;
  *((uint8_t **)(ptr + (4*sizeof(void*)))) = (uint8_t *) ((*r).headers).ptr;
  *((size_t*)(ptr + (7*sizeof(void*)))) = ((*r).body).len;
  *((uint8_t **)(ptr + (6*sizeof(void*)))) = (uint8_t *) ((*r).body).ptr;
  switch ((int32_t) ((*r).to).tag) {
    case 0: {
      const rimward_string_t *payload = &((*r).to).val.named;
      *((int8_t*)(ptr + (8*sizeof(void*)))) = 0;
      *((size_t*)(ptr + (10*sizeof(void*)))) = (*payload).len;
      *((uint8_t **)(ptr + (9*sizeof(void*)))) = (uint8_t *) (*payload).ptr;
      break;
    }
    case 1: {
      const rimward_custom_origin_t *payload0 = &((*r).to).val.custom;
      *((int8_t*)(ptr + (8*sizeof(void*)))) = 1;
      *((size_t*)(ptr + (10*sizeof(void*)))) = ((*payload0).host).len;
      *((uint8_t **)(ptr + (9*sizeof(void*)))) = (uint8_t *) ((*payload0).host).ptr;
      *((int16_t*)(ptr + (11*sizeof(void*)))) = (int32_t) ((*payload0).port);
      *((int8_t*)(ptr + (2+11*sizeof(void*)))) = (*payload0).tls;
      if (((*payload0).sni).is_some) {
        const rimward_string_t *payload2 = &((*payload0).sni).val;
        *((int8_t*)(ptr + (12*sizeof(void*)))) = 1;
        *((size_t*)(ptr + (14*sizeof(void*)))) = (*payload2).len;
        *((uint8_t **)(ptr + (13*sizeof(void*)))) = (uint8_t *) (*payload2).ptr;
      } else {
        *((int8_t*)(ptr + (12*sizeof(void*)))) = 0;
      }
      *((size_t*)(ptr + (16*sizeof(void*)))) = ((*payload0).path_prefix).len;
      *((uint8_t **)(ptr + (15*sizeof(void*)))) = (uint8_t *) ((*payload0).path_prefix).ptr;
      if (((*payload0).connect_timeout_ms).is_some) {
        const uint32_t *payload4 = &((*payload0).connect_timeout_ms).val;
        *((int8_t*)(ptr + (17*sizeof(void*)))) = 1;
        *((int32_t*)(ptr + (4+17*sizeof(void*)))) = (int32_t) (*payload4);
      } else {
        *((int8_t*)(ptr + (17*sizeof(void*)))) = 0;
      }
      if (((*payload0).read_timeout_ms).is_some) {
        const uint32_t *payload6 = &((*payload0).read_timeout_ms).val;
        *((int8_t*)(ptr + (8+17*sizeof(void*)))) = 1;
        *((int32_t*)(ptr + (12+17*sizeof(void*)))) = (int32_t) (*payload6);
      } else {
        *((int8_t*)(ptr + (8+17*sizeof(void*)))) = 0;
      }
      *((size_t*)(ptr + (16+18*sizeof(void*)))) = ((*payload0).headers).len;
      *((uint8_t **)(ptr + (16+17*sizeof(void*)))) = (uint8_t *) ((*payload0).headers).ptr;
      break;
    }
  }
  *((int32_t*)(ptr + (16+19*sizeof(void*)))) = (int32_t) ((*r).timeout_ms);
  *((int32_t*)(ptr + (20+19*sizeof(void*)))) = (int32_t) ((*r).max_body);
  *((int8_t*)(ptr + (24+19*sizeof(void*)))) = (*r).cached;
  uint8_t *ptr7 = (uint8_t *) &ret_area;
  __wasm_import_rimward_subrequest_start(ptr, ptr7);
  rimward_subrequest_result_own_pending_error_t result;
  switch ((int32_t) *((uint8_t*) (ptr7 + 0))) {
    case 0: {
      result.is_err = false;
      result.val.ok = (rimward_subrequest_own_pending_t) { *((int32_t*) (ptr7 + sizeof(void*))) };
      break;
    }
    case 1: {
      result.is_err = true;
      rimward_error_t variant;
      variant.tag = (int32_t) *((uint8_t*) (ptr7 + sizeof(void*)));
      switch ((int32_t) variant.tag) {
        case 0: {
          break;
        }
        case 1: {
          break;
        }
        case 2: {
          break;
        }
        case 3: {
          variant.val.invalid = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr7 + (2*sizeof(void*))))), (*((size_t*) (ptr7 + (3*sizeof(void*))))) };
          break;
        }
        case 4: {
          variant.val.no_such = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr7 + (2*sizeof(void*))))), (*((size_t*) (ptr7 + (3*sizeof(void*))))) };
          break;
        }
        case 5: {
          variant.val.denied = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr7 + (2*sizeof(void*))))), (*((size_t*) (ptr7 + (3*sizeof(void*))))) };
          break;
        }
        case 6: {
          variant.val.limit = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr7 + (2*sizeof(void*))))), (*((size_t*) (ptr7 + (3*sizeof(void*))))) };
          break;
        }
        case 7: {
          break;
        }
        case 8: {
          variant.val.unavailable = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr7 + (2*sizeof(void*))))), (*((size_t*) (ptr7 + (3*sizeof(void*))))) };
          break;
        }
        case 9: {
          variant.val.other = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr7 + (2*sizeof(void*))))), (*((size_t*) (ptr7 + (3*sizeof(void*))))) };
          break;
        }
      }

      result.val.err = variant;
      break;
    }
  }
  if (!result.is_err) {
    *ret = result.val.ok;
    return 1;
  } else {
    *err = result.val.err;
    return 0;
  }
}

bool rimward_log_enabled(rimward_log_level_t l) {
  int32_t ret = __wasm_import_rimward_log_enabled((int32_t) l);
  return ret;
}

void rimward_log_write(rimward_log_level_t l, rimward_string_t *msg) {
  __wasm_import_rimward_log_write((int32_t) l, (uint8_t *) (*msg).ptr, (*msg).len);
}

void rimward_log_field(rimward_string_t *name, rimward_string_t *value) {
  __wasm_import_rimward_log_field((uint8_t *) (*name).ptr, (*name).len, (uint8_t *) (*value).ptr, (*value).len);
}

void rimward_metrics_count(rimward_string_t *name, uint64_t by) {
  __wasm_import_rimward_metrics_count((uint8_t *) (*name).ptr, (*name).len, (int64_t) (by));
}

void rimward_metrics_observe(rimward_string_t *name, double value) {
  __wasm_import_rimward_metrics_observe((uint8_t *) (*name).ptr, (*name).len, value);
}

uint64_t rimward_clock_now_ms(void) {
  int64_t ret = __wasm_import_rimward_clock_now_ms();
  return (uint64_t) (ret);
}

uint64_t rimward_clock_random_u64(void) {
  int64_t ret = __wasm_import_rimward_clock_random_u64();
  return (uint64_t) (ret);
}

uint32_t rimward_clock_bucket(rimward_string_t *salt, rimward_string_t *key, uint32_t buckets) {
  int32_t ret = __wasm_import_rimward_clock_bucket((uint8_t *) (*salt).ptr, (*salt).len, (uint8_t *) (*key).ptr, (*key).len, (int32_t) (buckets));
  return (uint32_t) (ret);
}

bool rimward_images_apply(rimward_images_transform_t *t, rimward_images_error_t *err) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(4*sizeof(void*))];
  int32_t option;
  int32_t option1;
  if (((*t).width).is_some) {
    const uint32_t *payload0 = &((*t).width).val;
    option = 1;
    option1 = (int32_t) (*payload0);
  } else {
    option = 0;
    option1 = 0;
  }
  int32_t option4;
  int32_t option5;
  if (((*t).height).is_some) {
    const uint32_t *payload3 = &((*t).height).val;
    option4 = 1;
    option5 = (int32_t) (*payload3);
  } else {
    option4 = 0;
    option5 = 0;
  }
  int32_t option8;
  uint8_t * option9;
  size_t option10;
  if (((*t).fit).is_some) {
    const rimward_string_t *payload7 = &((*t).fit).val;
    option8 = 1;
    option9 = (uint8_t *) (*payload7).ptr;
    option10 = (*payload7).len;
  } else {
    option8 = 0;
    option9 = 0;
    option10 = 0;
  }
  int32_t option13;
  uint8_t * option14;
  size_t option15;
  if (((*t).format).is_some) {
    const rimward_string_t *payload12 = &((*t).format).val;
    option13 = 1;
    option14 = (uint8_t *) (*payload12).ptr;
    option15 = (*payload12).len;
  } else {
    option13 = 0;
    option14 = 0;
    option15 = 0;
  }
  int32_t option18;
  int32_t option19;
  if (((*t).quality).is_some) {
    const uint8_t *payload17 = &((*t).quality).val;
    option18 = 1;
    option19 = (int32_t) (*payload17);
  } else {
    option18 = 0;
    option19 = 0;
  }
  int32_t option22;
  float option23;
  if (((*t).dpr).is_some) {
    const float *payload21 = &((*t).dpr).val;
    option22 = 1;
    option23 = *payload21;
  } else {
    option22 = 0;
    option23 = 0;
  }
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_images_apply(option, option1, option4, option5, option8, option9, option10, option13, option14, option15, option18, option19, option22, option23, ptr);
  rimward_images_result_void_error_t result;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      result.is_err = false;
      break;
    }
    case 1: {
      result.is_err = true;
      rimward_error_t variant;
      variant.tag = (int32_t) *((uint8_t*) (ptr + sizeof(void*)));
      switch ((int32_t) variant.tag) {
        case 0: {
          break;
        }
        case 1: {
          break;
        }
        case 2: {
          break;
        }
        case 3: {
          variant.val.invalid = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 4: {
          variant.val.no_such = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 5: {
          variant.val.denied = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 6: {
          variant.val.limit = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 7: {
          break;
        }
        case 8: {
          variant.val.unavailable = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 9: {
          variant.val.other = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
      }

      result.val.err = variant;
      break;
    }
  }
  if (!result.is_err) {
    return 1;
  } else {
    *err = result.val.err;
    return 0;
  }
}

bool rimward_html_rule(rimward_string_t *selector, rimward_html_edit_t *e, rimward_html_error_t *err) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(4*sizeof(void*))];
  int32_t variant;
  uint8_t * variant4;
  size_t variant5;
  uint8_t * variant6;
  size_t variant7;
  switch ((int32_t) (*e).tag) {
    case 0: {
      const rimward_tuple2_string_string_t *payload = &(*e).val.set_attribute;
      variant = 0;
      variant4 = (uint8_t *) ((*payload).f0).ptr;
      variant5 = ((*payload).f0).len;
      variant6 = (uint8_t *) ((*payload).f1).ptr;
      variant7 = ((*payload).f1).len;
      break;
    }
    case 1: {
      variant = 1;
      variant4 = 0;
      variant5 = 0;
      variant6 = 0;
      variant7 = 0;
      break;
    }
    case 2: {
      const rimward_string_t *payload1 = &(*e).val.append_html;
      variant = 2;
      variant4 = (uint8_t *) (*payload1).ptr;
      variant5 = (*payload1).len;
      variant6 = 0;
      variant7 = 0;
      break;
    }
    case 3: {
      const rimward_string_t *payload2 = &(*e).val.prepend_html;
      variant = 3;
      variant4 = (uint8_t *) (*payload2).ptr;
      variant5 = (*payload2).len;
      variant6 = 0;
      variant7 = 0;
      break;
    }
    case 4: {
      const rimward_string_t *payload3 = &(*e).val.set_inner;
      variant = 4;
      variant4 = (uint8_t *) (*payload3).ptr;
      variant5 = (*payload3).len;
      variant6 = 0;
      variant7 = 0;
      break;
    }
  }
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_html_rule((uint8_t *) (*selector).ptr, (*selector).len, variant, variant4, variant5, variant6, variant7, ptr);
  rimward_html_result_void_error_t result;
  switch ((int32_t) *((uint8_t*) (ptr + 0))) {
    case 0: {
      result.is_err = false;
      break;
    }
    case 1: {
      result.is_err = true;
      rimward_error_t variant8;
      variant8.tag = (int32_t) *((uint8_t*) (ptr + sizeof(void*)));
      switch ((int32_t) variant8.tag) {
        case 0: {
          break;
        }
        case 1: {
          break;
        }
        case 2: {
          break;
        }
        case 3: {
          variant8.val.invalid = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 4: {
          variant8.val.no_such = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 5: {
          variant8.val.denied = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 6: {
          variant8.val.limit = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 7: {
          break;
        }
        case 8: {
          variant8.val.unavailable = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
        case 9: {
          variant8.val.other = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + (2*sizeof(void*))))), (*((size_t*) (ptr + (3*sizeof(void*))))) };
          break;
        }
      }

      result.val.err = variant8;
      break;
    }
  }
  if (!result.is_err) {
    return 1;
  } else {
    *err = result.val.err;
    return 0;
  }
}

void rimward_text_encode(rimward_string_t *text, rimward_list_u8_t *ret) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(2*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_text_encode((uint8_t *) (*text).ptr, (*text).len, ptr);
  *ret = (rimward_list_u8_t) { (uint8_t*)(*((uint8_t **) (ptr + 0))), (*((size_t*) (ptr + sizeof(void*)))) };
}

void rimward_text_decode(rimward_list_u8_t *bytes, rimward_string_t *ret) {
  __attribute__((__aligned__(sizeof(void*))))
  uint8_t ret_area[(2*sizeof(void*))];
  uint8_t *ptr = (uint8_t *) &ret_area;
  __wasm_import_rimward_text_decode((uint8_t *) (*bytes).ptr, (*bytes).len, ptr);
  *ret = (rimward_string_t) { (uint8_t*)(*((uint8_t **) (ptr + 0))), (*((size_t*) (ptr + sizeof(void*)))) };
}

// What this part imports or exports, for the tool that makes the component.
__asm__(".section \".custom_section.component-type-rimward-c-host\",\"\",@\n"
    ".ascii \"\\000asm\\015\\000\\001\\000\\000\\031\\026wit-component-encoding\\004\\000\\007\\373$\\001A\\002\\001A)\\001B\\031\\001q\\012\\024not-allowed-i\"\n"
    ".ascii \"n-phase\\000\\000\\011read-only\\000\\000\\011forbidden\\000\\000\\007invalid\\001s\\000\\007no-such\\001s\\000\\006denied\\001s\"\n"
    ".ascii \"\\000\\005limit\\001s\\000\\007timeout\\000\\000\\013unavailable\\001s\\000\\005other\\001s\\000\\004\\000\\005error\\003\\000\\000\\001m\\005\\007reque\"\n"
    ".ascii \"st\\016origin-request\\017origin-response\\010response\\003log\\004\\000\\005phase\\003\\000\\002\\001m\\007\\007unk\"\n"
    ".ascii \"nown\\003hit\\005stale\\004miss\\013revalidated\\006bypass\\013uncacheable\\004\\000\\014cache-statu\"\n"
    ".ascii \"s\\003\\000\\004\\001o\\002ss\\001q\\003\\003set\\001\\006\\000\\006append\\001\\006\\000\\006remove\\001s\\000\\004\\000\\011header-op\\003\\000\\007\\001q\\003\\004none\\000\\000\"\n"
    ".ascii \"\\006chunks\\000\\000\\010buffered\\001y\\000\\004\\000\\011body-want\\003\\000\\011\\001p}\\001q\\004\\004pass\\000\\000\\007replace\\001\\013\\000\\004hol\"\n"
    ".ascii \"d\\000\\000\\004drop\\000\\000\\004\\000\\015chunk-verdict\\003\\000\\014\\001p\\006\\001ky\\001r\\004\\006status{\\007headers\\016\\004body\\013\\011ca\"\n"
    ".ascii \"che-ttl\\017\\004\\000\\011synthetic\\003\\000\\020\\001q\\003\\004next\\000\\000\\007respond\\001\\021\\000\\014replace-body\\001\\013\\000\\004\\000\\007v\"\n"
    ".ascii \"erdict\\003\\000\\022\\001ks\\001r\\010\\004hosts\\004port{\\003tls\\177\\003sni\\024\\013path-prefixs\\022connect-timeo\"\n"
    ".ascii \"ut-ms\\017\\017read-timeout-ms\\017\\007headers\\016\\004\\000\\015custom-origin\\003\\000\\025\\001q\\002\\005named\\001s\\000\\006\"\n"
    ".ascii \"custom\\001\\026\\000\\004\\000\\006origin\\003\\000\\027\\003\\000\\032rimward:filter/types@0.1.0\\005\\000\\002\\003\\000\\000\\005error\\002\\003\"\n"
    ".ascii \"\\000\\000\\011header-op\\002\\003\\000\\000\\011body-want\\002\\003\\000\\000\\006origin\\001B:\\002\\003\\002\\001\\001\\004\\000\\005error\\003\\000\\000\\002\\003\\002\\001\\002\\004\\000\\011\"\n"
    ".ascii \"header-op\\003\\000\\002\\002\\003\\002\\001\\003\\004\\000\\011body-want\\003\\000\\004\\002\\003\\002\\001\\004\\004\\000\\006origin\\003\\000\\006\\001@\\000\\000s\\004\\000\\006method\\001\"\n"
    ".ascii \"\\010\\004\\000\\003uri\\001\\010\\004\\000\\004path\\001\\010\\001ks\\001@\\000\\000\\011\\004\\000\\005query\\001\\012\\001@\\001\\004names\\000\\011\\004\\000\\013query-param\\001\\013\\004\"\n"
    ".ascii \"\\000\\006scheme\\001\\010\\004\\000\\004host\\001\\010\\004\\000\\014http-version\\001\\010\\004\\000\\006header\\001\\013\\001p}\\001p\\014\\001@\\001\\004names\\000\\015\"\n"
    ".ascii \"\\004\\000\\012header-all\\001\\016\\001@\\001\\004names\\000\\177\\004\\000\\012has-header\\001\\017\\001ps\\001p\\011\\001@\\001\\005names\\020\\000\\021\\004\\000\\013he\"\n"
    ".ascii \"ader-many\\001\\022\\001@\\000\\000\\020\\004\\000\\014header-names\\001\\023\\001o\\002s\\014\\001p\\024\\001@\\000\\000\\025\\004\\000\\007headers\\001\\026\\004\\000\\006coo\"\n"
    ".ascii \"kie\\001\\013\\001p\\003\\001j\\000\\001\\001\\001@\\001\\003ops\\027\\000\\030\\004\\000\\014edit-headers\\001\\031\\001@\\002\\004names\\005values\\000\\030\\004\\000\\012set\"\n"
    ".ascii \"-header\\001\\032\\001@\\001\\016path-and-querys\\000\\030\\004\\000\\007set-uri\\001\\033\\001@\\001\\004hosts\\000\\030\\004\\000\\010set-host\"\n"
    ".ascii \"\\001\\034\\001@\\001\\002to\\007\\000\\030\\004\\000\\012set-origin\\001\\035\\001@\\000\\000\\007\\004\\000\\015chosen-origin\\001\\036\\001@\\002\\005labels\\005valu\"\n"
    ".ascii \"es\\000\\030\\004\\000\\016cache-key-part\\001\\037\\001@\\000\\000\\030\\004\\000\\014cache-bypass\\001 \\001@\\001\\004want\\005\\000\\030\\004\\000\\011want-\"\n"
    ".ascii \"body\\001!\\003\\000\\034rimward:filter/request@0.1.0\\005\\005\\002\\003\\000\\000\\014cache-status\\001B/\\002\\003\\002\\001\\001\"\n"
    ".ascii \"\\004\\000\\005error\\003\\000\\000\\002\\003\\002\\001\\002\\004\\000\\011header-op\\003\\000\\002\\002\\003\\002\\001\\003\\004\\000\\011body-want\\003\\000\\004\\002\\003\\002\\001\\006\\004\\000\\014cache\"\n"
    ".ascii \"-status\\003\\000\\006\\001@\\000\\000{\\004\\000\\006status\\001\\010\\001j\\000\\001\\001\\001@\\001\\006status{\\000\\011\\004\\000\\012set-status\\001\\012\\001ks\\001@\"\n"
    ".ascii \"\\001\\004names\\000\\013\\004\\000\\006header\\001\\014\\001p}\\001p\\015\\001@\\001\\004names\\000\\016\\004\\000\\012header-all\\001\\017\\001@\\001\\004names\\000\\177\\004\"\n"
    ".ascii \"\\000\\012has-header\\001\\020\\001ps\\001p\\013\\001@\\001\\005names\\021\\000\\022\\004\\000\\013header-many\\001\\023\\001@\\000\\000\\021\\004\\000\\014header-n\"\n"
    ".ascii \"ames\\001\\024\\001o\\002s\\015\\001p\\025\\001@\\000\\000\\026\\004\\000\\007headers\\001\\027\\001p\\003\\001@\\001\\003ops\\030\\000\\011\\004\\000\\014edit-headers\\001\\031\\001@\\002\"\n"
    ".ascii \"\\004names\\005values\\000\\011\\004\\000\\012set-header\\001\\032\\001@\\000\\000\\007\\004\\000\\014cache-result\\001\\033\\001@\\003\\005ttl-sy\\005s\"\n"
    ".ascii \"wr-sy\\005sie-sy\\000\\011\\004\\000\\011cache-for\\001\\034\\001@\\001\\004keys\\021\\000\\011\\004\\000\\016surrogate-keys\\001\\035\\001@\\000\\000\\011\\004\"\n"
    ".ascii \"\\000\\013cache-never\\001\\036\\001@\\001\\004want\\005\\000\\011\\004\\000\\011want-body\\001\\037\\003\\000\\035rimward:filter/respon\"\n"
    ".ascii \"se@0.1.0\\005\\007\\001B\\011\\001@\\000\\000y\\004\\000\\003len\\001\\000\\001@\\000\\000w\\004\\000\\006offset\\001\\001\\001@\\000\\000\\177\\004\\000\\007is-last\\001\\002\\001p}\\001@\"\n"
    ".ascii \"\\002\\002aty\\003maxy\\000\\003\\004\\000\\004read\\001\\004\\003\\000\\031rimward:filter/body@0.1.0\\005\\010\\001B\\007\\001@\\000\\000s\\004\\000\\003al\"\n"
    ".ascii \"l\\001\\000\\001ks\\001@\\001\\004paths\\000\\001\\004\\000\\003get\\001\\002\\001@\\000\\000w\\004\\000\\012generation\\001\\003\\003\\000\\033rimward:filter/c\"\n"
    ".ascii \"onfig@0.1.0\\005\\011\\002\\003\\000\\000\\005phase\\001B\\021\\002\\003\\002\\001\\012\\004\\000\\005phase\\003\\000\\000\\001@\\000\\000s\\004\\000\\012request-id\\001\\002\\004\\000\"\n"
    ".ascii \"\\003pop\\001\\002\\001@\\000\\000\\001\\004\\000\\015current-phase\\001\\003\\004\\000\\011client-ip\\001\\002\\001ks\\001@\\001\\005fields\\000\\004\\004\\000\\003tls\"\n"
    ".ascii \"\\001\\005\\001@\\001\\004names\\000\\004\\004\\000\\007get-var\\001\\006\\001@\\002\\004names\\005values\\001\\000\\004\\000\\007set-var\\001\\007\\001@\\000\\000w\\004\\000\\011b\"\n"
    ".ascii \"udget-us\\001\\010\\003\\000\\034rimward:filter/context@0.1.0\\005\\013\\001B\\014\\001ks\\001ku\\001ky\\001r\\016\\007count\"\n"
    ".ascii \"ry\\000\\014country-name\\000\\005is-eu\\177\\011continent\\000\\013region-code\\000\\006region\\000\\004city\\000\\013p\"\n"
    ".ascii \"ostal-code\\000\\012metro-code\\000\\010latitude\\001\\011longitude\\001\\010timezone\\000\\003asn\\002\\017as-o\"\n"
    ".ascii \"rganization\\000\\004\\000\\010location\\003\\000\\003\\001@\\000\\000\\000\\004\\000\\007country\\001\\005\\001k\\004\\001@\\000\\000\\006\\004\\000\\006client\\001\\007\\001@\"\n"
    ".ascii \"\\001\\002ips\\000\\006\\004\\000\\006lookup\\001\\010\\003\\000\\030rimward:filter/geo@0.1.0\\005\\014\\001B.\\002\\003\\002\\001\\001\\004\\000\\005error\\003\"\n"
    ".ascii \"\\000\\000\\001p}\\001ks\\001ky\\001r\\004\\005value\\002\\010metadata\\003\\012generationw\\005ttl-s\\004\\004\\000\\005entry\\003\\000\\005\\001m\\003\"\n"
    ".ascii \"\\011overwrite\\003add\\007compare\\004\\000\\012write-mode\\003\\000\\007\\001kw\\001r\\004\\004mode\\010\\015if-generation\"\n"
    ".ascii \"\\011\\005ttl-s\\004\\010metadata\\003\\004\\000\\005write\\003\\000\\012\\001ps\\001r\\002\\004keys\\014\\006cursor\\003\\004\\000\\004page\\003\\000\\015\\004\\000\\005st\"\n"
    ".ascii \"ore\\003\\001\\001h\\017\\001k\\006\\001j\\001\\021\\001\\001\\001@\\002\\004self\\020\\003keys\\000\\022\\004\\000\\021[method]store.get\\001\\023\\001j\\001\\003\\001\\001\\001@\\002\"\n"
    ".ascii \"\\004self\\020\\003keys\\000\\024\\004\\000\\026[method]store.get-text\\001\\025\\001k\\002\\001p\\026\\001j\\001\\027\\001\\001\\001@\\002\\004self\\020\\004ke\"\n"
    ".ascii \"ys\\014\\000\\030\\004\\000\\026[method]store.get-many\\001\\031\\001k\\013\\001j\\001w\\001\\001\\001@\\004\\004self\\020\\003keys\\005value\\002\\004o\"\n"
    ".ascii \"pts\\032\\000\\033\\004\\000\\021[method]store.put\\001\\034\\001j\\001x\\001\\001\\001@\\004\\004self\\020\\003keys\\002byx\\005ttl-s\\004\\000\\035\\004\\000\\027\"\n"
    ".ascii \"[method]store.increment\\001\\036\\001j\\001\\177\\001\\001\\001@\\002\\004self\\020\\003keys\\000\\037\\004\\000\\024[method]store.\"\n"
    ".ascii \"delete\\001 \\001j\\001\\016\\001\\001\\001@\\004\\004self\\020\\006prefixs\\006cursor\\003\\003maxy\\000!\\004\\000\\022[method]store.l\"\n"
    ".ascii \"ist\\001\\042\\001i\\017\\001j\\001#\\001\\001\\001@\\001\\004names\\000$\\004\\000\\004open\\001%\\003\\000\\027rimward:filter/kv@0.1.0\\005\\015\\001B\"\n"
    ".ascii \"\\013\\002\\003\\002\\001\\001\\004\\000\\005error\\003\\000\\000\\004\\000\\006secret\\003\\001\\001h\\002\\001p}\\001@\\001\\004self\\003\\000\\004\\004\\000\\025[method]secret.r\"\n"
    ".ascii \"eveal\\001\\005\\001i\\002\\001j\\001\\006\\001\\001\\001@\\001\\004names\\000\\007\\004\\000\\003get\\001\\010\\003\\000\\034rimward:filter/secrets@0.1\"\n"
    ".ascii \".0\\005\\016\\002\\003\\000\\010\\006secret\\001B\\020\\002\\003\\002\\001\\001\\004\\000\\005error\\003\\000\\000\\002\\003\\002\\001\\017\\004\\000\\006secret\\003\\000\\002\\001m\\006\\005hs256\\005hs3\"\n"
    ".ascii \"84\\005hs512\\005rs256\\005es256\\005eddsa\\004\\000\\003alg\\003\\000\\004\\001p}\\001@\\001\\004data\\006\\000\\006\\004\\000\\006sha256\\001\\007\\001h\\003\\001\"\n"
    ".ascii \"j\\001\\006\\001\\001\\001@\\003\\001a\\005\\003key\\010\\004data\\006\\000\\011\\004\\000\\004sign\\001\\012\\001j\\001\\177\\001\\001\\001@\\004\\001a\\005\\003key\\010\\004data\\006\\003mac\\006\\000\\013\\004\"\n"
    ".ascii \"\\000\\006verify\\001\\014\\003\\000\\033rimward:filter/crypto@0.1.0\\005\\020\\001B\\026\\002\\003\\002\\001\\001\\004\\000\\005error\\003\\000\\000\\002\\003\\002\"\n"
    ".ascii \"\\001\\004\\004\\000\\006origin\\003\\000\\002\\001o\\002ss\\001p\\004\\001p}\\001r\\010\\006methods\\003uris\\007headers\\005\\004body\\006\\002to\\003\\012tim\"\n"
    ".ascii \"eout-msy\\010max-bodyy\\006cached\\177\\004\\000\\010outgoing\\003\\000\\007\\001r\\004\\006status{\\007headers\\005\\004bod\"\n"
    ".ascii \"y\\006\\011truncated\\177\\004\\000\\010incoming\\003\\000\\011\\004\\000\\007pending\\003\\001\\001h\\013\\001j\\001\\012\\001\\001\\001@\\001\\004self\\014\\000\\015\\004\\000\\024[m\"\n"
    ".ascii \"ethod]pending.wait\\001\\016\\001@\\001\\001r\\010\\000\\015\\004\\000\\004send\\001\\017\\001i\\013\\001j\\001\\020\\001\\001\\001@\\001\\001r\\010\\000\\021\\004\\000\\005start\\001\\022\"\n"
    ".ascii \"\\003\\000\\037rimward:filter/subrequest@0.1.0\\005\\021\\001B\\010\\001m\\005\\005trace\\005debug\\004info\\004warn\"\n"
    ".ascii \"\\005error\\004\\000\\005level\\003\\000\\000\\001@\\001\\001l\\001\\000\\177\\004\\000\\007enabled\\001\\002\\001@\\002\\001l\\001\\003msgs\\001\\000\\004\\000\\005write\\001\\003\\001@\\002\\004\"\n"
    ".ascii \"names\\005values\\001\\000\\004\\000\\005field\\001\\004\\003\\000\\030rimward:filter/log@0.1.0\\005\\022\\001B\\004\\001@\\002\\004name\"\n"
    ".ascii \"s\\002byw\\001\\000\\004\\000\\005count\\001\\000\\001@\\002\\004names\\005valueu\\001\\000\\004\\000\\007observe\\001\\001\\003\\000\\034rimward:filter\"\n"
    ".ascii \"/metrics@0.1.0\\005\\023\\001B\\005\\001@\\000\\000w\\004\\000\\006now-ms\\001\\000\\004\\000\\012random-u64\\001\\000\\001@\\003\\004salts\\003keys\"\n"
    ".ascii \"\\007bucketsy\\000y\\004\\000\\006bucket\\001\\001\\003\\000\\032rimward:filter/clock@0.1.0\\005\\024\\001B\\013\\002\\003\\002\\001\\001\\004\\000\\005\"\n"
    ".ascii \"error\\003\\000\\000\\001ky\\001ks\\001k}\\001kv\\001r\\006\\005width\\002\\006height\\002\\003fit\\003\\006format\\003\\007quality\\004\\003dpr\"\n"
    ".ascii \"\\005\\004\\000\\011transform\\003\\000\\006\\001j\\000\\001\\001\\001@\\001\\001t\\007\\000\\010\\004\\000\\005apply\\001\\011\\003\\000\\033rimward:filter/images@\"\n"
    ".ascii \"0.1.0\\005\\025\\001B\\010\\002\\003\\002\\001\\001\\004\\000\\005error\\003\\000\\000\\001o\\002ss\\001q\\005\\015set-attribute\\001\\002\\000\\006remove\\000\\000\\013app\"\n"
    ".ascii \"end-html\\001s\\000\\014prepend-html\\001s\\000\\011set-inner\\001s\\000\\004\\000\\004edit\\003\\000\\003\\001j\\000\\001\\001\\001@\\002\\010selec\"\n"
    ".ascii \"tors\\001e\\004\\000\\005\\004\\000\\004rule\\001\\006\\003\\000\\031rimward:filter/html@0.1.0\\005\\026\\001B\\005\\001p}\\001@\\001\\004texts\\000\"\n"
    ".ascii \"\\000\\004\\000\\006encode\\001\\001\\001@\\001\\005bytes\\000\\000s\\004\\000\\006decode\\001\\002\\003\\000\\031rimward:filter/text@0.1.0\\005\"\n"
    ".ascii \"\\027\\004\\000\\033rimward:filter/c-host@0.1.0\\004\\000\\013\\014\\001\\000\\006c-host\\003\\000\\000\\000D\\011producers\\001\\014pro\"\n"
    ".ascii \"cessed-by\\002\\015wit-component\\0070.262.0\\015wit-bindgen-c\\0060.63.0\"\n"
);

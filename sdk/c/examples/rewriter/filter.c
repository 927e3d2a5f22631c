// Rewrites responses: headers for every one, and the links of pages that still point to the old host.
//
//     [filter.links]
//     wasm = "plugins/rewriter.wasm"
//     config = { from = "http://old.example.com", to = "https://www.example.com" }
//
// It works before the store (on_origin_response), so that a hit costs nothing.

#include <stdlib.h>
#include <string.h>

#include "rimward.h"
#include "rimward/configure.h"
#include "rimward/on_origin_response.h"
#include "rimward/on_origin_response_body.h"

// The largest page that is rewritten.
#define MOST (512 << 10)

bool configure(rimward_string_t *config, rimward_string_t *error) {
    rimward_string_free(config);
    char *from = rw_config("from"), *to = rw_config("to");
    bool ok = from && *from && to;
    free(from), free(to);
    return ok ? true : rw_fail(error, "`from` and `to` are needed: what links start with, and what they are to start with");
}

bool on_origin_response(rimward_verdict_t *verdict, rimward_string_t *error) {
    bool ok = rw_remove_response_header("server") && rw_remove_response_header("x-powered-by")
        && rw_set_response_header("x-content-type-options", "nosniff")
        && rw_set_response_header("referrer-policy", "strict-origin-when-cross-origin");
    char *type = rw_response_header("content-type");
    if (ok && type && strncmp(type, "text/html", 9) == 0) ok = rw_want_response_body(MOST);
    free(type);
    return ok ? rw_next(verdict) : rw_fail(error, rw_error());
}

// `page` with `to` in the place of each `from`.
static char *replaced(const char *page, const char *from, const char *to) {
    size_t count = 0, step = strlen(from);
    for (const char *at = page; (at = strstr(at, from)); at += step) count++;
    char *made = malloc(strlen(page) + count * strlen(to) + 1), *end = made;
    if (!made) abort();
    for (const char *at; (at = strstr(page, from)); page = at + step) {
        memcpy(end, page, at - page);
        end = stpcpy(end + (at - page), to);
    }
    strcpy(end, page);
    return made;
}

bool on_origin_response_body(rimward_chunk_verdict_t *verdict, rimward_string_t *error) {
    (void)error;
    size_t length;
    char *page = rw_body(&length), *from = rw_config("from"), *to = rw_config("to");
    // A body with a zero in it is no page, and a page without such links passes as it is.
    if (strlen(page) < length || !strstr(page, from)) {
        rw_pass(verdict);
    } else {
        char *made = replaced(page, from, to);
        rw_replace(verdict, made, strlen(made));
    }
    free(page), free(from), free(to);
    return true;
}

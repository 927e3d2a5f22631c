// An A/B test whose split lies in the KV store `experiments`, so that it can be changed without a deploy. It has the percentage of
// clients that get variant `b`:
//
//     rimward kv put experiments checkout 10
//
//     [filter.checkout]
//     wasm = "plugins/ab-kv.wasm"
//     config = { experiment = "checkout" }
//     grants = { kv = ["experiments"] }
//
// A client keeps its variant by a cookie, the cache keeps the variants apart, and the origin is told by a header.

#include <stdlib.h>
#include <string.h>

#include "rimward.h"
#include "rimward/configure.h"
#include "rimward/on_request.h"
#include "rimward/on_response.h"

// The variant of a client that came without one. An instance is of one request.
static const char *drawn;

bool configure(rimward_string_t *config, rimward_string_t *error) {
    rimward_string_free(config);
    char *experiment = rw_config("experiment");
    free(experiment);
    return experiment ? true : rw_fail(error, "`experiment` is missing: its name");
}

// The same client gets the same variant on every edge, cookie or not.
static const char *draw(const char *experiment, const char *share) {
    char *ip = rw_client_ip();
    rimward_string_t salt = rw_lent(experiment), key = rw_lent(ip);
    uint32_t bucket = rimward_clock_bucket(&salt, &key, 100);
    free(ip);
    return bucket < strtoul(share, NULL, 10) ? "b" : "a";
}

static const char *kept(const char *experiment) {
    char *name = rw_concat("ab-", experiment, NULL), *cookie = rw_cookie(name);
    const char *variant = NULL;
    if (cookie && strcmp(cookie, "a") == 0) variant = "a";
    if (cookie && strcmp(cookie, "b") == 0) variant = "b";
    free(name), free(cookie);
    return variant;
}

static bool tell(const char *experiment, const char *variant) {
    char *header = rw_concat("x-variant-", experiment, NULL);
    bool ok = rw_set_request_header(header, variant) && rw_cache_key_part(experiment, variant);
    rw_log_field(experiment, variant);
    free(header);
    return ok;
}

bool on_request(rimward_verdict_t *verdict, rimward_string_t *error) {
    drawn = NULL;
    char *experiment = rw_config("experiment"), *share = rw_kv_get("experiments", experiment);
    bool ok = share || !*rw_error(); // there may be no such experiment
    if (share) {
        const char *variant = kept(experiment);
        if (!variant) variant = drawn = draw(experiment, share);
        ok = tell(experiment, variant);
    }
    free(experiment), free(share);
    return ok ? rw_next(verdict) : rw_fail(error, rw_error());
}

bool on_response(rimward_verdict_t *verdict, rimward_string_t *error) {
    if (!drawn) return rw_next(verdict);
    char *experiment = rw_config("experiment");
    char *cookie = rw_concat("ab-", experiment, "=", drawn, "; Path=/; Max-Age=604800; Secure; SameSite=Lax", NULL);
    bool ok = rw_append_response_header("set-cookie", cookie);
    free(experiment), free(cookie);
    return ok ? rw_next(verdict) : rw_fail(error, rw_error());
}

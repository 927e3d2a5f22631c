// An A/B test whose split stands in a key-value store, so that it can be changed while the test runs.
//
// The store `experiments` has the percentage of visitors that get variant `b` under the name of the experiment. A cookie
// keeps visitors at what they got, the origin is told by `x-variant`, and the cache keeps both variants apart.

#include <stdlib.h>
#include <string.h>

#include "rimward.h"
#include "rimward/on_request.h"
#include "rimward/on_response.h"

// The variant of a visitor who came without the cookie. An instance is of one request.
static const char *drawn;

static bool draw(const char *experiment) {
    char *share = rw_kv_get("experiments", experiment);
    if (!share && *rw_error()) return false;
    uint64_t percent = share ? strtoul(share, NULL, 10) : 0;
    free(share);
    drawn = rimward_clock_random_u64() % 100 < percent ? "b" : "a";
    return true;
}

bool on_request(rimward_verdict_t *verdict, rimward_string_t *error) {
    char *experiment = rw_config("experiment");
    if (!experiment) return rw_fail(error, "`experiment` is missing: its name");
    char *cookie = rw_cookie(experiment);
    const char *variant = NULL;
    if (cookie && strcmp(cookie, "a") == 0) variant = "a";
    if (cookie && strcmp(cookie, "b") == 0) variant = "b";
    drawn = NULL;
    if (!variant && !draw(experiment)) return rw_fail(error, rw_error());
    if (!variant) variant = drawn;
    if (!rw_set_request_header("x-variant", variant) || !rw_cache_key_part(experiment, variant)) {
        return rw_fail(error, rw_error());
    }
    rw_log_field(experiment, variant);
    free(cookie);
    free(experiment);
    return rw_next(verdict);
}

bool on_response(rimward_verdict_t *verdict, rimward_string_t *error) {
    if (!drawn) return rw_next(verdict);
    char *experiment = rw_config("experiment");
    char *cookie = rw_concat(experiment, "=", drawn, "; Path=/; Max-Age=2592000; SameSite=Lax", NULL);
    bool ok = rw_append_response_header("set-cookie", cookie);
    free(cookie);
    free(experiment);
    return ok ? rw_next(verdict) : rw_fail(error, rw_error());
}

// Lets in who sends the token that the secret `api-token` holds, as `Authorization: Bearer …`.
//
//     [filter.auth]
//     wasm = "plugins/auth.wasm"
//     config = { realm = "shop" }
//     grants = { secrets = ["api-token"] }

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "rimward.h"
#include "rimward/on_request.h"

static bool refuse(rimward_verdict_t *verdict, const char *why) {
    char *ip = rw_client_ip(), *realm = rw_config("realm");
    char *told = rw_concat(ip, " was refused: the token is ", why, NULL);
    char *challenge = rw_concat("Bearer realm=\"", realm ? realm : "edge", "\"", NULL);
    rw_log_field("auth", why);
    rw_log(RIMWARD_LOG_LEVEL_WARN, told);
    rw_respond(verdict, 401, "text/plain", "a token is needed\n");
    rw_respond_with(verdict, "www-authenticate", challenge);
    rw_respond_with(verdict, "cache-control", "no-store");
    free(ip), free(realm), free(told), free(challenge);
    return true;
}

static bool check(char *given, rimward_verdict_t *verdict, rimward_string_t *error) {
    if (!given || strncasecmp(given, "Bearer ", 7) != 0) return refuse(verdict, "missing");
    const char *token = given + 7 + strspn(given + 7, " ");
    if (!*token) return refuse(verdict, "missing");
    if (!rw_is_secret("api-token", token)) {
        return *rw_error() ? rw_fail(error, rw_error()) : refuse(verdict, "wrong");
    }
    // The origin is told that the edge has checked it, and never sees the token.
    bool ok = rw_remove_request_header("authorization") && rw_set_request_header("x-authenticated", "token");
    return ok ? rw_next(verdict) : rw_fail(error, rw_error());
}

bool on_request(rimward_verdict_t *verdict, rimward_string_t *error) {
    char *given = rw_request_header("authorization");
    bool ok = check(given, verdict, error);
    free(given);
    return ok;
}

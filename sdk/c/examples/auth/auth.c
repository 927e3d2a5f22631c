// An auth check: lets in who shows a token that was signed with the secret `tokens`.
//
// A token is a name and its HMAC-SHA-256 in hexadecimal: `authorization: Bearer alice.5d3f…`. The key stays in the edge,
// which also compares, in constant time.

#include <stdlib.h>
#include <string.h>

#include "rimward.h"
#include "rimward/on_request.h"

static bool refuse(rimward_verdict_t *verdict) {
    rw_respond(verdict, 401, "a token is needed\n");
    rw_respond_with(verdict, "www-authenticate", "Bearer realm=\"members\"");
    return true;
}

bool on_request(rimward_verdict_t *verdict, rimward_string_t *error) {
    char *token = rw_request_header("authorization");
    char *dot = token ? strrchr(token, '.') : NULL;
    if (!dot || strncmp(token, "Bearer ", 7) != 0) return refuse(verdict);
    *dot = 0;
    const char *user = token + 7, *mac = dot + 1;
    if (!rw_verify("tokens", user, mac)) {
        // No reason means that all went well, and the token is not one of ours.
        return *rw_error() ? rw_fail(error, rw_error()) : refuse(verdict);
    }
    if (!rw_set_request_header("x-user", user) || !rw_remove_request_header("authorization")) {
        return rw_fail(error, rw_error());
    }
    free(token);
    return rw_next(verdict);
}

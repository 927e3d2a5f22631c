// {{name}}: answers `/ping`, and greets in every other response.
//
//     [filter.{{name}}]
//     wasm = "{{name}}.wasm"
//     config = { greeting = "hello" }

#include <stdlib.h>
#include <string.h>

#include "rimward.h"
#include "rimward/configure.h"
#include "rimward/on_request.h"
#include "rimward/on_response.h"

bool configure(rimward_string_t *config, rimward_string_t *error) {
    rimward_string_free(config);
    char *greeting = rw_config("greeting");
    free(greeting);
    return greeting ? true : rw_fail(error, "`greeting` is missing: a text");
}

bool on_request(rimward_verdict_t *verdict, rimward_string_t *error) {
    (void)error;
    char *path = rw_path();
    bool is_ping = strcmp(path, "/ping") == 0;
    free(path);
    return is_ping ? rw_respond(verdict, 200, "pong\n") : rw_next(verdict);
}

bool on_response(rimward_verdict_t *verdict, rimward_string_t *error) {
    char *greeting = rw_config("greeting");
    bool ok = rw_set_response_header("x-greeting", greeting);
    free(greeting);
    return ok ? rw_next(verdict) : rw_fail(error, rw_error());
}

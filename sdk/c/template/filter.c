// {{name}}: a filter of the Rimward edge. Each function is a phase that the header of its name exports; a phase that is not there
// costs nothing.

#include <stdlib.h>
#include <string.h>

#include "rimward.h"
#include "rimward/on_request.h"
#include "rimward/on_response.h"

static bool greet(rimward_verdict_t *verdict) {
    char *name = rw_query_param("name");
    char *text = rw_concat("hello ", name ? name : "world", "\n", NULL);
    rw_respond(verdict, 200, "text/plain", text);
    free(name), free(text);
    return true;
}

bool on_request(rimward_verdict_t *verdict, rimward_string_t *error) {
    char *path = rw_path();
    bool is_hello = strcmp(path, "/hello") == 0;
    free(path);
    if (is_hello) return greet(verdict);

    char *greeting = rw_config("greeting");
    bool ok = rw_set_request_header("x-{{name}}", greeting ? greeting : "hello");
    free(greeting);
    return ok ? rw_next(verdict) : rw_fail(error, rw_error());
}

bool on_response(rimward_verdict_t *verdict, rimward_string_t *error) {
    char *method = rw_method(), *path = rw_path(), *pop = rw_pop();
    char *status = rw_number(rimward_response_status());
    char *told = rw_concat(method, " ", path, " was answered with ", status, NULL);
    rw_log(RIMWARD_LOG_LEVEL_INFO, told);
    bool ok = rw_set_response_header("x-served-by", pop);
    free(method), free(path), free(pop), free(status), free(told);
    return ok ? rw_next(verdict) : rw_fail(error, rw_error());
}

// A rewriter of responses: sets headers, and replaces a text in pages that have no more than a MiB.

#include <stdlib.h>
#include <string.h>

#include "rimward.h"
#include "rimward/configure.h"
#include "rimward/on_response.h"
#include "rimward/on_response_body.h"

bool configure(rimward_string_t *config, rimward_string_t *error) {
    rimward_string_free(config);
    char *from = rw_config("from");
    bool ok = from && *from;
    free(from);
    return ok ? true : rw_fail(error, "`from` is missing: the text to replace");
}

bool on_response(rimward_verdict_t *verdict, rimward_string_t *error) {
    if (!rw_set_response_header("x-frame-options", "DENY") || !rw_remove_response_header("x-powered-by")) {
        return rw_fail(error, rw_error());
    }
    char *type = rw_response_header("content-type");
    bool is_page = type && strncmp(type, "text/html", 9) == 0;
    free(type);
    if (is_page && !rw_want_response_body(1 << 20)) return rw_fail(error, rw_error());
    return rw_next(verdict);
}

// `text` with `to` in the place of each `from`.
static char *replaced(const char *text, const char *from, const char *to) {
    char *made = rw_concat("", NULL);
    for (const char *at; (at = strstr(text, from)); text = at + strlen(from)) {
        char *before = strndup(text, at - text), *longer = rw_concat(made, before, to, NULL);
        free(before);
        free(made);
        made = longer;
    }
    char *all = rw_concat(made, text, NULL);
    free(made);
    return all;
}

bool on_response_body(rimward_chunk_verdict_t *verdict, rimward_string_t *error) {
    (void)error;
    char *from = rw_config("from"), *to = rw_config("to"), *page = rw_body(NULL);
    char *made = replaced(page, from, to ? to : "");
    free(from);
    free(to);
    free(page);
    return rw_replace(verdict, made, strlen(made));
}

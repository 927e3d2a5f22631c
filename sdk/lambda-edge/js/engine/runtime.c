// The component's exports. The engine and all that handlers find around them (`node/`) are set up once, when the
// runtime is built; a snapshot of that is where every instance begins. What to do is decided in `node/runtime.js`:
// here are only the calls into it, and the loop that runs promise jobs until there are none.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h" // made by the build: FILES, the sources of node/, and FILES_END
#include "runtime.h"

// Of the 256 KiB that the linker gives: the rest is for what the engine does between two looks at the limit.
static const size_t STACK = 176 * 1024;
// Instances are mostly of one request. What collects garbage touches the whole heap, so it is put off.
static const size_t COLLECT_FROM = 4 * 1024 * 1024;

// What the memory has when an instance begins; what is not touched costs nothing.
static const size_t ROOM = 768 * 1024;
// Bytes of a program from which on an image of it loads faster.
static const size_t WORTH_AN_IMAGE = 2 * 1024;

static JSRuntime *engine;
static JSContext *js;
static JSValue runtime; // what node/runtime.js exports

// ------------------------------------------------------------------------- programs

// A script, or a module whose imports are there, as bytecode.
static JSValue to_bytecode(const char *source, size_t length, const char *name, bool module, int strip)
{
    int kind = module ? JS_EVAL_TYPE_MODULE : JS_EVAL_TYPE_GLOBAL;
    JSValue compiled = JS_Eval(js, source, length, name, kind | JS_EVAL_FLAG_COMPILE_ONLY);
    if (JS_IsException(compiled))
        return compiled;
    size_t size;
    uint8_t *code = JS_WriteObject(js, &size, compiled, JS_WRITE_OBJ_BYTECODE | strip);
    JS_FreeValue(js, compiled);
    if (!code)
        return JS_EXCEPTION;
    JSValue bytes = bytes_value(js, code, size);
    js_free(js, code);
    return bytes;
}

// compile(source, name, module): an ArrayBuffer
static JSValue compile(JSContext *ctx, JSValueConst self, int count, JSValueConst *arguments)
{
    text_t source, name;
    if (!copy_text(js, arguments[0], &source))
        return JS_EXCEPTION;
    JSValue code = JS_EXCEPTION;
    if (copy_text(js, arguments[1], &name)) {
        bool module = JS_ToBool(js, arguments[2]);
        code = to_bytecode((char *)source.ptr, source.len, (char *)name.ptr, module, JS_WRITE_OBJ_STRIP_SOURCE);
        free(name.ptr);
    }
    free(source.ptr);
    return code;
}

static JSValue run_module(JSValue module)
{
    JSModuleDef *definition = JS_VALUE_GET_PTR(module);
    if (JS_ResolveModule(js, module) < 0) {
        JS_FreeValue(js, module);
        return JS_EXCEPTION;
    }
    JSAtom atom = JS_GetModuleName(js, definition);
    const char *name = JS_AtomToCString(js, atom);
    char url[512];
    snprintf(url, sizeof url, "file:///var/task/%s", name ? name : "");
    JS_FreeCString(js, name);
    JS_FreeAtom(js, atom);
    JSValue meta = JS_GetImportMeta(js, definition);
    JS_DefinePropertyValueStr(js, meta, "url", JS_NewString(js, url), JS_PROP_C_W_E);
    JS_FreeValue(js, meta);
    JSValue promise = JS_EvalFunction(js, module);
    if (JS_IsException(promise))
        return promise;
    JSValue array = JS_NewArray(js);
    JS_SetPropertyUint32(js, array, 0, promise);
    JS_SetPropertyUint32(js, array, 1, JS_GetModuleNamespace(js, definition));
    return array;
}

// run(program): the value of a script; of a module the promise of its top level and its namespace
static JSValue run(JSContext *ctx, JSValueConst self, int count, JSValueConst *arguments)
{
    bytes_t code;
    if (!view_bytes(js, arguments[0], &code))
        return JS_EXCEPTION;
    JSValue program = JS_ReadObject(js, code.ptr, code.len, JS_READ_OBJ_BYTECODE);
    if (JS_IsException(program))
        return program;
    return JS_IsModule(program) ? run_module(program) : JS_EvalFunction(js, program);
}

// ------------------------------------------------------------------------- modules that `import` finds

static JSValue call(const char *name, int count, JSValueConst *arguments)
{
    JSValue function = JS_GetPropertyStr(js, runtime, name);
    JSValue result = JS_Call(js, function, runtime, count, arguments);
    JS_FreeValue(js, function);
    return result;
}

static char *keep_name(JSContext *ctx, const char *base, const char *name, void *opaque)
{
    return js_strdup(ctx, name);
}

typedef int (*export_fn)(JSModuleDef *module, const char *name, JSValueConst value);

static int declare(JSModuleDef *module, const char *name, JSValueConst value)
{
    return JS_AddModuleExport(js, module, name);
}

static int define(JSModuleDef *module, const char *name, JSValueConst value)
{
    return JS_SetModuleExport(js, module, name, JS_DupValue(js, value));
}

// The module itself as its default export, and each of its properties.
static int each_export(JSModuleDef *module, JSValueConst value, export_fn act)
{
    JSPropertyEnum *properties;
    uint32_t count;
    int failed = act(module, "default", value);
    if (failed || JS_GetOwnPropertyNames(js, &properties, &count, value, JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY))
        return -1;
    for (uint32_t i = 0; i < count && !failed; i++) {
        const char *name = JS_AtomToCString(js, properties[i].atom);
        if (name && strcmp(name, "default") != 0) {
            JSValue member = JS_GetProperty(js, value, properties[i].atom);
            failed = JS_IsException(member) || act(module, name, member);
            JS_FreeValue(js, member);
        }
        JS_FreeCString(js, name);
    }
    JS_FreePropertyEnum(js, properties, count);
    return failed ? -1 : 0;
}

static int define_exports(JSContext *ctx, JSModuleDef *module)
{
    JSValue value = JS_GetModulePrivateValue(js, module);
    int failed = each_export(module, value, define);
    JS_FreeValue(js, value);
    return failed;
}

static JSModuleDef *load_module(JSContext *ctx, const char *name, void *opaque)
{
    JSValue text = JS_NewString(js, name);
    JSValue value = call("require", 1, (JSValueConst[]){text});
    JS_FreeValue(js, text);
    JSModuleDef *module = JS_IsException(value) ? NULL : JS_NewCModule(js, name, define_exports);
    if (module && each_export(module, value, declare) == 0)
        JS_SetModulePrivateValue(js, module, value);
    else
        JS_FreeValue(js, value);
    return module;
}

// ------------------------------------------------------------------------- the loop

static void report(const char *method, JSValue value)
{
    JS_FreeValue(js, call(method, 1, (JSValueConst[]){value}));
    JS_FreeValue(js, value);
}

static void rejected(JSContext *ctx, JSValueConst promise, JSValueConst reason, bool handled, void *opaque)
{
    JSValueConst arguments[] = {promise, reason, JS_NewBool(js, handled)};
    JS_FreeValue(js, call("rejected", 3, arguments));
}

static void run_jobs(void)
{
    JSContext *of;
    int ran;
    while ((ran = JS_ExecutePendingJob(engine, &of)) != 0)
        if (ran < 0)
            report("uncaught", JS_GetException(js));
}

// Jobs first, then one turn (a response that is waited for, a timer), until neither is left.
static void run_all(void)
{
    bool more;
    do {
        run_jobs();
        JSValue turned = call("turn", 0, NULL);
        if (JS_IsException(turned))
            report("uncaught", JS_GetException(js));
        more = !JS_IsException(turned) && JS_ToBool(js, turned);
        JS_FreeValue(js, turned);
    } while (more);
}

// What went wrong where node/runtime.js itself could not go on: the heap or the stack was full.
static void pending_exception(text_t *error)
{
    JSValue thrown = JS_GetException(js);
    JSValue told = call("describe", 1, (JSValueConst[]){thrown});
    if (JS_IsException(told) || !copy_text(js, told, error)) {
        JS_FreeValue(js, JS_GetException(js));
        lambda_edge_runtime_string_dup(error, "{\"fault\":\"handler\",\"errorType\":\"Error\",\"errorMessage\":\"the runtime is out of memory\",\"trace\":[]}");
    }
    JS_FreeValue(js, told);
    JS_FreeValue(js, thrown);
}

// Calls `name`, runs all that it set going, and asks for the outcome: [good, text].
static bool conduct(const char *name, int count, JSValueConst *arguments, text_t *result, text_t *error)
{
    bool good = false;
    JSValue begun = call(name, count, arguments);
    if (!JS_IsException(begun)) {
        run_all();
        JSValue outcome = call("outcome", 0, NULL);
        JSValue first = JS_GetPropertyUint32(js, outcome, 0), second = JS_GetPropertyUint32(js, outcome, 1);
        good = JS_ToBool(js, first);
        if (JS_IsException(outcome) || !copy_text(js, second, good ? result : error)) {
            good = false;
            pending_exception(error);
        }
        JS_FreeValue(js, second);
        JS_FreeValue(js, outcome);
    } else {
        pending_exception(error);
    }
    JS_FreeValue(js, begun);
    return good;
}

// ------------------------------------------------------------------------- exports

bool exports_rimward_filter_lambda_edge_compiler_compile(text_t *name, text_t *source, bytes_t *program, text_t *error)
{
    awake = true;
    JSValue arguments[] = {text_value(js, name), text_value(js, source)};
    JSValue code = call("compile", 2, arguments);
    bytes_t view;
    bool good = !JS_IsException(code) && view_bytes(js, code, &view);
    if (good) {
        program->len = view.len;
        program->ptr = need(view.len);
        memcpy(program->ptr, view.ptr, view.len);
    } else {
        pending_exception(error);
    }
    JS_FreeValue(js, code);
    JS_FreeValue(js, arguments[0]);
    JS_FreeValue(js, arguments[1]);
    lambda_edge_runtime_string_free(name);
    lambda_edge_runtime_string_free(source);
    return good;
}

static JSValue environment_value(const pairs_t *environment)
{
    JSValue variables = JS_NewObject(js);
    for (size_t i = 0; i < environment->len; i++) {
        JSValue name = text_value(js, &environment->ptr[i].f0);
        JSAtom atom = JS_ValueToAtom(js, name);
        JS_DefinePropertyValue(js, variables, atom, text_value(js, &environment->ptr[i].f1), JS_PROP_C_W_E);
        JS_FreeAtom(js, atom);
        JS_FreeValue(js, name);
    }
    return variables;
}

static bool load(const bytes_t *program, const pairs_t *environment, text_t *error)
{
    JSValue variables = environment_value(environment), code = bytes_value(js, program->ptr, program->len);
    text_t nothing = {0};
    bool good = conduct("load", 2, (JSValueConst[]){code, variables}, &nothing, error);
    free(nothing.ptr);
    JS_FreeValue(js, variables);
    JS_FreeValue(js, code);
    return good;
}

bool exports_rimward_filter_lambda_edge_compiler_prepare(
    bytes_t *program, pairs_t *environment, bytes_t *prepared, text_t *error)
{
    awake = true;
    const char *before = program->len < WORTH_AN_IMAGE ? NULL : copy_memory(), *end = heap_end();
    if (!load(program, environment, error))
        return false;
    lambda_edge_runtime_list_tuple2_string_string_free(environment);
    *prepared = *program;
    if (!before || is_tied || heap_end() != end)
        return true;
    // The image is of an instance that has got nothing but the handler.
    bytes_t image;
    uint8_t *kept = program->ptr;
    JS_RunGC(engine);
    if (make_image(before, &image)) {
        *prepared = image;
        free(kept);
    }
    return true;
}

bool exports_rimward_filter_lambda_edge_load(bytes_t *program, pairs_t *environment, text_t *error)
{
    if (is_image(program)) {
        apply_image(program); // `environment` is gone with it, as all that was there before
        free(program->ptr);
        return true;
    }
    awake = true;
    bool good = load(program, environment, error);
    lambda_edge_runtime_list_u8_free(program);
    lambda_edge_runtime_list_tuple2_string_string_free(environment);
    return good;
}

// The event as an object, read without a string of the engine's in between.
static JSValue read_event(const text_t *event)
{
    char *text = need(event->len + 1);
    memcpy(text, event->ptr, event->len);
    text[event->len] = 0; // as the engine wants it
    JSValue value = JS_ParseJSON(js, text, event->len, "event");
    free(text);
    return value;
}

bool exports_rimward_filter_lambda_edge_handle(text_t *event, text_t *result, text_t *error)
{
    awake = true;
    JSValue value = read_event(event);
    lambda_edge_runtime_string_free(event);
    bool good = !JS_IsException(value) && conduct("handle", 1, (JSValueConst[]){value}, result, error);
    if (JS_IsException(value))
        pending_exception(error);
    JS_FreeValue(js, value);
    return good;
}

// ------------------------------------------------------------------------- what the snapshot is made of

static const JSCFunctionListEntry FUNCTIONS[] = {
    JS_CFUNC_DEF("compile", 3, compile),
    JS_CFUNC_DEF("run", 1, run),
};

// Every file of node/ is a function of `exports`, `require`, `module` and `host`; runtime.js brings them to life.
static JSValue read_files(void)
{
    JSValue files = JS_NewObject(js);
    for (struct file *file = FILES; file->name; file++) {
        int strip = JS_WRITE_OBJ_STRIP_SOURCE | JS_WRITE_OBJ_STRIP_DEBUG;
        JSValue code = to_bytecode(file->source, file->length, file->name, false, strip);
        JSValue function = JS_IsException(code) ? code : run(js, JS_UNDEFINED, 1, (JSValueConst[]){code});
        JS_FreeValue(js, code);
        if (JS_IsException(function))
            return function;
        JS_DefinePropertyValueStr(js, files, file->name, function, JS_PROP_C_W_E);
        memset(file->source, 0, file->length); // not needed again, and zeros take no room in the snapshot
    }
    return files;
}

// Makes the build fail, which then runs this again where there is a log (`why.mjs`).
static _Noreturn void give_up(void)
{
    JSValue thrown = JS_GetException(js), stack = JS_GetPropertyStr(js, thrown, "stack");
    text_t text;
    awake = true;
    if (copy_text(js, thrown, &text))
        rimward_filter_log_write(RIMWARD_FILTER_LOG_LEVEL_ERROR, &text);
    if (copy_text(js, stack, &text))
        rimward_filter_log_write(RIMWARD_FILTER_LOG_LEVEL_ERROR, &text);
    abort();
}

// Runs a handler before the snapshot is made: the engine makes much of what it has only when it is first used, and what
// is there in the snapshot is neither made nor written to again.
static void warm_up(void)
{
    static const char NAME[] = "warm-up.js";
    static const char SOURCE[] =
        "exports.handler = async (event) => { const { request } = event.Records[0].cf; await null; return request; };";
    static const char EVENT[] =
        "{\"Records\":[{\"cf\":{\"config\":{\"distributionDomainName\":\"\",\"distributionId\":\"\",\"eventType\":"
        "\"viewer-request\",\"requestId\":\"\"},\"request\":{\"clientIp\":\"\",\"method\":\"GET\",\"uri\":\"/\","
        "\"querystring\":\"\",\"headers\":{\"host\":[{\"key\":\"Host\",\"value\":\"\"}]}}}}]}";
    JSValue name = JS_NewString(js, NAME), source = JS_NewString(js, SOURCE);
    JSValue event = JS_ParseJSON(js, EVENT, sizeof EVENT - 1, "event");
    JSValue program = call("compile", 2, (JSValueConst[]){name, source}), environment = JS_NewObject(js);
    text_t told;
    bool good = !JS_IsException(program)
        && conduct("load", 2, (JSValueConst[]){program, environment}, &told, &told)
        && conduct("handle", 1, (JSValueConst[]){event}, &told, &told);
    if (!good)
        give_up();
    JS_FreeValue(js, name);
    JS_FreeValue(js, source);
    JS_FreeValue(js, event);
    JS_FreeValue(js, program);
    JS_FreeValue(js, environment);
}

// The engine's tables of names and of shapes of objects are made larger for what a handler brings with it: to grow
// they are gone through as a whole, which would write all over the heap.
static void make_room(void)
{
    JSValue kept = JS_NewArray(js);
    for (uint32_t i = 0; i < 1500; i++) {
        char name[16];
        snprintf(name, sizeof name, "room%u", i);
        JSValue object = JS_NewObject(js);
        JS_DefinePropertyValueStr(js, object, name, JS_UNDEFINED, JS_PROP_C_W_E);
        JS_DefinePropertyValueUint32(js, kept, i, object, JS_PROP_C_W_E);
    }
    JS_FreeValue(js, kept);
}

static void set_up(void)
{
    engine = JS_NewRuntime();
    limit_stack(engine, STACK);
    JS_SetGCThreshold(engine, (size_t)-1);
    JS_SetModuleLoaderFunc(engine, keep_name, load_module, NULL);
    js = JS_NewContext(engine);
    JSValue host = JS_NewObject(js), files = read_files();
    if (JS_IsException(files))
        give_up();
    add_host(js, host);
    add_bytes(js, host);
    JS_SetPropertyFunctionList(js, host, FUNCTIONS, sizeof FUNCTIONS / sizeof *FUNCTIONS);
    JSValue first = JS_GetPropertyStr(js, files, "runtime");
    runtime = JS_Call(js, first, JS_UNDEFINED, 2, (JSValueConst[]){host, files});
    if (JS_IsException(runtime))
        give_up();
    JS_FreeValue(js, first);
    JS_FreeValue(js, files);
    JS_FreeValue(js, host);
    run_jobs();
    JS_SetHostPromiseRejectionTracker(engine, rejected, NULL);
    warm_up();
    make_room();
    JS_RunGC(engine);
    JS_SetGCThreshold(engine, COLLECT_FROM);
    begin_instances(ROOM);
}

extern void __wasm_call_ctors(void); // of libc; called here, else the linker does it before every export

__attribute__((export_name("wizer.initialize"))) void initialize(void)
{
    __wasm_call_ctors();
    set_up();
}

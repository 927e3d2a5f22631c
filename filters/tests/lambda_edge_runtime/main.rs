//! The runtime of Lambda@Edge handlers in JavaScript (`sdk/lambda-edge/js`).

mod guest;

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value, json};

use self::guest::{Guest, Host, load, sdk};

fn event(kind: &str, request: &Value, response: &Value) -> Value {
    let with = |mut all: Value, more: &Value| {
        let more = more.as_object().into_iter().flatten();
        all.as_object_mut()
            .expect("an object")
            .extend(more.map(|(name, value)| (name.clone(), value.clone())));
        all
    };
    let mut cf = json!({
        "config": { "distributionDomainName": "d1.example.net", "distributionId": "E1", "eventType": kind, "requestId": "r1" },
        "request": with(
            json!({ "clientIp": "203.0.113.1", "method": "GET", "uri": "/", "querystring": "", "headers": {} }),
            request,
        ),
    });
    if kind.ends_with("response") {
        let plain = json!({ "status": "200", "statusDescription": "OK", "headers": {} });
        cf["response"] = with(plain, response);
    }
    json!({ "Records": [{ "cf": cf }] })
}

fn plain_event() -> Value {
    event("viewer-request", &Value::Null, &Value::Null)
}

/// What a handler of this body answers: `exports.handler = …`.
fn answer(handler: &str) -> Result<Value, Value> {
    answer_with(handler, Host::default()).0
}

fn answer_with(handler: &str, host: Host) -> (Result<Value, Value>, Guest) {
    let source = format!("exports.handler = {handler}");
    let environment = [("RIMWARD_TIMEOUT_MS".to_owned(), "1000".to_owned())];
    let mut guest = load("handler.js", &source, &environment, host).expect("it loads");
    (guest.handle(&plain_event()), guest)
}

/// Whether all that is wanted is there; objects may have more.
fn has(got: &Value, wanted: &Value) -> bool {
    match (got, wanted) {
        (Value::Object(got), Value::Object(wanted)) => wanted
            .iter()
            .all(|(name, value)| got.get(name).is_some_and(|there| has(there, value))),
        (Value::Array(got), Value::Array(wanted)) => {
            got.len() == wanted.len()
                && got.iter().zip(wanted).all(|(got, wanted)| has(got, wanted))
        }
        _ => got == wanted,
    }
}

fn texts(value: &Value) -> Vec<(String, String)> {
    let pairs = value.as_object().into_iter().flatten();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    pairs
        .map(|(name, value)| (name.clone(), text(value)))
        .collect()
}

fn responses(case: &Value) -> HashMap<String, (u16, String)> {
    let none = Map::new();
    let all = case["responses"].as_object().unwrap_or(&none).iter();
    let read = |response: &Value| {
        let status = response["status"].as_u64().expect("a status");
        let body = response["body"].as_str().expect("a body");
        (u16::try_from(status).expect("a status"), body.to_owned())
    };
    all.map(|(asked, response)| (asked.clone(), read(response)))
        .collect()
}

fn check_example(path: &Path, case: &Value) {
    let name = path.file_name().expect("a name").to_str().expect("a name");
    let source = fs::read_to_string(path).expect("the handler");
    let host = Host::answering(responses(case));
    let mut guest = load(name, &source, &texts(&case["environment"]), host).expect(name);
    let told = &case["event"];
    let kind = told["type"].as_str().expect("a type");
    let got = guest.handle(&event(kind, &told["request"], &told["response"]));
    let what = format!("{name}, {}", case["name"]);
    match (&got, &case["answer"], &case["error"]) {
        (Ok(got), wanted @ Value::Object(_), _) => assert!(has(got, wanted), "{what}: {got}"),
        (Err(got), _, wanted @ Value::Object(_)) => assert!(has(got, wanted), "{what}: {got}"),
        _ => panic!("{what}: {got:?}"),
    }
    if let Some(wanted) = case["logs"].as_array() {
        assert_eq!(&guest.host().logs, wanted, "{what}");
    }
}

#[test]
fn the_runtime_is_made_of_its_sources() {
    let check = Command::new("bash")
        .arg(sdk("js/build.sh"))
        .arg("--check")
        .output()
        .expect("bash runs");
    let told = String::from_utf8_lossy(&check.stderr);
    assert!(check.status.success(), "{told}");
}

#[test]
fn examples_answer_as_they_say() {
    let mut handlers = 0;
    for entry in fs::read_dir(sdk("examples")).expect("the examples") {
        let path = entry.expect("an entry").path();
        let kind = path.extension().and_then(OsStr::to_str);
        if !matches!(kind, Some("js" | "mjs")) {
            continue;
        }
        let cases = fs::read_to_string(path.with_extension("json")).expect("its cases");
        let cases: Vec<Value> = serde_json::from_str(&cases).expect("JSON");
        cases.iter().for_each(|case| check_example(&path, case));
        handlers += 1;
    }
    assert!(handlers >= 20, "{handlers}");
}

#[test]
fn modules_answer_as_in_node() {
    let cases = fs::read_to_string(sdk("js/as-node.json")).expect("the cases");
    let cases: Vec<(String, String)> = serde_json::from_str(&cases).expect("JSON");
    let each = cases.iter().map(|(expression, _)| {
        format!(
            "() => {{ const v = ({expression}); return typeof v === 'string' ? v : util.inspect(v, {{ depth: 6 }}) }}"
        )
    });
    let source = format!(
        "const querystring = require('querystring'), url = require('url'), path = require('path'),
            crypto = require('crypto'), util = require('util'), events = require('events'), assert = require('assert');
        const cases = [{}];
        const run = (one) => {{ try {{ return one() }} catch (e) {{ return `THROWS ${{e.name}} ${{e.code ?? ''}}` }} }};
        exports.handler = async () => cases.map(run);",
        each.collect::<Vec<_>>().join(",\n")
    );
    let mut guest = load("handler.js", &source, &[], Host::default()).expect("it loads");
    let got = guest.handle(&plain_event()).expect("an answer");
    for ((expression, wanted), got) in cases.iter().zip(got.as_array().expect("an array")) {
        assert_eq!(got, wanted, "{expression}");
    }
}

#[test]
fn handlers_answer_in_every_form() {
    for (handler, wanted) in [
        ("() => ({ a: 1 })", json!({ "a": 1 })),
        ("async () => ({ a: 1 })", json!({ "a": 1 })),
        (
            "() => Promise.resolve().then(() => ({ a: 1 }))",
            json!({ "a": 1 }),
        ),
        (
            "(e, c, callback) => callback(null, { a: 1 })",
            json!({ "a": 1 }),
        ),
        (
            "(e, c, callback) => { setTimeout(() => callback(null, 1), 5); return 2 }",
            json!(1),
        ),
        ("async (e, c, callback) => { callback(null, 1) }", json!(1)),
        (
            "async (e, c, callback) => { setTimeout(() => callback(null, 1), 5) }",
            json!(1),
        ),
        ("(e, context) => context.succeed(1)", json!(1)),
        ("(e, context) => context.done(null, 1)", json!(1)),
        (
            "(e, c, callback) => { callback(null, 1); callback(new Error('too late')) }",
            json!(1),
        ),
        ("async () => {}", Value::Null),
        (
            "async (event) => event.Records[0].cf.config.requestId",
            json!("r1"),
        ),
        (
            "async (e, context) => [context.functionName, context.awsRequestId, context.memoryLimitInMB, context.getRemainingTimeInMillis()]",
            json!(["handler", "r1", "128", 1000]),
        ),
    ] {
        assert_eq!(answer(handler), Ok(wanted), "{handler}");
    }
}

#[test]
fn what_goes_wrong_is_told_with_its_place() {
    for (handler, fault, kind, message, trace) in [
        (
            "() => { throw new TypeError('no') }",
            "handler",
            "TypeError",
            "no",
            json!(["at handler.js:1:37"]),
        ),
        (
            "async () => { null.x }",
            "handler",
            "TypeError",
            "cannot read property 'x' of null",
            json!(["at handler.js:1:32"]),
        ),
        (
            "(e, c, callback) => callback('no')",
            "handler",
            "Error",
            "no",
            json!([]),
        ),
        (
            "(e, context) => context.fail(new RangeError('no'))",
            "handler",
            "RangeError",
            "no",
            json!(["at handler.js:1:52"]),
        ),
        (
            "(e, c, callback) => { setTimeout(() => { throw new Error('no') }) }",
            "handler",
            "Error",
            "no",
            json!(["at handler.js:1:70"]),
        ),
        (
            "(e, c, callback) => { Promise.reject(new Error('no')) }",
            "handler",
            "Error",
            "no",
            json!(["at handler.js:1:60"]),
        ),
        (
            "async () => { const f = () => f() + 1; f() }",
            "handler",
            "RangeError",
            "Maximum call stack size exceeded",
            json!([]),
        ),
        (
            "async () => { const a = {}; a.a = a; return a }",
            "answer",
            "TypeError",
            "the answer cannot be written as JSON: circular reference",
            json!([]),
        ),
        (
            "() => {}",
            "answer",
            "Error",
            "the handler came to its end without an answer: it neither called back nor returned one",
            json!([]),
        ),
        (
            "async () => { await new Promise((r) => setTimeout(r, 1001)) }",
            "time",
            "TimeoutError",
            "a timer is set beyond the time limit of 1000 ms",
            json!([]),
        ),
        (
            "async () => { setInterval(() => {}, 10); await new Promise(() => {}) }",
            "time",
            "TimeoutError",
            "a timer is set beyond the time limit of 1000 ms",
            json!([]),
        ),
    ] {
        let wanted =
            json!({ "fault": fault, "errorType": kind, "errorMessage": message, "trace": trace });
        assert_eq!(answer(handler), Err(wanted), "{handler}");
    }
}

#[test]
fn what_cannot_run_is_refused_when_it_is_loaded() {
    for (name, source, wanted) in [
        (
            "a.js",
            "const x = ;",
            "SyntaxError: unexpected token in expression: ';' at a.js:1:11",
        ),
        (
            "a.js",
            "import fs from 'fs';\nexport const handler = ;",
            "SyntaxError: unexpected token in expression: ';' at a.js:2:24",
        ),
        (
            "a.js",
            "exports.main = () => 1",
            "Error: no function `handler` is exported: the exports are `main`",
        ),
        (
            "a.js",
            "",
            "Error: no function `handler` is exported: nothing is exported",
        ),
        ("a.js", "\nthrow new Error('no')", "Error: no at a.js:2:11"),
        (
            "a.mjs",
            "export const handler = 1; throw new Error('no')",
            "Error: no at a.mjs:1:37",
        ),
        (
            "a.js",
            "require('./lib')",
            "module `./lib` is not there: a handler is one file, so bundle what belongs to it into that file",
        ),
        (
            "a.js",
            "require('lodash')",
            "module `lodash` is not there: bundle the package into the file of the handler",
        ),
        (
            "a.js",
            "exports.handler = () => require('aws-sdk')",
            "module `aws-sdk` is not there: the edge has no AWS; its stores are in the module `rimward`",
        ),
    ] {
        let refused = load(name, source, &[], Host::default()).err();
        assert_eq!(refused.as_deref(), Some(wanted), "{source}");
    }
    for source in [
        "require('fs')",
        "import 'node:fs'",
        "exports.handler = () => import('fs')",
        "if (a / b) /'/.exec(require('fs'))",
    ] {
        let refused = load("a.js", source, &[], Host::default())
            .err()
            .expect(source);
        assert!(
            refused.contains("fs` is not there: of Node's modules a handler has `assert`,"),
            "{refused}"
        );
    }
}

#[test]
fn what_only_looks_like_a_module_is_no_error() {
    let source = "
        let fs; try { fs = require('fs') } catch { fs = 'none' }
        // const net = require('net')
        const texts = [\"require('x')\", `require('y') ${`${'z'}`}`, /require('z')/.source];
        const half = 4 / 2; const other = half / require('util').isArray([]);
        exports.handler = async () => fs;";
    let mut guest = load("a.js", source, &[], Host::default()).expect("it loads");
    assert_eq!(guest.handle(&plain_event()), Ok(json!("none")));
}

#[test]
fn files_are_scripts_or_modules() {
    let module = "import { createHash } from 'node:crypto'; import qs, { parse } from 'querystring';
        const late = await Promise.resolve(qs.parse === parse);
        export const handler = async () => [late, import.meta.url, createHash('md5').update('').digest('hex')];";
    let script = "#!/usr/bin/env node\nexports.handler = async () => [typeof require, __filename, this === undefined]";
    for (name, source, wanted) in [
        (
            "a.mjs",
            module,
            json!([
                true,
                "file:///var/task/a.mjs",
                "d41d8cd98f00b204e9800998ecf8427e"
            ]),
        ),
        (
            "a.js",
            module,
            json!([
                true,
                "file:///var/task/a.js",
                "d41d8cd98f00b204e9800998ecf8427e"
            ]),
        ),
        (
            "a.cjs",
            script,
            json!(["function", "/var/task/a.cjs", false]),
        ),
        (
            "a.js",
            "\u{feff}export default { async handler() { return 1 } }",
            json!(1),
        ),
    ] {
        let mut guest = load(name, source, &[], Host::default()).expect(name);
        assert_eq!(guest.handle(&plain_event()), Ok(wanted), "{name}");
    }
    let named = [("_HANDLER".to_owned(), "index.main".to_owned())];
    let mut guest =
        load("a.js", "exports.main = () => 1", &named, Host::default()).expect("it loads");
    assert_eq!(guest.handle(&plain_event()), Ok(json!(1)));
}

#[test]
fn timers_run_when_all_else_is_done_and_move_the_clock() {
    let handler = "async (e, context) => {
        const seen = [], start = Date.now();
        setTimeout(() => seen.push('late'), 20);
        setTimeout((text) => seen.push(text), 10, 'early');
        const never = setTimeout(() => seen.push('never'), 5);
        clearTimeout(never);
        setImmediate(() => seen.push('immediate'));
        process.nextTick(() => seen.push('tick'));
        await new Promise((resolve) => setTimeout(resolve, 300));
        return [seen, Date.now() - start, context.getRemainingTimeInMillis()];
    }";
    let wanted = json!([["tick", "immediate", "early", "late"], 300, 700]);
    assert_eq!(answer(handler), Ok(wanted));
}

#[test]
fn each_instance_draws_its_own_random_values() {
    let source = "async () => [Math.random(), crypto.randomUUID(), require('crypto').randomBytes(8).toString('hex')]";
    let (first, second) = (
        answer(source).expect("an answer"),
        answer(source).expect("an answer"),
    );
    for i in 0..3 {
        assert_ne!(first[i], second[i]);
    }
    assert_eq!(answer("async () => Date.now()"), Ok(json!(guest::NOW)));
}

#[test]
fn an_instance_can_be_used_again() {
    let source = "let calls = 0; exports.handler = async (event) => { setInterval(() => {}, 1); return [++calls, event.Records.length] }";
    let mut guest = load("a.js", source, &[], Host::default()).expect("it loads");
    for call in 1..=3 {
        assert_eq!(guest.handle(&plain_event()), Ok(json!([call, 1])));
    }
}

#[test]
fn requests_are_sent_at_once_and_waited_for() {
    let responses = [
        ("GET http://a.example:80/1", 200, "one"),
        ("GET http://a.example:80/2", 302, "/3"),
        ("GET http://a.example:80/3", 200, "three"),
        ("PUT https://b.example:8443/x?y=1 body", 201, "made"),
        ("GET main/named", 200, "named"),
    ];
    let responses =
        responses.map(|(asked, status, body)| (asked.to_owned(), (status, body.to_owned())));
    let host = Host::answering(responses.into());
    let handler = "async () => {
        const text = (url, init) => fetch(url, init).then(async (r) => [r.status, r.redirected, await r.text()]);
        const sent = new Promise((resolve, reject) => {
            const request = require('https').request({ hostname: 'b.example', port: 8443, path: '/x?y=1', method: 'PUT' }, async (response) => {
                let body = ''; for await (const chunk of response) body += chunk;
                resolve([response.statusCode, body]);
            });
            request.on('error', reject); request.write('bo'); request.end('dy');
        });
        const failed = fetch('http://c.example/', { signal: AbortSignal.timeout(10) }).catch((error) => error.name);
        return Promise.all([text('http://a.example/1'), text('http://a.example/2'), sent, failed, text('http://x/named', { origin: 'main' })]);
    }";
    let (got, guest) = answer_with(handler, host);
    let wanted = json!([
        [200, false, "one"],
        [200, true, "three"],
        [201, "made"],
        "TimeoutError",
        [200, false, "named"]
    ]);
    assert_eq!(got, Ok(wanted));
    assert_eq!(guest.host().asked.len(), 6);
}

#[test]
fn what_the_edge_has_is_in_a_module() {
    let handler = "async () => {
        const edge = require('rimward'), store = edge.kv('main'), secret = edge.secret('key');
        const kind = (action) => { try { return action() } catch (error) { return [error.code, error.message] } };
        edge.logField('who', 'me');
        return [
            store.getText('k'), store.put('k', 'välue', { ttl: 7 }), store.getText('k'), store.getEntry('k').generation,
            store.list('k'), store.delete('k'), store.increment('n', 5), kind(() => edge.kv('other')),
            secret.reveal().toString(), secret.sign('hs256', 'x').toString(), secret.verify('hs256', 'x', 'signed x'),
            edge.config().greeting, edge.bucket('salt', 'abc', 2),
        ];
    }";
    let (got, guest) = answer_with(handler, Host::default());
    let wanted = json!([
        null, 7, "välue", 1,
        { "keys": ["k"], "cursor": null }, true, 6, ["no-such", "no-such: store `other`"],
        "revealed", "signed x", true,
        "hello", 1,
    ]);
    assert_eq!(got, Ok(wanted));
    assert_eq!(guest.host().logs, ["who=me"]);
}

#[test]
fn signatures_of_tokens_are_verified() {
    let handler = r"async () => {
        const { createPublicKey, createVerify, verify } = require('crypto');
        const key = `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAuzufrGj5602n6lpoZiU6
+dBNDa9hf6a8SGs2e5kjSD8wxmvG3EdRKmXXcQ2xCtdH75o6sVn+gZBBrTUD1o+s
2AEYKsHOq1/WsgqGCv7zIbz6/tsS2reSPmCN4XZz6nIjeLscKHGusHs1oAMseJX9
wgQehVJWH4PTga9kW7Q4EOmH8jHW7WSE/Ek00Elr2UxM/FrodSTQlhytdLqF67B9
k638a4HNdF/UkMRoS0MMCCwzOp5EPvmOo1sOzDEGIYyZdQU0PNe+s+uJMi7vWvtQ
aFe/VzqqWKT054Byz2YvP6byuLnTDA2fbBeWOU1WnkPLQShgkpBYAXVSLHx9Jq+c
swIDAQAB
-----END PUBLIC KEY-----`;
        const signature = Buffer.from('SIGNATURE', 'base64');
        const jwk = { kty: 'RSA', e: 'AQAB', n: key_n() };
        function key_n() {
            return Buffer.from(createPublicKey(key).key.n.toString(16), 'hex').toString('base64url');
        }
        const imported = await crypto.subtle.importKey('jwk', jwk, { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, false, ['verify']);
        const answers = [
            createVerify('RSA-SHA256').update('a.').update('b').verify(key, signature),
            verify('sha256', Buffer.from('a.b'), createPublicKey({ key: jwk, format: 'jwk' }), signature),
            await crypto.subtle.verify('RSASSA-PKCS1-v1_5', imported, signature, new TextEncoder().encode('a.b')),
            verify('sha256', Buffer.from('a.c'), key, signature),
        ];
        signature[9] ^= 1;
        return [...answers, verify('sha256', Buffer.from('a.b'), key, signature)];
    }";
    let handler = handler.replace(
        "SIGNATURE",
        "I30vXObjEN6tT9KlsL7fQTg58YnoSk8+E2hAC8WRQpT5CKUvvnRYpdPcy2598dNLTRLeOlnOVLEsV38nSOaJL6hs0Tp3ir97+LmKqiiSJtcWUBmSewRhhQLdnZoEZZSbCY3Pny0ON+ioXtWMwQC9F8bMD8kUzp9Jsd/2zPw6Nhx5bQoFNAuvhHrl9HMeEHVfDxTt0IKkBK0LhaMqneaFgUf8yvY6Fx9JhJaL+atKUnuUmGeFNcrQ5v2pTEm7S56T0btaECJlsTWEaLsX+WZTzMJ2OEAGYnuqX38ayMpn9nlQmOUzcQmx278+voDo+57WZDhe6fkPuGR4tPqJzhx7gg==",
    );
    assert_eq!(
        answer(&handler),
        Ok(json!([true, true, true, false, false]))
    );
}

#[test]
fn streams_carry_what_they_are_given() {
    let with =
        "const { Readable, Writable, Transform, PassThrough, promises } = require('stream');";
    for (handler, wanted) in [
        ("let s = ''; for await (const c of Readable.from(['a', 'b'])) s += c; return s;", json!("ab")),
        (
            "let n = 0; const r = new Readable({ read() { this.push(n < 3 ? String(n++) : null) } });
            let s = ''; for await (const c of r) s += c; return s;",
            json!("012"),
        ),
        (
            "const seen = [];
            const upper = new Transform({ transform(chunk, encoding, done) { done(null, chunk.toString().toUpperCase()) } });
            const end = new Writable({ write(chunk, encoding, done) { seen.push(chunk.toString()); done() } });
            await promises.pipeline(Readable.from(['x', 'y']), upper, new PassThrough(), end); return seen;",
            json!(["X", "Y"]),
        ),
        (
            "const broken = new Transform({ transform(chunk, encoding, done) { done(new Error('no')) } });
            return promises.pipeline(Readable.from(['x']), broken).catch((error) => error.message);",
            json!("no"),
        ),
    ] {
        let handler = format!("async () => {{ {with} {handler} }}");
        assert_eq!(answer(&handler), Ok(wanted), "{handler}");
    }
}

/// A program that is long enough for an image, and what is made of it.
fn prepared(source: &str) -> (Vec<u8>, Guest) {
    let words: Vec<_> = (0..900).map(|word| format!("'word {word}'")).collect();
    let source = format!("const words = [{}]; {source}", words.join(", "));
    let mut compiler = Guest::new(Host::default());
    let program = compiler.compile("a.js", &source).expect("it compiles");
    let mut guest = Guest::new(Host::default());
    let made = guest.prepare(&program, &[]).expect("it loads");
    assert_eq!(made == program, made[0] != 2, "an image, or the program");
    (made, guest)
}

fn answers_of_two(program: &[u8]) -> [Value; 2] {
    [(), ()].map(|()| {
        let mut guest = Guest::new(Host::default());
        guest.load(program, &[]).expect("it loads");
        let mut answers = guest.handle(&plain_event()).into_iter().collect::<Vec<_>>();
        answers.extend(guest.handle(&plain_event()));
        Value::Array(answers)
    })
}

#[test]
fn an_image_has_what_the_top_level_made() {
    let (image, guest) = prepared(
        "class Counter { #calls = 0; count() { return ++this.#calls } }
        const counters = new Map([['one', new Counter()]]), later = Promise.resolve('late');
        const numbers = (function* () { yield 1; yield 2 })();
        console.log('the top level has run', numbers.next().value);
        exports.handler = async () => [counters.get('one').count(), numbers.next().value ?? 'none', await later, words[899]];",
    );
    assert_eq!(image[0], 2);
    assert_eq!(guest.host().logs, ["the top level has run 1"]);
    let wanted = json!([[1, 2, "late", "word 899"], [2, "none", "late", "word 899"]]);
    assert_eq!(answers_of_two(&image), [wanted.clone(), wanted]);
}

#[test]
fn instances_of_an_image_draw_their_own_random_values() {
    let (image, _) = prepared("exports.handler = () => [Math.random(), crypto.randomUUID()]");
    assert_eq!(image[0], 2);
    let [first, second] = answers_of_two(&image);
    assert_ne!(first, second);
    assert_ne!(first[0], first[1]);
}

#[test]
fn what_each_instance_has_to_do_itself_is_in_no_image() {
    for (top, wanted) in [
        (
            "const drawn = Math.random(); exports.handler = () => drawn < 1;",
            json!([true, true]),
        ),
        (
            "const drawn = crypto.randomUUID(); exports.handler = () => drawn.length;",
            json!([36, 36]),
        ),
        (
            "const store = require('rimward').kv('main'); exports.handler = () => store.put('k', 'v', { ttl: 3 });",
            json!([3, 3]),
        ),
        (
            "const key = require('rimward').secret('key'); exports.handler = () => key.reveal().toString();",
            json!(["revealed", "revealed"]),
        ),
    ] {
        let (program, _) = prepared(top);
        assert_ne!(program[0], 2, "{top}");
        assert_eq!(answers_of_two(&program), [wanted.clone(), wanted], "{top}");
    }
}

#[test]
fn events_of_any_length_arrive() {
    let (image, _) = prepared("exports.handler = (event) => event.Records[0].cf.request.body.data");
    let mut guest = Guest::new(Host::default());
    guest.load(&image, &[]).expect("it loads");
    for length in [10, 20_000, 600_000, 1_400_000, 20_000, 2_000_000, 10] {
        let data = "x".repeat(length - 3) + "end";
        let body = json!({ "body": { "data": data } });
        let event = event("viewer-request", &body, &Value::Null);
        assert_eq!(guest.handle(&event), Ok(json!(data)), "{length}");
    }
}

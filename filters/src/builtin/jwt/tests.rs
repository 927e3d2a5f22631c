//! Which tokens let in, and what becomes of them. The tests sign by themselves, without the library that verifies.

mod signer;
mod urls;

use std::cell::Cell;
use std::path::Path;

use serde_json::{Value, json};

use self::signer::{Signer, unsigned};
use super::*;
use crate::claims::Claims;
use crate::testing::{answer, build_in, exchange, refused, status, values};

const START: u64 = 1_800_000_000;

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(START) };
}

/// A filter by a clock that the test sets.
fn timed(filter: Jwt) -> Jwt {
    NOW.set(START);
    Jwt {
        clock: || NOW.get(),
        ..filter
    }
}

/// A filter with the signer's public key in a file.
fn filter(signer: &Signer, more: &str) -> Jwt {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), signer.public()).unwrap();
    let source = match signer {
        Signer::Hmac(_) => "{ secret_file = \"key\", algorithm = \"HS256\" }".to_owned(),
        _ => format!(
            "{{ file = \"key\", algorithm = \"{}\" }}",
            signer.algorithm()
        ),
    };
    timed(build_in(folder.path(), &format!("keys = [{source}]\n{more}")).unwrap())
}

fn claims() -> Value {
    json!({ "sub": "ann", "exp": START + 600, "iss": "https://id.example/", "aud": ["shop", "app"] })
}

fn with(token: &str) -> Exchange {
    exchange(
        "GET",
        "/a",
        &[("authorization", &format!("Bearer {token}"))],
    )
}

/// Status and challenge.
fn refusal(filter: &Jwt, token: &str) -> (u16, String) {
    let answer = answer(filter, &mut with(token)).expect("a refusal");
    let challenge = values(&answer.head, "www-authenticate").remove(0);
    (answer.head.status.as_u16(), challenge)
}

#[track_caller]
fn refuses(filter: &Jwt, token: &str, expected: &str) {
    let (status, challenge) = refusal(filter, token);
    assert_eq!(status, 401, "{challenge}");
    assert_eq!(
        challenge,
        format!("Bearer realm=\"api\", error=\"invalid_token\", error_description=\"{expected}\"")
    );
}

const UNTAKEN: &str = "this is not a token that is taken here";
const FORGED: &str = "the signature is wrong";
const NO_KEY: &str = "the key that signed the token is not known";

#[test]
fn each_algorithm_is_verified() {
    for signer in Signer::all() {
        let filter = filter(&signer, "");
        let token = signer.token(&claims());
        let mut exchange = with(&token);
        assert_eq!(status(&filter, &mut exchange), 0, "{}", signer.algorithm());
        assert_eq!(exchange.log, [("user".into(), "ann".to_owned())]);
        assert_eq!(exchange.header("authorization"), None);
        let noted = exchange.notes.get::<Claims>().unwrap();
        assert_eq!(noted.subject(), Some("ann"));
        refuses(&filter, &signer.forge(&token), FORGED);
        refuses(&filter, &signer::tampered(&token), FORGED);
    }
}

#[test]
fn no_algorithm_passes_for_another() {
    let rsa = Signer::rsa("RS256");
    let public = rsa.public();
    let filter = filter(&rsa, "");
    refuses(&filter, &unsigned(&claims(), "none"), UNTAKEN);
    refuses(&filter, &unsigned(&claims(), "None"), UNTAKEN);
    refuses(&filter, &unsigned(&claims(), "RS256"), FORGED);
    // The public key, which everybody may have, as a secret.
    for secret in [public.as_bytes(), public.trim_end().as_bytes()] {
        let confused = Signer::Hmac(secret.to_vec());
        refuses(&filter, &confused.token(&claims()), NO_KEY);
    }
    for name in ["RS384", "RS512", "PS256"] {
        refuses(&filter, &rsa.as_algorithm(name).token(&claims()), NO_KEY);
    }
    refuses(&filter, &Signer::ed().token(&claims()), NO_KEY);
}

#[test]
fn what_is_no_token_is_refused() {
    let signer = Signer::hmac();
    let filter = filter(&signer, "");
    let right = signer.token(&claims());
    for token in [
        "x",
        "a.b",
        "a.b.c",
        "..",
        "....",
        &right[1..],
        &format!("{right}.x"),
        &"a".repeat(20_000),
    ] {
        refuses(&filter, token, UNTAKEN);
    }
    refuses(&filter, &signer.token(&json!([1])), UNTAKEN);
    refuses(
        &filter,
        &signer.token_with(&json!({ "crit": ["b64"], "b64": false }), &claims()),
        UNTAKEN,
    );
    let cut = &right[..right.len() - 3];
    refuses(&filter, cut, FORGED);
}

#[test]
fn a_client_without_a_token_is_asked_for_one() {
    let filter = filter(&Signer::hmac(), "realm = \"the \\\"shop\\\"\"");
    for (name, value) in [
        ("x-other", ""),
        ("authorization", "Basic YTpi"),
        ("authorization", "Bearer"),
    ] {
        let refusal = answer(&filter, &mut exchange("GET", "/", &[(name, value)])).unwrap();
        assert_eq!(refusal.head.status.as_u16(), 401);
        assert_eq!(
            values(&refusal.head, "www-authenticate"),
            [r#"Bearer realm="the \"shop\"""#]
        );
    }
    let mut twice = with("a.b.c");
    twice
        .request
        .append_header("authorization", "Bearer d.e.f")
        .unwrap();
    let refusal = answer(&filter, &mut twice).unwrap();
    assert_eq!(refusal.head.status.as_u16(), 400);
    assert!(values(&refusal.head, "www-authenticate")[0].contains("error=\"invalid_request\""));
}

#[test]
fn times_are_looked_at_with_leeway() {
    let signer = Signer::hmac();
    let filter = filter(&signer, "leeway = \"30s\"");
    for (change, expected) in [
        (json!({ "exp": START + 600 }), ""),
        (json!({ "exp": START - 29 }), ""),
        (json!({ "exp": START - 29, "nbf": START - 100 }), ""),
        (json!({ "exp": 1_800_000_000.5 }), ""),
        (json!({ "exp": START - 30 }), "the token has expired"),
        (json!({ "exp": 0 }), "the token has expired"),
        (json!({ "nbf": START + 30 }), ""),
        (json!({ "nbf": START + 31 }), "the token is not valid yet"),
        (
            json!({ "exp": null }),
            "the token does not tell when it is valid",
        ),
        (
            json!({ "exp": "1900000000" }),
            "the token does not tell when it is valid",
        ),
        (
            json!({ "exp": -1 }),
            "the token does not tell when it is valid",
        ),
        (
            json!({ "nbf": "x" }),
            "the token does not tell when it is valid",
        ),
    ] {
        let token = signer.token(&changed(&change));
        match expected {
            "" => assert_eq!(status(&filter, &mut with(&token)), 0, "{change}"),
            expected => refuses(&filter, &token, expected),
        }
    }
    let mut endless = claims();
    endless.as_object_mut().unwrap().remove("exp");
    refuses(
        &filter,
        &signer.token(&endless),
        "the token does not tell when it is valid",
    );
    let lax = self::filter(&signer, "require_exp = false");
    assert_eq!(status(&lax, &mut with(&signer.token(&endless))), 0);
}

fn changed(change: &Value) -> Value {
    let mut claims = claims();
    let object = claims.as_object_mut().unwrap();
    for (name, value) in change.as_object().unwrap() {
        object.insert(name.clone(), value.clone());
    }
    claims
}

#[test]
fn a_remembered_token_is_forgotten_when_its_time_is_over() {
    let signer = Signer::hmac();
    let filter = filter(&signer, "leeway = \"0s\"");
    let token = signer.token(&claims());
    for (later, expected) in [(0, 0), (0, 0), (599, 0), (600, 401)] {
        NOW.set(START + later);
        assert_eq!(status(&filter, &mut with(&token)), expected, "{later}");
    }
}

#[test]
fn issuer_and_audience_are_looked_at_when_told() {
    let signer = Signer::hmac();
    let token = |change| signer.token(&changed(&change));
    let filter = filter(
        &signer,
        "issuer = [\"https://old.example/\", \"https://id.example/\"]\naudience = \"shop\"",
    );
    for change in [
        json!({}),
        json!({ "aud": "shop" }),
        json!({ "iss": "https://old.example/" }),
    ] {
        assert_eq!(status(&filter, &mut with(&token(change))), 0);
    }
    for iss in [
        json!("https://id.example"),
        json!(null),
        json!(["https://id.example/"]),
        json!(1),
    ] {
        refuses(
            &filter,
            &token(json!({ "iss": iss })),
            "the issuer is not trusted here",
        );
    }
    for aud in [
        json!("sho"),
        json!([]),
        json!(["app"]),
        json!(null),
        json!({ "shop": 1 }),
        json!("shop app"),
    ] {
        refuses(
            &filter,
            &token(json!({ "aud": aud })),
            "the token is for another audience",
        );
    }
}

#[test]
fn claims_that_do_not_suffice_are_forbidden() {
    let signer = Signer::hmac();
    let filter = filter(
        &signer,
        "require = [{ claim = \"scope\", contains = \"write\" }, { claim = \"r.roles\", contains = \"admin\" }]",
    );
    let token = |scope: &str, role: &str| {
        signer.token(&changed(
            &json!({ "scope": scope, "r": { "roles": [role] } }),
        ))
    };
    assert_eq!(status(&filter, &mut with(&token("read write", "admin"))), 0);
    for token in [
        token("read", "admin"),
        token("write", "user"),
        signer.token(&claims()),
    ] {
        let (status, challenge) = refusal(&filter, &token);
        assert_eq!(status, 403);
        assert!(
            challenge.contains("error=\"insufficient_scope\""),
            "{challenge}"
        );
    }
}

#[test]
fn claims_become_headers_that_nobody_else_can_send() {
    let signer = Signer::hmac();
    let filter = filter(
        &signer,
        "optional = true\nheaders = { x-user = \"sub\", X-Role = \"r.role\" }",
    );
    let token = signer.token(&changed(&json!({ "r": { "role": ["a", "b"] } })));
    let spoof = |exchange: &mut Exchange| {
        for name in ["x-user", "x-role", "x_user", "x_role"] {
            exchange.request.append_header(name, "root").unwrap();
        }
    };
    let sent = |exchange: &Exchange| {
        ["x-user", "x-role", "x_user", "x_role"]
            .map(|name| exchange.header(name).map(str::to_owned))
    };
    let mut known = with(&token);
    spoof(&mut known);
    assert_eq!(status(&filter, &mut known), 0);
    assert_eq!(
        sent(&known),
        [Some("ann".to_owned()), Some("a,b".to_owned()), None, None]
    );
    let mut unknown = exchange("GET", "/", &[]);
    spoof(&mut unknown);
    assert_eq!(status(&filter, &mut unknown), 0);
    assert_eq!(sent(&unknown), [None, None, None, None]);
    assert!(unknown.notes.get::<Claims>().is_none() && unknown.chosen.key_parts.is_empty());
    let mut partly = with(&signer.token(&claims()));
    spoof(&mut partly);
    assert_eq!(status(&filter, &mut partly), 0);
    assert_eq!(sent(&partly), [Some("ann".to_owned()), None, None, None]);
    assert_eq!(
        status(&filter, &mut with("a.b.c")),
        401,
        "a wrong one is not let through"
    );
}

#[test]
fn who_may_share_a_response_depends_on_what_the_origin_sees() {
    let signer = Signer::hmac();
    let part = |settings: &str, name: &'static str, target: &str, header: &str| {
        let filter = filter(&signer, settings);
        let mut exchange = exchange("GET", target, &[(name, header)]);
        assert_eq!(status(&filter, &mut exchange), 0, "{settings}");
        let part = exchange
            .chosen
            .key_parts
            .first()
            .map(|part| part.value.to_string());
        (part, exchange.request.uri.to_string())
    };
    let token = signer.token(&claims());
    let bearer = format!("Bearer {token}");
    let query = format!("/a?token={token}&b=1");
    let none = |uri: &str| (None, uri.to_owned());
    assert_eq!(part("", "authorization", "/a", &bearer), none("/a"));
    assert_eq!(
        part("forward = true", "authorization", "/a", &bearer),
        none("/a")
    );
    assert_eq!(
        part("from = [{ query = \"token\" }]", "x", &query, ""),
        none("/a?b=1")
    );
    assert_eq!(
        part(
            "headers = { x-user = \"sub\" }",
            "authorization",
            "/a",
            &bearer
        )
        .0
        .as_deref(),
        Some("x-user=3:ann;")
    );
    assert_eq!(
        part(
            "headers = { x-user = \"sub\" }\nshared = true",
            "authorization",
            "/a",
            &bearer
        )
        .0,
        None
    );
    let settings = "from = [{ header = \"x-token\" }]\nforward = true";
    let one = part(settings, "x-token", "/a", &token).0.unwrap();
    let other = part(
        settings,
        "x-token",
        "/a",
        &signer.token(&changed(&json!({ "sub": "bob" }))),
    )
    .0
    .unwrap();
    assert!(one != other && one.len() == 43 && !token.contains(&one));
}

#[test]
fn keys_are_read_from_each_form() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let build = |keys: &str| timed(build_in(folder.path(), &format!("keys = [{keys}]")).unwrap());
    let (rsa, ec, ed) = (Signer::rsa("RS256"), Signer::ec("ES256"), Signer::ed());
    write(
        "all.pem",
        &[rsa.public(), ec.public(), ed.public()].join("\n# and\n"),
    );
    write(
        "set.json",
        &json!({ "keys": [rsa.jwk("r"), ec.jwk("e"), ed.jwk("d"), { "kty": "new" }] }).to_string(),
    );
    write("one.json", &ec.jwk("e").to_string());
    let set = build("{ file = \"set.json\" }");
    let pem = build("{ file = \"all.pem\" }");
    for (signer, id) in [(&rsa, "r"), (&ec, "e"), (&ed, "d")] {
        let token = signer.token_with(&json!({ "kid": id }), &claims());
        assert_eq!(status(&set, &mut with(&token)), 0, "{id}");
        assert_eq!(status(&set, &mut with(&signer.token(&claims()))), 0, "{id}");
        assert_eq!(status(&pem, &mut with(&token)), 0, "{id}");
        refuses(
            &set,
            &signer.token_with(&json!({ "kid": "other" }), &claims()),
            NO_KEY,
        );
    }
    let named = build("{ file = \"one.json\", id = \"new\" }");
    let token = |kid: &str| ec.token_with(&json!({ "kid": kid }), &claims());
    assert_eq!(status(&named, &mut with(&token("new"))), 0);
    refuses(&named, &token("e"), NO_KEY);
    let secret = Signer::Hmac((0..32).collect());
    let hex: String = (0..32).map(|byte| format!("{byte:02x}")).collect();
    let token = secret.token(&claims());
    let by_hex = build(&format!("{{ secret = \"{hex}\", encoding = \"hex\" }}"));
    assert_eq!(status(&by_hex, &mut with(&token)), 0);
    let base64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    write("secret", &format!("{base64}=\n"));
    let by_file = build("{ secret_file = \"secret\", encoding = \"base64\" }");
    assert_eq!(status(&by_file, &mut with(&token)), 0);
    let by_url = build(&format!(
        "{{ secret = \"{base64}\", encoding = \"base64url\" }}"
    ));
    assert_eq!(status(&by_url, &mut with(&token)), 0);
}

#[test]
fn mistakes_are_told_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let rsa = Signer::rsa("RS256");
    write("key", &rsa.public());
    write(
        "private",
        "-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----\n",
    );
    write("cut", "-----BEGIN PUBLIC KEY-----\nSECRET\n");
    write("text", "SECRET");
    write(
        "short",
        &json!({ "kty": "oct", "k": "U0VDUkVU" }).to_string(),
    );
    write(
        "enc",
        &json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB", "use": "enc" }).to_string(),
    );
    write(
        "small",
        &json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" }).to_string(),
    );
    write("none", "{\"keys\":[]}");
    for (keys, expected) in [
        ("", "keys: there is no key"),
        (
            "{}",
            "keys[0]: give one of `file`, `secret`, `secret_file` and `url`",
        ),
        ("{ file = \"key\", secret = \"SECRET\" }", "give one of"),
        (
            "{ secret = \"SECRET\" }",
            "the secret has 6 bytes: HS256 needs at least 32",
        ),
        (
            "{ secret = \"SECRETSECRETSECRETSECRETSECRETSECRET\", algorithm = \"HS384\" }",
            "HS384 needs at least 48",
        ),
        (
            "{ secret = \"SECRETSECRETSECRETSECRETSECRETSECRET\", algorithm = \"RS256\" }",
            "a secret is not for RS256",
        ),
        (
            "{ secret = \"SECRET\", encoding = \"hex\" }",
            "the secret is not hex",
        ),
        (
            "{ secret = \"SECRET!\", encoding = \"base64\" }",
            "the secret is not base64",
        ),
        (
            "{ file = \"key\", encoding = \"hex\" }",
            "`encoding` is that of a secret",
        ),
        (
            "{ file = \"key\", algorithm = \"none\" }",
            "`none` is not an algorithm here",
        ),
        (
            "{ file = \"key\", algorithm = \"HS256\" }",
            "the key is not for this `algorithm`",
        ),
        (
            "{ file = \"key\", algorithm = \"ES256\" }",
            "the key is not for this `algorithm`",
        ),
        (
            "{ file = \"private\" }",
            "keys[0].file: `private`: only public keys are wanted here",
        ),
        ("{ file = \"cut\" }", "`cut`: a PEM block has no end"),
        ("{ file = \"text\" }", "this is neither PEM nor JSON"),
        ("{ file = \"short\" }", "the secret has 6 bytes"),
        ("{ file = \"enc\" }", "this key is not for signatures"),
        ("{ file = \"small\" }", "RSA keys have at least 2048 bits"),
        ("{ file = \"none\" }", "there is no key in it"),
        (
            "{ url = \"/jwks.json\" }",
            "`/jwks.json` is not a URL such as",
        ),
        ("{ url = \"ftp://a/\" }", "is not a URL such as"),
        (
            "{ url = \"https://a/\", id = \"x\" }",
            "have an `id` each themselves",
        ),
    ] {
        let error = build_in::<Jwt>(folder.path(), &format!("keys = [{keys}]"))
            .err()
            .expect(keys);
        let told = format!("{}: {}", error.key, error.message);
        assert!(told.contains(expected), "`{told}` should hold `{expected}`");
        assert!(!told.contains("SECRET"), "{told}");
    }
    let keys = "keys = [{ secret = \"0123456789abcdef0123456789abcdef\" }]\n";
    for (settings, expected) in [
        ("issuer = 1", "a string or a list of strings"),
        ("audience = []", "the list is empty"),
        ("leeway = 60", "leeway"),
        (
            "require = [{ claim = \"\" }]",
            "`claim` is a name or a path",
        ),
        (
            "require = [{ claim = \"a\", equals = 1, contains = 1 }]",
            "held to one of",
        ),
        (
            "require = [{ claim = \"a\", one_of = [] }]",
            "`one_of` is empty",
        ),
        (
            "require = [{ claim = \"a\", equals = 1.5 }]",
            "a string, an integer, true or false",
        ),
        (
            "headers = { content-length = \"sub\" }",
            "delimits the body",
        ),
        (
            "headers = { \"a b\" = \"sub\" }",
            "`a b` is not a header name",
        ),
        ("from = []", "there is no place to look at"),
        ("realm = \"a\\nb\"", "realm: control characters"),
    ] {
        refused::<Jwt>(&format!("{keys}{settings}"), expected);
    }
}

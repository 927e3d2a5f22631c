use std::path::Path;

use serde_json::json;

use super::*;
use crate::exchange::Scheme;
use crate::testing::{answer, build_in, exchange, values};

const SETTINGS: &str = r#"issuer = "https://id.example"
client_id = "shop"
cookie_secret_file = "secret"
public = ["/assets/*"]
headers = { x-user = "name", x-groups = "groups" }
"#;

const NOW: i64 = 1_800_000_000;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("secret"),
        "0123456789abcdef0123456789abcdef",
    )
    .unwrap();
    std::fs::write(folder.path().join("empty"), "\n").unwrap();
    folder
}

fn filter(settings: &str) -> Oidc {
    let filter: Oidc = build_in(folder().path(), &format!("{SETTINGS}{settings}")).unwrap();
    Oidc {
        clock: || NOW,
        ..filter
    }
}

/// The cookies of a user with these claims, whose session has lasted for so long.
fn cookies(filter: &Oidc, claims: &Value, age: i64) -> String {
    let told = provider::Told {
        claims: claims.as_object().cloned(),
        expires_in: None,
        refresh_token: None,
    };
    let session = Session::begin(told, &filter.kept, filter.ttl, NOW - age);
    let cookies = filter.session_cookies(Scheme::Https, &session).unwrap();
    let pairs = cookies.iter().map(|cookie| cookie.to_str().unwrap());
    let pairs: Vec<_> = pairs
        .map(|cookie| cookie.split(';').next().unwrap())
        .collect();
    pairs.join("; ")
}

fn ann() -> Value {
    json!({ "sub": "7", "name": "ann", "groups": ["staff"] })
}

#[test]
fn who_is_signed_in_is_let_in_and_told_of() {
    let filter = filter("");
    let cookie = format!("a=1; {}; b=2", cookies(&filter, &ann(), 0));
    let forged = [
        ("cookie", cookie.as_str()),
        ("x-user", "root"),
        ("x-groups", "admin"),
    ];
    let mut exchange = exchange("POST", "/", &forged);
    assert!(answer(&filter, &mut exchange).is_none());
    assert_eq!(exchange.header("x-user"), Some("ann"));
    assert_eq!(exchange.header("x-groups"), Some("staff"));
    assert_eq!(exchange.header("cookie"), Some("a=1; b=2"));
    assert_eq!(exchange.log, [("user".into(), "7".to_owned())]);
    assert_eq!(exchange.chosen.key_parts.len(), 1);
}

#[test]
fn a_header_without_its_claim_is_removed() {
    let filter = filter("");
    let cookie = cookies(&filter, &json!({ "sub": "7" }), 0);
    let mut exchange = exchange("GET", "/", &[("cookie", &cookie), ("x-user", "root")]);
    assert!(answer(&filter, &mut exchange).is_none());
    assert_eq!(exchange.header("x-user"), None);
}

#[test]
fn responses_are_told_apart_by_what_the_origin_is_told() {
    let key = |filter: &Oidc, claims: &Value| {
        let cookie = cookies(filter, claims, 0);
        let mut exchange = exchange("GET", "/", &[("cookie", &cookie)]);
        assert!(answer(filter, &mut exchange).is_none());
        exchange
            .chosen
            .key_parts
            .first()
            .map(|part| part.value.clone())
    };
    let own = filter("");
    let bob = json!({ "sub": "8", "name": "bob", "groups": ["staff"] });
    assert_ne!(key(&own, &ann()), key(&own, &bob));
    assert_eq!(
        key(&own, &ann()),
        key(
            &own,
            &json!({ "sub": "9", "name": "ann", "groups": ["staff"] })
        )
    );
    assert_eq!(key(&filter("share_cache = true"), &ann()), None);
}

#[test]
fn what_is_no_session_is_nobodys() {
    let own = filter("");
    let sealed = cookies(&own, &ann(), 0);
    let tampered = sealed.replace("=1.", "=1.A");
    let cut = &sealed[..sealed.len() - 4];
    let ended = cookies(&own, &ann(), 12 * 3600);
    let of_others = cookies(&filter("require = { email = \"a\" }"), &ann(), 0);
    for cookie in [
        "",
        "__Host-rimward_session=1.x",
        &tampered,
        cut,
        &ended,
        &of_others,
    ] {
        let refused = answer(&own, &mut exchange("POST", "/", &[("cookie", cookie)])).unwrap();
        assert_eq!(refused.head.status.as_u16(), 401, "{cookie}");
        assert_eq!(values(&refused.head, "www-authenticate"), ["Cookie"]);
        let page = [("cookie", cookie), ("accept", "text/html,*/*")];
        let flow = own.request(&mut exchange("GET", "/", &page)).unwrap();
        assert!(matches!(flow, Flow::Later), "{cookie}");
    }
    let last = cookies(&own, &ann(), 12 * 3600 - 1);
    assert!(answer(&own, &mut exchange("POST", "/", &[("cookie", &last)])).is_none());
}

#[test]
fn only_pages_lead_to_the_provider() {
    let filter = filter("");
    for (method, fields, expected) in [
        ("GET", &[("accept", "text/html")][..], true),
        (
            "GET",
            &[("sec-fetch-mode", "navigate"), ("accept", "*/*")],
            true,
        ),
        (
            "GET",
            &[("sec-fetch-mode", "cors"), ("accept", "text/html")],
            false,
        ),
        ("GET", &[("accept", "application/json")], false),
        ("GET", &[], false),
        ("HEAD", &[("accept", "text/html")], false),
        ("POST", &[("sec-fetch-mode", "navigate")], false),
    ] {
        let flow = filter.request(&mut exchange(method, "/", fields)).unwrap();
        assert_eq!(matches!(flow, Flow::Later), expected, "{method} {fields:?}");
    }
}

#[test]
fn public_paths_are_for_everybody_and_nobody_is_told_of() {
    let filter = filter("");
    let cookie = cookies(&filter, &ann(), 0);
    for cookie in [cookie.as_str(), "a=1"] {
        let fields = [("cookie", cookie), ("x-user", "root")];
        let mut exchange = exchange("GET", "/assets/a.css", &fields);
        assert!(answer(&filter, &mut exchange).is_none());
        assert_eq!(exchange.header("x-user"), None);
        assert_eq!(
            exchange.header("cookie"),
            Some("a=1").filter(|own| *own == cookie)
        );
    }
}

#[test]
fn a_claim_that_is_required_is_needed() {
    let filter = filter("require = { groups = [\"staff\", \"admin\"], verified = true }");
    let verified = |groups: &[&str], verified: bool| json!({ "sub": "7", "groups": groups, "verified": verified });
    for (claims, expected) in [
        (verified(&["staff"], true), None),
        (verified(&["x", "admin"], true), None),
        (verified(&["staff"], false), Some("verified")),
        (verified(&["guests"], true), Some("groups")),
        (json!({ "sub": "7" }), Some("groups")),
    ] {
        let cookie = cookies(&filter, &claims, 0);
        let mut exchange = exchange("GET", "/", &[("cookie", &cookie)]);
        let refused = answer(&filter, &mut exchange).map(|answer| answer.head.status.as_u16());
        assert_eq!(refused, expected.map(|_| 403), "{claims}");
        let told = exchange.log.iter().find(|(name, _)| name == "unmet_claim");
        assert_eq!(told.map(|(_, claim)| claim.as_str()), expected);
    }
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_a_fault() {
    let filter = filter("");
    let mut page = exchange("GET", "/", &[("accept", "text/html")]);
    let error = filter.request_later(&mut page).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("the provider can't be discovered"),
        "{error}"
    );
    let status = filter.status().unwrap();
    assert_eq!(
        (&status["issuer"], &status["known_for_seconds"]),
        (&json!("https://id.example"), &Value::Null)
    );
    assert!(status["fault"].as_str().unwrap().contains("does not serve"));
    let mut unknown = exchange("GET", "/oidc/callback?state=x&code=y", &[]);
    let Flow::Answer(answer) = filter.request_later(&mut unknown).await.unwrap() else {
        panic!("no answer")
    };
    assert_eq!(answer.head.status.as_u16(), 403);
}

#[test]
fn mistakes_are_told() {
    let folder = folder();
    for (settings, expected) in [
        ("issuer = 1", "issuer"),
        (
            "issuer = \"id.example\"",
            "issuer: `id.example` is not a URL",
        ),
        (
            "issuer = \"ftp://id.example\"",
            "issuer: `ftp` is not `https`",
        ),
        (
            "issuer = \"http://id.example\"",
            "issuer: a provider is asked over `https`",
        ),
        (
            "client_secret_file = \"empty\"",
            "client_secret_file: the file is empty",
        ),
        ("client_auth = \"jwt\"", "client_auth: `jwt` is not one of"),
        (
            "cookie_secret_file = \"empty\"",
            "cookie_secret_file: `empty`: there is no secret in it",
        ),
        ("cookie_secret_file = \"absent\"", "can't be read"),
        ("cookie = \"a b\"", "not a cookie's name"),
        ("callback = \"oidc\"", "callback: `oidc` is not a path"),
        ("callback = \"/a?b\"", "callback: `/a?b` is not a path"),
        (
            "callback = \"/oidc/logout\"",
            "logout: it is the path of `callback` too",
        ),
        (
            "after_logout = \"//evil.example\"",
            "after_logout: `//evil.example` is neither a path",
        ),
        (
            "after_logout = \"javascript:alert(1)\"",
            "is neither a path",
        ),
        (
            "base_url = \"shop.example\"",
            "base_url: `shop.example` is not a scheme and a host",
        ),
        (
            "base_url = \"https://shop.example/a\"",
            "is not a scheme and a host",
        ),
        (
            "scopes = [\"openid email\"]",
            "scopes: `openid email` is not a scope",
        ),
        (
            "parameters = { state = \"1\" }",
            "parameters: `state` is set by the edge itself",
        ),
        ("public = [\"assets\"]", "it must start with a slash"),
        (
            "require = { groups = [] }",
            "a claim is required to be a text",
        ),
        ("require = { \"a..b\" = true }", "`a..b` is not a claim"),
        ("headers = { host2 = \"\" }", "`` is not a claim"),
        (
            "headers = { te = \"sub\" }",
            "headers: `te` is about one connection",
        ),
        ("timeout = \"0s\"", "timeout: it has to be more than zero"),
        (
            "session_ttl = \"1s\"",
            "session_ttl: it has to be at least `1m`",
        ),
    ] {
        let name = settings.split(' ').next().unwrap();
        let rest = SETTINGS
            .lines()
            .filter(|line| !line.starts_with(&format!("{name} =")));
        let settings = format!("{}\n{settings}", rest.collect::<Vec<_>>().join("\n"));
        let error = build_in::<Oidc>(folder.path(), &settings).err();
        let error = error.unwrap_or_else(|| panic!("was built: {settings}"));
        let told = format!("{}: {}", error.key, error.message);
        assert!(told.contains(expected), "`{told}` should hold `{expected}`");
    }
    for here in [
        "http://127.0.0.1:8080",
        "http://[::1]:8080",
        "http://localhost/realms/a",
    ] {
        let settings = SETTINGS.replace("https://id.example", here);
        assert!(build_in::<Oidc>(folder.path(), &settings).is_ok(), "{here}");
    }
    let settings = SETTINGS.replace("https", "http") + "allow_http = true";
    assert!(build_in::<Oidc>(Path::new(folder.path()), &settings).is_ok());
}

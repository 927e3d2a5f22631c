//! What is read of requests, what is made of it, and what settings are refused.

mod originals;

use std::sync::Mutex;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use rimward_config::OriginId;

use super::*;
use crate::exchange::{Client, Storing};
use crate::outside::{AskError, Bounds, Depth, Destination, Outside, Stream, Surroundings, Waits};
use crate::pictures::Source;
use crate::testing::{build, exchange, refused, values};

const CHROME: &str = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8";

const SETTINGS: &str = r#"
    query = true
    defaults = { quality = 70 }
    sources = ["https://images.example.org/"]
    presets = { thumb = { width = 100, height = 100, fit = "cover" }, card = { trim = { left = 3 }, draw = [{ url = "/logo.png", right = 1 }] } }
"#;

/// What is done to which original, as `canonical source`; or what is refused, or nothing.
fn read(settings: &str, target: &str, fields: &[(&'static str, &str)]) -> String {
    let filter: Image = build(settings).unwrap();
    let mut exchange = exchange("GET", target, fields);
    match filter.request(&mut exchange).unwrap() {
        Flow::Answer(answer) => {
            let body = String::from_utf8(answer.body.to_vec()).unwrap();
            format!("{} {}", answer.head.status.as_u16(), body.trim_end())
        }
        _ => match exchange.notes.get::<Wanted>() {
            None => "nothing".to_owned(),
            Some(wanted) => {
                let Source { target, elsewhere } = &wanted.source;
                let source = elsewhere.as_ref().unwrap_or(target);
                assert_eq!(exchange.request.uri.to_string(), **target);
                assert!(
                    exchange.chosen.key_parts[0]
                        .value
                        .starts_with(&*wanted.canonical)
                );
                format!("{} {source}", wanted.canonical)
            }
        },
    }
}

#[test]
fn requests_ask_for_pictures() {
    for (target, expected) in [
        ("/photos/a.jpg", "nothing"),
        ("/cdn-cgi/image", "nothing"),
        (
            "/cdn-cgi/image/width=80/photos/a.jpg",
            "width=80,quality=70 /photos/a.jpg",
        ),
        (
            "/cdn-cgi/image/w=80,q=10/photos/a.jpg?v=2&w=3",
            "width=80,quality=10 /photos/a.jpg?v=2&w=3",
        ),
        (
            "/cdn-cgi/image/w=80/https://example.com/a.jpg?b",
            "width=80,quality=70 /a.jpg?b",
        ),
        (
            "/cdn-cgi/image/w=80/https:/images.example.org/a.jpg?b",
            "width=80,quality=70 https://images.example.org/a.jpg?b",
        ),
        (
            "/cdn-cgi/image/w=80/HTTPS://IMAGES.example.org/A.jpg",
            "width=80,quality=70 https://images.example.org/A.jpg",
        ),
        (
            "/cdn-cgi/image/w=80/http://images.example.org/a.jpg",
            "400 pictures of that host may not be asked for",
        ),
        (
            "/cdn-cgi/image/w=80/https://images.example.org@127.0.0.1/",
            "400 pictures of that host may not be asked for",
        ),
        (
            "/cdn-cgi/image/thumb/a.jpg",
            "width=100,height=100,fit=cover,quality=70 /a.jpg",
        ),
        (
            "/cdn-cgi/image/preset=thumb,h=50/a.jpg",
            "width=100,height=50,fit=cover,quality=70 /a.jpg",
        ),
        (
            "/cdn-cgi/image/card/a.jpg",
            "trim.left=3,draw=9:/logo.png;;;scale-down;0.5x0.5;1;none;;1;;;;0,quality=70 /a.jpg",
        ),
        (
            "/cdn-cgi/image/w=80",
            "400 there is no source: it follows the options, as `/cdn-cgi/image/width=80/photo.jpg`",
        ),
        (
            "/cdn-cgi/image/preset=big/a.jpg",
            "400 there is no preset `big`",
        ),
        (
            "/cdn-cgi/image/big/a.jpg",
            "400 `big` has no value: options are written as `width=80`",
        ),
        (
            "/cdn-cgi/image/widht=80/a.jpg",
            "400 `widht` is not an option; did you mean `width`?",
        ),
        (
            "/cdn-cgi/image/w=99999/a.jpg",
            "400 w: `99999` is not `auto` or a number of pixels from 1 to 65535",
        ),
        (
            "/a.jpg?w=80&v=2&fm=webp",
            "width=80,format=webp,quality=70 /a.jpg?v=2",
        ),
        ("/a.jpg?v=2", "nothing"),
        (
            "/a.jpg?preset=thumb",
            "width=100,height=100,fit=cover,quality=70 /a.jpg",
        ),
        (
            "/a.jpg?w=0",
            "400 w: `0` is not `auto` or a number of pixels from 1 to 65535",
        ),
    ] {
        assert_eq!(read(SETTINGS, target, &[]), expected, "{target}");
    }
}

#[test]
fn routes_say_what_may_be_asked_for() {
    let settings = r#"
        query = true
        allow = ["width", "fit"]
        widths = [320, 640]
        fixed = { format = "webp" }
        presets = { icon = { width = 16, quality = 50 } }
    "#;
    for (target, expected) in [
        (
            "/cdn-cgi/image/w=300,fit=contain/a",
            "width=320,fit=contain,format=webp /a",
        ),
        ("/cdn-cgi/image/w=4000/a", "width=640,format=webp /a"),
        (
            "/cdn-cgi/image/w=300,h=3/a",
            "400 `height` may not be asked for: width, fit may",
        ),
        (
            "/cdn-cgi/image/icon/a",
            "width=16,format=webp,quality=50 /a",
        ),
        (
            "/cdn-cgi/image/icon,w=32/a",
            "width=320,format=webp,quality=50 /a",
        ),
        ("/a?w=100&h=7", "width=320,format=webp /a?h=7"),
    ] {
        assert_eq!(read(settings, target, &[]), expected, "{target}");
    }
    assert_eq!(
        read("allow = []", "/cdn-cgi/image/w=1/a", &[]),
        "400 `width` may not be asked for: only presets may"
    );
    assert_eq!(read("path = \"/i/\"", "/i/w=1/a", &[]), "width=1 /a");
}

#[test]
fn clients_decide_on_what_is_left_to_them() {
    for (target, fields, expected) in [
        (
            "/cdn-cgi/image/f=auto/a",
            &[("accept", CHROME)][..],
            "format=avif /a",
        ),
        (
            "/cdn-cgi/image/f=auto/a",
            &[("accept", "image/webp")],
            "format=webp /a",
        ),
        ("/cdn-cgi/image/f=auto/a", &[], " /a"),
        (
            "/cdn-cgi/image/w=auto/a",
            &[("sec-ch-width", "700")],
            "width=768 /a",
        ),
        (
            "/cdn-cgi/image/w=9,q=80,scq=20/a",
            &[("save-data", "on")],
            "width=9,quality=20 /a",
        ),
    ] {
        assert_eq!(read("", target, fields), expected, "{target} {fields:?}");
    }
    let filter: Image = build("").unwrap();
    for (target, expected) in [
        (
            "/cdn-cgi/image/f=auto,scq=3/a",
            &["Save-Data", "RTT", "ECT", "Downlink", "Accept"][..],
        ),
        ("/cdn-cgi/image/w=3/a", &[]),
    ] {
        let mut exchange = exchange("GET", target, &[]);
        filter.request(&mut exchange).unwrap();
        let mut head = ResponseHeader::build(200, None).unwrap();
        filter.response(&mut exchange, &mut head).unwrap();
        assert_eq!(values(&head, "vary"), expected, "{target}");
    }
}

#[test]
fn what_takes_a_model_is_told_to_be_left_out() {
    let filter: Image = build("").unwrap();
    let target = "/cdn-cgi/image/w=9,h=9,fit=cover,g=face,segment=foreground/a";
    let mut exchange = exchange("GET", target, &[]);
    filter.request(&mut exchange).unwrap();
    let mut head = ResponseHeader::build(200, None).unwrap();
    filter.response(&mut exchange, &mut head).unwrap();
    assert_eq!(
        values(&head, "x-image-unmet"),
        ["gravity=face, segment=foreground"]
    );
}

#[test]
fn originals_of_other_sites_have_a_path_of_their_own() {
    let filter: Image = build(SETTINGS).unwrap();
    let target = "/cdn-cgi/image/w=8/https://images.example.org/a.jpg?b";
    let mut wanted = exchange("GET", target, &[]);
    filter.request(&mut wanted).unwrap();
    let target = wanted.request.uri.to_string();
    assert_eq!(
        target,
        "/cdn-cgi/image/original/https://images.example.org/a.jpg?b"
    );
    // Which the edge may ask for, and nobody else.
    let mut own = exchange("GET", &target, &[("via", "1.1 rimward-image")]);
    own.notes.insert(Depth(1));
    filter.request(&mut own).unwrap();
    let url = &own.notes.get::<Original>().unwrap().0;
    assert_eq!(&**url, "https://images.example.org/a.jpg?b");
    let mut other = exchange("GET", &target, &[]);
    assert!(matches!(
        filter.request(&mut other).unwrap(),
        Flow::Answer(_)
    ));
}

#[test]
fn a_picture_is_no_original() {
    let via = [("via", "1.1 fra1, 1.1 rimward-image")];
    let told = read("", "/cdn-cgi/image/w=9/cdn-cgi/image/w=8/a", &via);
    assert_eq!(told, "400 a picture can't be the original of another");
    assert_eq!(read("query = true", "/a?b=1", &via), "nothing");
}

#[test]
fn settings_say_what_would_be_right() {
    for (settings, expected) in [
        (
            "path = \"images\"",
            "path: `images` does not begin and end with `/`",
        ),
        (
            "path = \"\"",
            "path: no request could ask for a picture: give a `path`, or set `query`",
        ),
        (
            "presets = { a = { widht = 3 } }",
            "`widht` is not an option; did you mean `width`?",
        ),
        (
            "presets = { a = { width = 13000 } }",
            "presets.a: width 13000 times 1 is more than 12000",
        ),
        (
            "defaults = { quality = 101 }",
            "quality: `101` is not a quality",
        ),
        (
            "fixed = { draw = [{ right = 3 }] }",
            "draw.url: `` is not the path or URL of a picture",
        ),
        (
            "presets = { a = { draw = [{ url = \"https://example.org/a.png\" }] } }",
            "presets.a.draw: `https://example.org/a.png` is neither a path on this site",
        ),
        ("allow = [\"size\"]", "allow[0]: `size` is not an option"),
        (
            "widths = [0]",
            "widths[0]: 0 is not a number of pixels: 1 to 65535",
        ),
        (
            "qualities = [\"best\"]",
            "qualities[0]: `best` is not a quality",
        ),
        (
            "max_dpr = 11",
            "max_dpr: `11` is not a ratio from 0.1 to 10",
        ),
        (
            "sources = [\"images.example.org\"]",
            "sources[0]: `images.example.org` is not a site",
        ),
        (
            "sources = [\"https://images.example.org/a\"]",
            "is not a site such as `https://images.example.org`",
        ),
        ("timeout = \"0s\"", "timeout: nothing is made in no time"),
        ("redirects = 21", "redirects: 21 is more than 20"),
        (
            "path = \"\"\nquery = true\nsources = [\"https://a.example\"]",
            "sources: this edge asks itself for them by a `path`: give one",
        ),
        (
            "origin = \"private\"\nfailing = \"original\"",
            "failing: originals of an `origin` are not for clients: use `error`",
        ),
        ("threads = 0", "threads: it has to be more than 0"),
    ] {
        refused::<Image>(settings, expected);
    }
}

/// Gives the same response to all that is asked of it.
struct Fixed {
    response: Mutex<Result<Response<Bytes>, AskError>>,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl Outside for Fixed {
    async fn ask(
        &self,
        _: OriginId,
        request: Request<Bytes>,
        _: Bounds,
    ) -> Result<Response<Bytes>, AskError> {
        self.asked
            .lock()
            .unwrap()
            .push(format!("{} of the origin", request.uri()));
        self.response.lock().unwrap().clone()
    }

    async fn send(
        &self,
        to: Destination,
        request: Request<Stream>,
        _: Waits,
    ) -> Result<Response<Stream>, AskError> {
        assert_eq!(to, Destination::Public);
        self.asked.lock().unwrap().push(request.uri().to_string());
        let response = self.response.lock().unwrap().clone()?;
        Ok(response.map(|body| {
            Full::new(body)
                .map_err(|never| match never {})
                .boxed_unsync()
        }))
    }

    async fn enter(
        &self,
        _: &Client,
        depth: u8,
        request: Request<Bytes>,
        _: Bounds,
    ) -> Result<Response<Bytes>, AskError> {
        assert_eq!(
            (depth, &request.headers()["via"]),
            (1, &HeaderValue::from_static("1.1 rimward-image"))
        );
        self.asked.lock().unwrap().push(request.uri().to_string());
        self.response.lock().unwrap().clone()
    }
}

fn png(width: u32, height: u32) -> Bytes {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    let pixels: Vec<u8> = (0..width * height * 3).map(|at| at as u8).collect();
    writer.write_image_data(&pixels).unwrap();
    writer.finish().unwrap();
    bytes.into()
}

/// A filter for which all originals are this.
fn asking(settings: &str, original: Result<Response<Bytes>, AskError>) -> (Image, Arc<Fixed>) {
    let outside = Arc::new(Fixed {
        response: Mutex::new(original),
        asked: Mutex::default(),
    });
    let around = Surroundings {
        outside: outside.clone(),
        ..Surroundings::default()
    };
    let builder = Builder::new(std::path::Path::new("."), "image").within(around);
    let settings: toml::Table = settings.parse().unwrap();
    let filter = Image::new(rimward_config::decode(&settings).unwrap(), &builder).unwrap();
    (filter, outside)
}

/// What is answered when the original is this.
async fn made(
    settings: &str,
    target: &str,
    original: Result<Response<Bytes>, AskError>,
    if_none_match: Option<&str>,
) -> (Answer, Exchange) {
    let (filter, outside) = asking(settings, original);
    let mut exchange = exchange("GET", target, &[]);
    assert!(matches!(
        filter.request(&mut exchange).unwrap(),
        Flow::Continue
    ));
    let mut request = exchange.request.clone();
    if let Some(tag) = if_none_match {
        request.insert_header("if-none-match", tag).unwrap();
    }
    assert!(matches!(
        filter.origin_request(&mut exchange, &mut request).unwrap(),
        Flow::Later
    ));
    let Flow::Answer(answer) = filter
        .origin_request_later(&mut exchange, &mut request)
        .await
        .unwrap()
    else {
        panic!("no answer");
    };
    assert!(
        outside
            .asked
            .lock()
            .unwrap()
            .first()
            .is_some_and(|asked| *asked == exchange.request.uri.to_string())
    );
    (*answer, exchange)
}

fn original(
    status: u16,
    fields: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Result<Response<Bytes>, AskError> {
    let mut response = Response::builder().status(status);
    for (name, value) in fields {
        response = response.header(*name, *value);
    }
    Ok(response.body(body.into()).unwrap())
}

#[tokio::test]
async fn a_picture_has_the_freshness_and_labels_of_its_original() {
    let fields = [
        ("content-type", "image/png"),
        ("cache-control", "max-age=600"),
        ("age", "30"),
        ("etag", "\"a\""),
        ("last-modified", "Sat, 01 Nov 2025 00:00:00 GMT"),
        ("surrogate-key", "cats"),
        ("vary", "accept, X-Theme"),
        ("set-cookie", "a=b"),
        ("content-length", "3"),
        ("cache-status", "pop; hit"),
    ];
    let source = original(200, &fields, png(40, 20));
    let target = "/cdn-cgi/image/w=10,f=png/a.png?v=1";
    let (answer, exchange) = made("", target, source.clone(), None).await;
    assert_eq!(answer.head.status, 200);
    assert_eq!(values(&answer.head, "content-type"), ["image/png"]);
    assert_eq!(
        values(&answer.head, "x-image"),
        ["ok f=png w=10 h=5 n=1 q=85"]
    );
    for (name, expected) in [
        ("cache-control", &["max-age=600"][..]),
        ("age", &["30"]),
        ("last-modified", &["Sat, 01 Nov 2025 00:00:00 GMT"]),
        ("surrogate-key", &["cats"]),
        ("vary", &["X-Theme"]),
        ("set-cookie", &[]),
        ("cache-status", &[]),
    ] {
        assert_eq!(values(&answer.head, name), expected, "{name}");
    }
    assert_eq!(
        exchange.notes.get::<Storing>().unwrap().surrogate_keys,
        ["/a.png?v=1"]
    );
    let info = rimward_images::probe(&answer.body, &rimward_images::Limits::default()).unwrap();
    assert_eq!((info.width, info.height), (10, 5));
    // Of the same original the same becomes of it, and is not made again.
    let tag = values(&answer.head, "etag").remove(0);
    assert!(tag.starts_with("W/\""), "{tag}");
    let (again, _) = made("", target, source.clone(), Some(&tag)).await;
    assert_eq!(
        (again.head.status.as_u16(), values(&again.head, "etag")),
        (304, vec![tag.clone()])
    );
    let (other, _) = made(
        "",
        "/cdn-cgi/image/w=11,f=png/a.png?v=1",
        source,
        Some(&tag),
    )
    .await;
    assert_eq!(other.head.status, 200);
    assert_ne!(values(&other.head, "etag"), [tag]);
}

#[tokio::test]
async fn pictures_are_described() {
    let source = original(200, &[], png(40, 20));
    let (answer, _) = made("", "/cdn-cgi/image/w=10,f=json/a.png", source, None).await;
    assert_eq!(values(&answer.head, "content-type"), ["application/json"]);
    let told: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(
        (&told["width"], &told["original"]["width"]),
        (&10.into(), &40.into())
    );
}

#[tokio::test]
async fn what_can_t_be_made_is_served_as_it_is() {
    let cached = ("cache-control", "max-age=9999");
    let jpg = "/cdn-cgi/image/w=10/a.jpg";
    let html = original(200, &[cached, ("etag", "\"a\"")], "<html>");
    let (answer, exchange) = made("", jpg, html.clone(), None).await;
    assert_eq!(
        (answer.head.status.as_u16(), &*answer.body),
        (200, &b"<html>"[..])
    );
    assert!(values(&answer.head, "x-image")[0].starts_with("err=9412 "));
    assert_eq!(values(&answer.head, "cache-control"), ["max-age=60"]);
    assert_eq!(
        exchange.notes.get::<Storing>().unwrap().ttl,
        Some(std::time::Duration::from_secs(60))
    );
    // Or as the operator or the request wants it.
    let (answer, _) = made("failing = \"error\"", jpg, html.clone(), None).await;
    assert_eq!((answer.head.status.as_u16(), answer.refusal), (415, true));
    let (answer, _) = made(
        "failing = \"error\"",
        "/cdn-cgi/image/w=10,onerror=redirect/a.jpg?b",
        html,
        None,
    )
    .await;
    assert_eq!(
        (
            answer.head.status.as_u16(),
            values(&answer.head, "location")
        ),
        (307, vec!["/a.jpg?b".to_owned()])
    );
    // A drawing is no failure.
    let svg = original(
        200,
        &[cached, ("content-type", "image/svg+xml; charset=utf-8")],
        "<svg/>",
    );
    let (answer, _) = made("failing = \"error\"", jpg, svg, None).await;
    assert_eq!(
        (
            values(&answer.head, "x-image"),
            values(&answer.head, "cache-control")
        ),
        (vec!["pass=svg".to_owned()], vec!["max-age=9999".to_owned()])
    );
    assert!(values(&answer.head, "content-security-policy")[0].contains("sandbox"));
}

#[tokio::test]
async fn what_is_not_there_is_told() {
    let jpg = "/cdn-cgi/image/w=10/a.jpg";
    for (original, status, told) in [
        (
            original(404, &[], "gone"),
            404,
            "err=9404 the origin says 404",
        ),
        (
            original(302, &[("location", "/b")], ""),
            307,
            "err=9421 the origin redirects more often than 3 times",
        ),
        (original(503, &[], ""), 503, "err=9510 the origin says 503"),
        (
            Err(AskError::TooLong(9)),
            307,
            "err=9402 the response is longer than 9 bytes",
        ),
        (
            Err(AskError::Timeout(std::time::Duration::from_secs(1))),
            504,
            "err=9504 no whole response within 10s",
        ),
        (
            Err(AskError::NotServing),
            502,
            "err=9505 the configuration that wants to know does not serve",
        ),
    ] {
        let (answer, _) = made("", jpg, original, None).await;
        assert_eq!(
            (answer.head.status.as_u16(), values(&answer.head, "x-image")),
            (status, vec![told.to_owned()])
        );
    }
}

#[tokio::test]
async fn originals_of_other_sites_are_fetched_for_the_cache() {
    let target = "/cdn-cgi/image/original/https://images.example.org/a.png?b";
    for (most, status) in [("1MiB", 200), ("1KiB", 413)] {
        let settings =
            format!("sources = [\"https://images.example.org\"]\nmax_source = \"{most}\"");
        let body = vec![0; 2000];
        let source = original(200, &[("cache-control", "max-age=9")], body.clone());
        let (filter, outside) = asking(&settings, source);
        let mut exchange = exchange("GET", target, &[]);
        exchange.notes.insert(Depth(1));
        filter.request(&mut exchange).unwrap();
        let mut request = exchange.request.clone();
        let flow = filter
            .origin_request_later(&mut exchange, &mut request)
            .await;
        let Flow::Answer(answer) = flow.unwrap() else {
            panic!("no answer");
        };
        assert_eq!(answer.head.status.as_u16(), status);
        let url = "https://images.example.org/a.png?b";
        assert_eq!(*outside.asked.lock().unwrap(), [url]);
        if status == 200 {
            assert_eq!(answer.body, body);
            assert_eq!(values(&answer.head, "cache-control"), ["max-age=9"]);
            let storing = exchange.notes.get::<Storing>().unwrap();
            assert_eq!(storing.surrogate_keys, [url]);
        }
    }
}

#[tokio::test]
async fn originals_of_an_origin_are_not_for_clients() {
    for (body, type_, status) in [
        (png(40, 20), "image/png", 200),
        ("<html>".into(), "image/png", 415),
        ("<svg/>".into(), "image/svg+xml", 415),
    ] {
        let source = original(200, &[("content-type", type_)], body);
        let (filter, outside) = asking("origin = \"private\"", source);
        let mut exchange = exchange("GET", "/cdn-cgi/image/w=10/a.png", &[]);
        filter.request(&mut exchange).unwrap();
        let mut request = exchange.request.clone();
        let flow = filter
            .origin_request_later(&mut exchange, &mut request)
            .await;
        let Flow::Answer(answer) = flow.unwrap() else {
            panic!("no answer");
        };
        assert_eq!(answer.head.status.as_u16(), status, "{type_}");
        assert_eq!(*outside.asked.lock().unwrap(), ["/a.png of the origin"]);
    }
}

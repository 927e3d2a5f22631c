//! Ranges of pictures and of originals, where the cache stores those in slices.

use rimward_tests::{Edge, File, Origin, fill, within};

use super::made;
use crate::pictures::{info, noise};

const SLICED: &str = r#"
    [log]
    access = { to = "access.log", format = "json" }

    [origin.app]
    servers = ["{origin}"]

    [[site]]
    hosts = ["example.com"]
    origin = "app"
    cache = { slice = "64KiB" }

      [[site.route]]
      path = "/cdn-cgi/image/*"
      filters = [{ use = "image" }]
"#;

async fn sliced(origin: &Origin) -> Edge {
    Edge::start(&fill(SLICED, &[("origin", origin)])).await
}

#[tokio::test]
async fn a_part_of_a_picture_that_is_not_there_yet_makes_it_once() {
    let origin = Origin::start().await;
    let edge = sliced(&origin).await;
    origin.reply("/a.png", "cache-control: max-age=600", noise(300, 300));
    let picture = "/cdn-cgi/image/w=250,format=png/a.png";
    let part = |range: &str| format!("GET {picture}\nrange: bytes={range}");
    let second_slice = edge.request(&part("100000-100099")).await;
    assert_eq!(second_slice.status, 206, "{second_slice:?}");
    let end = edge.request(&part("-100")).await;
    let across = edge.request(&part("65000-140000")).await;
    let whole = edge.get(picture).await;
    assert_eq!(info(&whole).width, 250);
    assert!(whole.body.len() > 140_000, "{}", whole.body.len());
    assert_eq!(second_slice.body, whole.body[100_000..100_100]);
    assert_eq!(
        (end.status, &*end.body),
        (206, &whole.body[whole.body.len() - 100..])
    );
    assert_eq!(
        (across.status, &*across.body),
        (206, &whole.body[65_000..=140_000])
    );
    // A weak tag never holds for a part.
    let tag = whole.header("etag").unwrap();
    let since = edge
        .request(&format!("{}\nif-range: {tag}", part("0-9")))
        .await;
    assert_eq!((since.status, since.body.len()), (200, whole.body.len()));
    let beyond = edge.request(&part("9999999-")).await;
    assert_eq!(beyond.status, 416);
    edge.metric_reaches("rimward_filter_outcomes_total{outcome=\"made\"}", 1.0)
        .await;
    assert_eq!((origin.requests().len(), made(&edge, "made")), (1, 1.0));
    // The log tells it of the request that had it made.
    let log = within("the log", async {
        loop {
            let log = std::fs::read_to_string(edge.files().path("access.log")).unwrap();
            if log.lines().count() >= 6 {
                return log;
            }
            tokio::task::yield_now().await;
        }
    });
    let log = log.await;
    let first = log.lines().next().unwrap();
    assert!(first.contains("ok f=png w=250 "), "{first}");
    assert_eq!(log.matches("ok f=png").count(), 1, "{log}");
}

#[tokio::test]
async fn an_original_of_which_slices_are_stored_is_fetched_whole() {
    let origin = Origin::start().await;
    let edge = sliced(&origin).await;
    let bytes = noise(300, 300);
    origin.file("/a.png", &File::of(bytes.clone(), "\"1\""));
    let part = "GET /a.png\nrange: bytes=100000-100099";
    assert_eq!(edge.request(part).await.body, bytes[100_000..100_100]);
    for width in [20, 30] {
        let picture = edge.get(&format!("/cdn-cgi/image/w={width}/a.png")).await;
        assert_eq!(info(&picture).width, width);
    }
    let ranges: Vec<bool> = origin
        .requests()
        .iter()
        .map(|request| request.header("range").is_some())
        .collect();
    assert_eq!(
        ranges.last(),
        Some(&false),
        "the whole, and once: {ranges:?}"
    );
    let asked = ranges.len();
    let again = edge.request("GET /a.png\nrange: bytes=200000-200099").await;
    assert_eq!(
        (again.status, &*again.body),
        (206, &bytes[200_000..200_100])
    );
    assert_eq!(origin.requests().len(), asked);
    // Who purges it purges its slices and what was made of it.
    edge.purge("http://example.com/a.png", false);
    origin.file("/a.png", &File::of(noise(300, 150), "\"2\""));
    let picture = edge.get("/cdn-cgi/image/w=20/a.png").await;
    assert_eq!(info(&picture).height, 10);
    let part = edge.request(part).await;
    assert_eq!(part.body, noise(300, 150)[100_000..100_100]);
}

#[tokio::test]
async fn parts_of_a_picture_that_is_purged_are_of_the_new_one() {
    let origin = Origin::start().await;
    let edge = sliced(&origin).await;
    let part = "GET /cdn-cgi/image/w=250,format=png/a.png\nrange: bytes=70000-70099";
    let mut parts = Vec::new();
    for height in [300, 250] {
        origin.reply("/a.png", "cache-control: max-age=600", noise(300, height));
        let got = edge.request(part).await;
        let whole = edge.get("/cdn-cgi/image/w=250,format=png/a.png").await;
        assert_eq!((got.status, &*got.body), (206, &whole.body[70_000..70_100]));
        parts.push(got.body);
        edge.purge("http://example.com/a.png", false);
    }
    assert_ne!(parts[0], parts[1]);
    edge.metric_reaches("rimward_filter_outcomes_total{outcome=\"made\"}", 2.0)
        .await;
    assert_eq!((origin.requests().len(), made(&edge, "made")), (2, 2.0));
}

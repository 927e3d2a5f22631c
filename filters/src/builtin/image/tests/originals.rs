//! How originals are asked for: whom, until when, and where redirects lead.

use std::time::Duration;

use super::*;

/// What is there, by who is asked: `here /a`, `origin /a`.
struct World {
    there: Vec<(&'static str, u16, &'static str)>,
    /// How long each answer takes.
    takes: Duration,
    asked: Mutex<Vec<(String, Duration)>>,
}

impl World {
    async fn answer(&self, asked: String, bounds: Bounds) -> Result<Response<Bytes>, AskError> {
        let found = self.there.iter().find(|(what, ..)| *what == asked);
        let (_, status, field) = *found.unwrap_or_else(|| panic!("{asked} is not there"));
        self.asked.lock().unwrap().push((asked, bounds.time));
        tokio::time::sleep(self.takes.min(bounds.time)).await;
        if self.takes >= bounds.time {
            return Err(AskError::Timeout(bounds.time));
        }
        let (name, value) = field.split_once(": ").unwrap();
        original(status, &[(name, value)], png(40, 20))
    }
}

#[async_trait]
impl Outside for World {
    async fn ask(
        &self,
        _: OriginId,
        request: Request<Bytes>,
        bounds: Bounds,
    ) -> Result<Response<Bytes>, AskError> {
        let asked = format!("origin {}", request.uri());
        self.answer(asked, bounds).await
    }

    async fn enter(
        &self,
        _: &Client,
        _: u8,
        request: Request<Bytes>,
        bounds: Bounds,
    ) -> Result<Response<Bytes>, AskError> {
        let asked = format!("here {}", request.uri());
        self.answer(asked, bounds).await
    }
}

/// The status of the answer with its `x-image`, what was stored, and who was asked with which time.
async fn answered(
    settings: &str,
    takes: Duration,
    there: &[(&'static str, u16, &'static str)],
) -> (String, Storing, Vec<(String, Duration)>) {
    let world = Arc::new(World {
        there: there.to_vec(),
        takes,
        asked: Mutex::default(),
    });
    let around = Surroundings {
        outside: world.clone(),
        ..Surroundings::default()
    };
    let builder = Builder::new(std::path::Path::new("."), "image").within(around);
    let settings: toml::Table = settings.parse().unwrap();
    let filter = Image::new(rimward_config::decode(&settings).unwrap(), &builder).unwrap();
    let mut exchange = exchange("GET", "/cdn-cgi/image/w=10/a.png", &[]);
    filter.request(&mut exchange).unwrap();
    let mut request = exchange.request.clone();
    let flow = filter.origin_request_later(&mut exchange, &mut request);
    let Flow::Answer(answer) = flow.await.unwrap() else {
        panic!("no answer");
    };
    let told = values(&answer.head, "x-image").concat();
    let storing = exchange.notes.get::<Storing>().cloned();
    let asked = world.asked.lock().unwrap().clone();
    (
        format!("{} {told}", answer.head.status.as_u16()),
        storing.unwrap_or_default(),
        asked,
    )
}

fn whom(asked: &[(String, Duration)]) -> String {
    let asked: Vec<&str> = asked.iter().map(|(asked, _)| asked.as_str()).collect();
    asked.join(", ")
}

#[tokio::test]
async fn redirects_of_an_origin_are_followed_within_it_and_to_sources() {
    let settings = "origin = \"private\"\nsources = [\"https://images.example.org\"]";
    let there = [
        ("origin /a.png", 302, "location: https://example.com/b.png"),
        ("origin /b.png", 301, "location: //images.example.org/c.png"),
        (
            "here /cdn-cgi/image/original/https://images.example.org/c.png",
            200,
            "cache-control: max-age=600",
        ),
    ];
    let (answer, storing, asked) = answered(settings, Duration::ZERO, &there).await;
    assert!(answer.starts_with("200 ok "), "{answer}");
    assert_eq!(
        whom(&asked),
        "origin /a.png, origin /b.png, here /cdn-cgi/image/original/https://images.example.org/c.png"
    );
    assert_eq!(
        storing.surrogate_keys,
        ["/b.png", "https://images.example.org/c.png", "/a.png"]
    );
    assert_eq!(storing.at_most, Some(Duration::from_secs(60)));
    // Nobody is told more than that there is none.
    let there = [(
        "origin /a.png",
        302,
        "location: https://other.example/secret",
    )];
    let (answer, ..) = answered(settings, Duration::ZERO, &there).await;
    assert!(answer.starts_with("502 err=9420 "), "{answer}");
}

#[tokio::test]
async fn what_another_site_did_not_give_is_told_in_its_words() {
    let settings = "sources = [\"https://images.example.org\"]";
    let there = [
        (
            "here /a.png",
            302,
            "location: https://images.example.org/b.png",
        ),
        (
            "here /cdn-cgi/image/original/https://images.example.org/b.png",
            403,
            "x-image: err=9406 `images.example.org` has no public address",
        ),
    ];
    let (answer, ..) = answered(settings, Duration::ZERO, &there).await;
    assert_eq!(
        answer,
        "403 err=9406 `images.example.org` has no public address"
    );
    // The site itself is not believed.
    let there = [("here /a.png", 403, "x-image: err=1 no")];
    let (answer, ..) = answered(settings, Duration::ZERO, &there).await;
    assert_eq!(answer, "403 err=9408 the origin says 403");
}

#[tokio::test]
async fn all_steps_share_the_time() {
    let there = [
        ("here /a.png", 301, "location: /b.png"),
        ("here /b.png", 200, "cache-control: max-age=600"),
        ("here /logo.png", 200, "cache-control: max-age=600"),
    ];
    let settings = "timeout = \"1s\"\ndefaults = { draw = [{ url = \"/logo.png\" }] }";
    let takes = Duration::from_millis(200);
    let (answer, _, asked) = answered(settings, takes, &there).await;
    assert!(answer.starts_with("200 ok "), "{answer}");
    assert_eq!(whom(&asked), "here /a.png, here /b.png, here /logo.png");
    for (at, (_, time)) in (0..).zip(&asked) {
        assert!(
            *time <= Duration::from_secs(1) - takes * at,
            "{at}: {time:?}"
        );
    }
    let takes = Duration::from_millis(600);
    let (answer, _, asked) = answered(settings, takes, &there).await;
    assert_eq!(answer, "504 err=9504 no whole response within 1s");
    assert_eq!(whom(&asked), "here /a.png, here /b.png");
}

//! The page of those who wait.

use std::fmt::Write;

use super::inside::Queued;

const DEFAULT: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<meta http-equiv="refresh" content="{poll_seconds}">
<title>Please wait</title>
<style>
body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 20vh auto; padding: 0 1rem }
</style>
</head>
<body>
<h1>Many people want to come in</h1>
<p>You are number <strong>{position}</strong> in the queue. It will take {wait}.</p>
<p>This page asks again every {poll_seconds} seconds. Leave it open, so that you keep your place.</p>
</body>
</html>
"#;

/// A page with what is told of each user's place left open.
pub(super) struct Page(Vec<Piece>);

enum Piece {
    Text(Box<str>),
    Position,
    Waiting,
    Wait,
    WaitSeconds,
    PollSeconds,
}

impl Default for Page {
    fn default() -> Self {
        Self::parse(DEFAULT)
    }
}

impl Page {
    /// Any other braces are the page's own, such as those of its styles.
    pub(super) fn parse(text: &str) -> Self {
        let mut pieces = Vec::new();
        let (mut literal, mut rest) = (String::new(), text);
        while let Some(brace) = rest.find('{') {
            let (before, from) = rest.split_at(brace);
            literal.push_str(before);
            match variable(from) {
                Some((piece, after)) => {
                    pieces.push(Piece::Text(std::mem::take(&mut literal).into()));
                    pieces.push(piece);
                    rest = after;
                }
                None => {
                    literal.push('{');
                    rest = from.strip_prefix('{').unwrap_or_default();
                }
            }
        }
        literal.push_str(rest);
        pieces.push(Piece::Text(literal.into()));
        Self(pieces)
    }

    pub(super) fn render(&self, queued: &Queued, poll: u64) -> String {
        let mut page = String::with_capacity(2048);
        for piece in &self.0 {
            // Writing into a string can't fail.
            match piece {
                Piece::Text(text) => page.write_str(text),
                Piece::Position => write!(page, "{}", queued.position),
                Piece::Waiting => write!(page, "{}", queued.waiting),
                Piece::Wait => page.write_str(&in_words(queued.wait)),
                Piece::WaitSeconds => write!(page, "{}", queued.wait),
                Piece::PollSeconds => write!(page, "{poll}"),
            }
            .unwrap_or_default();
        }
        page
    }
}

fn variable(text: &str) -> Option<(Piece, &str)> {
    let (name, after) = text.strip_prefix('{')?.split_once('}')?;
    let piece = match name {
        "position" => Piece::Position,
        "waiting" => Piece::Waiting,
        "wait" => Piece::Wait,
        "wait_seconds" => Piece::WaitSeconds,
        "poll_seconds" => Piece::PollSeconds,
        _ => return None,
    };
    Some((piece, after))
}

fn in_words(seconds: u64) -> String {
    match seconds.div_ceil(60) {
        0 | 1 => "about a minute".to_owned(),
        minutes @ 2..=90 => format!("about {minutes} minutes"),
        minutes => format!("about {} hours", minutes.div_ceil(60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_tells_where_one_stands() {
        let queued = Queued {
            ticket: None,
            position: 7,
            waiting: 40,
            wait: 130,
        };
        for (page, expected) in [
            ("{position}/{waiting}", "7/40"),
            (
                "{wait}, {wait_seconds} {poll_seconds}",
                "about 3 minutes, 130 10",
            ),
            ("a { b: {position} } {other} {", "a { b: 7 } {other} {"),
            ("{{position}}", "{7}"),
            ("", ""),
        ] {
            assert_eq!(Page::parse(page).render(&queued, 10), expected);
        }
        let page = Page::default().render(&queued, 10);
        assert!(page.contains("<strong>7</strong>") && page.contains("every 10 seconds"));
    }

    #[test]
    fn a_wait_is_told_in_words() {
        for (seconds, expected) in [
            (0, "about a minute"),
            (60, "about a minute"),
            (61, "about 2 minutes"),
            (5400, "about 90 minutes"),
            (5401, "about 2 hours"),
            (u64::MAX, "about 5124095576030432 hours"),
        ] {
            assert_eq!(in_words(seconds), expected);
        }
    }
}

//! What a client sees of a conversation, without what may differ between two that are alike.

/// The responses in bytes that a server said, each as its status line, its fields in order of their names, and what follows.
pub(super) fn transcript(said: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(said);
    let mut starts: Vec<usize> = text
        .match_indices("HTTP/1.1 ")
        .map(|(start, _)| start)
        .collect();
    starts.push(text.len());
    let before = text.get(..starts[0]).unwrap_or_default().to_owned();
    let responses = starts
        .windows(2)
        .map(|ends| response(&text[ends[0]..ends[1]]));
    std::iter::once(before).chain(responses).collect()
}

fn response(text: &str) -> String {
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    let mut fields: Vec<String> = lines.map(field).collect();
    fields.sort_unstable();
    format!("{status}\n{}\n\n{}", fields.join("\n"), page(body))
}

/// A body without the request's identity, which error pages tell.
pub(super) fn page(body: &str) -> String {
    match (body.split_once("<code>"), body.split_once("</code>")) {
        (Some((before, _)), Some((_, after))) => format!("{before}…{after}"),
        _ => body.to_owned(),
    }
}

/// A field without the seconds that pass while the other conversation goes on.
pub(super) fn field(line: &str) -> String {
    let (name, value) = line.split_once(": ").unwrap_or((line, ""));
    let name = name.to_ascii_lowercase();
    let value = match &*name {
        "age" | "date" => "…",
        "cache-status" => return format!("{name}: {}", without_ttl(value)),
        _ => value,
    };
    format!("{name}: {value}")
}

fn without_ttl(value: &str) -> String {
    let members = value.split("; ");
    let told = members.map(|member| match member.split_once("ttl=") {
        Some((before, _)) => format!("{before}ttl=…"),
        None => member.to_owned(),
    });
    told.collect::<Vec<_>>().join("; ")
}

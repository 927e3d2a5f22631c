//! Lets clients in by their address.

use std::path::PathBuf;

use ipnet::IpNet;
use rimward_config::Cidr;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::exchange::Exchange;
use crate::filter::{
    Answer, BuildError, Builder, Configured, Filter, FilterError, Flow, Phase, Phases,
};
use crate::ranges::Ranges;
use crate::settings::RefusalStatus;

/// Lets clients in by their address.
pub(crate) struct IpAccess {
    deny: Ranges,
    /// `None` when everybody may come in who is not denied.
    allow: Option<Ranges>,
    status: u16,
}

/// Settings of `ip_access`. Who is denied is refused, even if also allowed. When there is an allow list, even an empty
/// one, who is not on it is refused. Everybody else is let in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Addresses and networks that are let in, and with them nobody else.
    #[schemars(title = "list of networks")]
    allow: Option<Vec<Cidr>>,
    /// Files with more of them: one a line, `#` begins a comment. They are read with the configuration.
    #[serde(default)]
    #[schemars(title = "list of files")]
    allow_files: Vec<PathBuf>,
    /// Addresses and networks that are refused. This wins over `allow`.
    #[schemars(title = "list of networks")]
    deny: Option<Vec<Cidr>>,
    /// Files with more of them.
    #[serde(default)]
    #[schemars(title = "list of files")]
    deny_files: Vec<PathBuf>,
    /// The status of a refusal, from 400 to 599.
    #[serde(default = "forbidden")]
    status: RefusalStatus,
}

fn forbidden() -> RefusalStatus {
    RefusalStatus::FORBIDDEN
}

impl Configured for IpAccess {
    const NAME: &'static str = "ip_access";
    const SUMMARY: &'static str =
        "Lets clients in by their address, with lists of networks to allow and to deny.";
    const EXAMPLE: &'static str = r#"use = "ip_access"
allow = ["192.0.2.0/24", "2001:db8::/32"]
deny = ["192.0.2.66"]
deny_files = ["blocklist.txt"]
"#;
    type Settings = Settings;

    fn new(settings: Settings, builder: &Builder<'_>) -> Result<Self, BuildError> {
        let Settings {
            allow,
            allow_files,
            deny,
            deny_files,
            status,
        } = settings;
        if allow.is_none() && deny.is_none() && allow_files.is_empty() && deny_files.is_empty() {
            return Err(BuildError::at(
                "",
                "nobody is allowed or denied: give `allow`, `deny` or a file of either",
            ));
        }
        if let (Some(allow), Some(deny)) = (&allow, &deny) {
            refuse_contradiction(allow, deny)?;
        }
        let has_allow = allow.is_some() || !allow_files.is_empty();
        let allow = list("allow_files", allow, &allow_files, builder)?;
        let deny = list("deny_files", deny, &deny_files, builder)?;
        Ok(Self {
            deny,
            allow: has_allow.then_some(allow),
            status: status.0,
        })
    }
}

impl Filter for IpAccess {
    fn phases(&self) -> Phases {
        Phases::only(Phase::Request)
    }

    fn runs_in_lane(&self) -> bool {
        true
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        let ip = exchange.client.ip;
        let is_in =
            !self.deny.contains(ip) && self.allow.as_ref().is_none_or(|allow| allow.contains(ip));
        if is_in {
            Ok(Flow::Continue)
        } else {
            Ok(Answer::refuse(self.status)?.flow())
        }
    }
}

/// An allowed network that is denied as a whole lets nobody in: that was not meant.
fn refuse_contradiction(allow: &[Cidr], deny: &[Cidr]) -> Result<(), BuildError> {
    for (index, Cidr(allowed)) in allow.iter().enumerate() {
        if let Some(denied) = deny.iter().find(|Cidr(denied)| denied.contains(allowed)) {
            let message = format!("`{allowed}` lets nobody in: `deny` has `{denied}`, which wins");
            return Err(BuildError::at(format!("allow[{index}]"), message));
        }
    }
    Ok(())
}

fn list(
    key: &str,
    written: Option<Vec<Cidr>>,
    files: &[PathBuf],
    builder: &Builder<'_>,
) -> Result<Ranges, BuildError> {
    let mut nets: Vec<IpNet> = written
        .unwrap_or_default()
        .into_iter()
        .map(|Cidr(net)| net)
        .collect();
    for (index, file) in files.iter().enumerate() {
        let key = format!("{key}[{index}]");
        let text = builder.read(&key, file)?;
        parse(&text, &mut nets)
            .map_err(|message| BuildError::at(key, format!("`{}`, {message}", file.display())))?;
    }
    Ok(nets.into_iter().collect())
}

/// Reads a file of networks; the error tells the first wrong line and how many there are.
fn parse(text: &str, nets: &mut Vec<IpNet>) -> Result<(), String> {
    let mut first_wrong = None;
    let mut wrong = 0;
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let entry = line.split('#').next().unwrap_or("").trim();
        if entry.is_empty() {
            continue;
        }
        match entry.parse::<Cidr>() {
            Ok(Cidr(net)) => nets.push(net),
            Err(error) => {
                wrong += 1;
                first_wrong.get_or_insert_with(|| format!("line {}: {error}", index + 1));
            }
        }
    }
    match first_wrong {
        None => Ok(()),
        Some(message) if wrong == 1 => Err(message),
        Some(message) => Err(format!("{message} (wrong lines in all: {wrong})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{build, build_in, exchange_from, refused, status};

    #[test]
    fn deny_wins_and_an_allow_list_is_all_who_come_in() {
        let allow = r#"allow = ["10.0.0.0/8", "2001:db8::/32"]"#;
        let deny = r#"deny = ["10.0.0.1", "2001:db8:bad::/48"]"#;
        let both = format!("{allow}\n{deny}\nstatus = 404");
        for (settings, ip, expected) in [
            (allow, "10.9.9.9", 0),
            (allow, "::ffff:10.9.9.9", 0),
            (allow, "11.0.0.1", 403),
            (allow, "2001:db8::1", 0),
            (allow, "2001:db9::1", 403),
            (deny, "10.0.0.1", 403),
            (deny, "::ffff:10.0.0.1", 403),
            (deny, "10.0.0.2", 0),
            (&both, "10.0.0.1", 404),
            (&both, "10.0.0.2", 0),
            (&both, "2001:db8:bad::1", 404),
            (&both, "11.0.0.1", 404),
            ("allow = []", "10.0.0.1", 403),
            ("deny = []", "10.0.0.1", 0),
        ] {
            let filter: IpAccess = build(settings).unwrap();
            assert_eq!(
                status(&filter, &mut exchange_from(ip)),
                expected,
                "{ip} by {settings}"
            );
        }
    }

    #[test]
    fn files_add_to_the_lists() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("a"),
            "\u{feff}# office\n\n10.0.0.0/8 # all of it\r\n",
        )
        .unwrap();
        std::fs::write(folder.path().join("b"), "10.0.0.1\n").unwrap();
        let filter: IpAccess =
            build_in(folder.path(), "allow_files = [\"a\"]\ndeny_files = [\"b\"]").unwrap();
        for (ip, expected) in [("10.0.0.2", 0), ("10.0.0.1", 403), ("192.0.2.1", 403)] {
            assert_eq!(status(&filter, &mut exchange_from(ip)), expected, "{ip}");
        }
    }

    #[test]
    fn an_empty_allow_file_lets_nobody_in() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a"), "# none\n").unwrap();
        let filter: IpAccess = build_in(folder.path(), "allow_files = [\"a\"]").unwrap();
        assert_eq!(status(&filter, &mut exchange_from("10.0.0.1")), 403);
    }

    #[test]
    fn mistakes_are_told() {
        for (settings, expected) in [
            ("", "nobody is allowed or denied"),
            (
                r#"allow = ["10.0.0.0/33"]"#,
                "allow[0]: `10.0.0.0/33` is not a network",
            ),
            (
                "allow = ['10.1.0.0/16', '192.0.2.1']\ndeny = ['10.0.0.0/8']",
                "allow[0]: `10.1.0.0/16` lets nobody in",
            ),
            (
                "deny_files = ['no-such-file']",
                "deny_files[0]: `./no-such-file` can't be read",
            ),
            (
                "deny = []\nstatus = 200",
                "`200` is not a status that can be answered here: 400 to 599",
            ),
        ] {
            refused::<IpAccess>(settings, expected);
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("a"),
            "10.0.0.1\nlocalhost\n10.0.0.0/99\n",
        )
        .unwrap();
        let error = build_in::<IpAccess>(folder.path(), "deny_files = ['a']")
            .err()
            .unwrap();
        assert!(
            error
                .message
                .starts_with("`a`, line 2: `localhost` is not a network"),
            "{error}"
        );
        assert!(
            error.message.ends_with("(wrong lines in all: 2)"),
            "{error}"
        );
    }
}

//! `[admin]`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::AdminAddress;
use crate::value::{Listening, Text, ValueError, text_value};

/// Where metrics, reload and purge are asked for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Admin {
    /// A loopback address and port, or a Unix socket as `unix:/run/rimward.sock`. Any other address needs
    /// `token_file`. Default: `127.0.0.1:9900`.
    pub(crate) address: Option<AdminAt>,
    /// A file that holds the token every request must bring as `Authorization: Bearer …`. Default: none.
    pub(crate) token_file: Option<PathBuf>,
}

/// The address of the admin interface.
#[derive(Debug, Clone)]
pub(crate) struct AdminAt(pub(crate) AdminAddress);

impl Text for AdminAt {
    const EXPECTING: &'static str =
        "an address such as `127.0.0.1:9900` or `unix:/run/rimward.sock`";
    const PATTERN: &'static str = "^(unix:.+|([0-9.]+|\\[[0-9A-Fa-f:.]+\\]):\\d{1,5})$";
}

text_value!(AdminAt);

impl FromStr for AdminAt {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text.strip_prefix("unix:") {
            Some("") => Err(ValueError::new(
                "`unix:` has no path: write `unix:/run/rimward.sock`",
            )),
            Some(path) => Ok(Self(AdminAddress::Unix(path.into()))),
            None => text
                .parse()
                .map(|Listening(address)| Self(AdminAddress::Tcp(address))),
        }
    }
}

impl fmt::Display for AdminAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            AdminAddress::Tcp(address) => address.fmt(f),
            AdminAddress::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

//! The keys of a bucket, from the environment or a file in the format of Amazon's tools.

use std::path::Path;

use aws_credential_types::Credentials as Keys;
use rimward_config::Credentials;

use crate::origin::servers::KeyProblem;

const ID: &str = "aws_access_key_id";
const SECRET: &str = "aws_secret_access_key";
const TOKEN: &str = "aws_session_token";

/// The largest file that is read.
const LARGEST: u64 = 1 << 20;

/// The keys that requests are signed with; `None` where they are not. Blocking.
pub(super) fn find(credentials: &Credentials) -> Result<Option<Keys>, KeyProblem> {
    let found = match credentials {
        Credentials::Anonymous => return Ok(None),
        Credentials::Env => from_variables(|name| std::env::var(name).ok()),
        Credentials::File { path, profile } => {
            return from_file(path, profile)
                .map(Some)
                .map_err(|message| ("s3.credentials.file".to_owned(), message));
        }
    };
    found
        .map(Some)
        .map_err(|message| ("s3.credentials".to_owned(), message))
}

fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Keys, String> {
    let get = |key: &str| {
        let name = key.to_ascii_uppercase();
        variable(&name).filter(|value| !value.is_empty())
    };
    let needed = |key: &str| {
        get(key).ok_or_else(|| {
            let name = key.to_ascii_uppercase();
            format!("the variable `{name}` is not set: set it, or write where the keys are, or `credentials = \"anonymous\"`")
        })
    };
    keys(needed(ID)?, needed(SECRET)?, get(TOKEN))
}

fn from_file(path: &Path, profile: &str) -> Result<Keys, String> {
    let shown = path.display();
    let unread = |error: &dyn std::fmt::Display| format!("`{shown}` can't be read: {error}");
    let size = std::fs::metadata(path)
        .map_err(|error| unread(&error))?
        .len();
    if size > LARGEST {
        return Err(unread(&format!(
            "it has {size} bytes, at most {LARGEST} are read"
        )));
    }
    let text = std::fs::read_to_string(path).map_err(|error| unread(&error))?;
    in_section(&text, profile).map_err(|what| format!("`{shown}`: {what}"))
}

/// The keys of one section. What else is there is for other tools.
fn in_section(text: &str, profile: &str) -> Result<Keys, String> {
    let mut section = None;
    let mut is_there = false;
    let (mut id, mut secret, mut token) = (None, None, None);
    for line in text.lines().map(str::trim) {
        if line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.split(']').next())
        {
            section = Some(name.trim());
            is_there |= section == Some(profile);
            continue;
        }
        let Some((key, value)) = line.split_once('=').filter(|_| section == Some(profile)) else {
            continue;
        };
        let value = Some(value.trim().to_owned());
        match key.trim().to_ascii_lowercase().as_str() {
            ID => id = value,
            SECRET => secret = value,
            TOKEN => token = value,
            _ => {}
        }
    }
    if !is_there {
        return Err(format!("there is no section `[{profile}]`"));
    }
    let needed = |value: Option<String>, key| {
        value
            .filter(|value| !value.is_empty())
            .ok_or_else(|| format!("the section `[{profile}]` has no `{key}`"))
    };
    keys(
        needed(id, ID)?,
        needed(secret, SECRET)?,
        token.filter(|token| !token.is_empty()),
    )
}

fn keys(id: String, secret: String, token: Option<String>) -> Result<Keys, String> {
    let all = [
        (ID, Some(&id)),
        (SECRET, Some(&secret)),
        (TOKEN, token.as_ref()),
    ];
    for (key, value) in all {
        // The value itself is nobody's business.
        if value.is_some_and(|value| !value.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err(format!(
                "`{key}` has a character that no key has: a space, or one beyond ASCII"
            ));
        }
    }
    Ok(Keys::new(id, secret, token, None, "rimward"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(keys: Result<Keys, String>) -> String {
        match keys {
            Ok(keys) => format!(
                "{} {} {}",
                keys.access_key_id(),
                keys.secret_access_key(),
                keys.session_token().unwrap_or("-")
            ),
            Err(message) => message,
        }
    }

    const FILE: &str = "# keys\n[default]\naws_access_key_id = A1\naws_secret_access_key=s/+=\nregion = x\n\n[ other ] ; two\n  AWS_ACCESS_KEY_ID=A2\n aws_secret_access_key = t\naws_session_token = abc==\n[half]\naws_access_key_id = A3\n[odd]\naws_access_key_id = A 4\naws_secret_access_key = hidden secret\n[empty]\n";

    #[test]
    fn a_section_of_a_file_has_the_keys() {
        for (profile, expected) in [
            ("default", "A1 s/+= -"),
            ("other", "A2 t abc=="),
            (
                "half",
                "the section `[half]` has no `aws_secret_access_key`",
            ),
            ("empty", "the section `[empty]` has no `aws_access_key_id`"),
            ("none", "there is no section `[none]`"),
            (
                "odd",
                "`aws_access_key_id` has a character that no key has: a space, or one beyond ASCII",
            ),
        ] {
            assert_eq!(shown(in_section(FILE, profile)), expected);
        }
    }

    #[test]
    fn variables_have_the_keys() {
        let set = |names: &'static [(&str, &str)]| {
            shown(from_variables(|name| {
                names
                    .iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| (*value).to_owned())
            }))
        };
        assert_eq!(
            set(&[("AWS_ACCESS_KEY_ID", "A"), ("AWS_SECRET_ACCESS_KEY", "s")]),
            "A s -"
        );
        assert_eq!(
            set(&[
                ("AWS_ACCESS_KEY_ID", "A"),
                ("AWS_SECRET_ACCESS_KEY", "s"),
                ("AWS_SESSION_TOKEN", "t")
            ]),
            "A s t"
        );
        assert!(
            set(&[("AWS_ACCESS_KEY_ID", "A")])
                .starts_with("the variable `AWS_SECRET_ACCESS_KEY` is not set")
        );
        assert!(
            set(&[("AWS_ACCESS_KEY_ID", "")])
                .starts_with("the variable `AWS_ACCESS_KEY_ID` is not set")
        );
    }

    #[test]
    fn keys_are_never_shown() {
        let keys = in_section(FILE, "other").unwrap();
        let shown = format!("{keys:?}");
        assert!(
            !shown.contains("abc==") && !shown.contains("\"t\""),
            "{shown}"
        );
    }
}

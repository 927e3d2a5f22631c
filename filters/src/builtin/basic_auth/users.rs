//! The file of users: a line `name:hash` each.

use std::sync::Arc;

use ahash::AHashMap;
use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordVerifier};

/// Names and how their passwords are verified.
pub(super) struct Users {
    by_name: AHashMap<String, Hash>,
    costliest: Hash,
}

/// A password's hash as it is in the file, of a kind and a cost that can be computed.
#[derive(Clone)]
pub(super) struct Hash {
    kind: Kind,
    text: Arc<str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bcrypt,
    Argon2id,
}

/// A cost above these would take seconds or gigabytes for each try.
const MAX_BCRYPT_COST: u32 = 15;
const MAX_ARGON2_MEMORY: u32 = 256 << 10;
const MAX_ARGON2_WORK: u64 = 4 << 20;

impl Users {
    /// Reads the file. An error names the line and what would have been right, never the hash.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut by_name = AHashMap::new();
        let mut costliest: Option<(u64, Hash)> = None;
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |message: &str| format!("line {}: {message}", index + 1);
            let (name, hash) = line
                .split_once(':')
                .ok_or_else(|| wrong("a line is `name:hash`"))?;
            if name.is_empty() || name.contains(char::is_control) {
                return Err(wrong("there must be a name before the `:`"));
            }
            let (cost, hash) = Hash::parse(hash).map_err(|message| wrong(&message))?;
            if costliest.as_ref().is_none_or(|(most, _)| cost > *most) {
                costliest = Some((cost, hash.clone()));
            }
            if by_name.insert(name.to_owned(), hash).is_some() {
                return Err(wrong(&format!("`{name}` is in the file twice")));
            }
        }
        match costliest {
            Some((_, costliest)) => Ok(Self { by_name, costliest }),
            None => Err("there is no user in it: add one with `htpasswd -B`".to_owned()),
        }
    }

    /// The hash of a user.
    pub(super) fn get(&self, name: &str) -> Option<&Hash> {
        self.by_name.get(name)
    }

    /// The hash that takes longest to compute.
    pub(super) fn costliest(&self) -> Hash {
        self.costliest.clone()
    }
}

impl Hash {
    /// The hash and, in some unit, what it costs.
    fn parse(text: &str) -> Result<(u64, Self), String> {
        let (kind, cost) = if text.starts_with("$2y$") || text.starts_with("$2b$") {
            (Kind::Bcrypt, bcrypt_cost(text)?)
        } else if text.starts_with("$argon2id$") {
            (Kind::Argon2id, argon2_cost(text)?)
        } else {
            return Err(format!(
                "{} is not accepted: use bcrypt (`htpasswd -B`) or Argon2id",
                kind_of(text)
            ));
        };
        Ok((
            cost,
            Self {
                kind,
                text: text.into(),
            },
        ))
    }

    /// The hash as it is in the file.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// Whether this is the hash of `password`. Takes tens of milliseconds, the same for every password.
    pub(super) fn verify(&self, password: &[u8]) -> bool {
        match self.kind {
            Kind::Bcrypt => bcrypt::verify(password, &self.text).unwrap_or(false),
            Kind::Argon2id => PasswordHash::new(&self.text)
                .is_ok_and(|hash| Argon2::default().verify_password(password, &hash).is_ok()),
        }
    }
}

fn bcrypt_cost(text: &str) -> Result<u64, String> {
    let wrong = || "this is not a whole bcrypt hash of 60 characters".to_owned();
    let cost = text
        .get(4..6)
        .and_then(|cost| cost.parse::<u32>().ok())
        .ok_or_else(wrong)?;
    let is_hash = |byte: u8| byte.is_ascii_alphanumeric() || b"./$".contains(&byte);
    if text.len() != 60 || !text.bytes().all(is_hash) || text.parse::<bcrypt::HashParts>().is_err()
    {
        return Err(wrong());
    }
    match cost {
        4..=MAX_BCRYPT_COST => Ok(1 << (cost + 4)),
        _ => Err(format!(
            "a bcrypt cost of {cost} is out of bounds: 4 to {MAX_BCRYPT_COST}"
        )),
    }
}

fn argon2_cost(text: &str) -> Result<u64, String> {
    let hash = PasswordHash::new(text)
        .map_err(|error| format!("this is not a whole Argon2id hash: {error}"))?;
    let params = argon2::Params::try_from(&hash)
        .map_err(|error| format!("this is not an Argon2id hash: {error}"))?;
    if hash.salt.is_none() || hash.hash.is_none() {
        return Err("this is not a whole Argon2id hash: salt or hash is missing".to_owned());
    }
    let work = u64::from(params.m_cost()) * u64::from(params.t_cost());
    if params.m_cost() > MAX_ARGON2_MEMORY || work > MAX_ARGON2_WORK || params.p_cost() > 16 {
        return Err(
            "its cost is out of bounds: at most m=262144, m times t=4194304 and p=16".to_owned(),
        );
    }
    Ok(work)
}

/// A hash's kind, for messages, without any of the hash.
fn kind_of(text: &str) -> &'static str {
    match text {
        _ if text.starts_with("$apr1$") || text.starts_with("$1$") => "MD5",
        _ if text.starts_with("{SHA}") || text.starts_with("{SSHA}") => "SHA-1",
        _ if text.starts_with("$5$") || text.starts_with("$6$") => "SHA-crypt",
        _ if text.starts_with("$2a$") || text.starts_with("$2x$") => "bcrypt from before `$2b$`",
        _ if text.starts_with("$argon2") => "Argon2 other than Argon2id",
        _ if text.starts_with('$') => "this kind of hash",
        _ => "a password in the clear or hashed by crypt",
    }
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::{PasswordHasher, SaltString};

    use super::*;

    fn argon2id(password: &str, memory: u32) -> String {
        let params = argon2::Params::new(memory, 1, 1, None).unwrap();
        let hasher = Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
        let salt = SaltString::from_b64("c29tZXNhbHRzb21lc2FsdA").unwrap();
        hasher
            .hash_password(password.as_bytes(), &salt)
            .unwrap()
            .to_string()
    }

    #[test]
    fn both_kinds_of_hashes_are_verified() {
        let bcrypt = bcrypt::hash("one", 4).unwrap();
        let text = format!(
            "a:{bcrypt}\nb:{}\nc:{}\n",
            bcrypt.replace("$2b$", "$2y$"),
            argon2id("two", 16)
        );
        let users = Users::parse(&text).unwrap();
        for (name, password, expected) in [
            ("a", "one", true),
            ("b", "one", true),
            ("c", "two", true),
            ("a", "two", false),
            ("c", "one", false),
        ] {
            assert_eq!(
                users.get(name).unwrap().verify(password.as_bytes()),
                expected,
                "{name} {password}"
            );
        }
        assert!(users.get("d").is_none());
        assert!(!users.costliest().verify(b"nul\0byte"));
    }

    #[test]
    fn the_costliest_hash_stands_for_unknown_names() {
        let text = format!(
            "a:{}\nb:{}\n",
            bcrypt::hash("x", 4).unwrap(),
            bcrypt::hash("x", 5).unwrap()
        );
        let users = Users::parse(&text).unwrap();
        assert_eq!(
            users.costliest().as_bytes(),
            users.get("b").unwrap().as_bytes()
        );
    }

    #[test]
    fn mistakes_are_told_with_their_line_and_without_the_hash() {
        let good = bcrypt::hash("x", 4).unwrap();
        for (text, expected) in [
            ("", "there is no user in it"),
            ("# only\n", "there is no user in it"),
            ("ann", "line 1: a line is `name:hash`"),
            ("\n:x", "line 2: there must be a name"),
            (
                "a:$apr1$abc$SECRET",
                "line 1: MD5 is not accepted: use bcrypt",
            ),
            ("a:{SHA}SECRET", "SHA-1 is not accepted"),
            ("a:$6$abc$SECRET", "SHA-crypt is not accepted"),
            (
                "a:$2a$10$SECRET",
                "bcrypt from before `$2b$` is not accepted",
            ),
            (
                "a:$argon2i$v=19$m=16,t=1,p=1$c2FsdA$SECRET",
                "Argon2 other than Argon2id",
            ),
            ("a:SECRET", "a password in the clear"),
            ("a:$2y$10$SECRET", "not a whole bcrypt hash"),
            ("a:$argon2id$SECRET", "not a whole Argon2id hash"),
            (
                &format!("a:{}", good.replace("$04$", "$31$")),
                "a bcrypt cost of 31 is out of bounds",
            ),
            (
                &format!("a:{good}\na:{good}"),
                "line 2: `a` is in the file twice",
            ),
            (
                &format!("a:{}", argon2id("x", 16).replace("m=16", "m=999999")),
                "its cost is out of bounds",
            ),
        ] {
            let error = Users::parse(text).err().unwrap();
            assert!(error.contains(expected), "{text}: {error}");
            assert!(!error.contains("SECRET"), "{error}");
        }
    }
}

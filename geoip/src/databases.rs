//! The databases of a configuration: of places, of networks and of anonymisers.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use crate::database::{Database, OpenError};
use crate::location::Location;

/// What a database is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Countries or cities.
    Places,
    /// Autonomous systems.
    Networks,
    /// VPNs, proxies, Tor and hosting.
    Anonymous,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Places, Self::Networks, Self::Anonymous];

    /// The key that names its file in the section `[geoip]`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Places => "database",
            Self::Networks => "asn_database",
            Self::Anonymous => "anonymous_database",
        }
    }

    /// What it tells, in words.
    pub(crate) fn tells(self) -> &'static str {
        match self {
            Self::Places => "countries",
            Self::Networks => "autonomous systems",
            Self::Anonymous => "anonymous addresses",
        }
    }

    pub(crate) fn is_told_by(self, location: &Location<'_>) -> bool {
        match self {
            Self::Places => location.country.is_some(),
            Self::Networks => location.asn.is_some(),
            Self::Anonymous => !location.anonymity.is_none(),
        }
    }
}

/// The databases of a configuration, each there or not.
#[derive(Clone, Default)]
pub struct Databases([Option<Arc<Database>>; 3]);

/// Databases, and those among them that are older than their files.
#[derive(Debug)]
pub struct Opened {
    /// The databases.
    pub databases: Databases,
    /// What was kept since its file can't be used, and why it can't.
    pub kept: Vec<(Kind, OpenError)>,
}

impl Databases {
    /// Reads the files that changed since `previous`, and takes over from there what did not. A file that can't be used is
    /// an error, unless `previous` has an older state of it: that is kept.
    ///
    /// # Errors
    /// With every file that can't be used.
    pub fn open<'p>(
        files: impl IntoIterator<Item = (Kind, &'p Path)>,
        previous: Option<&Self>,
    ) -> Result<Opened, Vec<(Kind, OpenError)>> {
        let mut databases = Self::default();
        let (mut kept, mut errors) = (Vec::new(), Vec::new());
        for (kind, path) in files {
            let older = previous.and_then(|previous| previous.0[kind as usize].as_ref());
            let older = older.filter(|older| older.is_of(path));
            let current = older.filter(|older| older.is_current());
            let opened = match current {
                Some(current) => Ok(current.clone()),
                None => Database::open(path, kind).map(Arc::new),
            };
            let database = match (opened, older) {
                (Ok(database), _) => database,
                (Err(error), Some(older)) => {
                    kept.push((kind, error));
                    older.clone()
                }
                (Err(error), None) => {
                    errors.push((kind, error));
                    continue;
                }
            };
            databases.0[kind as usize] = Some(database);
        }
        match errors.is_empty() {
            true => Ok(Opened { databases, kept }),
            false => Err(errors),
        }
    }

    /// The ISO 3166 code of the country an address is in; `None` when it is unknown.
    ///
    /// An IPv4-mapped IPv6 address is looked up as the IPv4 address it holds. Allocates nothing.
    pub fn country(&self, address: IpAddr) -> Option<[u8; 2]> {
        let places = self.0[Kind::Places as usize].as_ref()?;
        places.country(address.to_canonical())
    }

    /// All that is known of an address, IPv4-mapped ones as above. Allocates nothing.
    pub fn location(&self, address: IpAddr) -> Location<'_> {
        let address = address.to_canonical();
        let mut location = Location::default();
        for database in self.0.iter().flatten() {
            if let Some(found) = database.location(address) {
                location.complete(&found);
            }
        }
        location.derive();
        location
    }
}

impl fmt::Debug for Databases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (kind, database) in Kind::ALL.iter().zip(&self.0) {
            map.entry(&kind.key(), &database.is_some());
        }
        map.finish()
    }
}

#[cfg(test)]
mod tests;

//! What a bucket as an origin means.

use std::path::PathBuf;

/// `s3` of `[origin.NAME]`: how requests to a bucket differ from those to any server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3 {
    /// The bucket's name.
    pub bucket: String,
    /// The region that requests are signed for.
    pub region: String,
    /// Whether the bucket stands in the path of requests.
    pub path_style: bool,
    /// What comes before the path: empty, or a key that ends in `/`.
    pub prefix: String,
    /// The object that stands for a path which ends in `/`.
    pub index: Option<String>,
    /// Where keys come from.
    pub credentials: Credentials,
    /// Parameters of the client's query that the bucket gets.
    pub query: Vec<String>,
    /// Whether PUT and DELETE reach the bucket.
    pub writable: bool,
    /// The status that clients get of what the bucket denies: 403 or 404.
    pub denied: u16,
}

/// Where the keys of a bucket come from. The keys themselves are in no configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// The variables that Amazon's tools read.
    Env,
    /// Requests are not signed.
    Anonymous,
    /// A section of a file in the format of Amazon's tools.
    File {
        /// The file.
        path: PathBuf,
        /// The section.
        profile: String,
    },
}

//! `[origin.NAME] s3`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::value::{Endpoint, KeysFrom, Short};

/// A bucket of S3, or of a store that speaks its protocol.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct S3 {
    /// The bucket's name.
    #[schemars(required)]
    pub(crate) bucket: Option<String>,
    /// The region that the bucket is in, such as `eu-central-1`. Needed unless there is an `endpoint`, where the default
    /// is `us-east-1`.
    pub(crate) region: Option<String>,
    /// Where a store is asked that is not Amazon's: `http://…` or `https://…`. Default: Amazon's address for the region,
    /// over `https`.
    pub(crate) endpoint: Option<Endpoint>,
    /// Whether the bucket stands in the path of requests rather than before the host. Default: `true` with an `endpoint`
    /// and for a name with a dot, which certificates do not cover; else `false`.
    pub(crate) path_style: Option<bool>,
    /// A folder in the bucket that is put before every path, such as `site/v2`. Default: none, the whole bucket.
    pub(crate) prefix: Option<String>,
    /// The object that stands for a path which ends in `/`, such as `index.html`. Default: none.
    pub(crate) index: Option<String>,
    /// Whose requests these are: `env` takes keys from the variables `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and
    /// `AWS_SESSION_TOKEN`, a table takes them from a file, `anonymous` signs nothing. Default: `env`.
    pub(crate) credentials: Option<Short<KeysFrom, KeysFile>>,
    /// Parameters of the client's query that the bucket gets: `versionId`, `partNumber`, `response-cache-control`,
    /// `response-content-disposition`, `response-content-encoding`, `response-content-language`,
    /// `response-content-type` and `response-expires`. Default: none; the query is left out.
    pub(crate) query: Option<Vec<String>>,
    /// Whether PUT and DELETE reach the bucket, beside GET and HEAD. Default: `false`.
    pub(crate) writable: Option<bool>,
    /// The status that clients get of what the bucket denies: `403` or `404`. A bucket whose keys may not list it denies
    /// what is missing. Default: `403`.
    pub(crate) denied: Option<i64>,
}

/// A file with keys, in the format of Amazon's tools.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeysFile {
    /// The file: a section `[default]` with `aws_access_key_id`, `aws_secret_access_key` and, for temporary keys,
    /// `aws_session_token`. It is read again when it changes.
    #[schemars(required)]
    pub(crate) file: Option<PathBuf>,
    /// The section that is read. Default: `default`.
    pub(crate) profile: Option<String>,
}

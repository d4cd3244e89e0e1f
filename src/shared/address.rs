//! Where a shared cache lies, as its address is written.

use reqwest::Url;
use std::fmt;
use std::path::{Path, PathBuf};

/// A folder, or a bucket with a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A folder that all machines see.
    Folder(PathBuf),
    /// `s3://bucket/prefix`.
    S3(Url),
    /// `gs://bucket/prefix`.
    Gcs(Url),
}

/// Why an address cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AddressError(String);

impl Address {
    /// Reads an address; a folder is taken from `base`.
    ///
    /// # Errors
    /// What is neither a folder nor a bucket, and an address that holds a password.
    pub fn parse(text: &str, base: &Path) -> Result<Self, AddressError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(AddressError("an address is missing".into()));
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Ok(Self::Folder(base.join(text)));
        };
        if scheme.eq_ignore_ascii_case("file") {
            let path = Path::new(rest);
            return if path.is_absolute() {
                Ok(Self::Folder(path.to_owned()))
            } else {
                Err(AddressError(
                    "`file://` is followed by a whole path: `file:///srv/film`".into(),
                ))
            };
        }
        let url = Url::parse(text).map_err(|error| AddressError(format!("no address: {error}")))?;
        if url.host_str().is_none_or(str::is_empty) {
            return Err(AddressError(format!("`{scheme}://` is followed by a bucket's name")));
        }
        let is_plain = url.username().is_empty()
            && url.password().is_none()
            && url.port().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if !is_plain {
            return Err(AddressError(
                "an address is a bucket and a prefix; keys and hosts come from the environment"
                    .into(),
            ));
        }
        match url.scheme() {
            "s3" => Ok(Self::S3(url)),
            "gs" => Ok(Self::Gcs(url)),
            _ => Err(AddressError(format!(
                "`{scheme}://` is not known: a folder, `s3://bucket/prefix` or `gs://bucket/prefix`"
            ))),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => folder.display().fmt(out),
            Self::S3(url) | Self::Gcs(url) => url.as_str().trim_end_matches('/').fmt(out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Address, String> {
        Address::parse(text, Path::new("/film")).map_err(|error| error.to_string())
    }

    #[test]
    fn folders_and_buckets() {
        assert_eq!(parse("../cache"), Ok(Address::Folder("/film/../cache".into())));
        assert_eq!(parse("/srv/cache"), Ok(Address::Folder("/srv/cache".into())));
        assert_eq!(parse("file:///srv/cache"), Ok(Address::Folder("/srv/cache".into())));
        for bucket in ["s3://films/skerry", "gs://films"] {
            assert_eq!(parse(bucket).map(|address| address.to_string()), Ok(bucket.to_owned()));
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for wrong in [
            " ",
            "file://cache",
            "s3://",
            "s3:///prefix",
            "s3://key:secret@bucket",
            "s3://bucket:99/prefix",
            "s3://bucket/?endpoint=http://elsewhere",
            "gs://bucket/#part",
            "https://elsewhere.example/cache",
            "redis://host",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}

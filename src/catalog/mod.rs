//! Models and API families as data.

use serde::Serialize;

/// How sure a price is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PriceKind {
    /// Known for certain: free, or settled already.
    Exact,
    /// From the catalogue, as of its date.
    Dated,
    /// Nobody published one.
    Unknown,
}

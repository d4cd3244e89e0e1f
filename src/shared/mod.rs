//! The cache that several machines share, with the record of what they have sent: a folder, or a bucket at S3 or Google.
//!
//! Three kinds of objects lie in it. A clip lies under the digest of its bytes, so that what was rendered once is restored
//! everywhere. A *claim* is created, only if it is absent, before a request leaves: whoever creates it sends, and everybody
//! else follows. Beside the claim lies what became of it, one object a word ([`crate::ports::News`]). Nothing is ever
//! written over: what two machines know of a claim can only be more or less, never different.

mod address;
mod record;
mod settle;
mod store;

pub use address::{Address, AddressError};
pub use record::{Exchange, work_of};
pub use settle::{SettleError, settle};
pub(crate) use store::new_id;
pub use store::{Clip, Store, StoreError};

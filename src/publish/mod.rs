//! Puts clips in place.

mod layout;

pub use layout::Layout;

//! The provider's own list of models against the catalogue: what is new, gone, back and changed, and a catalogue file
//! made of it.
//!
//! Everything here is plain functions over data; [`crate::remote::discovery`] asks. What comes in is a stranger's text:
//! ids and names are checked before they are used, and words lose what could steer a terminal.

mod compare;
mod listing;
mod modes;
mod openapi;
mod overlay;
mod price_text;
mod role;

pub use compare::{
    Change, Changed, Described, Findings, Gone, SchemaAnswer, Unlike, compare, known,
};
pub use listing::{Listing, Offer, is_id};
pub use openapi::ModelSchema;
pub use overlay::{Overlay, overlay};
pub use price_text::told as price_told;

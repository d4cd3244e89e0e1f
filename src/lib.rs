//! storyreel renders a whole storyboard to video clips with one command, and pays only for the scenes that changed.
//!
//! The modules in reading order; each depends on the ones above it only:
//!
//! - [`source`], [`digest`]: text with places and problems; digests of content.
//! - [`camera`]: cameras in words. [`storyboard`]: scenes, from Markdown and YAML. [`import`]: the same from other shapes, and written.
//!   [`catalog`]: models, families and prices as data. [`prompt`]: composition through templates. [`craft`]: what a director would say of it.
//! - [`media`]: MP4 files. [`manifest`]: the public record. [`layout`]: where things lie. [`record`]: the ledger's rows.
//! - [`known`]: one snapshot of all that. [`plan`]: what would be done and why, a pure function of the above.
//! - [`ports`]: the world as a run sees it. [`ledger`], [`remote`], [`publish`]: the durable record, the provider, the clips in place.
//! - [`discovery`]: the provider's own list of models against the catalogue.
//! - [`engine`]: runs a plan and tells of it in events. [`preview`]: draws it for free. [`report`]: shows both.
//! - [`emulator`]: a local stand-in for the provider. [`settings`], [`cli`]: what the user asked for.

pub mod source;
pub mod digest;
pub mod camera;
pub mod storyboard;
pub mod import;
pub mod catalog;
pub mod prompt;
pub mod craft;
pub mod media;
pub mod manifest;
pub mod layout;
pub mod record;
pub mod known;
pub mod plan;
pub mod ports;
pub mod ledger;
pub mod remote;
pub mod shared;
pub mod discovery;
pub mod publish;
pub mod engine;
pub mod preview;
pub mod report;
pub mod emulator;
#[doc(hidden)]
pub mod simulation;
pub mod settings;
pub mod cli;

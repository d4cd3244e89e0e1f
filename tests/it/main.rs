//! tests

mod ledger;
mod manifest;
mod publish;

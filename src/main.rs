//! storyreel
fn main() {}

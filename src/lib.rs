//! storyreel

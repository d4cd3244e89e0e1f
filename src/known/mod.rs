//! The snapshot that a plan is made against.

//! The door, through the real binary.

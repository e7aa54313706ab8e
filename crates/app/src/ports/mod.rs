//! The ports out of the house: one folder each, a plain enum of variants that
//! configuration chooses from once.

pub mod calls;

//! The projector against the independent naive model, and its rows against the places where batches are cut.
#![allow(clippy::unwrap_used, missing_docs)]

mod batch_cuts;
mod naive_model;
mod organisation;
mod poison;

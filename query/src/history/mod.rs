//! Numbers as they were, and why: facts as they stood after any event, measured again by their KPI's file. Nothing here reads a
//! cell, so that it is also another way to the same number.

mod answer;
mod behind;
mod changes;
mod counted;
mod explanation;
mod facts;
mod moment;
mod reference;
mod sums;

pub(crate) use answer::answer;
pub(crate) use changes::{Moved, between as changes_between};
pub(crate) use counted::{Counted, Counting};
pub(crate) use explanation::{Explanation, explain};
pub(crate) use facts::{Facts, Wanted};
pub(crate) use moment::{AsOf, Past};
pub(crate) use sums::{Part, parts};

//! Measure: what changed facts do to KPI cells. Each KPI's `where` and slots are DataFusion expressions, planned once per
//! process and evaluated on a batch of facts as they were (sign −1) and as they are (sign +1). No KPI is known here.

mod cells;
mod plan;

pub use cells::{Cell, CellKey, CellRow, ValueKey, ValueRow, apply, store, stored};
pub use plan::{Contribution, Failure, Measured, Measures};

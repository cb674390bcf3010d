//! KPIs: a number is a small file. Reading `kpis/*.toml`, splitting its `value` into additive slots and the arithmetic
//! on them, doing that arithmetic exactly, and measuring single facts. Summing up is the projector's, asking for numbers is query's.

mod arithmetic;
mod catalogue;
mod definition;
mod measure;
mod slots;
#[cfg(test)]
mod tests;

pub use arithmetic::{Arithmetic, Ratio, exact, quotient_text, round_text};
pub use catalogue::Catalogue;
pub use definition::{Better, KpiDefinition, KpiError, Title, Unit};
pub use measure::{Contribution, Measure};
pub use slots::{Percentile, Slot, SlotKind};

/// The most additive slots a KPI may have: the columns s0 … s5 of `kpi_cells`.
pub const ADDITIVE_SLOTS_MAX: usize = 6;
/// The most dimensions a KPI may have: the columns d0 … d2 of `kpi_cells`.
pub const DIMS_MAX: usize = 3;

//! The independent naive model: what facts, cells and KPI values a log must lead to, by plain maps and simple loops over
//! the final set of events. It may not depend on the projector, which is tested against it. See `README.md`.

mod admission;
mod cells;
mod company;
mod error;
mod facts;
pub mod generate;
mod measures;
mod model;
mod values;

pub use admission::{LogRecord, Verdict};
pub use cells::{Cell, CellKey, CellValue, Cells};
pub use error::VerifyError;
pub use measures::Measures;
pub use model::Model;

//! The independent naive model: what facts, cells and KPI values a log must lead to, by plain maps and simple loops over
//! the final set of events. It may not depend on the projector, which is tested against it. See `README.md`.

mod admission;
mod cells;
mod company;
mod comparison;
mod error;
mod facts;
pub mod generate;
mod measures;
mod model;
mod sample;
mod stored;
mod values;

pub use admission::{LogRecord, Verdict};
pub use cells::{Cell, CellKey, CellValue, Cells};
pub use comparison::{Comparison, Found, Mismatch};
pub use error::VerifyError;
pub use measures::Measures;
pub use model::Model;
pub use sample::{Picked, Sample};
pub use stored::{StoredCell, StoredCells, StoredEvent, fact, key};

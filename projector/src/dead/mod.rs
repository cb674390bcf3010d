//! `crm.dead` followed into the table `dead_letters`: read → fold → write → commit. Beside the numbers and never in their way:
//! each row is absolute and from one record of the log, so that reading a stretch again changes nothing.

mod fold;
mod follow;
mod marks;
mod table;

pub use follow::follow;
pub use table::DeadTable;

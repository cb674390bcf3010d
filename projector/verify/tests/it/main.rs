//! The model against values written by hand, and against what must hold for any history.

mod histories;

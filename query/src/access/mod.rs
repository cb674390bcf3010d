//! Who may see what: the tenant of a key, and the proof that a plan reads nothing else. The tenant always comes from
//! the key, never from a parameter or a text.

mod authenticate;
mod restriction;

pub(crate) use authenticate::{access_of, authenticate, authenticate_text, key_of};
pub(crate) use restriction::{Restriction, check};

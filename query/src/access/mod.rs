//! Who may see what: the tenant of a key. It always comes from the key, never from a parameter or a text.

mod authenticate;

pub(crate) use authenticate::authenticate;

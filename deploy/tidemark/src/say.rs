//! What a command says on its terminal. Whoever reads it may stop (`tidemark import … | head -1`): the command goes on to its end
//! all the same, and its exit code says how it went.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

/// A line of what was asked for.
pub fn say(line: impl Display) {
    write(io::stdout(), line);
}

/// A line beside that: what goes wrong, what is waited for, a question.
pub fn tell(line: impl Display) {
    write(io::stderr(), line);
}

fn write(mut to: impl Write, line: impl Display) {
    match writeln!(to, "{line}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => panic!("cannot print: {error}"),
        _ => {}
    }
}

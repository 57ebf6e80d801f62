//! Standard output, which may be a terminal.

use std::{
    env,
    io::{self, BufWriter, IsTerminal as _, Write},
};

use terminal_size::terminal_size_of;

use crate::report::{Appearance, Colors};

/// Prints the text. A closed pipe, as with `head`, is not an error.
pub(super) fn print(text: &str) -> io::Result<()> {
    print_by(|out| out.write_all(text.as_bytes()))
}

/// Prints like [`print()`], from a function that writes piece by piece.
pub(super) fn print_by(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// Returns colours and width of the terminal, or no colours and no width if output is not a
/// terminal. `NO_COLOR` and `TERM=dumb` disable colours.
pub(super) fn appearance() -> Appearance {
    let stdout = io::stdout();
    if !stdout.is_terminal() {
        return Appearance::default();
    }
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    let plain = set("NO_COLOR").is_some() || set("TERM").is_none_or(|term| term == "dumb");
    Appearance {
        width: terminal_size_of(stdout).map(|(width, _)| width.0),
        colors: if plain { Colors::None } else { Colors::Ansi },
    }
}

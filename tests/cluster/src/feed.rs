//! Commands that are given something to read.

use std::ffi::OsStr;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::thread;

use crate::Error;

/// Runs a command to its end with `stdin` as its input, and returns how it ended and all that it printed. Whether it reads all of its
/// input is its own business. Fails only if it cannot be run.
pub fn feed(command: &mut Command, stdin: &str) -> Result<Output, Error> {
    let doing = Error::io(format!("run {}", shown(command)));
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let ended = command.spawn().and_then(|mut child| {
        let mut pipe = child.stdin.take();
        thread::scope(|scope| {
            // From a thread: the command may print more than a pipe holds before it has read everything.
            scope.spawn(move || pipe.as_mut().map(|pipe| pipe.write_all(stdin.as_bytes())));
            child.wait_with_output()
        })
    });
    ended.map_err(doing)
}

/// A command as one would type it, apart from quotes.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}

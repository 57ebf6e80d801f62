//! Commands with input.

use std::ffi::OsStr;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::thread;

use crate::Error;

/// Runs a command to its end with `stdin` as its input, and returns its exit status and output. The
/// command need not read all of its input. Fails only if the command cannot be run.
pub fn feed(command: &mut Command, stdin: &str) -> Result<Output, Error> {
    let doing = Error::io(format!("run {}", shown(command)));
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let ended = command.spawn().and_then(|mut child| {
        let mut pipe = child.stdin.take();
        thread::scope(|scope| {
            // Written from a thread, because the command may print more than a pipe holds before it
            // has read all its input.
            scope.spawn(move || pipe.as_mut().map(|pipe| pipe.write_all(stdin.as_bytes())));
            child.wait_with_output()
        })
    });
    ended.map_err(doing)
}

/// Formats a command as typed in a shell, apart from quotes.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}

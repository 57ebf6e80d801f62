//! Signals and progress during a scan.

use std::{
    io::{self, IsTerminal as _, Write as _},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use clap::ValueEnum;
use terminal_size::terminal_size_of;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
    time::{Instant, Interval, MissedTickBehavior, interval_at},
};

use crate::scan::Progress;

/// Time between two updates of the progress, on a terminal and otherwise.
const ON_TERMINAL: Duration = Duration::from_millis(100);
const ELSEWHERE: Duration = Duration::from_secs(10);

/// When progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum When {
    /// Only on a terminal
    Auto,
    /// On a terminal, and otherwise every ten seconds
    Always,
    /// Never
    Never,
}

/// Receives SIGINT and SIGTERM. The first signal is reported, the second ends the process at once.
pub(super) struct Signals {
    first: mpsc::Receiver<u8>,
    /// True once the report is being written. Then the first signal ends the process too.
    pub(super) writing: Arc<AtomicBool>,
}

/// Shows the progress of the scan.
pub(super) struct Watch {
    progress: Arc<Progress>,
    started: Instant,
    ticks: Option<Interval>,
    on_terminal: bool,
    is_shown: bool,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        let interrupt = signal(SignalKind::interrupt())?;
        let terminate = signal(SignalKind::terminate())?;
        let writing = Arc::new(AtomicBool::new(false));
        let (told, first) = mpsc::channel(1);
        tokio::spawn(obey(interrupt, terminate, told, Arc::clone(&writing)));
        Ok(Self { first, writing })
    }

    /// Waits for the first signal, and returns its exit code.
    pub(super) async fn first(&mut self) -> u8 {
        match self.first.recv().await {
            Some(code) => code,
            None => std::future::pending().await,
        }
    }
}

async fn obey(
    mut interrupt: Signal,
    mut terminate: Signal,
    told: mpsc::Sender<u8>,
    writing: Arc<AtomicBool>,
) {
    loop {
        let code = tokio::select! {
            _ = interrupt.recv() => 130,
            _ = terminate.recv() => 143,
        };
        // The channel is full or closed, so this is not the first signal.
        if writing.load(Ordering::Acquire) || told.try_send(code).is_err() {
            std::process::exit(code.into());
        }
        // From now on every signal ends the process.
        writing.store(true, Ordering::Release);
    }
}

impl Watch {
    pub(super) fn new(when: When, progress: Arc<Progress>) -> Self {
        let on_terminal = io::stderr().is_terminal();
        let period = match when {
            When::Never => None,
            _ if on_terminal => Some(ON_TERMINAL),
            When::Auto => None,
            When::Always => Some(ELSEWHERE),
        };
        let started = Instant::now();
        let ticks = period.map(|period| {
            let mut ticks = interval_at(started + period, period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
            ticks
        });
        Self {
            progress,
            started,
            ticks,
            on_terminal,
            is_shown: false,
        }
    }

    /// Waits for the next update, and shows the progress.
    pub(super) async fn tick(&mut self) {
        match &mut self.ticks {
            None => std::future::pending().await,
            Some(ticks) => ticks.tick().await,
        };
        let line = self.progress.line(self.started.elapsed());
        let mut stderr = io::stderr().lock();
        // Write errors are ignored, here and below: progress is optional.
        let _ = if self.on_terminal {
            self.is_shown = true;
            let width = terminal_size_of(&stderr).map_or(80, |(width, _)| usize::from(width.0));
            // A wrapped line could not be overwritten.
            let line: String = line.chars().take(width.saturating_sub(1)).collect();
            write!(stderr, "\r\x1b[2K{line}").and_then(|()| stderr.flush())
        } else {
            writeln!(stderr, "{line}")
        };
    }

    /// Prints a message on its own line.
    pub(super) fn say(&mut self, words: &str) {
        self.clear();
        let _ = writeln!(io::stderr(), "{words}");
    }

    /// Clears the progress line.
    pub(super) fn clear(&mut self) {
        if std::mem::take(&mut self.is_shown) {
            let mut stderr = io::stderr().lock();
            let _ = write!(stderr, "\r\x1b[2K").and_then(|()| stderr.flush());
        }
    }
}

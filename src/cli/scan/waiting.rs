//! While it scans: signals, and how far it is.

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

/// Between two looks at how far it is, on a terminal and elsewhere.
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

/// SIGINT and SIGTERM: the first is told, the second ends the process at once.
pub(super) struct Signals {
    first: mpsc::Receiver<u8>,
    /// Nothing is left to break off: the first ends the process too.
    pub(super) writing: Arc<AtomicBool>,
}

/// Shows how far the scan is.
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

    /// The exit code that the first signal stands for.
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
        // Full, or nobody listens: it is not the first.
        if writing.load(Ordering::Acquire) || told.try_send(code).is_err() {
            std::process::exit(code.into());
        }
        // Taken or not, there is only one first.
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

    /// Waits until it is time, and shows it.
    pub(super) async fn tick(&mut self) {
        match &mut self.ticks {
            None => std::future::pending().await,
            Some(ticks) => ticks.tick().await,
        };
        let line = self.progress.line(self.started.elapsed());
        let mut stderr = io::stderr().lock();
        // Nobody needs to know that nobody sees it, here and below.
        let _ = if self.on_terminal {
            self.is_shown = true;
            let width = terminal_size_of(&stderr).map_or(80, |(width, _)| usize::from(width.0));
            // A line that is wrapped could not be written over.
            let line: String = line.chars().take(width.saturating_sub(1)).collect();
            write!(stderr, "\r\x1b[2K{line}").and_then(|()| stderr.flush())
        } else {
            writeln!(stderr, "{line}")
        };
    }

    /// Says something in a line of its own.
    pub(super) fn say(&mut self, words: &str) {
        self.clear();
        let _ = writeln!(io::stderr(), "{words}");
    }

    /// Takes the line away.
    pub(super) fn clear(&mut self) {
        if std::mem::take(&mut self.is_shown) {
            let mut stderr = io::stderr().lock();
            let _ = write!(stderr, "\r\x1b[2K").and_then(|()| stderr.flush());
        }
    }
}

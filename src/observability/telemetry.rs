//! Logs to stderr, as text for people or as JSON lines for machines.

mod json;

use std::{fmt, str::FromStr};

use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer as _, Registry,
    filter::Targets,
    fmt::{self as log, MakeWriter, format::JsonFields},
    layer::SubscriberExt as _,
};

use self::json::FlatJson;

/// Target of all events of the operator's crate and its binary.
const OURS: &str = "sudoless";

/// Highest level for dependencies. At TRACE the AWS SDK logs whole requests and answers, with
/// session tokens and secret keys (aws-smithy-runtime, `client/orchestrator.rs`: "transmitting
/// request", "received response").
const DEPENDENCIES_AT_MOST: LevelFilter = LevelFilter::DEBUG;

/// Format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum LogFormat {
    /// Text line for people.
    Text,
    /// One flat JSON object per line. The fields of spans (policy, account, region) are beside
    /// those of the event.
    Json,
}

/// Coloring of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// For a terminal without `NO_COLOR` in its environment.
    Ansi,
    /// For all other outputs.
    None,
}

/// Log levels of the operator and its dependencies.
///
/// Parsed from a comma-separated list. A level alone (`off`, `error`, `warn`, `info`, `debug`,
/// `trace`) is for the operator, and limits its dependencies to warnings. `target=level` is for one
/// module or dependency, such as `sudoless::aws=debug` or `kube_runtime=debug`.
#[derive(Clone, Debug)]
pub struct LogLevels {
    text: String,
    targets: Targets,
}

/// Reason why logging cannot start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The text is neither a level nor `target=level`.
    #[error(
        "{0:?} is not a log level: write off, error, warn, info, debug or trace, or target=level such as \
         sudoless::aws=debug, separated by commas"
    )]
    Level(String),
    /// The list sets a dependency to TRACE.
    #[error("{0:?} would write credentials to the log: write {0}=debug at most")]
    Secrets(String),
    /// Logging was already started.
    #[error("logging has been started already")]
    AlreadyStarted,
}

impl Default for LogLevels {
    /// `info`.
    fn default() -> Self {
        Self {
            text: "info".into(),
            targets: own(LevelFilter::INFO),
        }
    }
}

impl FromStr for LogLevels {
    type Err = TelemetryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // `EnvFilter` is not used, because it takes a misspelled level for a target's name and then
        // logs nothing.
        let mut level = LevelFilter::INFO;
        let mut named = Vec::new();
        for directive in text
            .split(',')
            .map(str::trim)
            .filter(|each| !each.is_empty())
        {
            match directive.split_once('=') {
                None => level = parse_level(directive, directive)?,
                Some((target, level)) => named.push(parse_target(target, level, directive)?),
            }
        }
        Ok(Self {
            text: text.to_owned(),
            targets: own(level).with_targets(named),
        })
    }
}

impl fmt::Display for LogLevels {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.text)
    }
}

/// Starts logging to stderr for the whole process.
///
/// # Errors
/// [`TelemetryError::AlreadyStarted`].
pub fn start(format: LogFormat, color: Color, levels: &LogLevels) -> Result<(), TelemetryError> {
    let subscriber = subscriber(format, color, levels, std::io::stderr);
    tracing::subscriber::set_global_default(subscriber).map_err(|_| TelemetryError::AlreadyStarted)
}

/// Returns the subscriber of [`start`] with another writer, for `tracing::subscriber::set_default`
/// in tests.
pub fn subscriber<W>(
    format: LogFormat,
    color: Color,
    levels: &LogLevels,
    writer: W,
) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let lines = log::layer().with_writer(writer);
    let layer = match format {
        LogFormat::Text => lines.compact().with_ansi(color == Color::Ansi).boxed(),
        LogFormat::Json => lines
            .with_ansi(false)
            .fmt_fields(JsonFields::new())
            .event_format(FlatJson)
            .boxed(),
    };
    Box::new(Registry::default().with(layer.with_filter(levels.targets.clone())))
}

/// Sets the operator to a level, and its dependencies to warnings or less.
fn own(level: LevelFilter) -> Targets {
    Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target(OURS, level)
}

fn parse_level(level: &str, directive: &str) -> Result<LevelFilter, TelemetryError> {
    let wrong = || TelemetryError::Level(directive.to_owned());
    // An empty level would parse as `error`.
    let level = Some(level.trim()).filter(|level| !level.is_empty());
    level.ok_or_else(wrong)?.parse().map_err(|_| wrong())
}

fn parse_target(
    target: &str,
    level: &str,
    directive: &str,
) -> Result<(String, LevelFilter), TelemetryError> {
    let target = target.trim();
    let level = parse_level(level, directive)?;
    let named = |byte: u8| byte.is_ascii_alphanumeric() || b"_:-".contains(&byte);
    if target.is_empty() || !target.bytes().all(named) {
        return Err(TelemetryError::Level(directive.to_owned()));
    }
    if level > DEPENDENCIES_AT_MOST && !is_ours(target) {
        return Err(TelemetryError::Secrets(target.to_owned()));
    }
    Ok((target.to_owned(), level))
}

fn is_ours(target: &str) -> bool {
    target == OURS || target.starts_with("sudoless::")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tracing::Level;

    use super::*;

    fn enabled(levels: &str, target: &str) -> LevelFilter {
        let levels: LogLevels = levels.parse().unwrap();
        [
            Level::TRACE,
            Level::DEBUG,
            Level::INFO,
            Level::WARN,
            Level::ERROR,
        ]
        .into_iter()
        .find(|level| levels.targets.would_enable(target, level))
        .map_or(LevelFilter::OFF, LevelFilter::from_level)
    }

    #[test]
    fn a_level_is_ours_and_dependencies_only_warn() {
        for (levels, target, level) in [
            ("", "sudoless", LevelFilter::INFO),
            ("info", "sudoless::aws", LevelFilter::INFO),
            ("info", "hyper_util::client", LevelFilter::WARN),
            ("trace", "sudoless::aws", LevelFilter::TRACE),
            ("trace", "aws_sigv4", LevelFilter::WARN),
            ("TRACE", "kube_client", LevelFilter::WARN),
            ("error", "kube_client", LevelFilter::ERROR),
            ("off", "sudoless", LevelFilter::OFF),
            ("off", "kube_client", LevelFilter::OFF),
            (
                "warn,sudoless::aws=debug",
                "sudoless::aws::reads",
                LevelFilter::DEBUG,
            ),
            (
                "warn,sudoless::aws=debug",
                "sudoless::fleet",
                LevelFilter::WARN,
            ),
            (
                "kube_runtime = debug, debug",
                "kube_runtime::watcher",
                LevelFilter::DEBUG,
            ),
            (
                "kube_runtime = debug, debug",
                "kube_client",
                LevelFilter::WARN,
            ),
            (
                "kube_runtime = debug, debug",
                "sudoless",
                LevelFilter::DEBUG,
            ),
        ] {
            assert_eq!(enabled(levels, target), level, "{levels:?} for {target}");
        }
        let default = LogLevels::default();
        assert!(default.targets.would_enable("sudoless", &Level::INFO));
        assert!(!default.targets.would_enable("sudoless", &Level::DEBUG));
        assert!(!default.targets.would_enable("kube_client", &Level::INFO));
    }

    #[test]
    fn what_is_no_level_is_refused_by_name() {
        for wrong in [
            "verbose",
            "info,kube=loud",
            "=info",
            "ku be=info",
            "sudoless=",
        ] {
            let error = wrong.parse::<LogLevels>().unwrap_err().to_string();
            let blamed = wrong.rsplit(',').next().unwrap();
            assert!(
                error.contains(&format!("{blamed:?} is not a log level")),
                "{error}"
            );
        }
    }

    #[test]
    fn what_writes_credentials_is_refused() {
        for target in ["aws_smithy_runtime", "hyper", "sudolessness", "h2"] {
            let error = format!("info,{target}=trace")
                .parse::<LogLevels>()
                .unwrap_err();
            assert!(matches!(error, TelemetryError::Secrets(_)), "{error}");
            assert!(format!("info,{target}=debug").parse::<LogLevels>().is_ok());
        }
        assert!("sudoless::aws=trace".parse::<LogLevels>().is_ok());
    }
}

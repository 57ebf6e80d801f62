//! Log lines as they are written.

use std::{
    io,
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use sudoless::observability::{self, Color, LogFormat, LogLevels};

use crate::support::alone::is_alone;

/// What a subscriber wrote.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn logged(format: LogFormat, color: Color, levels: &str, events: impl FnOnce()) -> String {
    let written = Written::default();
    let writer = written.clone();
    let levels: LogLevels = levels.parse().unwrap();
    let subscriber = observability::subscriber(format, color, &levels, move || writer.clone());
    tracing::subscriber::with_default(subscriber, events);
    String::from_utf8(written.0.lock().unwrap().clone()).unwrap()
}

fn an_event_in_two_spans() {
    let _policy = tracing::info_span!(target: "sudoless::test", "policy", policy = "no-root", account = "outer").entered();
    let _plain = tracing::info_span!(target: "sudoless::test", "plain").entered();
    let scan = tracing::info_span!(target: "sudoless::test", "scan", account = "111122223333", region = tracing::field::Empty);
    scan.record("region", "eu-west-1");
    let _scan = scan.entered();
    tracing::info!(target: "sudoless::test", notebooks = 3, level = "odd", "line\n\"two\"\u{1b}[31m");
    tracing::debug!(target: "sudoless::test", "too much");
    tracing::info!(target: "kube_client", "noise");
}

#[test]
fn json_lines_are_flat_and_carry_the_spans_fields() {
    let text = logged(LogFormat::Json, Color::None, "info", an_event_in_two_spans);
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 1, "{text}");
    let mut line = lines[0].as_object().unwrap().clone();
    let timestamp = line.remove("timestamp").unwrap();
    assert!(
        timestamp.as_str().unwrap().parse::<Timestamp>().is_ok(),
        "{timestamp}"
    );
    assert!(text.starts_with(r#"{"timestamp":"#), "{text}");
    assert_eq!(
        serde_json::Value::from(line),
        serde_json::json!({
            "level": "INFO",
            "target": "sudoless::test",
            "message": "line\n\"two\"\u{1b}[31m",
            "policy": "no-root",
            "account": "111122223333",
            "region": "eu-west-1",
            "notebooks": 3,
            "level_": "odd",
        })
    );
}

#[test]
fn text_lines_carry_the_spans_fields_and_no_escapes() {
    let text = logged(LogFormat::Text, Color::None, "info", an_event_in_two_spans);
    for part in [
        "INFO",
        "policy",
        "no-root",
        "111122223333",
        "eu-west-1",
        "notebooks=3",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(!text.contains('\u{1b}'), "{text:?}");
    assert!(
        !text.contains("noise") && !text.contains("too much"),
        "{text}"
    );
    let colored = logged(LogFormat::Text, Color::Ansi, "info", an_event_in_two_spans);
    assert!(colored.contains('\u{1b}'), "{colored:?}");
}

/// Runs in its own process, because the logger belongs to the process.
#[test]
fn logging_starts_once() {
    if !is_alone("observability::telemetry::logging_starts_once") {
        return;
    }
    let levels = "off".parse::<LogLevels>().unwrap();
    observability::start(LogFormat::Text, Color::None, &levels).unwrap();
    let error = observability::start(LogFormat::Json, Color::None, &levels).unwrap_err();
    assert_eq!(error.to_string(), "logging has been started already");
}

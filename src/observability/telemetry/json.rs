//! Log lines as flat JSON objects.

use std::fmt;

use jiff::Timestamp;
use serde::{Serializer as _, ser::SerializeMap as _};
use serde_json::{Map, Value};
use tracing::{Event, Subscriber};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields,
        format::{JsonFields, Writer},
    },
    registry::{LookupSpan, Scope},
};

/// Formatter that writes one object per line: `timestamp`, `level`, `target` and `message`, then
/// the fields of the surrounding spans and of the event. The innermost value of a field wins. The
/// library's own JSON nests the spans' fields, and a log store then does not index `policy` and
/// `account`.
pub(super) struct FlatJson;

/// Fields that the formatter writes itself. Other fields with these names get an underscore
/// appended.
const RESERVED: [&str; 3] = ["timestamp", "level", "target"];

impl<S> FormatEvent<S, JsonFields> for FlatJson
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Map::new();
        for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
            let extensions = span.extensions();
            if let Some(formatted) = extensions.get::<FormattedFields<JsonFields>>() {
                fields.extend(parse(&formatted.fields)?);
            }
        }
        let mut formatted = String::new();
        context.format_fields(Writer::new(&mut formatted), event)?;
        fields.extend(parse(&formatted)?);

        let line = line(event, fields).map_err(|_| fmt::Error)?;
        writeln!(writer, "{line}")
    }
}

/// Parses the output of [`JsonFields`]. It is empty for a span without fields.
fn parse(formatted: &str) -> Result<Map<String, Value>, fmt::Error> {
    if formatted.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_str(formatted).map_err(|_| fmt::Error)
}

fn line(event: &Event<'_>, mut fields: Map<String, Value>) -> serde_json::Result<String> {
    let mut bytes = Vec::with_capacity(256);
    let mut serializer = serde_json::Serializer::new(&mut bytes);
    let mut object = serializer.serialize_map(None)?;
    object.serialize_entry("timestamp", &Timestamp::now())?;
    object.serialize_entry("level", event.metadata().level().as_str())?;
    object.serialize_entry("target", event.metadata().target())?;
    if let Some(message) = fields.remove("message") {
        object.serialize_entry("message", &message)?;
    }
    for (name, value) in fields {
        let reserved = RESERVED.contains(&name.as_str());
        object.serialize_entry(&if reserved { name + "_" } else { name }, &value)?;
    }
    object.end()?;
    String::from_utf8(bytes).map_err(serde::ser::Error::custom)
}

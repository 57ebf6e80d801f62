//! Meaning of YAML scalars in `kubectl`.
//!
//! `kubectl` uses `sigs.k8s.io/yaml`, which follows YAML 1.1 in part: `yes`, `on` and `y` are
//! booleans, `0123` is an octal number. Source: `resolve.go` of go.yaml.in/yaml/v2, and `yaml.go`
//! of sigs.k8s.io/yaml for the conversion to JSON. No YAML library for Rust reads the same.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Number;

use super::node::Content;

static FLOAT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$").ok());

/// Returns the meaning of a scalar without quotes and without tag. `None`: infinity or not a
/// number. JSON cannot represent them, and `kubectl` fails.
pub(super) fn plain(text: &str) -> Option<Content> {
    Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Content::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Content::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Content::Bool(false)
        }
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF"
        | "-.inf" | "-.Inf" | "-.INF" => return None,
        _ => match number(text) {
            Some(number) => Content::Number(number),
            None => Content::Text(text.to_owned()),
        },
    })
}

fn number(text: &str) -> Option<Number> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return None;
    }
    // Underscores are separators, except in numbers that begin with a dot.
    let digits = if text.starts_with('.') {
        text.to_owned()
    } else {
        text.replace('_', "")
    };
    if let Some(whole) = whole(&digits) {
        return Some(whole);
    }
    if !FLOAT.as_ref()?.is_match(&digits) {
        return None;
    }
    let value: f64 = digits.parse().ok()?;
    value.is_finite().then(|| in_json(value)).flatten()
}

/// Parses a whole number in Go's notation: decimal, `0x` hexadecimal, `0o` or `0` octal, `0b`
/// binary.
fn whole(text: &str) -> Option<Number> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = if let Some(hexadecimal) = lower.strip_prefix("0x") {
        (16, hexadecimal)
    } else if let Some(binary) = lower.strip_prefix("0b") {
        (2, binary)
    } else if let Some(octal) = lower.strip_prefix("0o") {
        (8, octal)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, lower.get(1..)?)
    } else {
        (10, lower.as_str())
    };
    // The parser below would accept a second sign.
    if !digits.starts_with(|c: char| c.is_ascii_hexdigit()) {
        return None;
    }
    let magnitude = i128::from(u64::from_str_radix(digits, radix).ok()?);
    let value = if negative { -magnitude } else { magnitude };
    i64::try_from(value)
        .map(Number::from)
        .or_else(|_| u64::try_from(value).map(Number::from))
        .ok()
}

/// Returns a number as Go writes it in JSON. A whole number has no decimal point, and is read as an
/// integer again.
fn in_json(value: f64) -> Option<Number> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "only whole numbers that fit"
    )]
    if value.fract() == 0.0 && value.abs() < 9.0e18 {
        return Some(Number::from(value as i64));
    }
    Number::from_f64(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn plain_reads_scalars_as_kubectl_does() {
        let text = |text: &str| Some(Content::Text(text.to_owned()));
        let boolean = |value| Some(Content::Bool(value));
        let number = |value: serde_json::Value| match value {
            serde_json::Value::Number(number) => Some(Content::Number(number)),
            other => text(&other.to_string()),
        };
        for (written, meant) in [
            ("yes", boolean(true)),
            ("Off", boolean(false)),
            ("n", boolean(false)),
            ("yES", text("yES")),
            ("~", Some(Content::Null)),
            ("", Some(Content::Null)),
            ("nULL", text("nULL")),
            ("111122223333", number(json!(111_122_223_333_u64))),
            // Octal if the digits allow it, else decimal.
            ("012345670123", number(json!(0o12_345_670_123_u64))),
            ("012345678901", number(json!(12_345_678_901_u64))),
            ("0o17", number(json!(15))),
            ("0x1F", number(json!(31))),
            ("-0b11", number(json!(-3))),
            ("1_000", number(json!(1000))),
            ("+7", number(json!(7))),
            ("+-7", text("+-7")),
            ("2.0", number(json!(2))),
            ("2.5", number(json!(2.5))),
            (".5", number(json!(0.5))),
            ("1e3", number(json!(1000))),
            ("18446744073709551615", number(json!(u64::MAX))),
            (".inf", None),
            ("1e999", text("1e999")),
            ("2027-01-31", text("2027-01-31")),
            ("2027-01-31T00:00:00Z", text("2027-01-31T00:00:00Z")),
            ("10m", text("10m")),
            ("12:30:45", text("12:30:45")),
            ("1.2.3", text("1.2.3")),
            ("-", text("-")),
            (".", text(".")),
        ] {
            assert_eq!(plain(written), meant, "{written}");
        }
    }
}

//! Untrusted text: names, messages and reasons that other people chose.

use std::{borrow::Cow, fmt::Write as _};

/// Escapes characters as `\u{…}` that a terminal or an editor obeys instead of showing them:
/// control characters, and characters that change the text direction or have no width.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if acts(character) {
            // Writing to a String cannot fail.
            let _ = write!(shown, "{}", character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// Replaces each of these characters by one sign, so that columns stay the same.
#[must_use]
pub fn masked(text: &str) -> String {
    let mask = |character| {
        if acts(character) {
            char::REPLACEMENT_CHARACTER
        } else {
            character
        }
    };
    text.chars().map(mask).collect()
}

/// Returns true for a character to escape. Source: Unicode's general categories Cc, Zl and Zp, and
/// the characters of Cf that change how other characters are shown.
fn acts(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_shown() {
        for (text, shown) in [
            ("churn-model", "churn-model"),
            ("größe 数", "größe 数"),
            ("\x1b[2Jgone", "\\u{1b}[2Jgone"),
            ("one\ntwo\r\tthree\0", "one\\u{a}two\\u{d}\\u{9}three\\u{0}"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("a\u{202e}b\u{200b}", "a\\u{202e}b\\u{200b}"),
            ("\u{2028}", "\\u{2028}"),
        ] {
            assert_eq!(visible(text), shown);
        }
    }

    #[test]
    fn what_acts_is_masked_in_its_place() {
        assert_eq!(masked("größe\x1b[2J\u{202e}b"), "größe\u{fffd}[2J\u{fffd}b");
    }
}

//! Suggestions for misspelt names.

/// The least similarity of two names, from 0 to 1. Two swapped letters in a short name still reach
/// it.
const ALIKE: f64 = 0.85;

/// Returns the name that is most similar to `written`, if any is similar enough.
pub(super) fn closest<'a>(written: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let lower = squeezed(written);
    names
        .map(|name| {
            let other = squeezed(name);
            // Plain Jaro, not Jaro-Winkler: a common prefix alone says little, as of maxParallel
            // and maxConcurrent.
            let alike = strsim::jaro(&lower, &other)
                .max(strsim::normalized_damerau_levenshtein(&lower, &other));
            let alike = if begins(&lower, &other) || begins(&other, &lower) {
                alike.max(ALIKE)
            } else {
                alike
            };
            (name, if lower == other { 1.0 } else { alike })
        })
        .filter(|(_, alike)| *alike >= ALIKE)
        .max_by(|(_, one), (_, other)| one.total_cmp(other))
        .map(|(name, _)| name)
}

/// Returns true if `long` begins with `short` and is at most twice as long, such as `roleName` and
/// `role`.
fn begins(long: &str, short: &str) -> bool {
    short.len() >= 3 && long.len() <= 2 * short.len() && long.starts_with(short)
}

fn squeezed(name: &str) -> String {
    name.to_lowercase().replace(['-', '_'], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closest_finds_the_intended_name() {
        let names = [
            "accounts",
            "exemptions",
            "maxConcurrent",
            "maxFailures",
            "timeZone",
            "role",
        ];
        for (written, expected) in [
            ("acounts", Some("accounts")),
            ("account", Some("accounts")),
            ("exemption", Some("exemptions")),
            ("max_concurrent", Some("maxConcurrent")),
            ("timezone", Some("timeZone")),
            ("maxFailure", Some("maxFailures")),
            ("roel", Some("role")),
            ("roleName", Some("role")),
            ("max", None),
            ("maxParallel", None),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(closest(written, names.into_iter()), expected, "{written}");
        }
    }
}

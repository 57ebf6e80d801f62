//! Makes AWS's messages fit to show: bounded, stable from one answer to the next, and without
//! secrets.

/// Upper limit on a shown message of AWS, in characters.
const LONGEST: usize = 300;

/// Placeholder for omitted parts.
const OMITTED: &str = "…";

/// Prefix of a blob for `sts:DecodeAuthorizationMessage`. The blob differs in every answer.
const ENCODED: &str = "Encoded authorization failure message:";

/// Longest name in AWS, in characters. A longer run of these characters is a token or a blob.
const LONGEST_NAME: usize = 64;

/// Returns the same text for the same failure. It omits request IDs, timestamps, session names,
/// blobs, access keys and the `secret`.
pub(super) fn stable(text: &str, secret: Option<&str>) -> String {
    let text = text.split_once(ENCODED).map_or(text, |(before, _)| before);
    let mut shown = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !shown.is_empty() {
            shown.push(' ');
        }
        shown.push_str(&stable_word(word, secret));
    }
    match shown.char_indices().nth(LONGEST) {
        Some((end, _)) => {
            shown.truncate(end);
            shown.push_str(OMITTED);
            shown
        }
        None => shown,
    }
}

fn stable_word(word: &str, secret: Option<&str>) -> String {
    let word = match secret {
        Some(secret) if word.contains(secret) => word.replace(secret, OMITTED),
        _ => word.to_owned(),
    };
    let core = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    if core.is_empty() {
        return word;
    }
    if is_request_id(core) || is_time(core) || is_access_key(core) || is_blob(core) {
        return word.replace(core, OMITTED);
    }
    match without_session(core) {
        Some(role) => word.replace(core, role),
        None => word,
    }
}

/// Returns true for groups of 8-4-4-4-12 hexadecimal digits.
fn is_request_id(word: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    word.split('-').count() == lengths.len()
        && word.split('-').zip(lengths).all(|(part, length)| {
            part.len() == length && part.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
}

/// Returns true for `20260102T030405Z`, or the same with hyphens, colons and fractions.
fn is_time(word: &str) -> bool {
    let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
    word.split_once('T').is_some_and(|(date, time)| {
        digits(date) == 8
            && digits(time) >= 4
            && date
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'-')
            && time
                .bytes()
                .all(|byte| byte.is_ascii_digit() || b":.Z+-".contains(&byte))
    })
}

/// Returns true for access key IDs: a four-letter prefix and sixteen characters (IAM user guide,
/// "Unique identifiers").
fn is_access_key(word: &str) -> bool {
    ["AKIA", "ASIA"].iter().any(|kind| word.starts_with(kind))
        && word.len() >= 16
        && word
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

fn is_blob(word: &str) -> bool {
    word.len() > LONGEST_NAME
        && word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+/=_.-".contains(&byte))
}

/// Removes the session's name from the ARN of a role session, because SDKs derive it from the time.
fn without_session(word: &str) -> Option<&str> {
    let role = word.find(":assumed-role/")? + ":assumed-role/".len();
    let session = word.get(role..)?.find('/')?;
    word.get(..role + session)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_is_left_out() {
        for (text, shown) in [
            ("Rate exceeded", "Rate exceeded"),
            (" two\n lines\t", "two lines"),
            (
                "User: arn:aws:sts::111122223333:assumed-role/op/aws-sdk-rust-1767322445 is not authorized to perform: \
                 sts:AssumeRole on resource: arn:aws:iam::444455556666:role/team/sudoless",
                "User: arn:aws:sts::111122223333:assumed-role/op is not authorized to perform: sts:AssumeRole on \
                 resource: arn:aws:iam::444455556666:role/team/sudoless",
            ),
            (
                "Bad (Service: AWSSecurityTokenService; Request ID: 0f9c3a1e-0000-4a4a-9b9b-0123456789ab; Proxy: null)",
                "Bad (Service: AWSSecurityTokenService; Request ID: …; Proxy: null)",
            ),
            (
                "Signature expired: 20260102T030405Z is now earlier than 20260102T031405Z (20260102T031905Z - 5 min.)",
                "Signature expired: … is now earlier than … (… - 5 min.)",
            ),
            ("expired at 2026-01-02T03:04:05.678Z.", "expired at …."),
            (
                "You are not authorized. Encoded authorization failure message: AbC_1 d-e",
                "You are not authorized.",
            ),
            (
                "the key AKIAIOSFODNN7EXAMPLE is unknown",
                "the key … is unknown",
            ),
        ] {
            assert_eq!(stable(text, None), shown);
        }
    }

    #[test]
    fn names_stay() {
        let longest_name = "n".repeat(LONGEST_NAME);
        for text in [
            "111122223333",
            "arn:aws:sagemaker:eu-west-1:111122223333:notebook-instance/churn",
            "Status (Stopped) not in ([InService]).",
            longest_name.as_str(),
        ] {
            assert_eq!(stable(text, None), text);
        }
        assert_eq!(stable(&"b".repeat(LONGEST_NAME + 1), None), OMITTED);
    }

    #[test]
    fn secrets_and_length_are_bounded() {
        assert_eq!(
            stable("Value '8f1c' at 'externalId' is wrong", Some("8f1c")),
            "Value '…' at 'externalId' is wrong"
        );
        let long = stable(&"é ".repeat(1_000), None);
        assert_eq!(long.chars().count(), LONGEST + 1);
        assert!(long.ends_with(OMITTED));
    }
}

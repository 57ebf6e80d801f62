//! What a finding is recognized by from one scan to the next.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// The same for the same policy, rule and thing, in every scan; 64 hexadecimal digits. A thing is a notebook, by its ARN, or an account
/// and region.
pub(super) fn fingerprint(policy: &str, rule: &str, thing: &str) -> String {
    // What is hashed cannot be confused: none of the three has a line break, and a policy's name and a rule have no other way to end.
    let digest = Sha256::digest(format!("{policy}\n{rule}\n{thing}"));
    digest.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Alerts and findings that somebody has dealt with are recognized by it, so it may never change.
    #[test]
    fn it_is_the_same_for_ever() {
        let arn = "arn:aws:sagemaker:eu-west-1:111122223333:notebook-instance/churn";
        let known = fingerprint("no-root", "root-access-enabled", arn);
        assert_eq!(
            known,
            "dc8f7ecc45ee7dadebd11b3a79bfc1177091812d69ebe3f853f9bfc8be5df90f"
        );
        for other in [
            fingerprint("other", "root-access-enabled", arn),
            fingerprint("no-root", "root-access-unknown", arn),
            fingerprint("no-root", "root-access-enabled", "111122223333/eu-west-1"),
        ] {
            assert_ne!(other, known);
        }
    }
}

//! Identity of a finding across scans.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// Returns 64 hexadecimal digits, which are the same in every scan for the same policy, rule and
/// thing. A thing is the ARN of a notebook, or an account and region.
pub(super) fn fingerprint(policy: &str, rule: &str, thing: &str) -> String {
    // Different inputs give different texts: none of the three parts has a line break.
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

    /// Other tools identify handled alerts and findings by the fingerprint, so it must never
    /// change.
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

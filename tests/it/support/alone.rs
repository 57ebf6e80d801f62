//! Tests that need a process of their own.

use std::process::Command;

/// Environment variable with the path of the only test of the process.
const VARIABLE: &str = "SUDOLESS_TEST_ALONE";

/// Returns true in a process that runs this test only. In any other process, runs the test in a new
/// process of the same program, and returns false once the test has passed there. `name` is the
/// path of the test, as libtest shows it.
///
/// # Panics
/// If the test fails.
#[must_use]
pub fn is_alone(name: &str) -> bool {
    if std::env::var_os(VARIABLE).is_some_and(|alone| alone == name) {
        return true;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(VARIABLE, name)
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    let said = String::from_utf8_lossy(&output.stderr);
    let passed = output.status.success() && printed.contains("test result: ok. 1 passed;");
    assert!(passed, "{}\n{printed}\n{said}", output.status);
    false
}

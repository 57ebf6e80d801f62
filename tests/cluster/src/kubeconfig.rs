use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use crate::Error;

/// Writes a kubeconfig for a bearer token. Only its owner can read it.
pub(crate) fn write(
    path: &Path,
    port: u16,
    certificate: &Path,
    user: &str,
    token: &str,
) -> Result<(), Error> {
    let text = format!(
        "apiVersion: v1
kind: Config
current-context: local-cluster
clusters:
- name: local-cluster
  cluster:
    server: https://127.0.0.1:{port}
    certificate-authority: {certificate}
users:
- name: {user}
  user:
    token: {token}
contexts:
- name: local-cluster
  context:
    cluster: local-cluster
    user: {user}
",
        certificate = certificate.display(),
    );
    write_private(path, &text)
}

/// Writes a file with a secret. Other users cannot read it at any moment, even if the file existed
/// before.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<(), Error> {
    let doing = || Error::io(format!("write {}", path.display()));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(doing())?;
    fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(doing())?;
    file.write_all(text.as_bytes()).map_err(doing())
}

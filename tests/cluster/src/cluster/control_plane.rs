//! Programs of one cluster and their flags.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::Signal;

use crate::program::Program;
use crate::watchdog::Watchdog;
use crate::{Error, Options, Tool, Toolbox, kubeconfig, ports};

/// User in the administrator's kubeconfig.
const ADMIN: &str = "admin";

/// Policy of [`Options::audit_log`]. It omits the administrator's own requests.
const AUDIT_POLICY: &str = "apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  userGroups: [system:serviceaccounts]
- level: None
";

#[derive(Debug)]
pub(super) struct ControlPlane {
    controller_manager: Option<Program>,
    api_server: Option<Program>,
    etcd: Program,
    api_server_args: Vec<OsString>,
    kubeconfig: PathBuf,
    folder: PathBuf,
}

impl ControlPlane {
    /// Starts etcd and the API server, and returns the API server's port. Neither is ready yet.
    pub(super) fn start(
        toolbox: &Toolbox,
        watchdog: &Watchdog,
        options: Options,
    ) -> Result<(Self, u16), Error> {
        let folder = watchdog.folder();
        let [client, peer, port] = ports::free()?;

        let token = format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
        let tokens = folder.join("tokens.csv");
        kubeconfig::write_private(
            &tokens,
            &format!("{token},{ADMIN},{ADMIN},\"system:masters\"\n"),
        )?;
        let kubeconfig = folder.join("kubeconfig");
        kubeconfig::write(&kubeconfig, port, &certificate(folder), ADMIN, &token)?;

        let mut api_server_args = api_server_args(folder, client, port, &tokens);
        if options.audit_log {
            api_server_args.extend(audit_args(folder)?);
        }

        let mut etcd = Command::new(toolbox.path(Tool::Etcd));
        etcd.args(etcd_args(folder, client, peer));
        let etcd = Program::start(Tool::Etcd.name(), etcd, watchdog)?;
        let mut this = Self {
            controller_manager: None,
            api_server: None,
            etcd,
            api_server_args,
            kubeconfig,
            folder: folder.to_owned(),
        };
        this.start_api_server(toolbox, watchdog)?;
        Ok((this, port))
    }

    pub(super) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    pub(super) fn start_api_server(
        &mut self,
        toolbox: &Toolbox,
        watchdog: &Watchdog,
    ) -> Result<(), Error> {
        if self.api_server.is_none() {
            let mut command = Command::new(toolbox.path(Tool::KubeApiserver));
            command.args(&self.api_server_args);
            self.api_server = Some(Program::start(
                Tool::KubeApiserver.name(),
                command,
                watchdog,
            )?);
        }
        Ok(())
    }

    pub(super) fn stop_api_server(&mut self) {
        self.api_server = None;
    }

    pub(super) fn signal_api_server(&self, signal: Signal) -> Result<(), Error> {
        self.api_server
            .as_ref()
            .map_or(Ok(()), |program| program.signal(signal))
    }

    pub(super) fn start_controller_manager(
        &mut self,
        toolbox: &Toolbox,
        watchdog: &Watchdog,
    ) -> Result<(), Error> {
        let mut command = Command::new(toolbox.path(Tool::KubeControllerManager));
        command
            .arg(flag("--kubeconfig", &self.kubeconfig))
            .arg(flag("--service-account-private-key-file", &private_key(&self.folder)))
            .args(["--leader-elect=false", "--secure-port=0"])
            // The other controllers need nodes. Scanning for orphans every few seconds is also the
            // default.
            .arg("--controllers=garbage-collector-controller,namespace-controller,serviceaccount-controller");
        self.controller_manager = Some(Program::start(
            Tool::KubeControllerManager.name(),
            command,
            watchdog,
        )?);
        Ok(())
    }

    /// Returns an error if one of the programs has ended unexpectedly.
    pub(super) fn expect_running(&mut self) -> Result<(), Error> {
        self.etcd.expect_running()?;
        self.api_server
            .as_mut()
            .map_or(Ok(()), Program::expect_running)?;
        self.controller_manager
            .as_mut()
            .map_or(Ok(()), Program::expect_running)
    }

    pub(super) fn process_ids(&self) -> Vec<u32> {
        [
            Some(&self.etcd),
            self.api_server.as_ref(),
            self.controller_manager.as_ref(),
        ]
        .into_iter()
        .flatten()
        .map(Program::pid)
        .collect()
    }

    pub(super) fn api_server_log(&self) -> String {
        self.api_server
            .as_ref()
            .map(Program::last_lines)
            .unwrap_or_default()
    }
}

/// Returns the path of the certificate that the API server creates at its first start.
pub(super) fn certificate(folder: &Path) -> PathBuf {
    folder.join("certificates/apiserver.crt")
}

/// Returns the path of the certificate's key, which also signs the tokens of service accounts. The
/// API server creates it before it reads the flag with its path (`MaybeDefaultWithSelfSignedCerts`
/// in pkg/controlplane/apiserver/options).
fn private_key(folder: &Path) -> PathBuf {
    folder.join("certificates/apiserver.key")
}

/// Returns the path of the log of [`Options::audit_log`].
pub(super) fn audit_log(folder: &Path) -> PathBuf {
    folder.join("audit.log")
}

/// Writes the policy of the audit log, and returns the flags for policy and log. Each line is
/// written before the request counts as served, which is the default.
fn audit_args(folder: &Path) -> Result<[OsString; 2], Error> {
    let policy = folder.join("audit-policy.yaml");
    fs::write(&policy, AUDIT_POLICY).map_err(Error::io(format!("write {}", policy.display())))?;
    Ok([
        flag("--audit-policy-file", &policy),
        flag("--audit-log-path", &audit_log(folder)),
    ])
}

fn etcd_args(folder: &Path, client: u16, peer: u16) -> Vec<OsString> {
    let client = format!("http://127.0.0.1:{client}");
    let peer = format!("http://127.0.0.1:{peer}");
    vec![
        flag("--data-dir", &folder.join("etcd")),
        format!("--listen-client-urls={client}").into(),
        format!("--advertise-client-urls={client}").into(),
        format!("--listen-peer-urls={peer}").into(),
        format!("--initial-advertise-peer-urls={peer}").into(),
        format!("--initial-cluster=default={peer}").into(),
        "--unsafe-no-fsync".into(),
        "--log-level=warn".into(),
    ]
}

fn api_server_args(folder: &Path, etcd: u16, port: u16, tokens: &Path) -> Vec<OsString> {
    vec![
        format!("--etcd-servers=http://127.0.0.1:{etcd}").into(),
        format!("--secure-port={port}").into(),
        "--bind-address=127.0.0.1".into(),
        // Without this flag, the API server looks for the machine's default route, and ends if
        // there is none.
        "--advertise-address=127.0.0.1".into(),
        "--endpoint-reconciler-type=none".into(),
        flag("--cert-dir", &folder.join("certificates")),
        "--service-cluster-ip-range=10.0.0.0/24".into(),
        flag("--token-auth-file", tokens),
        "--authorization-mode=RBAC".into(),
        "--service-account-issuer=https://kubernetes.default.svc".into(),
        flag("--service-account-key-file", &private_key(folder)),
        flag("--service-account-signing-key-file", &private_key(folder)),
        // This plugin rejects pods of missing service accounts. Without the controller manager,
        // none are created.
        "--disable-admission-plugins=ServiceAccount".into(),
    ]
}

fn flag(name: &str, path: &Path) -> OsString {
    let mut flag = OsString::from(name);
    flag.push("=");
    flag.push(path);
    flag
}

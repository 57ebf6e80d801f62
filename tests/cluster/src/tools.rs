//! The programs of the control plane, built from their sources once per user and version.

mod build;

use std::env;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::Error;

/// A program that this package builds. On a command line it is called by [`Tool::name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Tool {
    /// The store behind the API server.
    Etcd,
    /// The API server.
    KubeApiserver,
    /// The command line client.
    Kubectl,
    /// Garbage collection, namespace deletion, service accounts.
    KubeControllerManager,
    /// The package manager, for the chart's tests.
    Helm,
    /// Prometheus' linter for metrics and rules.
    Promtool,
}

impl Tool {
    /// Every tool.
    pub const ALL: [Self; 6] = [
        Self::Etcd,
        Self::KubeApiserver,
        Self::Kubectl,
        Self::KubeControllerManager,
        Self::Helm,
        Self::Promtool,
    ];

    /// What a cluster needs at least.
    pub const CLUSTER: [Self; 3] = [Self::Etcd, Self::KubeApiserver, Self::Kubectl];

    /// The name of the program.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::KubeApiserver => "kube-apiserver",
            Self::Kubectl => "kubectl",
            Self::KubeControllerManager => "kube-controller-manager",
            Self::Helm => "helm",
            Self::Promtool => "promtool",
        }
    }

    /// The Go package that is built.
    const fn package(self) -> &'static str {
        match self {
            Self::Etcd => "go.etcd.io/etcd/server/v3",
            Self::KubeApiserver => "k8s.io/kubernetes/cmd/kube-apiserver",
            Self::Kubectl => "k8s.io/kubernetes/cmd/kubectl",
            Self::KubeControllerManager => "k8s.io/kubernetes/cmd/kube-controller-manager",
            Self::Helm => "helm.sh/helm/v4/cmd/helm",
            Self::Promtool => "github.com/prometheus/prometheus/cmd/promtool",
        }
    }

    /// What `go install` calls the program: the last part of the package's path that is not a version.
    const fn installed_as(self) -> &'static str {
        match self {
            Self::Etcd => "server",
            other => other.name(),
        }
    }

    /// The Go module that pins the tool's version. promtool has one of its own, because its dependencies and those of
    /// Kubernetes do not agree.
    const fn module(self) -> Module {
        match self {
            Self::Promtool => Module::Promtool,
            _ => Module::Kubernetes,
        }
    }
}

/// A Go module of `tool` directives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Module {
    Kubernetes,
    Promtool,
}

impl Module {
    const ALL: [Self; 2] = [Self::Kubernetes, Self::Promtool];

    /// Where its go.mod and go.sum are.
    const fn folder(self) -> &'static str {
        match self {
            Self::Kubernetes => concat!(env!("CARGO_MANIFEST_DIR"), "/tools"),
            Self::Promtool => concat!(env!("CARGO_MANIFEST_DIR"), "/tools/promtool"),
        }
    }
}

/// Where the built tools are: `sudoless/tools/<checksum>/bin` in the user's cache folder. The checksum covers the modules'
/// go.mod and go.sum and the version of Go, so that a change of any of them builds anew and two checkouts share.
#[derive(Debug, Clone)]
pub struct Toolbox {
    root: PathBuf,
}

impl Toolbox {
    /// Finds the place; builds nothing. Fails if Go is missing or cannot work on the modules.
    pub fn open() -> Result<Self, Error> {
        let mut checksum = Sha256::new();
        let mut wanted = String::new();
        for module in Module::ALL {
            for name in ["go.mod", "go.sum"] {
                let path = Path::new(module.folder()).join(name);
                let text = fs::read_to_string(&path)
                    .map_err(Error::io(format!("read {}", path.display())))?;
                checksum.update(text.len().to_le_bytes());
                checksum.update(&text);
                if let Some(version) = text.lines().find_map(|line| line.strip_prefix("go "))
                    && wanted.is_empty()
                {
                    version.clone_into(&mut wanted);
                }
            }
        }
        checksum.update(go_version(&wanted)?);
        let digest = checksum.finalize();
        let key = digest.iter().take(8).fold(String::new(), |mut key, byte| {
            // Writing to a String cannot fail.
            let _ = write!(key, "{byte:02x}");
            key
        });
        Ok(Self {
            root: cache_folder()?.join("sudoless").join("tools").join(key),
        })
    }

    /// Builds those of `tools` that are not there yet, telling of its progress on stderr. Processes that ask at the same
    /// time build once; those that wait say so.
    pub fn provide(&self, tools: &[Tool]) -> Result<(), Error> {
        if self.missing(tools).is_empty() {
            return Ok(());
        }
        fs::create_dir_all(self.bin())
            .map_err(Error::io(format!("create {}", self.bin().display())))?;
        let _lock = self.lock()?;
        for module in Module::ALL {
            let missing: Vec<Tool> = self
                .missing(tools)
                .into_iter()
                .filter(|tool| tool.module() == module)
                .collect();
            if !missing.is_empty() {
                build::install(module, &missing, &self.root)?;
            }
        }
        Ok(())
    }

    /// The folder of the programs.
    #[must_use]
    pub fn bin(&self) -> PathBuf {
        self.root.join("bin")
    }

    /// The path of a program, which exists after [`Toolbox::provide`].
    #[must_use]
    pub fn path(&self, tool: Tool) -> PathBuf {
        self.bin().join(tool.name())
    }

    fn missing(&self, tools: &[Tool]) -> Vec<Tool> {
        tools
            .iter()
            .copied()
            .filter(|tool| !self.path(*tool).exists())
            .collect()
    }

    /// Waits for the lock, which the kernel releases when the file is closed or its process ends.
    fn lock(&self) -> Result<File, Error> {
        let path = self.root.join("lock");
        let doing = || Error::io(format!("lock {}", path.display()));
        let file = File::create(&path).map_err(doing())?;
        if file.try_lock().is_err() {
            build::say("waiting for another process that builds the tools");
            file.lock().map_err(doing())?;
        }
        Ok(file)
    }
}

/// The version of Go that builds the modules, asked in a module's folder: there go itself says if it is too old, or fetches a
/// newer toolchain where it is allowed to.
fn go_version(wanted: &str) -> Result<String, Error> {
    let output = Command::new("go")
        .args(["env", "GOVERSION", "GOOS", "GOARCH"])
        .env("GOWORK", "off")
        .current_dir(Module::Kubernetes.folder())
        .output()
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::GoMissing {
                wanted: wanted.to_owned(),
            },
            _ => Error::io("start go")(error),
        })?;
    if !output.status.success() {
        let output = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(Error::GoUnusable {
            wanted: wanted.to_owned(),
            output,
        });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn cache_folder() -> Result<PathBuf, Error> {
    let absolute = |name: &str| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    // The XDG specification says to ignore a path that is not absolute.
    absolute("XDG_CACHE_HOME")
        .or_else(|| Some(absolute("HOME")?.join(OsStr::new(".cache"))))
        .ok_or(Error::NoCacheFolder)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn each_tool_is_named_in_its_module() {
        for tool in Tool::ALL {
            let module =
                fs::read_to_string(Path::new(tool.module().folder()).join("go.mod")).unwrap();
            let in_block = format!("\t{}\n", tool.package());
            let alone = format!("tool {}\n", tool.package());
            assert!(
                module.contains(&in_block) || module.contains(&alone),
                "{} is no tool",
                tool.package()
            );
        }
    }

    #[test]
    fn each_tool_has_one_name() {
        for tool in Tool::ALL {
            let value = clap::ValueEnum::to_possible_value(&tool).unwrap();
            assert_eq!(value.get_name(), tool.name());
        }
    }

    #[test]
    fn the_place_is_the_same_each_time() {
        assert_eq!(
            Toolbox::open().unwrap().bin(),
            Toolbox::open().unwrap().bin()
        );
    }
}

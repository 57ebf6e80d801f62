//! Programs of the control plane, built from their sources once per user and version.

mod build;

use std::env;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::Error;

/// Tool that this package builds. Its name on a command line is [`Tool::name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Tool {
    /// Store of the API server.
    Etcd,
    /// API server.
    KubeApiserver,
    /// Command line client.
    Kubectl,
    /// Controllers for garbage collection, namespaces and service accounts.
    KubeControllerManager,
    /// Package manager, for the tests of the chart.
    Helm,
    /// Previous major version of Helm, which is still common.
    Helm3,
    /// Prometheus' linter for metrics and rules.
    Promtool,
    /// Server that scrapes metrics and evaluates rules.
    Prometheus,
    /// Metrics of custom resources.
    KubeStateMetrics,
    /// Terraform's open fork, which formats HCL like `terraform fmt`.
    Tofu,
    /// Linter of GitHub workflows.
    Actionlint,
    /// Generator of a chart's README from the comments in its values.
    HelmDocs,
}

impl Tool {
    /// All tools.
    pub const ALL: [Self; 12] = [
        Self::Etcd,
        Self::KubeApiserver,
        Self::Kubectl,
        Self::KubeControllerManager,
        Self::Helm,
        Self::Helm3,
        Self::Promtool,
        Self::Prometheus,
        Self::KubeStateMetrics,
        Self::Tofu,
        Self::Actionlint,
        Self::HelmDocs,
    ];

    /// Tools that every cluster needs.
    pub const CLUSTER: [Self; 3] = [Self::Etcd, Self::KubeApiserver, Self::Kubectl];

    /// Returns the name of the program.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::KubeApiserver => "kube-apiserver",
            Self::Kubectl => "kubectl",
            Self::KubeControllerManager => "kube-controller-manager",
            Self::Helm => "helm",
            Self::Helm3 => "helm3",
            Self::Promtool => "promtool",
            Self::Prometheus => "prometheus",
            Self::KubeStateMetrics => "kube-state-metrics",
            Self::Tofu => "tofu",
            Self::Actionlint => "actionlint",
            Self::HelmDocs => "helm-docs",
        }
    }

    /// Returns the Go package of the program.
    const fn package(self) -> &'static str {
        match self {
            Self::Etcd => "go.etcd.io/etcd/server/v3",
            Self::KubeApiserver => "k8s.io/kubernetes/cmd/kube-apiserver",
            Self::Kubectl => "k8s.io/kubernetes/cmd/kubectl",
            Self::KubeControllerManager => "k8s.io/kubernetes/cmd/kube-controller-manager",
            Self::Helm => "helm.sh/helm/v4/cmd/helm",
            Self::Helm3 => "helm.sh/helm/v3/cmd/helm",
            Self::Promtool => "github.com/prometheus/prometheus/cmd/promtool",
            Self::Prometheus => "github.com/prometheus/prometheus/cmd/prometheus",
            Self::KubeStateMetrics => "k8s.io/kube-state-metrics/v2",
            Self::Tofu => "github.com/opentofu/opentofu/cmd/tofu",
            Self::Actionlint => "github.com/rhysd/actionlint/cmd/actionlint",
            Self::HelmDocs => "github.com/norwoodj/helm-docs/cmd/helm-docs",
        }
    }

    /// Returns the program's name for `go install`: the last part of the package's path that is not
    /// a version.
    const fn installed_as(self) -> &'static str {
        match self {
            Self::Etcd => "server",
            Self::Helm3 => "helm",
            other => other.name(),
        }
    }

    /// Returns the Go module that pins the tool's version. There are several modules, because the
    /// programs' dependencies conflict.
    const fn module(self) -> Module {
        match self {
            Self::Etcd
            | Self::KubeApiserver
            | Self::Kubectl
            | Self::KubeControllerManager
            | Self::Helm => Module::Kubernetes,
            Self::Helm3 => Module::Helm3,
            Self::Promtool | Self::Prometheus => Module::Prometheus,
            Self::KubeStateMetrics => Module::KubeStateMetrics,
            Self::Tofu => Module::Tofu,
            Self::Actionlint => Module::Actionlint,
            Self::HelmDocs => Module::HelmDocs,
        }
    }
}

/// A Go module of `tool` directives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Module {
    Kubernetes,
    Helm3,
    Prometheus,
    KubeStateMetrics,
    Tofu,
    Actionlint,
    HelmDocs,
}

impl Module {
    const ALL: [Self; 7] = [
        Self::Kubernetes,
        Self::Helm3,
        Self::Prometheus,
        Self::KubeStateMetrics,
        Self::Tofu,
        Self::Actionlint,
        Self::HelmDocs,
    ];

    /// Returns the folder of the go.mod and go.sum.
    fn folder(self) -> PathBuf {
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools");
        match self {
            Self::Kubernetes => tools,
            Self::Helm3 => tools.join("helm3"),
            Self::Prometheus => tools.join("prometheus"),
            Self::KubeStateMetrics => tools.join("kube-state-metrics"),
            Self::Tofu => tools.join("tofu"),
            Self::Actionlint => tools.join("actionlint"),
            Self::HelmDocs => tools.join("helm-docs"),
        }
    }

    /// Returns the build tags. Prometheus is built without its discovery in clouds, which takes
    /// longer to compile than the rest.
    const fn tags(self) -> &'static str {
        match self {
            Self::Prometheus => "remove_all_sd",
            _ => "",
        }
    }

    /// Returns the checksum of a build of the module: over its go.mod, its go.sum and the version
    /// of Go.
    fn key(self, go: &str) -> Result<String, Error> {
        let mut checksum = Sha256::new();
        for name in ["go.mod", "go.sum"] {
            let path = self.folder().join(name);
            let text =
                fs::read_to_string(&path).map_err(Error::io(format!("read {}", path.display())))?;
            checksum.update(text.len().to_le_bytes());
            checksum.update(&text);
        }
        checksum.update(self.tags());
        checksum.update(go);
        let digest = checksum.finalize();
        Ok(digest.iter().take(8).fold(String::new(), |mut key, byte| {
            // Writing to a `String` never fails.
            let _ = write!(key, "{byte:02x}");
            key
        }))
    }
}

/// Location of the built tools: `sudoless/tools/<checksum>/bin` in the user's cache folder, one for
/// each Go module. The checksum covers the module's go.mod and go.sum and the version of Go. A
/// change of any of them starts a new build, and two checkouts share one.
#[derive(Debug, Clone)]
pub struct Toolbox {
    roots: Vec<(Module, PathBuf)>,
}

impl Toolbox {
    /// Determines the locations without building. Fails if Go is missing or cannot use the modules.
    pub fn open() -> Result<Self, Error> {
        let go = go_version()?;
        let tools = cache_folder()?.join("sudoless").join("tools");
        let roots = Module::ALL
            .into_iter()
            .map(|module| Ok((module, tools.join(module.key(&go)?))))
            .collect::<Result<_, Error>>()?;
        Ok(Self { roots })
    }

    /// Builds the missing ones of `tools`, with progress on stderr. Concurrent processes build
    /// once, and the waiting ones report it.
    pub fn provide(&self, tools: &[Tool]) -> Result<(), Error> {
        for (module, root) in &self.roots {
            if self.missing(*module, tools).is_empty() {
                continue;
            }
            let bin = root.join("bin");
            fs::create_dir_all(&bin).map_err(Error::io(format!("create {}", bin.display())))?;
            let _lock = lock(root)?;
            let missing = self.missing(*module, tools);
            if !missing.is_empty() {
                build::install(*module, &missing, root)?;
            }
        }
        Ok(())
    }

    /// Returns the path of a program. It exists after [`Toolbox::provide`].
    #[must_use]
    pub fn path(&self, tool: Tool) -> PathBuf {
        self.roots
            .iter()
            .find(|(module, _)| *module == tool.module())
            .map_or_else(PathBuf::new, |(_, root)| root.join("bin"))
            .join(tool.name())
    }

    /// Returns the folders of some programs, each once, for a `PATH`.
    #[must_use]
    pub fn folders(&self, tools: &[Tool]) -> Vec<PathBuf> {
        self.roots
            .iter()
            .filter(|(module, _)| tools.iter().any(|tool| tool.module() == *module))
            .map(|(_, root)| root.join("bin"))
            .collect()
    }

    fn missing(&self, module: Module, tools: &[Tool]) -> Vec<Tool> {
        tools
            .iter()
            .copied()
            .filter(|tool| tool.module() == module && !self.path(*tool).exists())
            .collect()
    }
}

/// Waits for the lock. The kernel releases it when the file is closed or its process ends.
fn lock(root: &Path) -> Result<File, Error> {
    let path = root.join("lock");
    let doing = || Error::io(format!("lock {}", path.display()));
    let file = File::create(&path).map_err(doing())?;
    if file.try_lock().is_err() {
        build::say("waiting for another process that builds the tools");
        file.lock().map_err(doing())?;
    }
    Ok(file)
}

/// Returns the version of Go that builds the modules. It is queried in a module's folder, where go
/// reports that it is too old, or downloads a newer toolchain if allowed.
fn go_version() -> Result<String, Error> {
    let path = Module::Kubernetes.folder().join("go.mod");
    let text = fs::read_to_string(&path).map_err(Error::io(format!("read {}", path.display())))?;
    let wanted = text
        .lines()
        .find_map(|line| line.strip_prefix("go "))
        .unwrap_or_default();
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
    // The XDG specification says to ignore relative paths.
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
            let module = fs::read_to_string(tool.module().folder().join("go.mod")).unwrap();
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
        let path = || Toolbox::open().unwrap().path(Tool::Helm3);
        assert_eq!(path(), path());
    }

    #[test]
    fn programs_of_one_name_have_places_of_their_own() {
        let toolbox = Toolbox::open().unwrap();
        assert_ne!(toolbox.path(Tool::Helm), toolbox.path(Tool::Helm3));
        assert_eq!(toolbox.folders(&[Tool::Etcd, Tool::Kubectl]).len(), 1);
        assert_eq!(toolbox.folders(&[Tool::Etcd, Tool::Helm3]).len(), 2);
    }
}

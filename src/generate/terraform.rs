//! Terraform modules: several files each.

use super::{
    document::{Document, PartitionName},
    permissions::{changing, reading, service_control_policy},
    template::fill,
};

/// A file of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Name within the module's folder.
    pub name: &'static str,
    /// Content of the file.
    pub text: String,
}

const MEMBER_ROLE: &str = include_str!("templates/terraform/member-role/main.tf");

/// The files of a module that are the same for everybody: those in `config/iam/terraform`.
macro_rules! files {
    ($module:literal, $($name:literal),+) => {
        vec![$(File {
            name: $name,
            text: include_str!(concat!("../../config/iam/terraform/", $module, "/", $name)).to_owned(),
        }),+]
    };
}

/// Returns the module of the role in an account.
#[must_use]
pub fn member_role_module() -> Vec<File> {
    const PARTITION: PartitionName = PartitionName::Terraform;
    let blocks = [
        ("reading", Document::new(reading(PARTITION)).hcl()),
        ("changing", Document::new(changing(PARTITION)).hcl()),
    ];
    let mut files = files!(
        "member-role",
        "README.md",
        "outputs.tf",
        "variables.tf",
        "versions.tf"
    );
    let main = File {
        name: "main.tf",
        text: fill(MEMBER_ROLE, &blocks),
    };
    files.insert(1, main);
    files
}

/// Returns the module of the role in all accounts of organizational units, as a StackSet, with the
/// service control policy.
///
/// # Errors
/// As for [`Document::json`]; none are known.
pub fn many_accounts_module() -> Result<Vec<File>, serde_json::Error> {
    let mut files = files!(
        "many-accounts",
        "README.md",
        "main.tf",
        "outputs.tf",
        "variables.tf",
        "versions.tf"
    );
    files.push(File {
        name: "member-role.yaml",
        text: super::member_role(&[]),
    });
    files.push(File {
        name: "scp.json",
        text: service_control_policy(&[]).json()?,
    });
    Ok(files)
}

/// Returns the module of a notebook instance whose users have no root, with its own least-privilege
/// role.
#[must_use]
pub fn notebook_module() -> Vec<File> {
    files!(
        "notebook",
        "README.md",
        "main.tf",
        "outputs.tf",
        "variables.tf",
        "versions.tf"
    )
}

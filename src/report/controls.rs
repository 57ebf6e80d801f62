//! Requirements of standards for root access to notebook instances. A report supports such a
//! requirement, but does not prove that it is met.

/// Id of the check in AWS's catalogue. Source: AWS Security Hub user guide, "Security Hub controls
/// for SageMaker AI".
pub(super) const CONTROL: &str = "SageMaker.3";
/// Title of the check in AWS's catalogue.
pub(super) const CONTROL_TITLE: &str =
    "Users should not have root access to SageMaker notebook instances";
/// AWS's page about the setting.
pub(super) const SETTING_URL: &str =
    "https://docs.aws.amazon.com/sagemaker/latest/dg/nbi-root-access.html";

/// A standard, and its requirements that the check supports.
pub(super) struct Standard {
    pub name: &'static str,
    pub requirements: &'static [&'static str],
}

/// The first two are AWS's own mapping of the control (same source). AWS does not map the control
/// to PCI DSS v4.0.1. Its requirements 7.2.1 and 7.2.2 are about the least privileges that users
/// need.
pub(super) const STANDARDS: [Standard; 3] = [
    Standard {
        name: "AWS Foundational Security Best Practices v1.0.0",
        requirements: &[CONTROL],
    },
    Standard {
        name: "NIST SP 800-53 Rev. 5",
        requirements: &[
            "AC-2(1)", "AC-3(7)", "AC-3(15)", "AC-6", "AC-6(2)", "AC-6(10)",
        ],
    },
    Standard {
        name: "PCI DSS v4.0.1",
        requirements: &["7.2.1", "7.2.2"],
    },
];

/// Returns all requirements, each after the name of its standard.
pub(super) fn requirements() -> Vec<String> {
    STANDARDS
        .iter()
        .flat_map(|standard| {
            let requirements = standard.requirements.iter();
            requirements.map(|requirement| format!("{} {requirement}", standard.name))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVIDENCE: &str = include_str!("../../docs/evidence.md");

    #[test]
    fn the_documentation_names_what_reports_name() {
        for standard in &STANDARDS {
            let row = EVIDENCE
                .lines()
                .find(|line| line.starts_with(&format!("| {} |", standard.name)));
            let numbers: Vec<&str> = row
                .and_then(|row| row.split('|').nth(2))
                .map(|cell| cell.split(',').map(str::trim).collect())
                .unwrap_or_default();
            assert_eq!(numbers, standard.requirements, "{}", standard.name);
        }
    }
}

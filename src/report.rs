//! What a scan found, as plain values, and as text in the formats that people and tools read. All of it is pure.
//!
//! [`Report`] is what every format renders; its JSON is public (`docs/schemas/scan-report.schema.json`). One more format is one more
//! file beside `csv.rs`, a function from `&Report` to text, and one more variant of [`Format`]. It decides nothing: order, figures,
//! why a finding matters and how it is fixed are in the model, so that all formats say the same.

mod build;
mod controls;
mod csv;
mod html;
mod identity;
mod junit;
mod model;
mod ocsf;
mod remedy;
mod sarif;
mod schema;
mod sparse;
mod table;
#[cfg(test)]
mod tests;
mod untrusted;

pub use self::{
    build::{Judged, Run},
    model::{
        ApiVersion, BrokenOff, Counts, Kind, Notebook, Policy, Remedy, Report, Step, Summary,
        Target,
    },
    remedy::migration,
    schema::schema,
    table::{Appearance, Colors},
    untrusted::{masked, visible},
};

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people: what could not be read first, then the findings, how to fix them, and totals
    Table,
    /// Everything, by the published schema
    Json,
    /// The same as YAML
    Yaml,
    /// A line for each notebook, and one for each account and region that could not be read
    Csv,
    /// SARIF 2.1.0, for code scanning: a result for each violation and for whatever could not be read
    Sarif,
    /// OCSF 1.6.0 Compliance Findings as a JSON array, for a SIEM: an event for each notebook
    Ocsf,
    /// One file for a browser, to read, sort, print and keep; it loads nothing
    Html,
    /// For CI: a violation is a failure, what is unknown is an error, what is exempt is skipped
    Junit,
}

/// Why a report could not be written; a bug.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// As JSON, SARIF or OCSF.
    #[error("the report has no JSON form: {0}")]
    Json(#[from] serde_json::Error),
    /// As YAML.
    #[error("the report has no YAML form: {0}")]
    Yaml(#[from] serde_saphyr::ser::Error),
    /// As CSV.
    #[error("the report has no CSV form: {0}")]
    Csv(#[from] ::csv::Error),
    /// As HTML.
    #[error("the report has no HTML form: {0}")]
    Html(#[from] askama::Error),
    /// As `JUnit`'s XML.
    #[error("the report has no JUnit form: {0}")]
    Junit(#[from] quick_junit::SerializeError),
}

impl Report {
    /// The report in a format, with a line break at its end. `appearance` is heeded by what is for people only.
    pub fn render(&self, format: Format, appearance: Appearance) -> Result<String, Error> {
        Ok(match format {
            Format::Table => table::table(self, appearance),
            Format::Json => serde_json::to_string_pretty(self)? + "\n",
            Format::Yaml => serde_saphyr::to_string(self)?,
            Format::Csv => csv::csv(self)?,
            Format::Sarif => sarif::sarif(self)?,
            Format::Ocsf => ocsf::ocsf(self)?,
            Format::Html => html::html(self)?,
            Format::Junit => junit::junit(self)?,
        })
    }
}

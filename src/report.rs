//! The report of a scan, as plain values and in the formats for people and tools. All code here is
//! pure.
//!
//! Every format renders [`Report`]. Its JSON form is public
//! (`docs/schemas/scan-report.schema.json`). A new format needs a file beside `csv.rs` with a
//! function from `&Report` to text, and a variant of [`Format`]. A format decides nothing. Order,
//! figures, reasons and remedies are in the model, so that all formats agree.

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

/// Format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people: unreadable accounts and regions first, then the findings, how to fix them, and
    /// totals
    Table,
    /// Everything, by the published schema
    Json,
    /// The same as YAML
    Yaml,
    /// A line for each notebook, and for each unreadable account and region
    Csv,
    /// SARIF 2.1.0, for code scanning: a result for each violation, and for each unreadable
    /// notebook, account and region
    Sarif,
    /// OCSF 1.6.0 Compliance Findings as a JSON array, for a SIEM: an event for each notebook
    Ocsf,
    /// One HTML file for a browser, to read, sort, print and keep. The file loads nothing
    Html,
    /// For CI: a violation is a failure, an unknown notebook is an error, an exempt notebook is
    /// skipped
    Junit,
}

/// Error of rendering a report; a bug.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The report has no JSON, SARIF or OCSF form.
    #[error("the report has no JSON form: {0}")]
    Json(#[from] serde_json::Error),
    /// The report has no YAML form.
    #[error("the report has no YAML form: {0}")]
    Yaml(#[from] serde_saphyr::ser::Error),
    /// The report has no CSV form.
    #[error("the report has no CSV form: {0}")]
    Csv(#[from] ::csv::Error),
    /// The report has no HTML form.
    #[error("the report has no HTML form: {0}")]
    Html(#[from] askama::Error),
    /// The report has no `JUnit` form.
    #[error("the report has no JUnit form: {0}")]
    Junit(#[from] quick_junit::SerializeError),
}

impl Report {
    /// Renders the report in a format, with a line break at the end. Only the table uses
    /// `appearance`.
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

//! Parses a request: service, region and key from the `SigV4` credential scope, and the operation
//! from header, path or form.

use std::collections::HashMap;

use axum::{
    extract::Query,
    http::{HeaderMap, Uri, header, request::Parts},
};
use serde_json::Value;

use super::answer::ApiError;
use crate::{Operation, Service};

/// A request to AWS.
#[derive(Debug)]
pub(super) struct AwsRequest {
    pub(super) service: Service,
    pub(super) operation: Operation,
    /// Name of the operation as sent, for the error about unknown operations.
    pub(super) operation_name: String,
    pub(super) region: String,
    pub(super) access_key_id: Option<String>,
    pub(super) token: Option<String>,
    pub(super) body: Payload,
}

/// Body of a request, by protocol.
#[derive(Debug)]
pub(super) enum Payload {
    /// awsJson1.1 and REST-JSON.
    Json(Value),
    /// The query protocol.
    Form(HashMap<String, String>),
}

struct Scope<'a> {
    access_key_id: &'a str,
    region: &'a str,
    service: &'a str,
}

impl AwsRequest {
    /// Parses a request. Fails for requests that no SDK sends: an unknown service, or a body that
    /// does not match the protocol.
    pub(super) fn parse(parts: &Parts, body: &[u8]) -> Result<Self, ApiError> {
        let header = |name: &str| text(&parts.headers, name);
        let scope = header(header::AUTHORIZATION.as_str()).and_then(Scope::parse);
        let service = match scope.as_ref().map(|scope| scope.service) {
            Some("sagemaker") => Service::SageMaker,
            Some("account") => Service::Account,
            // AssumeRoleWithWebIdentity is not signed.
            Some("sts") | None => Service::Sts,
            Some(other) => return Err(ApiError::unknown_service(other)),
        };
        let (body, operation_name) = match service {
            Service::Sts => {
                let form = form(body)?;
                let action = form.get("Action").cloned().unwrap_or_default();
                (Payload::Form(form), action)
            }
            Service::SageMaker => {
                let target = header("x-amz-target").unwrap_or_default();
                let name = target.strip_prefix("SageMaker.").unwrap_or(target);
                (Payload::Json(json(body)?), name.to_owned())
            }
            Service::Account => {
                let name = match parts.uri.path() {
                    "/listRegions" => Operation::ListRegions.name(),
                    path => path,
                };
                (Payload::Json(json(body)?), name.to_owned())
            }
        };
        Ok(Self {
            service,
            operation: Operation::named(&operation_name),
            operation_name,
            region: scope
                .as_ref()
                .map_or("unknown", |scope| scope.region)
                .to_owned(),
            access_key_id: scope.map(|scope| scope.access_key_id.to_owned()),
            token: header("x-amz-security-token").map(str::to_owned),
            body,
        })
    }

    /// Returns the JSON body, or null for the query protocol.
    pub(super) fn json(&self) -> &Value {
        match &self.body {
            Payload::Json(value) => value,
            Payload::Form(_) => &Value::Null,
        }
    }

    /// Returns a string of the JSON body or a field of the form.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        match &self.body {
            Payload::Json(value) => value.get(name)?.as_str(),
            Payload::Form(form) => form.get(name).map(String::as_str),
        }
    }

    /// Returns the notebook that the request names, by name or by ARN.
    pub(super) fn notebook(&self) -> Option<&str> {
        self.field("NotebookInstanceName").or_else(|| {
            let arn = self.field("ResourceArn")?;
            Some(arn.split_once(":notebook-instance/")?.1)
        })
    }

    /// Returns account and name (with path) of the requested role.
    pub(super) fn role(&self) -> Option<(&str, &str)> {
        let mut parts = self.field("RoleArn")?.splitn(6, ':').skip(4);
        let account = parts.next()?;
        let role = parts.next()?.strip_prefix("role/")?;
        Some((account, role))
    }
}

impl<'a> Scope<'a> {
    /// `AWS4-HMAC-SHA256 Credential=<key>/<date>/<region>/<service>/aws4_request, …`
    fn parse(authorization: &'a str) -> Option<Self> {
        let (_, rest) = authorization.split_once("Credential=")?;
        let credential = rest.split(',').next()?;
        let mut parts = credential.trim().split('/');
        let access_key_id = parts.next()?;
        let _date = parts.next()?;
        Some(Self {
            access_key_id,
            region: parts.next()?,
            service: parts.next()?,
        })
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn json(body: &[u8]) -> Result<Value, ApiError> {
    if body.is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    serde_json::from_slice(body).map_err(|error| ApiError::serialization(&error.to_string()))
}

fn form(body: &[u8]) -> Result<HashMap<String, String>, ApiError> {
    let refused = || ApiError::serialization("the body is not a form");
    let body = str::from_utf8(body).map_err(|_| refused())?;
    let uri: Uri = format!("/?{body}").parse().map_err(|_| refused())?;
    let form = Query::try_from_uri(&uri).map_err(|_| refused())?;
    Ok(form.0)
}

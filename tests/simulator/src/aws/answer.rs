//! Answers and errors in each service's protocol, with the codes and texts of each service.

use std::borrow::Cow;

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};

use super::request::AwsRequest;
use crate::{Operation, Service, sessions::Caller, sessions::Refusal};

/// Error answer.
#[derive(Debug)]
pub(super) struct ApiError {
    pub(super) code: Cow<'static, str>,
    pub(super) status: u16,
    pub(super) message: String,
}

/// Error codes of one service. They differ between services.
#[derive(Debug)]
pub(super) struct Codes(Service);

impl ApiError {
    pub(super) fn new(code: &'static str, status: u16, message: impl Into<String>) -> Self {
        Self {
            code: Cow::Borrowed(code),
            status,
            message: message.into(),
        }
    }

    /// Returns `SageMaker`'s answer to nearly every invalid request.
    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationException", 400, message)
    }

    /// Returns `SageMaker`'s answer for a notebook that does not exist.
    pub(super) fn not_found() -> Self {
        Self::validation("RecordNotFound")
    }

    pub(super) fn unknown_service(name: &str) -> Self {
        let message = format!("the simulator does not serve {name}");
        Self::new("UnknownServiceException", 400, message)
    }

    pub(super) fn serialization(message: &str) -> Self {
        Self::new("SerializationException", 400, message)
    }
}

impl Codes {
    pub(super) const fn of(service: Service) -> Self {
        Self(service)
    }

    pub(super) fn throttled(&self) -> ApiError {
        let (code, status) = match self.0 {
            Service::SageMaker => ("ThrottlingException", 400),
            Service::Sts => ("Throttling", 400),
            Service::Account => ("TooManyRequestsException", 429),
        };
        ApiError::new(code, status, "Rate exceeded")
    }

    pub(super) fn credentials(&self, refusal: Refusal) -> ApiError {
        let query = self.0 == Service::Sts;
        let (code, message) = match (refusal, query) {
            (Refusal::Missing, true) => (
                "MissingAuthenticationToken",
                "Request is missing Authentication Token",
            ),
            (Refusal::Missing, false) => (
                "MissingAuthenticationTokenException",
                "Missing Authentication Token",
            ),
            (Refusal::Invalid, true) => ("InvalidClientTokenId", INVALID),
            (Refusal::Invalid, false) => ("UnrecognizedClientException", INVALID),
            (Refusal::Expired, true) => ("ExpiredToken", EXPIRED),
            (Refusal::Expired, false) => ("ExpiredTokenException", EXPIRED),
        };
        ApiError::new(code, self.forbidden(), message)
    }

    /// Returns the same message as for invalid keys. Only `GetCallerIdentity` distinguishes the
    /// two.
    pub(super) fn region_disabled(&self, code: &str) -> ApiError {
        ApiError {
            code: Cow::Owned(code.to_owned()),
            status: self.forbidden(),
            message: INVALID.to_owned(),
        }
    }

    pub(super) fn denied(&self, caller: &Caller, request: &AwsRequest) -> ApiError {
        let (arn, operation) = (&caller.arn, request.operation_name.as_str());
        let (prefix, resource) = match self.0 {
            Service::SageMaker => {
                let partition = crate::regions::partition(&request.region);
                let (region, account) = (&request.region, &caller.account);
                let what = match request.notebook() {
                    Some(name) => format!("notebook-instance/{name}"),
                    None => "notebook-instance/*".to_owned(),
                };
                (
                    "sagemaker",
                    format!("arn:{partition}:sagemaker:{region}:{account}:{what}"),
                )
            }
            Service::Sts => ("sts", request.field("RoleArn").unwrap_or("*").to_owned()),
            Service::Account => (
                "account",
                format!("arn:aws:account::{}:account", caller.account),
            ),
        };
        let message = format!(
            "User: {arn} is not authorized to perform: {prefix}:{operation} on resource: {resource}"
        );
        ApiError::new(self.denied_code(), self.forbidden(), message)
    }

    /// Returns the rejection of a caller without an identity.
    pub(super) fn not_authorized(&self, operation: Operation) -> ApiError {
        let message = format!("Not authorized to perform sts:{operation}");
        ApiError::new(self.denied_code(), self.forbidden(), message)
    }

    pub(super) fn unknown_operation(&self, name: &str) -> ApiError {
        let code = match self.0 {
            Service::SageMaker | Service::Account => "UnknownOperationException",
            Service::Sts => "InvalidAction",
        };
        ApiError::new(code, 400, format!("the simulator does not serve {name}"))
    }

    fn denied_code(&self) -> &'static str {
        match self.0 {
            Service::SageMaker | Service::Account => "AccessDeniedException",
            Service::Sts => "AccessDenied",
        }
    }

    fn forbidden(&self) -> u16 {
        match self.0 {
            Service::SageMaker => 400,
            Service::Sts | Service::Account => 403,
        }
    }
}

const INVALID: &str = "The security token included in the request is invalid.";
const EXPIRED: &str = "The security token included in the request is expired";

/// Renders an answer in the service's protocol.
pub(super) fn render(service: Service, result: Result<Vec<u8>, ApiError>) -> Response<Body> {
    let content_type = match service {
        Service::SageMaker => "application/x-amz-json-1.1",
        Service::Sts => "text/xml",
        Service::Account => "application/json",
    };
    let (status, code, body) = match result {
        Ok(body) => (StatusCode::OK, None, body),
        Err(error) => {
            let body = error_body(service, &error);
            let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
            (status, Some(error.code), body)
        }
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert("x-amzn-requestid", HeaderValue::from_static(REQUEST_ID));
    if let (Service::Account, Some(code)) = (service, code)
        && let Ok(code) = HeaderValue::from_str(&code)
    {
        headers.insert("x-amzn-errortype", code);
    }
    response
}

/// Always the same, so that two runs can be compared. Nothing depends on it.
const REQUEST_ID: &str = "00000000-0000-4000-8000-000000000000";

fn error_body(service: Service, error: &ApiError) -> Vec<u8> {
    let ApiError { code, message, .. } = error;
    match service {
        Service::SageMaker => serde_json::json!({"__type": code, "message": message}),
        Service::Account => serde_json::json!({"message": message}),
        Service::Sts => {
            let side = if error.status >= 500 { "Receiver" } else { "Sender" };
            let (code, message) = (escape(code), escape(message));
            return format!(
                "<ErrorResponse xmlns=\"{XMLNS}\"><Error><Type>{side}</Type><Code>{code}</Code>\
                 <Message>{message}</Message></Error><RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
            )
            .into_bytes();
        }
    }
    .to_string()
    .into_bytes()
}

const XMLNS: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// Renders an answer of the query protocol. `result` is already XML.
pub(super) fn xml(operation: Operation, result: &str) -> Vec<u8> {
    format!(
        "<{operation}Response xmlns=\"{XMLNS}\"><{operation}Result>{result}</{operation}Result>\
         <ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata></{operation}Response>"
    )
    .into_bytes()
}

/// Escapes text for XML.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

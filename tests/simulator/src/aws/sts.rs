//! AWS STS: `AssumeRole`, `AssumeRoleWithWebIdentity`, `GetCallerIdentity`.

use std::time::{Duration, Instant};

use super::{
    Context,
    answer::{ApiError, Codes, escape, xml},
    request::AwsRequest,
};
use crate::{Operation, Service, fleet::Role, sessions::Session, world::World};

const CODES: Codes = Codes::of(Service::Sts);

pub(super) fn perform(world: &mut World, context: &Context<'_>) -> Result<Vec<u8>, ApiError> {
    match context.request.operation {
        Operation::AssumeRole => assume_role(world, context),
        Operation::GetCallerIdentity => {
            let caller = context.caller;
            let result = format!(
                "<Arn>{}</Arn><UserId>{}</UserId><Account>{}</Account>",
                escape(&caller.arn),
                escape(&caller.user_id),
                caller.account
            );
            Ok(xml(Operation::GetCallerIdentity, &result))
        }
        _ => Err(CODES.unknown_operation(&context.request.operation_name)),
    }
}

/// Checks that the role exists, that it trusts the caller's account, and that the external ID
/// matches. Roles trust only the home account. As in AWS, the error does not tell which check
/// failed.
fn assume_role(world: &mut World, context: &Context<'_>) -> Result<Vec<u8>, ApiError> {
    let request = context.request;
    let trusted = context.caller.account == world.sessions.home().account;
    let external_id = request.field("ExternalId");
    let role = role(world, request).filter(|role| {
        trusted && (role.external_id.is_none() || role.external_id.as_deref() == external_id)
    });
    if role.is_none() {
        return Err(CODES.denied(context.caller, request));
    }
    let session = assume(world, request, context.now)?;
    Ok(xml(Operation::AssumeRole, &credentials(&session)))
}

/// Issues credentials for a Kubernetes service account's token (IRSA). The role must exist. Its
/// external ID does not matter.
pub(super) fn assume_role_with_web_identity(
    world: &mut World,
    request: &AwsRequest,
    now: Instant,
) -> Result<Vec<u8>, ApiError> {
    let token = request.field("WebIdentityToken").unwrap_or_default();
    let expected = world.sessions.home().web_identity_token.as_deref();
    if token.is_empty() || expected.is_some_and(|expected| expected != token) {
        let message = "Couldn't retrieve verification key from your identity provider";
        return Err(ApiError::new("InvalidIdentityToken", 400, message));
    }
    if role(world, request).is_none() {
        return Err(CODES.not_authorized(request.operation));
    }
    let session = assume(world, request, now)?;
    Ok(xml(request.operation, &credentials(&session)))
}

fn role<'a>(world: &'a World, request: &AwsRequest) -> Option<&'a Role> {
    let (account, name) = request.role()?;
    let account = world.account(account)?;
    account.roles.iter().find(|role| role.name == name)
}

fn assume(world: &mut World, request: &AwsRequest, now: Instant) -> Result<Session, ApiError> {
    let invalid = |message: &str| ApiError::new("ValidationError", 400, message);
    let (account, role) = request.role().ok_or_else(|| invalid("Invalid RoleArn"))?;
    let name = request.field("RoleSessionName").unwrap_or_default();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    if !(2..=64).contains(&name.len()) || !name.bytes().all(allowed) {
        return Err(invalid(
            "Value at 'roleSessionName' failed to satisfy constraint: [\\w+=,.@-]{2,64}",
        ));
    }
    let seconds = request
        .field("DurationSeconds")
        .map_or(Ok(3600), str::parse::<u64>);
    let seconds = seconds
        .ok()
        .filter(|seconds| (900..=43_200).contains(seconds));
    let lasts = seconds.ok_or_else(|| invalid("DurationSeconds must be from 900 to 43200"))?;
    let time = world.timestamp(now);
    let partition = request
        .field("RoleArn")
        .and_then(|arn| arn.split(':').nth(1));
    let partition = partition.unwrap_or("aws");
    let lasts = Duration::from_secs(lasts);
    Ok(world
        .sessions
        .assume(partition, account, role, name, lasts, time))
}

fn credentials(session: &Session) -> String {
    let Session {
        caller,
        access_key_id,
        secret_access_key,
        token,
        expires,
    } = session;
    let (arn, id) = (escape(&caller.arn), escape(&caller.user_id));
    format!(
        "<AssumedRoleUser><Arn>{arn}</Arn><AssumedRoleId>{id}</AssumedRoleId></AssumedRoleUser><Credentials>\
         <AccessKeyId>{access_key_id}</AccessKeyId><SecretAccessKey>{secret_access_key}</SecretAccessKey>\
         <SessionToken>{token}</SessionToken><Expiration>{expires:.3}</Expiration></Credentials>"
    )
}

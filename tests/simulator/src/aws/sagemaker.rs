//! `SageMaker`: one notebook at a time. Lists are in `list.rs`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Context,
    answer::{ApiError, Codes},
    list,
};
use crate::{
    Notebook, Operation, Platform, RootAccess, Service, Status,
    instance::{Attachment, Changes, End, Instance, Transition},
    world::World,
};

const CODES: Codes = Codes::of(Service::SageMaker);

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Description<'a> {
    notebook_instance_arn: &'a str,
    notebook_instance_name: &'a str,
    notebook_instance_status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason: Option<&'a str>,
    url: String,
    instance_type: &'a str,
    role_arn: String,
    last_modified_time: f64,
    creation_time: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    notebook_instance_lifecycle_config_name: Option<&'a str>,
    direct_internet_access: &'a str,
    #[serde(rename = "VolumeSizeInGB")]
    volume_size_in_gb: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    root_access: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform_identifier: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    accelerator_types: &'a [String],
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateInput {
    root_access: Option<String>,
    instance_type: Option<String>,
    lifecycle_config_name: Option<String>,
    #[serde(default)]
    disassociate_lifecycle_config: bool,
    platform_identifier: Option<String>,
    #[serde(default)]
    disassociate_accelerator_types: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateInput {
    notebook_instance_name: String,
    instance_type: String,
    #[serde(rename = "RoleArn")]
    _role_arn: String,
    root_access: Option<String>,
    lifecycle_config_name: Option<String>,
    platform_identifier: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    value: String,
}

/// Formats a time for awsJson1.1: seconds with milliseconds.
#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of this century are exact in a double"
)]
pub(super) fn seconds(time: Timestamp) -> f64 {
    time.as_millisecond() as f64 / 1000.0
}

/// Serializes an answer. Serde cannot fail for these types.
pub(super) fn to_json(answer: &impl Serialize) -> Result<Vec<u8>, ApiError> {
    serde_json::to_vec(answer).map_err(|e| ApiError::new("InternalFailure", 500, e.to_string()))
}

pub(super) fn perform(world: &mut World, context: &Context<'_>) -> Result<Vec<u8>, ApiError> {
    match context.request.operation {
        Operation::ListNotebookInstances => list::notebooks(world, context),
        Operation::ListTags => list::tags(world, context),
        Operation::DescribeNotebookInstance => describe(find(world, context)?),
        Operation::StopNotebookInstance => stop(world, context),
        Operation::StartNotebookInstance => start(world, context),
        Operation::UpdateNotebookInstance => update(world, context),
        Operation::DeleteNotebookInstance => write(world, context, Transition::Delete, None),
        Operation::CreateNotebookInstance => create(world, context),
        _ => Err(CODES.unknown_operation(&context.request.operation_name)),
    }
}

fn place<'a>(context: &Context<'a>) -> Result<(&'a str, &'a str, &'a str), ApiError> {
    let request = context.request;
    let name = request.field("NotebookInstanceName").ok_or_else(|| {
        ApiError::validation(
            "1 validation error detected: Value null at 'notebookInstanceName' failed to satisfy constraint: \
             Member must not be null",
        )
    })?;
    Ok((&context.caller.account, &request.region, name))
}

fn find<'w>(world: &'w mut World, context: &Context<'_>) -> Result<&'w Instance, ApiError> {
    let (account, region, name) = place(context)?;
    let instance = world.instance(account, region, name, context.now);
    instance
        .map(|instance| &*instance)
        .ok_or_else(ApiError::not_found)
}

fn describe(instance: &Instance) -> Result<Vec<u8>, ApiError> {
    let notebook = &instance.record;
    let (status, last_modified) = instance.seen();
    to_json(&Description {
        notebook_instance_arn: &instance.arn,
        notebook_instance_name: &notebook.name,
        notebook_instance_status: status.as_str(),
        failure_reason: notebook
            .failure_reason
            .as_deref()
            .filter(|_| *status == Status::Failed),
        url: format!(
            "{}.notebook.{}.sagemaker.aws",
            notebook.name, notebook.region
        ),
        instance_type: &notebook.instance_type,
        role_arn: format!("arn:aws:iam::{}:role/notebook", notebook.account),
        last_modified_time: seconds(last_modified),
        creation_time: seconds(notebook.created),
        notebook_instance_lifecycle_config_name: notebook.lifecycle_config.as_deref(),
        direct_internet_access: "Enabled",
        volume_size_in_gb: 5,
        root_access: notebook.root_access.wire(),
        platform_identifier: notebook.platform.wire(),
        accelerator_types: &notebook.accelerator_types,
    })
}

/// Checks a write, and begins its transition. All writes have an empty answer.
fn write(
    world: &mut World,
    context: &Context<'_>,
    transition: Transition,
    end: Option<End>,
) -> Result<Vec<u8>, ApiError> {
    guard(world, context, transition)?;
    world.begin(place(context)?, transition, end, context.now);
    Ok(Vec::new())
}

/// Checks existence, then state, then permission. With `permission_before_state`, permission was
/// checked before.
fn guard(world: &mut World, context: &Context<'_>, transition: Transition) -> Result<(), ApiError> {
    let assumptions = world.assumptions.clone();
    let instance = find(world, context)?;
    let (status, arn) = (&instance.record.status, &instance.arn);
    transition
        .guard(status, arn, &assumptions)
        .map_err(ApiError::validation)?;
    if context.plan.denied {
        return Err(CODES.denied(context.caller, context.request));
    }
    Ok(())
}

fn stop(world: &mut World, context: &Context<'_>) -> Result<Vec<u8>, ApiError> {
    let end = context.plan.stuck_stopping.then_some(End::Never);
    write(world, context, Transition::Stop, end)
}

fn start(world: &mut World, context: &Context<'_>) -> Result<Vec<u8>, ApiError> {
    guard(world, context, Transition::Start)?;
    let notebook = find(world, context)?.record.clone();
    let unsupported = world.platforms.check_start(&notebook, &world.assumptions);
    let unsupported = unsupported.map_err(ApiError::validation)?;
    if context.plan.start_not_taken {
        return Ok(Vec::new());
    }
    let failing = context.plan.start_fails.clone().map(End::Fail);
    let end = unsupported.or(failing);
    world.begin(place(context)?, Transition::Start, end, context.now);
    Ok(Vec::new())
}

fn update(world: &mut World, context: &Context<'_>) -> Result<Vec<u8>, ApiError> {
    let input = UpdateInput::deserialize(context.request.json());
    let input = input.map_err(|error| ApiError::serialization(&error.to_string()))?;
    let lifecycle_config = if input.disassociate_lifecycle_config {
        Some(Attachment::Detach)
    } else {
        input.lifecycle_config_name.map(Attachment::Attach)
    };
    let changes = Changes {
        root_access: input.root_access.map(root_access).transpose()?,
        instance_type: input.instance_type,
        lifecycle_config,
        platform: input.platform_identifier.map(Platform::Identifier),
        detach_accelerators: input.disassociate_accelerator_types,
    };
    guard(world, context, Transition::Update)?;
    if let Some(to) = &changes.platform {
        let from = find(world, context)?.record.platform.clone();
        let change = world.platforms.check_change(&from, to, &world.assumptions);
        change.map_err(ApiError::validation)?;
    }
    let end = Some(End::Apply(changes));
    world.begin(place(context)?, Transition::Update, end, context.now);
    Ok(Vec::new())
}

fn create(world: &mut World, context: &Context<'_>) -> Result<Vec<u8>, ApiError> {
    let input = CreateInput::deserialize(context.request.json());
    let input = input.map_err(|error| ApiError::serialization(&error.to_string()))?;
    let (account, region) = (&context.caller.account, &context.request.region);
    let name = input.notebook_instance_name;
    if let Some(existing) = world.instance(account, region, &name, context.now) {
        let message = format!(
            "Cannot create already existing notebook instance ({})",
            existing.arn
        );
        return Err(ApiError::validation(message));
    }
    if context.plan.denied {
        return Err(CODES.denied(context.caller, context.request));
    }
    let platform = input.platform_identifier;
    let platform = platform.unwrap_or_else(|| world.platforms.current.clone());
    let platform = Platform::Identifier(platform);
    let supported = world
        .platforms
        .check_supported(&platform, &world.assumptions);
    supported.map_err(ApiError::validation)?;
    let mut notebook = Notebook::new(account, region, &name)
        .status(Status::Stopped)
        .platform(platform);
    notebook.root_access = input
        .root_access
        .map(root_access)
        .transpose()?
        .unwrap_or_default();
    notebook.instance_type = input.instance_type;
    notebook.lifecycle_config = input.lifecycle_config_name;
    notebook.tags = input
        .tags
        .into_iter()
        .map(|tag| (tag.key, tag.value))
        .collect();
    notebook.created = world.timestamp(context.now);
    let arn = notebook.arn();
    world.put_notebook(notebook);
    let end = context.plan.start_fails.clone().map(End::Fail);
    world.begin(
        (account, region, &name),
        Transition::Start,
        end,
        context.now,
    );
    to_json(&serde_json::json!({"NotebookInstanceArn": arn}))
}

fn root_access(value: String) -> Result<RootAccess, ApiError> {
    match RootAccess::from(value) {
        known @ (RootAccess::Enabled | RootAccess::Disabled) => Ok(known),
        RootAccess::Absent | RootAccess::Other(_) => Err(ApiError::validation(
            "1 validation error detected: Value at 'rootAccess' failed to satisfy constraint: \
             Member must satisfy enum value set: [Enabled, Disabled]",
        )),
    }
}

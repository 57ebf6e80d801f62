//! The templates: they say what the JSON files say, and the notebooks that they make pass the
//! service control policy.

use std::path::Path;
use std::process::Command;

use local_cluster::{Tool, Toolbox};
use serde_json::{Map, Value, json};
use sudoless::domain::CURRENT_PLATFORM;

use super::{
    document,
    evaluator::{Decision, Request, decide, texts},
    generated, hcl, root, text,
    yaml::stack,
};

const OPERATOR: (&str, &str) = (
    "OperatorRoleArn",
    "arn:aws:iam::123456789012:role/sudoless-operator",
);

/// The statements of a role's policies, in their order.
fn statements(role: &Value) -> Vec<Value> {
    let policies = role["Properties"]["Policies"].as_array().unwrap();
    policies
        .iter()
        .flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array().unwrap())
        .cloned()
        .collect()
}

/// The statements that `sudoless generate` prints.
fn printed(arguments: &str) -> Vec<Value> {
    let document: Value = serde_json::from_str(&generated(arguments)).unwrap();
    document["Statement"].as_array().unwrap().clone()
}

#[test]
fn the_stack_makes_the_role_of_the_json_files() {
    let template = text("cloudformation/member-role.yaml");
    for (mode, argument) in [("Audit", "audit"), ("Enforce", "enforce")] {
        let role = &stack(
            &template,
            &[OPERATOR, ("ExternalId", "8f1c"), ("Mode", mode)],
        )["Role"];
        assert_eq!(role["Type"], "AWS::IAM::Role");
        assert_eq!(
            role["Properties"]["AssumeRolePolicyDocument"],
            document("trust-member.json")
        );
        assert_eq!(
            statements(role),
            printed(&format!("iam --mode {argument} --partition aws-cn"))
        );
    }
}

#[test]
fn a_stack_without_options_audits_and_asks_for_no_external_id() {
    let role = &stack(&text("cloudformation/member-role.yaml"), &[OPERATOR])["Role"]["Properties"];
    assert_eq!(role["RoleName"], "sudoless");
    assert!(role.get("PermissionsBoundary").is_none());
    let (_, operator) = OPERATOR;
    let trust: Value = serde_json::from_str(&generated(&format!(
        "iam --trust account --operator-role {operator}"
    )))
    .unwrap();
    assert_eq!(role["AssumeRolePolicyDocument"], trust);
    assert_eq!(role["Policies"].as_array().unwrap().len(), 1);
}

#[test]
fn a_stack_leaves_exempt_notebooks_alone() {
    let options = "--exempt-tag sudoless-exempt --exempt-tag team=research";
    let template = generated(&format!("cloudformation role {options}"));
    let role = &stack(&template, &[OPERATOR, ("Mode", "Enforce")])["Role"];
    assert_eq!(
        statements(role),
        printed(&format!("iam --mode enforce --partition aws-cn {options}"))
    );
}

/// What a request says that makes the notebook of some properties.
fn passes_the_scp(root_access: &str) -> bool {
    let request = Request {
        principal: ("AWS", "-"),
        action: "sagemaker:CreateNotebookInstance",
        resource: "*",
        context: &[("sagemaker:RootAccess", root_access)],
    };
    decide(&[&document("scp.json")], request) != Decision::Denied
}

#[test]
fn the_stack_of_a_notebook_gives_no_root() {
    let template = text("cloudformation/notebook.yaml");
    let parameters = [
        ("NotebookName", "churn"),
        ("SubnetId", "subnet-1"),
        ("SecurityGroupIds", "sg-1"),
    ];
    let plain = stack(&template, &parameters);
    let notebook = &plain["Notebook"]["Properties"];
    assert!(passes_the_scp(notebook["RootAccess"].as_str().unwrap()));
    assert_eq!(notebook["DirectInternetAccess"], "Disabled");
    assert_eq!(notebook["PlatformIdentifier"], CURRENT_PLATFORM);
    assert_eq!(
        notebook["InstanceMetadataServiceConfiguration"]["MinimumInstanceMetadataServiceVersion"],
        "2"
    );
    assert!(notebook.get("KmsKeyId").is_none() && notebook.get("LifecycleConfigName").is_none());
    assert_eq!(statements(&plain["Role"]).len(), 1, "only its logs");

    let with_bucket = stack(
        &template,
        &[&parameters[..], &[("BucketName", "data")]].concat(),
    );
    let allowed = |action: &str, resource: &str| {
        let document =
            json!({"Version": "2012-10-17", "Statement": statements(&with_bucket["Role"])});
        let request = Request {
            principal: ("AWS", "-"),
            action,
            resource,
            context: &[],
        };
        decide(&[&document], request) == Decision::Allowed
    };
    let logs = "arn:aws-cn:logs:cn-north-1:111122223333:log-group:/aws/sagemaker/NotebookInstances";
    assert!(allowed("logs:CreateLogGroup", logs));
    assert!(allowed(
        "logs:PutLogEvents",
        &format!("{logs}:log-stream:churn/jupyter.log")
    ));
    assert!(!allowed("logs:DeleteLogGroup", logs));
    assert!(allowed("s3:GetObject", "arn:aws-cn:s3:::data/a/b"));
    assert!(allowed("s3:ListBucket", "arn:aws-cn:s3:::data"));
    assert!(!allowed("s3:GetObject", "arn:aws-cn:s3:::database/a"));
    assert!(!allowed("s3:DeleteObject", "arn:aws-cn:s3:::data/a"));
    assert!(!allowed("sagemaker:UpdateNotebookInstance", "*"));
}

/// A module's `main.tf`.
fn module(name: &str) -> Value {
    hcl::read(&text(&format!("terraform/{name}/main.tf")))
}

/// A block, or several, as a list.
fn blocks(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(blocks) => blocks.iter().collect(),
        block => vec![block],
    }
}

/// A list of one as IAM writes it.
fn one_or_many(values: &Value) -> Value {
    let values: Vec<&str> = texts(values).collect();
    match values.as_slice() {
        [only] => json!(only.replace("${data.aws_partition.current.partition}", "aws")),
        several => json!(several),
    }
}

/// The statements of an `aws_iam_policy_document`, as IAM writes them; what is dynamic is left out.
fn terraform_statements(module: &Value, name: &str) -> Vec<Value> {
    let document = &module["data"]["aws_iam_policy_document"][name];
    blocks(&document["statement"])
        .into_iter()
        .map(|block| {
            let mut statement = Map::new();
            for (key, value) in block.as_object().unwrap() {
                let (key, value) = match &**key {
                    "sid" => ("Sid", value.clone()),
                    "effect" => ("Effect", value.clone()),
                    "actions" => ("Action", one_or_many(value)),
                    "resources" => ("Resource", one_or_many(value)),
                    "condition" => {
                        let mut condition = json!({});
                        for block in blocks(value) {
                            let test = block["test"].as_str().unwrap();
                            let variable = block["variable"].as_str().unwrap();
                            condition[test][variable] = one_or_many(&block["values"]);
                        }
                        ("Condition", condition)
                    }
                    "principals" => {
                        let kind = value["type"].as_str().unwrap();
                        (
                            "Principal",
                            json!({kind: one_or_many(&value["identifiers"])}),
                        )
                    }
                    "dynamic" => continue,
                    other => panic!("{other} is not known"),
                };
                statement.insert(key.to_owned(), value);
            }
            Value::Object(statement)
        })
        .collect()
}

#[test]
fn terraform_makes_the_role_of_the_json_files() {
    let module = module("member-role");
    let read = terraform_statements(&module, "read");
    let change = terraform_statements(&module, "change");
    assert_eq!(
        Value::from(read.clone()),
        document("audit.json")["Statement"]
    );
    assert_eq!(
        Value::from([read, change].concat()),
        document("remediate.json")["Statement"]
    );

    let mut trust = document("trust-member.json")["Statement"].clone();
    for statement in trust.as_array_mut().unwrap() {
        statement["Principal"]["AWS"] = json!("${var.operator_role_arn}");
        // The external id is dynamic, see below.
        statement.as_object_mut().unwrap().remove("Condition");
    }
    assert_eq!(Value::from(terraform_statements(&module, "trust")), trust);
    let enter = &module["data"]["aws_iam_policy_document"]["trust"]["statement"][0];
    let condition = &enter["dynamic"]["condition"];
    assert_eq!(condition["for_each"], "${var.external_id[*]}");
    assert_eq!(condition["content"]["test"], "StringEquals");
    assert_eq!(condition["content"]["variable"], "sts:ExternalId");
    assert_eq!(
        condition["content"]["values"],
        json!(["${condition.value}"])
    );

    let exempt =
        &module["data"]["aws_iam_policy_document"]["change"]["dynamic"]["statement"]["content"];
    let printed = &printed("iam --mode enforce --exempt-tag team=research")[6];
    assert_eq!(exempt["effect"], printed["Effect"]);
    assert_eq!(exempt["actions"], printed["Action"], "never Start");
    assert_eq!(one_or_many(&exempt["resources"]), printed["Resource"]);

    let count = &module["resource"]["aws_iam_role_policy"]["change"]["count"];
    assert_eq!(*count, "${var.mode == \"Enforce\" ? 1 : 0}");
}

#[test]
fn terraforms_notebook_gives_no_root() {
    let module = module("notebook");
    let notebook = &module["resource"]["aws_sagemaker_notebook_instance"]["this"];
    assert!(passes_the_scp(notebook["root_access"].as_str().unwrap()));
    assert_eq!(notebook["direct_internet_access"], "Disabled");
    assert_eq!(notebook["platform_identifier"], CURRENT_PLATFORM);
    let metadata = &notebook["instance_metadata_service_configuration"];
    assert_eq!(metadata["minimum_instance_metadata_service_version"], "2");
    assert!(notebook.get("lifecycle_config_name").is_none());
}

/// Every variable is used, and none is used that is not there: what `validate` would say, which
/// needs the provider.
#[test]
fn modules_use_their_variables() {
    for name in ["member-role", "many-accounts", "notebook"] {
        let variables: Value = hcl::read(&text(&format!("terraform/{name}/variables.tf")));
        let declared: Vec<&String> = variables["variable"].as_object().unwrap().keys().collect();
        let main = text(&format!("terraform/{name}/main.tf"));
        let readme = text(&format!("terraform/{name}/README.md"));
        for variable in &declared {
            assert!(
                main.contains(&format!("var.{variable}")),
                "{name}: {variable} is not used"
            );
            assert!(
                readme.contains(&format!("`{variable}`")),
                "{name}: {variable} is not explained"
            );
        }
        for used in main.split("var.").skip(1) {
            let end = used
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap();
            assert!(
                declared.iter().any(|it| **it == used[..end]),
                "{name}: {}",
                &used[..end]
            );
        }
    }
}

#[test]
fn the_stack_set_gives_the_template_what_it_asks_for() {
    let role = stack(
        &text("terraform/many-accounts/member-role.yaml"),
        &[OPERATOR],
    );
    assert_eq!(
        role,
        stack(&text("cloudformation/member-role.yaml"), &[OPERATOR])
    );
    let module = module("many-accounts");
    let given = module["resource"]["aws_cloudformation_stack_set"]["role"]["parameters"]
        .as_object()
        .unwrap();
    let template = text("cloudformation/member-role.yaml");
    for parameter in given.keys() {
        assert!(
            template.contains(&format!("\n  {parameter}:\n    Type: ")),
            "{parameter}"
        );
    }
    assert_eq!(text("terraform/many-accounts/scp.json"), text("scp.json"));
}

#[test]
fn terraform_would_format_them_so() {
    let toolbox = Toolbox::open().unwrap();
    toolbox.provide(&[Tool::Tofu]).unwrap();
    let check = |folder: &Path| {
        Command::new(toolbox.path(Tool::Tofu))
            .args(["fmt", "-check", "-diff", "-recursive"])
            .arg(folder)
            .output()
            .unwrap()
    };
    let output = check(&root().join("config/iam/terraform"));
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );

    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("main.tf"), "locals {\n a=1\n}\n").unwrap();
    assert!(
        !check(folder.path()).status.success(),
        "it finds what is not"
    );
}

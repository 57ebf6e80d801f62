# The role of sudoless in all present and future accounts of organizational units, and the service control policy.
# Written by `sudoless generate terraform many-accounts`.

resource "aws_cloudformation_stack_set" "role" {
  name             = "sudoless-role"
  description      = "The role that sudoless assumes to find notebook instances whose users have root access"
  permission_model = "SERVICE_MANAGED"
  call_as          = var.call_as
  capabilities     = ["CAPABILITY_NAMED_IAM"]
  template_body    = file("${path.module}/member-role.yaml")

  parameters = {
    OperatorRoleArn = var.operator_role_arn
    ExternalId      = var.external_id
    RoleName        = var.role_name
    Mode            = var.mode
  }

  auto_deployment {
    enabled                          = true
    retain_stacks_on_account_removal = false
  }

  operation_preferences {
    failure_tolerance_percentage = 10
    max_concurrent_percentage    = 100
  }

  # AWS sets the administration role for service-managed permissions.
  lifecycle {
    ignore_changes = [administration_role_arn]
  }
}

resource "aws_cloudformation_stack_instances" "role" {
  stack_set_name = aws_cloudformation_stack_set.role.name
  call_as        = var.call_as
  regions        = [var.region]

  deployment_targets {
    organizational_unit_ids = var.organizational_unit_ids
  }
}

resource "aws_organizations_policy" "no_root" {
  count = var.attach_scp ? 1 : 0

  name        = "sudoless-no-root"
  description = "Denies creating notebook instances with root access and enabling it again"
  type        = "SERVICE_CONTROL_POLICY"
  content     = file("${path.module}/scp.json")
}

resource "aws_organizations_policy_attachment" "no_root" {
  for_each = toset(var.attach_scp ? var.organizational_unit_ids : [])

  policy_id = aws_organizations_policy.no_root[0].id
  target_id = each.value
}

# The role that sudoless assumes to find SageMaker notebook instances whose users have root access in this account and, with mode
# Enforce, to disable root access. Written by `sudoless generate terraform role`.

data "aws_partition" "current" {}

data "aws_iam_policy_document" "trust" {
  statement {
    sid     = "OnlyTheOperator"
    effect  = "Allow"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "AWS"
      identifiers = [var.operator_role_arn]
    }

    dynamic "condition" {
      for_each = var.external_id[*]

      content {
        test     = "StringEquals"
        variable = "sts:ExternalId"
        values   = [condition.value]
      }
    }
  }

  statement {
    sid     = "OnlyForPodIdentity"
    effect  = "Allow"
    actions = ["sts:TagSession"]

    principals {
      type        = "AWS"
      identifiers = [var.operator_role_arn]
    }
  }
}

data "aws_iam_policy_document" "read" {
  statement {
    sid       = "List"
    effect    = "Allow"
    actions   = ["sagemaker:ListNotebookInstances"]
    resources = ["*"]
  }

  statement {
    sid       = "Describe"
    effect    = "Allow"
    actions   = ["sagemaker:DescribeNotebookInstance"]
    resources = ["arn:${data.aws_partition.current.partition}:sagemaker:*:*:notebook-instance/*"]
  }

  statement {
    sid       = "OnlyForPoliciesThatSpeakOfTags"
    effect    = "Allow"
    actions   = ["sagemaker:ListTags"]
    resources = ["arn:${data.aws_partition.current.partition}:sagemaker:*:*:notebook-instance/*"]
  }

  statement {
    sid       = "OnlyForEveryEnabledRegion"
    effect    = "Allow"
    actions   = ["account:ListRegions"]
    resources = ["*"]
  }
}

data "aws_iam_policy_document" "change" {
  statement {
    sid       = "TakeRootAwayAndNeverGiveIt"
    effect    = "Allow"
    actions   = ["sagemaker:UpdateNotebookInstance"]
    resources = ["arn:${data.aws_partition.current.partition}:sagemaker:*:*:notebook-instance/*"]

    condition {
      test     = "StringEquals"
      variable = "sagemaker:RootAccess"
      values   = ["Disabled"]
    }
  }

  statement {
    sid       = "Restart"
    effect    = "Allow"
    actions   = ["sagemaker:StopNotebookInstance", "sagemaker:StartNotebookInstance"]
    resources = ["arn:${data.aws_partition.current.partition}:sagemaker:*:*:notebook-instance/*"]
  }

  # Start stays allowed: a notebook that is tagged while it is down must be started again.
  dynamic "statement" {
    for_each = var.exempt_tags

    content {
      sid       = "LeaveExemptNotebooks${statement.key + 1}"
      effect    = "Deny"
      actions   = ["sagemaker:UpdateNotebookInstance", "sagemaker:StopNotebookInstance"]
      resources = ["arn:${data.aws_partition.current.partition}:sagemaker:*:*:notebook-instance/*"]

      condition {
        test     = statement.value.value == null ? "Null" : "StringEquals"
        variable = "aws:ResourceTag/${statement.value.key}"
        values   = [statement.value.value == null ? "false" : statement.value.value]
      }
    }
  }
}

resource "aws_iam_role" "this" {
  name                 = var.name
  path                 = var.path
  description          = "sudoless finds notebook instances whose users have root access"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  max_session_duration = 3600
  permissions_boundary = var.permissions_boundary
  tags                 = var.tags
}

resource "aws_iam_role_policy" "read" {
  name   = "read"
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.read.json
}

resource "aws_iam_role_policy" "change" {
  count = var.mode == "Enforce" ? 1 : 0

  name   = "change"
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.change.json
}

# A SageMaker notebook instance whose users have no root access. The notebook has no direct internet access. Its role may write the
# notebook's logs and, if a bucket is named, list the bucket and read and write its objects. Written by
# `sudoless generate terraform notebook`.

data "aws_partition" "current" {}

data "aws_caller_identity" "current" {}

locals {
  partition = data.aws_partition.current.partition
  account   = data.aws_caller_identity.current.account_id
  log_group = "arn:${local.partition}:logs:*:${local.account}:log-group:/aws/sagemaker/NotebookInstances"
  bucket    = "arn:${local.partition}:s3:::${var.bucket_name == null ? "" : var.bucket_name}"
}

# Principals of other accounts cannot pass this role. AWS does not document that notebook instances send aws:SourceAccount.
data "aws_iam_policy_document" "trust" {
  statement {
    sid     = "OnlySageMaker"
    effect  = "Allow"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["sagemaker.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "use" {
  statement {
    sid    = "WriteItsLogs"
    effect = "Allow"
    actions = [
      "logs:CreateLogGroup",
      "logs:CreateLogStream",
      "logs:DescribeLogStreams",
      "logs:PutLogEvents",
    ]
    resources = [local.log_group, "${local.log_group}:*"]
  }

  dynamic "statement" {
    for_each = var.bucket_name[*]

    content {
      sid       = "ListTheBucket"
      effect    = "Allow"
      actions   = ["s3:ListBucket"]
      resources = [local.bucket]
    }
  }

  dynamic "statement" {
    for_each = var.bucket_name[*]

    content {
      sid       = "UseItsObjects"
      effect    = "Allow"
      actions   = ["s3:GetObject", "s3:PutObject"]
      resources = ["${local.bucket}/*"]
    }
  }
}

resource "aws_iam_role" "this" {
  name_prefix          = "notebook-"
  description          = "Notebook instance ${var.name}"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = var.permissions_boundary
  tags                 = var.tags
}

resource "aws_iam_role_policy" "use" {
  name   = "use"
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.use.json
}

resource "aws_sagemaker_notebook_instance" "this" {
  name = var.name

  # AWS does not start stopped notebooks on older platforms.
  platform_identifier    = "notebook-al2023-v1"
  instance_type          = var.instance_type
  volume_size            = var.volume_size
  role_arn               = aws_iam_role.this.arn
  root_access            = "Disabled"
  direct_internet_access = "Disabled"
  subnet_id              = var.subnet_id
  security_groups        = var.security_group_ids
  kms_key_id             = var.kms_key_id
  tags                   = var.tags

  instance_metadata_service_configuration {
    minimum_instance_metadata_service_version = "2"
  }

  # The first start of the notebook writes logs.
  depends_on = [aws_iam_role_policy.use]
}

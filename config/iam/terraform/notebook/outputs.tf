output "arn" {
  description = "ARN of the notebook instance."
  value       = aws_sagemaker_notebook_instance.this.arn
}

output "role_arn" {
  description = "ARN of the notebook's role, to attach more permissions."
  value       = aws_iam_role.this.arn
}

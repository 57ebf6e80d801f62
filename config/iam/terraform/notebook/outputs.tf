output "arn" {
  description = "ARN of the notebook instance."
  value       = aws_sagemaker_notebook_instance.this.arn
}

output "role_arn" {
  description = "ARN of its role, for what else it may use."
  value       = aws_iam_role.this.arn
}

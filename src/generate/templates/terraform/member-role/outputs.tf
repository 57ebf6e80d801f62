output "arn" {
  description = "ARN of the role."
  value       = aws_iam_role.this.arn
}

output "role" {
  description = "Path and name of the role, as role in the policy."
  value       = trimprefix("${var.path}${var.name}", "/")
}

output "stack_set" {
  description = "Name of the StackSet."
  value       = aws_cloudformation_stack_set.role.name
}

output "role" {
  description = "Name of the roles, as role in the policy."
  value       = var.role_name
}

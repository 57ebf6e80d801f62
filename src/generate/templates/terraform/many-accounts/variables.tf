variable "operator_role_arn" {
  description = "ARN of the role that the operator runs as. It must exist before the roles."
  type        = string
}

variable "external_id" {
  description = "What the operator must say to get in, as externalId in the policy. Empty: nothing."
  type        = string
  default     = ""
}

variable "organizational_unit_ids" {
  description = "The organizational units, or the root, in whose accounts the role is made."
  type        = list(string)

  validation {
    condition     = alltrue([for id in var.organizational_unit_ids : can(regex("^(ou-|r-)", id))])
    error_message = "Write ids of organizational units, such as ou-ab12-11111111, or that of the root, such as r-ab12."
  }
}

variable "region" {
  description = "The region of the stacks. IAM is global: one is enough."
  type        = string
}

variable "role_name" {
  description = "Name of the role, as role in the policy."
  type        = string
  default     = "sudoless"
}

variable "mode" {
  description = "Audit: the roles can only read. Enforce: they can also take root away, stop and start."
  type        = string
  default     = "Audit"

  validation {
    condition     = contains(["Audit", "Enforce"], var.mode)
    error_message = "Write Audit or Enforce."
  }
}

variable "call_as" {
  description = "SELF in the management account, DELEGATED_ADMIN in an account to which StackSets are delegated."
  type        = string
  default     = "SELF"
}

variable "attach_scp" {
  description = "true: no notebook with root is made there any more, and none gets root back. Only in the management account, or where policies are delegated."
  type        = bool
  default     = false
}

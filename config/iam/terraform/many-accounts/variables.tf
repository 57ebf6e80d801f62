variable "operator_role_arn" {
  description = "ARN of the operator's own role. It must exist before the roles."
  type        = string
}

variable "external_id" {
  description = "External id that the roles require, as externalId in the policy. Empty: none."
  type        = string
  default     = ""
}

variable "organizational_unit_ids" {
  description = "Organizational units, or the root, whose accounts get the role."
  type        = list(string)

  validation {
    condition     = alltrue([for id in var.organizational_unit_ids : can(regex("^(ou-|r-)", id))])
    error_message = "Write ids of organizational units, such as ou-ab12-11111111, or the id of the root, such as r-ab12."
  }
}

variable "region" {
  description = "Region of the stacks. One region is enough, because IAM is global."
  type        = string
}

variable "role_name" {
  description = "Name of the role, as role in the policy."
  type        = string
  default     = "sudoless"
}

variable "mode" {
  description = "Audit: the roles can only read. Enforce: the roles can also disable root access, stop and start."
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
  description = "true: the service control policy denies creating notebooks with root access and enabling it again. Needs the management account, or an account to which policies are delegated."
  type        = bool
  default     = false
}

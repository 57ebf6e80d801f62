variable "operator_role_arn" {
  description = "ARN of the operator's own role. It must exist before this role."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$", var.operator_role_arn))
    error_message = "Write the ARN of a role, such as arn:aws:iam::123456789012:role/sudoless-operator."
  }
}

variable "external_id" {
  description = "External id that the role requires, as externalId in the policy. null: none."
  type        = string
  default     = null

  validation {
    condition     = var.external_id == null || can(regex("^[A-Za-z0-9_+=,.@:/-]{2,1224}$", var.external_id))
    error_message = "Write 2 to 1224 letters, digits or _+=,.@:/-"
  }
}

variable "name" {
  description = "Name of the role, as role in the policy."
  type        = string
  default     = "sudoless"
}

variable "path" {
  description = "Path of the role, with a slash at both ends. In the policy, role consists of path and name."
  type        = string
  default     = "/"
}

variable "mode" {
  description = "Audit: the role can only read. Enforce: the role can also disable root access, stop and start."
  type        = string
  default     = "Audit"

  validation {
    condition     = contains(["Audit", "Enforce"], var.mode)
    error_message = "Write Audit or Enforce."
  }
}

variable "exempt_tags" {
  description = "Tags of notebooks that the role may neither stop nor update, whatever the policy says. A null value matches any value."
  type = list(object({
    key   = string
    value = optional(string)
  }))
  default = []
}

variable "permissions_boundary" {
  description = "ARN of the permissions boundary of the role. null: none."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of the role."
  type        = map(string)
  default     = {}
}

variable "name" {
  description = "Name of the notebook instance."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$", var.name))
    error_message = "Write up to 63 letters, digits and dashes."
  }
}

variable "instance_type" {
  description = "How large it is."
  type        = string
  default     = "ml.t3.medium"
}

variable "volume_size" {
  description = "How much its users can keep, in GiB."
  type        = number
  default     = 20
}

variable "subnet_id" {
  description = "A private subnet. What users need outside goes through its NAT gateway or endpoints."
  type        = string
}

variable "security_group_ids" {
  description = "What may be reached from it."
  type        = list(string)
}

variable "kms_key_id" {
  description = "The key for its volume. null: the one of AWS."
  type        = string
  default     = null
}

variable "bucket_name" {
  description = "The bucket that its users work with. null: none."
  type        = string
  default     = null
}

variable "permissions_boundary" {
  description = "ARN of a policy that bounds what its role may do. null: none."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of the notebook instance and its role."
  type        = map(string)
  default     = {}
}

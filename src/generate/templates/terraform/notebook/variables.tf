variable "name" {
  description = "Name of the notebook instance."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$", var.name))
    error_message = "Write up to 63 letters, digits and dashes."
  }
}

variable "instance_type" {
  description = "Instance type of the notebook instance."
  type        = string
  default     = "ml.t3.medium"
}

variable "volume_size" {
  description = "Size of the volume for the users' files, in GiB."
  type        = number
  default     = 20
}

variable "subnet_id" {
  description = "Private subnet. Traffic to the outside goes through its NAT gateway or endpoints."
  type        = string
}

variable "security_group_ids" {
  description = "Security groups, which limit the traffic of the notebook."
  type        = list(string)
}

variable "kms_key_id" {
  description = "KMS key of the volume. null: a key of AWS."
  type        = string
  default     = null
}

variable "bucket_name" {
  description = "Bucket that the users work with. null: none."
  type        = string
  default     = null
}

variable "permissions_boundary" {
  description = "ARN of the permissions boundary of the notebook's role. null: none."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of the notebook instance and of its role."
  type        = map(string)
  default     = {}
}

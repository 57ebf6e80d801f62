terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # The provider accepts notebook-al2023-v1 since October 2025 (hashicorp/terraform-provider-aws#44570).
      version = ">= 6.18"
    }
  }
}

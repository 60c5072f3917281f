variable "name" {
  type        = string
  default     = "cairn"
  description = "Of everything that is made."
}

variable "region" {
  type        = string
  description = "Of everything that is made."
}

variable "image" {
  type        = string
  description = "With its tag or digest."
}

variable "shell_image" {
  type        = string
  default     = "public.ecr.aws/docker/library/busybox:stable"
  description = "Has /bin/sh, which writes the configuration."
}

variable "replicas" {
  type        = number
  default     = 2
  description = "Tasks of the service."
}

variable "vpc" {
  type        = string
  description = "Id of the network."
}

variable "public_subnets" {
  type        = list(string)
  description = "For the load balancer, in two zones."
}

variable "private_subnets" {
  type        = list(string)
  description = "For service and database, in two zones, with a way out to the sources."
}

variable "certificate" {
  type        = string
  description = "ARN of the load balancer's certificate."
}

variable "config" {
  description = "cairn's configuration, as docs/configuration.md describes it; the database comes by itself."
  default = {
    sources = [{
      name = "toolhive"
      git = {
        repository = "https://github.com/stacklok/toolhive-catalog.git"
        path       = "pkg/catalog/toolhive/data/registry-upstream.json"
      }
      syncPolicy = { interval = "15m" }
    }]
    registries = [{ name = "default", sources = ["toolhive"] }]
    auth       = { mode = "anonymous" }
  }
}

# cairn on ECS Fargate: a service behind a load balancer, and a Postgres that only it reaches. Network and certificate
# are given. The database's URL is a secret that ECS hands to the containers; it is also in Terraform's state, which
# therefore has to be encrypted.

terraform {
  required_version = ">= 1.6"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.0"
    }
    random = {
      source  = "hashicorp/random"
      version = "~> 3.6"
    }
  }
}

provider "aws" {
  region = var.region
}

resource "aws_ecs_cluster" "this" {
  name = var.name
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/ecs/${var.name}"
  retention_in_days = 30
}

# Fargate mounts no files: a container with a shell writes the configuration before the others start.
locals {
  log = {
    logDriver = "awslogs"
    options = {
      awslogs-group         = aws_cloudwatch_log_group.this.name
      awslogs-region        = var.region
      awslogs-stream-prefix = var.name
    }
  }
  cairn = {
    image                  = var.image
    user                   = "65532"
    readonlyRootFilesystem = true
    secrets                = [{ name = "DATABASE_URL", valueFrom = aws_secretsmanager_secret.database.arn }]
    logConfiguration       = local.log
    mountPoints = [
      { sourceVolume = "config", containerPath = "/etc/cairn", readOnly = true },
      { sourceVolume = "data", containerPath = "/data" },
    ]
  }
}

resource "aws_ecs_task_definition" "this" {
  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 512
  memory                   = 1024
  execution_role_arn       = aws_iam_role.execution.arn

  volume { name = "config" }
  volume { name = "data" }

  container_definitions = jsonencode([
    {
      name             = "config"
      image            = var.shell_image
      essential        = false
      entryPoint       = ["/bin/sh", "-c"]
      command          = ["printf %s \"$CONFIG\" > /etc/cairn/config.yaml"]
      user             = "0"
      environment      = [{ name = "CONFIG", value = yamlencode(var.config) }]
      mountPoints      = [{ sourceVolume = "config", containerPath = "/etc/cairn" }]
      logConfiguration = local.log
    },
    merge(local.cairn, {
      name      = "migrate"
      essential = false
      command   = ["migrate", "up", "--config=/etc/cairn/config.yaml", "--yes"]
      dependsOn = [{ containerName = "config", condition = "SUCCESS" }]
    }),
    merge(local.cairn, {
      name         = "cairn"
      essential    = true
      command      = ["serve", "--config=/etc/cairn/config.yaml"]
      portMappings = [{ containerPort = 8080 }]
      # Longer than the drain.
      stopTimeout = 60
      # Twice as many tasks during an update fit into what db.t4g.small takes, about 200.
      environment = [{ name = "CAIRN_DATABASE_MAX_OPEN_CONNS", value = "10" }]
      healthCheck = {
        command = ["CMD", "/usr/local/bin/healthcheck", "http://127.0.0.1:8081/livez"]
        # A start may take its time.
        startPeriod = 120
      }
      dependsOn = [{ containerName = "migrate", condition = "SUCCESS" }]
    }),
  ])
}

resource "aws_ecs_service" "this" {
  name                               = var.name
  cluster                            = aws_ecs_cluster.this.id
  task_definition                    = aws_ecs_task_definition.this.arn
  desired_count                      = var.replicas
  launch_type                        = "FARGATE"
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200

  network_configuration {
    subnets         = var.private_subnets
    security_groups = [aws_security_group.service.id]
  }
  load_balancer {
    target_group_arn = aws_lb_target_group.this.arn
    container_name   = "cairn"
    container_port   = 8080
  }
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }
  depends_on = [aws_lb_listener.https]
}

resource "aws_iam_role" "execution" {
  name = "${var.name}-execution"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ecs-tasks.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy_attachment" "execution" {
  role       = aws_iam_role.execution.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}

resource "aws_iam_role_policy" "secret" {
  role = aws_iam_role.execution.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "secretsmanager:GetSecretValue", Resource = aws_secretsmanager_secret.database.arn }]
  })
}

# Postgres in two zones, backed up for a week, and kept as a snapshot when it is destroyed.

resource "random_password" "database" {
  length  = 40
  special = false
}

resource "aws_db_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.private_subnets
}

resource "aws_db_instance" "this" {
  identifier                = var.name
  engine                    = "postgres"
  engine_version            = "16"
  instance_class            = "db.t4g.small"
  allocated_storage         = 20
  storage_encrypted         = true
  multi_az                  = true
  backup_retention_period   = 7
  deletion_protection       = true
  final_snapshot_identifier = "${var.name}-last"
  db_name                   = "cairn"
  username                  = "cairn"
  password                  = random_password.database.result
  db_subnet_group_name      = aws_db_subnet_group.this.name
  vpc_security_group_ids    = [aws_security_group.database.id]
}

resource "aws_secretsmanager_secret" "database" {
  name = "${var.name}/database-url"
}

resource "aws_secretsmanager_secret_version" "database" {
  secret_id = aws_secretsmanager_secret.database.id
  secret_string = format(
    "postgres://%s:%s@%s/%s?sslmode=require",
    aws_db_instance.this.username,
    random_password.database.result,
    aws_db_instance.this.endpoint,
    aws_db_instance.this.db_name,
  )
}

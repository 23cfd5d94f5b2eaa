#!/bin/sh
# Makes or updates Temporal's two databases; docker-compose.yml runs it in Temporal's admin-tools image before the server.
set -eu
SQL_PASSWORD=$(cat /run/secrets/temporal-password)
export SQL_PASSWORD

for part in temporal visibility; do
  database=temporal
  [ "$part" = temporal ] || database=temporal_visibility
  tool="temporal-sql-tool --plugin postgres12 --endpoint temporal-store --port 5432 --user temporal --database $database"
  $tool create-database
  $tool setup-schema --version 0.0
  $tool update-schema --schema-dir "/etc/temporal/schema/postgresql/v12/$part/versioned"
done

DROP TABLE change;
DROP TABLE finding;
DROP TABLE registry_source;
DROP TABLE registry;
DROP TABLE source;
DROP TABLE generation;

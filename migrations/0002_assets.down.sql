DROP TABLE IF EXISTS search_trigram;
DROP TABLE IF EXISTS search;
DROP TABLE view;
DROP TABLE reference;
DROP TABLE facet;
DROP TABLE seen;
DROP TABLE entry;

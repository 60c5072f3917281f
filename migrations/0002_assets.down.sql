DROP TABLE search_trigram;
DROP TABLE search;
DROP TABLE view;
DROP TABLE reference;
DROP TABLE facet;
DROP TABLE seen;
DROP TABLE entry;

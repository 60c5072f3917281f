-- Assets. SQLite only, because the entry's key has to be the rowid (INTEGER PRIMARY KEY) that full-text rows point to.

CREATE TABLE entry (
    id                INTEGER PRIMARY KEY,
    namespace         TEXT   NOT NULL,
    source            TEXT   NOT NULL,
    kind              TEXT   NOT NULL,
    name              TEXT   NOT NULL,
    version           TEXT   NOT NULL,
    digest            BYTEA  NOT NULL,  -- SHA-256 of the document and the upstream values below
    status            TEXT   NOT NULL,  -- active, deprecated, deleted
    status_message    TEXT   NOT NULL,
    status_changed_at BIGINT NOT NULL,
    published_at      BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL,
    gone              BIGINT NOT NULL,  -- 1: no longer in its source
    hidden            BIGINT NOT NULL,  -- 1: the source's filter hides it
    warned            BIGINT NOT NULL,  -- 1: it has warnings
    warnings          TEXT   NOT NULL,  -- JSON array of {pointer, message}, or empty
    search            TEXT   NOT NULL,  -- folded name, title and description
    document          BYTEA  NOT NULL   -- as it came, byte for byte; last, so that long ones are in nobody's way
);

CREATE UNIQUE INDEX entry_key ON entry (namespace, kind, name, source, version);
CREATE INDEX entry_source ON entry (namespace, source, kind, name, version);

-- The last pass that met an entry, so that a resumed pass still knows what vanished: a table of its own, because meeting
-- an unchanged entry must not write the entry.
CREATE TABLE seen (
    entry_id  INTEGER PRIMARY KEY,
    namespace TEXT   NOT NULL,
    source    TEXT   NOT NULL,
    pass      BIGINT NOT NULL
);

-- What an entry is filtered by.
CREATE TABLE facet (
    namespace TEXT   NOT NULL,
    entry_id  BIGINT NOT NULL,
    facet     TEXT   NOT NULL,  -- tag
    value     TEXT   NOT NULL,
    PRIMARY KEY (entry_id, facet, value)
);

CREATE INDEX facet_value ON facet (namespace, facet, value, entry_id);

-- What an entry points to: packages, remotes, its repository.
CREATE TABLE reference (
    namespace TEXT   NOT NULL,
    entry_id  BIGINT NOT NULL,
    relation  TEXT   NOT NULL,  -- package, remote, repository
    target    TEXT   NOT NULL
);

CREATE INDEX reference_entry ON reference (entry_id);
CREATE INDEX reference_target ON reference (namespace, relation, target, entry_id);

-- One row per registry and visible record, decided when something changes, never when read. What leaves a view stays
-- as a tombstone with status deleted.
CREATE TABLE view (
    namespace  TEXT   NOT NULL,
    registry   TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    version    TEXT   NOT NULL,
    entry_id   BIGINT NOT NULL,
    status     TEXT   NOT NULL,  -- as shown: a tombstone is deleted whatever the entry says
    latest     BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,  -- what updated_since compares with
    digest     BYTEA  NOT NULL,  -- of the whole response element
    head       TEXT   NOT NULL,  -- tag, name, version and three lengths: what a page needs to know of it
    tail       BYTEA  NOT NULL,  -- what stands behind the document in the response element
    search     TEXT   NOT NULL
);

CREATE UNIQUE INDEX view_key ON view (namespace, registry, kind, name, version);
CREATE INDEX view_live ON view (namespace, registry, kind, name, version) WHERE status <> 'deleted';
CREATE INDEX view_latest ON view (namespace, registry, kind, name, version) WHERE latest = 1;
-- Answers what changed since a time, when that is little.
CREATE INDEX view_changed ON view (namespace, registry, kind, changed_at, name, version, status, latest);
-- Leads from a hit of the text index to its place in the list without touching the row.
CREATE INDEX view_entry ON view (entry_id, namespace, registry, kind, name, version, status, latest, changed_at);
-- Covers the walk that answers terms which are in many records.
CREATE INDEX view_search ON view (namespace, registry, kind, name, version, status, latest, changed_at, search);

-- Answers terms which are in few records. It knows in which texts a trigram is, not where: a third of the size, and what
-- it offers is looked at anyway. Contentless: the text stands in entry, which also serves its removal.
CREATE VIRTUAL TABLE search USING fts5 (text, content = '', columnsize = 0, detail = none, tokenize = 'trigram case_sensitive 1');
-- The same by trigram, for terms shorter than one.
CREATE VIRTUAL TABLE search_trigram USING fts5vocab (search, instance);

-- Assets. Postgres only: texts compare byte by byte (COLLATE "C"), and what SQLite finds in a virtual table an index does.

ALTER TABLE generation
    ALTER COLUMN namespace TYPE TEXT COLLATE "C";
ALTER TABLE source
    ALTER COLUMN namespace TYPE TEXT COLLATE "C",
    ALTER COLUMN name TYPE TEXT COLLATE "C";
ALTER TABLE registry
    ALTER COLUMN namespace TYPE TEXT COLLATE "C",
    ALTER COLUMN name TYPE TEXT COLLATE "C";
ALTER TABLE registry_source
    ALTER COLUMN namespace TYPE TEXT COLLATE "C",
    ALTER COLUMN registry TYPE TEXT COLLATE "C",
    ALTER COLUMN source TYPE TEXT COLLATE "C";
ALTER TABLE finding
    ALTER COLUMN namespace TYPE TEXT COLLATE "C",
    ALTER COLUMN source TYPE TEXT COLLATE "C",
    ALTER COLUMN class TYPE TEXT COLLATE "C",
    ALTER COLUMN position TYPE TEXT COLLATE "C";
ALTER TABLE change
    ALTER COLUMN namespace TYPE TEXT COLLATE "C",
    ALTER COLUMN registry TYPE TEXT COLLATE "C",
    ALTER COLUMN kind TYPE TEXT COLLATE "C",
    ALTER COLUMN name TYPE TEXT COLLATE "C",
    ALTER COLUMN version TYPE TEXT COLLATE "C";

CREATE TABLE entry (
    id                BIGINT NOT NULL PRIMARY KEY,
    namespace         TEXT   COLLATE "C" NOT NULL,
    source            TEXT   COLLATE "C" NOT NULL,
    kind              TEXT   COLLATE "C" NOT NULL,
    name              TEXT   COLLATE "C" NOT NULL,
    version           TEXT   COLLATE "C" NOT NULL,
    document          BYTEA  NOT NULL,  -- as it came, byte for byte
    digest            BYTEA  NOT NULL,  -- SHA-256 of the document and the upstream values below
    status            TEXT   COLLATE "C" NOT NULL,  -- active, deprecated, deleted
    status_message    TEXT   NOT NULL,
    status_changed_at BIGINT NOT NULL,
    published_at      BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL,
    gone              BIGINT NOT NULL,  -- 1: no longer in its source
    hidden            BIGINT NOT NULL,  -- 1: the source's filter hides it
    warned            BIGINT NOT NULL,  -- 1: it has warnings
    warnings          TEXT   NOT NULL,  -- JSON array of {pointer, message}, or empty
    search            TEXT   COLLATE "C" NOT NULL  -- folded name, title and description
);

CREATE UNIQUE INDEX entry_key ON entry (namespace, kind, name, source, version);
CREATE INDEX entry_source ON entry (namespace, source, kind, name, version);

-- The last pass that met an entry, so that a resumed pass still knows what vanished: a table of its own, because meeting
-- an unchanged entry must not write the entry.
CREATE TABLE seen (
    entry_id  BIGINT NOT NULL PRIMARY KEY,
    namespace TEXT   COLLATE "C" NOT NULL,
    source    TEXT   COLLATE "C" NOT NULL,
    pass      BIGINT NOT NULL
);

-- What an entry is filtered by.
CREATE TABLE facet (
    namespace TEXT   COLLATE "C" NOT NULL,
    entry_id  BIGINT NOT NULL,
    facet     TEXT   COLLATE "C" NOT NULL,  -- tag
    value     TEXT   COLLATE "C" NOT NULL,
    PRIMARY KEY (entry_id, facet, value)
);

CREATE INDEX facet_value ON facet (namespace, facet, value, entry_id);

-- What an entry points to: packages, remotes, its repository.
CREATE TABLE reference (
    namespace TEXT   COLLATE "C" NOT NULL,
    entry_id  BIGINT NOT NULL,
    relation  TEXT   COLLATE "C" NOT NULL,  -- package, remote, repository
    target    TEXT   COLLATE "C" NOT NULL
);

CREATE INDEX reference_entry ON reference (entry_id);
CREATE INDEX reference_target ON reference (namespace, relation, target, entry_id);

-- One row per registry and visible record, decided when something changes, never when read. What leaves a view stays
-- as a tombstone with status deleted.
CREATE TABLE view (
    namespace  TEXT   COLLATE "C" NOT NULL,
    registry   TEXT   COLLATE "C" NOT NULL,
    kind       TEXT   COLLATE "C" NOT NULL,
    name       TEXT   COLLATE "C" NOT NULL,
    version    TEXT   COLLATE "C" NOT NULL,
    entry_id   BIGINT NOT NULL,
    status     TEXT   COLLATE "C" NOT NULL,  -- as shown: a tombstone is deleted whatever the entry says
    latest     BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,  -- what updated_since compares with
    digest     BYTEA  NOT NULL,  -- of the whole response element
    head       TEXT   COLLATE "C" NOT NULL,  -- tag, name, version and three lengths: what a page needs to know of it
    tail       BYTEA  NOT NULL,  -- what stands behind the document in the response element
    search     TEXT   COLLATE "C" NOT NULL
);

CREATE UNIQUE INDEX view_key ON view (namespace, registry, kind, name, version);
CREATE INDEX view_live ON view (namespace, registry, kind, name, version) WHERE status <> 'deleted';
CREATE INDEX view_latest ON view (namespace, registry, kind, name, version) WHERE latest = 1;
CREATE INDEX view_changed ON view (namespace, registry, kind, changed_at, name, version);
CREATE INDEX view_entry ON view (entry_id, namespace, registry, kind, name, version);

-- Read as they are, never compared: statistics of them would be nobody's.
ALTER TABLE entry
    ALTER COLUMN document SET STATISTICS 0,
    ALTER COLUMN digest SET STATISTICS 0,
    ALTER COLUMN warnings SET STATISTICS 0,
    ALTER COLUMN search SET STATISTICS 0;
ALTER TABLE view
    ALTER COLUMN digest SET STATISTICS 0,
    ALTER COLUMN head SET STATISTICS 0,
    ALTER COLUMN tail SET STATISTICS 0,
    ALTER COLUMN search SET STATISTICS 0;

-- Where a text contains another, by SQLite's name.
CREATE OR REPLACE FUNCTION instr(whole TEXT, part TEXT) RETURNS INTEGER LANGUAGE sql IMMUTABLE AS 'SELECT strpos(whole, part)';

-- Answers terms which are in few records. Without the extension, or the right to make it, such a search walks.
DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX entry_search ON entry USING gin (search gin_trgm_ops);
EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported OR undefined_object THEN
    RAISE NOTICE 'no trigram index: %', SQLERRM;
END
$$;

-- Tells whoever listens that something has changed, when the change can be seen.
CREATE OR REPLACE FUNCTION announce_generation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('cairn_generation', '');
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER announce AFTER INSERT OR UPDATE ON generation
    FOR EACH STATEMENT EXECUTE FUNCTION announce_generation();

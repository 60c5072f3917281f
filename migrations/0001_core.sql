-- Sources, registries and the counters of a namespace. Times are microseconds since 1970-01-01T00:00:00Z.

CREATE TABLE generation (
    namespace  TEXT   NOT NULL PRIMARY KEY,
    value      BIGINT NOT NULL,  -- one more with every commit that changes what is visible
    change_seq BIGINT NOT NULL,  -- the last change written
    entry_id   BIGINT NOT NULL   -- serial numbers of entries given out so far
);

CREATE TABLE source (
    namespace       TEXT   NOT NULL,
    name            TEXT   NOT NULL,
    origin          TEXT   NOT NULL,  -- fingerprint of where it reads from; another one forces a full pass
    filter          TEXT   NOT NULL,  -- fingerprint of the filter that the entries' hidden column was decided by
    fence           BIGINT NOT NULL,  -- one more with every lease; a writer under an older one is refused
    lease_owner     TEXT   NOT NULL,
    lease_until     BIGINT NOT NULL,
    phase           TEXT   NOT NULL,  -- pending, syncing, complete, failed
    message         TEXT   NOT NULL,
    attempts        BIGINT NOT NULL,  -- since the last success
    last_attempt_at BIGINT,
    last_success_at BIGINT,
    next_run_at     BIGINT NOT NULL,
    fingerprint     TEXT   NOT NULL,  -- what the last complete pass saw: commit, entity tag, digest
    mark            TEXT   NOT NULL,  -- updated_since of the next incremental pass
    full_pass_at    BIGINT,           -- when the last pass over everything was complete
    pass            BIGINT NOT NULL,  -- number of the pass under way, or of the last one
    pass_state      TEXT   NOT NULL,  -- idle, full, incremental
    pass_cursor     TEXT   NOT NULL,  -- the next page of the pass under way
    pass_mark       TEXT   NOT NULL,  -- becomes mark when the pass is complete
    records         BIGINT NOT NULL,
    warned          BIGINT NOT NULL,
    hidden          BIGINT NOT NULL,
    quarantined     BIGINT NOT NULL,
    duplicates      BIGINT NOT NULL,
    skipped         BIGINT NOT NULL,
    PRIMARY KEY (namespace, name)
);

CREATE TABLE registry (
    namespace  TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    is_default BIGINT NOT NULL,
    valid_only BIGINT NOT NULL,
    loaded     BIGINT NOT NULL,  -- 1 once all its sources have been read whole
    projected  BIGINT NOT NULL,  -- 0 while its view is being made anew after a change of configuration
    records    BIGINT NOT NULL,  -- shown and not deleted, as of the last pass
    names      BIGINT NOT NULL,  -- different names among them
    PRIMARY KEY (namespace, name)
);

CREATE TABLE registry_source (
    namespace TEXT   NOT NULL,
    registry  TEXT   NOT NULL,
    position  BIGINT NOT NULL,  -- the lower one shadows the higher one
    source    TEXT   NOT NULL,
    PRIMARY KEY (namespace, registry, position)
);

-- What a source held that is not served as it stands: quarantined records, duplicates, kinds not known yet.
CREATE TABLE finding (
    namespace TEXT   NOT NULL,
    source    TEXT   NOT NULL,
    class     TEXT   NOT NULL,  -- quarantined, duplicate, skipped
    position  TEXT   NOT NULL,
    pass      BIGINT NOT NULL,
    name      TEXT   NOT NULL,
    version   TEXT   NOT NULL,
    detail    TEXT   NOT NULL,
    PRIMARY KEY (namespace, source, class, position)
);

-- What happened to the views, in order: what replicas and mirrors follow.
CREATE TABLE change (
    namespace  TEXT   NOT NULL,
    seq        BIGINT NOT NULL,
    registry   TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    version    TEXT   NOT NULL,
    op         TEXT   NOT NULL,  -- put, delete
    digest     BYTEA  NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (namespace, seq)
);

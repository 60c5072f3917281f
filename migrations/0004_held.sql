-- Removals that a source's last whole pass held back, because they are most of it.

ALTER TABLE source ADD COLUMN held_removals BIGINT NOT NULL DEFAULT 0;  -- entries it did not meet, which stay all the same
ALTER TABLE source ADD COLUMN held_since BIGINT;                        -- end of the first such pass; 0 where the next need not wait

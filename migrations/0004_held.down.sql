ALTER TABLE source DROP COLUMN held_since;
ALTER TABLE source DROP COLUMN held_removals;

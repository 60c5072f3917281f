-- Which export is being read into a namespace, and how far: an import that was cut off goes on from here.

CREATE TABLE import (
    namespace TEXT   NOT NULL PRIMARY KEY,
    export    TEXT   NOT NULL,  -- first line of the export; empty while what an abandoned import left is being removed
    line      BIGINT NOT NULL,  -- the last line that has been taken in
    complete  BIGINT NOT NULL   -- 0 until everything is there: nobody else writes here before
);

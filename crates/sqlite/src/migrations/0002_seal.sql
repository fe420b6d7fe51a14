-- At most one row. While it is there, the file belongs to a move to another database, and no server or command opens it.
CREATE TABLE seal (
    only_row INTEGER PRIMARY KEY CONSTRAINT seal_only_row CHECK (only_row = 1),
    sealed_at INTEGER NOT NULL,
    -- The database that the rows were copied to, without credentials; null: they were not copied yet.
    copied_to TEXT,
    copied_at INTEGER,
    CONSTRAINT seal_copy_is_whole CHECK ((copied_to IS NULL) = (copied_at IS NULL))
) STRICT;

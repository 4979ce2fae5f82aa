-- Why: a watcher remembers up to which block it has held incoming transfers against the ledger.
-- Lock: a look at all notes, which are few. Back: the constraint of before, when no such note is there.
ALTER TABLE watcher_note DROP CONSTRAINT watcher_note_kind_known,
  ADD CONSTRAINT watcher_note_kind_known CHECK (kind IN ('position', 'incoming', 'authority', 'alert'));

-- Why: a watcher remembers the policies that it has had, so that what was answered under an earlier one raises no alarm.
-- Lock: none that lasts; the table is small. Back: the old constraint, after the notes of the new kind are gone with their table; the
--   version before passes them over.
ALTER TABLE watcher_note DROP CONSTRAINT watcher_note_kind_known;
ALTER TABLE watcher_note ADD CONSTRAINT watcher_note_kind_known
  CHECK (kind IN ('position', 'incoming', 'authority', 'alert', 'balance', 'policy'));

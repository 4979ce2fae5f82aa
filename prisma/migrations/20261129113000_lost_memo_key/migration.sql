-- Why: a memo key that is lost for good. What only it opens waited for ever, and with it what falls due to its senders. Two people say
--   that it is lost, by an operator's login, and then such memos count as unreadable: what is not answered yet goes back.
-- Lock: none; the table is new. Back: DROP TABLE lost_memo_key; the version before does not read it, and waits as it did.

CREATE TABLE lost_memo_key (
  public_key text NOT NULL,
  actor text NOT NULL,
  agreed_by text NOT NULL,
  reason text NOT NULL,
  written_by text NOT NULL DEFAULT SESSION_USER,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT lost_memo_key_pkey PRIMARY KEY (public_key),
  CONSTRAINT lost_memo_key_of_two CHECK (actor <> '' AND agreed_by <> '' AND reason <> '' AND actor <> agreed_by)
);

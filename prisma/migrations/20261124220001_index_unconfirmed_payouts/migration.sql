-- What is open, failed, held or cancelled is a handful; what is confirmed grows for ever. Why: whoever asks for the handful
-- (liabilities, the lists of an operator, the console several times for each page) read every payout there ever was.
-- Lock: writes to payout wait while it is built, about a second for a million rows: deploy it with the workers stopped.
-- Back: drop the index. By hand: Prisma cannot say WHERE.
CREATE INDEX payout_unconfirmed ON payout (status, due) WHERE status <> 'confirmed';

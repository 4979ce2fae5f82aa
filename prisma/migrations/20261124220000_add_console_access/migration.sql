-- Who may sign in to the console, and which browsers are signed in. Why: operators act by name, and every receipt of what
-- they do names them; a session can be ended at once, which a signed cookie cannot. Lock: none, the tables are new.
-- Back: drop both tables; nothing else refers to them. By hand: the checks and the triggers at the end.
-- CreateTable
CREATE TABLE "console_user" (
    "name" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "password_hash" TEXT NOT NULL,
    "disabled" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "console_user_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "console_session" (
    "token_hash" TEXT NOT NULL,
    "user_name" TEXT NOT NULL,
    "csrf_token" TEXT NOT NULL,
    "seen_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "console_session_pkey" PRIMARY KEY ("token_hash")
);

-- CreateIndex
CREATE INDEX "console_session_user_name_idx" ON "console_session"("user_name");

-- AddForeignKey
ALTER TABLE "console_session" ADD CONSTRAINT "console_session_user_name_fkey" FOREIGN KEY ("user_name") REFERENCES "console_user"("name") ON DELETE RESTRICT ON UPDATE CASCADE;

-- By hand: closed sets, and shapes that no other part of the product would write.
ALTER TABLE console_user
  ADD CONSTRAINT console_user_name_is_plain CHECK (name ~ '^[a-z][a-z0-9._-]{0,31}$'),
  ADD CONSTRAINT console_user_role_known CHECK (role IN ('viewer', 'operator')),
  ADD CONSTRAINT console_user_password_is_hashed CHECK (password_hash LIKE '$scrypt$%');
ALTER TABLE console_session
  ADD CONSTRAINT console_session_token_is_hashed CHECK (token_hash ~ '^[0-9a-f]{64}$'),
  ADD CONSTRAINT console_session_ends CHECK (expires_at > created_at);

-- Receipts name users; a session may go.
CREATE TRIGGER no_delete BEFORE DELETE ON console_user FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON console_user EXECUTE FUNCTION refuse_removal();

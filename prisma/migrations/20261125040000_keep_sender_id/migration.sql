-- The account that sent a transfer, as it stands in the block, where a hash vouches for it. Why: a payout names its payee, a
-- node is asked who that is, and one that lies gives another account; it has to be one that has sent under this name. ADR 0015.
-- Lock: transfer, for an instant; a nullable column without a default rewrites nothing. An ingester of before leaves it empty.
-- Back: drop the column.
-- AlterTable
ALTER TABLE "transfer" ADD COLUMN     "sender_id" TEXT;

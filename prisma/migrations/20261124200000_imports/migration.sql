-- What an import knows and the chain does not: months that were paid by hand, and up to which block another installation
-- has answered every transfer. ADR 0011.
-- Lock: both tables, for an instant; nullable columns without a default rewrite nothing. Back: drop the columns.
-- AlterTable
ALTER TABLE "transfer" ADD COLUMN     "import_mark" JSONB;

-- AlterTable
ALTER TABLE "control" ADD COLUMN     "processed_elsewhere_up_to_block_num" INTEGER;

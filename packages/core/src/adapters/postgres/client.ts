import { PrismaPg } from "@prisma/adapter-pg";
import { Prisma, PrismaClient } from "../../generated/prisma/client.ts";

export { Prisma };
export type Database = PrismaClient;
export type DatabaseTx = Prisma.TransactionClient;

/** @param max connections of the pool */
export function openDatabase(connectionString: string, max = 10): Database {
  return new PrismaClient({ adapter: new PrismaPg({ connectionString, max }) });
}

/** The transaction may be tried again as it is: a deadlock, or two of them wrote the same rows. */
export function isWriteConflict(error: unknown): boolean {
  return (
    error instanceof Prisma.PrismaClientKnownRequestError &&
    (error.code === "P2034" || ["40001", "40P01"].includes(sqlState(error) ?? ""))
  );
}

/** A unique index said no: somebody else wrote the same thing first. */
export function isUniqueViolation(error: unknown): boolean {
  return (
    error instanceof Prisma.PrismaClientKnownRequestError &&
    (error.code === "P2002" || sqlState(error) === "23505")
  );
}

function sqlState(error: Prisma.PrismaClientKnownRequestError): string | undefined {
  const meta = error.meta as
    | { driverAdapterError?: { cause?: { originalCode?: string } }; code?: string }
    | undefined;
  return meta?.driverAdapterError?.cause?.originalCode ?? meta?.code;
}

/** The tables are not there. */
export function isNotMigrated(error: unknown): boolean {
  return (
    error instanceof Prisma.PrismaClientKnownRequestError &&
    (error.code === "P2021" || sqlState(error) === "42P01")
  );
}

import { existsSync, mkdtempSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const IN_MEMORY = "/dev/shm";
/** Room for the databases of all tests that run at one time. */
const ROOM_BYTES = 4 * 1024 ** 3;

/**
 * A new folder for what a test writes and does not keep; the caller removes it. In memory where there is room: to copy
 * a database of a few hundred small files takes ten times as long on a disk.
 */
export function temporaryFolder(prefix: string): string {
  return mkdtempSync(join(hasRoom() ? IN_MEMORY : tmpdir(), prefix));
}

function hasRoom(): boolean {
  if (process.env["TMPDIR"] !== undefined || !existsSync(IN_MEMORY)) return false;
  const { bavail, bsize } = statfsSync(IN_MEMORY);
  return bavail * bsize > ROOM_BYTES;
}

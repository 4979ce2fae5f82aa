// A health check for something that writes files: node fresh.mjs <folder> <ending> <hours>
// Exit code 0 when the newest file of that ending is no older. Backups have their name only once they are verified.
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const [folder, ending, hours] = process.argv.slice(2);
const times = readdirSync(folder)
  .filter((name) => name.endsWith(ending))
  .map((name) => statSync(join(folder, name)).mtimeMs);
const ageHours = (Date.now() - Math.max(0, ...times)) / 3_600_000;
if (!(ageHours <= Number(hours))) {
  process.stderr.write(
    times.length === 0 ? "there is none yet\n" : `the newest is ${ageHours.toFixed(1)} hours old\n`,
  );
  process.exitCode = 1;
}

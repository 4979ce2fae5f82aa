import { setTimeout as delay } from "node:timers/promises";
import type { WorkerName } from "./local-cluster.ts";
import type { WorkerProcess } from "./worker-process.ts";
import type { Town } from "./cluster.ts";

const started = (worker: WorkerProcess) => worker.waitFor(({ event }) => event === "process.started");

export async function startAll(town: Town): Promise<Record<WorkerName, WorkerProcess>> {
  const workers = {
    ingester: town.cluster.start("ingester", { STAKEBTS_REPLAY: "1" }),
    scheduler: town.cluster.start("scheduler"),
    payer: town.cluster.start("payer"),
  };
  await Promise.all(Object.values(workers).map(started));
  // An ingester that is killed before this begins at the newest block when it comes back, as an empty ledger does.
  await workers.ingester.waitFor(({ event }) => event === "cursor.placed");
  return workers;
}

/** Kills one worker after the other, each at another moment of its work, until the year is over. */
export async function killUntil(
  town: Town,
  workers: Record<WorkerName, WorkerProcess>,
  kills: number,
): Promise<void> {
  const names: WorkerName[] = ["payer", "ingester", "payer", "scheduler"];
  for (let kill = 0; kill < kills; kill++) {
    const name = names[kill % names.length] as WorkerName;
    // Not a wait for something: the moment of death is the point, and it shall be another one each time.
    await delay(60 + ((kill * 137) % 400));
    workers[name].kill("SIGKILL");
    await workers[name].exited;
    workers[name] = town.cluster.start(name);
  }
}

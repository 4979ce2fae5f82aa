import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

let ticksPerSecond: number | undefined;

/** After the name in brackets, which may hold blanks: state, parent, … */
const fieldsOf = (pid: number): readonly string[] =>
  readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];

function msOf(ticks: readonly (string | undefined)[]): number {
  ticksPerSecond ??= Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
  return (ticks.reduce((sum, one) => sum + Number(one), 0) * 1000) / ticksPerSecond;
}

/** Processor time that a process has used so far, in milliseconds; `undefined` where the kernel is not Linux. */
export function cpuMs(pid: number): number | undefined {
  try {
    const fields = fieldsOf(pid);
    return msOf([fields[11], fields[12]]);
  } catch {
    return undefined;
  }
}

/** The same of a process and its children, those that have ended included. */
export function familyCpuMs(pid: number): number | undefined {
  try {
    const [own, living] = [fieldsOf(pid), readdirSync("/proc").filter((name) => /^\d+$/u.test(name))];
    let sum = msOf(own.slice(11, 15));
    for (const name of living)
      try {
        const fields = fieldsOf(Number(name));
        if (Number(fields[1]) === pid) sum += msOf(fields.slice(11, 15));
      } catch {
        // It has ended meanwhile, and its parent has its time.
      }
    return sum;
  } catch {
    return undefined;
  }
}

/** The process that started another one. */
export const parentOf = (pid: number): number => Number(fieldsOf(pid)[1]);

/** Megabytes of memory that a process holds now, and the most that it ever held. */
export function memoryMb(pid: number): { readonly now: number; readonly peak: number } | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const of = (name: string): number =>
      Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`, "u").exec(status)?.[1]) / 1024);
    return { now: of("VmRSS"), peak: of("VmHWM") };
  } catch {
    return undefined;
  }
}

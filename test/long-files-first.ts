import { BaseSequencer, type TestSpecification } from "vitest/node";

/** All files of a project one after the other: a worker that goes from project to project would load the libraries again each time. */
const PROJECTS = ["db", "unit", "long-db", "long-browser", "long"];

/** Of those that take longest, on a machine that has not seen them yet: none of them may be the last, with nothing beside it. */
const LONG = [
  "spend-monitor.db",
  "sign-in.db",
  "simulator",
  "treasury",
  "request-limits",
  "lying-nodes",
  "ccxt",
];

/** The order in which files are begun: by project, and in each the long ones first. */
export class LongFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted
      .map((file) => ({ file, rank: rankOf(file) }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ file }) => file);
  }
}

function rankOf({ project, moduleId }: TestSpecification): number {
  const long = LONG.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
  return PROJECTS.indexOf(project.name) * 100 + (long === -1 ? LONG.length : long);
}

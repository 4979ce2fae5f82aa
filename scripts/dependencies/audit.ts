/** What `npm audit --json` has said. */
export type AuditVerdict =
  | { readonly type: "clean"; readonly remarks: readonly string[] }
  | { readonly type: "vulnerable"; readonly findings: readonly string[] }
  /** The registry has no such endpoint, or cannot be reached: nothing is known. */
  | { readonly type: "no_answer"; readonly reason: string };

/** From here on it is a reason not to ship. What is below is said. */
const REFUSED = new Set(["high", "critical"]);

interface Report {
  readonly message?: string;
  readonly statusCode?: number;
  readonly error?: { readonly code?: string; readonly summary?: string };
  readonly vulnerabilities?: Readonly<Record<string, { readonly severity: string; readonly range?: string }>>;
}

/** @param output of standard output, JSON as npm 10 and 11 write it: a report, or the error of the endpoint */
export function auditVerdict(output: string): AuditVerdict {
  let report: Report;
  try {
    report = JSON.parse(output) as Report;
  } catch {
    return { type: "no_answer", reason: "npm audit has not answered in JSON" };
  }
  if (report.vulnerabilities === undefined) {
    const { message, error, statusCode } = report;
    const reason = message ?? error?.summary ?? error?.code ?? String(statusCode ?? "no reason given");
    return { type: "no_answer", reason: reason === "" ? "no reason given" : reason };
  }
  const lines = Object.entries(report.vulnerabilities).map(([name, { severity, range = "" }]) => ({
    text: `${name} ${range}: ${severity}`,
    isRefused: REFUSED.has(severity),
  }));
  const findings = lines.filter(({ isRefused }) => isRefused).map(({ text }) => text);
  return findings.length > 0
    ? { type: "vulnerable", findings }
    : { type: "clean", remarks: lines.map(({ text }) => text) };
}
